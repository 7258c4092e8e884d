/* Decision + Receipt to mail that leaves. Pure: the time comes in. */
#ifndef POLICY_NOTICE_H
#define POLICY_NOTICE_H

#include "mail/outgoing.h"
#include "policy/decision.h"
#include "policy/template_set.h"

/* The first word of a notice's Message-ID; the second is that of a notice about
 * an answer to a notice, which makes no further one. */
#define NOTICE_ID_KIND "notice"
#define NOTICE_ID_KIND_ECHO "echo"

/* What the store made of a Decision. */
typedef struct {
    int64_t message_id_no;
    Ticket *ticket;    /* with its number; NULL when parked */
    GPtrArray *alarms; /* const Effect*, borrowed: those to be told now */
} Receipt;

void receipt_free(Receipt *receipt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Receipt, receipt_free)

/* What all texts are made with; borrowed. */
typedef struct {
    const Rules *rules;
    const TemplateSet *templates;
    int64_t now_s;
} Press;

/*
 * Everything that must be said because of a decision: acknowledgement, notices,
 * alarms. Returns: Outgoing*, never NULL. What cannot be written is left out,
 * and ret_left_out (NULL before) says why of the first.
 */
GPtrArray *notice_compose_all(const Decision *decision, const Receipt *receipt,
                              const Mail *mail, const Delivery *delivery,
                              const Press *press, GError **ret_left_out);

/* An answer that a person gives. */
typedef struct {
    const Ticket *ticket;
    int64_t message_id_no;
    const char *agent_name;      /* "" = only the queue's name */
    const char *text;            /* UTF-8 */
    const char *in_reply_to;     /* "" if nothing came in with an id */
    const GPtrArray *references; /* char*, of the mail that is answered */
} Answer;

/* FAILURE_PERMANENT if the ticket has no address to write to, FAILURE_CONFIG if
 * its queue is no longer in the settings. */
Outgoing *notice_compose_reply(const Answer *answer, const Press *press,
                               GError **error);

/* To the admin; NULL when nobody is to be told. `number` makes its Message-ID:
 * a delivery's number, or microseconds where one may be reported again. */
Outgoing *notice_compose_admin(const char *reason, const char *detail,
                               int64_t number, const Press *press);

/* The id every mail of a ticket has first in References; g_free() it. */
char *notice_root_id(const Ticket *ticket, const Rules *rules);

#endif
