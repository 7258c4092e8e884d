/* Time that only goes forward, and waiting bounded by it. Private to
 * transport. */
#ifndef TRANSPORT_WAIT_H
#define TRANSPORT_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds. */
int64_t monotonic_ms(void);

/*
 * poll(2) for `events` on `fd` until `deadline_ms`; signals do not disturb.
 * False when time is up.
 */
bool wait_until(int fd, short events, int64_t deadline_ms);

#endif
