/*
 * What a worker tells about itself: which delivery it has in hand and when it
 * will be back. Whoever watches it (the supervisor's status page, a test)
 * implements it; the gateway only writes.
 */
#ifndef GATEWAY_DIARY_H
#define GATEWAY_DIARY_H

#include <stdint.h>

typedef struct {
    /* Working on `delivery_id` (0: none in particular), back within seconds. */
    void (*busy)(void *context, int64_t delivery_id, int64_t back_in_s);
    /* Waiting; nothing is in hand. */
    void (*idle)(void *context);
    void *context;
} Diary;

/* One that nobody reads. */
extern const Diary diary_none;

#endif
