/* Envelope recipient to queue. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "settings/settings.h"

/*
 * The queue for a recipient: `queue_name` if the hand-over named one, else by
 * address, exactly or without its "+detail" (RFC 5233). ASCII case does not
 * matter. Borrowed; NULL: nobody here has that name or address.
 */
const Queue *route_find(const GPtrArray *queues, const char *queue_name,
                        const char *recipient);

#endif
