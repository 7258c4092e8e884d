#include "wait.h"

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

int64_t
monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool
wait_until(int fd, short events, int64_t deadline_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = CLAMP(deadline_ms - monotonic_ms(), 0, INT_MAX);
        int n = poll(&pollfd, 1, (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0 && deadline_ms <= monotonic_ms())
            return false;
    }
}
