/* Delivery reports: RFC 3464, 3463, and those in plain words. */
#ifndef MAIL_DSN_H
#define MAIL_DSN_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *addr_spec; /* the recipient that failed */
    char *status;    /* enhanced status "5.1.1", "" if none is stated */
    bool permanent;
} DsnRecipient;

void dsn_recipient_free(DsnRecipient *recipient);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DsnRecipient, dsn_recipient_free)

/* What a report is recognised by; all borrowed. */
typedef struct {
    const GPtrArray *entities;   /* entity.h, the root first */
    const char *subject;         /* decoded */
    const char *text;            /* the whole body as text */
    const char *envelope_sender; /* NULL if unknown; "" is the null one */
} DsnEvidence;

/*
 * True if the mail reports that delivery failed or is delayed: by the fields
 * of RFC 3464, or in plain words as qmail, Exim, Exchange and others write
 * them (by general rules: who writes, what the subject and the text say).
 * Adds the recipients that failed to `failed` (DsnRecipient*), each once, at
 * most DSN_RECIPIENTS_MAX. A report of success is no bounce.
 */
bool dsn_read(const DsnEvidence *evidence, GPtrArray *failed);

enum { DSN_RECIPIENTS_MAX = 100 };

#endif
