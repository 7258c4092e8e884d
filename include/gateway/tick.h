/* What happens because time passed. */
#ifndef GATEWAY_TICK_H
#define GATEWAY_TICK_H

#include "gateway/desk.h"
#include "gateway/diary.h"

/*
 * One round: leases that ran out behind the fence, mail that is too old,
 * retention. ret_outgoing: mails that can be sent again.
 */
bool tick(Desk *desk, const Diary *diary, size_t *ret_outgoing, GError **error);

/* That sender is dead: what it held is settled without waiting for its lease.
 */
bool tick_recover_sender(Desk *desk, const char *lease, GError **error);

#endif
