#include "wire.h"

#include <errno.h>
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

void
wire_open(Wire *wire, const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof address.sun_path)
        die(socket_path, "too long for a socket");
    strcpy(address.sun_path, socket_path);
    *wire = (Wire){.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
    if (wire->fd < 0 ||
        connect(wire->fd, (struct sockaddr *)&address, sizeof address) != 0)
        die(socket_path, g_strerror(errno));
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
