#include <string.h>

#include "base/log.h"
#include "doorbell.h"
#include "gateway/send.h"
#include "gateway/tick.h"
#include "status_page.h"
#include "store/outbox.h"
#include "worker.h"

enum {
    REST_AFTER_S = 5 /* an idle connection to the relay is closed then */
};

/* A lease of our own, where our successor will find it. */
static const char *
take_lease(StatusSlot *slot)
{
    g_autofree char *lease = g_uuid_string_random();
    g_strlcpy(slot->debt.lease, lease, sizeof slot->debt.lease);
    return slot->debt.lease;
}

/* Until the next mail is due, or the doorbell rings; at most poll_s. */
static void
rest(Worker *worker, Sender *sender, int64_t worked_us)
{
    int64_t due_s = -1, poll_s = worker->settings->limits.poll_s;
    g_autoptr(GError) failure = NULL;
    if (!outbox_next_due(worker->desk->store, &due_s, &failure))
        due_s = poll_s;
    int64_t wait_s = due_s < 0 ? poll_s : CLAMP(due_s, 1, poll_s);
    worker_wait(worker, FD_BELL_SENDER, MIN(wait_s, REST_AFTER_S));
    if (g_get_monotonic_time() - worked_us < REST_AFTER_S * G_USEC_PER_SEC)
        return;
    sender_rest(sender);
    if (wait_s > REST_AFTER_S && !worker_is_stopping(worker))
        worker_wait(worker, FD_BELL_SENDER, wait_s - REST_AFTER_S);
}

static void
run(Worker *worker, Sender *sender)
{
    int64_t worked_us = 0;
    while (!worker_is_stopping(worker)) {
        g_autoptr(GError) failure = NULL;
        size_t sent;
        if (!worker_may_work(worker))
            continue;
        doorbell_answer(FD_BELL_SENDER);
        worker->diary.busy(worker->diary.context, 0,
                           worker->settings->database.timeout_s * 5);
        if (!sender_run(sender, MAX(worker->pause_s * 2, 5), &sent, &failure)) {
            worker_pause(worker, "send", failure);
            continue;
        }
        worker_resume(worker);
        worker->slot->done += (int64_t)sent;
        if (sent > 0)
            worked_us = g_get_monotonic_time();
        else
            rest(worker, sender, worked_us);
    }
}

bool
worker_sender(Worker *worker, GError **error)
{
    (void)error;
    char *password = worker_take_password();
    if (worker_answer_for_predecessor(worker)) {
        g_autoptr(Sender) sender = sender_new(
            worker->desk, take_lease(worker->slot), password, &worker->diary);
        run(worker, sender);
    }
    settings_secret_free(password);
    return true;
}
