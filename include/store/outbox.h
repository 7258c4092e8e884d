/* What leaves: queued, claimed under a lease, settled. */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "mail/outgoing.h"
#include "store/store.h"

/* Queue Outgoing* with what decided them. Answers to them will join. */
void outbox_add(Txn *txn, const GPtrArray *outgoing);

/* Content up to this is read with the claim, what is larger in its turn. */
enum { OUTBOX_LARGE_BYTES = 64 * 1024 };

/* A mail of our claim, with the recipients that still wait. */
typedef struct {
    int64_t id;
    Outgoing *outgoing; /* content NULL: large, see outbox_load_content() */
    int64_t attempts;
    int64_t age_s;
    int64_t waited_us; /* from when it was queued until it was claimed */
    GArray *positions; /* int: of each recipient, among all */
} Claimed;

void claimed_free(Claimed *claimed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Claimed, claimed_free)

/* What became of one recipient. */
typedef struct {
    int position;
    const char *state; /* "sent", "failed", "unsure", "waiting" */
    int code;
    const char *enhanced;
    const char *text;
} RecipientOutcome;

/* What became of a mail; texts are borrowed. */
typedef struct {
    int64_t id;
    const RecipientOutcome *recipients;
    size_t n;
    int64_t wait_s; /* until it is tried again */
    const char *last_error;
    const char *event; /* to be noted on its ticket; NULL none */
    bool refused;      /* counts as an attempt */
    bool uncertain;    /* it may go out twice: counted */
} Settlement;

/*
 * Each of these is a transaction of its own. `lease` is the sender's token (a
 * UUID); a row that it lost is never touched. `settlements` (const Settlement*;
 * NULL: none) are written in the same commit; to repeat one changes nothing.
 */

/*
 * Claim up to `limit` due rows for `lease_s` seconds. The claim is the fence:
 * once it is committed their content may go out. ret_claimed: Claimed*, in
 * order of due time.
 */
bool outbox_claim(Store *store, const char *lease, int64_t lease_s,
                  int64_t limit, const GPtrArray *settlements,
                  GPtrArray **ret_claimed, GError **error);

/* Fill in large content. ret_ours false: the row is no longer ours. */
bool outbox_load_content(Store *store, const char *lease, Claimed *claimed,
                         bool *ret_ours, GError **error);

/* Still at it: the lease begins anew. ret_ids (int64_t): what is still ours and
 * not settled; of all else nothing may go out. */
bool outbox_renew(Store *store, const char *lease, int64_t lease_s,
                  const GPtrArray *settlements, GArray **ret_ids,
                  GError **error);

/* What is left of our claim was not sent: give it back, due in `wait_s`. */
bool outbox_release(Store *store, const char *lease, int64_t wait_s,
                    const char *last_error, const GPtrArray *settlements,
                    GError **error);

/* How far a sender came that is known to be dead; int64_t, ids of outgoing. */
typedef struct {
    const char *lease;
    const GArray *begun; /* content may be out */
    const GArray *sent;  /* the relay has taken it, for all its recipients */
} LastWords;

/* What a recovery did: mails that are unsure now, and that may go out twice. */
typedef struct {
    int64_t unsure;
    int64_t repeated;
} Recovered;

/*
 * Rows whose lease ran out: what is sent at most once becomes unsure, all else
 * is queued again. Also the rows of a dead sender (NULL: none), by its last
 * words: what it had not begun is queued as if nothing had happened.
 */
bool outbox_recover(Store *store, const LastWords *dead,
                    Recovered *ret_recovered, GError **error);

/* Give up what is older than `give_up_s`; ret_count: how many. */
bool outbox_expire(Store *store, int64_t give_up_s, int64_t *ret_count,
                   GError **error);

/* Seconds until the next mail is due; -1 if none waits. */
bool outbox_next_due(Store *store, int64_t *ret_wait_s, GError **error);

/* By hand; ret_done false: not in a state for it. */
bool outbox_retry(Store *store, int64_t id, bool *ret_done, GError **error);
bool outbox_drop(Store *store, int64_t id, bool *ret_done, GError **error);

#endif
