/* What arrives: accepted, locked, settled, parked. Table `delivery`. */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include "mail/delivery.h"
#include "store/store.h"

enum {
    /* Mail above this is stored by COPY and read one at a time, in bytes. */
    DELIVERY_LARGE_BYTES = 1024 * 1024,
    DELIVERY_PIECE = 1000, /* rows that one statement changes, of many */
    DELIVERY_STRIKES_MAX =
        3 /* then only its pre-scan is read; one more parks */
};

typedef enum {
    ADDED_NEW,
    ADDED_DUPLICATE, /* the same hand-over was accepted before */
    ADDED_COMPLETED  /* the whole of one that was cut short */
} Added;

/*
 * Accept one mail for some recipients: one transaction, one flight unless it is
 * large. `deliveries` (Delivery*) share one `raw` and have no id yet; each gets
 * its id. `digest` is the SHA-256 of raw; trace_octets what
 * identity_source_offset() said. ret_added: one for each delivery.
 * True: committed, whatever dies now. FAILURE_UNCERTAIN: perhaps.
 */
bool delivery_add(Store *store, const GPtrArray *deliveries, GBytes *digest,
                  size_t trace_octets, Added *ret_added, GError **error);

/*
 * Take up to `limit` of what is waiting, by turn, or if there is none of what
 * has made trouble before, and hold the rows until the transaction ends.
 * Returns Delivery*; those above `inline_bytes` have no raw yet.
 */
GPtrArray *delivery_lock_batch(Txn *txn, int64_t limit, int64_t inline_bytes,
                               GError **error);

/* The same for one that has made trouble and is due, without its bytes: it has
 * its chance, alone, however many others wait. */
GPtrArray *delivery_lock_troubled(Txn *txn, GError **error);

/* How many wait to be processed, counted up to `limit` of them. */
bool delivery_backlog(Store *store, int64_t limit, int64_t *ret_count,
                      GError **error);

/* Read the bytes of one that came without: a large one comes in pieces, into
 * memory that is a file, and is mapped from there. */
bool delivery_load_raw(Txn *txn, Delivery *delivery, GError **error);

/* One delivery as it is, with its bytes; ret NULL: no such one. */
bool delivery_read(Txn *txn, int64_t id, Delivery **ret_delivery,
                   GError **error);

/* It is in a ticket now. */
void delivery_settle(Txn *txn, const Delivery *delivery, const char *reason,
                     int64_t ticket_id, int64_t message_id_no);

/* It needs an operator, or is rubbish and needs nobody. ret_parked: false if it
 * was not waiting. */
bool delivery_park(Txn *txn, int64_t id, const char *reason, bool is_rubbish,
                   bool *ret_parked, GError **error);

/* The database would not take it just now, though it takes others: later.
 * ret_postponed: how often so far; 0 if it does not wait any more. */
bool delivery_postpone(Txn *txn, int64_t id, const char *why,
                       int *ret_postponed, GError **error);

/* A worker or parser died or overstayed on it: it is taken again in a second,
 * behind those that wait. ret_strikes so far, 0 if it does not wait any more.
 */
bool delivery_strike(Txn *txn, int64_t id, int *ret_strikes, GError **error);

/* Process a parked or dropped one again (`id` 0: all that are parked);
 * ret_count: how many. */
bool delivery_retry(Txn *txn, int64_t id, int64_t *ret_count, GError **error);

enum {
    DELIVERY_DROP_ALL = 0,     /* ids that are none: all that is parked, */
    DELIVERY_DROP_RUBBISH = -1 /* and of that the rubbish */
};

/* Do without a parked one, or several; `note` is added to its reason.
 * ret_count: how many. */
bool delivery_drop(Txn *txn, int64_t id, const char *note, int64_t *ret_count,
                   GError **error);

/*
 * Drop a piece of the rubbish that was parked `seconds` ago or more, unless
 * `alarm` was raised within cool_down_s. A line for each, number, sender and
 * reason, is added to `told` as long as that has room for it (told_max bytes).
 * ret_count: how many; a full piece may not have been all.
 */
bool delivery_expire(Txn *txn, int64_t seconds, const char *alarm,
                     int64_t cool_down_s, GString *told, size_t told_max,
                     int64_t *ret_count, GError **error);

#endif
