/* Lists of MAPI properties as TNEF has them: MS-OXTNEF 2.1.3.4, MS-OXPROPS. */
#ifndef MAIL_MAPI_H
#define MAIL_MAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    MAPI_LONG = 0x0003,
    MAPI_OBJECT = 0x000D,
    MAPI_STRING8 = 0x001E,
    MAPI_UNICODE = 0x001F, /* UTF-16LE */
    MAPI_BINARY = 0x0102
} MapiType;

typedef struct {
    uint16_t type;        /* one of the above, or another that has a length */
    uint16_t id;          /* PidTag: PR_BODY is 0x1000 */
    const uint8_t *bytes; /* the first value, borrowed, without padding */
    size_t length;
} MapiProperty;

/*
 * Call `visit` with each property that has a fixed name (ids below 0x8000) and
 * a value. Linear; allocates nothing. Returns: false if the list is broken;
 * what was visited before is to be forgotten.
 */
bool mapi_each(const uint8_t *bytes, size_t length,
               void (*visit)(void *context, const MapiProperty *property),
               void *context);

#endif
