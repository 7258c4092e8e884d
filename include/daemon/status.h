/* What `postern status` can see of a running daemon. */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "gateway/diary.h"
#include "gateway/metrics.h"
#include "gateway/turn.h"
#include "settings/settings.h"

typedef enum {
    WORKER_NONE, /* an unused slot */
    WORKER_LMTP,
    WORKER_PROCESSOR,
    WORKER_SENDER,
    WORKER_CLOCK,
    WORKER_METRICS,
    WORKER_IMAP
} WorkerRole;

/* "lmtp", "processor", "sender", "clock", "metrics", "imap"; "" for
 * WORKER_NONE.
 */
const char *worker_role_name(WorkerRole role);
/* The reverse; false and untouched for any other word. */
bool worker_role_parse(const char *name, WorkerRole *ret_role);

/* What a worker leaves when it dies; see src/daemon/debt.h. */
typedef struct {
    int64_t struck; /* it died on this delivery: a strike is owed; 0 */
    char lease[40]; /* of a sender's claim; "" */
    struct {
        int64_t id; /* outgoing; 0: no mark */
        int32_t mark;
    } marks[DIARY_MARKS]; /* how far it came with the claim */
} Debt;

typedef struct {
    WorkerRole role;
    int index;             /* among its role, from 0 */
    pid_t pid;             /* 0: not running */
    int64_t started_us;    /* monotonic */
    int64_t busy_since_us; /* 0: idle */
    int64_t back_by_us;    /* overdue after this, be it asleep; 0: no limit */
    int64_t delivery_id;   /* being parsed; 0 */
    int64_t peer;          /* of an lmtp worker: whose client it serves, a user
                              id and 1; 0: none */
    int64_t guests;        /* and how many wait for their user's others */
    bool came_up;          /* it has found its database and begun to work */
    int64_t done;          /* mails since the page was made */
    int64_t restarts;
    bool looping;         /* it dies again and again */
    int64_t memory_bytes; /* that it shares with nobody; noted by itself */
    Debt debt; /* what its successor will have to settle, if it dies now */
    Fetching fetching; /* of an imap worker: what it had in hand */
} StatusSlot;

enum { STATUS_SLOTS = 320 };

typedef struct {
    uint32_t magic;
    uint32_t version;
    pid_t supervisor;
    int64_t started_at_s; /* Unix seconds */
    char instance[40];    /* a UUID: this daemon, and its successor here */
    StatusSlot slots[STATUS_SLOTS];
    Debt debts[STATUS_SLOTS];       /* of workers that have no successor */
    int64_t metrics[METRICS_CELLS]; /* see gateway/metrics.h */
    Turns turns;                    /* see gateway/turn.h */
} StatusPage;

/*
 * A copy of the page of a daemon that runs in this directory; g_free(). Its
 * workers write there, and one may have been taken over: texts end and roles
 * are known, no more is promised. Returns: NULL if none runs there (`error`
 * says so).
 */
StatusPage *status_page_read(const char *run_directory, GError **error);

/* How many lmtp workers one user's clients may have at a time, and how many
 * there may be: some more, so that nobody else on this machine can keep out the
 * MTA. */
size_t lmtp_share(const WorkerCounts *counts);
size_t lmtp_most(const WorkerCounts *counts);

#endif
