#include "work.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/metrics.h"
#include "mail/prescan.h"
#include "park.h"
#include "store/context.h"
#include "store/delivery.h"
#include "store/outbox.h"
#include "store/record.h"

/* ---- one mail ---- */

int64_t
work_database_time(const Desk *desk)
{
    return desk->settings->database.timeout_s * 5;
}

void
work_free(Work *work)
{
    g_clear_pointer(&work->reading, reading_unref);
    lookup_free(work->lookup);
    decision_free(work->decision);
    receipt_free(work->receipt);
    g_free(work);
}

/* How much longer than its parser a processor has for one mail; that may have
 * to be started. */
enum { PARSE_MARGIN_S = PARSER_START_S + 2 };

/* Who dies between these two has died on this mail: what is pure and ours
 * counts against it, waiting for the database does not. */
static void
begin_work(const Desk *desk, const Diary *diary, const Delivery *delivery)
{
    diary->busy(diary->context, delivery->id,
                desk->settings->limits.parse_s + PARSE_MARGIN_S);
}

static void
end_work(const Desk *desk, const Diary *diary)
{
    diary->busy(diary->context, 0, work_database_time(desk));
}

static Mail *
read_mail(const Desk *desk, const Delivery *delivery, GError **error)
{
    bool struck_out = delivery->strikes >= DELIVERY_STRIKES_MAX;
    /* Perhaps it was another's doing: the next strike is its own. */
    if (desk->parser != NULL && delivery->strikes > 0)
        parser_renew(desk->parser);
    if (desk->parser != NULL)
        return parser_read(desk->parser, delivery->raw,
                           delivery->envelope_sender, desk->rules.limits,
                           struck_out ? PARSER_PRESCAN : PARSER_WHOLE, error);
    if (struck_out)
        return prescan(delivery->raw, desk->rules.limits);
    return mail_parse(delivery->raw, delivery->envelope_sender,
                      desk->rules.limits);
}

/* A sender that was not known (a folder does not say, and not every mail notes
 * it) is the originator from here on. */
static void
name_sender(Delivery *delivery, const Mail *mail)
{
    if (delivery->envelope_sender == NULL)
        delivery->envelope_sender = g_strdup(
            mail->originator != NULL ? mail->originator->addr_spec : "");
}

Reading *
work_read(const Desk *desk, Delivery *delivery, GError **error)
{
    /* One with a strike is read by itself, whatever is remembered of it. */
    Reading *reading =
        delivery->strikes == 0 ? readings_find(desk->readings, delivery) : NULL;
    if (reading != NULL) {
        name_sender(delivery, reading->mail);
        return reading;
    }
    Mail *mail = read_mail(desk, delivery, error);
    if (mail == NULL)
        return NULL;
    g_autofree char *handed_over = g_strdup(delivery->envelope_sender);
    name_sender(delivery, mail);
    reading = reading_new(delivery, handed_over, mail);
    if (delivery->strikes == 0)
        readings_keep(desk->readings, reading);
    return reading;
}

Work *
work_new(const Desk *desk, Delivery *delivery, const Diary *diary,
         GError **error)
{
    g_autoptr(Work) work = g_new0(Work, 1);
    work->delivery = delivery;
    work->read_us = g_get_monotonic_time();
    begin_work(desk, diary, delivery);
    work->reading = work_read(desk, delivery, error);
    if (work->reading == NULL)
        return NULL;
    work->mail = work->reading->mail;
    FAILPOINT("process.parsed");
    work->lookup = lookup_new(work->mail, delivery,
                              work->reading->content_digest, &desk->rules);
    end_work(desk, diary);
    return g_steal_pointer(&work);
}

static void
decide_one(const Desk *desk, Work *work, const Context *context,
           const Diary *diary)
{
    begin_work(desk, diary, work->delivery);
    work->decision =
        decide(work->mail, work->delivery, work->lookup, context, &desk->rules);
    end_work(desk, diary);
}

/* The root id of a new ticket is ours too: answers may name only that one. */
static void
add_root_id(Txn *txn, const Desk *desk, const Decision *decision,
            const Receipt *receipt)
{
    if (decision->verdict != VERDICT_NEW)
        return;
    g_autofree char *id = notice_root_id(receipt->ticket, &desk->rules);
    store_add_own_id(txn, receipt->ticket->id, id);
}

/* Say what must be said. */
static bool
answer_one(Txn *txn, const Desk *desk, const Work *work, const Diary *diary,
           Processed *processed, GError **error)
{
    LOG_SCOPE(kv("delivery", work->delivery->key));
    const Press press = desk_press(desk);
    g_autoptr(GError) left_out = NULL;
    begin_work(desk, diary, work->delivery);
    g_autoptr(GPtrArray) outgoing =
        notice_compose_all(work->decision, work->receipt, work->mail,
                           work->delivery, &press, &left_out);
    end_work(desk, diary);
    if (left_out != NULL)
        log_error(event("mail.not-written"), kv("reason", left_out->message));
    processed->processed++;
    processed->outgoing += outgoing->len;
    if (work->decision->verdict == VERDICT_PARK)
        return park_tell(txn, desk, work->delivery->id, work->decision->reason,
                         work->decision->is_rubbish, &processed->outgoing,
                         error);
    add_root_id(txn, desk, work->decision, work->receipt);
    outbox_add(txn, outgoing);
    return true;
}

/* ---- a run: mails that have nothing to do with each other ---- */

/* How many mails from `from` on share no lock: none of them is evidence, budget
 * or content of another. */
static guint
apart_from(const GPtrArray *works, guint from)
{
    g_autoptr(GHashTable) taken = g_hash_table_new(g_int64_hash, g_int64_equal);
    guint end = from;
    for (; end < works->len; end++) {
        const GArray *locks = ((const Work *)works->pdata[end])->lookup->locks;
        for (guint i = 0; i < locks->len; i++)
            if (g_hash_table_contains(taken, &g_array_index(locks, int64_t, i)))
                return end - from;
        for (guint i = 0; i < locks->len; i++)
            g_hash_table_add(taken, &g_array_index(locks, int64_t, i));
    }
    return end - from;
}

static GPtrArray *
load_contexts(Txn *txn, const Desk *desk, const GPtrArray *works, guint from,
              guint n, GError **error)
{
    g_autoptr(GPtrArray) lookups = g_ptr_array_new();
    for (guint i = from; i < from + n; i++)
        g_ptr_array_add(lookups, ((const Work *)works->pdata[i])->lookup);
    return store_load_contexts(txn, lookups, &desk->rules, error);
}

/*
 * Decide about up to `n` mails, as if each came after the ones before it were
 * recorded. Returns how many: it ends before a second mail to the same ticket,
 * which must see what the first one made of it.
 */
static guint
decide_run(const Desk *desk, const GPtrArray *works, guint from, guint n,
           const GPtrArray *contexts, const Diary *diary)
{
    g_autoptr(GHashTable) tickets =
        g_hash_table_new(g_int64_hash, g_int64_equal);
    int64_t told = 0;
    for (guint i = 0; i < n; i++) {
        Work *work = works->pdata[from + i];
        Context *context = contexts->pdata[i];
        context->all_in_window += told;
        decide_one(desk, work, context, diary);
        const Decision *decision = work->decision;
        if (decision->ticket != NULL && decision->ticket->id != 0 &&
            !g_hash_table_add(tickets, &decision->ticket->id)) {
            g_clear_pointer(&work->decision, decision_free);
            return i;
        }
        told += (decision->acknowledge_to != NULL) + decision->notify->len;
    }
    return n;
}

static bool
record_run(Txn *txn, const GPtrArray *works, guint from, guint n,
           GError **error)
{
    g_autofree Record *records = g_new(Record, n);
    for (guint i = 0; i < n; i++) {
        const Work *work = works->pdata[from + i];
        records[i] =
            (Record){work->delivery, work->mail, work->lookup, work->decision};
    }
    g_autoptr(GPtrArray) receipts = store_record(txn, records, n, error);
    if (receipts == NULL)
        return false;
    g_ptr_array_set_free_func(receipts, NULL); /* the works own them now */
    for (guint i = 0; i < n; i++)
        ((Work *)works->pdata[from + i])->receipt = receipts->pdata[i];
    return true;
}

bool
work_run(Txn *txn, const Desk *desk, const GPtrArray *works, guint from,
         const Diary *diary, Processed *processed, guint *ret_n, GError **error)
{
    guint apart = apart_from(works, from);
    g_autoptr(GPtrArray) contexts =
        load_contexts(txn, desk, works, from, apart, error);
    if (contexts == NULL)
        return false;
    guint n = decide_run(desk, works, from, apart, contexts, diary);
    if (!record_run(txn, works, from, n, error))
        return false;
    for (guint i = from; i < from + n; i++)
        if (!answer_one(txn, desk, works->pdata[i], diary, processed, error))
            return false;
    *ret_n = n;
    return true;
}

/* ---- the log ---- */

void
work_log(const Work *work)
{
    const Decision *decision = work->decision;
    const Ticket *ticket = work->receipt->ticket;
    LOG_SCOPE(kv("delivery", work->delivery->key));
    log_info(event("mail.decided"),
             kv("verdict", verdict_name(decision->verdict)),
             kv("reason", decision->reason),
             kv_int("ticket", ticket != NULL ? ticket->id : 0),
             kv("acknowledge", decision->acknowledge_reason));
    metric_add(METRIC_PROCESSED, (int)decision->verdict, 1);
    metric_observe(METRIC_PROCESS_TIME, work->delivery->waited_us +
                                            g_get_monotonic_time() -
                                            work->read_us);
}
