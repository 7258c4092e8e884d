#include "uu_line.h"

#include <glib.h>

enum { EXTRA_MAX = 2, TRIMMED_MAX = 3 };

size_t
uu_line_bytes(const char *line, size_t length, size_t *ret_there)
{
    if (length == 0 || line[0] < ' ' || line[0] > '`')
        return 0;
    size_t bytes = (size_t)((line[0] - ' ') & 63);
    if (length > 1 + (bytes + 2) / 3 * 4 + EXTRA_MAX)
        return 0;
    for (size_t i = 1; i < length; i++)
        if (line[i] < ' ' || line[i] > '`')
            return 0;
    *ret_there = MIN(bytes, (length + 2) / 4 * 3);
    return bytes;
}

bool
uu_line_is_data(const char *line, size_t length, size_t *ret_bytes)
{
    size_t there = 0;
    *ret_bytes = uu_line_bytes(line, length, &there);
    if (*ret_bytes > 0)
        return length + TRIMMED_MAX >= 1 + (*ret_bytes + 2) / 3 * 4;
    /* "`" or " ": the end of the data */
    return length > 0 && length <= 1 + EXTRA_MAX &&
           (line[0] == '`' || line[0] == ' ');
}

/* What a trimmed line lacks at its end are spaces, which stand for 0. */
static unsigned
value_at(const char *line, size_t length, size_t i)
{
    return i < length ? (unsigned)(line[i] - ' ') & 63 : 0;
}

void
uu_line_decode(const char *line, size_t length, size_t bytes,
               unsigned char *out)
{
    size_t n = 0;
    for (size_t i = 1; n < bytes; i += 4) {
        unsigned bits = value_at(line, length, i) << 18 |
                        value_at(line, length, i + 1) << 12 |
                        value_at(line, length, i + 2) << 6 |
                        value_at(line, length, i + 3);
        out[n++] = (unsigned char)(bits >> 16);
        out[n++] = (unsigned char)(bits >> 8);
        out[n++] = (unsigned char)bits;
    }
}
