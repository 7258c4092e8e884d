/* Decisions and answers made so. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "policy/decision.h"
#include "policy/notice.h"
#include "store/store.h"

/* A mail and what was decided about it; borrowed. */
typedef struct {
    const Delivery *delivery;
    const Mail *mail;
    const Lookup *lookup;
    const Decision *decision;
} Record;

/*
 * Make decisions so: number tickets and messages, one switch over the effects,
 * settle the deliveries. VERDICT_PARK parks its own. They go to the server
 * together, so none may have been decided without knowing of another one that
 * matters to it: see lookup_count_apart(), and no two may belong to one ticket
 * that exists. Returns: Receipt*, one for each, in order. Errors show at the
 * next question, or at commit.
 */
GPtrArray *store_record(Txn *txn, const Record *records, size_t n,
                        GError **error);

/* What an answer needs to know; the ticket's row is locked. */
typedef struct {
    Ticket *ticket;
    char *in_reply_to;     /* of the newest mail that came in; "" */
    GPtrArray *references; /* char*, that mail's chain */
} Thread;

/* ret_thread NULL: no such ticket. */
bool store_load_thread(Txn *txn, int64_t ticket_id, Thread **ret_thread,
                       GError **error);
void thread_free(Thread *thread);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Thread, thread_free)

/* A reply or a note by one of our people; ret_id: its number. */
bool store_add_message(Txn *txn, const Ticket *ticket, bool is_note,
                       const char *author, const char *author_name,
                       const char *text, int64_t *ret_id, GError **error);

/* An id that we wrote: answers to it join the ticket. */
void store_add_own_id(Txn *txn, int64_t ticket_id, const char *id);

/* Close, reopen, ...; ret_found false: no such ticket. */
bool store_set_status(Txn *txn, int64_t ticket_id, TicketStatus status,
                      const char *actor, bool *ret_found, GError **error);

/* Is the admin to be told of this now, or was it told within the cool-down? */
bool store_raise_alarm(Txn *txn, const char *name, int64_t cool_down_s,
                       bool *ret_raised, GError **error);

#endif
