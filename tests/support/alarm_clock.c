/*
 * Loaded before a program (LD_PRELOAD): a signal each millisecond, caught by a
 * handler without SA_RESTART, so that every call that can be interrupted is.
 * Compiled by surroundings.sh.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

static void
ring(int number)
{
    (void)number;
}

__attribute__((constructor)) static void
begin(void)
{
    const struct sigaction action = {.sa_handler = ring};
    const struct itimerval each = {{0, 1000}, {0, 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &each, NULL);
}
