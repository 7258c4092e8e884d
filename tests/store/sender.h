/*
 * A sender in short words, for the tests of the outbox: what must not fail does
 * not, and who is told apart by a lease.
 */
#ifndef STORE_SENDER_H
#define STORE_SENDER_H

#include "fixture.h"
#include "store/outbox.h"

/* Two senders. */
#define MINE "11111111-1111-4111-8111-111111111111"
#define OTHERS "22222222-2222-4222-8222-222222222222"

enum { LEASE_S = 600, ALL = 100 };

/* Queue a reply without a ticket; its number. */
int64_t queue_reply(const char *id, const char *recipients);

/* Claim up to `limit`: it must be those, "3 1 2". */
void assert_claim(const char *expected, const char *lease, int64_t limit);

/* The same; Claimed*. */
GPtrArray *claim_mails(const char *lease, int64_t limit);

/* Settle (NULL: nothing) and renew the lease: those are still ours. */
void assert_renewed(const char *expected, const char *lease,
                    const Settlement *settlement);
/* Settle the last of a claim. */
void settle(const char *lease, const Settlement *settlement);

/* Its lease ran out a second ago. */
void let_lapse(int64_t id);

/* A ticket for events to be noted on; it has none yet. */
int64_t make_quiet_ticket(void);

#endif
