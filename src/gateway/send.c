#include "gateway/send.h"

#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "gateway/metrics.h"
#include "pending.h"
#include "store/outbox.h"
#include "transport/smtp.h"

enum {
    CLAIM_MAX = DIARY_MARKS,
    RENEW_S = 30,   /* a settle waits no longer; a lease is renewed by then */
    DOT_S = 600,    /* RFC 5321 4.5.3.2.6 */
    CONTENT_S = 900 /* for the content itself */
};

struct Sender {
    Desk *desk;
    const char *lease;
    const char *password;
    const Diary *diary;
    SmtpClient *client; /* NULL: not connected */
    GPtrArray *pending; /* Pending*, settled with the next commit */
    int64_t commit_us;  /* when the last one began */
    int64_t claim_us;   /* when the claim in hand began */
    bool leftovers;     /* the last claim broke off: rows may still be ours */
};

/* ---- the commits ---- */

/* What became of a mail is settled with the next commit. */
static void
keep_pending(Sender *sender, const Claimed *claimed, Pending *pending)
{
    pending->waited_us =
        claimed->waited_us + g_get_monotonic_time() - sender->claim_us;
    pending_log(pending, claimed);
    g_ptr_array_add(sender->pending, pending);
}

/* As the store wants them; borrowed. */
static GPtrArray *
settlements_of(const Sender *sender)
{
    if (sender->pending->len > 0)
        FAILPOINT("send.before-settle");
    GPtrArray *settlements = g_ptr_array_new();
    for (guint i = 0; i < sender->pending->len; i++)
        g_ptr_array_add(settlements,
                        &((Pending *)sender->pending->pdata[i])->settlement);
    return settlements;
}

/* It is committed: nothing is pending any more. */
static void
settled(Sender *sender, int64_t began_us)
{
    for (guint i = 0; i < sender->pending->len; i++)
        pending_count(sender->pending->pdata[i]);
    g_ptr_array_set_size(sender->pending, 0);
    sender->commit_us = began_us;
}

/* Settle what is pending and claim what is due. */
static bool
claim(Sender *sender, GPtrArray **ret_claimed, GError **error)
{
    g_autoptr(GPtrArray) settlements = settlements_of(sender);
    int64_t began_us = g_get_monotonic_time();
    sender->leftovers = true; /* even if we never hear of it */
    if (!outbox_claim(sender->desk->store, sender->lease,
                      sender->desk->settings->outbox.lease_s, CLAIM_MAX,
                      settlements, ret_claimed, error))
        return false;
    settled(sender, began_us);
    sender->leftovers = false;
    sender->claim_us = began_us;
    if ((*ret_claimed)->len > 0) {
        metric_add(METRIC_CLAIMED, 0, (*ret_claimed)->len);
        metric_observe(METRIC_CLAIM_BATCH, (*ret_claimed)->len);
    }
    sender->diary->mark(sender->diary->context, 0, MARK_NONE);
    return true;
}

/* Settle what is pending and give back the rest of the claim. */
static bool
release(Sender *sender, int64_t wait_s, const char *last_error, GError **error)
{
    g_autoptr(GPtrArray) settlements = settlements_of(sender);
    int64_t began_us = g_get_monotonic_time();
    sender->leftovers = true;
    if (!outbox_release(sender->desk->store, sender->lease, wait_s, last_error,
                        settlements, error))
        return false;
    settled(sender, began_us);
    sender->leftovers = false;
    return true;
}

static bool
has_id(const GArray *ids, int64_t id)
{
    for (guint i = 0; i < ids->len; i++)
        if (g_array_index(ids, int64_t, i) == id)
            return true;
    return false;
}

/*
 * A lease that is young is ours. An older one is renewed and what is pending is
 * settled; ret_ours: does the mail still belong to us? Who was stopped for an
 * hour finds that it does not.
 */
static bool
renew(Sender *sender, int64_t id, bool *ret_ours, GError **error)
{
    int64_t now_us = g_get_monotonic_time();
    int64_t lease_us = sender->desk->settings->outbox.lease_s * G_USEC_PER_SEC;
    *ret_ours = true;
    if (now_us - sender->commit_us <
        MIN(RENEW_S * G_USEC_PER_SEC, lease_us / 2))
        return true;
    g_autoptr(GPtrArray) settlements = settlements_of(sender);
    g_autoptr(GArray) ids = NULL;
    if (!outbox_renew(sender->desk->store, sender->lease,
                      sender->desk->settings->outbox.lease_s, settlements, &ids,
                      error))
        return false;
    settled(sender, now_us);
    *ret_ours = has_id(ids, id);
    if (*ret_ours)
        return true;
    log_notice(event("lease.lost"), kv_int("outgoing", id));
    metric_add(METRIC_LEASE_LOST, 0, 1);
    sender->leftovers = true; /* if nobody has taken it, it is given back */
    return true;
}

/* ---- one mail ---- */

/* Connected. */
static bool
ready(Sender *sender, GError **error)
{
    if (sender->client == NULL)
        sender->client =
            smtp_open(&sender->desk->settings->relay, sender->password, error);
    return sender->client != NULL;
}

/*
 * MAIL and RCPT; a kept connection that died meanwhile is opened once more.
 * False: the relay cannot be reached. ret_outcome NULL: it can, but it hung up
 * on this very mail, and `ret_refusal` says how.
 */
static bool
begin(Sender *sender, const Outgoing *outgoing, SmtpOutcome **ret_outcome,
      GError **ret_refusal, GError **error)
{
    for (bool kept = sender->client != NULL;; kept = false) {
        g_autoptr(GError) refusal = NULL;
        if (!ready(sender, error))
            return false;
        *ret_outcome = smtp_begin(sender->client, outgoing, &refusal);
        if (*ret_outcome != NULL)
            return true;
        g_clear_pointer(&sender->client, smtp_close);
        if (!kept) {
            g_propagate_error(ret_refusal, g_steal_pointer(&refusal));
            return true;
        }
    }
}

static bool
taken_for_all(const SmtpOutcome *outcome)
{
    for (size_t i = 0; i < outcome->n; i++)
        if (outcome->replies[i].code / 100 != 2)
            return false;
    return true;
}

/* The content. The relay's answer, or its loss, is pending afterwards. */
static void
submit(Sender *sender, const Claimed *claimed, SmtpOutcome *outcome)
{
    const Diary *diary = sender->diary;
    g_autoptr(SmtpOutcome) owned = outcome;
    g_autoptr(GError) failure = NULL;
    diary->mark(diary->context, claimed->id, MARK_BEGUN);
    metric_add(METRIC_BEGUN, 0, 1);
    FAILPOINT("send.fenced");
    if (smtp_content(sender->client, claimed->outgoing, owned, &failure)) {
        FAILPOINT("send.submitted");
        if (taken_for_all(owned))
            diary->mark(diary->context, claimed->id, MARK_SENT);
        keep_pending(sender, claimed,
                     pending_of_outcome(claimed, g_steal_pointer(&owned),
                                        &sender->desk->settings->outbox));
        return;
    }
    g_clear_pointer(&sender->client, smtp_close);
    log_warning(event("relay.lost"), kv("reason", failure->message));
    metric_add(METRIC_RELAY_LOST, 0, 1);
    keep_pending(
        sender, claimed,
        pending_of_loss(claimed, failure, &sender->desk->settings->outbox));
}

/* No content goes out: every recipient was refused, or the relay hung up. */
static void
refused(Sender *sender, const Claimed *claimed, SmtpOutcome *outcome,
        const GError *refusal)
{
    keep_pending(sender, claimed,
                 outcome != NULL
                     ? pending_of_outcome(claimed, outcome,
                                          &sender->desk->settings->outbox)
                     : pending_of_loss(claimed, refusal,
                                       &sender->desk->settings->outbox));
}

/* Ours still, and all there. */
static bool
prepare(Sender *sender, Claimed *claimed, bool *ret_ours, GError **error)
{
    if (!renew(sender, claimed->id, ret_ours, error))
        return false;
    if (!*ret_ours || claimed->outgoing->content != NULL)
        return true;
    return outbox_load_content(sender->desk->store, sender->lease, claimed,
                               ret_ours, error);
}

static bool
send_one(Sender *sender, Claimed *claimed, GError **error)
{
    bool ours;
    g_autoptr(SmtpOutcome) outcome = NULL;
    g_autoptr(GError) refusal = NULL;
    if (!prepare(sender, claimed, &ours, error))
        return false;
    if (!ours)
        return true;
    if (!begin(sender, claimed->outgoing, &outcome, &refusal, error))
        return false;
    if (outcome == NULL || outcome->accepted == 0) {
        refused(sender, claimed, g_steal_pointer(&outcome), refusal);
        return true;
    }
    FAILPOINT("send.begun");
    /* To connect may have taken long. */
    bool renewed = renew(sender, claimed->id, &ours, error);
    if (renewed && ours)
        submit(sender, claimed, g_steal_pointer(&outcome));
    else if (!smtp_reset(sender->client, NULL))
        g_clear_pointer(&sender->client, smtp_close);
    return renewed;
}

/* ---- a claim ---- */

/* The longest that one mail may take: connect, greeting, TLS, login, MAIL,
 * RCPT, DATA, the content, the dot, and the commits. */
static int64_t
submit_time(const Sender *sender)
{
    const Settings *settings = sender->desk->settings;
    return settings->relay.timeout_s * 8 + CONTENT_S +
           MAX(DOT_S, settings->relay.timeout_s) +
           settings->database.timeout_s * 5;
}

/* ret_stopped: asked to stop, it left the rest alone. */
static bool
send_all(Sender *sender, const GPtrArray *claimed, bool *ret_stopped,
         GError **error)
{
    const Diary *diary = sender->diary;
    *ret_stopped = false;
    for (guint i = 0; i < claimed->len && !*ret_stopped; i++) {
        diary->busy(diary->context, 0, submit_time(sender));
        if (!send_one(sender, claimed->pdata[i], error))
            return false;
        *ret_stopped = diary->stopping(diary->context);
    }
    return true;
}

bool
sender_run(Sender *sender, int64_t wait_s, size_t *ret_sent, GError **error)
{
    g_autoptr(GPtrArray) claimed = NULL;
    g_autoptr(GError) failure = NULL;
    bool stopped;
    *ret_sent = 0;
    /* What a claim left that broke off was not sent: it is given back, not left
     * until its lease ends. */
    if ((sender->leftovers && !release(sender, 0, "", error)) ||
        !claim(sender, &claimed, error))
        return false;
    *ret_sent = claimed->len;
    if (claimed->len == 0)
        return true;
    FAILPOINT("send.claimed");
    if (send_all(sender, claimed, &stopped, &failure))
        return !stopped || release(sender, 0, "", error);
    release(sender, wait_s, failure->message, NULL);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

void
sender_rest(Sender *sender)
{
    g_clear_pointer(&sender->client, smtp_close);
}

Sender *
sender_new(Desk *desk, const char *lease, const char *password,
           const Diary *diary)
{
    Sender *sender = g_new0(Sender, 1);
    sender->desk = desk;
    sender->lease = lease;
    sender->password = password;
    sender->diary = diary;
    sender->pending =
        g_ptr_array_new_with_free_func((GDestroyNotify)pending_free);
    return sender;
}

void
sender_free(Sender *sender)
{
    if (sender == NULL)
        return;
    smtp_close(sender->client);
    g_ptr_array_unref(sender->pending);
    g_free(sender);
}
