#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "debt.h"
#include "gateway/metrics.h"
#include "gateway/turn.h"
#include "memory.h"
#include "sealed.h"
#include "store/schema.h"

enum {
    PAUSE_MAX_S = 60,
    ASLEEP_S = 10,  /* who sleeps is this late before it is overdue */
    WEIGH_S = 10,   /* between two looks at our own memory */
    RECHECK_S = 10, /* and two at the schema */
    PASSWORD_MAX_BYTES = 4096,
    SETTINGS_MAX_BYTES = 2 * 1024 * 1024 /* more than a file may have */
};

typedef bool (*Role)(Worker *worker, GError **error);

static const Role roles[] = {
    [WORKER_LMTP] = worker_lmtp,       [WORKER_PROCESSOR] = worker_processor,
    [WORKER_SENDER] = worker_sender,   [WORKER_CLOCK] = worker_clock,
    [WORKER_METRICS] = worker_metrics, [WORKER_IMAP] = worker_imap,
};

/* ---- waiting ---- */

bool
worker_is_stopping(Worker *worker)
{
    struct signalfd_siginfo info;
    if (!worker->stopping &&
        read(worker->signals, &info, sizeof info) == sizeof info)
        worker->stopping = true;
    return worker->stopping;
}

void
worker_asleep(Worker *worker, int64_t timeout_s)
{
    int64_t now_us = g_get_monotonic_time();
    if (now_us - worker->weighed_us > WEIGH_S * G_USEC_PER_SEC) {
        worker->weighed_us = now_us;
        worker->slot->memory_bytes = memory_private_bytes();
    }
    status_slot_asleep(worker->slot, timeout_s + ASLEEP_S);
}

bool
worker_wait(Worker *worker, int doorbell, int64_t timeout_s)
{
    worker_asleep(worker, timeout_s);
    struct pollfd fds[] = {{worker->signals, POLLIN, 0}, {doorbell, POLLIN, 0}};
    poll(fds, doorbell >= 0 ? 2 : 1, (int)(timeout_s * 1000));
    return !worker_is_stopping(worker);
}

void
worker_gather(Worker *worker, int rest_ms)
{
    struct pollfd fd = {worker->signals, POLLIN, 0};
    worker_asleep(worker, 1);
    poll(&fd, 1, rest_ms);
}

bool
worker_pause(Worker *worker, const char *what, const GError *failure)
{
    worker->pause_s = MIN(MAX(worker->pause_s * 2, 1), PAUSE_MAX_S);
    log_warning(event("worker.paused"), kv("what", what),
                kv("reason", failure->message),
                kv_int("seconds", worker->pause_s));
    worker_asleep(worker, worker->pause_s);
    struct pollfd fd = {worker->signals, POLLIN, 0};
    int64_t pause_ms = worker->pause_s * 1000;
    /* Jitter, so that all workers do not come back at once. */
    poll(&fd, 1, (int)(pause_ms - g_random_int_range(0, (gint32)pause_ms / 2)));
    return !worker_is_stopping(worker);
}

void
worker_resume(Worker *worker)
{
    worker->pause_s = 0;
}

bool
worker_answer_for_predecessor(Worker *worker)
{
    g_autoptr(GError) failure = NULL;
    while (!debt_settle(&worker->slot->debt, worker->desk, &failure)) {
        if (!worker_pause(worker, "predecessor", failure))
            return false; /* it stays noted for the next one */
        g_clear_error(&failure);
    }
    worker_resume(worker);
    return true;
}

/* ---- what the supervisor hands over ---- */

char *
worker_take_password(void)
{
    size_t length = 0;
    char *password = sealed_read(FD_PASSWORD, PASSWORD_MAX_BYTES, &length);
    close(FD_PASSWORD);
    if (length > 0)
        return password;
    settings_secret_free(password);
    return NULL;
}

/* ---- what the gateway notes and asks ---- */

static void
note_busy(void *context, int64_t delivery_id, int64_t back_in_s)
{
    Worker *worker = context;
    status_slot_busy(worker->slot, delivery_id, back_in_s);
}

static void
note_idle(void *context)
{
    Worker *worker = context;
    status_slot_idle(worker->slot);
}

static void
note_mark(void *context, int64_t id, Mark mark)
{
    Worker *worker = context;
    debt_mark(&worker->slot->debt, id, mark);
}

static void
note_fetching(void *context, const Fetching *fetching)
{
    Worker *worker = context;
    status_slot_fetching(worker->slot, fetching);
}

static bool
note_stopping(void *context)
{
    return worker_is_stopping(context);
}

/* ---- starting ---- */

/* If the supervisor dies we die; what was not committed did not happen. */
static bool
die_with_supervisor(const StatusPage *page)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == page->supervisor;
}

/* The settings as the supervisor checked them. */
static Settings *
take_settings(const char *file, GError **error)
{
    size_t length = 0;
    char *text = sealed_read(FD_SETTINGS, SETTINGS_MAX_BYTES, &length);
    if (text == NULL) {
        failure_set(error, FAILURE_TEMPORARY,
                    "the supervisor has handed over no settings");
        return NULL;
    }
    Settings *settings = settings_load_text(file, text, length, error);
    explicit_bzero(text, length);
    g_free(text);
    return settings;
}

/* From root to the service's user, for good. */
static bool
drop_privileges(const Settings *settings, GError **error)
{
    return service_set(settings->user, settings->group, error) &&
           service_become(error);
}

/* No core file may hold a password. */
static void
forbid_cores(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

static int
signals_open(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* the supervisor's business */
    signal(SIGUSR1, SIG_IGN);
    sigprocmask(SIG_SETMASK, &stop, NULL);
    return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

static StatusSlot *
find_slot(StatusPage *page, const char *name)
{
    g_auto(GStrv) parts = g_strsplit(name, ":", 2);
    WorkerRole role;
    if (g_strv_length(parts) != 2 || !worker_role_parse(parts[0], &role))
        return NULL;
    int index = atoi(parts[1]);
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (page->slots[i].role == role && page->slots[i].index == index)
            return &page->slots[i];
    return NULL;
}

static bool
check_database(Worker *worker, GError **error)
{
    worker->diary.busy(worker->diary.context, 0,
                       worker->settings->database.timeout_s * 5);
    worker->checked = schema_check_server(worker->desk->store, error) &&
                      schema_check(worker->desk->store, error);
    return worker->checked;
}

/* Only what an operator must mend counts once it was good: the work itself
 * meets all other trouble, and knows what to do. */
static bool
is_good(Worker *worker, GError **error)
{
    int64_t now_us = g_get_monotonic_time();
    if (worker->checked &&
        now_us - worker->checked_us < RECHECK_S * G_USEC_PER_SEC)
        return true;
    g_autoptr(GError) failure = NULL;
    bool was_good = worker->checked;
    worker->checked_us = now_us;
    if (check_database(worker, &failure))
        return true;
    worker->checked = was_good && !failure_is(failure, FAILURE_CONFIG);
    if (worker->checked)
        return true;
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

bool
worker_database_is_good(Worker *worker)
{
    g_autoptr(GError) failure = NULL;
    if (is_good(worker, &failure))
        return true;
    log_warning(event("database.not-good"), kv("reason", failure->message));
    return false;
}

bool
worker_may_work(Worker *worker)
{
    g_autoptr(GError) failure = NULL;
    if (is_good(worker, &failure))
        return true;
    worker_pause(worker, "database", failure);
    return false;
}

/*
 * Wait for a database that we can promise on; it may be down just now. An lmtp
 * worker does not wait: its clients want an answer, be it 451. False:
 * FAILURE_CONFIG, only an operator can help.
 */
static bool
await_database(Worker *worker, GError **error)
{
    for (;;) {
        g_autoptr(GError) failure = NULL;
        if (check_database(worker, &failure)) {
            worker_resume(worker);
            return true;
        }
        if (failure_is(failure, FAILURE_CONFIG)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        if (worker->slot->role == WORKER_LMTP) {
            log_warning(event("database.not-good"),
                        kv("reason", failure->message));
            return true;
        }
        if (!worker_pause(worker, "database", failure))
            return true;
    }
}

static bool
start(Worker *worker, const char *file, GError **error)
{
    worker->page = status_page_map(FD_STATUS_PAGE, error);
    if (worker->page == NULL)
        return false;
    worker->slot = find_slot(worker->page, worker->name);
    if (worker->slot == NULL) {
        failure_set(error, FAILURE_PERMANENT,
                    "--worker is for posternd's own use");
        return false;
    }
    worker->settings = take_settings(file, error);
    if (worker->settings == NULL || !drop_privileges(worker->settings, error))
        return false;
    forbid_cores();
    if (!die_with_supervisor(worker->page)) {
        failure_set(error, FAILURE_TEMPORARY, "the supervisor is gone");
        return false;
    }
    log_set_level(worker->settings->log_level);
    log_set_stamped(*worker->settings->log_file != '\0');
    metrics_use(worker->page->metrics);
    turns_use(&worker->page->turns);
    worker->diary = (Diary){note_busy,     note_idle,     note_mark,
                            note_fetching, note_stopping, worker};
    worker->desk = desk_new(worker->settings, worker->name);
    return true;
}

/* The work itself, once the database is known to be a good one. */
static bool
work(Worker *worker, GError **error)
{
    /* The metrics worker asks the status page, not the database. */
    if (worker->slot->role != WORKER_METRICS && !await_database(worker, error))
        return false;
    if (worker_is_stopping(worker))
        return true;
    worker->slot->came_up = true;
    return roles[worker->slot->role](worker, error);
}

static void
finish(Worker *worker)
{
    desk_free(worker->desk);
    settings_free(worker->settings);
    g_free(worker->name);
}

int
worker_run(const char *name, const char *file)
{
    Worker worker = {.name = g_strdup(name)};
    g_autoptr(GError) error = NULL;
    log_open(name);
    worker.signals = signals_open();
    bool good = worker.signals >= 0 && start(&worker, file, &error) &&
                work(&worker, &error);
    if (!good)
        log_error(event("worker.failed"),
                  kv("reason", error != NULL ? error->message : "no signalfd"));
    else
        worker.diary.idle(worker.diary.context);
    finish(&worker);
    return good ? EX_OK : failure_exit_status(error);
}
