/*
 * One libpq connection with deadlines, in pipeline mode: statements are queued,
 * fly together, and are answered in order. Private to the room.
 */
#ifndef STORE_PG_H
#define STORE_PG_H

#include <glib.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"
#include "store/statement.h"

typedef struct Pg Pg;

/* A parameter; text and bytes are borrowed until the call returns. Without
 * them it is SQL's NULL, of its kind. */
typedef struct {
    enum { PARAM_STOP, PARAM_TEXT, PARAM_INT, PARAM_BYTES } kind;
    const char *bytes;
    size_t length;
    int64_t number;
} Param;

Param p_text(const char *text); /* NULL: SQL's NULL */
Param p_int(int64_t number);
Param p_bytes(const void *bytes, size_t length); /* NULL bytes: NULL */

enum { PARAM_MAX = 24 };
#define PARAMS(...)                                                            \
    (const Param[])                                                            \
    {                                                                          \
        __VA_ARGS__,                                                           \
        {                                                                      \
            PARAM_STOP, NULL, 0, 0                                             \
        }                                                                      \
    }
#define NO_PARAMS ((const Param[]){{PARAM_STOP, NULL, 0, 0}})

/* Connect. FAILURE_TEMPORARY names what the server said. */
Pg *pg_open(const DatabaseSettings *settings, const char *who, GError **error);
void pg_close(Pg *pg);

/* False once the connection is lost; only pg_close() is of use then. */
bool pg_is_alive(const Pg *pg);

/*
 * Queue a statement. With `keep` its result is to be fetched by pg_result(), in
 * order; without, it is only checked. Fails when an earlier statement failed.
 */
bool pg_send(Pg *pg, StatementName name, const Param *params, bool keep,
             GError **error);
/* The same for BEGIN and what else is no statement of ours. */
bool pg_send_text(Pg *pg, const char *sql, GError **error);

/*
 * Before the statements of a transaction: the planner's and the time that each
 * may take on the server, less than what we wait for it. For this transaction
 * only, so that a pooler's next client does not inherit it.
 */
bool pg_send_rules(Pg *pg, GError **error);
/* The time alone: for simple statements, which have but one plan. */
bool pg_send_time(Pg *pg, GError **error);
/* From here on a statement may take what it takes: COPY, as long as something
 * moves. */
bool pg_send_no_time(Pg *pg, GError **error);
/* How long to wait for an answer, or for the next bytes of one. */
void pg_set_timeout(Pg *pg, int64_t timeout_s);
/* Has the server ended a statement since, because of its time? */
bool pg_is_out_of_time(const Pg *pg);
/* Have results sent as soon as they are there, not when the flight ends: time
 * is counted between them. */
bool pg_flush_request(Pg *pg, GError **error);

/* The next kept result, in binary format. Free with PQclear(). */
PGresult *pg_result(Pg *pg, GError **error);

/*
 * End what was queued: all results come in. `commit` says that this ends a
 * transaction, so that a lost connection is FAILURE_UNCERTAIN; `tag` is the
 * command tag the last result must have (NULL: any).
 */
bool pg_sync(Pg *pg, bool commit, const char *tag, GError **error);

/* Make the connection fit for the next transaction: drain, roll back. */
bool pg_reset(Pg *pg, GError **error);

/* Outside a transaction: plan the prepared statements anew when the tables have
 * grown since (young tables leave plans that stay bad). */
bool pg_refresh_plans(Pg *pg, GError **error);

/*
 * Copy one row (digest, bytes, octets) into raw_mail, streamed. Inside a
 * transaction, with nothing queued.
 */
bool pg_copy_raw(Pg *pg, GBytes *digest, GBytes *raw, GError **error);

/* Fields of a binary result. Text is borrowed from the result and ends in NUL
 * (the server has none inside). */
const char *pg_text(const PGresult *result, int row, int column);
int64_t pg_int(const PGresult *result, int row, int column);
bool pg_bool(const PGresult *result, int row, int column);
bool pg_is_null(const PGresult *result, int row, int column);
GBytes *pg_bytes(const PGresult *result, int row, int column);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pg, pg_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PGresult, PQclear)

#endif
