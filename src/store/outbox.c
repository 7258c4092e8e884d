#include "store/outbox.h"

#include <string.h>

#include "policy/guard.h"
#include "store/record.h"
#include "store/txn.h"

/* ---- queueing ---- */

static void
add_one(Txn *txn, const Outgoing *outgoing)
{
    g_autofree char *recipients = array_text(outgoing->recipients);
    g_autofree char *acknowledged = NULL;
    if (outgoing->kind == OUTGOING_ACKNOWLEDGEMENT)
        acknowledged = guard_budget_key(outgoing->recipients->pdata[0]);
    txn->store->told += outgoing->kind == OUTGOING_ACKNOWLEDGEMENT ||
                        outgoing->kind == OUTGOING_NOTICE;
    gsize length;
    const void *bytes = g_bytes_get_data(outgoing->content, &length);
    txn_add(txn, ST_outgoing_add,
            PARAMS(p_text(outgoing_kind_name(outgoing->kind)),
                   p_int(outgoing->ticket_id), p_int(outgoing->message_id_no),
                   p_int(outgoing->delivery_id),
                   p_text(outgoing->envelope_sender),
                   p_text(outgoing->message_id), p_bytes(bytes, length),
                   p_text(acknowledged), p_text(recipients)));
    if (outgoing->ticket_id != 0)
        store_add_own_id(txn, outgoing->ticket_id, outgoing->message_id);
}

void
outbox_add(Txn *txn, const GPtrArray *outgoing)
{
    for (guint i = 0; i < outgoing->len; i++)
        add_one(txn, outgoing->pdata[i]);
}

/* ---- one flight, one transaction ---- */

static bool
take_off(Store *store, Pg **ret_pg, GError **error)
{
    *ret_pg = store_pg(store, error);
    if (*ret_pg == NULL)
        return false;
    store->unfinished = true;
    return pg_send_rules(*ret_pg, error);
}

/* The last statement of a flight: commit, hand out its rows. */
static PGresult *
land(Store *store, StatementName name, const Param *params, GError **error)
{
    Pg *pg = store->pg;
    if (!pg_send(pg, name, params, true, error) ||
        !pg_sync(pg, true, NULL, error))
        return NULL;
    store->unfinished = false;
    return pg_result(pg, error);
}

/* A flight of one statement. */
static PGresult *
flight(Store *store, StatementName name, const Param *params, GError **error)
{
    Pg *pg;
    return take_off(store, &pg, error) ? land(store, name, params, error)
                                       : NULL;
}

/* ---- settling ---- */

/* The rows of settlements, by table. */
typedef struct {
    Rows recipients;
    Rows events;
    Rows mails;
} Settling;

static void
settling_clear(Settling *settling)
{
    rows_clear(&settling->recipients);
    rows_clear(&settling->events);
    rows_clear(&settling->mails);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Settling, settling_clear)

static void
settling_add(Settling *settling, const Settlement *settlement)
{
    Param id = p_int(settlement->id);
    for (size_t i = 0; i < settlement->n; i++) {
        const RecipientOutcome *outcome = &settlement->recipients[i];
        rows_add(&settling->recipients,
                 PARAMS(id, p_int(outcome->position), p_text(outcome->state),
                        p_int(outcome->code), p_text(outcome->enhanced),
                        p_text(outcome->text)));
    }
    if (settlement->event != NULL)
        rows_add(&settling->events, PARAMS(id, p_text(settlement->event),
                                           p_text(settlement->last_error)));
    rows_add(&settling->mails,
             PARAMS(id, p_int(settlement->wait_s),
                    p_text(settlement->last_error), p_int(settlement->refused),
                    p_int(settlement->uncertain)));
}

static bool
send_settlements(Pg *pg, const char *lease, const GPtrArray *settlements,
                 GError **error)
{
    g_auto(Settling) settling = {0};
    const Param *first = PARAMS(p_text(lease));
    for (guint i = 0; settlements != NULL && i < settlements->len; i++)
        settling_add(&settling, settlements->pdata[i]);
    return rows_send(&settling.recipients, pg, ST_outbox_settle_recipient,
                     first, false, error) &&
           rows_send(&settling.events, pg, ST_outbox_event, first, false,
                     error) &&
           rows_send(&settling.mails, pg, ST_outbox_settle, first, false,
                     error);
}

/* Settle, and do one thing more in the same flight. */
static PGresult *
settle_and(Store *store, const char *lease, const GPtrArray *settlements,
           StatementName name, const Param *params, GError **error)
{
    Pg *pg;
    if (!take_off(store, &pg, error) ||
        !send_settlements(pg, lease, settlements, error))
        return NULL;
    return land(store, name, params, error);
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

static void
take_recipients(Claimed *claimed, const char *positions, const char *addresses)
{
    g_auto(GStrv) numbers = g_strsplit(positions, ",", -1);
    g_auto(GStrv) words = g_strsplit(addresses, "\n", -1);
    for (guint i = 0; numbers[i] != NULL && words[i] != NULL; i++) {
        int position = (int)g_ascii_strtoll(numbers[i], NULL, 10);
        g_array_append_val(claimed->positions, position);
        g_ptr_array_add(claimed->outgoing->recipients, g_strdup(words[i]));
    }
}

static Claimed *
claimed_of(const PGresult *rows, int row)
{
    Claimed *claimed = g_new0(Claimed, 1);
    Outgoing *outgoing = g_new0(Outgoing, 1);
    claimed->id = pg_int(rows, row, 0);
    claimed->outgoing = outgoing;
    outgoing_kind_parse(pg_text(rows, row, 1), &outgoing->kind);
    outgoing->envelope_sender = g_strdup(pg_text(rows, row, 2));
    outgoing->message_id = g_strdup(pg_text(rows, row, 3));
    outgoing->content = pg_bytes(rows, row, 4);
    claimed->attempts = pg_int(rows, row, 5);
    claimed->age_s = pg_int(rows, row, 6);
    claimed->waited_us = pg_int(rows, row, 10);
    outgoing->ticket_id = pg_int(rows, row, 7);
    outgoing->recipients = g_ptr_array_new_with_free_func(g_free);
    claimed->positions = g_array_new(FALSE, FALSE, sizeof(int));
    if (!pg_is_null(rows, row, 8))
        take_recipients(claimed, pg_text(rows, row, 8), pg_text(rows, row, 9));
    return claimed;
}

bool
outbox_claim(Store *store, const char *lease, int64_t lease_s, int64_t limit,
             const GPtrArray *settlements, GPtrArray **ret_claimed,
             GError **error)
{
    g_autoptr(PGresult) rows =
        settle_and(store, lease, settlements, ST_outbox_claim,
                   PARAMS(p_text(lease), p_int(lease_s), p_int(limit),
                          p_int(OUTBOX_LARGE_BYTES)),
                   error);
    if (rows == NULL)
        return false;
    *ret_claimed = g_ptr_array_new_with_free_func((GDestroyNotify)claimed_free);
    for (int row = 0; row < PQntuples(rows); row++)
        g_ptr_array_add(*ret_claimed, claimed_of(rows, row));
    return true;
}

bool
outbox_load_content(Store *store, const char *lease, Claimed *claimed,
                    bool *ret_ours, GError **error)
{
    g_autoptr(PGresult) row =
        flight(store, ST_outbox_load_content,
               PARAMS(p_int(claimed->id), p_text(lease)), error);
    if (row == NULL)
        return false;
    *ret_ours = PQntuples(row) > 0;
    if (*ret_ours)
        claimed->outgoing->content = pg_bytes(row, 0, 0);
    return true;
}

bool
outbox_renew(Store *store, const char *lease, int64_t lease_s,
             const GPtrArray *settlements, GArray **ret_ids, GError **error)
{
    g_autoptr(PGresult) rows =
        settle_and(store, lease, settlements, ST_outbox_renew,
                   PARAMS(p_text(lease), p_int(lease_s)), error);
    if (rows == NULL)
        return false;
    *ret_ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t id = pg_int(rows, row, 0);
        g_array_append_val(*ret_ids, id);
    }
    return true;
}

bool
outbox_release(Store *store, const char *lease, int64_t wait_s,
               const char *last_error, const GPtrArray *settlements,
               GError **error)
{
    g_autoptr(PGresult) rows = settle_and(
        store, lease, settlements, ST_outbox_release,
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
outbox_recover(Store *store, const LastWords *dead, Recovered *ret_recovered,
               GError **error)
{
    g_autofree char *once = kinds_sent_once();
    g_autofree char *begun = array_int64(dead != NULL ? dead->begun : NULL);
    g_autofree char *sent = array_int64(dead != NULL ? dead->sent : NULL);
    g_autoptr(PGresult) rows =
        flight(store, ST_outbox_recover,
               PARAMS(p_text(dead != NULL ? dead->lease : NULL), p_text(once),
                      p_text(begun), p_text(sent)),
               error);
    if (rows == NULL)
        return false;
    *ret_recovered = (Recovered){0, 0};
    for (int row = 0; row < PQntuples(rows); row++) {
        const char *fate = pg_text(rows, row, 0);
        ret_recovered->unsure += strcmp(fate, "unsure") == 0;
        ret_recovered->repeated += strcmp(fate, "repeated") == 0;
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
