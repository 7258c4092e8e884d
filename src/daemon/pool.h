/*
 * The workers as the supervisor sees them: wanted, started, ended, replaced
 * after a pause that grows. What a worker was doing when it died stays in its
 * slot for its successor.
 */
#ifndef DAEMON_POOL_H
#define DAEMON_POOL_H

#include "settings/settings.h"
#include "spawn.h"
#include "status_page.h"

/*
 * What the supervisor knows of a worker, in memory of its own. The page is
 * written for others to see; of what stands there only the deadline and the
 * delivery are believed, for a worker that was taken over can write anything.
 */
typedef struct {
    WorkerRole role;
    int index;
    pid_t pid;           /* 0: not running */
    int64_t started_us;  /* monotonic */
    int64_t start_at_us; /* not to be started before */
    int64_t pause_ms;
    int deaths;  /* in a row, none of them after a steady life */
    bool wanted; /* by the settings in force */
} Plan;

typedef struct {
    StatusPage *page;             /* borrowed */
    const char *settings_file;    /* borrowed: where they are from */
    SpawnDescriptors descriptors; /* of a worker that gets all of them */
    int metrics;                  /* the metrics worker's socket; -1: none */
    const GArray *accounts;       /* int: for each imap worker its password */
    int64_t looked_us;            /* when we last looked who is overdue */
    int64_t lenient_until_us;     /* nobody is, until then */
    Plan plans[STATUS_SLOTS];
} Pool;

/* Which workers there should be; those too many are ended by pool_signal(). */
void pool_plan(Pool *pool, const WorkerCounts *counts, bool listening,
               int folders);

/* An operator has changed something: nobody waits for the end of a pause. */
void pool_hurry(Pool *pool);

/* Start those that are wanted, do not run, and have waited their pause. */
void pool_start_due(Pool *pool);

/* Milliseconds until pool_start_due() has something to do; at most `most_ms`.
 */
int64_t pool_patience_ms(const Pool *pool, int64_t most_ms);

/* Send a signal to all that run. */
void pool_signal(const Pool *pool, int number);

/* Take in those that ended. Returns true if one said that the settings are
 * wrong (EX_CONFIG). */
bool pool_reap(Pool *pool);

/* Kill those that have overstayed the time they announced; nobody for a while
 * if we were late ourselves: then the whole machine was. */
void pool_kill_overdue(Pool *pool);

bool pool_any_running(const Pool *pool);

/* The lmtp workers. */
typedef struct {
    size_t wanted;
    size_t running;
    size_t busy;
    size_t hosting; /* not busy, but with clients that wait for others to end */
    int64_t done;   /* mails that they have taken, in all */
} PoolLmtp;

void pool_count_lmtp(const Pool *pool, PoolLmtp *ret_count);

/* One lmtp worker more, or one of those beyond `least` less, if one of them has
 * nothing in hand. */
void pool_grow_lmtp(Pool *pool);
void pool_shrink_lmtp(Pool *pool, int least);

/* Every wanted worker runs and has found its database. */
bool pool_all_up(const Pool *pool);

#endif
