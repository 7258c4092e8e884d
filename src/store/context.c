#include "store/context.h"

#include <string.h>

#include "base/failure.h"
#include "store/record.h"
#include "store/txn.h"

/* The columns that all questions about tickets begin with, after the mail. */
static Ticket *
ticket_of(const PGresult *rows, int row)
{
    Ticket *ticket = g_new0(Ticket, 1);
    ticket->id = pg_int(rows, row, 1);
    ticket->queue = g_strdup(pg_text(rows, row, 2));
    ticket_status_parse(pg_text(rows, row, 3), &ticket->status);
    ticket->subject = g_strdup(pg_text(rows, row, 4));
    ticket->language = g_strdup(pg_text(rows, row, 5));
    ticket->requester = g_strdup(pg_text(rows, row, 6));
    ticket->requester_name = g_strdup(pg_text(rows, row, 7));
    ticket->reply_to = g_strdup(pg_text(rows, row, 8));
    return ticket;
}

static Evidence
evidence_of(const char *kind)
{
    if (strcmp(kind, "tag") == 0)
        return EVIDENCE_TAG;
    if (strcmp(kind, "ours") == 0)
        return EVIDENCE_OURS;
    return strcmp(kind, "stored") == 0 ? EVIDENCE_STORED : EVIDENCE_SEEN;
}

static Candidate *
candidate_of(const PGresult *rows, int row)
{
    Candidate *candidate = g_new0(Candidate, 1);
    candidate->ticket = ticket_of(rows, row);
    candidate->is_party = pg_bool(rows, row, 9);
    candidate->evidence = evidence_of(pg_text(rows, row, 10));
    candidate->id = g_strdup(pg_text(rows, row, 11));
    return candidate;
}

/* ---- the questions ---- */

static void
ask_references(Rows *rows, int64_t mail, const Lookup *lookup)
{
    for (guint i = 0; i < lookup->ids->len; i++)
        rows_add(rows,
                 PARAMS(p_int(mail), p_int(i), p_text(lookup->ids->pdata[i]),
                        p_text(lookup->originator_key)));
}

static void
ask_tag(Rows *rows, int64_t mail, const Lookup *lookup)
{
    if (lookup->tagged_ticket != 0)
        rows_add(rows, PARAMS(p_int(mail), p_int(lookup->tagged_ticket),
                              p_text(lookup->originator_key)));
}

static void
ask_content(Rows *rows, int64_t mail, const Lookup *lookup)
{
    gsize length;
    if (lookup->content_digest == NULL)
        return;
    const void *bytes = g_bytes_get_data(lookup->content_digest, &length);
    const char *queue = lookup->queue != NULL ? lookup->queue->name : "";
    rows_add(rows, PARAMS(p_int(mail), p_bytes(bytes, length), p_text(queue)));
}

static void
ask_budget(Rows *rows, int64_t mail, const Lookup *lookup)
{
    if (*lookup->acknowledge_key != '\0')
        rows_add(rows, PARAMS(p_int(mail), p_text(lookup->acknowledge_key)));
}

/* ---- the answers ---- */

static void
take_candidate(const PGresult *rows, int row, Context *context)
{
    g_ptr_array_add(context->candidates, candidate_of(rows, row));
}

static void
take_known(const PGresult *rows, int row, Context *context)
{
    context->known = ticket_of(rows, row);
    context->known_message = pg_int(rows, row, 9);
    context->known_to_queue = pg_bool(rows, row, 10);
}

static void
take_budget(const PGresult *rows, int row, Context *context)
{
    context->sender_10min = pg_int(rows, row, 1);
    context->sender_day = pg_int(rows, row, 2);
}

/* In this order they are asked and answered. */
static const struct {
    StatementName name;
    bool limited; /* takes the limit of the budgets first */
    void (*ask)(Rows *rows, int64_t mail, const Lookup *lookup);
    void (*take)(const PGresult *rows, int row, Context *context);
} questions[] = {
    {ST_context_references, false, ask_references, take_candidate},
    {ST_context_ticket, false, ask_tag, take_candidate},
    {ST_context_content, false, ask_content, take_known},
    {ST_context_budget, true, ask_budget, take_budget},
};
enum { QUESTIONS = G_N_ELEMENTS(questions) };

/* One question about all mails; is there anything to ask? */
static bool
send_question(Pg *pg, size_t question, const GPtrArray *lookups,
              const Rules *rules, bool *ret_asked, GError **error)
{
    g_auto(Rows) rows = {0};
    for (guint i = 0; i < lookups->len; i++)
        questions[question].ask(&rows, i, lookups->pdata[i]);
    *ret_asked = rows.n > 0;
    int64_t limit =
        MAX(rules->budgets->per_sender_10min, rules->budgets->per_sender_day);
    return rows_send(&rows, pg, questions[question].name,
                     questions[question].limited ? PARAMS(p_int(limit))
                                                 : NO_PARAMS,
                     true, error);
}

static bool
take_answer(Pg *pg, size_t question, GPtrArray *contexts, GError **error)
{
    g_autoptr(PGresult) rows = pg_result(pg, error);
    if (rows == NULL)
        return false;
    for (int row = 0; row < PQntuples(rows); row++)
        questions[question].take(rows, row,
                                 contexts->pdata[pg_int(rows, row, 0)]);
    return true;
}

/*
 * How much was said within the breaker's window. To count it is dear: while it
 * is far from the limit, a count serves for a second and others' share of that
 * second is left out; near it, it is counted in each transaction.
 */
static bool
count_told(Txn *txn, const Rules *rules, GError **error)
{
    Store *store = txn->store;
    const Budgets *budgets = rules->budgets;
    bool far = store->told < budgets->breaker / 2;
    if (txn->counted ||
        (far && g_get_monotonic_time() < store->told_until_us)) {
        txn->counted = true;
        return true;
    }
    g_autoptr(PGresult) row = txn_query(
        txn, ST_context_breaker,
        PARAMS(p_int(budgets->breaker_window_s), p_int(budgets->breaker)),
        error);
    if (row == NULL)
        return false;
    store->told = pg_int(row, 0, 0);
    store->told_until_us = g_get_monotonic_time() + G_USEC_PER_SEC;
    txn->counted = true;
    return true;
}

GPtrArray *
store_load_contexts(Txn *txn, const GPtrArray *lookups, const Rules *rules,
                    GError **error)
{
    Pg *pg = txn_pg(txn);
    bool asked[QUESTIONS];
    g_autoptr(GPtrArray) contexts =
        g_ptr_array_new_with_free_func((GDestroyNotify)context_free);
    if (!txn_flush(txn, error) || !count_told(txn, rules, error))
        return NULL;
    for (size_t i = 0; i < QUESTIONS; i++)
        if (!send_question(pg, i, lookups, rules, &asked[i], error))
            return NULL;
    for (guint i = 0; i < lookups->len; i++) {
        Context *context = context_new();
        context->all_in_window = txn->store->told;
        g_ptr_array_add(contexts, context);
    }
    for (size_t i = 0; i < QUESTIONS; i++)
        if (asked[i] && !take_answer(pg, i, contexts, error))
            return NULL;
    return g_steal_pointer(&contexts);
}

/* ---- locks ---- */

static int
compare_keys(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

bool
store_lock_context(Txn *txn, GArray *locks, GError **error)
{
    if (locks->len == 0)
        return true;
    g_array_sort(locks, compare_keys);
    g_auto(Rows) rows = {0};
    for (guint i = 0; i < locks->len; i++)
        rows_add(&rows, PARAMS(p_int(g_array_index(locks, int64_t, i))));
    return rows_send(&rows, txn_pg(txn), ST_context_lock, NO_PARAMS, false,
                     error);
}

/* ---- keys ---- */

GPtrArray *
store_load_keys(Txn *txn, GError **error)
{
    g_autoptr(PGresult) rows =
        txn_query(txn, ST_signing_keys, NO_PARAMS, error);
    if (rows == NULL)
        return NULL;
    if (PQntuples(rows) == 0) {
        failure_set(error, FAILURE_CONFIG,
                    "table signing_key is empty: restore it from a backup, or "
                    "insert 32 random bytes");
        return NULL;
    }
    GPtrArray *keys =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (int row = 0; row < PQntuples(rows); row++)
        g_ptr_array_add(keys, pg_bytes(rows, row, 0));
    return keys;
}
