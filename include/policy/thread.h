/* Which ticket does a mail belong to, by which evidence? DESIGN: Threading. */
#ifndef POLICY_THREAD_H
#define POLICY_THREAD_H

#include "policy/decision.h"

typedef struct {
    const Candidate *joins;  /* borrowed; NULL: it is a new ticket */
    const Candidate *claims; /* a ticket it may not join, to be linked; NULL */
    bool as_note;            /* written by our own people */
} Threading;

/*
 * The strongest evidence whose ticket the originator belongs to. A report by a
 * mail system (bounce) that names an id we wrote needs no party. Each candidate
 * looked at leaves a line in `considered`.
 */
Threading thread_find(const Mail *mail, const Context *context,
                      const Rules *rules, GPtrArray *considered);

#endif
