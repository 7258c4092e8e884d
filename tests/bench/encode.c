#include "encode.h"

#include <stdbool.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 76, /* RFC 2045 6.7, 6.8 */
    WORD_MAX_BYTES = 39  /* in base64 below the 75 of RFC 2047 section 2 */
};

char *
encode_charset(const char *text, const char *charset, gsize *ret_length)
{
    g_autoptr(GError) error = NULL;
    char *bytes = g_convert_with_fallback(text, -1, charset, "UTF-8", "?", NULL,
                                          ret_length, &error);
    if (bytes == NULL)
        g_error("cannot write %s: %s", charset, error->message);
    return bytes;
}

void
encode_quoted_printable(GString *out, const char *bytes, gsize length)
{
    gsize column = 0;
    for (gsize i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c == '\r' && i + 1 < length && bytes[i + 1] == '\n') {
            g_string_append_len(out, "\r\n", 2);
            column = 0;
            i++;
            continue;
        }
        bool last = i + 1 == length || bytes[i + 1] == '\r';
        bool plain = (c > ' ' && c < 0x7f && c != '=') || (c == ' ' && !last);
        gsize width = plain ? 1 : 3;
        if (column + width > LINE_MAX_BYTES - 1) {
            g_string_append_len(out, "=\r\n", 3);
            column = 0;
        }
        if (plain)
            g_string_append_c(out, (char)c);
        else
            g_string_append_printf(out, "=%02X", c);
        column += width;
    }
}

void
encode_base64(GString *out, const char *bytes, gsize length)
{
    g_autofree char *text = g_base64_encode((const guchar *)bytes, length);
    gsize left = strlen(text);
    for (const char *p = text; left > 0;) {
        gsize line = MIN(left, LINE_MAX_BYTES);
        g_string_append_len(out, p, (gssize)line);
        g_string_append_len(out, "\r\n", 2);
        p += line;
        left -= line;
    }
}

static void
encode_word(GString *out, const char *text, gsize text_bytes,
            const char *charset)
{
    g_autofree char *part = g_strndup(text, text_bytes);
    gsize length;
    g_autofree char *bytes = encode_charset(part, charset, &length);
    g_autofree char *base64 = g_base64_encode((const guchar *)bytes, length);
    g_string_append_printf(out, "=?%s?B?%s?=", charset, base64);
}

void
encode_words(GString *out, const char *text, const char *charset)
{
    if (g_str_is_ascii(text)) {
        g_string_append(out, text);
        return;
    }
    const char *from = text;
    for (const char *p = text; *p != '\0';) {
        p = g_utf8_next_char(p);
        bool full = p - from > WORD_MAX_BYTES - 4;
        if (!full && *p != '\0')
            continue;
        encode_word(out, from, (gsize)(p - from), charset);
        if (*p != '\0')
            g_string_append(out, "\r\n ");
        from = p;
    }
}
