#include "mail/mapi.h"

#include "cursor.h"

enum {
    MULTIPLE = 0x1000,  /* flag of a type: several values */
    NAMED_ID = 0x8000,  /* ids from here on have a name before the value */
    NAME_IS_STRING = 1, /* its kind; 0: a number */
    GUID_BYTES = 16
};

/* Bytes of a value of a fixed length, as it is stored; 0 for other types. */
static size_t
fixed_bytes(uint16_t type)
{
    static const struct {
        uint16_t type;
        uint8_t bytes;
    } types[] = {
        {0x0002, 4},         /* 16 bits and padding */
        {MAPI_LONG, 4},      /* */
        {0x0004, 4},         /* float */
        {0x0005, 8},         /* double */
        {0x0006, 8},         /* currency */
        {0x0007, 8},         /* application time */
        {0x000A, 4},         /* error */
        {0x000B, 4},         /* boolean */
        {0x0014, 8},         /* 64 bits */
        {0x0040, 8},         /* time */
        {0x0048, GUID_BYTES} /* class id */
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type)
            return types[i].bytes;
    return 0;
}

static bool
is_variable(uint16_t type)
{
    return type == MAPI_OBJECT || type == MAPI_STRING8 ||
           type == MAPI_UNICODE || type == MAPI_BINARY;
}

/* `length` bytes and what fills them up to a multiple of four. */
static const uint8_t *
take_padded(Cursor *cursor, size_t length)
{
    const uint8_t *bytes = cursor_take(cursor, length);
    if (bytes == NULL || cursor_take(cursor, (4 - length % 4) % 4) == NULL)
        return NULL;
    return bytes;
}

/* The name of a named property; it is of no interest here. */
static bool
skip_name(Cursor *cursor)
{
    uint32_t kind, number;
    if (cursor_take(cursor, GUID_BYTES) == NULL ||
        !cursor_take32(cursor, &kind) || !cursor_take32(cursor, &number))
        return false;
    return kind != NAME_IS_STRING || take_padded(cursor, number) != NULL;
}

/* One value of a type; its bytes and their number. */
static bool
take_value(Cursor *cursor, uint16_t type, const uint8_t **ret_bytes,
           size_t *ret_length)
{
    size_t length = fixed_bytes(type);
    uint32_t variable;
    if (length == 0) {
        if (!is_variable(type) || !cursor_take32(cursor, &variable))
            return false;
        length = variable;
    }
    *ret_bytes = take_padded(cursor, length);
    *ret_length = length;
    return *ret_bytes != NULL;
}

/* The values of one property; ret_property has the first, if there is one. */
static bool
take_values(Cursor *cursor, MapiProperty *property)
{
    uint16_t type = property->type & (uint16_t)~MULTIPLE;
    bool has_count = type != property->type || is_variable(type);
    uint32_t count = 1;
    property->type = type;
    if (has_count && !cursor_take32(cursor, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *bytes;
        size_t length;
        if (!take_value(cursor, type, &bytes, &length))
            return false;
        if (i == 0) {
            property->bytes = bytes;
            property->length = length;
        }
    }
    return true;
}

bool
mapi_each(const uint8_t *bytes, size_t length,
          void (*visit)(void *context, const MapiProperty *property),
          void *context)
{
    Cursor cursor = {bytes, length};
    uint32_t count;
    if (!cursor_take32(&cursor, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tag;
        if (!cursor_take32(&cursor, &tag))
            return false;
        MapiProperty property = {(uint16_t)tag, (uint16_t)(tag >> 16), NULL, 0};
        bool is_named = property.id >= NAMED_ID;
        if ((is_named && !skip_name(&cursor)) ||
            !take_values(&cursor, &property))
            return false;
        if (!is_named && property.bytes != NULL)
            visit(context, &property);
    }
    return true;
}
