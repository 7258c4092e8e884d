/* Telling the admin of parked mail. Private to the room. */
#ifndef GATEWAY_PARK_H
#define GATEWAY_PARK_H

#include "gateway/desk.h"
#include "gateway/diary.h"

/* This delivery was parked: tell the admin, who hears of one an hour, and of
 * one that is rubbish a day. outgoing_count is raised by what now waits to be
 * sent. */
bool park_tell(Txn *txn, const Desk *desk, int64_t delivery_id, const char *why,
               bool is_rubbish, size_t *outgoing_count, GError **error);

/*
 * Drop the rubbish that was parked longer ago than retention.rubbish, and tell
 * the admin of all of it in one mail. That happens once a day: nothing is
 * dropped that is not told of. ret_dropped: how many.
 */
bool park_drop_old(Desk *desk, const Diary *diary, int64_t *ret_dropped,
                   size_t *ret_outgoing, GError **error);

#endif
