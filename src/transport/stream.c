#include "transport/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libetpan/mailstream.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failure.h"
#include "connect.h"
#include "tls.h"
#include "wait.h"

#define BUFFER_BYTES 8192

struct Stream {
    int fd;
    Tls *tls;            /* NULL: in clear */
    mailstream *mail;    /* NULL: libetpan has closed it */
    int64_t deadline_ms; /* CLOCK_MONOTONIC */
    bool budgeted;
    size_t budget_bytes; /* what may still be read */
    StreamGuard guard;   /* NULL: none */
    void *guard_context;
    GString *passed; /* what came and nobody has read */
    char *error;     /* the first one; NULL: alive */
};

static bool
fail(Stream *stream, const char *why)
{
    if (stream->error == NULL)
        stream->error = g_strdup(why);
    return false;
}

/* The guard may keep what came, or a part of it. */
static bool
let_pass(Stream *stream, const char *bytes, ssize_t n, const char *why)
{
    if (n <= 0)
        return fail(stream, why);
    if (stream->budgeted)
        stream->budget_bytes -= (size_t)n;
    if (stream->guard == NULL) {
        g_string_append_len(stream->passed, bytes, n);
        return true;
    }
    why =
        stream->guard(stream->guard_context, bytes, (size_t)n, stream->passed);
    return why == NULL || fail(stream, why);
}

static ssize_t
take_passed(Stream *stream, char *buffer, size_t size)
{
    size_t n = MIN(size, stream->passed->len);
    memcpy(buffer, stream->passed->str, n);
    g_string_erase(stream->passed, 0, (gssize)n);
    return (ssize_t)n;
}

/* What libetpan calls. -1 at the end of the stream too: it would take 0 for
 * "nothing yet" and ask again for ever. */

static ssize_t
clear_read(const Stream *stream, void *buffer, size_t size, const char **why)
{
    for (;;) {
        ssize_t n = recv(stream->fd, buffer, size, 0);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            *why = g_strerror(errno);
            return -1;
        }
        if (!wait_until(stream->fd, POLLIN, stream->deadline_ms)) {
            *why = "no answer in time";
            return -1;
        }
    }
}

static ssize_t
clear_write(const Stream *stream, const void *bytes, size_t length,
            const char **why)
{
    for (;;) {
        ssize_t n = send(stream->fd, bytes, length, MSG_NOSIGNAL);
        if (n > 0)
            return n;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK &&
            errno != EINTR) {
            *why = g_strerror(errno);
            return -1;
        }
        if (!wait_until(stream->fd, POLLOUT, stream->deadline_ms)) {
            *why = "no room to write in time";
            return -1;
        }
    }
}

static bool
read_more(Stream *stream, char *buffer, size_t size)
{
    const char *why = "the peer has closed the connection";
    /* Whoever drips a byte a minute is not waited for byte by byte. */
    if (monotonic_ms() > stream->deadline_ms)
        return fail(stream, "no answer in time");
    if (stream->budgeted) {
        if (stream->budget_bytes == 0)
            return fail(stream, "the answer is too long");
        size = MIN(size, stream->budget_bytes);
    }
    ssize_t n = stream->tls == NULL ? clear_read(stream, buffer, size, &why)
                                    : tls_read(stream->tls, buffer, size,
                                               stream->deadline_ms, &why);
    return let_pass(stream, buffer, n, why);
}

static ssize_t
driver_read(mailstream_low *low, void *buffer, size_t size)
{
    Stream *stream = low->data;
    if (stream->error != NULL)
        return -1;
    while (stream->passed->len == 0)
        if (!read_more(stream, buffer, size))
            return -1;
    return take_passed(stream, buffer, size);
}

static ssize_t
driver_write(mailstream_low *low, const void *bytes, size_t length)
{
    Stream *stream = low->data;
    const char *why = "the peer has closed the connection";
    if (stream->error != NULL)
        return -1;
    ssize_t n = stream->tls == NULL ? clear_write(stream, bytes, length, &why)
                                    : tls_write(stream->tls, bytes, length,
                                                stream->deadline_ms, &why);
    if (n <= 0)
        fail(stream, why);
    return n > 0 ? n : -1;
}

static int
driver_close(mailstream_low *low)
{
    fail(low->data, "closed");
    return 0;
}

static int
driver_get_fd(mailstream_low *low)
{
    const Stream *stream = low->data;
    return stream->fd;
}

static void
driver_free(mailstream_low *low)
{
    Stream *stream = low->data;
    stream->mail = NULL;
    free(low); /* mailstream_low_new() has used malloc() */
}

static mailstream_low_driver driver = {
    .mailstream_read = driver_read,
    .mailstream_write = driver_write,
    .mailstream_close = driver_close,
    .mailstream_get_fd = driver_get_fd,
    .mailstream_free = driver_free,
};

/* The stream */

Stream *
stream_open(const char *host, uint16_t port, int64_t timeout_s,
            StreamReport *ret_report, GError **error)
{
    int64_t deadline_ms = monotonic_ms() + timeout_s * 1000;
    int fd = connect_to_host(host, port, deadline_ms, ret_report, error);
    if (fd < 0)
        return NULL;
    g_autoptr(Stream) stream = g_new0(Stream, 1);
    stream->fd = fd;
    stream->deadline_ms = deadline_ms;
    stream->passed = g_string_new(NULL);
    mailstream_low *low = mailstream_low_new(stream, &driver);
    if (low != NULL)
        stream->mail = mailstream_new(low, BUFFER_BYTES);
    if (stream->mail != NULL)
        return g_steal_pointer(&stream);
    free(low);
    failure_set(error, FAILURE_TEMPORARY, "%s for a connection to %s port %u",
                STREAM_NO_MEMORY, host, (unsigned)port);
    return NULL;
}

void
stream_close(Stream *stream)
{
    if (stream == NULL)
        return;
    tls_close(stream->tls, stream->error == NULL);
    if (stream->mail != NULL)
        mailstream_close(stream->mail);
    close(stream->fd);
    g_string_free(stream->passed, TRUE);
    g_free(stream->error);
    g_free(stream);
}

bool
stream_start_tls(Stream *stream, const char *host, const char *ca_file,
                 StreamReport *ret_report, GError **error)
{
    if (stream->error == NULL &&
        (stream->mail->read_buffer_len > 0 || stream->passed->len > 0))
        fail(stream, "it went on talking where TLS should begin");
    if (stream->error != NULL) {
        failure_set(error, FAILURE_TEMPORARY, "TLS with %s failed: %s", host,
                    stream->error);
        return false;
    }
    stream->tls = tls_open(stream->fd, host, ca_file, stream->deadline_ms,
                           ret_report, error);
    if (stream->tls == NULL)
        fail(stream, "TLS failed");
    return stream->tls != NULL;
}

static bool
is_loopback(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } peer;
    socklen_t length = sizeof peer;
    if (getpeername(fd, &peer.any, &length) != 0)
        return false;
    if (peer.any.sa_family == AF_INET)
        return ntohl(peer.v4.sin_addr.s_addr) >> 24 == 127;
    return peer.any.sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&peer.v6.sin6_addr);
}

bool
stream_is_private(const Stream *stream)
{
    return stream->tls != NULL || is_loopback(stream->fd);
}

void
stream_set_deadline(Stream *stream, int64_t timeout_s)
{
    stream->deadline_ms = monotonic_ms() + timeout_s * 1000;
}

void
stream_set_budget(Stream *stream, size_t bytes)
{
    stream->budgeted = bytes > 0;
    stream->budget_bytes = bytes;
}

void
stream_set_guard(Stream *stream, StreamGuard guard, void *context)
{
    stream->guard = guard;
    stream->guard_context = context;
}

void *
stream_mailstream(Stream *stream)
{
    return stream->mail;
}

int
stream_fd(const Stream *stream)
{
    return stream->fd;
}

const char *
stream_error(const Stream *stream)
{
    return stream->error == NULL ? "" : stream->error;
}

bool
stream_is_dead(const Stream *stream)
{
    return stream->error != NULL;
}

void
stream_give_up(Stream *stream, const char *why)
{
    fail(stream, why);
}

/*
 * Read what has come, without waiting. Whether a record of TLS holds something
 * for us, or the guard lets anything pass, is only known once it is read.
 */
static bool
take_what_came(Stream *stream)
{
    char buffer[BUFFER_BYTES];
    const char *why = "the peer has closed the connection";
    size_t size = sizeof buffer;
    if (stream->budgeted)
        size = MIN(size, stream->budget_bytes);
    bool nothing = stream->tls == NULL && !wait_until(stream->fd, POLLIN, 0);
    if (nothing)
        return false;
    ssize_t n = stream->tls == NULL
                    ? clear_read(stream, buffer, size, &why)
                    : tls_take(stream->tls, buffer, size, &nothing, &why);
    if (!nothing)
        let_pass(stream, buffer, n, why);
    return !nothing;
}

bool
stream_has_news(Stream *stream)
{
    do
        if (stream->error != NULL || stream->mail->read_buffer_len > 0 ||
            stream->passed->len > 0 ||
            (stream->budgeted && stream->budget_bytes == 0))
            return true; /* without a budget, reading will say so */
    while (take_what_came(stream));
    return false;
}

void
stream_report_clear(StreamReport *report)
{
    g_free(report->address);
    g_free(report->tls);
    g_free(report->subject);
    g_free(report->issuer);
    g_free(report->names);
    *report = (StreamReport){.found = false};
}
