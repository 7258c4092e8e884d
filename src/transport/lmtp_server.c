#include "transport/lmtp_server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "spool.h"
#include "wait.h"

#define READ_BYTES ((size_t)64 * 1024)
#define SLICE_MS 1000 /* how often stopping() is asked */
#define REPLY_S 20    /* for the client to make room for our replies */

/* Of content a second, on average; while others wait a client has to be as fast
 * as one on this machine is. */
enum { RATE_BYTES = 1024, STRESS_RATE_BYTES = 16 * 1024 };

/* Tests are built with shorter ones. */
#ifndef LMTP_RATE_FREE_S
#define LMTP_RATE_FREE_S 60 /* once it has had so long */
#endif
#ifndef LMTP_STRESS_FREE_S
#define LMTP_STRESS_FREE_S 5 /* the same while others wait */
#endif
#ifndef LMTP_STOP_S
#define LMTP_STOP_S 20 /* left to a mail in hand when stopping */
#endif

typedef struct {
    int fd;
    const Limits *limits;
    const LmtpServerHandlers *handlers;
    void *context;
    Spool spool;
    LmtpSession *session;
    GString *out;
    int64_t awaited_since_ms; /* the client has kept us waiting from here on */
    int64_t content_since_ms; /* 0: no content is due */
    int64_t content_bytes;
    int64_t stop_since_ms; /* stopping() was first true; 0: not yet */
} Client;

/* What the session asks us */

static void
on_recipient(void *context, const LmtpRecipient *recipient,
             LmtpReply *ret_reply)
{
    Client *client = context;
    client->handlers->recipient(client->context, recipient, ret_reply);
}

static bool
on_content(void *context, const char *bytes, size_t length)
{
    Client *client = context;
    return spool_add(&client->spool, bytes, length);
}

static void
on_discard(void *context)
{
    Client *client = context;
    spool_clear(&client->spool);
}

static void
on_mail(void *context, const LmtpEnvelope *envelope, LmtpReply *ret_replies)
{
    Client *client = context;
    g_autoptr(GBytes) raw = spool_take(&client->spool);
    if (raw != NULL) {
        client->handlers->mail(client->context, envelope, raw, ret_replies);
        return;
    }
    for (size_t i = 0; i < envelope->recipients->len; i++)
        ret_replies[i] = (LmtpReply){452, "4.3.1", "no room to keep the mail"};
}

static const LmtpHandlers session_handlers = {on_recipient, on_content, on_mail,
                                              on_discard};

/* Waiting */

/* Does the content come as fast as it has to? */
static bool
is_too_slow(const Client *client, int64_t now, bool stressed)
{
    int64_t free_s = stressed ? LMTP_STRESS_FREE_S : LMTP_RATE_FREE_S;
    int64_t rate_bytes = stressed ? STRESS_RATE_BYTES : RATE_BYTES;
    int64_t s = (now - client->content_since_ms) / 1000 - free_s;
    return client->content_since_ms != 0 && s > 0 &&
           client->content_bytes / rate_bytes < s;
}

/* NULL while the client may go on; else why not, and the enhanced code. */
static const char *
reason_to_leave(Client *client, int64_t now, const char **ret_enhanced)
{
    *ret_enhanced = "4.3.2";
    if (client->handlers->stopping(client->context)) {
        if (client->stop_since_ms == 0)
            client->stop_since_ms = now;
        if (!lmtp_session_in_mail(client->session) ||
            now - client->stop_since_ms > LMTP_STOP_S * 1000)
            return "shutting down, try again";
    }
    *ret_enhanced = "4.4.2";
    bool stressed = client->handlers->stressed(client->context);
    int64_t idle_s =
        stressed ? client->limits->stress_idle_s : client->limits->idle_s;
    if (now - client->awaited_since_ms > idle_s * 1000)
        return "waited too long";
    return is_too_slow(client, now, stressed) ? "the mail comes too slowly"
                                              : NULL;
}

/* Write what is in `out`. False: the client is gone or does not read. */
static bool
write_replies(Client *client)
{
    int64_t deadline_ms = monotonic_ms() + REPLY_S * 1000;
    const char *bytes = client->out->str;
    size_t left = client->out->len;
    while (left > 0) {
        ssize_t n = send(client->fd, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes += n;
            left -= (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK) ||
                   !wait_until(client->fd, POLLOUT, deadline_ms)) {
            return false;
        }
    }
    g_string_truncate(client->out, 0);
    return true;
}

/*
 * What has come counts as progress if it finished a command or is content:
 * drops of a command line do not buy time.
 */
static void
note_progress(Client *client, size_t length)
{
    bool content = lmtp_session_in_content(client->session);
    int64_t now = monotonic_ms();
    if (content || client->out->len > 0)
        client->awaited_since_ms = now;
    if (!content) {
        client->content_since_ms = 0;
        client->content_bytes = 0;
    } else {
        if (client->content_since_ms == 0)
            client->content_since_ms = now;
        client->content_bytes += (int64_t)length;
    }
}

/* Take what the client sent. False: this was the end. */
static bool
take_input(Client *client, char *buffer)
{
    ssize_t n = recv(client->fd, buffer, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        wait_until(client->fd, POLLIN, monotonic_ms() + SLICE_MS);
        return true;
    }
    if (n <= 0)
        return false;
    bool goes_on =
        lmtp_session_feed(client->session, buffer, (size_t)n, client->out);
    note_progress(client, (size_t)n);
    return write_replies(client) && goes_on;
}

static void
converse(Client *client)
{
    g_autofree char *buffer = g_malloc(READ_BYTES);
    const char *enhanced = NULL;
    lmtp_session_greet(client->session, client->out);
    if (!write_replies(client))
        return;
    for (;;) {
        const char *why = reason_to_leave(client, monotonic_ms(), &enhanced);
        if (why != NULL) {
            lmtp_session_bye(client->session, enhanced, why, client->out);
            write_replies(client);
            return;
        }
        if (!take_input(client, buffer))
            return;
    }
}

void
lmtp_server_serve(int fd, const char *host_name, const Limits *limits,
                  const char *spool_directory,
                  const LmtpServerHandlers *handlers, void *context)
{
    LmtpLimits session_limits = {
        .mail_bytes = limits->mail_bytes,
        .recipients = limits->recipients,
        .command_line_bytes = limits->command_line_bytes,
        .errors = limits->errors,
    };
    Client client = {
        .fd = fd,
        .limits = limits,
        .handlers = handlers,
        .context = context,
        .awaited_since_ms = monotonic_ms(),
    };
    spool_init(&client.spool, spool_directory, (size_t)limits->memory_bytes);
    client.out = g_string_new(NULL);
    client.session = lmtp_session_new(host_name, &session_limits,
                                      &session_handlers, &client);
    converse(&client);
    lmtp_session_free(client.session);
    spool_clear(&client.spool);
    g_string_free(client.out, TRUE);
    close(fd);
}

void
lmtp_server_refuse(int fd, const char *host_name)
{
    g_autofree char *text = g_strdup_printf(
        "421 4.3.2 %s has too many connections, try again\r\n", host_name);
    ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* who does not listen need not be told */
    close(fd);
}
