#include "gateway/process.h"

#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "gateway/digest.h"
#include "policy/explain.h"
#include "store/context.h"
#include "store/delivery.h"
#include "store/outbox.h"
#include "store/record.h"

enum { PARKED_COOL_DOWN_S = 3600 };

/* The longest that a few answers of the database may take: its trouble strikes
 * no mail. */
static int64_t
database_time(const Desk *desk)
{
    return desk->settings->database.timeout_s * 5;
}

/* ---- one mail ---- */

static void
log_decision(const Decision *decision, const Receipt *receipt)
{
    log_info(
        event("mail.decided"), kv("verdict", verdict_name(decision->verdict)),
        kv("reason", decision->reason),
        kv_int("ticket", receipt->ticket != NULL ? receipt->ticket->id : 0),
        kv("acknowledge", decision->acknowledge_reason));
}

/* The root id of a new ticket is ours too: answers may name only that one. */
static bool
add_root_id(Txn *txn, const Desk *desk, const Decision *decision,
            const Receipt *receipt, GError **error)
{
    if (decision->verdict != VERDICT_NEW)
        return true;
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(ids, notice_root_id(receipt->ticket, &desk->rules));
    return store_add_own_ids(txn, receipt->ticket->id, ids, error);
}

static bool
add_park_notice(Txn *txn, const Desk *desk, int64_t delivery_id,
                const char *why, size_t *outgoing_count, GError **error)
{
    const Press press = desk_press(desk);
    bool raised;
    if (!store_raise_alarm(txn, "parked", PARKED_COOL_DOWN_S, &raised, error))
        return false;
    if (!raised) /* whoever sends a thousand such mails makes one of ours */
        return true;
    g_autofree char *reason = g_strdup_printf(
        "Delivery %" G_GINT64_FORMAT " was parked: %s", delivery_id, why);
    g_autofree char *detail = g_strdup_printf(
        "postern delivery show %" G_GINT64_FORMAT "   why\n"
        "postern delivery raw %" G_GINT64_FORMAT "    the mail itself\n"
        "postern delivery retry %" G_GINT64_FORMAT "  process it again\n\n"
        "More that is parked within the hour is not reported:\n"
        "postern delivery list --state parked",
        delivery_id, delivery_id, delivery_id);
    g_autoptr(GPtrArray) outgoing =
        g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
    Outgoing *notice =
        notice_compose_admin(reason, detail, g_get_real_time(), &press);
    if (notice != NULL)
        g_ptr_array_add(outgoing, notice);
    *outgoing_count += outgoing->len;
    return outbox_add(txn, outgoing, error);
}

/* A delivery that was read: what it says, and what must be asked about it. */
typedef struct {
    const Delivery *delivery; /* borrowed */
    Mail *mail;
    Lookup *lookup;
} Work;

static void
work_free(Work *work)
{
    mail_free(work->mail);
    lookup_free(work->lookup);
    g_free(work);
}

static Work *
read_one(Desk *desk, const Delivery *delivery, const Diary *diary)
{
    Work *work = g_new0(Work, 1);
    work->delivery = delivery;
    /* Who dies between these two lines has died on this mail. */
    diary->busy(diary->context, delivery->id, desk->settings->limits.parse_s);
    work->mail = mail_parse(delivery->raw, delivery->envelope_sender,
                            desk->rules.limits);
    g_autoptr(GBytes) content_digest = digest_content(delivery->raw);
    FAILPOINT("process.parsed");
    work->lookup =
        lookup_new(work->mail, delivery, content_digest, &desk->rules);
    diary->busy(diary->context, 0, database_time(desk));
    return work;
}

static bool
process_one(Txn *txn, Desk *desk, const Work *work, const Diary *diary,
            Processed *processed, GError **error)
{
    int64_t parse_s = desk->settings->limits.parse_s;
    const Delivery *delivery = work->delivery;
    const Mail *mail = work->mail;
    LOG_SCOPE(kv("delivery", delivery->key));
    const Press press = desk_press(desk);
    g_autoptr(Context) context =
        store_load_context(txn, work->lookup, &desk->rules, error);
    if (context == NULL)
        return false;
    /* What is ours and pure counts against the mail, too. */
    diary->busy(diary->context, delivery->id, parse_s);
    g_autoptr(Decision) decision =
        decide(mail, delivery, work->lookup, context, &desk->rules);
    diary->busy(diary->context, 0, database_time(desk));
    g_autoptr(Receipt) receipt =
        store_record(txn, delivery, mail, decision, work->lookup, error);
    if (receipt == NULL)
        return false;
    g_autoptr(GError) left_out = NULL;
    diary->busy(diary->context, delivery->id, parse_s);
    g_autoptr(GPtrArray) outgoing = notice_compose_all(
        decision, receipt, mail, delivery, &press, &left_out);
    diary->busy(diary->context, 0, database_time(desk));
    if (left_out != NULL)
        log_error(event("mail.not-written"), kv("reason", left_out->message));
    log_decision(decision, receipt);
    processed->processed++;
    processed->outgoing += outgoing->len;
    if (decision->verdict == VERDICT_PARK)
        return add_park_notice(txn, desk, delivery->id, decision->reason,
                               &processed->outgoing, error);
    return add_root_id(txn, desk, decision, receipt, error) &&
           outbox_add(txn, outgoing, error);
}

/* ---- a batch ---- */

/*
 * Read what was locked, up to the first large mail, which is read alone: its
 * bytes are not kept beside others. Returns Work*; NULL on error.
 */
static GPtrArray *
read_batch(Txn *txn, Desk *desk, const GPtrArray *batch, const Diary *diary,
           GError **error)
{
    g_autoptr(GPtrArray) works =
        g_ptr_array_new_with_free_func((GDestroyNotify)work_free);
    for (guint i = 0; i < batch->len; i++) {
        Delivery *delivery = batch->pdata[i];
        bool large = delivery->raw == NULL;
        if (large && i > 0)
            break;
        if (large && !delivery_load_raw(txn, delivery, error))
            return NULL;
        g_ptr_array_add(works, read_one(desk, delivery, diary));
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

/* ret_culprit: the delivery that was in hand when it failed; 0: none. */
static bool
process_batch(Desk *desk, const Diary *diary, int64_t limit,
              Processed *processed, size_t *ret_size, int64_t *ret_culprit,
              GError **error)
{
    /* Alone, a mail is named before its bytes are read: they may be at fault.
     */
    int64_t inline_bytes = limit > 1 ? DELIVERY_LARGE_BYTES : -1;
    Processed done = {0, 0};
    *ret_size = 0;
    *ret_culprit = 0;
    diary->busy(diary->context, 0, database_time(desk));
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    if (txn == NULL)
        return false;
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, limit, inline_bytes, error);
    if (batch == NULL)
        return false;
    *ret_size = batch->len;
    if (batch->len == 0)
        return txn_commit(txn, error);
    if (limit == 1)
        *ret_culprit = ((const Delivery *)batch->pdata[0])->id;
    FAILPOINT("process.locked");
    g_autoptr(GPtrArray) works = read_batch(txn, desk, batch, diary, error);
    if (works == NULL || !lock_batch(txn, works, error))
        return false;
    for (guint i = 0; i < works->len; i++) {
        const Work *work = works->pdata[i];
        *ret_culprit = work->delivery->id;
        if (!process_one(txn, desk, work, diary, &done, error))
            return false;
    }
    FAILPOINT("process.recorded");
    if (!txn_commit(txn, error))
        return false;
    FAILPOINT("process.committed");
    processed->processed += done.processed;
    processed->outgoing += done.outgoing;
    return true;
}

/* The database refuses it for ever: that is the mail's fault, not ours. */
static bool
park_culprit(Desk *desk, int64_t delivery_id, const char *why,
             Processed *processed, GError **error)
{
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    bool parked;
    if (txn == NULL || !delivery_park(txn, delivery_id, why, &parked, error))
        return false;
    if (parked && !add_park_notice(txn, desk, delivery_id, why,
                                   &processed->outgoing, error))
        return false;
    if (!txn_commit(txn, error))
        return false;
    log_error(event("mail.parked"), kv_int("id", delivery_id),
              kv("reason", why));
    processed->processed++;
    return true;
}

/* It takes others, but not this one now: it must not stand in their way. */
static bool
postpone_culprit(Desk *desk, int64_t delivery_id, const char *why,
                 GError **error)
{
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    if (txn == NULL || !delivery_postpone(txn, delivery_id, why, error) ||
        !txn_commit(txn, error))
        return false;
    log_warning(event("mail.postponed"), kv_int("id", delivery_id),
                kv("reason", why));
    return true;
}

/* A single mail failed: whose fault was it, and what becomes of it? */
static bool
answer_culprit(Desk *desk, int64_t culprit, GError *failure,
               Processed *processed, GError **error)
{
    if (culprit == 0 || failure_is(failure, FAILURE_UNCERTAIN) ||
        !store_is_connected(desk->store)) {
        g_propagate_error(error, g_error_copy(failure));
        return false;
    }
    if (failure_is(failure, FAILURE_PERMANENT))
        return park_culprit(desk, culprit, failure->message, processed, error);
    return postpone_culprit(desk, culprit, failure->message, error);
}

static bool
process_one_by_one(Desk *desk, const Diary *diary, size_t count,
                   Processed *processed, GError **error)
{
    for (size_t i = 0; i < count; i++) {
        g_autoptr(GError) failure = NULL;
        size_t size;
        int64_t culprit;
        if (process_batch(desk, diary, 1, processed, &size, &culprit,
                          &failure)) {
            if (size == 0)
                break;
        } else if (!answer_culprit(desk, culprit, failure, processed, error)) {
            return false;
        }
    }
    return true;
}

bool
process_waiting(Desk *desk, const Diary *diary, Processed *ret_processed,
                GError **error)
{
    g_autoptr(GError) failure = NULL;
    size_t size;
    int64_t culprit;
    *ret_processed = (Processed){0, 0};
    if (process_batch(desk, diary, desk->settings->limits.batch, ret_processed,
                      &size, &culprit, &failure))
        return true;
    /* The server answers and refuses, be it for ever or because two processors
     * got in each other's way: one by one, each is met alone. */
    if (!failure_is(failure, FAILURE_UNCERTAIN) &&
        store_is_connected(desk->store)) {
        size_t count = size > 0 ? size : (size_t)desk->settings->limits.batch;
        log_notice(event("batch.split"), kv("reason", failure->message));
        return process_one_by_one(desk, diary, count, ret_processed, error);
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* ---- strikes ---- */

bool
process_strike(Desk *desk, int64_t delivery_id, GError **error)
{
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    int strikes;
    if (txn == NULL || !delivery_strike(txn, delivery_id, &strikes, error))
        return false;
    log_error(event("mail.strike"), kv_int("id", delivery_id),
              kv_int("strikes", strikes));
    if (strikes >= DELIVERY_STRIKES_MAX) {
        const char *why = "three workers died or overstayed on it";
        bool parked;
        size_t outgoing = 0;
        if (!delivery_park(txn, delivery_id, why, &parked, error) ||
            (parked &&
             !add_park_notice(txn, desk, delivery_id, why, &outgoing, error)))
            return false;
    }
    return txn_commit(txn, error);
}

/* ---- a dry run ---- */

char *
process_explain(Desk *desk, Txn *txn, const Delivery *delivery, GError **error)
{
    g_autoptr(Mail) mail = mail_parse(delivery->raw, delivery->envelope_sender,
                                      desk->rules.limits);
    g_autoptr(GBytes) content_digest = digest_content(delivery->raw);
    g_autoptr(Lookup) lookup =
        lookup_new(mail, delivery, content_digest, &desk->rules);
    g_autoptr(Context) context =
        txn != NULL ? store_load_context(txn, lookup, &desk->rules, error)
                    : context_new();
    if (context == NULL)
        return NULL;
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &desk->rules);
    return explain_text(mail, delivery, lookup, decision);
}
