#include "crowd.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "gateway/metrics.h"
#include "transport/lmtp_server.h"

enum { REFUSALS_A_ROUND = 100 }; /* 421s when no worker is free */

static void
refuse_waiting(const GArray *listeners)
{
    for (guint i = 0; i < listeners->len; i++) {
        int listener = g_array_index(listeners, int, i);
        for (int n = 0; n < REFUSALS_A_ROUND; n++) {
            int fd =
                accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd < 0)
                break;
            log_warning(event("lmtp.refused"),
                        kv("reason", "all workers are busy"));
            metric_add(METRIC_REFUSED, REFUSED_BUSY, 1);
            lmtp_server_refuse(fd, g_get_host_name());
        }
    }
}

static bool
somebody_waits(const GArray *listeners)
{
    for (guint i = 0; i < listeners->len; i++) {
        struct pollfd fd = {g_array_index(listeners, int, i), POLLIN, 0};
        if (poll(&fd, 1, 0) > 0)
            return true;
    }
    return false;
}

void
crowd_init(Crowd *crowd)
{
    int64_t now_us = g_get_monotonic_time();
    *crowd = (Crowd){.full_since_us = now_us, .spare_since_us = now_us};
}

void
crowd_look(Crowd *crowd, Pool *pool, const GArray *listeners,
           const Settings *settings)
{
    const WorkerCounts *counts = &settings->workers;
    int64_t now_us = g_get_monotonic_time();
    PoolLmtp lmtp;
    pool_count_lmtp(pool, &lmtp);
    bool full = lmtp.running > 0 && lmtp.busy >= lmtp.running;
    if (!full || lmtp.done != crowd->done)
        crowd->full_since_us = now_us;
    crowd->done = lmtp.done;
    /* One at a time: who was started last may be enough. */
    crowd->growing = full && lmtp.wanted == lmtp.running &&
                     lmtp.wanted < lmtp_most(counts) &&
                     somebody_waits(listeners);
    if (crowd->growing)
        pool_grow_lmtp(pool);
    if (full || lmtp.hosting > 0 || lmtp.wanted <= (size_t)counts->lmtp)
        crowd->spare_since_us = now_us;
    if (now_us - crowd->spare_since_us > counts->lmtp_idle_s * G_USEC_PER_SEC) {
        pool_shrink_lmtp(pool, counts->lmtp);
        crowd->spare_since_us = now_us;
    }
    /* No worker became free for a while: who waits is told to come later, which
     * an MTA understands better than silence. */
    if (now_us - crowd->full_since_us >
        settings->limits.stress_idle_s * G_USEC_PER_SEC)
        refuse_waiting(listeners);
}
