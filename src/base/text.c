#include "base/text.h"

#include <glib.h>
#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

bool
text_is_valid(const char *bytes, size_t length)
{
    return memchr(bytes, '\0', length) == NULL &&
           g_utf8_validate_len(bytes, length, NULL);
}

char *
text_repair(const char *bytes, size_t length)
{
    if (g_utf8_validate_len(bytes, length, NULL))
        return g_strndup(bytes, length);
    GString *out = g_string_sized_new(length + 16);
    while (length > 0) {
        const char *end = NULL;
        g_utf8_validate_len(bytes, length, &end);
        size_t good = (size_t)(end - bytes);
        g_string_append_len(out, bytes, (gssize)good);
        bytes += good;
        length -= good;
        if (length > 0) {
            g_string_append(out, REPLACEMENT);
            bytes++;
            length--;
        }
    }
    return g_string_free(out, FALSE);
}

static bool
is_invisible(gunichar c)
{
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF;
}

static bool
is_control(gunichar c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

char *
text_one_line(const char *text)
{
    GString *out = g_string_sized_new(strlen(text) + 1);
    bool space = false;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (is_invisible(c))
            continue;
        if (c == ' ' || is_control(c)) {
            space = out->len > 0;
            continue;
        }
        if (space)
            g_string_append_c(out, ' ');
        space = false;
        g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

char *
text_many_lines(const char *text)
{
    GString *out = g_string_sized_new(strlen(text) + 1);
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c == '\r') {
            if (p[1] != '\n')
                g_string_append_c(out, '\n');
        } else if (c == '\n' || c == '\t') {
            g_string_append_c(out, (char)c);
        } else if (c == 0x2028 || c == 0x2029) {
            g_string_append_c(out, '\n');
        } else if (c == 0x200C || c == 0x200D ||
                   (!is_control(c) && !is_invisible(c))) {
            g_string_append_unichar(out, c);
        }
    }
    return g_string_free(out, FALSE);
}

size_t
text_cut_bytes(const char *text, size_t max_bytes)
{
    size_t length = strnlen(text, max_bytes + 1);
    if (length <= max_bytes)
        return length;
    const char *end = text + max_bytes;
    while (end > text && ((unsigned char)*end & 0xC0) == 0x80)
        end--;
    return (size_t)(end - text);
}

char *
text_ellipsis(const char *text, size_t max_chars)
{
    if ((size_t)g_utf8_strlen(text, -1) <= max_chars)
        return g_strdup(text);
    if (max_chars == 0)
        return g_strdup("");
    const char *end = g_utf8_offset_to_pointer(text, (glong)max_chars - 1);
    return g_strdup_printf("%.*s…", (int)(end - text), text);
}

char *
text_hex(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    static const char digits[] = "0123456789abcdef";
    char *hex = g_malloc(2 * length + 1);
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[p[i] >> 4];
        hex[2 * i + 1] = digits[p[i] & 15];
    }
    hex[2 * length] = '\0';
    return hex;
}

bool
text_equal_constant_time(const char *a, const char *b)
{
    size_t length = strlen(a);
    if (length != strlen(b))
        return false;
    unsigned char differ = 0;
    for (size_t i = 0; i < length; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}
