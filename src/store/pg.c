#include "store/pg.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/failure.h"
#include "base/text.h"

enum {
    COPY_CHUNK_BYTES = 64 * 1024,
    FIRST_REPLAN = 200, /* transactions until plans are made anew, then x4 */
    LAST_REPLAN = 3200000
};

/* What the server owes us, in order. */
typedef enum { OWED_CHECK, OWED_KEEP, OWED_SYNC } Owed;

struct Pg {
    PGconn *connection;
    int64_t timeout_us;
    bool prepared;       /* use prepared statements */
    bool have[ST_COUNT]; /* prepared on this connection */
    GQueue owed;         /* Owed, by GUINT_TO_POINTER */
    GQueue kept;         /* PGresult* */
    bool unsynced; /* something was sent since the last Sync */
    bool failed;         /* something in this pipeline failed */
    char tag[64];        /* command tag of the last good result */
    int64_t transactions;
    int64_t replan_at;
};

Param
p_null(void)
{
    return (Param){PARAM_NULL, NULL, 0, 0};
}

Param
p_text(const char *text)
{
    if (text == NULL)
        return p_null();
    return (Param){PARAM_TEXT, text, strlen(text), 0};
}

Param
p_int(int64_t number)
{
    return (Param){PARAM_INT, NULL, 0, number};
}

Param
p_bytes(const void *bytes, size_t length)
{
    if (bytes == NULL)
        return p_null();
    return (Param){PARAM_BYTES, bytes, length, 0};
}

/* ---- errors ---- */

/* SQLSTATE to "what to do next". What the data itself is guilty of is
 * permanent: class 22 (data exception), 23 (integrity) less the races that a
 * retry settles, 42 (our own statement), 54 (too large). All else may heal. */
static FailureCode
failure_of(const char *sqlstate)
{
    static const char *const permanent[] = {"22", "23", "42", "54"};
    static const char *const races[] = {"23505", "23503", "42P01", "42703",
                                        "42501"};
    for (size_t i = 0; i < G_N_ELEMENTS(races); i++)
        if (strcmp(sqlstate, races[i]) == 0)
            return FAILURE_TEMPORARY;
    for (size_t i = 0; i < G_N_ELEMENTS(permanent); i++)
        if (strncmp(sqlstate, permanent[i], 2) == 0)
            return FAILURE_PERMANENT;
    return FAILURE_TEMPORARY;
}

static void
set_lost(Pg *pg, GError **error, const char *why)
{
    g_autofree char *said = text_one_line(why);
    pg->failed = true;
    failure_set(error, FAILURE_TEMPORARY, "database connection lost: %s", said);
}

static void
set_refused(Pg *pg, const PGresult *result, GError **error)
{
    pg->failed = true;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL) { /* no SQLSTATE: the connection broke */
        set_lost(pg, error, PQresultErrorMessage(result));
        return;
    }
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    g_autofree char *said = text_one_line(text != NULL ? text : "");
    failure_set(error, failure_of(sqlstate), "database: %s (SQLSTATE %s)", said,
                sqlstate);
}

/* ---- waiting ---- */

/* Wait until the socket can be read (or written, while something is queued). */
static bool
wait_io(Pg *pg, short events, int64_t deadline_us, GError **error)
{
    for (;;) {
        int64_t left_us = deadline_us - g_get_monotonic_time();
        if (left_us <= 0) {
            set_lost(pg, error, "no answer within the time allowed");
            PQfinish(pg->connection);
            pg->connection = NULL;
            return false;
        }
        struct pollfd fd = {PQsocket(pg->connection), events, 0};
        int ready = poll(&fd, 1, (int)(left_us / 1000) + 1);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR) {
            set_lost(pg, error, g_strerror(errno));
            return false;
        }
    }
}

/* Read and write until a whole result is there. */
static bool
wait_result(Pg *pg, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + pg->timeout_us;
    while (pg->connection != NULL) {
        int unsent = PQflush(pg->connection);
        if (unsent < 0 || PQconsumeInput(pg->connection) == 0) {
            set_lost(pg, error, PQerrorMessage(pg->connection));
            return false;
        }
        if (PQisBusy(pg->connection) == 0)
            return true;
        if (!wait_io(pg, unsent ? POLLIN | POLLOUT : POLLIN, deadline_us,
                     error))
            return false;
    }
    set_lost(pg, error, "closed");
    return false;
}

/* ---- opening ---- */

static PGconn *
connect_start(const DatabaseSettings *settings, const char *who)
{
    /* What follows dbname overrides the administrator's words, what precedes
     * it only fills gaps. */
    const char *const keys[] = {
        "target_session_attrs", "connect_timeout",           "dbname",
        "client_encoding",      "fallback_application_name", NULL};
    const char *const values[] = {"read-write", "10", settings->conninfo,
                                  "UTF8",       who,  NULL};
    return PQconnectStartParams(keys, values, 1);
}

static bool
connect_finish(Pg *pg, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + pg->timeout_us;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED ||
            PQstatus(pg->connection) == CONNECTION_BAD) {
            g_autofree char *said =
                text_one_line(PQerrorMessage(pg->connection));
            failure_set(error, FAILURE_TEMPORARY,
                        "cannot connect to the database: %s", said);
            return false;
        }
        if (!wait_io(pg, status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                     deadline_us, error))
            return false;
        status = PQconnectPoll(pg->connection);
    }
    return true;
}

static void
ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

Pg *
pg_open(const DatabaseSettings *settings, const char *who, GError **error)
{
    g_autoptr(Pg) pg = g_new0(Pg, 1);
    pg->timeout_us = settings->timeout_s * G_USEC_PER_SEC;
    pg->prepared = settings->prepared;
    pg->replan_at = FIRST_REPLAN;
    g_queue_init(&pg->owed);
    g_queue_init(&pg->kept);
    pg->connection = connect_start(settings, who);
    if (pg->connection == NULL) {
        failure_set(error, FAILURE_TEMPORARY, "out of memory");
        return NULL;
    }
    if (!connect_finish(pg, error))
        return NULL;
    PQsetNoticeReceiver(pg->connection, ignore_notice, NULL);
    if (PQsetnonblocking(pg->connection, 1) != 0 ||
        PQenterPipelineMode(pg->connection) == 0) {
        set_lost(pg, error, PQerrorMessage(pg->connection));
        return NULL;
    }
    return g_steal_pointer(&pg);
}

static void
drop_kept(Pg *pg)
{
    PGresult *result;
    while ((result = g_queue_pop_head(&pg->kept)) != NULL)
        PQclear(result);
}

void
pg_close(Pg *pg)
{
    if (pg == NULL)
        return;
    drop_kept(pg);
    g_queue_clear(&pg->owed);
    if (pg->connection != NULL)
        PQfinish(pg->connection);
    g_free(pg);
}

bool
pg_is_alive(const Pg *pg)
{
    return pg->connection != NULL && PQstatus(pg->connection) == CONNECTION_OK;
}

/* ---- sending ---- */

static void
owe(Pg *pg, Owed what)
{
    g_queue_push_tail(&pg->owed, GUINT_TO_POINTER((guint)what + 1));
}

static bool
sent_or_lost(Pg *pg, int sent, Owed what, GError **error)
{
    if (sent == 0) {
        set_lost(pg, error, PQerrorMessage(pg->connection));
        return false;
    }
    owe(pg, what);
    pg->unsynced = what != OWED_SYNC;
    return true;
}

static bool
may_send(Pg *pg, GError **error)
{
    if (pg->connection == NULL) {
        set_lost(pg, error, "closed");
        return false;
    }
    if (pg->failed) { /* the first error was reported where it was met */
        failure_set(error, FAILURE_TEMPORARY,
                    "database: an earlier statement failed");
        return false;
    }
    return true;
}

/* Our parameters in libpq's four arrays. */
typedef struct {
    int n;
    const char *values[PARAM_MAX];
    int lengths[PARAM_MAX];
    int formats[PARAM_MAX];
    char numbers[PARAM_MAX][24];
} Arrays;

static void
arrays_fill(Arrays *arrays, const Param *params)
{
    arrays->n = 0;
    for (const Param *p = params; p->kind != PARAM_STOP; p++) {
        int i = arrays->n++;
        g_assert(i < PARAM_MAX && p->length <= G_MAXINT);
        arrays->values[i] = p->bytes;
        arrays->lengths[i] = (int)p->length;
        arrays->formats[i] = p->kind == PARAM_BYTES;
        if (p->kind == PARAM_INT) {
            g_snprintf(arrays->numbers[i], sizeof arrays->numbers[i],
                       "%" G_GINT64_FORMAT, p->number);
            arrays->values[i] = arrays->numbers[i];
        }
    }
}

bool
pg_send(Pg *pg, StatementName name, const Param *params, bool keep,
        GError **error)
{
    if (!may_send(pg, error))
        return false;
    const StatementText *text = &statement_texts[name];
    Arrays arrays;
    arrays_fill(&arrays, params);
    Owed what = keep ? OWED_KEEP : OWED_CHECK;
    if (!pg->prepared)
        return sent_or_lost(
            pg,
            PQsendQueryParams(pg->connection, text->sql, arrays.n, NULL,
                              arrays.values, arrays.lengths, arrays.formats, 1),
            what, error);
    if (!pg->have[name]) {
        if (!sent_or_lost(
                pg,
                PQsendPrepare(pg->connection, text->name, text->sql, 0, NULL),
                OWED_CHECK, error))
            return false;
        pg->have[name] = true;
    }
    return sent_or_lost(pg,
                        PQsendQueryPrepared(pg->connection, text->name,
                                            arrays.n, arrays.values,
                                            arrays.lengths, arrays.formats, 1),
                        what, error);
}

bool
pg_send_text(Pg *pg, const char *sql, GError **error)
{
    return may_send(pg, error) &&
           sent_or_lost(pg,
                        PQsendQueryParams(pg->connection, sql, 0, NULL, NULL,
                                          NULL, NULL, 1),
                        OWED_CHECK, error);
}

/* ---- receiving ---- */

static PGresult *
next_result(Pg *pg, GError **error)
{
    if (!wait_result(pg, error))
        return NULL;
    PGresult *result = PQgetResult(pg->connection);
    if (result == NULL)
        set_lost(pg, error, PQerrorMessage(pg->connection));
    return result;
}

/* After each statement's result libpq gives one NULL. */
static bool
end_of_statement(Pg *pg, GError **error)
{
    if (!wait_result(pg, error))
        return false;
    g_autoptr(PGresult) more = PQgetResult(pg->connection);
    if (more == NULL)
        return true;
    if (PQresultStatus(more) == PGRES_FATAL_ERROR)
        set_refused(pg, more, error);
    else
        set_lost(pg, error, "an answer that nobody asked for");
    return false;
}

/*
 * Take in the first thing owed. ret_error_seen: the statement was refused; that
 * is reported once, what follows in the pipeline is only aborted.
 */
static bool
take_owed(Pg *pg, GError **error)
{
    Owed what = (Owed)(GPOINTER_TO_UINT(g_queue_pop_head(&pg->owed)) - 1);
    g_autoptr(PGresult) result = next_result(pg, error);
    if (result == NULL)
        return false;
    ExecStatusType status = PQresultStatus(result);
    if (what == OWED_SYNC) {
        if (status == PGRES_PIPELINE_SYNC)
            return true;
        set_lost(pg, error, "out of step");
        return false;
    }
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (good)
        g_strlcpy(pg->tag, PQcmdStatus(result), sizeof pg->tag);
    else if (!pg->failed)
        set_refused(pg, result, error);
    if (good && what == OWED_KEEP)
        g_queue_push_tail(&pg->kept, g_steal_pointer(&result));
    return end_of_statement(pg, error) && good;
}

PGresult *
pg_result(Pg *pg, GError **error)
{
    if (g_queue_is_empty(&pg->kept) && pg->connection != NULL && !pg->failed &&
        PQsendFlushRequest(pg->connection) == 0)
        set_lost(pg, error, PQerrorMessage(pg->connection));
    while (g_queue_is_empty(&pg->kept)) {
        if (pg->failed || pg->connection == NULL) {
            if (error != NULL && *error == NULL)
                may_send(pg, error);
            return NULL;
        }
        g_assert(!g_queue_is_empty(&pg->owed));
        if (!take_owed(pg, error))
            return NULL;
    }
    return g_queue_pop_head(&pg->kept);
}

/* Read everything owed; the first error is kept, the rest is read all the
 * same. */
static bool
take_all(Pg *pg, GError **error)
{
    bool good = true;
    while (!g_queue_is_empty(&pg->owed) && pg->connection != NULL) {
        g_autoptr(GError) failure = NULL;
        if (take_owed(pg, &failure))
            continue;
        good = false;
        if (failure != NULL && error != NULL && *error == NULL)
            g_propagate_error(error, g_steal_pointer(&failure));
        if (!pg_is_alive(pg))
            g_queue_clear(&pg->owed);
    }
    return good && pg->connection != NULL;
}

bool
pg_sync(Pg *pg, bool commit, const char *tag, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!may_send(pg, error))
        return false;
    pg->tag[0] = '\0';
    bool good =
        sent_or_lost(pg, PQpipelineSync(pg->connection), OWED_SYNC, &failure) &&
        take_all(pg, &failure);
    if (good && (tag == NULL || strcmp(pg->tag, tag) == 0)) {
        pg->transactions++;
        return true;
    }
    if (good) { /* COMMIT of a failed transaction "succeeds" as ROLLBACK */
        pg->failed = true;
        failure_set(error, FAILURE_TEMPORARY,
                    "database: %s answered instead of %s", pg->tag, tag);
        return false;
    }
    pg->failed = true;
    if (commit && !pg_is_alive(pg))
        failure_set(error, FAILURE_UNCERTAIN,
                    "perhaps committed: connection lost while waiting for the "
                    "answer to COMMIT");
    else if (failure != NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    else
        failure_set(error, FAILURE_TEMPORARY, "database: transaction failed");
    return false;
}

bool
pg_reset(Pg *pg, GError **error)
{
    drop_kept(pg);
    if (!pg_is_alive(pg)) {
        set_lost(pg, error, "closed");
        return false;
    }
    /* libpq learns of a transaction only with the answer to Sync. */
    PGTransactionStatusType state = PQtransactionStatus(pg->connection);
    if (state == PQTRANS_IDLE && !pg->unsynced &&
        g_queue_is_empty(&pg->owed)) {
        pg->failed = false;
        return true;
    }
    /* End the pipeline, then the transaction if it is still open. */
    bool had_prepares = pg->failed;
    pg->failed = false;
    if (!sent_or_lost(pg, PQpipelineSync(pg->connection), OWED_SYNC, error))
        return false;
    take_all(pg, NULL);
    drop_kept(pg);
    pg->failed = false;
    if (!pg_is_alive(pg)) {
        set_lost(pg, error, "closed");
        return false;
    }
    if (had_prepares) /* some may not have been reached: ask the server anew */
        memset(pg->have, 0, sizeof pg->have);
    bool open = PQtransactionStatus(pg->connection) != PQTRANS_IDLE;
    if (open && !pg_send_text(pg, "ROLLBACK", error))
        return false;
    if (had_prepares && pg->prepared &&
        !pg_send_text(pg, "DEALLOCATE ALL", error))
        return false;
    return g_queue_is_empty(&pg->owed) || pg_sync(pg, false, NULL, error);
}

bool
pg_refresh_plans(Pg *pg, GError **error)
{
    if (!pg->prepared || pg->transactions < pg->replan_at)
        return true;
    if (pg->replan_at < LAST_REPLAN)
        pg->replan_at *= 4;
    pg->transactions = 0;
    memset(pg->have, 0, sizeof pg->have);
    return pg_send_text(pg, "DEALLOCATE ALL", error) &&
           pg_sync(pg, false, NULL, error);
}

/* ---- COPY ---- */

static bool
copy_put(Pg *pg, const char *bytes, size_t length, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + pg->timeout_us;
    int done;
    while ((done = PQputCopyData(pg->connection, bytes, (int)length)) == 0) {
        if (PQflush(pg->connection) < 0)
            break;
        if (!wait_io(pg, POLLOUT, deadline_us, error))
            return false;
    }
    /* Hand it to the kernel before the next piece, so that libpq's buffer
     * stays small. */
    int unsent = 0;
    while (done > 0 && (unsent = PQflush(pg->connection)) > 0)
        if (!wait_io(pg, POLLOUT, deadline_us, error))
            return false;
    if (done > 0 && unsent == 0)
        return true;
    set_lost(pg, error, PQerrorMessage(pg->connection));
    return false;
}

static void
append_be(GString *out, uint64_t number, size_t width)
{
    uint64_t big = htobe64(number);
    g_string_append_len(out, (const char *)&big + 8 - width, (gssize)width);
}

/* Binary COPY: signature, flags, extension, then one tuple of three fields. */
static bool
copy_row(Pg *pg, GBytes *digest, GBytes *raw, GError **error)
{
    g_autoptr(GString) head = g_string_new(NULL);
    g_string_append_len(head, "PGCOPY\n\377\r\n\0", 11);
    append_be(head, 0, 4);
    append_be(head, 0, 4);
    append_be(head, 3, 2);
    gsize digest_length, length;
    const char *digest_bytes = g_bytes_get_data(digest, &digest_length);
    append_be(head, digest_length, 4);
    g_string_append_len(head, digest_bytes, (gssize)digest_length);
    const char *bytes = g_bytes_get_data(raw, &length);
    append_be(head, length, 4);
    if (!copy_put(pg, head->str, head->len, error))
        return false;
    for (size_t at = 0; at < length; at += COPY_CHUNK_BYTES)
        if (!copy_put(pg, bytes + at, MIN(COPY_CHUNK_BYTES, length - at),
                      error))
            return false;
    g_string_truncate(head, 0);
    append_be(head, 8, 4);
    append_be(head, length, 8);
    append_be(head, 0xFFFF, 2);
    return copy_put(pg, head->str, head->len, error);
}

/* The result of one command outside pipeline mode. */
static bool
plain_result(Pg *pg, ExecStatusType wanted, GError **error)
{
    bool good = false;
    for (;;) {
        if (!wait_result(pg, error))
            return false;
        g_autoptr(PGresult) result = PQgetResult(pg->connection);
        if (result == NULL)
            break;
        good = PQresultStatus(result) == wanted;
        if (!good && !pg->failed)
            set_refused(pg, result, error);
        if (wanted == PGRES_COPY_IN)
            break;
    }
    return good;
}

bool
pg_copy_raw(Pg *pg, GBytes *digest, GBytes *raw, GError **error)
{
    /* COPY is not allowed in pipeline mode; nothing may be owed. */
    if (!may_send(pg, error) || !pg_sync(pg, false, NULL, error))
        return false;
    if (PQexitPipelineMode(pg->connection) == 0 ||
        PQsendQueryParams(pg->connection,
                          "COPY raw_mail (digest, bytes, octets) FROM STDIN "
                          "(FORMAT binary)",
                          0, NULL, NULL, NULL, NULL, 0) == 0) {
        set_lost(pg, error, PQerrorMessage(pg->connection));
        return false;
    }
    bool good = plain_result(pg, PGRES_COPY_IN, error) &&
                copy_row(pg, digest, raw, error);
    if (good && PQputCopyEnd(pg->connection, NULL) < 0) {
        set_lost(pg, error, PQerrorMessage(pg->connection));
        good = false;
    }
    good = good && plain_result(pg, PGRES_COMMAND_OK, error);
    if (!pg_is_alive(pg))
        return false;
    if (PQenterPipelineMode(pg->connection) == 0) { /* busy: half a COPY */
        PQfinish(pg->connection);
        pg->connection = NULL;
        return false;
    }
    return good;
}

/* ---- fields ---- */

const char *
pg_text(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column);
}

int64_t
pg_int(const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);
    uint64_t eight;
    uint32_t four;
    switch (PQgetlength(result, row, column)) {
    case 8:
        memcpy(&eight, value, sizeof eight);
        return (int64_t)be64toh(eight);
    case 4:
        memcpy(&four, value, sizeof four);
        return (int32_t)be32toh(four);
    default:
        return 0;
    }
}

bool
pg_bool(const PGresult *result, int row, int column)
{
    return PQgetlength(result, row, column) == 1 &&
           *PQgetvalue(result, row, column) != 0;
}

bool
pg_is_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) != 0;
}

GBytes *
pg_bytes(const PGresult *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return NULL;
    return g_bytes_new(PQgetvalue(result, row, column),
                       (gsize)PQgetlength(result, row, column));
}
