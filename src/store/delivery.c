#include "store/delivery.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/failure.h"
#include "store/delivery_large.h"
#include "store/txn.h"

/* A large mail is read in pieces of this size. */
enum { PIECE_BYTES = 8 * 1024 * 1024 };

/* ---- accept ---- */

/* Only a pipe can lose its end unnoticed. */
static bool
may_complete(const Delivery *delivery)
{
    return *delivery->mta_queue_id != '\0' &&
           g_strcmp0(delivery->transport, "pipe") == 0;
}

static bool
send_rules(Pg *pg, const Delivery *delivery, GError **error)
{
    return may_complete(delivery) ? pg_send_rules(pg, error)
                                  : pg_send_time(pg, error);
}

static bool
send_row(Pg *pg, const Delivery *delivery, GBytes *digest, size_t trace_octets,
         GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(digest, &length);
    return pg_send(
        pg,
        may_complete(delivery) ? ST_delivery_add_completing : ST_delivery_add,
        PARAMS(p_text(delivery->key), p_text(delivery->transport),
               p_text(delivery->envelope_sender),
               p_text(delivery->envelope_recipient), p_text(delivery->queue),
               p_text(delivery->mta_queue_id), p_bytes(bytes, length),
               p_int((int64_t)trace_octets), p_int(delivery->turn_us)),
        true, error);
}

bool
delivery_add_large(Pg *pg, GBytes *digest, GBytes *raw, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(digest, &length);
    if (!pg_send(pg, ST_raw_exists, PARAMS(p_bytes(bytes, length)), true,
                 error))
        return false;
    g_autoptr(PGresult) known = pg_result(pg, error);
    return known != NULL &&
           (PQntuples(known) > 0 || pg_copy_raw(pg, digest, raw, error));
}

/* Is the transaction open so that COPY can be used, or one flight? */
static bool
send_raw(Pg *pg, const Delivery *delivery, GBytes *digest, GError **error)
{
    GBytes *raw = delivery->raw;
    gsize digest_length, length;
    const void *digest_bytes = g_bytes_get_data(digest, &digest_length);
    const void *bytes = g_bytes_get_data(raw, &length);
    if (length <= DELIVERY_LARGE_BYTES)
        return send_rules(pg, delivery, error) &&
               pg_send(pg, ST_raw_add,
                       PARAMS(p_bytes(digest_bytes, digest_length),
                              p_bytes(length > 0 ? bytes : "", length),
                              p_int((int64_t)length)),
                       false, error);
    return pg_send_text(pg, "BEGIN", error) &&
           send_rules(pg, delivery, error) &&
           delivery_add_large(pg, digest, raw, error);
}

static bool
take_rows(Pg *pg, const GPtrArray *deliveries, Added *ret_added, GError **error)
{
    for (guint i = 0; i < deliveries->len; i++) {
        Delivery *delivery = deliveries->pdata[i];
        g_autoptr(PGresult) row = pg_result(pg, error);
        if (row == NULL)
            return false;
        if (PQntuples(row) == 0) {
            failure_set(error, FAILURE_TEMPORARY,
                        "database: delivery was not stored");
            return false;
        }
        delivery->id = pg_int(row, 0, 0);
        ret_added[i] = pg_bool(row, 0, 1)   ? ADDED_DUPLICATE
                       : pg_bool(row, 0, 2) ? ADDED_COMPLETED
                                            : ADDED_NEW;
    }
    return true;
}

bool
delivery_add(Store *store, const GPtrArray *deliveries, GBytes *digest,
             size_t trace_octets, Added *ret_added, GError **error)
{
    Pg *pg = store_pg(store, error);
    if (pg == NULL)
        return false;
    store->unfinished = true;
    const Delivery *first = deliveries->pdata[0]; /* they share its raw */
    bool large = g_bytes_get_size(first->raw) > DELIVERY_LARGE_BYTES;
    if (!send_raw(pg, first, digest, error))
        return false;
    for (guint i = 0; i < deliveries->len; i++)
        if (!send_row(pg, deliveries->pdata[i], digest, trace_octets, error))
            return false;
    /* Until Sync a pipeline is one transaction; BEGIN needs its COMMIT. */
    if (large && !pg_send_text(pg, "COMMIT", error))
        return false;
    if (!pg_sync(pg, true, large ? "COMMIT" : NULL, error) ||
        !take_rows(pg, deliveries, ret_added, error))
        return false;
    store->unfinished = false;
    return true;
}

/* ---- process ---- */

static Delivery *
delivery_of(const PGresult *rows, int row)
{
    Delivery *delivery = g_new0(Delivery, 1);
    delivery->id = pg_int(rows, row, 0);
    delivery->key = g_strdup(pg_text(rows, row, 1));
    delivery->transport = g_strdup(pg_text(rows, row, 2));
    delivery->envelope_sender =
        pg_is_null(rows, row, 3) ? NULL : g_strdup(pg_text(rows, row, 3));
    delivery->envelope_recipient = g_strdup(pg_text(rows, row, 4));
    delivery->queue = g_strdup(pg_text(rows, row, 5));
    delivery->mta_queue_id = g_strdup(pg_text(rows, row, 6));
    delivery->received_at_s = pg_int(rows, row, 7);
    delivery->waited_us = pg_int(rows, row, 13);
    delivery->strikes = (int)pg_int(rows, row, 8);
    delivery->message_id_no = pg_int(rows, row, 9);
    delivery->ticket_id = pg_int(rows, row, 10);
    delivery->raw_digest = pg_bytes(rows, row, 11);
    delivery->raw = pg_bytes(rows, row, 12);
    return delivery;
}

/* The same bytes come once; the first delivery lends them to the others. */
static void
share_raw(GHashTable *raws, Delivery *delivery)
{
    GBytes *lent = g_hash_table_lookup(raws, delivery->raw_digest);
    if (delivery->raw != NULL)
        g_hash_table_insert(raws, delivery->raw_digest, delivery->raw);
    else if (lent != NULL)
        delivery->raw = g_bytes_ref(lent);
}

static GPtrArray *
lock(Txn *txn, int64_t limit, int64_t inline_bytes, bool only_troubled,
     GError **error)
{
    g_autoptr(PGresult) rows = txn_query(
        txn, ST_delivery_lock_batch,
        PARAMS(p_int(limit), p_int(inline_bytes), p_int(only_troubled)), error);
    if (rows == NULL)
        return NULL;
    GPtrArray *batch =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    g_autoptr(GHashTable) raws = g_hash_table_new(g_bytes_hash, g_bytes_equal);
    for (int row = 0; row < PQntuples(rows); row++) {
        Delivery *delivery = delivery_of(rows, row);
        if (pg_int(rows, row, 14) <= inline_bytes)
            share_raw(raws, delivery);
        g_ptr_array_add(batch, delivery);
    }
    return batch;
}

GPtrArray *
delivery_lock_batch(Txn *txn, int64_t limit, int64_t inline_bytes,
                    GError **error)
{
    return lock(txn, limit, inline_bytes, false, error);
}

GPtrArray *
delivery_lock_troubled(Txn *txn, GError **error)
{
    return lock(txn, 1, -1, true, error);
}

static GBytes *
load_piece(Txn *txn, const Delivery *delivery, size_t offset, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(delivery->raw_digest, &length);
    g_autoptr(PGresult) row =
        txn_query(txn, ST_raw_piece,
                  PARAMS(p_bytes(bytes, length), p_int((int64_t)offset + 1),
                         p_int(PIECE_BYTES)),
                  error);
    if (row == NULL)
        return NULL;
    g_assert(PQntuples(row) == 1); /* a foreign key says so */
    return pg_bytes(row, 0, 0);
}

/* Put `piece` at `offset` of the file. */
static bool
put_piece(int fd, GBytes *piece, size_t offset, GError **error)
{
    gsize length;
    const char *bytes = g_bytes_get_data(piece, &length);
    while (length > 0) {
        ssize_t n = pwrite(fd, bytes, length, (off_t)offset);
        if (n < 0) {
            failure_set(error, FAILURE_TEMPORARY,
                        "no memory for a large mail: %s", g_strerror(errno));
            return false;
        }
        bytes += n;
        offset += (size_t)n;
        length -= (gsize)n;
    }
    return true;
}

/* The first piece is full: it and the others, one after the other, in memory
 * that is a file, so that only one is in ours at a time. */
static GBytes *
load_pieces(Txn *txn, const Delivery *delivery, GBytes *first, GError **error)
{
    int fd = memfd_create("postern-large", MFD_CLOEXEC);
    g_autoptr(GBytes) piece = g_bytes_ref(first);
    size_t offset = 0;
    bool good = put_piece(fd, piece, offset, error);
    while (good && g_bytes_get_size(piece) == PIECE_BYTES) {
        offset += PIECE_BYTES;
        g_bytes_unref(piece);
        piece = load_piece(txn, delivery, offset, error);
        good = piece != NULL && put_piece(fd, piece, offset, error);
    }
    g_autoptr(GMappedFile) mapped =
        good ? g_mapped_file_new_from_fd(fd, FALSE, NULL) : NULL;
    if (good && mapped == NULL)
        failure_set(error, FAILURE_TEMPORARY, "cannot map a large mail");
    if (fd >= 0)
        close(fd);
    return mapped != NULL ? g_mapped_file_get_bytes(mapped) : NULL;
}

bool
delivery_backlog(Store *store, int64_t limit, int64_t *ret_count,
                 GError **error)
{
    g_autoptr(Txn) txn = store_begin_read_only(store, error);
    g_autoptr(PGresult) row =
        txn != NULL
            ? txn_query(txn, ST_delivery_backlog, PARAMS(p_int(limit)), error)
            : NULL;
    if (row == NULL)
        return false;
    *ret_count = pg_int(row, 0, 0);
    return txn_commit(txn, error);
}

bool
delivery_load_raw(Txn *txn, Delivery *delivery, GError **error)
{
    g_autoptr(GBytes) first = load_piece(txn, delivery, 0, error);
    if (first == NULL)
        return false;
    delivery->raw = g_bytes_get_size(first) < PIECE_BYTES
                        ? g_steal_pointer(&first)
                        : load_pieces(txn, delivery, first, error);
    return delivery->raw != NULL;
}

bool
delivery_read(Txn *txn, int64_t id, Delivery **ret_delivery, GError **error)
{
    g_autoptr(PGresult) row =
        txn_query(txn, ST_delivery_read, PARAMS(p_int(id)), error);
    if (row == NULL)
        return false;
    *ret_delivery = PQntuples(row) > 0 ? delivery_of(row, 0) : NULL;
    return true;
}

void
delivery_settle(Txn *txn, const Delivery *delivery, const char *reason,
                int64_t ticket_id, int64_t message_id_no)
{
    txn_add(txn, ST_delivery_settle,
            PARAMS(p_int(delivery->id), p_text(reason), p_int(ticket_id),
                   p_int(message_id_no)));
}

bool
delivery_park(Txn *txn, int64_t id, const char *reason, bool is_rubbish,
              bool *ret_parked, GError **error)
{
    g_autoptr(PGresult) row =
        txn_query(txn, ST_delivery_park,
                  PARAMS(p_int(id), p_text(reason), p_int(is_rubbish)), error);
    if (row == NULL)
        return false;
    *ret_parked = PQntuples(row) > 0;
    return true;
}

bool
delivery_postpone(Txn *txn, int64_t id, const char *why, int *ret_postponed,
                  GError **error)
{
    g_autoptr(PGresult) row = txn_query(txn, ST_delivery_postpone,
                                        PARAMS(p_int(id), p_text(why)), error);
    if (row == NULL)
        return false;
    *ret_postponed = PQntuples(row) > 0 ? (int)pg_int(row, 0, 0) : 0;
    return true;
}

bool
delivery_strike(Txn *txn, int64_t id, int *ret_strikes, GError **error)
{
    g_autoptr(PGresult) row =
        txn_query(txn, ST_delivery_strike, PARAMS(p_int(id)), error);
    if (row == NULL)
        return false;
    *ret_strikes = PQntuples(row) > 0 ? (int)pg_int(row, 0, 0) : 0;
    return true;
}

/* What concerns any number of rows, piece by piece: no statement takes longer
 * than it may. */
static bool
change_all(Txn *txn, StatementName name, const Param *params,
           int64_t *ret_count, GError **error)
{
    *ret_count = 0;
    for (int changed = DELIVERY_PIECE; changed == DELIVERY_PIECE;) {
        g_autoptr(PGresult) rows = txn_query(txn, name, params, error);
        if (rows == NULL)
            return false;
        changed = PQntuples(rows);
        *ret_count += changed;
    }
    return true;
}

static bool
change_one(Txn *txn, StatementName name, const Param *params,
           int64_t *ret_count, GError **error)
{
    g_autoptr(PGresult) rows = txn_query(txn, name, params, error);
    if (rows == NULL)
        return false;
    *ret_count = PQntuples(rows);
    return true;
}

bool
delivery_retry(Txn *txn, int64_t id, int64_t *ret_count, GError **error)
{
    return id != 0
               ? change_one(txn, ST_delivery_retry, PARAMS(p_int(id)),
                            ret_count, error)
               : change_all(txn, ST_delivery_retry_all,
                            PARAMS(p_int(DELIVERY_PIECE)), ret_count, error);
}

bool
delivery_drop(Txn *txn, int64_t id, const char *note, int64_t *ret_count,
              GError **error)
{
    bool only_rubbish = id == DELIVERY_DROP_RUBBISH;
    return id > 0
               ? change_one(txn, ST_delivery_drop,
                            PARAMS(p_int(id), p_text(note)), ret_count, error)
               : change_all(txn, ST_delivery_drop_all,
                            PARAMS(p_int(DELIVERY_PIECE), p_int(only_rubbish),
                                   p_text(note)),
                            ret_count, error);
}

bool
delivery_expire(Txn *txn, int64_t seconds, const char *alarm,
                int64_t cool_down_s, GString *told, size_t told_max,
                int64_t *ret_count, GError **error)
{
    g_autoptr(PGresult) rows =
        txn_query(txn, ST_delivery_expire,
                  PARAMS(p_int(seconds), p_int(DELIVERY_PIECE),
                         p_text("; dropped after retention.rubbish"),
                         p_text(alarm), p_int(cool_down_s)),
                  error);
    if (rows == NULL)
        return false;
    for (int row = 0; row < PQntuples(rows) && told->len < told_max; row++)
        g_string_append_printf(told, "%" G_GINT64_FORMAT "  <%s>  %s\n",
                               pg_int(rows, row, 0), pg_text(rows, row, 1),
                               pg_text(rows, row, 2));
    *ret_count = PQntuples(rows);
    return true;
}
