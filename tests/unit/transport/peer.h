/*
 * A scripted TCP server in a process of its own, one connection long. It reads
 * until it has seen `await`, then sends `send`, step by step; behind the last
 * step it closes.
 */
#ifndef TESTS_TRANSPORT_PEER_H
#define TESTS_TRANSPORT_PEER_H

#include <glib.h>
#include <stdint.h>

typedef struct {
    const char *await; /* NULL: nothing */
    const char *send;  /* NULL: nothing; or one of those below */
} PeerStep;

/* Instead of a text to send. */
extern const char PEER_CLOSE[]; /* close now */
extern const char PEER_RESET[]; /* the same by RST */
extern const char PEER_STALL[]; /* do nothing more, but do not close */
extern const char PEER_DRIP[];  /* from here on send a byte every 100 ms */

typedef struct Peer Peer;

/* `n` steps; listens on 127.0.0.1 as soon as this returns. */
Peer *peer_start(const PeerStep *steps, size_t n);
uint16_t peer_port(const Peer *peer);

/* End it; returns all it has received. */
char *peer_finish(Peer *peer);

#endif
