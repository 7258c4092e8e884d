/*
 * What a worker tells about itself - which delivery it has in hand, when it
 * will be back - and the one thing it asks: whether it is to stop. Whoever
 * watches it (the supervisor's status page, a test) implements it.
 */
#ifndef GATEWAY_DIARY_H
#define GATEWAY_DIARY_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    /* Working on `delivery_id` (0: none in particular), back within seconds. */
    void (*busy)(void *context, int64_t delivery_id, int64_t back_in_s);
    /* Waiting; nothing is in hand. */
    void (*idle)(void *context);
    /* Is it to stop after the mail in hand? */
    bool (*stopping)(void *context);
    void *context;
} Diary;

/* One that nobody reads, and that never stops. */
extern const Diary diary_none;

#endif
