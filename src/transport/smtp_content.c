#include "smtp_content.h"

#include <string.h>

#include "smtp_chat.h"

#define LINE_BYTES 998 /* RFC 5321 4.5.3.1.6, without CR LF */
#define PIECE_BYTES ((size_t)64 * 1024)

SmtpContentKind
smtp_content_check(GBytes *content)
{
    gsize length = 0;
    const unsigned char *bytes = g_bytes_get_data(content, &length);
    if (length == 0) /* and `bytes` is NULL */
        return SMTP_CONTENT_7BIT;
    const unsigned char *end = bytes + length;
    unsigned char all = 0;
    while (bytes < end) {
        const unsigned char *lf = memchr(bytes, '\n', (size_t)(end - bytes));
        const unsigned char *stop = lf == NULL ? end : lf;
        size_t line = (size_t)(stop - bytes);
        if (lf != NULL) {
            if (line == 0 || bytes[line - 1] != '\r')
                return SMTP_CONTENT_UNCLEAN;
            line--;
        }
        if (line > LINE_BYTES || memchr(bytes, '\r', line) != NULL ||
            memchr(bytes, '\0', line) != NULL)
            return SMTP_CONTENT_UNCLEAN;
        for (size_t i = 0; i < line; i++)
            all |= bytes[i];
        bytes = lf == NULL ? end : lf + 1;
    }
    return (all & 0x80) == 0 ? SMTP_CONTENT_7BIT : SMTP_CONTENT_8BIT;
}

/*
 * The length of `bytes` up to where a dot must be put in: before a dot that
 * begins a line. `at_start`: so does bytes[0].
 */
static size_t
run_without_dot(const char *bytes, size_t length, bool at_start)
{
    if (at_start && length > 0 && bytes[0] == '.')
        return 0;
    const char *hit = memmem(bytes, length, "\n.", 2);
    return hit == NULL ? length : (size_t)(hit - bytes) + 1;
}

static bool
write_piece(Stream *stream, GString *piece, int64_t timeout_s)
{
    stream_set_deadline(stream, timeout_s);
    bool good = smtp_chat_write(stream, piece->str, piece->len);
    g_string_truncate(piece, 0);
    return good;
}

bool
smtp_content_write(Stream *stream, GBytes *content, int64_t timeout_s)
{
    gsize left = 0;
    const char *bytes = g_bytes_get_data(content, &left);
    g_autoptr(GString) piece =
        g_string_sized_new(MIN(left + 64, PIECE_BYTES + 2));
    bool at_start = true;
    while (left > 0) {
        size_t room = PIECE_BYTES - piece->len;
        size_t n = run_without_dot(bytes, MIN(left, room), at_start);
        if (n == 0) {
            g_string_append_c(piece, '.');
            n = 1;
        }
        g_string_append_len(piece, bytes, (gssize)n);
        at_start = bytes[n - 1] == '\n';
        bytes += n;
        left -= n;
        if (piece->len >= PIECE_BYTES && !write_piece(stream, piece, timeout_s))
            return false;
    }
    g_string_append(piece, at_start ? ".\r\n" : "\r\n.\r\n");
    return write_piece(stream, piece, timeout_s) && smtp_chat_flush(stream);
}
