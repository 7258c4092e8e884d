#include "store/pg.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/text.h"
#include "store/pg_inside.h"

enum {
    FIRST_REPLAN = 200, /* transactions until plans are made anew, then x4 */
    LAST_REPLAN = 3200000,
    /* Of our own patience, after which the server ends a statement: it is to
     * say so while somebody listens. */
    STATEMENT_PERCENT = 80,
    LOCK_PERCENT =
        80,      /* of that, for a lock: it is told from a slow statement */
    CANCEL_S = 2 /* to hand a request to cancel to the server */
};

/* ---- errors ---- */

/* SQLSTATE to "what to do next". What the data itself is guilty of is
 * permanent: class 22 (data exception), 23 (integrity: whoever lost a race
 * tries once more, alone, and sees what the other did), 54 (too large). All
 * else is the server's or the operator's, and may heal. */
static FailureCode
failure_of(const char *sqlstate)
{
    static const char *const permanent[] = {"22", "23", "54"};
    for (size_t i = 0; i < G_N_ELEMENTS(permanent); i++)
        if (strncmp(sqlstate, permanent[i], 2) == 0)
            return FAILURE_PERMANENT;
    return FAILURE_TEMPORARY;
}

/* What somebody said, in one line: until the server knows who asks, it may
 * speak in any encoding. */
static char *
one_line(const char *words)
{
    g_autofree char *valid = text_repair(words, strlen(words));
    return text_one_line(valid);
}

void
pg_set_lost(Pg *pg, GError **error, const char *why)
{
    g_autofree char *said = one_line(why);
    pg->failed = true;
    failure_set(error, FAILURE_TEMPORARY, "database connection lost: %s", said);
}

void
pg_set_refused(Pg *pg, const PGresult *result, GError **error)
{
    pg->failed = true;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (sqlstate == NULL) { /* no SQLSTATE: the connection broke */
        pg_set_lost(pg, error, PQresultErrorMessage(result));
        return;
    }
    pg->out_of_time = strcmp(sqlstate, "57014") == 0; /* query_canceled */
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    g_autofree char *said = one_line(text != NULL ? text : "");
    failure_set(error, failure_of(sqlstate), "database: %s (SQLSTATE %s)", said,
                sqlstate);
}

/* ---- waiting ---- */

/*
 * Ask the server to end what runs. libpq does that over another connection and
 * waits for as long as it takes, so a child does it, and is killed if the
 * server does not take it.
 */
static void
cancel(Pg *pg)
{
    PGcancel *request = PQgetCancel(pg->connection);
    if (request == NULL)
        return;
    pid_t child = fork();
    if (child == 0) {
        char why[256];
        sigset_t alarm_only;
        sigemptyset(&alarm_only);
        sigaddset(&alarm_only, SIGALRM);
        signal(SIGALRM, SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
        alarm(CANCEL_S);
        PQcancel(request, why, sizeof why);
        _exit(0);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    PQfreeCancel(request);
}

/* The server ends a statement before this (see statement_rules), so it does not
 * answer at all, or not to us. Of what may be a COMMIT nobody knows how far it
 * is: that is left alone. */
static void
give_up(Pg *pg)
{
    if (PQstatus(pg->connection) == CONNECTION_OK && !pg->committing)
        cancel(pg);
    PQfinish(pg->connection);
    pg->connection = NULL;
}

/* Wait until the socket can be read (or written, while something is queued). */
bool
pg_wait_io(Pg *pg, short events, int64_t deadline_us, GError **error)
{
    for (;;) {
        int64_t left_us = deadline_us - g_get_monotonic_time();
        if (left_us <= 0) {
            pg_set_lost(pg, error, "no answer within the time allowed");
            give_up(pg);
            return false;
        }
        struct pollfd fd = {PQsocket(pg->connection), events, 0};
        int ready = poll(&fd, 1, (int)(left_us / 1000) + 1);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR) {
            pg_set_lost(pg, error, g_strerror(errno));
            return false;
        }
    }
}

/* Read and write until a whole result is there. */
bool
pg_wait_result(Pg *pg, GError **error)
{
    int64_t deadline_us = g_get_monotonic_time() + pg->timeout_us;
    while (pg->connection != NULL) {
        int unsent = PQflush(pg->connection);
        if (unsent < 0 || PQconsumeInput(pg->connection) == 0) {
            pg_set_lost(pg, error, PQerrorMessage(pg->connection));
            return false;
        }
        if (PQisBusy(pg->connection) == 0)
            return true;
        if (!pg_wait_io(pg, unsent ? POLLIN | POLLOUT : POLLIN, deadline_us,
                        error))
            return false;
        /* Something moved: a large mail on a slow line is not a dead server. */
        deadline_us = g_get_monotonic_time() + pg->timeout_us;
    }
    pg_set_lost(pg, error, "closed");
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
            g_autofree char *said = one_line(PQerrorMessage(pg->connection));
            failure_set(error, FAILURE_TEMPORARY,
                        "cannot connect to the database: %s", said);
            return false;
        }
        if (!pg_wait_io(pg, status == PGRES_POLLING_READING ? POLLIN : POLLOUT,
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
    pg_set_timeout(pg, settings->timeout_s);
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
        pg_set_lost(pg, error, PQerrorMessage(pg->connection));
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
        pg_set_lost(pg, error, PQerrorMessage(pg->connection));
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
        pg_set_lost(pg, error, "closed");
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

static int64_t
statement_ms(const Pg *pg)
{
    return pg->timeout_us / 1000 * STATEMENT_PERCENT / 100;
}

bool
pg_send_rules(Pg *pg, GError **error)
{
    pg->out_of_time = false;
    int64_t ms = statement_ms(pg);
    return pg_send(pg, ST_statement_rules,
                   PARAMS(p_int(ms), p_int(ms * LOCK_PERCENT / 100)), false,
                   error);
}

bool
pg_send_time(Pg *pg, GError **error)
{
    pg->out_of_time = false;
    return pg_send(pg, ST_statement_time, PARAMS(p_int(statement_ms(pg))),
                   false, error);
}

bool
pg_send_no_time(Pg *pg, GError **error)
{
    return pg_send(pg, ST_statement_rules, PARAMS(p_int(0), p_int(0)), false,
                   error);
}

void
pg_set_timeout(Pg *pg, int64_t timeout_s)
{
    pg->timeout_us = timeout_s * G_USEC_PER_SEC;
}

bool
pg_is_out_of_time(const Pg *pg)
{
    return pg->out_of_time;
}

bool
pg_flush_request(Pg *pg, GError **error)
{
    if (!may_send(pg, error))
        return false;
    if (PQsendFlushRequest(pg->connection) != 0)
        return true;
    pg_set_lost(pg, error, PQerrorMessage(pg->connection));
    return false;
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
    if (!pg_wait_result(pg, error))
        return NULL;
    PGresult *result = PQgetResult(pg->connection);
    if (result == NULL)
        pg_set_lost(pg, error, PQerrorMessage(pg->connection));
    return result;
}

/* After each statement's result libpq gives one NULL. */
static bool
end_of_statement(Pg *pg, GError **error)
{
    if (!pg_wait_result(pg, error))
        return false;
    g_autoptr(PGresult) more = PQgetResult(pg->connection);
    if (more == NULL)
        return true;
    if (PQresultStatus(more) == PGRES_FATAL_ERROR)
        pg_set_refused(pg, more, error);
    else
        pg_set_lost(pg, error, "an answer that nobody asked for");
    return false;
}

/*
 * Take in the first thing owed. A refusal is reported once: what follows it in
 * the pipeline is only aborted, and so may be the connection.
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
        pg_set_lost(pg, error, "out of step");
        return false;
    }
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (good)
        g_strlcpy(pg->tag, PQcmdStatus(result), sizeof pg->tag);
    else if (!pg->failed)
        pg_set_refused(pg, result, error);
    if (good && what == OWED_KEEP)
        g_queue_push_tail(&pg->kept, g_steal_pointer(&result));
    return end_of_statement(pg, good ? error : NULL) && good;
}

PGresult *
pg_result(Pg *pg, GError **error)
{
    if (g_queue_is_empty(&pg->kept) && pg->connection != NULL && !pg->failed &&
        PQsendFlushRequest(pg->connection) == 0)
        pg_set_lost(pg, error, PQerrorMessage(pg->connection));
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
    pg->committing = commit;
    bool good =
        sent_or_lost(pg, PQpipelineSync(pg->connection), OWED_SYNC, &failure) &&
        take_all(pg, &failure);
    pg->committing = false;
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
        failure_set(error, FAILURE_UNCERTAIN, "perhaps committed: %s",
                    failure != NULL ? failure->message
                                    : "no answer to COMMIT came");
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
        pg_set_lost(pg, error, "closed");
        return false;
    }
    /* libpq learns of a transaction only with the answer to Sync. */
    PGTransactionStatusType state = PQtransactionStatus(pg->connection);
    if (state == PQTRANS_IDLE && !pg->unsynced && !pg->failed &&
        g_queue_is_empty(&pg->owed))
        return true;
    /* End the pipeline, then the transaction if it is still open. */
    bool lost_prepares = pg->failed;
    pg->failed = false;
    if (!sent_or_lost(pg, PQpipelineSync(pg->connection), OWED_SYNC, error))
        return false;
    take_all(pg, NULL);
    drop_kept(pg);
    lost_prepares |= pg->failed;
    pg->failed = false;
    if (!pg_is_alive(pg)) {
        pg_set_lost(pg, error, "closed");
        return false;
    }
    if (lost_prepares) /* behind an error nothing was prepared */
        memset(pg->have, 0, sizeof pg->have);
    bool open = PQtransactionStatus(pg->connection) != PQTRANS_IDLE;
    if (open && !pg_send_text(pg, "ROLLBACK", error))
        return false;
    if (lost_prepares && pg->prepared &&
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
