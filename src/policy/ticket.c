#include "policy/ticket.h"

#include <string.h>

static const char *const status_names[] = {
    [TICKET_OPEN] = "open",
    [TICKET_PENDING] = "pending",
    [TICKET_CLOSED] = "closed",
};

const char *
ticket_status_name(TicketStatus status)
{
    return status_names[status];
}

bool
ticket_status_parse(const char *name, TicketStatus *ret_status)
{
    for (size_t i = 0; i < G_N_ELEMENTS(status_names); i++) {
        if (strcmp(status_names[i], name) == 0) {
            *ret_status = (TicketStatus)i;
            return true;
        }
    }
    return false;
}

const char *
party_role_name(PartyRole role)
{
    static const char *const names[] = {
        [PARTY_REQUESTER] = "requester",
        [PARTY_PARTICIPANT] = "participant",
        [PARTY_CC] = "cc",
        [PARTY_AGENT] = "agent",
    };
    return names[role];
}

Ticket *
ticket_copy(const Ticket *ticket)
{
    Ticket *copy = g_new0(Ticket, 1);
    copy->id = ticket->id;
    copy->queue = g_strdup(ticket->queue);
    copy->status = ticket->status;
    copy->subject = g_strdup(ticket->subject);
    copy->language = g_strdup(ticket->language);
    copy->requester = g_strdup(ticket->requester);
    copy->requester_name = g_strdup(ticket->requester_name);
    copy->reply_to = g_strdup(ticket->reply_to);
    return copy;
}

void
ticket_free(Ticket *ticket)
{
    if (ticket == NULL)
        return;
    g_free(ticket->queue);
    g_free(ticket->subject);
    g_free(ticket->language);
    g_free(ticket->requester);
    g_free(ticket->requester_name);
    g_free(ticket->reply_to);
    g_free(ticket);
}
