/*
 * Our own driver below libetpan: poll, absolute deadlines, a byte budget and
 * verified TLS (GnuTLS). libetpan's transport verifies nothing and hangs at end
 * of file.
 */
#ifndef TRANSPORT_STREAM_H
#define TRANSPORT_STREAM_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Stream Stream;

/*
 * What people read where libetpan got no memory. It says so by NULL, where GLib
 * would end the process; the connection is given up, and tried again later.
 */
#define STREAM_NO_MEMORY "there is no memory"

/*
 * What became known of a connection, to be shown to people: all of it is text
 * for one line, and none of it a secret. Filled as far as it came, also when
 * it failed in the end; NULL is what it did not come to.
 */
typedef struct {
    bool found;    /* the host has an address */
    char *address; /* the one that answered */
    char *tls;     /* "TLS1.3, AES-256-GCM" */
    /* Of the certificate that was shown, whether it was believed or not. */
    char *subject; /* RFC 4514 */
    char *issuer;
    char *names;         /* hosts that it is for */
    int64_t not_after_s; /* Unix seconds */
} StreamReport;

/* Free what it holds, and empty it. */
void stream_report_clear(StreamReport *report);

/*
 * Connect to host:port, trying each address in turn within `timeout_s`; the
 * name server has its own time limits (resolv.conf(5)). The stream's deadline
 * is what is left of it.
 * FAILURE_TEMPORARY names host, port and the last reason, or says that there is
 * no memory. `ret_report` may be NULL.
 */
Stream *stream_open(const char *host, uint16_t port, int64_t timeout_s,
                    StreamReport *ret_report, GError **error);

/*
 * Begin TLS and verify chain, name and dates against `ca_file` ("" = system
 * trust). Refused when bytes that came before are still unread: they were not
 * protected. FAILURE_TEMPORARY with GnuTLS' own explanation;
 * the stream is dead then. `ret_report` may be NULL.
 */
bool stream_start_tls(Stream *stream, const char *host, const char *ca_file,
                      StreamReport *ret_report, GError **error);

/* True if TLS protects it, or the peer is this host (loopback). */
bool stream_is_private(const Stream *stream);

/* All reads and writes until the next call must end within `timeout_s`. */
void stream_set_deadline(Stream *stream, int64_t timeout_s);

/* At most this many bytes may be read until the next call; 0 = no limit. */
void stream_set_budget(Stream *stream, size_t bytes);

/*
 * Looks at what came before anybody else, and adds to `passed` what they may
 * have of it, or whatever they shall read instead. NULL: go on; else why not, a
 * static text, and the stream is dead.
 */
typedef const char *(*StreamGuard)(void *context, const char *bytes,
                                   size_t length, GString *passed);
void stream_set_guard(Stream *stream, StreamGuard guard, void *context);

/*
 * The same stream for libetpan (mailstream *, borrowed: lives and ends with
 * the Stream; should libetpan close it first, the Stream is dead). Its writes
 * may be short: look at stream_is_dead(). Typed void * so that only those who
 * speak libetpan include it.
 */
void *stream_mailstream(Stream *stream);

/* Its socket, for poll(2) alone. */
int stream_fd(const Stream *stream);

/* What went wrong last, for a message; "" if nothing. */
const char *stream_error(const Stream *stream);

/* True once anything failed: all further reads and writes fail at once. */
bool stream_is_dead(const Stream *stream);

/*
 * Declare it dead: the peer speaks, but not so that one could go on. `why` is
 * for a message.
 */
void stream_give_up(Stream *stream, const char *why);

/*
 * True if the peer has hung up, or said something that can be read now: where
 * nothing was asked, a kept connection is not to be used again. Does not wait.
 * What only TLS itself has to say (tickets, new keys), or what the guard keeps,
 * is no news.
 */
bool stream_has_news(Stream *stream);

void stream_close(Stream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stream, stream_close)

#endif
