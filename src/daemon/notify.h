/* sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

/* "READY=1", ...; nothing happens where nobody listens. */
void notify_send(const char *state);

/* "RELOADING=1" with the time systemd wants beside it. */
void notify_reloading(void);

/* Microseconds between two "WATCHDOG=1" that we owe; 0: none. */
int64_t notify_watchdog_us(void);

#endif
