/* Telling the admin of parked mail. Private to the room. */
#ifndef GATEWAY_PARK_H
#define GATEWAY_PARK_H

#include "gateway/desk.h"

/* This delivery was parked: tell the admin, who hears of one an hour.
 * outgoing_count is raised by what now waits to be sent. */
bool park_tell(Txn *txn, const Desk *desk, int64_t delivery_id, const char *why,
               size_t *outgoing_count, GError **error);

#endif
