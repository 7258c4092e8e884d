/*
 * The database. A Store is one connection; a Txn one transaction on it. The
 * connection is made when it is first needed and made again after it broke.
 * Every wait ends within DatabaseSettings.timeout_s, and before that the server
 * ends the statement: whatever the tables hold, nothing runs on for nobody.
 *
 * Errors: FAILURE_TEMPORARY for all that may heal (server down, deadlock, disk
 * full, wrong password), FAILURE_PERMANENT for data the server refuses for
 * ever, FAILURE_UNCERTAIN when the answer to COMMIT did not come.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings/settings.h"

typedef struct Store Store;
typedef struct Txn Txn;

/* `settings` is borrowed for the Store's life; `who` shows in
 * pg_stat_activity. Does not connect yet. */
Store *store_new(const DatabaseSettings *settings, const char *who);
void store_free(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* Connect now if there is no connection. */
bool store_connect(Store *store, GError **error);

/* False when there is none, or it broke. */
bool store_is_connected(const Store *store);

/* Did the last transaction fail because the server ended a statement that took
 * too long? It does so before DatabaseSettings.timeout_s, as long as we listen. */
bool store_is_out_of_time(const Store *store);

/*
 * Begin a transaction: READ COMMITTED. One at a time a Store. A Txn that is
 * freed without commit is rolled back then and there.
 */
Txn *store_begin(Store *store, GError **error);
/* READ ONLY: for questions and dry runs. */
Txn *store_begin_read_only(Store *store, GError **error);

/* Commit. False: rolled back, or FAILURE_UNCERTAIN. Either way `txn` is over
 * and is only to be freed. */
bool txn_commit(Txn *txn, GError **error);
void txn_free(Txn *txn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Txn, txn_free)

#endif
