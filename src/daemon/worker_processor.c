#include <sys/resource.h>

#include "base/failure.h"
#include "base/log.h"
#include "doorbell.h"
#include "gateway/process.h"
#include "worker.h"

/* Under load mail comes one by one and batches would be small and many: a rest
 * this long lets more of them come together. The first mail never waits. */
enum { GATHER_MS = 25 };

enum { YIELD_NICE = 5 };

/* Signing keys and templates; the database may be down just now. */
static bool
load(Worker *worker, GError **error)
{
    if (!desk_load_templates(worker->desk, error))
        return false;
    for (;;) {
        g_autoptr(GError) failure = NULL;
        if (desk_load_keys(worker->desk, &failure)) {
            worker_resume(worker);
            return true;
        }
        if (!worker_pause(worker, "signing keys", failure))
            return true;
    }
}

/* False: FAILURE_CONFIG, only an operator can help. */
static bool
start_parser(Worker *worker, GError **error)
{
    for (;;) {
        g_autoptr(GError) failure = NULL;
        worker->diary.busy(worker->diary.context, 0, PARSER_START_S + 2);
        if (desk_start_parser(worker->desk, &failure)) {
            worker_resume(worker);
            return true;
        }
        if (failure_is(failure, FAILURE_CONFIG)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        if (!worker_pause(worker, "parser", failure))
            return true;
    }
}

bool
worker_processor(Worker *worker, GError **error)
{
    /* An MTA waits while mail is taken; nobody waits while it is processed. */
    setpriority(PRIO_PROCESS, 0, YIELD_NICE);
    if (!load(worker, error))
        return false;
    if (worker_is_stopping(worker) || !worker_answer_for_predecessor(worker))
        return true;
    if (!start_parser(worker, error))
        return false;
    while (!worker_is_stopping(worker)) {
        g_autoptr(GError) failure = NULL;
        Processed processed;
        if (!worker_may_work(worker))
            continue;
        doorbell_answer(FD_BELL_PROCESSOR);
        if (!process_waiting(worker->desk, &worker->diary, &processed,
                             &failure)) {
            worker_pause(worker, "process", failure);
            continue;
        }
        worker_resume(worker);
        worker->slot->done += (int64_t)processed.processed;
        if (processed.outgoing > 0)
            doorbell_ring(FD_BELL_SENDER);
        /* A full batch: there may be work for the other processors, too. */
        if (processed.processed >= (size_t)worker->settings->limits.batch)
            doorbell_ring(FD_BELL_PROCESSOR);
        if (processed.processed == 0)
            worker_wait(worker, FD_BELL_PROCESSOR,
                        worker->settings->limits.poll_s);
        else if (processed.processed <
                 (size_t)worker->settings->limits.batch / 2)
            worker_gather(worker, GATHER_MS);
    }
    return true;
}
