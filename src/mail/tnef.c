#include "mail/tnef.h"

#include <string.h>

#include "cursor.h"
#include "mail/charset.h"
#include "mail/code_page.h"
#include "mail/mapi.h"
#include "mail/rtf.h"

enum {
    SIGNATURE = 0x223E9F78,
    HEAD_BYTES = 4 + 2,          /* signature and key */
    ATTRIBUTE_BYTES = 1 + 4 + 4, /* level, id and length */
    CHECKSUM_BYTES = 2,
    LEVEL_MESSAGE = 1,
    LEVEL_FILE = 2,
    GUID_BYTES = 16
};

/* Attributes, by the lower half of their id: MS-OXTNEF 2.1.3.2. */
enum {
    ATTRIBUTE_BODY = 0x800C,
    ATTRIBUTE_FILE_DATA = 0x800F,
    ATTRIBUTE_FILE_TITLE = 0x8010,
    ATTRIBUTE_FILE_BEGINS = 0x9002,
    ATTRIBUTE_PROPERTIES = 0x9003,
    ATTRIBUTE_FILE_PROPERTIES = 0x9005,
    ATTRIBUTE_CODE_PAGE = 0x9007
};

/* Properties: MS-OXPROPS. */
enum {
    PROPERTY_BODY = 0x1000,
    PROPERTY_RTF = 0x1009,
    PROPERTY_HTML = 0x1013,
    PROPERTY_DISPLAY_NAME = 0x3001,
    PROPERTY_DATA = 0x3701,
    PROPERTY_SHORT_NAME = 0x3704,
    PROPERTY_LONG_NAME = 0x3707,
    PROPERTY_MIME_TAG = 0x370E,
    PROPERTY_CONTENT_ID = 0x3712,
    PROPERTY_INTERNET_CODE_PAGE = 0x3FDE
};

/* The object that is a message begins with the interface IMessage. */
static const uint8_t message_guid[GUID_BYTES] = {7,    3, 2, 0, 0, 0, 0, 0,
                                                 0xC0, 0, 0, 0, 0, 0, 0, 0x46};

/* Words whose code page may be told later. */
typedef struct {
    const uint8_t *bytes;
    size_t length;
    bool is_unicode;
} Words;

typedef struct {
    Words long_name, short_name, title, display_name, type, content_id;
    const uint8_t *content;
    size_t length;
    bool is_message;
} File;

typedef struct {
    const MailLimits *limits;
    Words body; /* the property */
    Words down_level_body;
    Words html;
    Words rtf;
    uint32_t code_page;
    uint32_t internet_code_page;
    GArray *files; /* File */
    bool has_more;
} Reader;

/* ---- words ---- */

static Words
words_of(const MapiProperty *property)
{
    return (Words){property->bytes, property->length,
                   property->type == MAPI_UNICODE};
}

/* As UTF-8, up to the NUL that ends it; "" if there are none. */
static char *
words_decode(const Words *words, uint32_t code_page, size_t max_bytes)
{
    if (words->bytes == NULL || words->length == 0)
        return g_strdup("");
    size_t length = MIN(words->length, max_bytes);
    if (words->is_unicode) {
        size_t end = 0;
        while (end + 1 < length &&
               (words->bytes[end] | words->bytes[end + 1]) != 0)
            end += 2;
        return charset_to_utf8((const char *)words->bytes, end, "utf-16le",
                               NULL);
    }
    const uint8_t *nul = memchr(words->bytes, '\0', length);
    if (nul != NULL)
        length = (size_t)(nul - words->bytes);
    g_autofree char *charset = code_page_charset(code_page);
    return charset_to_utf8((const char *)words->bytes, length, charset, NULL);
}

/* ---- properties ---- */

static void
read_message_property(void *context, const MapiProperty *property)
{
    Reader *reader = context;
    switch (property->id) {
    case PROPERTY_BODY:
        reader->body = words_of(property);
        break;
    case PROPERTY_HTML:
        reader->html = words_of(property);
        break;
    case PROPERTY_RTF:
        reader->rtf = words_of(property);
        break;
    case PROPERTY_INTERNET_CODE_PAGE:
        if (property->type == MAPI_LONG)
            reader->internet_code_page = cursor_peek32(property->bytes);
        break;
    default: /* hundreds of others */
        break;
    }
}

/* An object is an interface's id and its bytes; anything else is bytes. */
static void
read_data(File *file, const MapiProperty *property)
{
    bool is_object =
        property->type == MAPI_OBJECT && property->length >= GUID_BYTES;
    file->is_message =
        is_object && memcmp(property->bytes, message_guid, GUID_BYTES) == 0;
    file->content = property->bytes + (is_object ? GUID_BYTES : 0);
    file->length = property->length - (is_object ? GUID_BYTES : 0);
}

static void
read_file_property(void *context, const MapiProperty *property)
{
    File *file = context;
    Words words = words_of(property);
    switch (property->id) {
    case PROPERTY_LONG_NAME:
        file->long_name = words;
        break;
    case PROPERTY_SHORT_NAME:
        file->short_name = words;
        break;
    case PROPERTY_DISPLAY_NAME:
        file->display_name = words;
        break;
    case PROPERTY_MIME_TAG:
        file->type = words;
        break;
    case PROPERTY_CONTENT_ID:
        file->content_id = words;
        break;
    case PROPERTY_DATA:
        read_data(file, property);
        break;
    default:
        break;
    }
}

/* ---- attributes ---- */

static bool
read_message(Reader *reader, uint16_t id, const uint8_t *bytes, size_t length)
{
    switch (id) {
    case ATTRIBUTE_CODE_PAGE:
        if (length < sizeof(uint32_t))
            return false;
        reader->code_page = cursor_peek32(bytes);
        return true;
    case ATTRIBUTE_BODY:
        reader->down_level_body = (Words){bytes, length, false};
        return true;
    case ATTRIBUTE_PROPERTIES:
        return mapi_each(bytes, length, read_message_property, reader);
    default:
        return true;
    }
}

/* A file begins with an attribute of its own; it may be forgotten. */
static File *
current_file(Reader *reader, uint16_t id)
{
    if (id == ATTRIBUTE_FILE_BEGINS || reader->files->len == 0)
        g_array_set_size(reader->files, reader->files->len + 1);
    return &g_array_index(reader->files, File, reader->files->len - 1);
}

static bool
read_file(Reader *reader, uint16_t id, const uint8_t *bytes, size_t length)
{
    if (id == ATTRIBUTE_FILE_BEGINS &&
        reader->files->len >= reader->limits->parts)
        reader->has_more = true;
    File beyond = {.content = NULL}; /* read all the same, to be checked */
    File *file = reader->has_more ? &beyond : current_file(reader, id);
    switch (id) {
    case ATTRIBUTE_FILE_TITLE:
        file->title = (Words){bytes, length, false};
        return true;
    case ATTRIBUTE_FILE_DATA:
        file->content = bytes;
        file->length = length;
        return true;
    case ATTRIBUTE_FILE_PROPERTIES:
        return mapi_each(bytes, length, read_file_property, file);
    default:
        return true;
    }
}

static uint16_t
checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += bytes[i];
    return (uint16_t)sum;
}

/* One attribute; its level, id and data. */
static bool
read_attribute(Reader *reader, Cursor *cursor)
{
    const uint8_t *head = cursor_take(cursor, ATTRIBUTE_BYTES);
    if (head == NULL)
        return false;
    size_t length = cursor_peek32(head + 5);
    const uint8_t *bytes = cursor_take(cursor, length);
    const uint8_t *sum = cursor_take(cursor, CHECKSUM_BYTES);
    if (bytes == NULL || sum == NULL ||
        cursor_peek16(sum) != checksum(bytes, length))
        return false;
    uint16_t id = cursor_peek16(head + 1);
    if (head[0] == LEVEL_MESSAGE)
        return read_message(reader, id, bytes, length);
    return head[0] == LEVEL_FILE && read_file(reader, id, bytes, length);
}

/* What is too short to be an attribute is a line end that some gateway added */
static bool
read_attributes(Reader *reader, const uint8_t *bytes, size_t length)
{
    Cursor cursor = {bytes, length};
    if (!tnef_is(bytes, length) || cursor_take(&cursor, HEAD_BYTES) == NULL)
        return false;
    while (cursor.left >= ATTRIBUTE_BYTES + CHECKSUM_BYTES)
        if (!read_attribute(reader, &cursor))
            return false;
    return true;
}

/* ---- the result ---- */

static void
tnef_file_free(gpointer data)
{
    TnefFile *file = data;
    g_free(file->name);
    g_free(file->type);
    g_free(file->content_id);
    g_free(file);
}

static TnefFile *
finish_file(const Reader *reader, const File *file)
{
    enum { WORDS_MAX = 64 * 1024 };
    const Words *names[] = {&file->long_name, &file->short_name, &file->title,
                            &file->display_name};
    TnefFile *result = g_new0(TnefFile, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_free(result->name);
        result->name = words_decode(names[i], reader->code_page, WORDS_MAX);
        if (*result->name != '\0')
            break;
    }
    result->type =
        file->is_message
            ? g_strdup("application/ms-tnef")
            : words_decode(&file->type, reader->code_page, WORDS_MAX);
    result->content_id =
        words_decode(&file->content_id, reader->code_page, WORDS_MAX);
    result->content = file->content;
    result->length = file->length;
    return result;
}

static char *
finish_text(const Reader *reader)
{
    size_t max_bytes = reader->limits->text_bytes;
    char *text = words_decode(&reader->body, reader->code_page, max_bytes);
    if (*text != '\0')
        return text;
    g_free(text);
    return words_decode(&reader->down_level_body, reader->code_page, max_bytes);
}

/* For a message that says what it says in no other way. */
static char *
finish_rtf(const Reader *reader)
{
    g_autoptr(GByteArray) rtf = rtf_unpack(
        reader->rtf.bytes, reader->rtf.length, reader->limits->text_bytes);
    return rtf != NULL ? rtf_text((const char *)rtf->data, rtf->len)
                       : g_strdup("");
}

static Tnef *
finish(const Reader *reader)
{
    Tnef *tnef = g_new0(Tnef, 1);
    tnef->text = finish_text(reader);
    uint32_t code_page = reader->internet_code_page != 0
                             ? reader->internet_code_page
                             : reader->code_page;
    tnef->html =
        words_decode(&reader->html, code_page, reader->limits->text_bytes);
    if (*tnef->text == '\0' && *tnef->html == '\0') {
        g_free(tnef->text);
        tnef->text = finish_rtf(reader);
    }
    tnef->files = g_ptr_array_new_with_free_func(tnef_file_free);
    tnef->has_more = reader->has_more;
    for (guint i = 0; i < reader->files->len; i++)
        g_ptr_array_add(
            tnef->files,
            finish_file(reader, &g_array_index(reader->files, File, i)));
    return tnef;
}

bool
tnef_is(const uint8_t *bytes, size_t length)
{
    return length >= sizeof(uint32_t) && cursor_peek32(bytes) == SIGNATURE;
}

Tnef *
tnef_read(const uint8_t *bytes, size_t length, const MailLimits *limits)
{
    g_autoptr(GArray) files = g_array_new(FALSE, TRUE, sizeof(File));
    Reader reader = {.limits = limits, .files = files};
    if (!read_attributes(&reader, bytes, length))
        return NULL;
    return finish(&reader);
}

void
tnef_free(Tnef *tnef)
{
    if (tnef == NULL)
        return;
    g_free(tnef->text);
    g_free(tnef->html);
    g_ptr_array_unref(tnef->files);
    g_free(tnef);
}
