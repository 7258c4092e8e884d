/* What the desk decides by: borrowed parts of the settings, and the keys. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/token.h"
#include "settings/settings.h"

typedef struct {
    const GPtrArray *queues; /* Queue* */
    const Budgets *budgets;
    const MailLimits *limits;
    const char *admin; /* "" = nobody */
    const TokenKeys *keys;
} Rules;

/* True if `addr_spec` is an address of any of our queues, sub-addresses
 * included. */
bool rules_is_ours(const Rules *rules, const char *addr_spec);

/* True if `addr_spec` is told of what happens in `queue`. */
bool rules_is_notified(const Queue *queue, const char *addr_spec);

/* True if `addr_spec` is told of what happens in any queue. */
bool rules_is_one_of_us(const Rules *rules, const char *addr_spec);

#endif
