#include "tnef_make.h"

#include <string.h>

static void
put(GByteArray *out, uint64_t number, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        g_byte_array_append(out, &byte, 1);
    }
}

static void
put_bytes(GByteArray *out, const void *bytes, size_t length)
{
    if (length > 0)
        g_byte_array_append(out, bytes, (guint)length);
}

/* ---- attributes ---- */

GByteArray *
tnef_make(uint32_t code_page)
{
    static const uint8_t version[] = {0, 0, 1, 0};
    GByteArray *tnef = g_byte_array_new();
    put(tnef, 0x223E9F78, 4);
    put(tnef, 1, 2);
    tnef_attribute(tnef, 1, 0x00089006, version, sizeof version);
    uint8_t pages[8] = {(uint8_t)code_page, (uint8_t)(code_page >> 8),
                        (uint8_t)(code_page >> 16)};
    tnef_attribute(tnef, 1, 0x00069007, pages, sizeof pages);
    return tnef;
}

void
tnef_attribute(GByteArray *tnef, uint8_t level, uint32_t id, const void *bytes,
               size_t length)
{
    uint16_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = (uint16_t)(sum + ((const uint8_t *)bytes)[i]);
    put(tnef, level, 1);
    put(tnef, id, 4);
    put(tnef, length, 4);
    put_bytes(tnef, bytes, length);
    put(tnef, sum, 2);
}

void
tnef_message(GByteArray *tnef, GByteArray *properties)
{
    tnef_attribute(tnef, 1, 0x00069003, properties->data, properties->len);
    g_byte_array_unref(properties);
}

void
tnef_file(GByteArray *tnef, GByteArray *properties)
{
    tnef_attribute(tnef, 2, 0x00069005, properties->data, properties->len);
    g_byte_array_unref(properties);
}

void
tnef_body(GByteArray *tnef, const char *text)
{
    tnef_attribute(tnef, 1, 0x0002800C, text, strlen(text) + 1);
}

void
tnef_file_begins(GByteArray *tnef, const char *title, const void *bytes,
                 size_t length)
{
    static const uint8_t rendering[14] = {1};
    tnef_attribute(tnef, 2, 0x00069002, rendering, sizeof rendering);
    if (title != NULL)
        tnef_attribute(tnef, 2, 0x00018010, title, strlen(title) + 1);
    if (bytes != NULL)
        tnef_attribute(tnef, 2, 0x0006800F, bytes, length);
}

/* ---- properties ---- */

GByteArray *
mapi_make(void)
{
    GByteArray *list = g_byte_array_new();
    put(list, 0, 4);
    return list;
}

/* One more in the count at the head of the list. */
static void
count(GByteArray *list)
{
    uint32_t n;
    memcpy(&n, list->data, sizeof n);
    n = GUINT32_TO_LE(GUINT32_FROM_LE(n) + 1);
    memcpy(list->data, &n, sizeof n);
}

static void
put_padded(GByteArray *list, const void *bytes, size_t length)
{
    put(list, length, 4);
    put_bytes(list, bytes, length);
    put(list, 0, (4 - length % 4) % 4);
}

void
mapi_long(GByteArray *list, uint16_t id, uint32_t value)
{
    count(list);
    put(list, (uint32_t)id << 16 | 0x0003, 4);
    put(list, value, 4);
}

void
mapi_fixed(GByteArray *list, uint32_t tag, const void *bytes, size_t length)
{
    count(list);
    put(list, tag, 4);
    put_bytes(list, bytes, length);
}

void
mapi_bytes(GByteArray *list, uint32_t tag, const void *bytes, size_t length)
{
    count(list);
    put(list, tag, 4);
    put(list, 1, 4);
    put_padded(list, bytes, length);
}

void
mapi_string8(GByteArray *list, uint16_t id, const char *text)
{
    mapi_bytes(list, (uint32_t)id << 16 | 0x001E, text, strlen(text) + 1);
}

/* With its NUL, in UTF-16LE. */
static GByteArray *
utf16(const char *utf8)
{
    glong units;
    gunichar2 *text = g_utf8_to_utf16(utf8, -1, NULL, &units, NULL);
    GByteArray *bytes = g_byte_array_new();
    for (glong i = 0; i <= units; i++)
        put(bytes, text[i], 2);
    g_free(text);
    return bytes;
}

void
mapi_unicode(GByteArray *list, uint16_t id, const char *utf8)
{
    g_autoptr(GByteArray) bytes = utf16(utf8);
    mapi_bytes(list, (uint32_t)id << 16 | 0x001F, bytes->data, bytes->len);
}

void
mapi_many(GByteArray *list, uint16_t id, uint32_t values)
{
    count(list);
    put(list, (uint32_t)id << 16 | 0x1014, 4);
    put(list, values, 4);
    for (uint32_t i = 0; i < values; i++)
        put(list, i, 8);
}

void
mapi_named(GByteArray *list, const char *name, const char *utf8)
{
    g_autoptr(GByteArray) name_bytes = utf16(name);
    g_autoptr(GByteArray) bytes = utf16(utf8);
    count(list);
    put(list, 0x8001001FU, 4);
    put(list, 0, 8);
    put(list, 0, 8);
    put(list, 1, 4);
    put_padded(list, name_bytes->data, name_bytes->len);
    put(list, 1, 4);
    put_padded(list, bytes->data, bytes->len);
}
