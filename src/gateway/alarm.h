/* Telling the admin by mail, not too often. Private to the room. */
#ifndef GATEWAY_ALARM_H
#define GATEWAY_ALARM_H

#include "gateway/desk.h"

/*
 * Tell `reason` and `detail`, unless alarm `name` was told within cool_down_s:
 * whoever makes a thousand of them makes one mail of ours. outgoing_count is
 * raised by what now waits to be sent.
 */
bool alarm_tell(Txn *txn, const Desk *desk, const char *name,
                int64_t cool_down_s, const char *reason, const char *detail,
                size_t *outgoing_count, GError **error);

/* The same of an alarm that was just raised by the caller. */
void alarm_write(Txn *txn, const Desk *desk, const char *reason,
                 const char *detail, size_t *outgoing_count);

#endif
