/*
 * Shows the figures to Prometheus. All it reads is the status page: it holds no
 * secret and needs no database, so it answers when that is away, too.
 */
#include <poll.h>
#include <string.h>

#include "base/failure.h"
#include "transport/http_server.h"
#include "worker.h"

enum { LOOK_S = 10 }; /* we say that we are well this often */

/* Add what the slots say to a copy of the cells. */
static void
count_slots(const StatusPage *page)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const StatusSlot *slot = &page->slots[i];
        if (slot->role == WORKER_NONE)
            continue;
        int label = (int)slot->role - WORKER_LMTP;
        metric_add(METRIC_WORKERS_WANTED, label, 1);
        metric_add(METRIC_RESTARTS, label, slot->restarts);
        if (slot->pid == 0)
            continue;
        metric_add(METRIC_WORKERS, label, 1);
        metric_add(METRIC_WORKERS_BUSY, label, slot->busy_since_us != 0);
        metric_add(METRIC_MEMORY, label, slot->memory_bytes);
    }
}

/* A type of http_server.h: HttpPage. */
static char *
page_now(void *context)
{
    const Worker *worker = context;
    const WorkerCounts *counts = &worker->settings->workers;
    int64_t cells[METRICS_CELLS];
    GString *text = g_string_sized_new(16 * 1024);
    memcpy(cells, worker->page->metrics, sizeof cells);
    metrics_use(cells);
    count_slots(worker->page);
    metric_set(METRIC_LMTP_LIMIT, 0, counts->lmtp);
    metric_set(METRIC_LMTP_LIMIT, 1, (int64_t)lmtp_most(counts));
    metric_set(METRIC_STARTED_AT, 0, worker->page->started_at_s);
    metric_set(METRIC_VERSION, 0, 1);
    metrics_text(cells, text);
    metrics_use(worker->page->metrics);
    return g_string_free(text, FALSE);
}

bool
worker_metrics(Worker *worker, GError **error)
{
    g_autoptr(HttpServer) server = http_server_new(
        FD_LISTENERS, "/metrics", "text/plain; version=0.0.4; charset=utf-8",
        page_now, worker, error);
    if (server == NULL)
        return false;
    while (!worker_is_stopping(worker)) {
        struct pollfd fds[] = {{worker->signals, POLLIN, 0},
                               {http_server_fd(server), POLLIN, 0}};
        int64_t wait_ms = http_server_patience_ms(server, LOOK_S * 1000);
        worker_asleep(worker, LOOK_S);
        poll(fds, G_N_ELEMENTS(fds), (int)wait_ms);
        http_server_run(server);
    }
    return true;
}
