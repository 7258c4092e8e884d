#include "smtp_chat.h"

#include <libetpan/mailstream.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"

#define REPLY_BYTES ((size_t)512 * 1024) /* read of one reply */
#define KEPT_BYTES 4096                  /* joined, before it is made safe */
#define TEXT_BYTES 500                   /* shown */

void
smtp_reply_clear(SmtpReply *reply)
{
    g_clear_pointer(&reply->enhanced, g_free);
    g_clear_pointer(&reply->text, g_free);
    reply->code = 0;
}

void
smtp_reply_set(SmtpReply *reply, int code, const char *enhanced,
               const char *text)
{
    char *new_enhanced = g_strdup(enhanced == NULL ? "" : enhanced);
    char *new_text = g_strdup(text == NULL ? "" : text);
    smtp_reply_clear(reply);
    reply->code = code;
    reply->enhanced = new_enhanced;
    reply->text = new_text;
}

/* Commands */

bool
smtp_chat_write(Stream *stream, const char *bytes, size_t length)
{
    mailstream *mail = stream_mailstream(stream);
    if (mail == NULL || stream_is_dead(stream))
        return false;
    mailstream_write(mail, bytes, length);
    return !stream_is_dead(stream);
}

void
smtp_chat_say(Stream *stream, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *command = g_strdup_vprintf(format, args);
    va_end(args);
    smtp_chat_write(stream, command, strlen(command));
}

bool
smtp_chat_flush(Stream *stream)
{
    mailstream *mail = stream_mailstream(stream);
    if (mail == NULL || stream_is_dead(stream))
        return false;
    mailstream_flush(mail);
    return !stream_is_dead(stream);
}

/* Replies */

/* The code of a line "250 text" or "250-text", or 0 if it is none. */
static int
line_code(const char *line)
{
    for (int i = 0; i < 3; i++)
        if (!g_ascii_isdigit(line[i]))
            return 0;
    if (line[0] < '2' || line[0] > '5' || strchr("- ", line[3]) == NULL)
        return 0;
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* The length of "class.ddd.ddd" at the head of `text` (RFC 3463), or 0. */
static size_t
enhanced_length(const char *text, char class)
{
    if (text[0] != class || text[1] != '.')
        return 0;
    size_t i = 2;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        while (digits < 3 && g_ascii_isdigit(text[i + digits]))
            digits++;
        i += digits;
        if (digits == 0 || (part == 0 && text[i++] != '.'))
            return 0;
    }
    return text[i] == ' ' || text[i] == '\0' ? i : 0;
}

/* Add one line's text to `joined`; the first enhanced code is kept. */
static void
join_line(GString *joined, char **enhanced, const char *line)
{
    const char *text = line[3] == '\0' ? "" : line + 4;
    size_t length = enhanced_length(text, line[0]);
    if (length > 0) {
        if (*enhanced == NULL)
            *enhanced = g_strndup(text, length);
        text += length + (text[length] == ' ');
    }
    if (joined->len >= KEPT_BYTES || *text == '\0')
        return;
    if (joined->len > 0)
        g_string_append_c(joined, ' ');
    g_string_append_len(joined, text,
                        (gssize)strnlen(text, KEPT_BYTES - joined->len));
}

/* What a stranger said, as one line that can be stored and shown. */
static char *
safe_text(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    char *line = text_one_line(valid);
    line[text_cut_bytes(line, TEXT_BYTES)] = '\0';
    return line;
}

static bool
read_lines(mailstream *mail, MMAPString *line, GString *joined,
           SmtpReply *reply, SmtpChatLine each, void *context)
{
    do {
        if (mailstream_read_line_remove_eol(mail, line) == NULL)
            return false;
        reply->code = line_code(line->str);
        if (reply->code == 0) {
            g_string_assign(joined, line->str);
            return false;
        }
        join_line(joined, &reply->enhanced, line->str);
        if (each != NULL)
            each(context, line->str[3] == '\0' ? "" : line->str + 4);
    } while (line->str[3] == '-');
    return true;
}

bool
smtp_chat_reply(Stream *stream, int64_t timeout_s, SmtpReply *ret_reply,
                SmtpChatLine line, void *context)
{
    smtp_reply_clear(ret_reply);
    mailstream *mail = stream_mailstream(stream);
    if (mail == NULL)
        return false;
    stream_set_deadline(stream, timeout_s);
    stream_set_budget(stream, REPLY_BYTES);
    MMAPString *buffer = mmap_string_new("");
    g_autoptr(GString) joined = g_string_new(NULL);
    bool good = buffer != NULL &&
                read_lines(mail, buffer, joined, ret_reply, line, context);
    if (buffer == NULL)
        stream_give_up(stream, STREAM_NO_MEMORY);
    else
        mmap_string_free(buffer);
    ret_reply->text = safe_text(joined->str, joined->len);
    if (ret_reply->enhanced == NULL)
        ret_reply->enhanced = g_strdup("");
    return good;
}
