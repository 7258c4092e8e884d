#include "base/log.h"
#include "debt.h"
#include "doorbell.h"
#include "gateway/tick.h"
#include "worker.h"

enum { TICK_S = 30, FIGURES_S = 10 };

/* The supervisor has no database to write an alert to; we have. What makes the
 * others die may also be in our way: then there is the log. */
static void
tell_crash_loops(const Worker *worker)
{
    g_autoptr(GError) failure = NULL;
    int64_t now_us = g_get_monotonic_time();
    g_autoptr(GString) names = g_string_new(NULL);
    size_t outgoing;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const StatusSlot *slot = &worker->page->slots[i];
        if (slot->role != WORKER_NONE && status_slot_is_looping(slot, now_us))
            g_string_append_printf(names, "%s%s:%d", names->len > 0 ? " " : "",
                                   worker_role_name(slot->role), slot->index);
    }
    if (names->len == 0)
        return;
    if (!tick_tell_crash_loop(worker->desk, names->str, &outgoing, &failure))
        log_warning(event("alarm.not-told"), kv("reason", failure->message));
    else if (outgoing > 0)
        doorbell_ring(FD_BELL_SENDER);
}

/* What workers left that have no successor. */
static bool
settle_debts(Worker *worker, GError **error)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        Debt *debt = &worker->page->debts[i];
        if (!debt_is_owed(debt))
            continue;
        if (!debt_settle(debt, worker->desk, error))
            return false;
        doorbell_ring(FD_BELL_SENDER);
    }
    return true;
}

/* What time asks for. One part that the database does not do keeps none of the
 * others from being done: a purge may be in the way of what would help it. */
static bool
tick_all(Worker *worker, size_t *ret_outgoing, GError **error)
{
    Desk *desk = worker->desk;
    size_t of_rubbish = 0, of_folders = 0;
    bool good = tick(desk, &worker->diary, ret_outgoing, error);
    if (!good && !store_is_connected(desk->store))
        return false;
    good &= tick_drop_rubbish(desk, &worker->diary, &of_rubbish,
                              good ? error : NULL);
    good &= tick_tell_folders(desk, &of_folders, good ? error : NULL);
    *ret_outgoing += of_rubbish + of_folders;
    return good;
}

/* Each TICK_S what time asks for, and in between the figures for who shows
 * them. */
static bool
look(Worker *worker, int64_t *tick_at_us, GError **error)
{
    int64_t now_us = g_get_monotonic_time();
    size_t outgoing = 0;
    bool good = true;
    if (!settle_debts(worker, error))
        return false;
    if (now_us >= *tick_at_us) {
        good = tick_all(worker, &outgoing, error);
        if (good)
            *tick_at_us = now_us + TICK_S * G_USEC_PER_SEC;
    }
    if (outgoing > 0)
        doorbell_ring(FD_BELL_SENDER);
    tell_crash_loops(worker);
    if (!good)
        return false;
    return *worker->settings->metrics.host == '\0' ||
           tick_figures(worker->desk, &worker->diary, error);
}

bool
worker_clock(Worker *worker, GError **error)
{
    bool shown = *worker->settings->metrics.host != '\0';
    int64_t tick_at_us = 0;
    (void)error;
    while (!worker_is_stopping(worker)) {
        g_autoptr(GError) failure = NULL;
        if (!worker_may_work(worker))
            continue;
        if (!look(worker, &tick_at_us, &failure)) {
            worker_pause(worker, "clock", failure);
            continue;
        }
        worker_resume(worker);
        worker_wait(worker, -1, shown ? FIGURES_S : TICK_S);
    }
    return true;
}
