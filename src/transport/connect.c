#include "connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "wait.h"

/*
 * Keepalive: whoever waits for hours (IDLE) behind a firewall that has
 * forgotten the connection, or for a machine that lost its power, would wait
 * for ever.
 */
enum { KEEPALIVE_IDLE_S = 60, KEEPALIVE_EVERY_S = 15, KEEPALIVE_PROBES = 4 };

static void
set_option(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

static void
set_options(int fd)
{
    /* We write whole flights of commands: nothing is gained by waiting. */
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
}

/* Returns a socket, or -1 with errno. */
static int
connect_to_address(const struct addrinfo *address, int64_t deadline_ms)
{
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int why = 0;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0)
        why = errno;
    if (why == EINPROGRESS || why == EINTR) {
        socklen_t length = sizeof why;
        if (!wait_until(fd, POLLOUT, deadline_ms))
            why = ETIMEDOUT;
        else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &length) != 0)
            why = errno;
    }
    if (why != 0) {
        close(fd);
        errno = why;
        return -1;
    }
    set_options(fd);
    return fd;
}

static void
report_address(const struct addrinfo *address, StreamReport *report)
{
    char text[NI_MAXHOST];
    if (getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof text,
                    NULL, 0, NI_NUMERICHOST) == 0)
        report->address = g_strdup(text);
}

static int
connect_to_any(const struct addrinfo *addresses, int64_t deadline_ms,
               StreamReport *report)
{
    int left = 0;
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next)
        left++;
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        int64_t now = monotonic_ms();
        int64_t share = MAX(deadline_ms - now, 0) / left--;
        int fd = connect_to_address(a, now + share);
        if (fd >= 0 && report != NULL)
            report_address(a, report);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

int
connect_to_host(const char *host, uint16_t port, int64_t deadline_ms,
                StreamReport *ret_report, GError **error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses = NULL;
    g_autofree char *service = g_strdup_printf("%u", (unsigned)port);
    int result = getaddrinfo(host, service, &hints, &addresses);
    if (result != 0) {
        failure_set(error, FAILURE_TEMPORARY, "cannot find host '%s': %s", host,
                    result == EAI_SYSTEM ? g_strerror(errno)
                                         : gai_strerror(result));
        return -1;
    }
    if (ret_report != NULL)
        ret_report->found = true;
    int fd = connect_to_any(addresses, deadline_ms, ret_report);
    int why = errno;
    freeaddrinfo(addresses);
    if (fd < 0)
        failure_set(error, FAILURE_TEMPORARY,
                    "cannot connect to %s port %s: %s", host, service,
                    g_strerror(why));
    return fd;
}
