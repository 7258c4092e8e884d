#include "store/folder.h"

#include <string.h>

#include "base/failure.h"
#include "store/delivery_large.h"
#include "store/rows.h"
#include "store/txn.h"

enum { LEFT_BATCH = 20 };

/* One statement in a transaction of its own. */
static PGresult *
ask(Store *store, StatementName name, const Param *params, GError **error)
{
    g_autoptr(Txn) txn = store_begin(store, error);
    if (txn == NULL)
        return NULL;
    g_autoptr(PGresult) rows = txn_query(txn, name, params, error);
    if (rows == NULL || !txn_commit(txn, error))
        return NULL;
    return g_steal_pointer(&rows);
}

static bool
ask_held(Store *store, StatementName name, const Param *params, bool *ret_held,
         GError **error)
{
    g_autoptr(PGresult) rows = ask(store, name, params, error);
    *ret_held = rows != NULL && PQntuples(rows) > 0;
    return rows != NULL;
}

/* ---- whose it is ---- */

bool
folder_hold(Store *store, const char *account, const char *name,
            const char *lease, const char *holder, FolderPosition *ret_position,
            bool *ret_held, GError **error)
{
    g_autoptr(PGresult) row =
        ask(store, ST_folder_hold,
            PARAMS(p_text(account), p_text(name), p_text(lease), p_text(holder),
                   p_int(FOLDER_LEASE_S)),
            error);
    if (row == NULL)
        return false;
    *ret_held = PQntuples(row) > 0;
    if (*ret_held)
        *ret_position = (FolderPosition){
            .id = pg_int(row, 0, 0),
            .uid_validity = (uint32_t)pg_int(row, 0, 1),
            .generation = (uint32_t)pg_int(row, 0, 2),
            .last_uid = (uint32_t)pg_int(row, 0, 3),
            .resync_until = (uint32_t)pg_int(row, 0, 4),
            .acted_uid = (uint32_t)pg_int(row, 0, 5),
            .highest_modseq = pg_int(row, 0, 6),
            .try_in_s = pg_is_null(row, 0, 7) ? 0 : pg_int(row, 0, 7)};
    return true;
}

bool
folder_release(Store *store, int64_t id, const char *lease, GError **error)
{
    bool held;
    return ask_held(store, ST_folder_release, PARAMS(p_int(id), p_text(lease)),
                    &held, error);
}

bool
folder_report(Store *store, int64_t id, const char *lease,
              const FolderReport *report, bool *ret_held, bool *ret_left_due,
              GError **error)
{
    g_autoptr(PGresult) row =
        ask(store, ST_folder_report,
            PARAMS(p_int(id), p_text(lease), p_int(FOLDER_LEASE_S),
                   p_text(report->trouble), p_int(report->waiting),
                   p_int(report->next_try_s), p_int(report->acted_uid),
                   p_int(report->highest_modseq)),
            error);
    *ret_held = row != NULL && PQntuples(row) > 0;
    *ret_left_due = *ret_held && pg_bool(row, 0, 0);
    return row != NULL;
}

bool
folder_begin(Store *store, const char *lease, const FolderBeginning *beginning,
             FolderPosition *position, bool *ret_held, GError **error)
{
    /* Never one that there was: a server may come back to an old UIDVALIDITY,
     * too, and source keys must not. */
    bool is_first = position->uid_validity == 0;
    uint32_t generation = is_first ? 0 : position->generation + 1;
    if (!ask_held(store, ST_folder_begin,
                  PARAMS(p_int(position->id), p_text(lease),
                         p_int(beginning->uid_validity), p_int(generation),
                         p_int(beginning->resync_until),
                         p_int(beginning->highest_modseq)),
                  ret_held, error))
        return false;
    if (*ret_held) {
        position->uid_validity = beginning->uid_validity;
        position->generation = generation;
        position->resync_until = beginning->resync_until;
        position->highest_modseq = beginning->highest_modseq;
        position->last_uid = position->acted_uid = 0;
    }
    return true;
}

/* ---- a batch ---- */

static void
add_raw(Rows *rows, const Delivery *delivery)
{
    gsize digest_length, length;
    const void *digest = g_bytes_get_data(delivery->raw_digest, &digest_length);
    const void *bytes = g_bytes_get_data(delivery->raw, &length);
    rows_add(rows, PARAMS(p_bytes(digest, digest_length),
                          p_bytes(length > 0 ? bytes : "", length),
                          p_int((int64_t)length)));
}

static bool
is_large(const Delivery *delivery)
{
    return g_bytes_get_size(delivery->raw) > DELIVERY_LARGE_BYTES;
}

static bool
send_small(Pg *pg, const GPtrArray *deliveries, GError **error)
{
    g_auto(Rows) rows = {0};
    for (guint i = 0; i < deliveries->len; i++)
        if (!is_large(deliveries->pdata[i]))
            add_raw(&rows, deliveries->pdata[i]);
    return rows_send(&rows, pg, ST_folder_raw_add, NO_PARAMS, false, error);
}

/* Each is copied alone, while no other answer is awaited. */
static bool
copy_large(Pg *pg, const GPtrArray *deliveries, GError **error)
{
    for (guint i = 0; i < deliveries->len; i++) {
        const Delivery *delivery = deliveries->pdata[i];
        if (is_large(delivery) &&
            !delivery_add_large(pg, delivery->raw_digest, delivery->raw, error))
            return false;
    }
    return true;
}

static bool
has_large(const GPtrArray *deliveries)
{
    bool found = false;
    for (guint i = 0; i < deliveries->len; i++)
        found |= is_large(deliveries->pdata[i]);
    return found;
}

static bool
send_deliveries(Pg *pg, const FolderBatch *batch, GError **error)
{
    g_auto(Rows) rows = {0};
    for (guint i = 0; i < batch->deliveries->len; i++) {
        const Delivery *delivery = batch->deliveries->pdata[i];
        gsize length;
        const void *digest = g_bytes_get_data(delivery->raw_digest, &length);
        rows_add(&rows,
                 PARAMS(p_text(delivery->key),
                        p_text(delivery->envelope_sender),
                        p_text(delivery->envelope_recipient),
                        p_text(delivery->queue), p_bytes(digest, length),
                        p_int(delivery->turn_us), p_int(batch->compared[i])));
    }
    return rows_send(&rows, pg, ST_folder_delivery_add, NO_PARAMS, true, error);
}

static bool
send_left(Pg *pg, const FolderPosition *position, const FolderBatch *batch,
          GError **error)
{
    for (guint i = 0; i < batch->left->len; i++) {
        const LeftMail *left = &g_array_index(batch->left, LeftMail, i);
        if (!pg_send(pg, ST_left_add,
                     PARAMS(p_int(position->id), p_int(position->uid_validity),
                            p_int(left->uid), p_int(left->octets),
                            p_int(left->struck), p_text(left->reason),
                            p_int(FOLDER_STRIKES_MAX)),
                     true, error))
            return false;
    }
    g_auto(Rows) cleared = {0};
    for (guint i = 0; i < batch->cleared->len; i++)
        rows_add(&cleared,
                 PARAMS(p_int(g_array_index(batch->cleared, uint32_t, i))));
    return rows_send(&cleared, pg, ST_left_clear,
                     PARAMS(p_int(position->id), p_int(position->uid_validity)),
                     false, error);
}

/* Rows come in any order. */
static bool
take_deliveries(Pg *pg, const GPtrArray *deliveries, Added *ret_added,
                GError **error)
{
    if (deliveries->len == 0)
        return true;
    g_autoptr(PGresult) rows = pg_result(pg, error);
    for (int row = 0; rows != NULL && row < PQntuples(rows); row++)
        for (guint i = 0; i < deliveries->len; i++) {
            Delivery *delivery = deliveries->pdata[i];
            if (strcmp(delivery->key, pg_text(rows, row, 0)) != 0)
                continue;
            delivery->id = pg_int(rows, row, 1);
            ret_added[i] = pg_bool(rows, row, 2) ? ADDED_DUPLICATE : ADDED_NEW;
        }
    return rows != NULL;
}

static bool
take_left(Pg *pg, FolderBatch *batch, GError **error)
{
    for (guint i = 0; i < batch->left->len; i++) {
        LeftMail *left = &g_array_index(batch->left, LeftMail, i);
        g_autoptr(PGresult) row = pg_result(pg, error);
        if (row == NULL)
            return false;
        left->strikes = (int)pg_int(row, 0, 0);
        left->parked = pg_bool(row, 0, 1);
    }
    return true;
}

static bool
send_advance(Pg *pg, const char *lease, const FolderBatch *batch,
             const FolderPosition *position, GError **error)
{
    return pg_send(pg, ST_folder_advance,
                   PARAMS(p_int(position->id), p_text(lease),
                          p_int(position->uid_validity),
                          p_int(position->last_uid), p_int(batch->last_uid),
                          p_int(FOLDER_LEASE_S), p_int(position->acted_uid),
                          p_int(position->highest_modseq)),
                   false, error);
}

/* Large mails first, for they are copied; then all else flies at once with the
 * COMMIT behind it. */
static bool
send_batch(Pg *pg, const char *lease, const FolderBatch *batch,
           const FolderPosition *position, GError **error)
{
    return (!has_large(batch->deliveries) ||
            copy_large(pg, batch->deliveries, error)) &&
           send_small(pg, batch->deliveries, error) &&
           send_deliveries(pg, batch, error) &&
           send_left(pg, position, batch, error) &&
           send_advance(pg, lease, batch, position, error);
}

static bool
stands(Store *store, const char *lease, const FolderPosition *position,
       bool *ret_stands, GError **error)
{
    return ask_held(store, ST_folder_stands,
                    PARAMS(p_int(position->id), p_text(lease),
                           p_int(position->uid_validity),
                           p_int(position->last_uid)),
                    ret_stands, error);
}

/* It was refused: since the folder is another's? */
static bool
answer_refusal(Store *store, const char *lease, const FolderPosition *position,
               const GError *failure, bool *ret_held, GError **error)
{
    if (!failure_is(failure, FAILURE_UNCERTAIN) &&
        !stands(store, lease, position, ret_held, error))
        return false;
    if (!*ret_held)
        return true;
    g_propagate_error(error, g_error_copy(failure));
    return false;
}

bool
folder_accept(Store *store, const char *lease, FolderBatch *batch,
              FolderPosition *position, Added *ret_added, bool *ret_held,
              GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Txn) txn = store_begin(store, error);
    if (txn == NULL)
        return false;
    *ret_held = true;
    for (guint i = 0; i < batch->deliveries->len; i++)
        ret_added[i] = ADDED_DUPLICATE;
    if (!send_batch(txn_pg(txn), lease, batch, position, &failure) ||
        !txn_commit(txn, &failure)) {
        g_clear_pointer(&txn, txn_free);
        return answer_refusal(store, lease, position, failure, ret_held, error);
    }
    position->last_uid = batch->last_uid;
    return take_deliveries(txn_pg(txn), batch->deliveries, ret_added, error) &&
           take_left(txn_pg(txn), batch, error);
}

/* ---- questions ---- */

bool
folder_accepted(Store *store, const GPtrArray *keys, bool *ret_accepted,
                GError **error)
{
    g_auto(Rows) wanted = {0};
    for (guint i = 0; i < keys->len; i++) {
        rows_add(&wanted, PARAMS(p_text(keys->pdata[i])));
        ret_accepted[i] = false;
    }
    g_autoptr(Txn) txn =
        keys->len > 0 ? store_begin_read_only(store, error) : NULL;
    if (txn == NULL)
        return keys->len == 0;
    if (!rows_send(&wanted, txn_pg(txn), ST_folder_accepted, NO_PARAMS, true,
                   error))
        return false;
    g_autoptr(PGresult) rows = pg_result(txn_pg(txn), error);
    for (int row = 0; rows != NULL && row < PQntuples(rows); row++)
        for (guint i = 0; i < keys->len; i++)
            ret_accepted[i] |=
                strcmp(keys->pdata[i], pg_text(rows, row, 0)) == 0;
    return rows != NULL && txn_commit(txn, error);
}

GArray *
folder_left_due(Store *store, const FolderPosition *position,
                int64_t mail_bytes, GError **error)
{
    g_autoptr(Txn) txn = store_begin(store, error);
    if (txn == NULL ||
        !pg_send(txn_pg(txn), ST_left_retry,
                 PARAMS(p_int(position->id), p_int(mail_bytes)), false, error))
        return NULL;
    g_autoptr(PGresult) rows =
        txn_query(txn, ST_left_due,
                  PARAMS(p_int(position->id), p_int(position->uid_validity),
                         p_int(LEFT_BATCH)),
                  error);
    if (rows == NULL || !txn_commit(txn, error))
        return NULL;
    GArray *uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (int row = 0; row < PQntuples(rows); row++) {
        uint32_t uid = (uint32_t)pg_int(rows, row, 0);
        g_array_append_val(uids, uid);
    }
    return uids;
}

bool
folder_left_retry(Txn *txn, const char *account, int64_t *ret_count,
                  GError **error)
{
    g_autoptr(PGresult) rows =
        txn_query(txn, ST_left_retry_all, PARAMS(p_text(account)), error);
    if (rows == NULL)
        return false;
    *ret_count = PQntuples(rows);
    return true;
}
