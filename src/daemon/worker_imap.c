#include "base/failure.h"
#include "base/log.h"
#include "doorbell.h"
#include "gateway/watch.h"
#include "store/folder.h"
#include "worker.h"

static void
rest(Worker *worker, int64_t seconds)
{
    worker_wait(worker, -1, seconds);
}

/* A refusal by the server has its own, long pause; all other trouble the one
 * that grows. */
static void
pause_after(Worker *worker, const Watch *watch, const char *what,
            const GError *failure)
{
    int64_t pause_s = watch_pause_s(watch);
    if (pause_s == 0) {
        worker_pause(worker, what, failure);
        return;
    }
    log_error(event("folder.refused"), kv("reason", failure->message),
              kv_int("next_try_s", pause_s));
    rest(worker, pause_s);
}

/* They are in the database, however the look ended. */
static void
tell_accepted(Worker *worker, size_t accepted)
{
    worker->slot->done += (int64_t)accepted;
    if (accepted > 0)
        doorbell_ring(FD_BELL_PROCESSOR);
}

/* One look, and what follows from it. */
static void
look(Worker *worker, Watch *watch, const Account *account)
{
    g_autoptr(GError) failure = NULL;
    Watched watched;
    bool good = watch_look(watch, &watched, &failure);
    tell_accepted(worker, watched.accepted);
    if (!good) {
        pause_after(worker, watch, "folder", failure);
        return;
    }
    if (watched.accepted > 0 || watched.more)
        worker_resume(worker);
    if (watched.rest_s > 0)
        rest(worker, watched.rest_s);
    if (watched.rest_s > 0 || watched.more || worker_is_stopping(worker))
        return;
    /* IDLE may have to be ended and begun. */
    worker_asleep(worker, FOLDER_RENEW_S + account->timeout_s * 2);
    /* Not before: a server that lets us look and then throws us out would be
     * asked each second. */
    if (watch_wait(watch, worker->signals, &failure))
        worker_resume(worker);
    else
        pause_after(worker, watch, "folder", failure);
}

static Fetching
hand_of_predecessor(StatusSlot *slot)
{
    const Fetching hand = slot->fetching, nothing = {0};
    status_slot_fetching(slot, &nothing);
    return hand;
}

bool
worker_imap(Worker *worker, GError **error)
{
    WatchOptions options = {.desk = worker->desk,
                            .lease = worker->page->instance,
                            .hand = hand_of_predecessor(worker->slot),
                            .diary = &worker->diary};
    if (!settings_watched(worker->settings, worker->slot->index,
                          &options.account, &options.folder)) {
        failure_set(error, FAILURE_CONFIG, "there is no such folder");
        return false;
    }
    char *password = worker_take_password();
    options.password = password;
    {
        g_autoptr(Watch) watch = watch_new(&options);
        while (!worker_is_stopping(worker))
            if (worker_may_work(worker))
                look(worker, watch, options.account);
    }
    settings_secret_free(password);
    return true;
}
