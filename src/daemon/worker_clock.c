#include "base/log.h"
#include "doorbell.h"
#include "gateway/tick.h"
#include "worker.h"

enum { TICK_S = 30 };

bool
worker_clock(Worker *worker, GError **error)
{
    (void)error;
    while (!worker_is_stopping(worker)) {
        g_autoptr(GError) failure = NULL;
        size_t outgoing;
        if (!tick(worker->desk, &worker->diary, &outgoing, &failure)) {
            worker_pause(worker, "clock", failure);
            continue;
        }
        worker_resume(worker);
        if (outgoing > 0)
            doorbell_ring(FD_BELL_SENDER);
        worker_wait(worker, -1, TICK_S);
    }
    return true;
}
