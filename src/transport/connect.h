/* Connecting by name within a time budget. Private to transport. */
#ifndef TRANSPORT_CONNECT_H
#define TRANSPORT_CONNECT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A connected, non-blocking, close-on-exec TCP socket, or -1 with
 * FAILURE_TEMPORARY. Each address gets its share of the time that is left, so
 * that one that swallows packets does not use up all of it.
 */
int connect_to_host(const char *host, uint16_t port, int64_t deadline_ms,
                    GError **error);

#endif
