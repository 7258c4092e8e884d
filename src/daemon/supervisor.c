#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "gateway/desk.h"
#include "holdings.h"
#include "notify.h"
#include "pool.h"
#include "transport/lmtp_server.h"

enum {
    STOP_S = 28,            /* TERM, then KILL: we promise 30 s */
    REFUSALS_A_ROUND = 100, /* 421s when no worker is free */
    ROUND_MS = 1000,        /* overdue workers, crowds, watchdog */
    STARTING_MS = 50        /* the same until all are up */
};

typedef struct {
    const char *file;
    Settings *settings;
    Holdings holdings;
    Pool pool;
    int signals; /* signalfd */
    bool stopping;
    bool ready; /* every worker has come up once */
    int status; /* exit status */
    int64_t stop_by_us;
    int64_t crowded_since_us; /* all lmtp workers busy and nothing done */
    int64_t crowded_done;
    int64_t watchdog_at_us;
} Supervisor;

static int
signals_open(void)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* ---- ending ---- */

static void
stop(Supervisor *supervisor, int status)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    supervisor->status = status;
    supervisor->stop_by_us = g_get_monotonic_time() + STOP_S * G_USEC_PER_SEC;
    notify_send("STOPPING=1");
    log_notice(event("daemon.stopping"));
    pool_signal(&supervisor->pool, SIGTERM);
}

/* ---- once a second ---- */

static void
refuse_waiting(const Supervisor *supervisor)
{
    for (guint i = 0; i < supervisor->holdings.listeners->len; i++) {
        int listener = g_array_index(supervisor->holdings.listeners, int, i);
        for (int n = 0; n < REFUSALS_A_ROUND; n++) {
            int fd =
                accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd < 0)
                break;
            log_warning(event("lmtp.refused"),
                        kv("reason", "all workers are busy"));
            lmtp_server_refuse(fd, g_get_host_name());
        }
    }
}

/* No lmtp worker became free for a while: who waits is told to come later,
 * which an MTA understands better than silence. */
static void
relieve_crowd(Supervisor *supervisor)
{
    size_t busy, all;
    int64_t now_us = g_get_monotonic_time();
    int64_t done;
    pool_count_lmtp(&supervisor->pool, &busy, &all, &done);
    if (all == 0 || busy < all || done != supervisor->crowded_done)
        supervisor->crowded_since_us = now_us;
    supervisor->crowded_done = done;
    int64_t patience_us =
        supervisor->settings->limits.stress_idle_s * G_USEC_PER_SEC;
    if (now_us - supervisor->crowded_since_us > patience_us)
        refuse_waiting(supervisor);
}

static void
say_ready(Supervisor *supervisor)
{
    if (supervisor->ready || !pool_all_up(&supervisor->pool))
        return;
    supervisor->ready = true;
    notify_send("READY=1\nSTATUS=accepting mail");
    log_notice(event("daemon.ready"));
}

static void
feed_watchdog(Supervisor *supervisor)
{
    int64_t interval_us = notify_watchdog_us();
    int64_t now_us = g_get_monotonic_time();
    if (interval_us == 0 || now_us < supervisor->watchdog_at_us)
        return;
    supervisor->watchdog_at_us = now_us + interval_us;
    notify_send("WATCHDOG=1");
}

/* ---- HUP ---- */

static void
plan_workers(Supervisor *supervisor)
{
    pool_plan(&supervisor->pool, &supervisor->settings->workers,
              supervisor->holdings.listeners->len > 0);
}

static bool
same_listeners(const Settings *a, const Settings *b)
{
    if (a->listeners->len != b->listeners->len)
        return false;
    for (guint i = 0; i < a->listeners->len; i++) {
        const Listener *one = a->listeners->pdata[i];
        const Listener *other = b->listeners->pdata[i];
        if (strcmp(one->socket, other->socket) != 0 ||
            strcmp(one->host, other->host) != 0 || one->port != other->port ||
            one->mode != other->mode)
            return false;
    }
    return true;
}

static bool
reload(Supervisor *supervisor, GError **error)
{
    g_autoptr(Settings) fresh = settings_load(supervisor->file, error);
    if (fresh == NULL || !supervisor_check(fresh, error))
        return false;
    if (!same_listeners(supervisor->settings, fresh) ||
        strcmp(supervisor->settings->run_directory, fresh->run_directory) !=
            0 ||
        strcmp(supervisor->settings->user, fresh->user) != 0) {
        failure_set(error, FAILURE_CONFIG,
                    "listeners, run_directory and user change only with a "
                    "restart");
        return false;
    }
    if (!holdings_renew(&supervisor->holdings, supervisor->file, fresh, error))
        return false;
    settings_free(supervisor->settings);
    supervisor->settings = g_steal_pointer(&fresh);
    log_set_level(supervisor->settings->log_level);
    return true;
}

static void
on_hup(Supervisor *supervisor)
{
    g_autoptr(GError) error = NULL;
    if (supervisor->stopping)
        return;
    notify_reloading();
    if (reload(supervisor, &error)) {
        log_notice(event("settings.reloaded"), kv("file", supervisor->file));
        plan_workers(supervisor);
        /* Each ends what it has in hand and comes back with the new ones. */
        pool_signal(&supervisor->pool, SIGTERM);
    } else {
        log_error(event("settings.kept"), kv("reason", error->message));
    }
    notify_send("READY=1");
}

/* ---- the loop ---- */

/* Before the first good start only an operator can help: say so and end. */
static void
reap(Supervisor *supervisor)
{
    if (pool_reap(&supervisor->pool) && !supervisor->ready)
        stop(supervisor, EX_CONFIG);
}

static void
take_signals(Supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD: /* several may come as one: reap() looks anyway */
            break;
        case SIGHUP:
            on_hup(supervisor);
            break;
        default:
            stop(supervisor, EX_OK);
            break;
        }
    }
    reap(supervisor);
}

/* Until a signal comes or a round is over. */
static void
wait_signals(const Supervisor *supervisor)
{
    struct pollfd fd = {supervisor->signals, POLLIN, 0};
    int64_t most_ms = supervisor->ready ? ROUND_MS : STARTING_MS;
    if (!supervisor->stopping)
        most_ms = pool_patience_ms(&supervisor->pool, most_ms);
    poll(&fd, 1, (int)most_ms);
}

static void
loop(Supervisor *supervisor)
{
    Pool *pool = &supervisor->pool;
    while (!supervisor->stopping || pool_any_running(pool)) {
        if (!supervisor->stopping)
            pool_start_due(pool);
        wait_signals(supervisor);
        take_signals(supervisor);
        pool_kill_overdue(pool);
        feed_watchdog(supervisor);
        if (!supervisor->stopping) {
            relieve_crowd(supervisor);
            say_ready(supervisor);
        } else if (g_get_monotonic_time() > supervisor->stop_by_us) {
            pool_signal(pool, SIGKILL);
        }
    }
}

bool
supervisor_check(const Settings *settings, GError **error)
{
    if (geteuid() == 0 && *settings->user == '\0') {
        failure_set(error, FAILURE_CONFIG,
                    "%s: posternd was started as root but 'user' is not set; "
                    "set user = \"postern\";",
                    settings->file);
        return false;
    }
    g_autoptr(Desk) desk = desk_new(settings, "check");
    return settings_check_files(settings, error) &&
           desk_load_templates(desk, error);
}

static bool
prepare(Supervisor *supervisor, GError **error)
{
    Holdings *holdings = &supervisor->holdings;
    if (!holdings_take(holdings, supervisor->file, supervisor->settings, error))
        return false;
    supervisor->signals = signals_open();
    if (supervisor->signals < 0) {
        failure_set(error, FAILURE_TEMPORARY, "no descriptors left: %s",
                    g_strerror(errno));
        return false;
    }
    supervisor->pool = (Pool){
        .page = holdings->page,
        .settings_file = holdings->snapshot,
        .descriptors = {.status_page = holdings->page_fd,
                        .bell_processor = holdings->bell_processor,
                        .bell_sender = holdings->bell_sender,
                        .password = holdings->password,
                        .listeners =
                            (const int *)(void *)holdings->listeners->data,
                        .n_listeners = holdings->listeners->len},
    };
    return true;
}

static void
run(Supervisor *supervisor)
{
    log_notice(event("daemon.started"), kv("version", POSTERN_VERSION),
               kv("settings", supervisor->file));
    supervisor->crowded_since_us = g_get_monotonic_time();
    plan_workers(supervisor);
    loop(supervisor);
    log_notice(event("daemon.stopped"));
}

int
supervisor_run(const char *file, Settings *settings)
{
    Supervisor supervisor = {
        .file = file, .settings = settings, .status = EX_OK};
    g_autoptr(GError) error = NULL;
    umask(0077);
    log_set_level(settings->log_level);
    /* What is wrong with the settings is found before anything is touched. */
    if (!supervisor_check(settings, &error)) {
        log_error(event("daemon.not-started"), kv("reason", error->message));
        settings_free(settings);
        return failure_exit_status(error);
    }
    if (prepare(&supervisor, &error)) {
        run(&supervisor);
    } else {
        log_error(event("daemon.not-started"), kv("reason", error->message));
        supervisor.status = failure_exit_status(error);
    }
    holdings_drop(&supervisor.holdings);
    settings_free(supervisor.settings);
    return supervisor.status;
}
