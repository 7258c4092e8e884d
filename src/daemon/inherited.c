#include "inherited.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/failure.h"

enum { FIRST = 3 }; /* SD_LISTEN_FDS_START */

static void
socket_free(InheritedSocket *socket)
{
    g_free(socket->name);
    g_free(socket->where);
    g_free(socket);
}

static char *
where_v4(const struct in_addr *address, uint16_t port)
{
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, address, text, sizeof text);
    return g_strdup_printf("%s:%u", text, (unsigned)port);
}

static char *
where_v6(const struct in6_addr *address, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address, text, sizeof text);
    return g_strdup_printf("%s:%u", text, (unsigned)port);
}

char *
inherited_where(const Listener *listener)
{
    struct in_addr four;
    struct in6_addr six;
    if (*listener->socket != '\0')
        return g_strdup(listener->socket);
    if (inet_pton(AF_INET, listener->host, &four) == 1)
        return where_v4(&four, listener->port);
    if (inet_pton(AF_INET6, listener->host, &six) == 1)
        return where_v6(&six, listener->port);
    return g_strdup(listener->host);
}

/* NULL: it is none that LMTP may be spoken on. */
static char *
where_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_un path;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        char
            bytes[sizeof(struct sockaddr_un) + 1]; /* a path may lack its NUL */
    } address;
    socklen_t length = sizeof address.path;
    int type = 0, listening = 0;
    socklen_t size = sizeof(int);
    memset(&address, 0, sizeof address);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        type != SOCK_STREAM || !listening ||
        getsockname(fd, &address.any, &length) != 0)
        return NULL;
    if (address.any.sa_family == AF_UNIX)
        return g_strdup(address.path.sun_path);
    if (address.any.sa_family == AF_INET &&
        ntohl(address.v4.sin_addr.s_addr) >> 24 == 127)
        return where_v4(&address.v4.sin_addr, ntohs(address.v4.sin_port));
    if (address.any.sa_family == AF_INET6 &&
        IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr))
        return where_v6(&address.v6.sin6_addr, ntohs(address.v6.sin6_port));
    return NULL;
}

static bool
take_one(int fd, const char *name, GPtrArray *sockets, GError **error)
{
    InheritedSocket *socket = g_new0(InheritedSocket, 1);
    g_ptr_array_add(sockets, socket);
    socket->fd = fd;
    socket->name = g_strdup(name);
    socket->where = where_of(fd);
    int flags = fcntl(fd, F_GETFL);
    if (socket->where != NULL && flags >= 0 &&
        fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
        return true;
    failure_set(error, FAILURE_CONFIG,
                "LISTEN_FDS: descriptor %d ('%s') is no listening stream "
                "socket that only this machine can reach; see postern.socket",
                fd, name);
    return false;
}

/* How many; 0 if they are another process's. */
static int
count_handed_over(void)
{
    const char *whom = g_getenv("LISTEN_PID");
    const char *count = g_getenv("LISTEN_FDS");
    if (whom == NULL || count == NULL ||
        g_ascii_strtoll(whom, NULL, 10) != getpid())
        return 0;
    return (int)CLAMP(g_ascii_strtoll(count, NULL, 10), 0, 32);
}

GPtrArray *
inherited_take(GError **error)
{
    g_autoptr(GPtrArray) sockets =
        g_ptr_array_new_with_free_func((GDestroyNotify)socket_free);
    const char *names = g_getenv("LISTEN_FDNAMES");
    g_auto(GStrv) name = g_strsplit(names != NULL ? names : "", ":", -1);
    int n_names = (int)g_strv_length(name), count = count_handed_over();
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    for (int i = 0; i < count; i++)
        if (!take_one(FIRST + i, i < n_names ? name[i] : "unknown", sockets,
                      error))
            return NULL;
    return g_steal_pointer(&sockets);
}
