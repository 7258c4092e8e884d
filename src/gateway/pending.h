/*
 * What became of a mail that a sender had in hand, until the next commit
 * settles it. Private to the room.
 */
#ifndef GATEWAY_PENDING_H
#define GATEWAY_PENDING_H

#include "settings/settings.h"
#include "store/outbox.h"
#include "transport/smtp.h"

/* A settlement that owns its texts. */
typedef struct {
    Settlement settlement;
    RecipientOutcome *recipients;
    SmtpOutcome *outcome; /* the texts of recipients live here; may be NULL */
    char *last_error;
    int64_t waited_us; /* from when it was queued to the relay's answer */
} Pending;

/* Judge every recipient by the relay's reply. Takes `outcome`. */
Pending *pending_of_outcome(const Claimed *claimed, SmtpOutcome *outcome,
                            const OutboxSettings *settings);

/* The connection broke. FAILURE_UNCERTAIN: in the middle of the content, so
 * that it was perhaps sent. */
Pending *pending_of_loss(const Claimed *claimed, const GError *error,
                         const OutboxSettings *settings);

/* Say it in the log; count it, once it is committed. */
void pending_log(const Pending *pending, const Claimed *claimed);
void pending_count(const Pending *pending);

void pending_free(Pending *pending);

#endif
