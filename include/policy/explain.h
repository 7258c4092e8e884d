/* Mail, decision and reasons as stable text, for people and golden files. */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "policy/decision.h"

/* "key: value" lines, LF, sorted by the road of the mail; g_free() it. */
char *explain_text(const Mail *mail, const Delivery *delivery,
                   const Lookup *lookup, const Decision *decision);

#endif
