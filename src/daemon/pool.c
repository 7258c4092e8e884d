#include "pool.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "base/log.h"
#include "debt.h"

enum {
    PAUSE_FIRST_MS = 250, /* before a dead worker is replaced; doubled ... */
    PAUSE_MAX_MS = 60000, /* ... up to this */
    STEADY_S = 60,        /* who lived that long starts at the first pause */
    LOOP_DEATHS = 5,      /* so many in a row are worth an alert */
    START_S = 60,         /* until a worker has said something itself */
    LATE_S = 5,           /* between two looks: we were stopped ourselves */
    LENIENT_S = 10        /* then all have time to say that they are well */
};

/* ---- which ---- */

static StatusSlot *
slot_of(const Pool *pool, const Plan *plan)
{
    return &pool->page->slots[plan - pool->plans];
}

static Plan *
plan_for(Pool *pool, WorkerRole role, int index)
{
    Plan *unused = NULL;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        Plan *plan = &pool->plans[i];
        if (plan->role == role && plan->index == index)
            return plan;
        if (plan->role == WORKER_NONE && unused == NULL)
            unused = plan;
    }
    g_assert(unused != NULL); /* keys.c allows fewer workers than slots */
    unused->role = role;
    unused->index = index;
    *slot_of(pool, unused) = (StatusSlot){.role = role, .index = index};
    return unused;
}

static void
want(Pool *pool, WorkerRole role, int count)
{
    for (int i = 0; i < count; i++)
        plan_for(pool, role, i)->wanted = true;
}

/* Nobody wants it and nobody runs in it: it is no worker's any more. */
static void
forget_unwanted(Pool *pool)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        Plan *plan = &pool->plans[i];
        if (plan->wanted || plan->pid != 0 || plan->role == WORKER_NONE)
            continue;
        *plan = (Plan){.role = WORKER_NONE};
        debt_leave(&slot_of(pool, plan)->debt, pool->page);
        *slot_of(pool, plan) = (StatusSlot){.role = WORKER_NONE};
    }
}

void
pool_plan(Pool *pool, const WorkerCounts *counts, bool listening, int folders)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        pool->plans[i].wanted = false;
    want(pool, WORKER_LMTP, listening ? counts->lmtp : 0);
    want(pool, WORKER_PROCESSOR, counts->processor);
    want(pool, WORKER_SENDER, counts->sender);
    want(pool, WORKER_IMAP, folders);
    want(pool, WORKER_CLOCK, 1);
    want(pool, WORKER_METRICS, pool->metrics >= 0 ? 1 : 0);
    forget_unwanted(pool);
}

static char *
name_of(const Plan *plan)
{
    return g_strdup_printf("%s:%d", worker_role_name(plan->role), plan->index);
}

/* ---- starting ---- */

/* Each gets only what its role needs. */
static SpawnDescriptors
descriptors_for(const Pool *pool, WorkerRole role, int index)
{
    SpawnDescriptors descriptors = pool->descriptors;
    if (role == WORKER_IMAP)
        descriptors.password = g_array_index(pool->accounts, int, (guint)index);
    else if (role != WORKER_SENDER)
        descriptors.password = -1;
    if (role == WORKER_METRICS) {
        descriptors.listeners = &pool->metrics;
        descriptors.n_listeners = 1;
    } else if (role != WORKER_LMTP) {
        descriptors.n_listeners = 0;
    }
    return descriptors;
}

static void
start(Pool *pool, Plan *plan)
{
    StatusSlot *slot = slot_of(pool, plan);
    g_autofree char *name = name_of(plan);
    const SpawnDescriptors descriptors =
        descriptors_for(pool, plan->role, plan->index);
    plan->started_us = g_get_monotonic_time();
    slot->role = plan->role;
    slot->index = plan->index;
    slot->started_us = plan->started_us;
    slot->came_up = false;
    status_slot_asleep(slot, START_S);
    pid_t pid = spawn_worker(name, pool->settings_file, &descriptors);
    if (pid < 0) {
        log_error(event("worker.not-started"), kv("name", name),
                  kv("reason", g_strerror(errno)));
        plan->start_at_us = plan->started_us + PAUSE_MAX_MS * 1000;
        status_slot_idle(slot);
        return;
    }
    slot->pid = plan->pid = pid;
    log_debug(event("worker.started"), kv("name", name), kv_int("pid", pid));
}

void
pool_hurry(Pool *pool)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        pool->plans[i].start_at_us = 0;
}

void
pool_start_due(Pool *pool)
{
    int64_t now_us = g_get_monotonic_time();
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        Plan *plan = &pool->plans[i];
        if (plan->wanted && plan->pid == 0 && plan->start_at_us <= now_us)
            start(pool, plan);
    }
}

int64_t
pool_patience_ms(const Pool *pool, int64_t most_ms)
{
    int64_t now_us = g_get_monotonic_time();
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const Plan *plan = &pool->plans[i];
        if (!plan->wanted || plan->pid != 0)
            continue;
        int64_t left_ms = (plan->start_at_us - now_us) / 1000 + 1;
        most_ms = MIN(most_ms, MAX(left_ms, 1));
    }
    return most_ms;
}

/* ---- ending ---- */

void
pool_signal(const Pool *pool, int number)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (pool->plans[i].pid > 0)
            kill(pool->plans[i].pid, number);
}

/* A death by its own fault makes the pause before its successor grow. */
static void
plan_successor(Plan *plan, bool well)
{
    int64_t now_us = g_get_monotonic_time();
    if (now_us - plan->started_us > STEADY_S * G_USEC_PER_SEC) {
        plan->pause_ms = 0;
        plan->deaths = 0;
    }
    if (!well) {
        plan->pause_ms =
            CLAMP(plan->pause_ms * 2, PAUSE_FIRST_MS, PAUSE_MAX_MS);
        plan->deaths++;
    }
    plan->start_at_us = now_us + (well ? 0 : plan->pause_ms * 1000);
}

static void
log_death(const Plan *plan, const StatusSlot *slot, int status)
{
    g_autofree char *name = name_of(plan);
    g_autofree char *how =
        WIFSIGNALED(status) ? g_strdup_printf("signal %d", WTERMSIG(status))
                            : g_strdup_printf("exit %d", WEXITSTATUS(status));
    log_error(event("worker.died"), kv("name", name), kv("how", how),
              kv_int("delivery", slot->delivery_id),
              kv_int("restart_in_ms", plan->pause_ms));
}

/* Once, however long it goes on: each death has its own line anyway. */
static void
log_loop(const Plan *plan)
{
    g_autofree char *name = name_of(plan);
    log_error(event("worker.crash-loop"), kv("name", name),
              kv_int("deaths", plan->deaths));
}

static void
bury(Pool *pool, Plan *plan, int status)
{
    StatusSlot *slot = slot_of(pool, plan);
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;
    plan_successor(plan, well);
    if (!well) {
        log_death(plan, slot, status);
        slot->restarts++;
        if (plan->deaths == LOOP_DEATHS)
            log_loop(plan);
        if (slot->delivery_id != 0) /* its successor owes a strike */
            slot->debt.struck = slot->delivery_id;
    }
    slot->looping = plan->deaths >= LOOP_DEATHS;
    slot->peer = slot->guests = 0;
    slot->pid = plan->pid = 0;
    slot->memory_bytes = 0;
    slot->back_by_us = 0;
    slot->busy_since_us = 0;
    slot->delivery_id = 0;
    forget_unwanted(pool);
}

bool
pool_reap(Pool *pool)
{
    bool misconfigured = false;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < STATUS_SLOTS; i++) {
            if (pool->plans[i].pid != pid)
                continue;
            bury(pool, &pool->plans[i], status);
            misconfigured |=
                WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG;
            break;
        }
    }
    return misconfigured;
}

static bool
is_lenient(Pool *pool, int64_t now_us)
{
    if (pool->looked_us != 0 &&
        now_us - pool->looked_us > LATE_S * G_USEC_PER_SEC)
        pool->lenient_until_us = now_us + LENIENT_S * G_USEC_PER_SEC;
    pool->looked_us = now_us;
    return now_us < pool->lenient_until_us;
}

void
pool_kill_overdue(Pool *pool)
{
    int64_t now_us = g_get_monotonic_time();
    if (is_lenient(pool, now_us))
        return;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const Plan *plan = &pool->plans[i];
        const StatusSlot *slot = slot_of(pool, plan);
        if (plan->pid == 0 || !status_slot_is_overdue(slot, now_us))
            continue;
        g_autofree char *name = name_of(plan);
        log_error(event("worker.overdue"), kv("name", name),
                  kv_int("pid", plan->pid),
                  kv_int("delivery", slot->delivery_id));
        kill(plan->pid, SIGKILL);
    }
}

bool
pool_any_running(const Pool *pool)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (pool->plans[i].pid > 0)
            return true;
    return false;
}

/* ---- as many lmtp workers as are needed ---- */

void
pool_count_lmtp(const Pool *pool, PoolLmtp *ret_count)
{
    *ret_count = (PoolLmtp){0};
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const Plan *plan = &pool->plans[i];
        if (plan->role != WORKER_LMTP)
            continue;
        ret_count->wanted += plan->wanted;
        if (plan->pid == 0)
            continue;
        const StatusSlot *slot = slot_of(pool, plan);
        ret_count->running++;
        ret_count->busy += slot->busy_since_us != 0;
        ret_count->hosting += slot->busy_since_us == 0 && slot->guests > 0;
        ret_count->done += slot->done;
    }
}

void
pool_grow_lmtp(Pool *pool)
{
    /* One that is just ending keeps its number until it has ended. */
    for (int index = 0;; index++) {
        Plan *plan = plan_for(pool, WORKER_LMTP, index);
        if (plan->wanted || plan->pid != 0)
            continue;
        plan->wanted = true;
        plan->start_at_us = 0;
        g_autofree char *name = name_of(plan);
        log_info(event("pool.grown"), kv("name", name));
        return;
    }
}

void
pool_shrink_lmtp(Pool *pool, int least)
{
    Plan *last = NULL;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        Plan *plan = &pool->plans[i];
        if (plan->role == WORKER_LMTP && plan->index >= least && plan->wanted &&
            plan->pid > 0 && slot_of(pool, plan)->busy_since_us == 0 &&
            (last == NULL || plan->index > last->index))
            last = plan;
    }
    if (last == NULL)
        return;
    g_autofree char *name = name_of(last);
    log_info(event("pool.shrunk"), kv("name", name));
    last->wanted = false;
    kill(last->pid, SIGTERM);
}

bool
pool_all_up(const Pool *pool)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        const Plan *plan = &pool->plans[i];
        if (plan->wanted && (plan->pid == 0 || !slot_of(pool, plan)->came_up))
            return false;
    }
    return true;
}
