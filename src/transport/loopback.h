/* Listening by TCP, where only this machine can reach us. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <glib.h>
#include <stdint.h>

/*
 * Bind to a loopback address literal and listen; port 0 lets the system choose.
 * `what` and `why` begin and end the sentence that refuses any other address.
 * Returns: a non-blocking, close-on-exec descriptor, or -1 with FAILURE_CONFIG.
 */
int loopback_listen(const char *host, uint16_t port, const char *what,
                    const char *why, GError **error);

#endif
