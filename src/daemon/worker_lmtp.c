#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/failure.h"
#include "base/log.h"
#include "doorbell.h"
#include "gateway/accept.h"
#include "gateway/metrics.h"
#include "transport/lmtp_peer.h"
#include "transport/lmtp_server.h"
#include "worker.h"

enum {
    LOOK_S = 10,     /* we say that we are well this often */
    ACCEPT_S = 60,   /* beside the database's own time-outs */
    TROUBLE_S = 1,   /* until a client that we could not take is tried again */
    GUESTS_MAX = 64, /* clients that wait for their user's others to end */
    GUESTS_MS = 50   /* how often they are looked after */
};

/* Whose client it is that nobody knows: they all share one share. */
#define UNKNOWN INT64_MAX

/* ---- shares ---- */

/* A client whose user has as many workers as one may have: it waits, and holds
 * none. */
typedef struct {
    int fd;
    int64_t peer;
    int64_t since_us;
} Guest;

typedef struct {
    GArray *waiting; /* Guest */
    int64_t refused; /* since the log was told, once a second at most */
    int64_t told_us;
} Guests;

/* May one more client of this user be served? Who asks has said so in its slot
 * before: of several who ask at once too few may be let in, never too many. */
static bool
claim_share(Worker *worker, int64_t peer)
{
    const StatusPage *page = worker->page;
    size_t clients = 0;
    __atomic_store_n(&worker->slot->peer, peer, __ATOMIC_SEQ_CST);
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        clients +=
            page->slots[i].role == WORKER_LMTP && page->slots[i].pid != 0 &&
            __atomic_load_n(&page->slots[i].peer, __ATOMIC_SEQ_CST) == peer;
    if (clients <= lmtp_share(&worker->settings->workers))
        return true;
    __atomic_store_n(&worker->slot->peer, 0, __ATOMIC_SEQ_CST);
    return false;
}

static void
refuse(Guests *guests, const Guest *guest)
{
    int64_t now_us = g_get_monotonic_time();
    guests->refused++;
    if (now_us - guests->told_us >= G_USEC_PER_SEC) {
        log_warning(event("lmtp.refused"), kv_int("uid", guest->peer - 1),
                    kv_int("clients", guests->refused),
                    kv("reason", "this user's clients have all the workers "
                                 "that one user may have"));
        guests->refused = 0;
        guests->told_us = now_us;
    }
    metric_add(METRIC_REFUSED, REFUSED_BUSY, 1);
    lmtp_server_refuse(guest->fd, g_get_host_name());
}

/* One worker and its clients. */
typedef struct {
    Worker *worker;
    Guests guests;
} Host;

/* Who has waited for too long is sent away; `all`: everybody. */
static void
refuse_late(Host *host, bool all)
{
    const Worker *worker = host->worker;
    Guests *guests = &host->guests;
    int64_t patience_us =
        worker->settings->limits.stress_idle_s * G_USEC_PER_SEC;
    int64_t now_us = g_get_monotonic_time();
    for (guint i = guests->waiting->len; i > 0; i--) {
        Guest guest = g_array_index(guests->waiting, Guest, i - 1);
        if (!all && now_us - guest.since_us <= patience_us)
            continue;
        g_array_remove_index(guests->waiting, i - 1);
        refuse(guests, &guest);
    }
    worker->slot->guests = guests->waiting->len;
}

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
    Worker *worker = ((Host *)context)->worker;
    accept_recipient(worker->desk, recipient, ret_reply);
}

static void
on_mail(void *context, const LmtpEnvelope *envelope, GBytes *raw,
        LmtpReply *ret_replies)
{
    Worker *worker = ((Host *)context)->worker;
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
    Worker *worker = ((Host *)context)->worker;
    worker->diary.busy(worker->diary.context, 0, client_time(worker));
    refuse_late(context, false); /* they do not wait for this one's end */
    return worker_is_stopping(worker);
}

static bool
on_stressed(void *context)
{
    Worker *worker = ((Host *)context)->worker;
    size_t busy, all;
    status_page_count(worker->page, WORKER_LMTP, &busy, &all);
    return busy >= lmtp_share(&worker->settings->workers);
}

static const LmtpServerHandlers handlers = {on_recipient, on_mail, on_stopping,
                                            on_stressed};

/* ---- one client after the other ---- */

static void
serve(Host *host, int fd)
{
    Worker *worker = host->worker;
    worker->diary.busy(worker->diary.context, 0, client_time(worker));
    lmtp_server_serve(fd, g_get_host_name(), &worker->settings->limits,
                      worker->settings->spool_directory, &handlers, host);
    __atomic_store_n(&worker->slot->peer, 0, __ATOMIC_SEQ_CST);
}

static void
take_client(Host *host, int listener)
{
    Worker *worker = host->worker;
    uid_t uid;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        /* No descriptor is left, say. Who waits there goes on waiting. */
        log_warning(event("lmtp.accept"), kv("reason", g_strerror(errno)));
        worker_wait(worker, -1, TROUBLE_S);
        return;
    }
    Guest guest = {fd, lmtp_peer_user(fd, &uid) ? (int64_t)uid + 1 : UNKNOWN,
                   g_get_monotonic_time()};
    if (claim_share(worker, guest.peer))
        serve(host, fd);
    else if (host->guests.waiting->len < GUESTS_MAX)
        g_array_append_val(host->guests.waiting, guest);
    else
        refuse(&host->guests, &guest);
}

/* Serve the first guest that may be served by now. */
static void
serve_guest(Host *host)
{
    GArray *waiting = host->guests.waiting;
    for (guint i = 0; i < waiting->len; i++) {
        Guest guest = g_array_index(waiting, Guest, i);
        if (!claim_share(host->worker, guest.peer))
            continue;
        g_array_remove_index(waiting, i);
        serve(host, guest.fd);
        return;
    }
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

/* Wait for a client on any of `n` listeners, not for long while there are
 * guests; -1: none came. */
static int
wait_client(Worker *worker, nfds_t n, bool guests)
{
    g_autofree struct pollfd *fds = g_new0(struct pollfd, n + 1);
    for (nfds_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){FD_LISTENERS + (int)i, POLLIN, 0};
    fds[n] = (struct pollfd){worker->signals, POLLIN, 0};
    worker_asleep(worker, LOOK_S);
    if (poll(fds, n + 1, guests ? GUESTS_MS : LOOK_S * 1000) <= 0)
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
    g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(Guest));
    Host host = {.worker = worker, .guests.waiting = waiting};
    (void)error;
    worker->slot->peer = worker->slot->guests = 0; /* who died here has none */
    while (!worker_is_stopping(worker)) {
        int listener = wait_client(worker, n, waiting->len > 0);
        if (listener >= 0)
            take_client(&host, listener);
        refuse_late(&host, false);
        serve_guest(&host);
    }
    refuse_late(&host, true);
    return true;
}
