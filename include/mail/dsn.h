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

#endif
