/* What should happen because a mail came: complete when decide() returns. */
#ifndef POLICY_DECISION_H
#define POLICY_DECISION_H

#include "mail/delivery.h"
#include "mail/mail.h"
#include "policy/context.h"
#include "policy/lookup.h"

typedef enum {
    VERDICT_NEW,      /* a new ticket */
    VERDICT_JOIN,     /* a message of a ticket */
    VERDICT_KNOWN,    /* the same mail is there already, by another way */
    VERDICT_COMPLETE, /* the whole of a mail that was cut short before */
    VERDICT_PARK      /* nothing can become of it now */
} Verdict;

/* "new", "join", "known", "complete", "park". */
const char *verdict_name(Verdict verdict);

/* One change to make. store_record() has one case for each. */
typedef enum {
    EFFECT_STATUS, /* of the ticket: `status` */
    EFFECT_PARTY,  /* `text` address, `name`, `role` */
    EFFECT_QUEUE,  /* the ticket is known to queue `text` too */
    EFFECT_EVENT,  /* `text` event name, `name` detail */
    EFFECT_ALARM   /* tell the admin once: `text` alarm, `name` what to say */
} EffectKind;

typedef struct {
    EffectKind kind;
    char *text;
    char *name;
    TicketStatus status;
    PartyRole role;
    int64_t cool_down_s; /* of an alarm */
} Effect;

typedef struct {
    Verdict verdict;
    const char *reason;    /* a stable slug: why this verdict */
    Ticket *ticket;        /* the ticket it joins, or the new one (id 0);
                              NULL when parked */
    int64_t message_id_no; /* KNOWN, COMPLETE: that message */
    int64_t linked_to;     /* NEW: a ticket it claims to belong to; 0 */
    bool is_note;          /* only our own people may see it */
    bool is_rubbish;       /* PARK: its sender's doing; else an operator must
                              look */
    GPtrArray *effects;    /* Effect*, in order; never NULL */
    char *acknowledge_to;  /* addr-spec; NULL: no acknowledgement */
    const char *acknowledge_reason; /* slug: why, or why not */
    GPtrArray *notify;              /* char* addr-specs to tell; never NULL */
    bool is_echo; /* an answer to a notice, or by one of us: to be told in a
                     way that no answer is told again */
    const Queue *queue;    /* borrowed; in whose name we write: the ticket's, or
                              the one that was written to */
    GPtrArray *considered; /* char*: what was weighed, for explain */
} Decision;

/* An empty decision about a mail to `queue` (may be NULL), and one more effect
 * of it; texts are copied. */
Decision *decision_new(const Queue *queue);
Effect *decision_add_effect(Decision *decision, EffectKind kind,
                            const char *text, const char *name);
void decision_free(Decision *decision);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Decision, decision_free)

/*
 * Decide. Pure: judges by the mail, the envelope, what the store knows and the
 * rules. The same arguments give the same decision.
 */
Decision *decide(const Mail *mail, const Delivery *delivery,
                 const Lookup *lookup, const Context *context,
                 const Rules *rules);

#endif
