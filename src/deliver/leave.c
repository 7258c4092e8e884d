#include "leave.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct timespec deadline;
static bool input_ended;

static int
left_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = (int64_t)(deadline.tv_sec - now.tv_sec) * 1000 +
                 (deadline.tv_nsec - now.tv_nsec) / 1000000;
    return ms < 0 ? 0 : ms > INT_MAX ? INT_MAX : (int)ms;
}

void
set_deadline(long seconds)
{
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += seconds;
    /* Should a system call hang in spite of poll(): see on_signal(). */
    alarm((unsigned)seconds + 5);
}

bool
wait_for(int fd, short events)
{
    struct pollfd pollfd = {.fd = fd, .events = events, .revents = 0};
    for (;;) {
        int ms = left_ms();
        int n = poll(&pollfd, 1, ms);
        if (n > 0)
            return true;
        if (n == 0 ? ms == 0 || left_ms() == 0 : errno != EINTR)
            return false;
    }
}

bool
pause_ms(int ms)
{
    poll(NULL, 0, ms);
    return left_ms() > 0;
}

/* A signal decides nothing about the mail. */
static void
on_signal(int number)
{
    (void)number;
    _exit(EX_TEMPFAIL);
}

void
settle_in(void)
{
    static const int fatal[] = {SIGALRM, SIGTERM, SIGINT, SIGHUP, SIGXCPU};
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    bool no_input = fcntl(STDIN_FILENO, F_GETFD) < 0;
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd > STDERR_FILENO)
        close(fd);
    if (no_input)
        leave_for_now("standard input is closed: where is the mail?");
}

size_t
read_input(char *buffer, size_t size)
{
    size_t length = 0;
    while (length < size && !input_ended) {
        if (!wait_for(STDIN_FILENO, POLLIN))
            leave_for_now("the mail did not come in time");
        ssize_t n = read(STDIN_FILENO, buffer + length, size - length);
        if (n == 0)
            input_ended = true;
        else if (n > 0)
            length += (size_t)n;
        else if (errno != EINTR && errno != EAGAIN)
            leave_for_now("cannot read the mail: %s", strerror(errno));
    }
    return length;
}

bool
input_has_ended(void)
{
    return input_ended;
}

/*
 * Whoever feeds us should not be told "broken pipe". People at a terminal are
 * not asked to go on typing.
 */
static void
drain_input(void)
{
    static char buffer[4096];
    while (!input_ended && !isatty(STDIN_FILENO) &&
           wait_for(STDIN_FILENO, POLLIN)) {
        ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            input_ended = true;
    }
}

void
leave(int status, const char *enhanced, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *p = text; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
    drain_input();
    dprintf(STDERR_FILENO, "%s postern-deliver: %s\n", enhanced, text);
    _exit(status);
}
