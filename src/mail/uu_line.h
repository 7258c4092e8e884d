/* One line of uuencoded data. Private to this room. */
#ifndef MAIL_UU_LINE_H
#define MAIL_UU_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
    UU_LINE_BYTES = 63,               /* that a line carries at most */
    UU_LINE_ROOM = UU_LINE_BYTES + 2, /* for what is decoded by threes */
    UU_LINE_MAX = 1 + UU_LINE_BYTES / 3 * 4 + 2
};

/*
 * True if the line (without its end) carries data: its first character says how
 * many bytes, and the others fit. A checksum may follow; three characters may
 * have been trimmed, which were spaces.
 */
bool uu_line_is_data(const char *line, size_t length, size_t *ret_bytes);

/* How many bytes the line says it carries, and how many are there; 0 if it is
 * no data. For lines that may have been trimmed to the first character. */
size_t uu_line_bytes(const char *line, size_t length, size_t *ret_there);

/* The first `bytes` bytes to `out`, which has UU_LINE_ROOM. */
void uu_line_decode(const char *line, size_t length, size_t bytes,
                    unsigned char *out);

#endif
