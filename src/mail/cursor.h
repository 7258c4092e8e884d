/* Bytes read from left to right, never beyond their end; little-endian. */
#ifndef MAIL_CURSOR_H
#define MAIL_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *next;
    size_t left;
} Cursor;

/* The next `length` bytes; NULL, and nothing is taken, if there are fewer. */
static inline const uint8_t *
cursor_take(Cursor *cursor, size_t length)
{
    if (length > cursor->left)
        return NULL;
    const uint8_t *bytes = cursor->next;
    cursor->next += length;
    cursor->left -= length;
    return bytes;
}

static inline uint16_t
cursor_peek16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t
cursor_peek32(const uint8_t *bytes)
{
    return (uint32_t)cursor_peek16(bytes) | (uint32_t)cursor_peek16(bytes + 2)
                                                << 16;
}

static inline bool
cursor_take32(Cursor *cursor, uint32_t *ret_number)
{
    const uint8_t *bytes = cursor_take(cursor, sizeof *ret_number);
    if (bytes == NULL)
        return false;
    *ret_number = cursor_peek32(bytes);
    return true;
}

#endif
