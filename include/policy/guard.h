/* Loops, floods and addresses that must not be answered. */
#ifndef POLICY_GUARD_H
#define POLICY_GUARD_H

#include "policy/decision.h"

/*
 * May this new ticket be acknowledged? RFC 3834.
 * Returns: NULL if so, else the slug of what forbids it. ret_alarm is true when
 * a budget was spent, which the admin is told.
 */
const char *guard_acknowledge(const Mail *mail, const Delivery *delivery,
                              const Lookup *lookup, const Context *context,
                              const Rules *rules, bool *ret_alarm);

/*
 * By what acknowledgements are counted: the address key without its "+detail"
 * and with its domain as A-label, because all of those are one mailbox.
 * g_free() it.
 */
char *guard_budget_key(const char *addr_spec);

#endif
