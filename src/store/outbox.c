#include "store/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "policy/guard.h"
#include "store/record.h"
#include "store/txn.h"

/* ---- queueing ---- */

/* The Message-ID of what we write, so that answers to it find the ticket. */
static bool
remember_id(Txn *txn, const Outgoing *outgoing, GError **error)
{
    if (outgoing->ticket_id == 0)
        return true;
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    g_ptr_array_add(own, outgoing->message_id);
    return store_add_own_ids(txn, outgoing->ticket_id, own, error);
}

static bool
add_one(Txn *txn, const Outgoing *outgoing, GError **error)
{
    g_autofree char *recipients = array_text(outgoing->recipients);
    g_autofree char *acknowledged = NULL;
    if (outgoing->kind == OUTGOING_ACKNOWLEDGEMENT) {
        acknowledged = guard_budget_key(outgoing->recipients->pdata[0]);
    }
    if (txn->breaker >= 0 && (outgoing->kind == OUTGOING_ACKNOWLEDGEMENT ||
                              outgoing->kind == OUTGOING_NOTICE))
        txn->breaker++;
    gsize length;
    const void *bytes = g_bytes_get_data(outgoing->content, &length);
    return pg_send(txn_pg(txn), ST_outgoing_add,
                   PARAMS(p_text(outgoing_kind_name(outgoing->kind)),
                          p_int(outgoing->ticket_id),
                          p_int(outgoing->message_id_no),
                          p_int(outgoing->delivery_id),
                          p_text(outgoing->envelope_sender),
                          p_text(outgoing->message_id), p_bytes(bytes, length),
                          p_text(acknowledged), p_text(recipients)),
                   false, error) &&
           remember_id(txn, outgoing, error);
}

bool
outbox_add(Txn *txn, const GPtrArray *outgoing, GError **error)
{
    for (guint i = 0; i < outgoing->len; i++)
        if (!add_one(txn, outgoing->pdata[i], error))
            return false;
    return true;
}

/* ---- one flight, one transaction ---- */

/* Send one statement, commit, hand out its rows. */
static PGresult *
flight(Store *store, StatementName name, const Param *params, GError **error)
{
    Pg *pg = store_pg(store, error);
    if (pg == NULL)
        return NULL;
    store->unfinished = true;
    if (!pg_send(pg, name, params, true, error) ||
        !pg_sync(pg, true, NULL, error))
        return NULL;
    store->unfinished = false;
    return pg_result(pg, error);
}

/* ---- sending ---- */

void
claimed_free(Claimed *claimed)
{
    if (claimed == NULL)
        return;
    outgoing_free(claimed->outgoing);
    g_array_unref(claimed->positions);
    g_free(claimed);
}

typedef struct {
    int64_t id;
    int64_t due; /* microseconds, server's epoch */
} Due;

static int
compare_due(const void *a, const void *b)
{
    const Due *left = a, *right = b;
    if (left->due != right->due)
        return left->due < right->due ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

bool
outbox_claim(Store *store, const char *lease, int64_t lease_s, int64_t limit,
             GArray **ret_ids, GError **error)
{
    g_autoptr(PGresult) rows =
        flight(store, ST_outbox_claim,
               PARAMS(p_text(lease), p_int(lease_s), p_int(limit)), error);
    if (rows == NULL)
        return false;
    int n = PQntuples(rows);
    g_autofree Due *due = g_new(Due, (gsize)n + 1);
    for (int row = 0; row < n; row++)
        due[row] = (Due){pg_int(rows, row, 0), pg_int(rows, row, 1)};
    qsort(due, (size_t)n, sizeof *due,
          compare_due); /* RETURNING has no order */
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int row = 0; row < n; row++)
        g_array_append_val(ids, due[row].id);
    *ret_ids = ids;
    return true;
}

static Claimed *
claimed_of(const PGresult *row, int64_t id)
{
    Claimed *claimed = g_new0(Claimed, 1);
    Outgoing *outgoing = g_new0(Outgoing, 1);
    claimed->id = id;
    claimed->outgoing = outgoing;
    outgoing_kind_parse(pg_text(row, 0, 1), &outgoing->kind);
    outgoing->envelope_sender = g_strdup(pg_text(row, 0, 2));
    outgoing->message_id = g_strdup(pg_text(row, 0, 3));
    outgoing->content = pg_bytes(row, 0, 4);
    claimed->attempts = pg_int(row, 0, 5);
    claimed->age_s = pg_int(row, 0, 6);
    outgoing->ticket_id = pg_int(row, 0, 7);
    outgoing->recipients = g_ptr_array_new_with_free_func(g_free);
    claimed->positions = g_array_new(FALSE, FALSE, sizeof(int));
    g_auto(GStrv) positions = g_strsplit(pg_text(row, 0, 8), ",", -1);
    g_auto(GStrv) addresses = g_strsplit(pg_text(row, 0, 9), "\n", -1);
    for (guint i = 0; positions[i] != NULL && addresses[i] != NULL; i++) {
        int position = (int)g_ascii_strtoll(positions[i], NULL, 10);
        g_array_append_val(claimed->positions, position);
        g_ptr_array_add(outgoing->recipients, g_strdup(addresses[i]));
    }
    return claimed;
}

bool
outbox_load(Store *store, int64_t id, const char *lease, Claimed **ret_claimed,
            GError **error)
{
    g_autoptr(PGresult) row =
        flight(store, ST_outbox_load, PARAMS(p_int(id), p_text(lease)), error);
    if (row == NULL)
        return false;
    bool ours = PQntuples(row) > 0 && !pg_is_null(row, 0, 8);
    *ret_claimed = ours ? claimed_of(row, id) : NULL;
    return true;
}

static bool
send_settlement(Pg *pg, const char *lease, const Settlement *settlement,
                GError **error)
{
    for (size_t i = 0; i < settlement->n; i++) {
        const RecipientOutcome *outcome = &settlement->recipients[i];
        if (!pg_send(pg, ST_outbox_settle_recipient,
                     PARAMS(p_int(settlement->id), p_int(outcome->position),
                            p_text(outcome->state), p_int(outcome->code),
                            p_text(outcome->enhanced), p_text(outcome->text),
                            p_text(lease)),
                     false, error))
            return false;
    }
    if (settlement->event != NULL &&
        !pg_send(pg, ST_outbox_event,
                 PARAMS(p_int(settlement->id), p_text(settlement->event),
                        p_text(settlement->last_error), p_text(lease)),
                 false, error))
        return false;
    return pg_send(
        pg, ST_outbox_settle,
        PARAMS(p_int(settlement->id), p_text(lease), p_int(settlement->wait_s),
               p_text(settlement->last_error), p_int(settlement->refused),
               p_int(settlement->uncertain)),
        false, error);
}

bool
outbox_settle_and_fence(Store *store, const char *lease,
                        const Settlement *settlement, int64_t id,
                        int64_t lease_s, bool *ret_fenced, GError **error)
{
    *ret_fenced = false;
    Pg *pg = store_pg(store, error);
    if (pg == NULL)
        return false;
    store->unfinished = true;
    if (settlement != NULL && !send_settlement(pg, lease, settlement, error))
        return false;
    if (id != 0 &&
        !pg_send(pg, ST_outbox_fence,
                 PARAMS(p_int(id), p_text(lease), p_int(lease_s)), true, error))
        return false;
    if (!pg_sync(pg, true, NULL, error))
        return false;
    store->unfinished = false;
    if (id == 0)
        return true;
    g_autoptr(PGresult) row = pg_result(pg, error);
    *ret_fenced = row != NULL && PQntuples(row) == 1;
    return row != NULL;
}

bool
outbox_release(Store *store, const char *lease, int64_t wait_s,
               const char *last_error, GError **error)
{
    g_autoptr(PGresult) rows =
        flight(store, ST_outbox_release,
               PARAMS(p_text(lease), p_int(wait_s), p_text(last_error)), error);
    return rows != NULL;
}

/* ---- the clock's work ---- */

/* "{acknowledgement}": the kinds that are sent at most once. */
static char *
kinds_sent_once(void)
{
    g_autoptr(GPtrArray) kinds = g_ptr_array_new();
    static const OutgoingKind all[] = {OUTGOING_ACKNOWLEDGEMENT, OUTGOING_REPLY,
                                       OUTGOING_NOTICE, OUTGOING_ADMIN};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (outgoing_kind_is_once(all[i]))
            g_ptr_array_add(kinds, (gpointer)outgoing_kind_name(all[i]));
    return array_text(kinds);
}

bool
outbox_recover(Store *store, const char *lease, int64_t *ret_unsure,
               int64_t *ret_repeated, GError **error)
{
    g_autofree char *once = kinds_sent_once();
    g_autoptr(PGresult) rows = flight(
        store, ST_outbox_recover, PARAMS(p_text(lease), p_text(once)), error);
    if (rows == NULL)
        return false;
    *ret_unsure = *ret_repeated = 0;
    for (int row = 0; row < PQntuples(rows); row++) {
        bool unsure = strcmp(pg_text(rows, row, 1), "unsure") == 0;
        bool fenced = pg_bool(rows, row, 2);
        *ret_unsure += unsure;
        *ret_repeated += fenced && !unsure;
    }
    return true;
}

enum { EXPIRE_PIECE = 100 };

bool
outbox_expire(Store *store, int64_t give_up_s, int64_t *ret_count,
              GError **error)
{
    g_autoptr(PGresult) rows =
        flight(store, ST_outbox_expire,
               PARAMS(p_int(give_up_s), p_int(EXPIRE_PIECE)), error);
    if (rows == NULL)
        return false;
    *ret_count = PQntuples(rows);
    return true;
}

bool
outbox_next_due(Store *store, int64_t *ret_wait_s, GError **error)
{
    g_autoptr(PGresult) row =
        flight(store, ST_outbox_next_due, NO_PARAMS, error);
    if (row == NULL)
        return false;
    *ret_wait_s = PQntuples(row) == 0 || pg_is_null(row, 0, 0)
                      ? -1
                      : MAX(pg_int(row, 0, 0), 0);
    return true;
}

static bool
by_hand(Store *store, StatementName name, int64_t id, bool *ret_done,
        GError **error)
{
    g_autoptr(PGresult) row = flight(store, name, PARAMS(p_int(id)), error);
    if (row == NULL)
        return false;
    *ret_done = PQntuples(row) > 0;
    return true;
}

bool
outbox_retry(Store *store, int64_t id, bool *ret_done, GError **error)
{
    return by_hand(store, ST_outbox_retry, id, ret_done, error);
}

bool
outbox_drop(Store *store, int64_t id, bool *ret_done, GError **error)
{
    return by_hand(store, ST_outbox_drop, id, ret_done, error);
}
