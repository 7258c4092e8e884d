/*
 * TLS as a client, always verified, on a non-blocking socket. Private to
 * transport.
 */
#ifndef TRANSPORT_TLS_H
#define TRANSPORT_TLS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "transport/stream.h"

typedef struct Tls Tls;

/*
 * Handshake on `fd` (borrowed). `host` is what the certificate must say; a name
 * is also sent as SNI. `ca_file` "" is the system's trust store. Returns NULL
 * with FAILURE_TEMPORARY. `ret_report` may be NULL.
 */
Tls *tls_open(int fd, const char *host, const char *ca_file,
              int64_t deadline_ms, StreamReport *ret_report, GError **error);

/*
 * Like recv(2) and send(2), waiting until `deadline_ms`: the number of bytes, 0
 * at the end (reading only), -1 with `ret_why`, a static text.
 */
ssize_t tls_read(Tls *tls, void *buffer, size_t size, int64_t deadline_ms,
                 const char **ret_why);
ssize_t tls_write(Tls *tls, const void *bytes, size_t length,
                  int64_t deadline_ms, const char **ret_why);

/* tls_read() that does not wait: ret_nothing if there is nothing to read. */
ssize_t tls_take(Tls *tls, void *buffer, size_t size, bool *ret_nothing,
                 const char **ret_why);

/* Say goodbye if `politely` (it never waits), and free. */
void tls_close(Tls *tls, bool politely);

#endif
