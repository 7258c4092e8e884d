/* A line-based conversation with a server, as LMTP and SMTP are. Whatever goes
 * wrong ends the program with a sentence: a benchmark has no second try. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    int fd;
    gsize used; /* of `in`, from `read` on not looked at yet */
    gsize read;
    char in[16384];
} Wire;

/* "127.0.0.1:PORT", or the path of a socket. */
void wire_open(Wire *wire, const char *where);
bool wire_is_loopback(const char *where);
void wire_send(Wire *wire, const GString *out);
/* The code of the next reply, its continuation lines skipped. */
int wire_reply(Wire *wire);
void wire_close(Wire *wire);

#endif
