/* The question to the store: what must be known to decide about a mail. */
#ifndef POLICY_LOOKUP_H
#define POLICY_LOOKUP_H

#include <glib.h>
#include <stdint.h>

#include "mail/delivery.h"
#include "mail/mail.h"
#include "policy/rules.h"

enum {
    /* Ids of a mail that are asked for and kept: what a stranger may make us
     * look for, and write, is bounded here. Programs name the mail they answer
     * in In-Reply-To, and in References the newest and the root. */
    LOOKUP_IDS_MAX = 16,
    LOOKUP_ANSWERED_MAX = 4, /* of them, from In-Reply-To */
    /* Locks a mail takes: its ids, its sender and its content. */
    LOOKUP_LOCKS_MAX = LOOKUP_IDS_MAX + 2
};

typedef struct {
    const Queue *queue;     /* borrowed; NULL: no longer ours */
    char *originator_key;   /* address key; "" if From names nobody */
    GPtrArray *ids;         /* char*: In-Reply-To, References newest first
                               and its root, then the mail's own id (a late
                               parent); no other id is kept */
    int64_t tagged_ticket;  /* claimed by the subject; 0 */
    GBytes *content_digest; /* NULL: nothing is the same mail */
    char *acknowledge_key;  /* by which its acknowledgement is counted */
    GArray *locks;          /* int64_t, sorted, each once */
} Lookup;

/* `content_digest` is borrowed and may be NULL. */
Lookup *lookup_new(const Mail *mail, const Delivery *delivery,
                   GBytes *content_digest, const Rules *rules);
void lookup_free(Lookup *lookup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lookup, lookup_free)

#endif
