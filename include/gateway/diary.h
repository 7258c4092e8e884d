/*
 * What a worker tells about itself - which delivery it has in hand, when it
 * will be back - and the one thing it asks: whether it is to stop. Whoever
 * watches it (the supervisor's status page, a test) implements it.
 */
#ifndef GATEWAY_DIARY_H
#define GATEWAY_DIARY_H

#include <stdbool.h>
#include <stdint.h>

/* How far a sender is with a mail of its claim. */
typedef enum {
    MARK_NONE,  /* nothing of it went out */
    MARK_BEGUN, /* its content may be out */
    MARK_SENT   /* the relay has taken it, for all its recipients */
} Mark;

enum { DIARY_MARKS = 20 }; /* mails that can be marked: a claim has no more */

/* Mails of a folder, by their UIDs; first 0: none. */
typedef struct {
    int64_t folder; /* its number in the database: others may have its UIDs */
    uint32_t uid_validity;
    uint32_t generation; /* of that */
    uint32_t first;
    uint32_t last;
    bool alone; /* one by one, since something broke on one of them */
} Fetching;

typedef struct {
    /* Working on `delivery_id` (0: none in particular), back within seconds. */
    void (*busy)(void *context, int64_t delivery_id, int64_t back_in_s);
    /* Waiting; nothing is in hand. */
    void (*idle)(void *context);
    /* Outgoing mail `id` is so far; id 0: a new claim, nothing is marked. It is
     * read when this process has died. */
    void (*mark)(void *context, int64_t id, Mark mark);
    /* These mails are being fetched. It is read when this process has died. */
    void (*fetching)(void *context, const Fetching *fetching);
    /* Is it to stop after the mail in hand? */
    bool (*stopping)(void *context);
    void *context;
} Diary;

/* One that nobody reads, and that never stops. */
extern const Diary diary_none;

#endif
