#include "gateway/send.h"

#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "policy/retry.h"
#include "store/outbox.h"
#include "transport/smtp.h"

enum {
    CLAIM_MAX = 20,
    RIDE_MAX_S = 30, /* a settle waits no longer for the next fence */
    DOT_S = 600,     /* RFC 5321 4.5.3.2.6 */
    CONTENT_S = 900  /* for the content itself */
};

/* A settlement that waits for the next fence; it owns its texts. */
typedef struct {
    Settlement settlement;
    RecipientOutcome *recipients;
    SmtpOutcome *outcome; /* the texts of recipients live here; may be NULL */
    char *last_error;
} Pending;

struct Sender {
    Desk *desk;
    const char *lease;
    const char *password;
    const Diary *diary;
    SmtpClient *client; /* NULL: not connected */
    Pending *pending;   /* NULL: nothing to settle */
    int64_t pending_since_us;
    bool leftovers; /* the last claim broke off: rows may still be ours */
};

/* ---- what became of a mail ---- */

static void
pending_free(Pending *pending)
{
    if (pending == NULL)
        return;
    g_free(pending->recipients);
    smtp_outcome_free(pending->outcome);
    g_free(pending->last_error);
    g_free(pending);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pending, pending_free)

static const char *
state_of(RetryVerdict verdict)
{
    switch (verdict) {
    case RETRY_SENT:
        return "sent";
    case RETRY_AGAIN:
        return "waiting";
    case RETRY_FAILED:
        return "failed";
    }
    g_assert_not_reached();
}

static void
note_trouble(Pending *pending, const char *recipient, const SmtpReply *reply)
{
    if (pending->last_error == NULL)
        pending->last_error = g_strdup_printf(
            "<%s>: %d %s%s%s", recipient, reply->code, reply->enhanced,
            *reply->enhanced ? " " : "", reply->text);
}

/* Judge every recipient by the relay's reply. Takes `outcome`. */
static Pending *
pending_of_outcome(const Claimed *claimed, SmtpOutcome *outcome,
                   const OutboxSettings *settings)
{
    Pending *pending = g_new0(Pending, 1);
    Settlement *settlement = &pending->settlement;
    pending->outcome = outcome;
    pending->recipients = g_new0(RecipientOutcome, outcome->n);
    for (size_t i = 0; i < outcome->n; i++) {
        const SmtpReply *reply = &outcome->replies[i];
        RetryVerdict verdict =
            retry_judge(reply->code, claimed->age_s, settings);
        pending->recipients[i] = (RecipientOutcome){
            g_array_index(claimed->positions, int, i), state_of(verdict),
            reply->code, reply->enhanced, reply->text};
        if (verdict != RETRY_SENT)
            note_trouble(pending, claimed->outgoing->recipients->pdata[i],
                         reply);
        if (verdict == RETRY_FAILED)
            settlement->event = "send-failed";
        if (verdict == RETRY_AGAIN)
            settlement->refused = true;
    }
    settlement->n = outcome->n;
    return pending;
}

/* The connection broke in the middle of the content: perhaps it was sent. */
static Pending *
pending_of_loss(const Claimed *claimed, const GError *error)
{
    bool uncertain = failure_is(error, FAILURE_UNCERTAIN);
    bool once = outgoing_kind_is_once(claimed->outgoing->kind);
    Pending *pending = g_new0(Pending, 1);
    Settlement *settlement = &pending->settlement;
    settlement->n = claimed->positions->len;
    pending->recipients = g_new0(RecipientOutcome, settlement->n);
    for (size_t i = 0; i < settlement->n; i++)
        pending->recipients[i] = (RecipientOutcome){
            g_array_index(claimed->positions, int, i),
            uncertain && once ? "unsure" : "waiting", 0, "", ""};
    pending->last_error = g_strdup(error->message);
    settlement->refused = true;
    settlement->uncertain = uncertain && !once;
    if (uncertain)
        settlement->event = once ? "send-unsure" : "send-repeated";
    return pending;
}

static void
log_settled(const Claimed *claimed, const Pending *pending)
{
    const Settlement *settlement = &pending->settlement;
    for (size_t i = 0; i < settlement->n; i++) {
        const RecipientOutcome *outcome = &settlement->recipients[i];
        log_info(event("mail.sent"), kv_int("outgoing", claimed->id),
                 kv("kind", outgoing_kind_name(claimed->outgoing->kind)),
                 kv_int("ticket", claimed->outgoing->ticket_id),
                 kv("recipient", claimed->outgoing->recipients->pdata[i]),
                 kv("state", outcome->state), kv_int("code", outcome->code),
                 kv("reply", outcome->text),
                 kv_int("next_try_s", settlement->wait_s));
    }
    if (settlement->uncertain)
        log_warning(event("mail.repeated"), kv_int("outgoing", claimed->id),
                    kv("reason", "message may be sent more than once"));
}

/* What is settled with the next fence, or at the end of the claim. */
static void
keep_pending(Sender *sender, const Claimed *claimed, Pending *pending)
{
    const OutboxSettings *settings = &sender->desk->settings->outbox;
    Settlement *settlement = &pending->settlement;
    settlement->id = claimed->id;
    settlement->recipients = pending->recipients;
    settlement->last_error =
        pending->last_error != NULL ? pending->last_error : "";
    settlement->wait_s =
        settlement->refused ? retry_wait(claimed->attempts + 1, settings) : 0;
    log_settled(claimed, pending);
    g_assert(sender->pending == NULL);
    sender->pending = pending;
    sender->pending_since_us = g_get_monotonic_time();
}

/* ---- the commits ---- */

/* Settle what is pending and raise the fence for `id` (0: none). */
static bool
commit(Sender *sender, int64_t id, bool *ret_fenced, GError **error)
{
    const Settlement *settlement =
        sender->pending != NULL ? &sender->pending->settlement : NULL;
    *ret_fenced = false;
    if (settlement == NULL && id == 0)
        return true;
    if (!outbox_settle_and_fence(sender->desk->store, sender->lease, settlement,
                                 id, sender->desk->settings->outbox.lease_s,
                                 ret_fenced, error))
        return false;
    g_clear_pointer(&sender->pending, pending_free);
    return true;
}

/* ---- one mail ---- */

/* Connected. To connect may take long: what is pending is settled first, or
 * its lease could run out meanwhile. */
static bool
ready(Sender *sender, GError **error)
{
    bool fenced;
    if (sender->client != NULL)
        return true;
    if (!commit(sender, 0, &fenced, error))
        return false;
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

/* The content, behind the fence. The relay's answer, or its loss, is pending
 * afterwards. */
static void
submit(Sender *sender, const Claimed *claimed, SmtpOutcome *outcome)
{
    g_autoptr(SmtpOutcome) owned = outcome;
    g_autoptr(GError) failure = NULL;
    FAILPOINT("send.fenced");
    if (smtp_content(sender->client, claimed->outgoing, owned, &failure)) {
        FAILPOINT("send.submitted");
        keep_pending(sender, claimed,
                     pending_of_outcome(claimed, g_steal_pointer(&owned),
                                        &sender->desk->settings->outbox));
        return;
    }
    g_clear_pointer(&sender->client, smtp_close);
    log_warning(event("relay.lost"), kv("reason", failure->message));
    keep_pending(sender, claimed, pending_of_loss(claimed, failure));
}

/* Nothing of it was sent and nothing will be now: end the transaction. */
static void
give_up_transaction(Sender *sender)
{
    if (!smtp_reset(sender->client, NULL))
        g_clear_pointer(&sender->client, smtp_close);
}

static bool
send_one(Sender *sender, int64_t id, GError **error)
{
    g_autoptr(Claimed) claimed = NULL;
    bool fenced;
    if (sender->pending != NULL &&
        g_get_monotonic_time() - sender->pending_since_us >
            RIDE_MAX_S * G_USEC_PER_SEC &&
        !commit(sender, 0, &fenced, error))
        return false;
    if (!outbox_load(sender->desk->store, id, sender->lease, &claimed, error))
        return false;
    if (claimed == NULL) /* dropped meanwhile, or another's */
        return true;
    g_autoptr(SmtpOutcome) outcome = NULL;
    g_autoptr(GError) refusal = NULL;
    if (!begin(sender, claimed->outgoing, &outcome, &refusal, error))
        return false;
    if (outcome == NULL || outcome->accepted == 0) { /* no content, no fence */
        if (!commit(sender, 0, &fenced, error))
            return false;
        keep_pending(sender, claimed,
                     outcome != NULL ? pending_of_outcome(
                                           claimed, g_steal_pointer(&outcome),
                                           &sender->desk->settings->outbox)
                                     : pending_of_loss(claimed, refusal));
        return true;
    }
    FAILPOINT("send.begun");
    if (!commit(sender, id, &fenced, error)) {
        give_up_transaction(sender);
        return false;
    }
    if (!fenced) {
        log_notice(event("lease.lost"), kv_int("outgoing", id));
        give_up_transaction(sender);
        return true;
    }
    submit(sender, claimed, g_steal_pointer(&outcome));
    return true;
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

/* Asked to stop, it gives back what it has not begun. */
static bool
send_all(Sender *sender, const GArray *ids, GError **error)
{
    Store *store = sender->desk->store;
    bool fenced, stopped = false;
    for (guint i = 0; i < ids->len && !stopped; i++) {
        sender->diary->busy(sender->diary->context, 0, submit_time(sender));
        if (!send_one(sender, g_array_index(ids, int64_t, i), error))
            return false;
        stopped = sender->diary->stopping(sender->diary->context);
    }
    FAILPOINT("send.before-settle");
    return commit(sender, 0, &fenced, error) &&
           (!stopped || outbox_release(store, sender->lease, 0, "", error));
}

bool
sender_run(Sender *sender, int64_t wait_s, size_t *ret_sent, GError **error)
{
    Desk *desk = sender->desk;
    g_autoptr(GArray) ids = NULL;
    bool fenced;
    *ret_sent = 0;
    /* What the last run could not settle comes first. All else of that claim
     * was not sent: it is given back, not left until its lease ends. */
    if (!commit(sender, 0, &fenced, error) ||
        (sender->leftovers &&
         !outbox_release(desk->store, sender->lease, 0, "", error)))
        return false;
    sender->leftovers = false;
    if (!outbox_claim(desk->store, sender->lease,
                      desk->settings->outbox.lease_s, CLAIM_MAX, &ids, error)) {
        sender->leftovers = true; /* perhaps claimed all the same */
        return false;
    }
    *ret_sent = ids->len;
    if (ids->len == 0)
        return true;
    FAILPOINT("send.claimed");
    g_autoptr(GError) failure = NULL;
    if (send_all(sender, ids, &failure))
        return true;
    sender->leftovers = !commit(sender, 0, &fenced, NULL) ||
                        !outbox_release(desk->store, sender->lease, wait_s,
                                        failure->message, NULL);
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
    return sender;
}

void
sender_free(Sender *sender)
{
    if (sender == NULL)
        return;
    smtp_close(sender->client);
    pending_free(sender->pending);
    g_free(sender);
}
