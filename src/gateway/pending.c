#include "pending.h"

#include <string.h>

#include "base/failure.h"
#include "base/log.h"
#include "gateway/metrics.h"
#include "policy/retry.h"

void
pending_free(Pending *pending)
{
    if (pending == NULL)
        return;
    g_free(pending->recipients);
    smtp_outcome_free(pending->outcome);
    g_free(pending->last_error);
    g_free(pending);
}

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

/* What holds for the mail as a whole. */
static Pending *
complete(Pending *pending, const Claimed *claimed,
         const OutboxSettings *settings)
{
    Settlement *settlement = &pending->settlement;
    settlement->id = claimed->id;
    settlement->recipients = pending->recipients;
    settlement->last_error =
        pending->last_error != NULL ? pending->last_error : "";
    settlement->wait_s =
        settlement->refused ? retry_wait(claimed->attempts + 1, settings) : 0;
    return pending;
}

Pending *
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
    return complete(pending, claimed, settings);
}

Pending *
pending_of_loss(const Claimed *claimed, const GError *error,
                const OutboxSettings *settings)
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
    return complete(pending, claimed, settings);
}

void
pending_log(const Pending *pending, const Claimed *claimed)
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

void
pending_count(const Pending *pending)
{
    static const struct {
        const char *state;
        MetricRecipient label;
    } states[] = {{"sent", RECIPIENT_SENT},
                  {"waiting", RECIPIENT_DEFERRED},
                  {"failed", RECIPIENT_FAILED},
                  {"unsure", RECIPIENT_UNSURE}};
    const Settlement *settlement = &pending->settlement;
    bool sent = false;
    for (size_t i = 0; i < settlement->n; i++) {
        const char *state = settlement->recipients[i].state;
        for (size_t k = 0; k < G_N_ELEMENTS(states); k++)
            if (strcmp(state, states[k].state) == 0)
                metric_add(METRIC_RECIPIENTS, (int)states[k].label, 1);
        sent |= strcmp(state, "sent") == 0;
    }
    if (sent)
        metric_observe(METRIC_SEND_TIME, pending->waited_us);
    metric_add(METRIC_REPEATED, 0, settlement->uncertain ? 1 : 0);
}
