#include "mail/writer.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/failure.h"
#include "base/text.h"

enum {
    FOLD_COLUMN = 76,     /* header lines are folded before it, if they can */
    WORD_SOURCE_MAX = 42, /* bytes of UTF-8 in one encoded word of 75 */
    PLAIN_WORD_MAX = 60,  /* longer words of a header value are encoded */
    ID_MAX_BYTES = 900,   /* an id cannot be folded: the line stays < 998 */
    BASE64_PERCENT = 20   /* more bytes above 0x7F than this: base64 */
};

/* One header field under way; `column` of the line it is on. */
typedef struct {
    GString *out;
    size_t column;
} Field;

static Field
field_begin(GString *out, const char *name)
{
    g_string_append_printf(out, "%s:", name);
    return (Field){out, strlen(name) + 1};
}

/* A piece that cannot be broken; a space or a fold comes before it. */
static void
field_add(Field *field, const char *piece)
{
    size_t length = strlen(piece);
    if (field->column + 1 + length > FOLD_COLUMN && field->column > 1 &&
        field->out->str[field->out->len - 1] != ':') {
        g_string_append(field->out, "\r\n");
        field->column = 0;
    }
    g_string_append_c(field->out, ' ');
    g_string_append(field->out, piece);
    field->column += 1 + length;
}

static void
field_end(Field *field)
{
    g_string_append(field->out, "\r\n");
}

static void
write_field(GString *out, const char *name, const char *value)
{
    Field field = field_begin(out, name);
    field_add(&field, value);
    field_end(&field);
}

/* ASCII that nobody would take for an encoded word, in words that fold. */
static bool
is_plain_text(const char *text)
{
    size_t word = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7F ||
            (p[0] == '=' && p[1] == '?'))
            return false;
        word = *p == ' ' ? 0 : word + 1;
        if (word > PLAIN_WORD_MAX)
            return false;
    }
    return true;
}

/* RFC 2047 4.1: words of base64, never cut inside a character. */
static void
add_encoded_words(Field *field, const char *text)
{
    while (*text != '\0') {
        size_t length = text_cut_bytes(text, WORD_SOURCE_MAX);
        g_autofree char *base64 = g_base64_encode((const guchar *)text, length);
        g_autofree char *word = g_strdup_printf("=?utf-8?B?%s?=", base64);
        field_add(field, word);
        text += length;
    }
}

static void
add_text(Field *field, const char *text)
{
    g_autofree char *line = text_one_line(text);
    if (!is_plain_text(line)) {
        add_encoded_words(field, line);
        return;
    }
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    for (char **word = words; *word != NULL; word++)
        field_add(field, *word);
}

/* A display name: atoms, a quoted string, or encoded words (RFC 5322 3.4). */
static void
add_phrase(Field *field, const char *name)
{
    g_autofree char *line = text_one_line(name);
    if (!is_plain_text(line)) {
        add_encoded_words(field, line);
        return;
    }
    bool is_atoms = true;
    for (const char *p = line; *p != '\0'; p++)
        is_atoms &= g_ascii_isalnum(*p) || *p == ' ' || *p == '-' || *p == '_';
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    if (is_atoms) {
        for (char **word = words; *word != NULL; word++)
            field_add(field, *word);
        return;
    }
    g_autoptr(GString) quoted = g_string_new("\"");
    for (const char *p = line; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *p);
    }
    g_string_append_c(quoted, '"');
    if (quoted->len > FOLD_COLUMN - 8)
        add_encoded_words(field, line);
    else
        field_add(field, quoted->str);
}

/* The addr-spec in ASCII, or NULL with FAILURE_PERMANENT. */
static char *
ascii_address(const char *field, const char *addr_spec, GError **error)
{
    char *ascii = addr_spec != NULL ? address_to_ascii(addr_spec) : NULL;
    if (ascii != NULL)
        return ascii;
    g_autofree char *valid = addr_spec != NULL
                                 ? text_repair(addr_spec, strlen(addr_spec))
                                 : g_strdup("");
    g_autofree char *shown = text_one_line(valid);
    failure_set(error, FAILURE_PERMANENT, "address '%s' cannot stand in %s",
                shown, field);
    return NULL;
}

static bool
is_id(const char *id)
{
    size_t length = strnlen(id, ID_MAX_BYTES + 1);
    for (const char *p = id; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F ||
            *p == '<' || *p == '>')
            return false;
    return length > 0 && length <= ID_MAX_BYTES;
}

static void
add_id(Field *field, const char *id)
{
    g_autofree char *bracketed = g_strdup_printf("<%s>", id);
    field_add(field, bracketed);
}

static bool
write_from(GString *out, const WriterFields *fields, GError **error)
{
    g_autofree char *spec =
        ascii_address("From", fields->from->addr_spec, error);
    if (spec == NULL)
        return false;
    Field field = field_begin(out, "From");
    if (*fields->from->name == '\0') {
        field_add(&field, spec);
    } else {
        g_autofree char *angle = g_strdup_printf("<%s>", spec);
        add_phrase(&field, fields->from->name);
        field_add(&field, angle);
    }
    field_end(&field);
    return true;
}

static bool
write_address(GString *out, const char *name, const char *addr_spec,
              GError **error)
{
    g_autofree char *spec = ascii_address(name, addr_spec, error);
    if (spec == NULL)
        return false;
    write_field(out, name, spec);
    return true;
}

static bool
write_cc(GString *out, const GPtrArray *cc, GError **error)
{
    if (cc == NULL || cc->len == 0)
        return true;
    Field field = field_begin(out, "Cc");
    for (guint i = 0; i < cc->len; i++) {
        g_autofree char *spec = ascii_address("Cc", cc->pdata[i], error);
        if (spec == NULL)
            return false;
        g_autofree char *item =
            g_strdup_printf("%s%s", spec, i + 1 < cc->len ? "," : "");
        field_add(&field, item);
    }
    field_end(&field);
    return true;
}

static bool
write_recipients(GString *out, const WriterFields *fields, GError **error)
{
    if (fields->to == NULL)
        write_field(out, "To", "undisclosed-recipients:;");
    else if (!write_address(out, "To", fields->to, error))
        return false;
    return write_cc(out, fields->cc, error) &&
           (fields->reply_to == NULL ||
            write_address(out, "Reply-To", fields->reply_to, error));
}

static void
write_date(GString *out, int64_t date_s)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu",
                                       "Fri", "Sat", "Sun"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(date_s);
    if (date == NULL)
        date = g_date_time_new_from_unix_utc(0);
    g_string_append_printf(
        out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n",
        days[g_date_time_get_day_of_week(date) - 1],
        g_date_time_get_day_of_month(date),
        months[g_date_time_get_month(date) - 1], g_date_time_get_year(date),
        g_date_time_get_hour(date), g_date_time_get_minute(date),
        g_date_time_get_second(date));
}

/*
 * The ids that can be written; of more than the maximum the first, which
 * clients take for the root of the thread, and the newest.
 */
static void
write_references(GString *out, const GPtrArray *references)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = 0; references != NULL && i < references->len; i++)
        if (is_id(references->pdata[i]))
            g_ptr_array_add(ids, references->pdata[i]);
    if (ids->len == 0)
        return;
    guint skipped =
        ids->len > WRITER_REFERENCES_MAX ? ids->len - WRITER_REFERENCES_MAX : 0;
    Field field = field_begin(out, "References");
    add_id(&field, ids->pdata[0]);
    for (guint i = 1 + skipped; i < ids->len; i++)
        add_id(&field, ids->pdata[i]);
    field_end(&field);
}

static bool
write_ids(GString *out, const WriterFields *fields, GError **error)
{
    if (fields->message_id == NULL || !is_id(fields->message_id)) {
        failure_set(error, FAILURE_PERMANENT,
                    "this Message-ID cannot be written");
        return false;
    }
    Field field = field_begin(out, "Message-ID");
    add_id(&field, fields->message_id);
    field_end(&field);
    if (fields->in_reply_to != NULL && is_id(fields->in_reply_to)) {
        field = field_begin(out, "In-Reply-To");
        add_id(&field, fields->in_reply_to);
        field_end(&field);
    }
    write_references(out, fields->references);
    return true;
}

/* One word of visible ASCII, or NULL. */
static const char *
token_or_null(const char *value)
{
    return value != NULL && is_id(value) && strlen(value) <= PLAIN_WORD_MAX
               ? value
               : NULL;
}

static void
write_origin(GString *out, const WriterFields *fields)
{
    switch (fields->origin) {
    case WRITER_HUMAN:
        break;
    case WRITER_REPLIED:
        write_field(out, "Auto-Submitted", "auto-replied");
        break;
    case WRITER_GENERATED:
        write_field(out, "Auto-Submitted", "auto-generated");
        break;
    }
    if (fields->origin != WRITER_HUMAN)
        write_field(out, "X-Auto-Response-Suppress", "All");
    if (token_or_null(fields->loop_id) != NULL)
        write_field(out, "X-Postern-Loop", fields->loop_id);
    if (token_or_null(fields->language) != NULL)
        write_field(out, "Content-Language", fields->language);
}

static bool
prefers_base64(const char *text, size_t length)
{
    size_t high = 0;
    for (size_t i = 0; i < length; i++)
        high += (unsigned char)text[i] >= 0x80;
    return high * 100 > length * BASE64_PERCENT;
}

static void
append_crlf(GString *out, const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *stop = line_end != NULL ? line_end : end;
        g_string_append_len(out, text, stop - text);
        g_string_append(out, "\r\n");
        text = line_end != NULL ? line_end + 1 : end;
    }
}

static void
write_encoded(GString *out, const char *text, size_t length,
              GMimeContentEncoding encoding)
{
    GMimeEncoding state;
    g_mime_encoding_init_encode(&state, encoding);
    g_autofree char *encoded = g_malloc(g_mime_encoding_outlen(&state, length));
    size_t n = g_mime_encoding_flush(&state, text, length, encoded);
    append_crlf(out, encoded, n);
}

static void
write_body(GString *out, const char *text)
{
    g_autofree char *valid = text_repair(text, strlen(text));
    g_autofree char *lines = text_many_lines(valid);
    size_t length = strlen(lines);
    write_field(out, "MIME-Version", "1.0");
    write_field(out, "Content-Type", "text/plain; charset=utf-8");
    if (!prefers_base64(lines, length)) {
        write_field(out, "Content-Transfer-Encoding", "quoted-printable");
        g_string_append(out, "\r\n");
        write_encoded(out, lines, length,
                      GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
        return;
    }
    write_field(out, "Content-Transfer-Encoding", "base64");
    g_string_append(out, "\r\n");
    /* Text is canonical with CRLF before base64 hides its lines. */
    g_autoptr(GString) canonical = g_string_sized_new(length + 64);
    append_crlf(canonical, lines, length);
    write_encoded(out, canonical->str, canonical->len,
                  GMIME_CONTENT_ENCODING_BASE64);
}

GBytes *
writer_write(const WriterFields *fields, GError **error)
{
    g_autoptr(GString) out = g_string_sized_new(1024);
    write_date(out, fields->date_s);
    if (!write_from(out, fields, error) ||
        !write_recipients(out, fields, error))
        return NULL;
    Field subject = field_begin(out, "Subject");
    g_autofree char *valid =
        text_repair(fields->subject, strlen(fields->subject));
    add_text(&subject, valid);
    field_end(&subject);
    if (!write_ids(out, fields, error))
        return NULL;
    write_origin(out, fields);
    write_body(out, fields->text);
    return g_string_free_to_bytes(g_steal_pointer(&out));
}
