/* The inside of Store and Txn. Private to the room. */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "store/pg.h"
#include "store/rows.h"
#include "store/store.h"

struct Store {
    const DatabaseSettings *settings;
    char *who;
    Pg *pg;          /* NULL: not connected */
    bool unfinished; /* something may be open on the connection */
    /* Acknowledgements and notices within the breaker's window, counted a
     * moment ago, with our own since. */
    int64_t told;
    int64_t told_until_us; /* monotonic; then it must be counted again */
};

/* Tables that rows are gathered for, see txn_add(). */
enum { TXN_WRITES = 10 };

struct Txn {
    Store *store;
    bool over;    /* committed, or failed for good */
    bool counted; /* store->told is as good as this transaction needs it */
    Rows writes[TXN_WRITES];
};

/* Connection, connected if need be, clean, with nothing owed. NULL on error. */
Pg *store_pg(Store *store, GError **error);

static inline Pg *
txn_pg(Txn *txn)
{
    return txn->store->pg;
}

/*
 * One more row for a table. The rows of a transaction are gathered and written
 * with one statement for each table, before the next question and before
 * COMMIT.
 */
void txn_add(Txn *txn, StatementName name, const Param *params);
bool txn_flush(Txn *txn, GError **error);

/* This transaction has to do with all rows of a table: it may take days. */
bool txn_take_time(Txn *txn, GError **error);

/* One statement whose result is wanted: send, fly, read. */
PGresult *txn_query(Txn *txn, StatementName name, const Param *params,
                    GError **error);

/* A text[] literal, for an array that is an element of a column; g_free() it.
 */
char *array_text(const GPtrArray *items);
/* The same of numbers; NULL has none. */
char *array_int64(const GArray *items);
/* The reverse of array_text(), of the server's own output. */
GPtrArray *array_parse(const char *literal);

#endif
