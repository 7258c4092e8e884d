/* What we know about a mail. */
#ifndef STORE_CONTEXT_H
#define STORE_CONTEXT_H

#include "policy/context.h"
#include "policy/lookup.h"
#include "policy/rules.h"
#include "store/store.h"

/*
 * Take the locks (int64_t, Lookup.locks of all mails of a batch together; they
 * are sorted here) until the transaction ends: in a statement of its own before
 * any look-up, so that the look-ups see what the other processor committed.
 */
bool store_lock_context(Txn *txn, GArray *locks, GError **error);

/*
 * Look, for several mails in one flight; lookups: Lookup*. What counts for the
 * breaker is kept up by outbox_add() and may be a second old far from its
 * limit. Returns: Context*, one for each, in order.
 */
GPtrArray *store_load_contexts(Txn *txn, const GPtrArray *lookups,
                               const Rules *rules, GError **error);

/* The secrets that sign our ids, newest first: GBytes*. */
GPtrArray *store_load_keys(Txn *txn, GError **error);

#endif
