#include "charset_escape.h"

#include <stdbool.h>
#include <string.h>

GString *
charset_escape_iso2022jp(const char *bytes, size_t length)
{
    static const struct {
        const char escape[5];
        char prefix; /* before each character; '\0': none */
        size_t size; /* bytes of a character */
    } sets[] = {{"\x1B(B", '\0', 0},   {"\x1B(J", '\0', 0},
                {"\x1B(I", '\x8E', 1}, {"\x1B$@", '\0', 2},
                {"\x1B$B", '\0', 2},   {"\x1B$(D", '\x8F', 2}};
    GString *out = g_string_sized_new(length + length / 2);
    size_t set = 0;
    for (size_t i = 0; i < length; i++) {
        size_t n = 0;
        for (size_t j = 0; bytes[i] == '\x1B' && j < G_N_ELEMENTS(sets); j++)
            if (length - i >= strlen(sets[j].escape) &&
                memcmp(bytes + i, sets[j].escape, strlen(sets[j].escape)) ==
                    0) {
                n = strlen(sets[j].escape);
                set = j;
            }
        if (n > 0) {
            i += n - 1;
        } else if (sets[set].size == 0 || bytes[i] <= ' ') {
            g_string_append_c(out, bytes[i]);
            set = bytes[i] == '\n' ? 0 : set; /* RFC 1468: lines end so */
        } else {
            size_t size = MIN(sets[set].size, length - i);
            if (sets[set].prefix != '\0')
                g_string_append_c(out, sets[set].prefix);
            for (size_t j = 0; j < size; j++)
                g_string_append_c(out, (char)(bytes[i + j] | 0x80));
            i += size - 1;
        }
    }
    return out;
}

GString *
charset_escape_hz(const char *bytes, size_t length)
{
    GString *out = g_string_sized_new(length);
    bool chinese = false;
    for (size_t i = 0; i < length; i++) {
        char c = bytes[i], next = i + 1 < length ? bytes[i + 1] : '\0';
        if (c == '~' && (next == '{' || next == '}')) {
            chinese = next == '{';
            i++;
        } else if (c == '~' && !chinese && (next == '~' || next == '\n')) {
            if (next == '~')
                g_string_append_c(out, '~');
            i++; /* "~" and a line end are a line that goes on */
        } else if (!chinese || c <= ' ' || next <= ' ') {
            g_string_append_c(out, c);
            chinese = chinese && c != '\n';
        } else {
            g_string_append_c(out, (char)(c | 0x80));
            g_string_append_c(out, (char)(next | 0x80));
            i++;
        }
    }
    return out;
}
