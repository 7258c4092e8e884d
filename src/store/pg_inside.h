/* The inside of a Pg, for pg.c and pg_copy.c alone. */
#ifndef STORE_PG_INSIDE_H
#define STORE_PG_INSIDE_H

#include "store/pg.h"

/* What the server owes us, in order. */
typedef enum { OWED_CHECK, OWED_KEEP, OWED_SYNC } Owed;

struct Pg {
    PGconn *connection;
    int64_t timeout_us;
    bool prepared;       /* use prepared statements */
    bool have[ST_COUNT]; /* prepared on this connection */
    GQueue owed;         /* Owed, by GUINT_TO_POINTER */
    GQueue kept;         /* PGresult* */
    bool unsynced;       /* something was sent since the last Sync */
    bool failed;         /* something in this pipeline failed */
    bool committing;     /* what is waited for may be the end of a COMMIT */
    bool out_of_time;    /* the server ended a statement for its time */
    char tag[64];        /* command tag of the last good result */
    int64_t transactions;
    int64_t replan_at;
};

/* Note and report a connection that is of no use any more. */
void pg_set_lost(Pg *pg, GError **error, const char *why);
/* The same for what the server refused. */
void pg_set_refused(Pg *pg, const PGresult *result, GError **error);
/* Wait for poll(2)'s `events` until `deadline_us`; closes what is too slow. */
bool pg_wait_io(Pg *pg, short events, int64_t deadline_us, GError **error);
/* Wait until a whole result is there. */
bool pg_wait_result(Pg *pg, GError **error);

#endif
