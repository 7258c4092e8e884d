/* What one of our own people says in a ticket: a reply, or a note. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include "gateway/desk.h"

typedef struct {
    int64_t ticket_id;
    bool is_note;              /* a note is sent to nobody */
    const char *agent_name;    /* "" = only the queue's name */
    const char *agent_address; /* "" */
    const char *text;          /* UTF-8, LF */
    bool moves;                /* the ticket gets this status: */
    TicketStatus status;
} AnswerWish;

/*
 * Record it and, if it is a reply, queue it for the requester: one commit.
 * ret_found false: no such ticket. FAILURE_PERMANENT if it cannot be written
 * to. The desk must be loaded.
 */
bool answer_ticket(Desk *desk, const AnswerWish *wish, bool *ret_found,
                   GError **error);

#endif
