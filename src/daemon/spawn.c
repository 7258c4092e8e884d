#include "spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "worker.h"

enum { CLEAR_OF_TARGETS = 64 + FD_LISTENERS }; /* no target is that high */

/* Nothing may sit where a target goes: first all up, then all down. */
static int
lift(int fd)
{
    if (fd < 0)
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    return fcntl(fd, F_DUPFD_CLOEXEC, CLEAR_OF_TARGETS);
}

static void
place(int lifted, int target)
{
    if (lifted < 0 || dup2(lifted, target) != target)
        _exit(EX_OSERR);
}

static void
hand_over(const SpawnDescriptors *descriptors)
{
    int page = lift(descriptors->status_page);
    int processor = lift(descriptors->bell_processor);
    int sender = lift(descriptors->bell_sender);
    int settings = lift(descriptors->settings);
    int password = lift(descriptors->password);
    int listeners[CLEAR_OF_TARGETS];
    for (size_t i = 0; i < descriptors->n_listeners; i++)
        listeners[i] = lift(descriptors->listeners[i]);
    place(page, FD_STATUS_PAGE);
    place(processor, FD_BELL_PROCESSOR);
    place(sender, FD_BELL_SENDER);
    place(settings, FD_SETTINGS);
    place(password, FD_PASSWORD);
    for (size_t i = 0; i < descriptors->n_listeners; i++)
        place(listeners[i], FD_LISTENERS + (int)i);
}

/* From the first moment: who outlived the supervisor now would hold its sockets
 * against the next one. The worker does it again once it is another user. */
static void
die_with(pid_t supervisor)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor)
        _exit(EX_TEMPFAIL);
}

/* Signals stay blocked as they are here: one that comes before the worker can
 * take it waits for it. */
static void
become_worker(const char *name, const char *settings_file,
              const SpawnDescriptors *descriptors)
{
    hand_over(descriptors);
    const char *const argv[] = {"posternd", "--worker",    name,
                                "-c",       settings_file, NULL};
    execv("/proc/self/exe", (char *const *)argv);
    _exit(EX_OSERR);
}

pid_t
spawn_worker(const char *name, const char *settings_file,
             const SpawnDescriptors *descriptors)
{
    if (descriptors->n_listeners > CLEAR_OF_TARGETS - FD_LISTENERS)
        return -1;
    pid_t supervisor = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        die_with(supervisor);
        become_worker(name, settings_file, descriptors);
    }
    return pid;
}
