/* The inside of Store and Txn. Private to the room. */
#ifndef STORE_TXN_H
#define STORE_TXN_H

#include "store/pg.h"
#include "store/store.h"

struct Store {
    const DatabaseSettings *settings;
    char *who;
    Pg *pg;          /* NULL: not connected */
    bool unfinished; /* a Txn was left: roll back before the next */
};

struct Txn {
    Store *store;
    bool over; /* committed, or failed for good */
    int64_t
        breaker; /* acknowledgements and notices, counted once; -1: not yet */
};

/* Connection, connected if need be, clean, with nothing owed. NULL on error. */
Pg *store_pg(Store *store, GError **error);

static inline Pg *
txn_pg(Txn *txn)
{
    return txn->store->pg;
}

/* One statement whose result is wanted: send, fly, read. */
PGresult *txn_query(Txn *txn, StatementName name, const Param *params,
                    GError **error);

/* A text[] literal; g_free() it. */
char *array_text(const GPtrArray *items);
char *array_int64(const GArray *items);
/* The reverse of array_text(), of the server's own output. */
GPtrArray *array_parse(const char *literal);

#endif
