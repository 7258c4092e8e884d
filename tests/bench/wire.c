#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

G_NORETURN static void
die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static int
connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        die(path, "too long for a socket");
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die(path, g_strerror(errno));
    return fd;
}

static int
connect_loopback(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)g_ascii_strtoull(port, NULL, 10)),
        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die(port, g_strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

bool
wire_is_loopback(const char *where)
{
    return g_str_has_prefix(where, "127.0.0.1:");
}

void
wire_open(Wire *wire, const char *where)
{
    *wire = (Wire){.fd = wire_is_loopback(where)
                             ? connect_loopback(strchr(where, ':') + 1)
                             : connect_unix(where)};
}

void
wire_send(Wire *wire, const GString *out)
{
    for (gsize sent = 0; sent < out->len;) {
        ssize_t n =
            send(wire->fd, out->str + sent, out->len - sent, MSG_NOSIGNAL);
        if (n < 0)
            die("send", g_strerror(errno));
        sent += (gsize)n;
    }
}

static char *
next_line(Wire *wire)
{
    for (;;) {
        char *from = wire->in + wire->read;
        char *newline = memchr(from, '\n', wire->used - wire->read);
        if (newline != NULL) {
            wire->read = (gsize)(newline - wire->in) + 1;
            *newline = '\0';
            return from;
        }
        memmove(wire->in, from, wire->used - wire->read);
        wire->used -= wire->read;
        wire->read = 0;
        if (wire->used == sizeof wire->in)
            die("reply", "a line without end");
        ssize_t n = recv(wire->fd, wire->in + wire->used,
                         sizeof wire->in - wire->used, 0);
        if (n <= 0)
            die("reply", n == 0 ? "the server hung up" : g_strerror(errno));
        wire->used += (gsize)n;
    }
}

int
wire_reply(Wire *wire)
{
    const char *line;
    do
        line = next_line(wire);
    while (strlen(line) > 3 && line[3] == '-');
    int code = atoi(line);
    if (code < 200 || code > 399)
        die("refused", line);
    return code;
}

void
wire_close(Wire *wire)
{
    close(wire->fd);
}
