/*
 * A small desk, and makers of what flows through it, for tests of policy and of
 * the store: three queues, two signing keys, the default limits.
 *
 *     support  support@desk.example, help@desk.example, "[#7]", English; tells
 *              anna@agents.example and ben@agents.example
 *     billing  billing@desk.example, "[acme #7]", Italian; tells nobody
 *     robots   robots@desk.example acknowledges nothing
 */
#ifndef SUPPORT_SAMPLE_H
#define SUPPORT_SAMPLE_H

#include "policy/decision.h"

typedef struct {
    Rules rules;     /* made of the fields below; admin@desk.example */
    Budgets budgets; /* 3 in 10 minutes, 10 a day, 100 in all in 10 minutes */
    MailLimits limits;
    GPtrArray *queues; /* Queue*, in the order above */
    GPtrArray *keys;   /* GBytes*: the newest first */
} Sample;

Sample *sample_new(void);
void sample_free(Sample *sample);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sample, sample_free)

/* The queue of that name, which must be there. */
Queue *sample_queue(const Sample *sample, const char *name);

/* Read a mail written with LF. */
Mail *sample_mail(const Sample *sample, const char *text,
                  const char *envelope_sender);

/* A hand-over by LMTP at 1700000000, number 77, without bytes. */
Delivery *sample_delivery(const char *envelope_sender,
                          const char *envelope_recipient);

/* A ticket of olena@customer.example's, "Printer". */
Ticket *sample_ticket(int64_t id, const char *queue, TicketStatus status);

/* Let the store know of `ticket`, which is taken. */
Candidate *sample_candidate(Context *context, Ticket *ticket, Evidence evidence,
                            const char *id, bool is_party);

#endif
