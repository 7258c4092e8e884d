/* Connecting by name within a time budget. Private to transport. */
#ifndef TRANSPORT_CONNECT_H
#define TRANSPORT_CONNECT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "transport/stream.h"

/*
 * A connected, non-blocking, close-on-exec TCP socket, or -1 with
 * FAILURE_TEMPORARY. Each address gets its share of the time that is left, so
 * that one that swallows packets does not use up all of it. A peer that is gone
 * without a word is noticed within two minutes. `ret_report` may be NULL.
 */
int connect_to_host(const char *host, uint16_t port, int64_t deadline_ms,
                    StreamReport *ret_report, GError **error);

#endif
