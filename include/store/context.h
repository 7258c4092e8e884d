/* What we know about a mail. */
#ifndef STORE_CONTEXT_H
#define STORE_CONTEXT_H

#include "policy/context.h"
#include "policy/lookup.h"
#include "policy/rules.h"
#include "store/store.h"

/*
 * Lock what two processors could decide about at once, then look. The count for
 * the breaker is taken once a transaction and kept up by outbox_add().
 */
Context *store_load_context(Txn *txn, const Lookup *lookup, const Rules *rules,
                            GError **error);

/* The same without locks, for a dry run in a read-only transaction. */
Context *store_peek_context(Txn *txn, const Lookup *lookup, const Rules *rules,
                            GError **error);

/* The secrets that sign our ids, newest first: GBytes*. */
GPtrArray *store_load_keys(Txn *txn, GError **error);

#endif
