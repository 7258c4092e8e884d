/*
 * PROCESS: a delivery to ticket and outbox. A batch is one transaction; if one
 * mail of it is at fault, they are taken one by one, so that only the culprit
 * suffers.
 */
#ifndef GATEWAY_PROCESS_H
#define GATEWAY_PROCESS_H

#include "gateway/desk.h"
#include "gateway/diary.h"

typedef struct {
    size_t processed; /* deliveries that left the state waiting */
    size_t outgoing;  /* mails that now wait to be sent */
} Processed;

/*
 * Process up to limits.batch of what is waiting. Nothing waiting is success
 * with processed 0. False: nothing was changed; try again later.
 */
bool process_waiting(Desk *desk, const Diary *diary, Processed *ret_processed,
                     GError **error);

/*
 * A worker, a parser or the database died or overstayed on this delivery,
 * alone: a strike. After DELIVERY_STRIKES_MAX it becomes a ticket of what the
 * pre-scan reads; one more parks it and tells the admin.
 */
bool process_strike(Desk *desk, int64_t delivery_id, GError **error);

/* Decide without writing: what would become of this mail? `txn` may be NULL:
 * then the store knows nothing. The text of explain.h; g_free() it. */
char *process_explain(Desk *desk, Txn *txn, Delivery *delivery, GError **error);

#endif
