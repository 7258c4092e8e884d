#include "policy/thread.h"

#include "policy/route.h"

static const Queue *
queue_of(const Candidate *candidate, const Rules *rules)
{
    return route_find(rules->queues, candidate->ticket->queue, "");
}

/* Why this candidate may be joined; NULL if it may not. */
static const char *
right_to_join(const Mail *mail, const Candidate *candidate, const Rules *rules,
              bool *ret_as_note)
{
    *ret_as_note = false;
    if (candidate->is_party)
        return "party";
    const Queue *queue = queue_of(candidate, rules);
    if (queue != NULL && mail->originator != NULL &&
        candidate->evidence == EVIDENCE_OURS &&
        rules_is_notified(queue, mail->originator->addr_spec)) {
        *ret_as_note = true; /* our own people, but From proves nothing */
        return "notified";
    }
    if (mail->automatic.class == AUTOMATIC_BOUNCE &&
        candidate->evidence == EVIDENCE_OURS &&
        token_message_id_verify(rules->keys, candidate->id, NULL))
        return "report";
    return NULL;
}

Threading
thread_find(const Mail *mail, const Context *context, const Rules *rules,
            GPtrArray *considered)
{
    Threading found = {NULL, NULL, false};
    for (guint i = 0; i < context->candidates->len; i++) {
        const Candidate *candidate = context->candidates->pdata[i];
        bool as_note;
        const char *right = right_to_join(mail, candidate, rules, &as_note);
        g_ptr_array_add(
            considered,
            g_strdup_printf("ticket %" G_GINT64_FORMAT " by %s%s%s: %s",
                            candidate->ticket->id,
                            evidence_name(candidate->evidence),
                            *candidate->id != '\0' ? " " : "", candidate->id,
                            right != NULL ? right : "sender is no party"));
        if (right != NULL && found.joins == NULL) {
            found.joins = candidate;
            found.as_note = as_note;
        } else if (right == NULL && found.claims == NULL) {
            found.claims = candidate;
        }
    }
    return found;
}
