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
    /* We write whole flights of commands: nothing is gained by waiting. */
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
}

static int
connect_to_any(const struct addrinfo *addresses, int64_t deadline_ms)
{
    int left = 0;
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next)
        left++;
    for (const struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
        int64_t now = monotonic_ms();
        int64_t share = MAX(deadline_ms - now, 0) / left--;
        int fd = connect_to_address(a, now + share);
        if (fd >= 0)
            return fd;
    }
    return -1;
}

int
connect_to_host(const char *host, uint16_t port, int64_t deadline_ms,
                GError **error)
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
    int fd = connect_to_any(addresses, deadline_ms);
    int why = errno;
    freeaddrinfo(addresses);
    if (fd < 0)
        failure_set(error, FAILURE_TEMPORARY,
                    "cannot connect to %s port %s: %s", host, service,
                    g_strerror(why));
    return fd;
}
