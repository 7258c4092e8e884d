/* What leaves: queued, claimed under a lease, fenced, settled. */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "mail/outgoing.h"
#include "store/store.h"

/* Queue Outgoing* with what decided them. Answers to them will join. */
bool outbox_add(Txn *txn, const GPtrArray *outgoing, GError **error);

/* A mail of our claim, with the recipients that still wait. */
typedef struct {
    int64_t id;
    Outgoing *outgoing;
    int64_t attempts;
    int64_t age_s;
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
 * UUID); a row that it lost is never touched.
 */

/* Up to `limit` due rows; ret_ids: int64_t, in order of due time. */
bool outbox_claim(Store *store, const char *lease, int64_t lease_s,
                  int64_t limit, GArray **ret_ids, GError **error);

/* ret_claimed NULL: it is no longer ours. */
bool outbox_load(Store *store, int64_t id, const char *lease,
                 Claimed **ret_claimed, GError **error);

/*
 * Settle the mail before (NULL: none) and raise the fence for this one (id 0:
 * none), in one commit. ret_fenced: the content may go out.
 */
bool outbox_settle_and_fence(Store *store, const char *lease,
                             const Settlement *settlement, int64_t id,
                             int64_t lease_s, bool *ret_fenced, GError **error);

/* Nothing of our claim was sent: give it back. */
bool outbox_release(Store *store, const char *lease, int64_t wait_s,
                    const char *last_error, GError **error);

/*
 * Rows that died behind the fence: acknowledgements become unsure, all else is
 * queued again. `lease` (may be NULL): that sender is known to be dead.
 * ret_unsure and ret_repeated count them.
 */
bool outbox_recover(Store *store, const char *lease, int64_t *ret_unsure,
                    int64_t *ret_repeated, GError **error);

/* Give up what is older than `give_up_s`; ret_count: how many. */
bool outbox_expire(Store *store, int64_t give_up_s, int64_t *ret_count,
                   GError **error);

/* Seconds until the next mail is due; -1 if none waits. */
bool outbox_next_due(Store *store, int64_t *ret_wait_s, GError **error);

/* By hand; ret_done false: not in a state for it. */
bool outbox_retry(Store *store, int64_t id, bool *ret_done, GError **error);
bool outbox_drop(Store *store, int64_t id, bool *ret_done, GError **error);

#endif
