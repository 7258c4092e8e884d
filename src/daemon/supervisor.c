#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "crowd.h"
#include "gateway/desk.h"
#include "gateway/metrics.h"
#include "holdings.h"
#include "notify.h"
#include "pool.h"

enum {
    STOP_S = 28,     /* TERM, then KILL: we promise 30 s */
    ROUND_MS = 1000, /* overdue workers, crowds, watchdog */
    HASTE_MS = 50,   /* the same while workers come up */
    DESCRIPTORS_MIN = 256
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
    Crowd crowd;
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
    sigaddset(&ours, SIGUSR1);
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

/* ---- the log ---- */

static bool
open_log(const Settings *settings, GError **error)
{
    const char *file = settings->log_file;
    if (!log_redirect(*file != '\0' ? file : NULL)) {
        int why = errno;
        SERVICE_TURN(service_act_at(file));
        failure_set(error, FAILURE_CONFIG, "log_file: cannot open %s: %s", file,
                    service_strerror(why));
        return false;
    }
    log_set_stamped(*file != '\0');
    log_set_level(settings->log_level);
    return true;
}

/* ---- HUP ---- */

static void
plan_workers(Supervisor *supervisor)
{
    pool_plan(&supervisor->pool, &supervisor->settings->workers,
              supervisor->holdings.listeners->len > 0,
              settings_watched_count(supervisor->settings));
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

/* What we hold already stays as it is. */
static bool
may_follow(const Settings *settings, const Settings *fresh, GError **error)
{
    if (same_listeners(settings, fresh) &&
        strcmp(settings->metrics.host, fresh->metrics.host) == 0 &&
        settings->metrics.port == fresh->metrics.port &&
        strcmp(settings->run_directory, fresh->run_directory) == 0 &&
        strcmp(settings->user, fresh->user) == 0)
        return true;
    failure_set(error, FAILURE_CONFIG,
                "listeners, metrics, run_directory and user change only with a "
                "restart");
    return false;
}

static bool
reload(Supervisor *supervisor, GError **error)
{
    g_autoptr(Settings) fresh = settings_load(supervisor->file, error);
    if (fresh == NULL || !may_follow(supervisor->settings, fresh, error) ||
        !supervisor_check(fresh, error))
        return false;
    /* What can fail for a reason of its own comes first. */
    if (!open_log(fresh, error))
        return false;
    if (!holdings_renew(&supervisor->holdings, fresh, error)) {
        open_log(supervisor->settings, NULL);
        return false;
    }
    settings_free(supervisor->settings);
    supervisor->settings = g_steal_pointer(&fresh);
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
        pool_hurry(&supervisor->pool);
        /* Each ends what it has in hand and comes back with the new ones. */
        pool_signal(&supervisor->pool, SIGTERM);
    } else {
        log_error(event("settings.kept"), kv("reason", error->message));
        service_set(supervisor->settings->user, supervisor->settings->group,
                    NULL);
    }
    notify_send("READY=1");
}

/* ---- USR1 ---- */

/* The log was moved away. Workers have it open, too: each ends what it has in
 * hand and its successor writes to the new one. */
static void
on_usr1(Supervisor *supervisor)
{
    g_autoptr(GError) error = NULL;
    if (supervisor->stopping || *supervisor->settings->log_file == '\0')
        return;
    if (!open_log(supervisor->settings, &error)) {
        log_error(event("log.kept"), kv("reason", error->message));
        return;
    }
    log_notice(event("log.reopened"),
               kv("file", supervisor->settings->log_file));
    pool_signal(&supervisor->pool, SIGTERM);
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
        case SIGUSR1:
            on_usr1(supervisor);
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
    bool haste = !supervisor->ready || supervisor->crowd.growing;
    int64_t most_ms = haste ? HASTE_MS : ROUND_MS;
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
            crowd_look(&supervisor->crowd, pool, supervisor->holdings.listeners,
                       supervisor->settings);
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
    return service_set(settings->user, settings->group, error) &&
           settings_check_files(settings, error) &&
           desk_load_templates(desk, error) && desk_start_parser(desk, error);
}

/* With fewer no worker could be started, and each for a reason of its own. */
static bool
check_descriptors(GError **error)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur >= DESCRIPTORS_MIN)
        return true;
    limit.rlim_cur = MIN(limit.rlim_max, DESCRIPTORS_MIN);
    if (limit.rlim_cur == DESCRIPTORS_MIN &&
        setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    failure_set(error, FAILURE_CONFIG,
                "a process may open %ju files, %d are needed: raise the limit "
                "(ulimit -n, or LimitNOFILE in the unit)",
                (uintmax_t)limit.rlim_max, DESCRIPTORS_MIN);
    return false;
}

static bool
prepare(Supervisor *supervisor, GError **error)
{
    Holdings *holdings = &supervisor->holdings;
    if (!open_log(supervisor->settings, error) ||
        !holdings_take(holdings, supervisor->settings, error))
        return false;
    supervisor->signals = signals_open();
    if (supervisor->signals < 0) {
        failure_set(error, FAILURE_TEMPORARY, "no descriptors left: %s",
                    g_strerror(errno));
        return false;
    }
    supervisor->pool = (Pool){
        .page = holdings->page,
        .settings_file = supervisor->file,
        .descriptors = {.status_page = holdings->page_fd,
                        .bell_processor = holdings->bell_processor,
                        .bell_sender = holdings->bell_sender,
                        .settings = holdings->settings,
                        .password = holdings->password,
                        .listeners =
                            (const int *)(void *)holdings->listeners->data,
                        .n_listeners = holdings->listeners->len},
        .metrics = holdings->metrics,
        .accounts = holdings->accounts,
    };
    return true;
}

static void
run(Supervisor *supervisor)
{
    log_notice(event("daemon.started"), kv("version", POSTERN_VERSION),
               kv("settings", supervisor->file));
    crowd_init(&supervisor->crowd);
    metrics_use(supervisor->holdings.page->metrics);
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
    /* What is wrong with the settings is found before anything is touched; but
     * that starts a parser already, which wants descriptors. */
    if (!check_descriptors(&error) || !supervisor_check(settings, &error)) {
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
