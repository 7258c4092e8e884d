#include "confine.h"

#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Deep structures cost stack; GMime's address parser most of all. */
enum { STACK_BYTES = 64 * 1024 * 1024 };

void
confine_stack(void)
{
    struct rlimit limits;
    if (getrlimit(RLIMIT_STACK, &limits) != 0)
        return;
    limits.rlim_cur =
        limits.rlim_max < STACK_BYTES ? limits.rlim_max : STACK_BYTES;
    setrlimit(RLIMIT_STACK, &limits);
}

void
confine_resources(size_t memory_bytes, uint64_t cpu_s)
{
    const struct rlimit none = {0, 0}, time = {cpu_s, cpu_s};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_CPU, &time);
    /* Sanitizers want terabytes, and write reports at the end. */
#ifndef POSTERN_UNCONFINED
    const struct rlimit memory = {memory_bytes, memory_bytes};
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_NOFILE, &none);
    setrlimit(RLIMIT_NPROC, &none);
#else
    (void)memory_bytes;
#endif
}

void
confine_files(void)
{
#ifndef POSTERN_UNCONFINED
    const struct landlock_ruleset_attr nothing = {
        .handled_access_fs =
            LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
            LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
            LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
            LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
            LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
            LANDLOCK_ACCESS_FS_MAKE_SYM};
    long ruleset =
        syscall(SYS_landlock_create_ruleset, &nothing, sizeof nothing, 0);
    if (ruleset < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return;
    syscall(SYS_landlock_restrict_self, (int)ruleset, 0);
    close((int)ruleset);
#endif
}

#ifndef POSTERN_UNCONFINED
/* What computing needs, and nothing that reaches outside. */
static bool
allow_computing(scmp_filter_ctx filter)
{
    static const int calls[] = {
        SCMP_SYS(brk),           SCMP_SYS(munmap),
        SCMP_SYS(mremap),        SCMP_SYS(madvise),
        SCMP_SYS(futex),         SCMP_SYS(exit),
        SCMP_SYS(exit_group),    SCMP_SYS(rt_sigreturn),
        SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
        SCMP_SYS(getrandom),     SCMP_SYS(restart_syscall),
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
            return false;
    return true;
}

/* Memory, but none that can be executed and none of a file. */
static bool
allow_memory(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                            SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS,
                                    MAP_ANONYMOUS)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool
allow_talking(scmp_filter_ctx filter, int in, int out)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)in, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)out, 0)) == 0;
}
#endif

bool
confine_calls(int in, int out)
{
    prctl(PR_SET_DUMPABLE, 0);
#ifdef POSTERN_UNCONFINED
    (void)in;
    (void)out;
    return true;
#else
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return false;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return false;
    bool confined = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
                                     SCMP_ACT_KILL_PROCESS) == 0 &&
                    allow_computing(filter) && allow_memory(filter) &&
                    allow_talking(filter, in, out) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return confined;
#endif
}
