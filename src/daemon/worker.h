/* What every worker has: settings, a slot, doorbells, and a way to stop. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include "gateway/desk.h"
#include "gateway/diary.h"
#include "status_page.h"

/* The descriptors that the supervisor hands over, by number. */
enum {
    FD_STATUS_PAGE = 3,
    FD_BELL_PROCESSOR,
    FD_BELL_SENDER,
    FD_SETTINGS, /* sealed.h */
    FD_PASSWORD, /* the relay's, or the account's, sealed; /dev/null: none */
    FD_LISTENERS /* the first of them: LMTP's, or that of metrics */
};

typedef struct {
    Settings *settings;
    StatusPage *page;
    StatusSlot *slot;
    Diary diary;
    char *name; /* "processor:0" */
    Desk *desk;
    int signals; /* signalfd of TERM and INT */
    bool stopping;
    bool checked;       /* the database is one that we can promise on */
    int64_t checked_us; /* when we last looked */
    int64_t pause_s;    /* grows with each failure in a row */
    int64_t weighed_us; /* when it last noted its memory */
} Worker;

/*
 * Run as worker `name` ("ROLE:INDEX") to the end, with the settings that the
 * supervisor has read from `file` and handed over.
 * Returns: the exit status (sysexits).
 */
int worker_run(const char *name, const char *file);

/* The roles. Each returns when the worker is to stop. */
bool worker_lmtp(Worker *worker, GError **error);
bool worker_processor(Worker *worker, GError **error);
bool worker_sender(Worker *worker, GError **error);
bool worker_clock(Worker *worker, GError **error);
bool worker_metrics(Worker *worker, GError **error);
bool worker_imap(Worker *worker, GError **error);

/* The password that the supervisor left in FD_PASSWORD, which is closed; NULL:
 * there is none. Free with settings_secret_free(). */
char *worker_take_password(void);

/* Is the database there, and one that we can promise on? Asked until it once
 * was, and then now and again, for somebody may apply another schema while we
 * run; why not is logged. */
bool worker_database_is_good(Worker *worker);
/* The same for who can wait: pauses when it is not. */
bool worker_may_work(Worker *worker);

/* Has it been asked to stop? */
bool worker_is_stopping(Worker *worker);

/* Nothing is in hand for at most `timeout_s`: said before each wait. */
void worker_asleep(Worker *worker, int64_t timeout_s);

/*
 * Sleep until `doorbell` rings (-1: none), it is to stop, or `timeout_s` is
 * over. False: it is to stop.
 */
bool worker_wait(Worker *worker, int doorbell, int64_t timeout_s);

/* Rest for so many milliseconds, less if it is to stop: more comes together. */
void worker_gather(Worker *worker, int rest_ms);

/* Something failed: log it and pause, longer each time (1 to 60 s, with
 * jitter). False: it is to stop. */
bool worker_pause(Worker *worker, const char *what, const GError *failure);
/* Settle what the worker before in this slot left, before anything else. False:
 * it is to stop. */
bool worker_answer_for_predecessor(Worker *worker);
/* Something worked. */
void worker_resume(Worker *worker);

#endif
