#include "gateway/process.h"

#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "gateway/metrics.h"
#include "park.h"
#include "policy/explain.h"
#include "store/context.h"
#include "store/delivery.h"
#include "work.h"

enum {
    /* Locks that all processors may hold together. They are in PostgreSQL's
     * table of locks, which all its sessions share and which has by default
     * room for 6400 (max_locks_per_transaction times max_connections). */
    LOCKS_OF_ALL = 2048,
    /* Times that a mail may take too long in the database, alone, before each
     * further one is a strike: the database may have had a bad moment. */
    FREE_DELAYS = 1
};

/* ---- a batch ---- */

/* The mail that was in hand when a batch failed. */
typedef struct {
    int64_t id;  /* 0: none */
    bool struck; /* it was too much for the parser */
} Culprit;

/* A large mail that was read a moment ago is still there. */
static bool
lend_raw(const Desk *desk, Delivery *delivery)
{
    g_autoptr(Reading) reading = readings_find(desk->readings, delivery);
    if (reading != NULL)
        delivery->raw = g_bytes_ref(reading->mail->raw);
    return reading != NULL;
}

/* A processor's part of them; one mail always has room. */
static guint
locks_of_one(const Desk *desk)
{
    int processors = desk->settings->workers.processor;
    return MAX(LOCKS_OF_ALL / (guint)MAX(processors, 1),
               (guint)LOOKUP_LOCKS_MAX);
}

/*
 * Read what was locked, up to the first large mail, which is read alone: its
 * bytes are not kept beside others; and no more than there are locks for. What
 * is left is taken with the next batch. Returns Work*; NULL on error.
 */
static GPtrArray *
read_batch(Txn *txn, Desk *desk, const GPtrArray *batch, const Diary *diary,
           Culprit *culprit, GError **error)
{
    g_autoptr(GPtrArray) works =
        g_ptr_array_new_with_free_func((GDestroyNotify)work_free);
    guint locks = 0;
    for (guint i = 0; i < batch->len; i++) {
        Delivery *delivery = batch->pdata[i];
        bool large = delivery->raw == NULL;
        if (large && i > 0)
            break;
        if (large && !lend_raw(desk, delivery) &&
            !delivery_load_raw(txn, delivery, error))
            return NULL;
        g_autoptr(GError) failure = NULL;
        Work *work = work_new(desk, delivery, diary, &failure);
        if (work == NULL) {
            /* That there is no parser just now is nobody's fault. */
            bool struck = failure_is(failure, FAILURE_PERMANENT);
            *culprit = (Culprit){struck ? delivery->id : 0, struck};
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
        locks += work->lookup->locks->len;
        if (i > 0 && locks > locks_of_one(desk)) {
            work_free(work);
            break;
        }
        g_ptr_array_add(works, work);
        if (large)
            break;
    }
    return g_steal_pointer(&works);
}

/* All locks of all mails, before anything is looked up: two processors never
 * wait for each other in a ring. */
static bool
lock_batch(Txn *txn, const GPtrArray *works, GError **error)
{
    g_autoptr(GArray) locks = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (guint i = 0; i < works->len; i++) {
        const Work *work = works->pdata[i];
        g_array_append_vals(locks, work->lookup->locks->data,
                            work->lookup->locks->len);
    }
    return store_lock_context(txn, locks, error);
}

/* What is taken together: a batch, one that waits, or one that waits and has
 * made trouble. Alone, a mail is named before its bytes are read: they may be
 * at fault. */
typedef enum { TAKE_BATCH, TAKE_ONE, TAKE_TROUBLED } Take;

static GPtrArray *
take_mails(Txn *txn, const Desk *desk, Take take, GError **error)
{
    switch (take) {
    case TAKE_BATCH:
        if (desk->settings->limits.batch > 1)
            return delivery_lock_batch(txn, desk->settings->limits.batch,
                                       DELIVERY_LARGE_BYTES, error);
        break;
    case TAKE_ONE:
        break;
    case TAKE_TROUBLED:
        return delivery_lock_troubled(txn, error);
    }
    return delivery_lock_batch(txn, 1, -1, error);
}

static bool
process_batch(Desk *desk, const Diary *diary, Take take, Processed *processed,
              size_t *ret_size, Culprit *ret_culprit, GError **error)
{
    Processed done = {0, 0};
    *ret_size = 0;
    *ret_culprit = (Culprit){0, false};
    diary->busy(diary->context, 0, work_database_time(desk));
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    if (txn == NULL)
        return false;
    g_autoptr(GPtrArray) batch = take_mails(txn, desk, take, error);
    if (batch == NULL)
        return false;
    *ret_size = batch->len;
    if (batch->len == 0) {
        if (take != TAKE_TROUBLED)
            readings_forget(desk->readings);
        return txn_commit(txn, error);
    }
    if (take != TAKE_BATCH || desk->settings->limits.batch == 1)
        ret_culprit->id = ((const Delivery *)batch->pdata[0])->id;
    FAILPOINT("process.locked");
    g_autoptr(GPtrArray) works =
        read_batch(txn, desk, batch, diary, ret_culprit, error);
    if (works == NULL || !lock_batch(txn, works, error))
        return false;
    for (guint i = 0, n; i < works->len; i += n)
        if (!work_run(txn, desk, works, i, diary, &done, &n, error))
            return false;
    FAILPOINT("process.recorded");
    if (!txn_commit(txn, error))
        return false;
    FAILPOINT("process.committed");
    metric_observe(METRIC_PROCESS_BATCH, works->len);
    for (guint i = 0; i < works->len; i++)
        work_log(works->pdata[i]);
    processed->processed += done.processed;
    processed->outgoing += done.outgoing;
    return true;
}

/* The database refuses it for ever, and not the others: an operator must look
 * why. */
static bool
park_culprit(Desk *desk, int64_t delivery_id, const char *why,
             Processed *processed, GError **error)
{
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    bool parked;
    if (txn == NULL ||
        !delivery_park(txn, delivery_id, why, false, &parked, error))
        return false;
    if (parked && !park_tell(txn, desk, delivery_id, why, false,
                             &processed->outgoing, error))
        return false;
    if (!txn_commit(txn, error))
        return false;
    log_error(event("mail.parked"), kv_int("id", delivery_id),
              kv("reason", why));
    metric_add(METRIC_PROCESSED, VERDICT_PARK, 1);
    processed->processed++;
    return true;
}

/* It takes others, but not this one now: it must not stand in their way. If it
 * is the mail that takes its time, a strike will end that. */
static bool
postpone_culprit(Desk *desk, int64_t delivery_id, const char *why,
                 GError **error)
{
    bool out_of_time = store_is_out_of_time(desk->store);
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    int postponed;
    if (txn == NULL ||
        !delivery_postpone(txn, delivery_id, why, &postponed, error) ||
        !txn_commit(txn, error))
        return false;
    log_warning(event("mail.postponed"), kv_int("id", delivery_id),
                kv("reason", why));
    metric_add(METRIC_POSTPONED, 0, 1);
    g_clear_pointer(&txn, txn_free);
    return !out_of_time || postponed <= FREE_DELAYS ||
           process_strike(desk, delivery_id, error);
}

/* The parser died of it, so the transaction is void; after the strike, which
 * also puts it behind the others, they are taken again. */
static bool
strike_culprit(Desk *desk, int64_t delivery_id, const GError *failure,
               GError **error)
{
    log_error(event("parser.died"), kv_int("id", delivery_id),
              kv("reason", failure->message));
    return process_strike(desk, delivery_id, error);
}

/* A single mail failed: whose fault was it, and what becomes of it? */
static bool
answer_culprit(Desk *desk, const Culprit *culprit, GError *failure,
               Processed *processed, GError **error)
{
    if (culprit->struck)
        return strike_culprit(desk, culprit->id, failure, error);
    if (culprit->id == 0 || failure_is(failure, FAILURE_UNCERTAIN) ||
        !store_is_connected(desk->store)) {
        g_propagate_error(error, g_error_copy(failure));
        return false;
    }
    if (failure_is(failure, FAILURE_PERMANENT))
        return park_culprit(desk, culprit->id, failure->message, processed,
                            error);
    return postpone_culprit(desk, culprit->id, failure->message, error);
}

static bool
process_one_by_one(Desk *desk, const Diary *diary, size_t count,
                   Processed *processed, GError **error)
{
    for (size_t i = 0; i < count; i++) {
        g_autoptr(GError) failure = NULL;
        size_t size;
        Culprit culprit;
        if (process_batch(desk, diary, TAKE_ONE, processed, &size, &culprit,
                          &failure)) {
            if (size == 0)
                break;
        } else if (!answer_culprit(desk, &culprit, failure, processed, error)) {
            return false;
        }
    }
    return true;
}

/* Behind each batch: nobody waits for ever, however many others wait. */
static bool
process_troubled(Desk *desk, const Diary *diary, Processed *processed,
                 GError **error)
{
    g_autoptr(GError) failure = NULL;
    size_t size;
    Culprit culprit;
    return process_batch(desk, diary, TAKE_TROUBLED, processed, &size, &culprit,
                         &failure) ||
           answer_culprit(desk, &culprit, failure, processed, error);
}

/* A whole batch failed: what becomes of its mails? */
static bool
answer_batch(Desk *desk, const Diary *diary, size_t size,
             const Culprit *culprit, const GError *failure,
             Processed *processed, GError **error)
{
    if (culprit->struck)
        return strike_culprit(desk, culprit->id, failure, error);
    /* The server answers and refuses, be it for ever or because two processors
     * got in each other's way: one by one, each is met alone. */
    if (!failure_is(failure, FAILURE_UNCERTAIN) &&
        store_is_connected(desk->store)) {
        size_t count = size > 0 ? size : (size_t)desk->settings->limits.batch;
        log_notice(event("batch.split"), kv("reason", failure->message));
        return process_one_by_one(desk, diary, count, processed, error);
    }
    g_propagate_error(error, g_error_copy(failure));
    return false;
}

bool
process_waiting(Desk *desk, const Diary *diary, Processed *ret_processed,
                GError **error)
{
    Culprit culprit;
    *ret_processed = (Processed){0, 0};
    do {
        g_autoptr(GError) failure = NULL;
        size_t size;
        if (process_batch(desk, diary, TAKE_BATCH, ret_processed, &size,
                          &culprit, &failure))
            return size == 0 ||
                   process_troubled(desk, diary, ret_processed, error);
        if (!answer_batch(desk, diary, size, &culprit, failure, ret_processed,
                          error))
            return false;
    } while (culprit.struck && !diary->stopping(diary->context));
    return true;
}

/* ---- strikes ---- */

bool
process_strike(Desk *desk, int64_t delivery_id, GError **error)
{
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    int strikes;
    if (txn == NULL || !delivery_strike(txn, delivery_id, &strikes, error))
        return false;
    bool parked = false;
    if (strikes > DELIVERY_STRIKES_MAX) {
        const char *why = "workers died or overstayed on it, or the database "
                          "did, even on the pre-scan";
        size_t outgoing = 0;
        if (!delivery_park(txn, delivery_id, why, false, &parked, error) ||
            (parked &&
             !park_tell(txn, desk, delivery_id, why, false, &outgoing, error)))
            return false;
    }
    if (!txn_commit(txn, error))
        return false;
    log_error(event("mail.strike"), kv_int("id", delivery_id),
              kv_int("strikes", strikes));
    metric_add(METRIC_STRIKES, 0, 1);
    metric_add(METRIC_PROCESSED, VERDICT_PARK, parked ? 1 : 0);
    return true;
}

/* ---- a dry run ---- */

static Context *
explain_context(Txn *txn, const Desk *desk, Lookup *lookup, GError **error)
{
    if (txn == NULL)
        return context_new();
    g_autoptr(GPtrArray) lookups = g_ptr_array_new();
    g_ptr_array_add(lookups, lookup);
    g_autoptr(GPtrArray) contexts =
        store_load_contexts(txn, lookups, &desk->rules, error);
    return contexts != NULL ? g_ptr_array_steal_index(contexts, 0) : NULL;
}

char *
process_explain(Desk *desk, Txn *txn, Delivery *delivery, GError **error)
{
    g_autoptr(Reading) reading = work_read(desk, delivery, error);
    if (reading == NULL)
        return NULL;
    const Mail *mail = reading->mail;
    g_autoptr(Lookup) lookup =
        lookup_new(mail, delivery, reading->content_digest, &desk->rules);
    g_autoptr(Context) context = explain_context(txn, desk, lookup, error);
    if (context == NULL)
        return NULL;
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &desk->rules);
    return explain_text(mail, delivery, lookup, decision);
}
