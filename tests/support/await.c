#include "await.h"

#include <time.h>

enum {
    DEADLINE_S = 50, /* a test of Check's has 60 */
    LOOK_NS = 5000000
};

bool
await(bool (*is_so)(void *data), void *data)
{
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += DEADLINE_S;
    while (!is_so(data)) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec)
            return false;
        nanosleep(&(struct timespec){0, LOOK_NS}, NULL); /* between two looks */
    }
    return true;
}
