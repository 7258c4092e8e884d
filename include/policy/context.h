/* The store's answer to a Lookup. */
#ifndef POLICY_CONTEXT_H
#define POLICY_CONTEXT_H

#include "policy/ticket.h"

/* How a ticket came to be considered, strongest first. */
typedef enum {
    EVIDENCE_OURS,   /* a Message-ID that we wrote */
    EVIDENCE_STORED, /* that of a mail that came in */
    EVIDENCE_SEEN,   /* an id that its mail only named: a shared ancestor */
    EVIDENCE_TAG     /* the number in the subject */
} Evidence;

/* "own-message-id", "message-id", "shared-ancestor", "subject-tag". */
const char *evidence_name(Evidence evidence);

typedef struct {
    Ticket *ticket; /* after following a merge */
    Evidence evidence;
    char *id;      /* the Message-ID that matched; "" for a tag */
    bool is_party; /* the originator belongs to it */
} Candidate;

void candidate_free(Candidate *candidate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Candidate, candidate_free)

typedef struct {
    GPtrArray *candidates; /* Candidate*, best first; never NULL */
    Ticket *known;         /* has the same mail by another way; NULL */
    int64_t known_message; /* that mail there; 0 */
    bool known_to_queue;   /* the queue that was written to knows it too */
    int64_t sender_10min;  /* acknowledgements this address had */
    int64_t sender_day;
    int64_t all_in_window; /* acknowledgements and notices to anybody */
} Context;

/* An empty answer: for a dry run without a database. */
Context *context_new(void);
void context_free(Context *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Context, context_free)

#endif
