#include "loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"

#define BACKLOG 128

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} TcpAddress;

/* The length of the address, or 0 if `host` is no loopback literal. */
static socklen_t
address_of(const char *host, uint16_t port, TcpAddress *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (inet_pton(AF_INET, host, &ret_address->v4.sin_addr) == 1) {
        ret_address->v4.sin_family = AF_INET;
        ret_address->v4.sin_port = htons(port);
        bool loopback = ntohl(ret_address->v4.sin_addr.s_addr) >> 24 == 127;
        return loopback ? sizeof ret_address->v4 : 0;
    }
    if (inet_pton(AF_INET6, host, &ret_address->v6.sin6_addr) == 1) {
        ret_address->v6.sin6_family = AF_INET6;
        ret_address->v6.sin6_port = htons(port);
        bool loopback = IN6_IS_ADDR_LOOPBACK(&ret_address->v6.sin6_addr);
        return loopback ? sizeof ret_address->v6 : 0;
    }
    return 0;
}

static bool
bind_and_listen(int fd, const TcpAddress *address, socklen_t length)
{
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(fd, &address->any, length) == 0 && listen(fd, BACKLOG) == 0;
}

int
loopback_listen(const char *host, uint16_t port, const char *what,
                const char *why, GError **error)
{
    TcpAddress address;
    socklen_t length = address_of(host, port, &address);
    if (length == 0) {
        failure_set(error, FAILURE_CONFIG,
                    "%s '%s': %s, so only a loopback address such as "
                    "127.0.0.1 or ::1 will do",
                    what, host, why);
        return -1;
    }
    int fd = socket(address.any.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind_and_listen(fd, &address, length))
        return fd;
    failure_set(error, FAILURE_CONFIG, "%s: cannot bind to %s port %u: %s",
                what, host, (unsigned)port, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
