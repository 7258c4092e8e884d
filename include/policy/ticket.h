/* The desk's words. */
#ifndef POLICY_TICKET_H
#define POLICY_TICKET_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    TICKET_OPEN,    /* we owe an answer */
    TICKET_PENDING, /* we wait for the requester */
    TICKET_CLOSED
} TicketStatus;

/* "open", "pending", "closed". */
const char *ticket_status_name(TicketStatus status);
/* The reverse; false and untouched for any other word. */
bool ticket_status_parse(const char *name, TicketStatus *ret_status);

typedef enum {
    PARTY_REQUESTER,
    PARTY_PARTICIPANT, /* wrote in it */
    PARTY_CC,          /* was named in To or Cc, has not written */
    PARTY_AGENT        /* answered */
} PartyRole;

/* "requester", "participant", "cc", "agent". */
const char *party_role_name(PartyRole role);

typedef struct {
    int64_t id; /* 0: not recorded yet */
    char *queue;
    TicketStatus status;
    char *subject;   /* decoded, one line */
    char *language;  /* of our automatic texts; "" = the queue's */
    char *requester; /* addr-spec; "" if the mail named nobody */
    char *requester_name;
    char *reply_to; /* addr-spec our replies go to; "" none */
} Ticket;

Ticket *ticket_copy(const Ticket *ticket);
void ticket_free(Ticket *ticket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ticket, ticket_free)

#endif
