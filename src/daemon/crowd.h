/*
 * When all lmtp workers are busy and clients wait: more workers, as many as the
 * settings allow, and then a word to those who wait.
 */
#ifndef DAEMON_CROWD_H
#define DAEMON_CROWD_H

#include "pool.h"

typedef struct {
    bool growing;           /* look again soon */
    int64_t full_since_us;  /* all busy, and nothing was done */
    int64_t done;           /* at the last look */
    int64_t spare_since_us; /* one more than the least was always idle */
} Crowd;

void crowd_init(Crowd *crowd);

/* Once a round. `listeners`: int, those of LMTP. */
void crowd_look(Crowd *crowd, Pool *pool, const GArray *listeners,
                const Settings *settings);

#endif
