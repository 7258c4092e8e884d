#include "store/context.h"

#include <string.h>

#include "base/failure.h"
#include "store/record.h"
#include "store/txn.h"

/* The columns that all questions about tickets begin with. */
static Ticket *
ticket_of(const PGresult *rows, int row)
{
    Ticket *ticket = g_new0(Ticket, 1);
    ticket->id = pg_int(rows, row, 0);
    ticket->queue = g_strdup(pg_text(rows, row, 1));
    ticket_status_parse(pg_text(rows, row, 2), &ticket->status);
    ticket->subject = g_strdup(pg_text(rows, row, 3));
    ticket->language = g_strdup(pg_text(rows, row, 4));
    ticket->requester = g_strdup(pg_text(rows, row, 5));
    ticket->requester_name = g_strdup(pg_text(rows, row, 6));
    ticket->reply_to = g_strdup(pg_text(rows, row, 7));
    return ticket;
}

static Candidate *
candidate_of(const PGresult *rows, int row, Evidence evidence)
{
    Candidate *candidate = g_new0(Candidate, 1);
    candidate->ticket = ticket_of(rows, row);
    candidate->is_party = pg_bool(rows, row, 8);
    candidate->evidence = evidence;
    candidate->id = g_strdup(pg_text(rows, row, 11));
    return candidate;
}

static Evidence
evidence_of(const char *kind)
{
    if (strcmp(kind, "ours") == 0)
        return EVIDENCE_OURS;
    return strcmp(kind, "stored") == 0 ? EVIDENCE_STORED : EVIDENCE_SEEN;
}

/* Which questions a look-up asks; answers come in this order. */
typedef struct {
    bool references;
    bool tag;
    bool content;
    bool budget;
    bool breaker;
} Asked;

static bool
ask(Pg *pg, const Lookup *lookup, const Rules *rules, const Asked *asked,
    GError **error)
{
    if (asked->references) {
        g_autofree char *ids = array_text(lookup->ids);
        if (!pg_send(pg, ST_context_references,
                     PARAMS(p_text(ids), p_text(lookup->originator_key)), true,
                     error))
            return false;
    }
    if (asked->tag && !pg_send(pg, ST_context_ticket,
                               PARAMS(p_int(lookup->tagged_ticket),
                                      p_text(lookup->originator_key)),
                               true, error))
        return false;
    if (asked->content) {
        gsize length;
        const void *bytes = g_bytes_get_data(lookup->content_digest, &length);
        const char *queue = lookup->queue != NULL ? lookup->queue->name : "";
        if (!pg_send(pg, ST_context_content,
                     PARAMS(p_bytes(bytes, length), p_text(queue)), true,
                     error))
            return false;
    }
    if (asked->budget &&
        !pg_send(pg, ST_context_budget, PARAMS(p_text(lookup->acknowledge_key)),
                 true, error))
        return false;
    return !asked->breaker ||
           pg_send(pg, ST_context_breaker,
                   PARAMS(p_int(rules->budgets->breaker_window_s),
                          p_int(rules->budgets->breaker)),
                   true, error);
}

static bool
take_candidates(Pg *pg, bool by_tag, Context *context, GError **error)
{
    g_autoptr(PGresult) rows = pg_result(pg, error);
    if (rows == NULL)
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        Evidence evidence =
            by_tag ? EVIDENCE_TAG : evidence_of(pg_text(rows, row, 9));
        g_ptr_array_add(context->candidates, candidate_of(rows, row, evidence));
    }
    return true;
}

static bool
take_known(Pg *pg, Context *context, GError **error)
{
    g_autoptr(PGresult) row = pg_result(pg, error);
    if (row == NULL)
        return false;
    if (PQntuples(row) > 0) {
        context->known = ticket_of(row, 0);
        context->known_message = pg_int(row, 0, 8);
        context->known_to_queue = pg_bool(row, 0, 9);
    }
    return true;
}

/* Two numbers of a one-row answer; left alone when there is no row. */
static bool
take_numbers(Pg *pg, int64_t *ret_first, int64_t *ret_second, GError **error)
{
    g_autoptr(PGresult) row = pg_result(pg, error);
    if (row == NULL)
        return false;
    if (PQntuples(row) > 0) {
        *ret_first = pg_int(row, 0, 0);
        if (ret_second != NULL)
            *ret_second = pg_int(row, 0, 1);
    }
    return true;
}

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
    g_autofree char *literal = array_int64(locks);
    return pg_send(txn_pg(txn), ST_context_lock, PARAMS(p_text(literal)), false,
                   error);
}

Context *
store_load_context(Txn *txn, const Lookup *lookup, const Rules *rules,
                   GError **error)
{
    Pg *pg = txn_pg(txn);
    const Asked asked = {
        .references = lookup->ids->len > 0,
        .tag = lookup->tagged_ticket != 0,
        .content = lookup->content_digest != NULL,
        .budget = *lookup->acknowledge_key != '\0',
        .breaker = txn->breaker < 0,
    };
    g_autoptr(Context) context = context_new();
    if (!ask(pg, lookup, rules, &asked, error) ||
        (asked.references && !take_candidates(pg, false, context, error)) ||
        (asked.tag && !take_candidates(pg, true, context, error)) ||
        (asked.content && !take_known(pg, context, error)) ||
        (asked.budget && !take_numbers(pg, &context->sender_10min,
                                       &context->sender_day, error)) ||
        (asked.breaker && !take_numbers(pg, &txn->breaker, NULL, error)))
        return NULL;
    context->all_in_window = txn->breaker;
    return g_steal_pointer(&context);
}

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
