#include "status_page.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "debt.h"

enum { KEPT_FREE_PART = 4 }; /* one lmtp worker more to so many */

enum { MAGIC = 0x506f7374, VERSION = 8 };

static const char *const role_names[] = {
    [WORKER_NONE] = "",
    [WORKER_LMTP] = "lmtp",
    [WORKER_PROCESSOR] = "processor",
    [WORKER_SENDER] = "sender",
    [WORKER_CLOCK] = "clock",
    [WORKER_METRICS] = "metrics",
    [WORKER_IMAP] = "imap",
};

const char *
worker_role_name(WorkerRole role)
{
    return role_names[role];
}

bool
worker_role_parse(const char *name, WorkerRole *ret_role)
{
    for (size_t i = WORKER_LMTP; i < G_N_ELEMENTS(role_names); i++) {
        if (strcmp(role_names[i], name) == 0) {
            *ret_role = (WorkerRole)i;
            return true;
        }
    }
    return false;
}

/* What somebody else wrote is data: no number or text of it leads out of it. */
static void
tame(StatusPage *page)
{
    page->instance[sizeof page->instance - 1] = '\0';
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        StatusSlot *slot = &page->slots[i];
        if ((size_t)slot->role >= G_N_ELEMENTS(role_names))
            *slot = (StatusSlot){.role = WORKER_NONE};
        slot->debt.lease[sizeof slot->debt.lease - 1] = '\0';
        page->debts[i].lease[sizeof page->debts[i].lease - 1] = '\0';
    }
}

/* A copy: who can write the file can also make it shorter, and a page that was
 * mapped would be our end. Without blocking: it may be a pipe by now. */
static StatusPage *
read_copy(const char *run_directory)
{
    g_autofree char *path = g_build_filename(run_directory, "status", NULL);
    SERVICE_TURN(service_act_at(path));
    struct stat status;
    StatusPage *page = NULL;
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size == sizeof *page)
        page = g_new0(StatusPage, 1);
    if (page != NULL && pread(fd, page, sizeof *page, 0) != sizeof *page)
        g_clear_pointer(&page, g_free);
    if (fd >= 0)
        close(fd);
    if (page != NULL)
        tame(page);
    return page;
}

static bool
is_ours(const StatusPage *page)
{
    return page->magic == MAGIC && page->version == VERSION;
}

StatusPage *
status_page_map(int fd, GError **error)
{
    void *page = mmap(NULL, sizeof(StatusPage), PROT_READ | PROT_WRITE,
                      MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        return page;
    failure_set(error, FAILURE_TEMPORARY, "cannot map the status page: %s",
                g_strerror(errno));
    return NULL;
}

/* Whoever held something for the daemon before us is dead: it is ours. */
static void
name_instance(const StatusPage *old, StatusPage *page)
{
    g_autofree char *name =
        old != NULL ? g_strndup(old->instance, sizeof old->instance - 1) : NULL;
    g_autofree char *fresh = g_uuid_string_random();
    bool is_good = name != NULL && g_uuid_string_is_valid(name);
    g_strlcpy(page->instance, is_good ? name : fresh, sizeof page->instance);
}

/* A new file; workers of the daemon before us may still have the old one.
 * Others may look: `postern status` need not be root. */
static int
make_file(const char *run_directory, GError **error)
{
    g_autofree char *path = g_build_filename(run_directory, "status", NULL);
    SERVICE_TURN(service_act_at(path));
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0 && fchmod(fd, 0644) == 0 &&
        ftruncate(fd, sizeof(StatusPage)) == 0)
        return fd;
    failure_set(error, FAILURE_CONFIG, "cannot create %s: %s", path,
                service_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

StatusPage *
status_page_create(const char *run_directory, int *ret_fd, GError **error)
{
    g_autofree StatusPage *old = read_copy(run_directory);
    if (old != NULL && !is_ours(old))
        g_clear_pointer(&old, g_free);
    int fd = make_file(run_directory, error);
    StatusPage *page = fd >= 0 ? status_page_map(fd, error) : NULL;
    if (page == NULL) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (old != NULL)
        debt_take_over(old, page);
    name_instance(old, page);
    page->supervisor = getpid();
    page->started_at_s = g_get_real_time() / G_USEC_PER_SEC;
    page->turns.seed = (uint64_t)g_random_int() << 32 | g_random_int();
    page->version = VERSION;
    page->magic = MAGIC;
    *ret_fd = fd;
    return page;
}

/* Alive, whoever it belongs to. The lock itself is the daemon's alone. */
static bool
is_running(const StatusPage *page)
{
    return page->supervisor > 0 &&
           (kill(page->supervisor, 0) == 0 || errno == EPERM);
}

StatusPage *
status_page_read(const char *run_directory, GError **error)
{
    g_autofree StatusPage *page = read_copy(run_directory);
    if (page != NULL && is_ours(page) && is_running(page))
        return g_steal_pointer(&page);
    if (page != NULL && !is_ours(page))
        failure_set(error, FAILURE_TEMPORARY,
                    "posternd in %s is of another version", run_directory);
    else
        failure_set(error, FAILURE_TEMPORARY, "no posternd runs in %s",
                    run_directory);
    return NULL;
}

/* ---- a worker's own slot ---- */

void
status_slot_busy(StatusSlot *slot, int64_t delivery_id, int64_t back_in_s)
{
    int64_t now_us = g_get_monotonic_time();
    if (slot->busy_since_us == 0)
        slot->busy_since_us = now_us;
    /* The deadline first: the supervisor must never pair a new delivery with
     * the deadline of an old one. */
    __atomic_store_n(&slot->back_by_us, now_us + back_in_s * G_USEC_PER_SEC,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&slot->delivery_id, delivery_id, __ATOMIC_RELEASE);
}

void
status_slot_idle(StatusSlot *slot)
{
    __atomic_store_n(&slot->delivery_id, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->back_by_us, 0, __ATOMIC_RELEASE);
    slot->busy_since_us = 0;
}

void
status_slot_asleep(StatusSlot *slot, int64_t back_in_s)
{
    status_slot_idle(slot);
    __atomic_store_n(&slot->back_by_us,
                     g_get_monotonic_time() + back_in_s * G_USEC_PER_SEC,
                     __ATOMIC_RELEASE);
}

void
status_slot_fetching(StatusSlot *slot, const Fetching *fetching)
{
    /* A half of it is nothing: `first` tells whether there is any. */
    __atomic_store_n(&slot->fetching.first, 0, __ATOMIC_RELEASE);
    slot->fetching.folder = fetching->folder;
    slot->fetching.uid_validity = fetching->uid_validity;
    slot->fetching.generation = fetching->generation;
    slot->fetching.last = fetching->last;
    slot->fetching.alone = fetching->alone;
    __atomic_store_n(&slot->fetching.first, fetching->first, __ATOMIC_RELEASE);
}

bool
status_slot_is_overdue(const StatusSlot *slot, int64_t now_us)
{
    int64_t back_by_us = __atomic_load_n(&slot->back_by_us, __ATOMIC_ACQUIRE);
    return back_by_us != 0 && now_us > back_by_us;
}

bool
status_slot_is_looping(const StatusSlot *slot, int64_t now_us)
{
    return slot->looping &&
           (slot->pid == 0 || now_us - slot->started_us < 60 * G_USEC_PER_SEC);
}

void
status_page_count(const StatusPage *page, WorkerRole role, size_t *ret_busy,
                  size_t *ret_all)
{
    *ret_busy = *ret_all = 0;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const StatusSlot *slot = &page->slots[i];
        if (slot->role != role || slot->pid == 0)
            continue;
        (*ret_all)++;
        *ret_busy += slot->busy_since_us != 0;
    }
}

size_t
lmtp_share(const WorkerCounts *counts)
{
    return (size_t)MAX(counts->lmtp, counts->lmtp_max);
}

size_t
lmtp_most(const WorkerCounts *counts)
{
    size_t share = lmtp_share(counts);
    return share + MAX(share / KEPT_FREE_PART, 1);
}
