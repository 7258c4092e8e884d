#include "mail/header.h"

#include <string.h>

#include "mail/content.h"
#include "mail/defect.h"
#include "mail/words.h"

enum { GARBAGE_MAX_BYTES = 16 * 1024 }; /* searched for the next field */

size_t
header_next_line(const char *bytes, size_t length, size_t offset)
{
    const char *end = memchr(bytes + offset, '\n', length - offset);
    return end != NULL ? (size_t)(end - bytes) + 1 : length;
}

size_t
header_name_length(const char *line, size_t length)
{
    size_t n = 0;
    while (n < length && line[n] > ' ' && line[n] < 0x7F && line[n] != ':')
        n++;
    size_t colon = n;
    while (colon < length && (line[colon] == ' ' || line[colon] == '\t'))
        colon++;
    return colon < length && line[colon] == ':' ? n : 0;
}

typedef enum { LINE_EMPTY, LINE_FOLDED, LINE_FIELD, LINE_GARBAGE } LineKind;

static LineKind
line_kind(const char *line, size_t length)
{
    if (length == 0)
        return LINE_EMPTY;
    if (line[0] == ' ' || line[0] == '\t')
        return LINE_FOLDED;
    return header_name_length(line, length) > 0 ? LINE_FIELD : LINE_GARBAGE;
}

/* Length of the line at `offset` without its end. */
static size_t
line_length(const char *bytes, size_t offset, size_t next)
{
    size_t length = next - offset;
    if (length > 0 && bytes[offset + length - 1] == '\n')
        length--;
    if (length > 0 && bytes[offset + length - 1] == '\r')
        length--;
    return length;
}

typedef struct {
    Header *header;
    const MailLimits *limits;
    GPtrArray *defects;
    size_t kept_bytes;
    bool is_skipping;  /* folded lines belong to a field that was left out */
    size_t next_field; /* rubbish before this offset is inside the header */
    guint looked_at;   /* fields above that are no Content-Type */
    HeaderSearch *search;
    const char *boundary; /* of a multipart; NULL: none, or not asked for */
    Content *type;        /* once a line asked for the boundary it names */
} Reader;

/* What limit_fields() will leave of a value. */
static size_t
kept_bytes(const Reader *reader, size_t value_length)
{
    return MIN(value_length, reader->limits->header_field_bytes);
}

static void
start_field(Reader *reader, const char *line, size_t length)
{
    GArray *fields = reader->header->fields;
    reader->is_skipping = true;
    if (fields->len >= reader->limits->header_fields) {
        defect_add(reader->defects, DEFECT_HEADER_FIELDS);
        return;
    }
    if (reader->kept_bytes >= reader->limits->header_bytes) {
        defect_add(reader->defects, DEFECT_HEADER_LONG);
        return;
    }
    reader->is_skipping = false;
    size_t name = header_name_length(line, length);
    const char *colon = memchr(line + name, ':', length - name);
    HeaderField field = {line, name, colon + 1,
                         length - (size_t)(colon + 1 - line)};
    g_array_append_val(fields, field);
    reader->kept_bytes += name + kept_bytes(reader, field.value_length);
}

static void
fold_field(Reader *reader, const char *line, size_t length)
{
    GArray *fields = reader->header->fields;
    if (reader->is_skipping || fields->len == 0)
        return;
    HeaderField *last = &g_array_index(fields, HeaderField, fields->len - 1);
    size_t before = kept_bytes(reader, last->value_length);
    last->value_length = (size_t)(line + length - last->value);
    reader->kept_bytes += kept_bytes(reader, last->value_length) - before;
}

/* Cut what is too long only now: folding may have made it so. */
static void
limit_fields(Reader *reader)
{
    GArray *fields = reader->header->fields;
    for (guint i = 0; i < fields->len; i++) {
        HeaderField *field = &g_array_index(fields, HeaderField, i);
        if (field->value_length > reader->limits->header_field_bytes) {
            field->value_length = reader->limits->header_field_bytes;
            defect_add(reader->defects, DEFECT_HEADER_FIELD_LONG);
        }
    }
}

/* Names that make sure that a line belongs to a header. A "-" ends a prefix. */
static bool
is_usual_name(const char *line, size_t length)
{
    static const char *const names[] = {
        "From",       "To",          "Cc",           "Subject",
        "Date",       "Sender",      "Reply-To",     "Message-ID",
        "Received",   "Return-Path", "Content-",     "In-Reply-To",
        "References", "X-",          "MIME-Version", "List-"};
    size_t n = header_name_length(line, length);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        size_t m = strlen(names[i]);
        bool fits = names[i][m - 1] == '-' ? n > m : n == m;
        if (fits && g_ascii_strncasecmp(line, names[i], m) == 0)
            return true;
    }
    return false;
}

/*
 * Where a field or the end of the header follows lines that are folded, as no
 * text without an empty line above it is: their field's name is wrong, and so
 * may be the next one's. 0 if there are none, or something else.
 */
static size_t
skip_folded(const char *bytes, size_t length, size_t offset)
{
    size_t limit = MIN(length, offset + GARBAGE_MAX_BYTES), folded = 0;
    bool is_first = true;
    for (size_t next; offset < limit; offset = next, is_first = false) {
        next = header_next_line(bytes, length, offset);
        size_t n = line_length(bytes, offset, next);
        LineKind kind = is_first ? LINE_GARBAGE : line_kind(bytes + offset, n);
        if (kind == LINE_FOLDED) {
            folded++;
            continue;
        }
        if (!is_first && folded == 0)
            return 0;
        if (kind != LINE_GARBAGE)
            return offset;
        if (memchr(bytes + offset, ':', n) == NULL)
            return 0;
        folded = 0;
    }
    return 0;
}

/* Look for a usual field before the next empty line, from `offset` on. */
static void
search_field(HeaderSearch *search, const char *bytes, size_t length,
             size_t offset)
{
    size_t limit = MIN(length, offset + GARBAGE_MAX_BYTES), next;
    if (bytes + offset >= search->from && bytes + offset <= search->to) {
        /* Searched before, by who read another header or met another line. */
        offset = (size_t)(search->to - bytes);
        if (search->found != HEADER_SEARCH_GOES_ON)
            return;
    } else {
        search->from = bytes + offset;
    }
    search->found = HEADER_SEARCH_GOES_ON;
    for (; offset < limit; offset = next) {
        next = header_next_line(bytes, length, offset);
        size_t n = line_length(bytes, offset, next);
        if (n == 0)
            search->found = HEADER_SEARCH_EMPTY;
        else if (is_usual_name(bytes + offset, n))
            search->found = HEADER_SEARCH_FIELD;
        if (search->found != HEADER_SEARCH_GOES_ON)
            break;
    }
    search->to = bytes + offset;
}

/*
 * A line that is no header field: where a usual field follows before the next
 * empty line it is rubbish in the header; else the body has begun without one.
 * The field that was found is remembered, so that each byte is searched once.
 */
static bool
begins_body(Reader *reader, const char *bytes, size_t length, size_t offset)
{
    if (offset < reader->next_field)
        return false;
    if (reader->header->fields->len == 0)
        return true;
    size_t field = skip_folded(bytes, length, offset);
    if (field > 0) {
        reader->next_field = field;
        return false;
    }
    search_field(reader->search, bytes, length, offset);
    if (reader->search->found != HEADER_SEARCH_FIELD)
        return true;
    reader->next_field = (size_t)(reader->search->to - bytes);
    return false;
}

/* The first Content-Type, read once; no field is looked at twice for it. */
static void
read_type(Reader *reader)
{
    const GArray *fields = reader->header->fields;
    while (reader->type == NULL && reader->looked_at < fields->len) {
        const HeaderField *field =
            &g_array_index(fields, HeaderField, reader->looked_at++);
        if (!header_field_is(field, "Content-Type"))
            continue;
        reader->type = content_parse(field->value,
                                     kept_bytes(reader, field->value_length));
        reader->boundary = content_parameter(reader->type, "boundary");
    }
}

/*
 * A multipart's first delimiter, for want of an empty line above it. Above the
 * Content-Type it is rubbish.
 */
static bool
is_delimiter(Reader *reader, const char *line, size_t length)
{
    if (length < 3 || memcmp(line, "--", 2) != 0)
        return false;
    read_type(reader);
    size_t n = reader->boundary != NULL ? strlen(reader->boundary) : 0;
    return n > 0 && length >= n + 2 &&
           memcmp(line + 2, reader->boundary, n) == 0;
}

/* A name that only lacks the right letters: "Größe: 5". */
static bool
has_foreign_name(const char *line, size_t length)
{
    size_t n = 0;
    while (n < length && (unsigned char)line[n] > ' ' && line[n] != ':')
        n++;
    return n > 0 && n < length && line[n] == ':';
}

/* True if the body begins with the line at `offset`, which is no field. */
static bool
ends_header(Reader *reader, const char *bytes, size_t length, size_t offset)
{
    const char *line = bytes + offset;
    size_t n =
        line_length(bytes, offset, header_next_line(bytes, length, offset));
    if (is_delimiter(reader, line, n))
        return true;
    if (reader->header->fields->len > 0 && has_foreign_name(line, n))
        return false;
    return begins_body(reader, bytes, length, offset);
}

/* A first line that was indented: a field all the same. */
static const char *
unindent(const Reader *reader, const char *line, size_t *length)
{
    const char *p = line;
    size_t n = *length;
    while (n > 0 && (*p == ' ' || *p == '\t')) {
        p++;
        n--;
    }
    if (reader->header->fields->len > 0 || header_name_length(p, n) == 0)
        return line;
    *length = n;
    return p;
}

static bool
is_mbox_from(const char *line, size_t length, size_t offset)
{
    return offset == 0 && length > 5 &&
           (memcmp(line, "From ", 5) == 0 || memcmp(line, ">From ", 6) == 0);
}

/* True if a usual field is among the first lines from `offset` on. */
static bool
begins_header(const char *bytes, size_t length, size_t offset)
{
    enum { LOOKED_AT = 3 };
    for (int count = 0; count < LOOKED_AT && offset < length; count++) {
        size_t next = header_next_line(bytes, length, offset);
        size_t n = line_length(bytes, offset, next);
        LineKind kind = line_kind(bytes + offset, n);
        if (kind == LINE_EMPTY || kind == LINE_GARBAGE)
            return false;
        if (is_usual_name(bytes + offset, n))
            return true;
        offset = next;
    }
    return false;
}

size_t
header_preamble(const char *bytes, size_t length)
{
    enum { EMPTY_MAX = 10 };
    size_t offset = 0;
    for (int count = 0; count < EMPTY_MAX && offset < length; count++) {
        size_t next = header_next_line(bytes, length, offset);
        size_t n = line_length(bytes, offset, next);
        if (n > 0) {
            bool is_foreign = offset == 0 && !is_mbox_from(bytes, n, 0) &&
                              line_kind(bytes, n) == LINE_GARBAGE;
            offset = is_foreign ? next : offset;
            break;
        }
        offset = next;
    }
    return begins_header(bytes, length, offset) ? offset : 0;
}

Header *
header_read(const char *bytes, size_t length, const MailLimits *limits,
            HeaderStop stop, const void *context, GPtrArray *defects)
{
    HeaderSearch search = {NULL, NULL, HEADER_SEARCH_GOES_ON};
    return header_read_next(bytes, length, limits, &search, stop, context,
                            defects);
}

Header *
header_read_next(const char *bytes, size_t length, const MailLimits *limits,
                 HeaderSearch *search, HeaderStop stop, const void *context,
                 GPtrArray *defects)
{
    Header *header = g_new0(Header, 1);
    header->fields = g_array_sized_new(FALSE, FALSE, sizeof(HeaderField), 16);
    Reader reader = {.header = header,
                     .limits = limits,
                     .defects = defects,
                     .is_skipping = true,
                     .search = search};
    size_t offset = 0, next;
    for (; offset < length; offset = next) {
        next = header_next_line(bytes, length, offset);
        const char *line = bytes + offset;
        size_t n = line_length(bytes, offset, next);
        line = unindent(&reader, line, &n);
        LineKind kind = line_kind(line, n);
        if (kind == LINE_EMPTY) {
            offset = next;
            break;
        }
        if (stop != NULL && line[0] == '-' && stop(context, line, n))
            break;
        if (kind == LINE_FIELD) {
            start_field(&reader, line, n);
        } else if (kind == LINE_FOLDED) {
            fold_field(&reader, line, n);
        } else if (!is_mbox_from(line, n, offset)) {
            if (ends_header(&reader, bytes, length, offset)) {
                defect_add(defects, header->fields->len > 0
                                        ? DEFECT_HEADER_UNENDED
                                        : DEFECT_NO_HEADER);
                break;
            }
            defect_add(defects, DEFECT_HEADER_GARBAGE);
            reader.is_skipping = true;
        }
    }
    header->length = offset;
    limit_fields(&reader);
    content_free(reader.type);
    return header;
}

void
header_free(Header *header)
{
    if (header == NULL)
        return;
    g_array_unref(header->fields);
    g_free(header);
}

bool
header_field_is(const HeaderField *field, const char *name)
{
    return strlen(name) == field->name_length &&
           g_ascii_strncasecmp(field->name, name, field->name_length) == 0;
}

const HeaderField *
header_find(const Header *header, const char *name)
{
    for (guint i = 0; i < header->fields->len; i++) {
        const HeaderField *field =
            &g_array_index(header->fields, HeaderField, i);
        if (header_field_is(field, name))
            return field;
    }
    return NULL;
}

size_t
header_count(const Header *header, const char *name)
{
    size_t count = 0;
    for (guint i = 0; i < header->fields->len; i++)
        count += header_field_is(&g_array_index(header->fields, HeaderField, i),
                                 name);
    return count;
}

char *
header_text(const Header *header, const char *name)
{
    const HeaderField *field = header_find(header, name);
    return field != NULL ? words_decode(field->value, field->value_length)
                         : NULL;
}
