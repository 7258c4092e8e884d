/*
 * Whose turn it is. Processors take mail by turn, so that nobody who sends much
 * keeps others waiting. A turn is a moment in microseconds: that of the
 * arrival, for a sender who has been quiet; behind the sender's own mails
 * otherwise, further with each mail and each octet. It delays nothing: while
 * the processors keep up, everything is taken as it comes.
 *
 * The sender is that of the envelope, which anybody can forge: who writes in a
 * customer's name can put that customer's turn off, by so much and no more.
 */
#ifndef GATEWAY_TURN_H
#define GATEWAY_TURN_H

#include <glib.h>
#include <stdint.h>

#include "mail/delivery.h"

enum {
    /* What a sender's next mail waits behind the last one: a person is slower,
     * and a processor at least ten times as fast. */
    TURN_MAIL_US = 100000,
    /* And for each KiB of it; a processor is at least ten times as fast. */
    TURN_KIB_US = 1000,
    TURN_AHEAD_S = 600, /* by which a sender's turns are ahead of the clock */
    /* Senders share this many places by a hash: who meets a busy one there is
     * taken for it, which only an arrival that has to wait anyway notices. */
    TURN_PLACES = 8192
};

/* Kept where all workers of a daemon see it; the moment of each place's last
 * turn. Zeroed is good; `seed` keeps strangers from choosing their place. */
typedef struct {
    uint64_t seed;
    int64_t last_us[TURN_PLACES];
} Turns;

/* From now on these count, borrowed; without, each process has its own. */
void turns_use(Turns *turns);

/* Give it its turn. `otherwise` is who it counts for if the envelope sender is
 * not known. */
void turn_take(Delivery *delivery, const char *otherwise, int64_t now_us);

/* The same for all deliveries (Delivery*) of one mail, whose octets count once:
 * it is read once, however many it is for. */
void turn_take_all(const GPtrArray *deliveries, int64_t now_us);

#endif
