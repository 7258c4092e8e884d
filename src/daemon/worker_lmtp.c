#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/failure.h"
#include "base/log.h"
#include "doorbell.h"
#include "gateway/accept.h"
#include "transport/lmtp_server.h"
#include "worker.h"

enum {
    LOOK_S = 10,   /* we say that we are well this often */
    ACCEPT_S = 60, /* beside the database's own time-outs */
    TROUBLE_S = 1  /* until a client that we could not take is tried again */
};

/* ---- what the server asks us ---- */

static int64_t
client_time(const Worker *worker)
{
    return worker->settings->limits.idle_s + ACCEPT_S;
}

static void
on_recipient(void *context, const LmtpRecipient *recipient,
             LmtpReply *ret_reply)
{
    Worker *worker = context;
    accept_recipient(worker->desk, recipient, ret_reply);
}

static void
on_mail(void *context, const LmtpEnvelope *envelope, GBytes *raw,
        LmtpReply *ret_replies)
{
    Worker *worker = context;
    size_t waiting;
    worker->diary.busy(worker->diary.context, 0,
                       worker->settings->database.timeout_s * 10 + ACCEPT_S);
    if (!worker_database_is_good(worker))
        return; /* replies left alone are 451 4.3.0 */
    accept_mail(worker->desk, envelope, raw, ret_replies, &waiting);
    if (waiting > 0)
        doorbell_ring(FD_BELL_PROCESSOR);
    worker->slot->done += (int64_t)waiting;
    worker->diary.busy(worker->diary.context, 0, client_time(worker));
}

/* Asked each second: also says that we are well. */
static bool
on_stopping(void *context)
{
    Worker *worker = context;
    worker->diary.busy(worker->diary.context, 0, client_time(worker));
    return worker_is_stopping(worker);
}

static bool
on_stressed(void *context)
{
    Worker *worker = context;
    const WorkerCounts *counts = &worker->settings->workers;
    size_t busy, all;
    status_page_count(worker->page, WORKER_LMTP, &busy, &all);
    return busy >= all && busy >= (size_t)counts->lmtp_max;
}

static const LmtpServerHandlers handlers = {on_recipient, on_mail, on_stopping,
                                            on_stressed};

/* ---- one client after the other ---- */

static void
serve(Worker *worker, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        /* No descriptor is left, say. Who waits there goes on waiting. */
        log_warning(event("lmtp.accept"), kv("reason", g_strerror(errno)));
        worker_wait(worker, -1, TROUBLE_S);
        return;
    }
    worker->diary.busy(worker->diary.context, 0, client_time(worker));
    lmtp_server_serve(fd, g_get_host_name(), &worker->settings->limits,
                      worker->settings->spool_directory, &handlers, worker);
}

/* From FD_LISTENERS on, whatever listens: a service manager may have handed
 * over more than the settings name. */
static nfds_t
count_listeners(void)
{
    nfds_t n = 0;
    int listening = 1;
    socklen_t size = sizeof listening;
    while (getsockopt(FD_LISTENERS + (int)n, SOL_SOCKET, SO_ACCEPTCONN,
                      &listening, &size) == 0 &&
           listening)
        n++;
    return n;
}

/* Wait for a client on any of `n` listeners; -1: none came. */
static int
wait_client(Worker *worker, nfds_t n)
{
    g_autofree struct pollfd *fds = g_new0(struct pollfd, n + 1);
    for (nfds_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){FD_LISTENERS + (int)i, POLLIN, 0};
    fds[n] = (struct pollfd){worker->signals, POLLIN, 0};
    worker_asleep(worker, LOOK_S);
    if (poll(fds, n + 1, LOOK_S * 1000) <= 0)
        return -1;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents != 0)
            return fds[i].fd;
    return -1;
}

bool
worker_lmtp(Worker *worker, GError **error)
{
    nfds_t n = count_listeners();
    (void)error;
    while (!worker_is_stopping(worker)) {
        int listener = wait_client(worker, n);
        if (listener >= 0)
            serve(worker, listener);
    }
    return true;
}
