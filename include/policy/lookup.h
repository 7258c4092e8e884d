/* The question to the store: what must be known to decide about a mail. */
#ifndef POLICY_LOOKUP_H
#define POLICY_LOOKUP_H

#include <glib.h>
#include <stdint.h>

#include "mail/delivery.h"
#include "mail/mail.h"
#include "policy/rules.h"

enum {
    LOOKUP_IDS_MAX = 50,  /* ids asked for, the strongest */
    LOOKUP_LOCKS_MAX = 16 /* locks a mail takes */
};

typedef struct {
    const Queue *queue;     /* borrowed; NULL: no longer ours */
    char *originator_key;   /* address key; "" if From names nobody */
    GPtrArray *ids;         /* char*: In-Reply-To, References newest first,
                               then the mail's own id (a late parent) */
    int64_t tagged_ticket;  /* claimed by the subject; 0 */
    GBytes *content_digest; /* NULL: the mail has no content identity */
    char *acknowledge_key;  /* by which its acknowledgement is counted */
    GArray *locks;          /* int64_t, sorted, each once */
} Lookup;

/* `content_digest` is borrowed and may be NULL. */
Lookup *lookup_new(const Mail *mail, const Delivery *delivery,
                   GBytes *content_digest, const Rules *rules);
void lookup_free(Lookup *lookup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lookup, lookup_free)

#endif
