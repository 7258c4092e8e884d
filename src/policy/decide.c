#include "policy/decision.h"

#include <string.h>

#include "base/text.h"
#include "policy/guard.h"
#include "policy/notice.h"
#include "policy/route.h"
#include "policy/thread.h"
#include "policy/ticket_tag.h"

enum {
    CC_MAX = 20, /* people remembered from To and Cc */
    SUBJECT_MAX_CHARS = 255,
    ALARM_COOL_DOWN_S = 3600
};

/* ---- building blocks ---- */

static void
add_event(Decision *decision, const char *name, const char *detail)
{
    decision_add_effect(decision, EFFECT_EVENT, name, detail);
}

static void
add_party(Decision *decision, const char *addr_spec, const char *name,
          PartyRole role)
{
    g_autofree char *key = address_key(addr_spec);
    decision_add_effect(decision, EFFECT_PARTY, key, name)->role = role;
}

static void
consider(Decision *decision, const char *step, const char *outcome)
{
    g_ptr_array_add(decision->considered,
                    g_strdup_printf("%s: %s", step, outcome));
}

/* ---- who belongs ---- */

static void
add_cc(Decision *decision, const GPtrArray *addresses, const Rules *rules,
       size_t *count)
{
    for (guint i = 0; i < addresses->len && *count < CC_MAX; i++) {
        const Address *address = addresses->pdata[i];
        if (rules_is_ours(rules, address->addr_spec))
            continue;
        add_party(decision, address->addr_spec, address->name, PARTY_CC);
        (*count)++;
    }
}

/* The people named in To and Cc may join when they write; they are sent
 * nothing. Only a person's mail may name them. */
static void
add_named(Decision *decision, const Mail *mail, const Rules *rules)
{
    size_t count = 0;
    if (mail->automatic.class != AUTOMATIC_NONE)
        return;
    add_cc(decision, mail->to, rules, &count);
    add_cc(decision, mail->cc, rules, &count);
}

/* ---- a new ticket ---- */

/* One Reply-To that is not ours is where the answer goes; else From; else who
 * handed it over. */
static const char *
reply_address(const Mail *mail, const Delivery *delivery, const Rules *rules)
{
    if (mail->reply_to->len == 1) {
        const Address *address = mail->reply_to->pdata[0];
        if (address_is_sendable(address->addr_spec) &&
            !rules_is_ours(rules, address->addr_spec))
            return address->addr_spec;
    }
    return mail->originator != NULL ? mail->originator->addr_spec
                                    : delivery->envelope_sender;
}

static Ticket *
new_ticket(const Mail *mail, const Delivery *delivery, const Queue *queue,
           const Rules *rules)
{
    Ticket *ticket = g_new0(Ticket, 1);
    ticket->queue = g_strdup(queue->name);
    ticket->status = TICKET_OPEN;
    g_autofree char *subject =
        ticket_tag_strip(queue->tag_prefix, mail->subject);
    ticket->subject = text_ellipsis(subject, SUBJECT_MAX_CHARS);
    ticket->language = g_strdup(mail->language);
    ticket->requester =
        g_strdup(mail->originator != NULL ? mail->originator->addr_spec
                                          : delivery->envelope_sender);
    ticket->requester_name =
        g_strdup(mail->originator != NULL ? mail->originator->name : "");
    ticket->reply_to = g_strdup(reply_address(mail, delivery, rules));
    return ticket;
}

static void
decide_acknowledgement(Decision *decision, const Mail *mail,
                       const Delivery *delivery, const Lookup *lookup,
                       const Context *context, const Rules *rules)
{
    bool alarm;
    const char *why =
        guard_acknowledge(mail, delivery, lookup, context, rules, &alarm);
    decision->acknowledge_reason = why != NULL ? why : "new-ticket";
    consider(decision, "acknowledge", why != NULL ? why : "yes");
    if (why == NULL) {
        decision->acknowledge_to = g_strdup(delivery->envelope_sender);
        add_event(decision, "acknowledged", delivery->envelope_sender);
        return;
    }
    add_event(decision, "not-acknowledged", why);
    if (alarm) {
        g_autofree char *name = g_strdup_printf("budget-%s", why);
        g_autofree char *what = g_strdup_printf(
            "No acknowledgement was sent to <%s>: the budget \"%s\" is spent. "
            "The mail itself is in a ticket. More of the same in the next hour "
            "is not reported again.",
            delivery->envelope_sender, why);
        decision_add_effect(decision, EFFECT_ALARM, name, what)->cool_down_s =
            ALARM_COOL_DOWN_S;
    }
}

/* The requester, by each address he is known by; never one of our own. */
static void
add_requester(Decision *decision, const Rules *rules)
{
    const Ticket *ticket = decision->ticket;
    g_autofree char *from = address_key(ticket->requester);
    g_autofree char *to = address_key(ticket->reply_to);
    if (*from != '\0' && !rules_is_ours(rules, from))
        add_party(decision, from, ticket->requester_name, PARTY_REQUESTER);
    if (*to != '\0' && strcmp(from, to) != 0 && !rules_is_ours(rules, to))
        add_party(decision, to, "", PARTY_REQUESTER);
}

static void
decide_new(Decision *decision, const Mail *mail, const Delivery *delivery,
           const Lookup *lookup, const Context *context, const Rules *rules,
           const Candidate *claims)
{
    decision->verdict = VERDICT_NEW;
    decision->reason = "no-evidence";
    decision->ticket = new_ticket(mail, delivery, lookup->queue, rules);
    add_requester(decision, rules);
    add_named(decision, mail, rules);
    if (claims != NULL) {
        decision->reason = "sender-is-no-party";
        decision->linked_to = claims->ticket->id;
    }
    add_event(decision, "created", decision->reason);
    decide_acknowledgement(decision, mail, delivery, lookup, context, rules);
}

/* ---- an answer ---- */

static void
decide_join(Decision *decision, const Mail *mail, const Lookup *lookup,
            const Rules *rules, const Threading *threading)
{
    const Candidate *candidate = threading->joins;
    decision->verdict = VERDICT_JOIN;
    decision->reason = evidence_name(candidate->evidence);
    decision->ticket = ticket_copy(candidate->ticket);
    decision->is_note = threading->as_note;
    decision->acknowledge_reason = "not-a-new-ticket";
    add_event(decision, "joined", decision->reason);
    if (strcmp(lookup->queue->name, decision->ticket->queue) != 0) {
        decision_add_effect(decision, EFFECT_QUEUE, lookup->queue->name, "");
        const Queue *own =
            route_find(rules->queues, decision->ticket->queue, "");
        if (own != NULL) /* its people hear of it, in its name */
            decision->queue = own;
    }
    if (mail->automatic.class != AUTOMATIC_NONE || threading->as_note)
        return; /* joins, but moves nothing */
    if (mail->originator != NULL &&
        !rules_is_ours(rules, mail->originator->addr_spec))
        add_party(decision, mail->originator->addr_spec, mail->originator->name,
                  PARTY_PARTICIPANT);
    add_named(decision, mail, rules);
    if (decision->ticket->status != TICKET_OPEN) {
        decision->ticket->status = TICKET_OPEN;
        decision_add_effect(decision, EFFECT_STATUS, "", "")->status =
            TICKET_OPEN;
        add_event(decision, "reopened", "requester-wrote");
    }
}

/* ---- who is told ---- */

static bool
is_our_own(const Mail *mail, const Rules *rules)
{
    return mail->originator != NULL &&
           rules_is_ours(rules, mail->originator->addr_spec);
}

static bool
answers_own_id(const Candidate *answered, const char *kind)
{
    return answered != NULL && answered->evidence == EVIDENCE_OURS &&
           g_str_has_prefix(answered->id, kind);
}

/*
 * Robots among those who are told must not keep each other busy for ever: what
 * answers a notice, or comes from one of us, is told as an echo, and what
 * answers an echo to nobody. A robot that names no id opens a ticket each time,
 * and there the budget of acknowledgements ends it.
 */
static bool
is_to_be_told(Decision *decision, const Mail *mail, const Candidate *answered,
              const Rules *rules)
{
    if (is_our_own(mail, rules))
        return false; /* it came back by an alias that leads to us */
    bool by_one_of_us = mail->originator != NULL &&
                        rules_is_one_of_us(rules, mail->originator->addr_spec);
    decision->is_echo =
        by_one_of_us || answers_own_id(answered, NOTICE_ID_KIND ".");
    if (by_one_of_us && decision->verdict == VERDICT_NEW)
        return decision->acknowledge_to != NULL;
    return !answers_own_id(answered, NOTICE_ID_KIND_ECHO ".");
}

/* Whatever feeds itself by notices ends here; the mail is in its ticket. */
static bool
breaker_is_open(Decision *decision, const Context *context, const Rules *rules)
{
    if (context->all_in_window < rules->budgets->breaker)
        return false;
    add_event(decision, "not-told", "breaker");
    decision_add_effect(decision, EFFECT_ALARM, "budget-breaker",
                        "Nobody was told of new mail by a notice: the budget "
                        "\"breaker\" is spent. The mail itself is in its "
                        "tickets: postern ticket list. More of the same in "
                        "the next hour is not reported again.")
        ->cool_down_s = ALARM_COOL_DOWN_S;
    return true;
}

static void
decide_notices(Decision *decision, const Mail *mail, const Candidate *answered,
               const Context *context, const Rules *rules)
{
    const Queue *told = decision->queue;
    if (told->notify == NULL || told->notify[0] == NULL ||
        !is_to_be_told(decision, mail, answered, rules) ||
        breaker_is_open(decision, context, rules))
        return;
    const Queue *queue = decision->queue;
    for (char **to = queue->notify; to != NULL && *to != NULL; to++) {
        bool wrote_it =
            mail->originator != NULL &&
            g_ascii_strcasecmp(mail->originator->addr_spec, *to) == 0;
        if (!wrote_it && !rules_is_ours(rules, *to))
            g_ptr_array_add(decision->notify, g_strdup(*to));
    }
}

/* ---- the order of questions ---- */

/* What anybody can send us at will must not call an operator. */
static void
decide_park(Decision *decision, const char *reason, bool is_rubbish)
{
    decision->verdict = VERDICT_PARK;
    decision->reason = reason;
    decision->is_rubbish = is_rubbish;
    decision->acknowledge_reason = "parked";
}

/* The same mail is there by another way: this hand-over points to it, and a
 * queue that does not know it yet is told. */
static void
decide_known(Decision *decision, const Mail *mail, const Context *context,
             const Rules *rules)
{
    decision->verdict = VERDICT_KNOWN;
    decision->reason = "same-content";
    decision->message_id_no = context->known_message;
    decision->ticket = ticket_copy(context->known);
    decision->acknowledge_reason = "known";
    add_event(decision, "same-mail-again", decision->queue->name);
    if (context->known_to_queue)
        return;
    decision_add_effect(decision, EFFECT_QUEUE, decision->queue->name, "");
    decide_notices(decision, mail, NULL, context, rules);
}

static void
decide_complete(Decision *decision, const Delivery *delivery)
{
    decision->verdict = VERDICT_COMPLETE;
    decision->reason = "whole-mail-after-a-part";
    decision->message_id_no = delivery->message_id_no;
    decision->ticket = g_new0(Ticket, 1);
    decision->ticket->id = delivery->ticket_id;
    decision->acknowledge_reason = "not-a-new-ticket";
    add_event(decision, "completed", "the first copy was cut short");
}

Decision *
decide(const Mail *mail, const Delivery *delivery, const Lookup *lookup,
       const Context *context, const Rules *rules)
{
    Decision *decision = decision_new(lookup->queue);
    if (lookup->queue == NULL) {
        decide_park(decision, "no-queue-for-recipient", false);
        return decision;
    }
    consider(decision, "queue", lookup->queue->name);
    if (mail->hops >= rules->limits->hops) {
        decide_park(decision, "too-many-hops", true);
        return decision;
    }
    if (delivery->message_id_no != 0) {
        decide_complete(decision, delivery);
        return decision;
    }
    if (context->known_message != 0) {
        decide_known(decision, mail, context, rules);
        return decision;
    }
    Threading threading =
        thread_find(mail, context, rules, decision->considered);
    if (threading.joins != NULL)
        decide_join(decision, mail, lookup, rules, &threading);
    else
        decide_new(decision, mail, delivery, lookup, context, rules,
                   threading.claims);
    decide_notices(decision, mail,
                   threading.joins != NULL ? threading.joins : threading.claims,
                   context, rules);
    return decision;
}
