#include "transport/lmtp_session.h"

#include <string.h>

#include "lmtp_command.h"

/* Who is told "no" and goes on sending is cut off at this many times the
 * largest mail. */
#define DISCARD_FACTOR 16

static void
recipient_free(void *data)
{
    LmtpRecipient *recipient = data;
    g_free(recipient->addr_spec);
    g_free(recipient->queue);
    g_free(recipient);
}

LmtpSession *
lmtp_session_new(const char *host_name, const LmtpLimits *limits,
                 const LmtpHandlers *handlers, void *context)
{
    LmtpSession *session = g_new0(LmtpSession, 1);
    session->host_name = host_name;
    session->limits = limits;
    session->handlers = handlers;
    session->context = context;
    session->line = g_string_new(NULL);
    session->envelope.envelope_sender = g_strdup("");
    session->envelope.mta_queue_id = g_strdup("");
    session->envelope.recipients =
        g_ptr_array_new_with_free_func(recipient_free);
    return session;
}

void
lmtp_session_free(LmtpSession *session)
{
    if (session == NULL)
        return;
    g_string_free(session->line, TRUE);
    g_free(session->envelope.envelope_sender);
    g_free(session->envelope.mta_queue_id);
    g_ptr_array_unref(session->envelope.recipients);
    g_free(session);
}

bool
lmtp_session_in_mail(const LmtpSession *session)
{
    return session->mode != LMTP_MODE_CLOSED &&
           (session->open || session->mode == LMTP_MODE_CHUNK);
}

bool
lmtp_session_in_content(const LmtpSession *session)
{
    return session->mode == LMTP_MODE_DATA ||
           session->mode == LMTP_MODE_CHUNK ||
           (session->open && session->chunked);
}

void
lmtp_reply(GString *out, int code, const char *enhanced, const char *text)
{
    g_string_append_printf(out, "%d ", code);
    if (enhanced != NULL && *enhanced != '\0')
        g_string_append_printf(out, "%s ", enhanced);
    for (size_t i = 0; i < 400 && text != NULL && text[i] != '\0'; i++)
        g_string_append_c(out, g_ascii_isprint(text[i]) ? text[i] : '?');
    g_string_append(out, "\r\n");
}

void
lmtp_session_greet(LmtpSession *session, GString *out)
{
    g_string_append_printf(out, "220 %s LMTP Postern\r\n", session->host_name);
}

void
lmtp_session_bye(LmtpSession *session, const char *enhanced, const char *text,
                 GString *out)
{
    lmtp_reply(out, 421, enhanced, text);
    lmtp_session_reset(session);
    session->mode = LMTP_MODE_CLOSED;
}

void
lmtp_session_reset(LmtpSession *session)
{
    if (session->content_bytes > 0)
        session->handlers->discard(session->context);
    LmtpEnvelope *envelope = &session->envelope;
    g_free(envelope->envelope_sender);
    g_free(envelope->mta_queue_id);
    envelope->envelope_sender = g_strdup("");
    envelope->mta_queue_id = g_strdup("");
    envelope->from_pipe = false;
    g_ptr_array_set_size(envelope->recipients, 0);
    session->recipients_tried = 0;
    session->open = false;
    session->binary = false;
    session->chunked = false;
    session->content = LMTP_CONTENT_KEPT;
    session->content_bytes = 0;
}

/* Content, kept or not */

/* Content that nobody wants: it is read, but not for ever. */
static void
count_discarded(LmtpSession *session, size_t length, GString *out)
{
    session->discarded_bytes += (int64_t)length;
    if (session->discarded_bytes / DISCARD_FACTOR > session->limits->mail_bytes)
        lmtp_session_bye(session, "4.7.0", "far too much data", out);
}

static void
give_up_content(LmtpSession *session, LmtpContent why)
{
    session->content = why;
    if (session->content_bytes > 0)
        session->handlers->discard(session->context);
    session->content_bytes = 0;
}

static void
take_content(LmtpSession *session, const char *bytes, size_t length,
             GString *out)
{
    if (length == 0 || session->mode == LMTP_MODE_CLOSED)
        return;
    if (session->content == LMTP_CONTENT_KEPT) {
        int64_t room = session->limits->mail_bytes - session->content_bytes;
        if (room < (int64_t)length) {
            give_up_content(session, LMTP_CONTENT_TOO_LARGE);
        } else {
            session->content_bytes += (int64_t)length;
            if (!session->handlers->content(session->context, bytes, length))
                give_up_content(session, LMTP_CONTENT_LOST);
        }
    }
    if (session->content != LMTP_CONTENT_KEPT)
        count_discarded(session, length, out);
}

static LmtpReply
content_refusal(LmtpContent content)
{
    switch (content) {
    case LMTP_CONTENT_TOO_LARGE:
        return (LmtpReply){552, "5.3.4", "mail is too large"};
    case LMTP_CONTENT_LOST:
        return (LmtpReply){452, "4.3.1", "no room to keep the mail"};
    case LMTP_CONTENT_UNWANTED:
        return (LmtpReply){503, "5.5.1", "no recipient was accepted"};
    case LMTP_CONTENT_KEPT:
        break;
    }
    return (LmtpReply){250, "2.0.0", "ok"};
}

static void
append_reply(GString *out, const LmtpReply *reply)
{
    if (reply->code == 0)
        lmtp_reply(out, 451, "4.3.0", "internal error, try again");
    else
        lmtp_reply(out, reply->code, reply->enhanced, reply->text);
}

/* The content is complete: one reply for each recipient (RFC 2033 4.2). */
static void
finish_mail(LmtpSession *session, GString *out)
{
    size_t n = session->envelope.recipients->len;
    g_autofree LmtpReply *replies = g_new0(LmtpReply, n);
    if (session->content == LMTP_CONTENT_KEPT) {
        session->handlers->mail(session->context, &session->envelope, replies);
    } else {
        for (size_t i = 0; i < n; i++)
            replies[i] = content_refusal(session->content);
    }
    for (size_t i = 0; i < n; i++)
        append_reply(out, &replies[i]);
    session->content_bytes = 0; /* handed over: nothing to discard */
    session->idle_commands = 0;
    session->discarded_bytes = 0;
    lmtp_session_reset(session);
}

/* BDAT (RFC 3030): so many bytes, whatever they are */

static void
finish_chunk(LmtpSession *session, GString *out)
{
    session->mode = LMTP_MODE_COMMAND;
    bool unwanted = session->content == LMTP_CONTENT_UNWANTED;
    if (session->chunk_last && !unwanted) {
        finish_mail(session, out);
        return;
    }
    LmtpReply reply = content_refusal(session->content);
    append_reply(out, &reply);
    session->errors += unwanted;
    if (unwanted && (session->chunk_last || !session->open))
        lmtp_session_reset(session);
}

void
lmtp_session_begin_chunk(LmtpSession *session, int64_t bytes, bool last,
                         GString *out)
{
    session->mode = LMTP_MODE_CHUNK;
    session->chunk_left = bytes;
    session->chunk_last = last;
    session->chunked = true; /* no RCPT from here on (RFC 3030 2) */
    if (session->envelope.recipients->len == 0)
        session->content = LMTP_CONTENT_UNWANTED;
    int64_t room = session->limits->mail_bytes - session->content_bytes;
    if (session->content == LMTP_CONTENT_KEPT && bytes > room)
        give_up_content(session, LMTP_CONTENT_TOO_LARGE);
    if (bytes == 0)
        finish_chunk(session, out);
}

static size_t
feed_chunk(LmtpSession *session, const char *bytes, size_t length, GString *out)
{
    size_t n = length;
    if (session->chunk_left < (int64_t)length)
        n = (size_t)session->chunk_left;
    take_content(session, bytes, n, out);
    session->chunk_left -= (int64_t)n;
    if (session->chunk_left == 0 && session->mode == LMTP_MODE_CHUNK)
        finish_chunk(session, out);
    return n;
}

/* DATA (RFC 5321 4.5.2): lines; a leading dot is not part of the mail */

/*
 * Every turn takes a byte or moves to a state that will. bytes[start..i) is
 * content that was not handed on yet: one call for many lines.
 */
static size_t
feed_data(LmtpSession *session, const char *bytes, size_t length, GString *out)
{
    LmtpDataState *state = &session->data_state;
    size_t start = 0;
    size_t i = 0;
    while (i < length && session->mode == LMTP_MODE_DATA) {
        switch (*state) {
        case LMTP_DATA_TEXT: {
            const char *cr = memchr(bytes + i, '\r', length - i);
            i = cr == NULL ? length : (size_t)(cr - bytes) + 1;
            *state = cr == NULL ? LMTP_DATA_TEXT : LMTP_DATA_CR;
            break;
        }
        case LMTP_DATA_CR:
            *state = bytes[i] == '\n' ? LMTP_DATA_LINE_START : LMTP_DATA_TEXT;
            i += bytes[i] == '\n';
            break;
        case LMTP_DATA_LINE_START:
            *state = LMTP_DATA_TEXT;
            if (bytes[i] == '.') {
                take_content(session, bytes + start, i - start, out);
                start = ++i;
                *state = LMTP_DATA_DOT;
            }
            break;
        case LMTP_DATA_DOT:
            *state = LMTP_DATA_TEXT;
            if (bytes[i] == '\r') {
                start = ++i;
                *state = LMTP_DATA_DOT_CR;
            }
            break;
        case LMTP_DATA_DOT_CR:
            if (bytes[i] == '\n') {
                session->mode = LMTP_MODE_COMMAND;
                finish_mail(session, out);
                return i + 1;
            }
            take_content(session, "\r", 1, out); /* it was content after all */
            *state = LMTP_DATA_CR;
            break;
        }
    }
    take_content(session, bytes + start, i - start, out);
    return i;
}

/* Command lines */

static bool
is_clean(const GString *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (g_ascii_iscntrl(line->str[i]) && line->str[i] != '\t')
            return false;
    return true;
}

/* A line ended by LF is in session->line, the LF included. */
static void
take_line(LmtpSession *session, GString *out)
{
    GString *line = session->line;
    if (line->len < 2 || line->str[line->len - 2] != '\r') {
        lmtp_reply(out, 500, "5.5.2", "a command ends with CR LF");
        session->errors++;
    } else {
        g_string_truncate(line, line->len - 2);
        if (is_clean(line)) {
            lmtp_command_run(session, (LmtpSpan){line->str, line->len}, out);
        } else {
            lmtp_reply(out, 500, "5.5.2", "control character in a command");
            session->errors++;
        }
    }
    g_string_truncate(line, 0);
}

static size_t
feed_line(LmtpSession *session, const char *bytes, size_t length, GString *out)
{
    const char *end = memchr(bytes, '\n', length);
    size_t n = end == NULL ? length : (size_t)(end - bytes) + 1;
    size_t room = (size_t)session->limits->command_line_bytes;
    if (session->line->len + n > room)
        session->mode = LMTP_MODE_SKIP_LINE;
    if (session->mode == LMTP_MODE_COMMAND) {
        g_string_append_len(session->line, bytes, (gssize)n);
        if (end != NULL)
            take_line(session, out);
        return n;
    }
    g_string_truncate(session->line, 0);
    count_discarded(session, n, out);
    if (end != NULL && session->mode == LMTP_MODE_SKIP_LINE) {
        session->mode = LMTP_MODE_COMMAND;
        session->errors++;
        lmtp_reply(out, 500, "5.5.2", "command line is too long");
    }
    return n;
}

bool
lmtp_session_feed(LmtpSession *session, const char *bytes, size_t length,
                  GString *out)
{
    do {
        size_t n = 0;
        switch (session->mode) {
        case LMTP_MODE_COMMAND:
        case LMTP_MODE_SKIP_LINE:
            n = feed_line(session, bytes, length, out);
            break;
        case LMTP_MODE_DATA:
            n = feed_data(session, bytes, length, out);
            break;
        case LMTP_MODE_CHUNK:
            n = feed_chunk(session, bytes, length, out);
            break;
        case LMTP_MODE_CLOSED:
            return false;
        }
        bytes += n;
        length -= n;
        if (session->errors >= session->limits->errors &&
            session->mode != LMTP_MODE_CLOSED)
            lmtp_session_bye(session, "4.7.0", "too many errors", out);
    } while (length > 0 && session->mode != LMTP_MODE_CLOSED);
    return session->mode != LMTP_MODE_CLOSED;
}
