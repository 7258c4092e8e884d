#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "doorbell.h"
#include "gateway/desk.h"
#include "notify.h"
#include "spawn.h"
#include "status_page.h"
#include "transport/lmtp_server.h"

enum {
    STOP_S = 28,           /* TERM, then KILL: we promise 30 s */
    PAUSE_FIRST_MS = 250,  /* before a dead worker is replaced; doubled ... */
    PAUSE_MAX_MS = 60000,  /* ... up to this */
    STEADY_S = 60,         /* who lived that long starts at the first pause */
    REFUSALS_A_ROUND = 100 /* 421s when no worker is free */
};

/* What the supervisor alone needs to know about a slot. */
typedef struct {
    int64_t start_at_us; /* monotonic; when it is to be started */
    int64_t pause_ms;
    bool wanted; /* by the settings in force */
} Plan;

typedef struct {
    const char *file;
    Settings *settings;
    char *snapshot; /* the settings as they were checked, for workers */
    int lock;
    StatusPage *page;
    int page_fd;
    int bells[2];
    int password;
    GArray *listeners; /* int */
    int signals;
    Plan plans[STATUS_SLOTS];
    bool stopping;
    bool ready; /* every role has had a worker that came up */
    int status; /* exit status */
    int64_t stop_by_us;
    int64_t crowded_since_us; /* all lmtp workers busy, none changed; 0 */
    int64_t crowded_done;
    int64_t watchdog_at_us;
} Supervisor;

/* ---- what is held while running ---- */

static bool
take_lock(Supervisor *supervisor, GError **error)
{
    const char *directory = supervisor->settings->run_directory;
    if (g_mkdir_with_parents(directory, 0755) != 0) {
        failure_set(error, FAILURE_CONFIG, "cannot create %s: %s", directory,
                    g_strerror(errno));
        return false;
    }
    g_autofree char *path = g_build_filename(directory, "lock", NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) {
        failure_set(error, FAILURE_CONFIG, "cannot open %s: %s", path,
                    g_strerror(errno));
        return false;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        failure_set(error, FAILURE_TEMPORARY,
                    "another posternd runs in %s; one run directory is for one "
                    "daemon",
                    directory);
        close(fd);
        return false;
    }
    supervisor->lock = fd;
    return true;
}

/* Workers read what was checked, not what is being edited. */
static bool
write_snapshot(Supervisor *supervisor, GError **error)
{
    g_autofree char *text = NULL;
    gsize length;
    g_autoptr(GError) failure = NULL;
    if (g_file_get_contents(supervisor->file, &text, &length, &failure) &&
        g_file_set_contents_full(supervisor->snapshot, text, (gssize)length,
                                 G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                 &failure)) {
        g_autoptr(Settings) again = settings_load(supervisor->snapshot, error);
        return again != NULL;
    }
    failure_set(error, FAILURE_CONFIG, "%s", failure->message);
    return false;
}

/* The relay's password, in a file without a name; for senders only. */
static bool
hold_password(Supervisor *supervisor, const Settings *settings, GError **error)
{
    char *password = NULL;
    if (!settings_relay_password(&settings->relay, &password, error))
        return false;
    int fd = memfd_create("relay-password", MFD_CLOEXEC);
    bool good =
        fd >= 0 && (password == NULL || write(fd, password, strlen(password)) ==
                                            (ssize_t)strlen(password));
    settings_secret_free(password);
    if (!good) {
        failure_set(error, FAILURE_TEMPORARY, "cannot hold the password: %s",
                    g_strerror(errno));
        return false;
    }
    if (supervisor->password >= 0)
        close(supervisor->password);
    supervisor->password = fd;
    return true;
}

static bool
listen_all(Supervisor *supervisor, GError **error)
{
    const Settings *settings = supervisor->settings;
    for (guint i = 0; i < settings->listeners->len; i++) {
        Listener listener = *(const Listener *)settings->listeners->pdata[i];
        if (geteuid() == 0 && *listener.owner == '\0')
            listener.owner = settings->user;
        if (geteuid() == 0 && *listener.group == '\0')
            listener.group = settings->group;
        int fd = lmtp_server_listen(&listener, error);
        if (fd < 0)
            return false;
        g_array_append_val(supervisor->listeners, fd);
        g_autofree char *where =
            *listener.socket != '\0'
                ? g_strdup(listener.socket)
                : g_strdup_printf("%s:%d", listener.host, listener.port);
        log_notice(event("lmtp.listening"), kv("at", where));
    }
    supervisor->page->n_listeners = supervisor->listeners->len;
    return true;
}

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

/* ---- slots ---- */

static StatusSlot *
slot_for(Supervisor *supervisor, WorkerRole role, int index)
{
    StatusSlot *unused = NULL;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        StatusSlot *slot = &supervisor->page->slots[i];
        if (slot->role == role && slot->index == index)
            return slot;
        if (slot->role == WORKER_NONE && unused == NULL)
            unused = slot;
    }
    if (unused != NULL) {
        unused->role = role;
        unused->index = index;
    }
    return unused;
}

static Plan *
plan_of(Supervisor *supervisor, const StatusSlot *slot)
{
    return &supervisor->plans[slot - supervisor->page->slots];
}

static void
want(Supervisor *supervisor, WorkerRole role, int count)
{
    for (int i = 0; i < count; i++) {
        StatusSlot *slot = slot_for(supervisor, role, i);
        if (slot != NULL)
            plan_of(supervisor, slot)->wanted = true;
    }
}

/* Which workers the settings ask for. */
static void
plan_workers(Supervisor *supervisor)
{
    const WorkerCounts *counts = &supervisor->settings->workers;
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        supervisor->plans[i].wanted = false;
    want(supervisor, WORKER_LMTP,
         supervisor->listeners->len > 0 ? counts->lmtp : 0);
    want(supervisor, WORKER_PROCESSOR, counts->processor);
    want(supervisor, WORKER_SENDER, counts->sender);
    want(supervisor, WORKER_CLOCK, 1);
}

/* ---- starting and ending ---- */

static void
start_worker(Supervisor *supervisor, StatusSlot *slot)
{
    g_autofree char *name =
        g_strdup_printf("%s:%d", worker_role_name(slot->role), slot->index);
    const SpawnDescriptors descriptors = {
        .status_page = supervisor->page_fd,
        .bell_processor = supervisor->bells[0],
        .bell_sender = supervisor->bells[1],
        .password = slot->role == WORKER_SENDER ? supervisor->password : -1,
        .listeners = (const int *)(void *)supervisor->listeners->data,
        .n_listeners =
            slot->role == WORKER_LMTP ? supervisor->listeners->len : 0,
    };
    slot->came_up = false;
    slot->started_us = g_get_monotonic_time();
    pid_t pid = spawn_worker(name, supervisor->snapshot, &descriptors);
    if (pid < 0)
        log_error(event("worker.not-started"), kv("name", name),
                  kv("reason", g_strerror(errno)));
    slot->pid = MAX(pid, 0);
    log_debug(event("worker.started"), kv("name", name),
              kv_int("pid", slot->pid));
}

static void
start_due(Supervisor *supervisor)
{
    int64_t now_us = g_get_monotonic_time();
    for (size_t i = 0; i < STATUS_SLOTS && !supervisor->stopping; i++) {
        StatusSlot *slot = &supervisor->page->slots[i];
        const Plan *plan = &supervisor->plans[i];
        if (plan->wanted && slot->pid == 0 && plan->start_at_us <= now_us)
            start_worker(supervisor, slot);
    }
}

static void
signal_all(const Supervisor *supervisor, int number)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (supervisor->page->slots[i].pid > 0)
            kill(supervisor->page->slots[i].pid, number);
}

static bool
any_running(const Supervisor *supervisor)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (supervisor->page->slots[i].pid > 0)
            return true;
    return false;
}

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
    signal_all(supervisor, SIGTERM);
}

/* What it was parsing when it died is noted for its successor; a death by its
 * own fault makes the pause before that one grow. */
static void
note_death(Supervisor *supervisor, StatusSlot *slot, int wait_status)
{
    Plan *plan = plan_of(supervisor, slot);
    int64_t now_us = g_get_monotonic_time();
    bool well = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EX_OK;
    if (slot->delivery_id != 0 && !well)
        slot->struck = slot->delivery_id;
    if (now_us - slot->started_us > STEADY_S * G_USEC_PER_SEC)
        plan->pause_ms = 0;
    if (!well) {
        slot->restarts++;
        plan->pause_ms =
            CLAMP(plan->pause_ms * 2, PAUSE_FIRST_MS, PAUSE_MAX_MS);
        plan->start_at_us = now_us + plan->pause_ms * 1000;
    } else {
        plan->start_at_us = now_us;
    }
    slot->pid = 0;
    slot->back_by_us = 0;
    slot->busy_since_us = 0;
    slot->delivery_id = 0;
}

static void
log_death(const StatusSlot *slot, const Plan *plan, int wait_status)
{
    g_autofree char *name =
        g_strdup_printf("%s:%d", worker_role_name(slot->role), slot->index);
    g_autofree char *how =
        WIFSIGNALED(wait_status)
            ? g_strdup_printf("signal %d", WTERMSIG(wait_status))
            : g_strdup_printf("exit %d", WEXITSTATUS(wait_status));
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == EX_OK)
        log_debug(event("worker.ended"), kv("name", name));
    else
        log_error(event("worker.died"), kv("name", name), kv("how", how),
                  kv_int("delivery", slot->struck),
                  kv_int("restart_in_ms", plan->pause_ms));
}

static void
reap(Supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < STATUS_SLOTS; i++) {
            StatusSlot *slot = &supervisor->page->slots[i];
            if (slot->pid != pid)
                continue;
            note_death(supervisor, slot, status);
            log_death(slot, plan_of(supervisor, slot), status);
            /* Only an operator can help: nothing runs yet, so say so. */
            if (!supervisor->ready && WIFEXITED(status) &&
                WEXITSTATUS(status) == EX_CONFIG)
                stop(supervisor, EX_CONFIG);
        }
    }
}

/* ---- once a second ---- */

static void
replace_overdue(Supervisor *supervisor)
{
    int64_t now_us = g_get_monotonic_time();
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        StatusSlot *slot = &supervisor->page->slots[i];
        if (!status_slot_is_overdue(slot, now_us))
            continue;
        log_error(
            event("worker.overdue"), kv("role", worker_role_name(slot->role)),
            kv_int("pid", slot->pid), kv_int("delivery", slot->delivery_id));
        kill(slot->pid, SIGKILL);
    }
}

/* How much the lmtp workers have done so far. */
static int64_t
lmtp_done(const StatusPage *page)
{
    int64_t done = 0;
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (page->slots[i].role == WORKER_LMTP)
            done += page->slots[i].done;
    return done;
}

static void
refuse_waiting(const Supervisor *supervisor)
{
    for (guint i = 0; i < supervisor->listeners->len; i++) {
        int listener = g_array_index(supervisor->listeners, int, i);
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
    int64_t done = lmtp_done(supervisor->page);
    status_page_count(supervisor->page, WORKER_LMTP, &busy, &all);
    if (all == 0 || busy < all || done != supervisor->crowded_done)
        supervisor->crowded_since_us = now_us;
    supervisor->crowded_done = done;
    int64_t patience_us =
        supervisor->settings->limits.stress_idle_s * G_USEC_PER_SEC;
    if (now_us - supervisor->crowded_since_us > patience_us)
        refuse_waiting(supervisor);
}

/* Ready when every wanted worker runs and has come to rest or to work. */
static void
say_ready(Supervisor *supervisor)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (supervisor->plans[i].wanted &&
            (supervisor->page->slots[i].pid == 0 ||
             !supervisor->page->slots[i].came_up))
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
    if (!hold_password(supervisor, fresh, error) ||
        !write_snapshot(supervisor, error))
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
        signal_all(supervisor, SIGTERM); /* each ends well and comes back */
    } else {
        log_error(event("settings.kept"), kv("reason", error->message));
    }
    notify_send("READY=1");
}

/* ---- the loop ---- */

static void
take_signals(Supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            reap(supervisor);
            break;
        case SIGHUP:
            on_hup(supervisor);
            break;
        default:
            stop(supervisor, EX_OK);
            break;
        }
    }
}

/* Until a signal comes or a second is over; sooner when a worker is due. */
static int
patience_ms(const Supervisor *supervisor)
{
    int64_t now_us = g_get_monotonic_time();
    int64_t least_ms = 1000;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const Plan *plan = &supervisor->plans[i];
        if (!plan->wanted || supervisor->page->slots[i].pid != 0)
            continue;
        int64_t left_ms = (plan->start_at_us - now_us) / 1000 + 1;
        least_ms = CLAMP(left_ms, 1, least_ms);
    }
    if (!supervisor->ready)
        least_ms = MIN(least_ms, 50);
    return (int)least_ms;
}

static void
loop(Supervisor *supervisor)
{
    for (;;) {
        start_due(supervisor);
        if (supervisor->stopping && !any_running(supervisor))
            return;
        struct pollfd fd = {supervisor->signals, POLLIN, 0};
        poll(&fd, 1, supervisor->stopping ? 100 : patience_ms(supervisor));
        take_signals(supervisor);
        reap(supervisor);
        replace_overdue(supervisor);
        feed_watchdog(supervisor);
        if (supervisor->stopping) {
            if (g_get_monotonic_time() > supervisor->stop_by_us)
                signal_all(supervisor, SIGKILL);
            continue;
        }
        relieve_crowd(supervisor);
        if (!supervisor->ready)
            say_ready(supervisor);
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
    if (!supervisor_check(supervisor->settings, error) ||
        !take_lock(supervisor, error))
        return false;
    supervisor->signals = signals_open();
    supervisor->bells[0] = doorbell_new();
    supervisor->bells[1] = doorbell_new();
    if (supervisor->signals < 0 || supervisor->bells[0] < 0 ||
        supervisor->bells[1] < 0) {
        failure_set(error, FAILURE_TEMPORARY, "no descriptors: %s",
                    g_strerror(errno));
        return false;
    }
    supervisor->snapshot =
        g_build_filename(supervisor->settings->run_directory, "settings", NULL);
    supervisor->page = status_page_create(supervisor->settings->run_directory,
                                          &supervisor->page_fd, error);
    return supervisor->page != NULL && write_snapshot(supervisor, error) &&
           hold_password(supervisor, supervisor->settings, error) &&
           listen_all(supervisor, error);
}

/* Socket files go with the daemon that made them. */
static void
remove_sockets(const Supervisor *supervisor)
{
    for (guint i = 0; i < supervisor->listeners->len; i++) {
        const Listener *listener = supervisor->settings->listeners->pdata[i];
        if (*listener->socket != '\0')
            unlink(listener->socket);
        close(g_array_index(supervisor->listeners, int, i));
    }
}

int
supervisor_run(const char *file, Settings *settings)
{
    Supervisor supervisor = {.file = file,
                             .settings = settings,
                             .lock = -1,
                             .password = -1,
                             .listeners =
                                 g_array_new(FALSE, FALSE, sizeof(int)),
                             .status = EX_OK};
    g_autoptr(GError) error = NULL;
    umask(0077);
    log_set_level(settings->log_level);
    if (prepare(&supervisor, &error)) {
        log_notice(event("daemon.started"), kv("version", POSTERN_VERSION),
                   kv("settings", file));
        supervisor.crowded_since_us = g_get_monotonic_time();
        plan_workers(&supervisor);
        loop(&supervisor);
        log_notice(event("daemon.stopped"));
    } else {
        log_error(event("daemon.not-started"), kv("reason", error->message));
        supervisor.status = failure_exit_status(error);
    }
    remove_sockets(&supervisor);
    if (supervisor.snapshot != NULL)
        unlink(supervisor.snapshot);
    g_array_unref(supervisor.listeners);
    g_free(supervisor.snapshot);
    settings_free(supervisor.settings);
    return supervisor.status;
}
