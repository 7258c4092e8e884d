/*
 * A mail in the processor's hands: read, decided, recorded, answered. Private
 * to the room; process.c gathers works into batches.
 */
#ifndef GATEWAY_WORK_H
#define GATEWAY_WORK_H

#include "gateway/diary.h"
#include "gateway/process.h"
#include "policy/decision.h"
#include "policy/notice.h"
#include "reading.h"

/* What it says, what must be asked about it, what should happen, what was made
 * of it. */
typedef struct {
    const Delivery *delivery; /* borrowed */
    Reading *reading;
    const Mail *mail; /* of `reading` */
    Lookup *lookup;
    Decision *decision; /* NULL until it is decided */
    Receipt *receipt;   /* NULL until it is recorded */
    int64_t read_us;    /* monotonic */
} Work;

/* What it says; after its strikes, what it says in plain sight. A mail that was
 * read a moment ago is not read again. A sender that was not known is the
 * originator then. A reference; errors as of parser_read(). */
Reading *work_read(const Desk *desk, Delivery *delivery, GError **error);

/* Read it. Who dies here has died on this mail. */
Work *work_new(const Desk *desk, Delivery *delivery, const Diary *diary,
               GError **error);
void work_free(Work *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Work, work_free)

/*
 * Decide and record a run: as many of works[from...] (Work*, locked) as have
 * nothing to do with each other. What is asked and written is asked and written
 * for all of them together; what comes of it is the same as one after the
 * other. ret_n: how many, at least 1. `processed` is counted up.
 */
bool work_run(Txn *txn, const Desk *desk, const GPtrArray *works, guint from,
              const Diary *diary, Processed *processed, guint *ret_n,
              GError **error);

/* It is committed: say in the log what was decided, and count it. */
void work_log(const Work *work);

/* The longest that a few answers of the database may take: its trouble strikes
 * no mail. */
int64_t work_database_time(const Desk *desk);

#endif
