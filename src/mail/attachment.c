#include "mail/attachment.h"

#include <nettle/sha2.h>
#include <string.h>

#include "base/text.h"
#include "mail/words.h"

void
attachment_free(Attachment *attachment)
{
    if (attachment == NULL)
        return;
    g_free(attachment->name);
    g_free(attachment->type);
    g_free(attachment->content_id);
    g_free(attachment);
}

/* A name is a label: no folder, one line, a length people can live with. */
static char *
label(const char *name)
{
    for (const char *p = name; *p != '\0'; p++)
        if ((*p == '/' || *p == '\\') && p[1] != '\0')
            name = p + 1;
    g_autofree char *line = text_one_line(name);
    if (strcmp(line, ".") == 0 || strcmp(line, "..") == 0)
        *line = '\0';
    return g_strndup(line, text_cut_bytes(line, ATTACHMENT_NAME_MAX));
}

char *
attachment_name(const Entity *entity)
{
    const char *name = content_parameter(entity->disposition, "filename");
    if (name == NULL || *name == '\0')
        name = content_parameter(entity->type, "name");
    if (name == NULL || *name == '\0')
        name = content_parameter(entity->disposition, "name");
    return label(name != NULL ? name : "");
}

/* type/subtype of RFC 2045 5.1 characters, or what says nothing. */
static char *
checked_type(const char *word)
{
    size_t slashes = 0;
    for (const char *p = word; *p != '\0'; p++) {
        slashes += *p == '/';
        if (!g_ascii_isalnum(*p) && strchr("/.+-_!#$&^", *p) == NULL)
            return g_strdup("application/octet-stream");
    }
    return g_strdup(slashes == 1 && strlen(word) <= ATTACHMENT_NAME_MAX
                        ? word
                        : "application/octet-stream");
}

static char *
content_id(const Header *header)
{
    g_autofree char *value = header_text(header, "Content-ID");
    if (value == NULL)
        return g_strdup("");
    size_t length = strlen(value);
    bool has_brackets =
        length > 1 && value[0] == '<' && value[length - 1] == '>';
    return has_brackets ? g_strndup(value + 1, length - 2)
                        : g_steal_pointer(&value);
}

/* An attached message as the file it becomes: see attachment.h. */
static void
feed_message(const Entity *entity, TransferFeed feed, void *context)
{
    const char *from = entity->body, *end = from + entity->length, *p = from;
    while (p < end && (p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
        if (p + 1 < end && p[1] == '\n') {
            if (p > from)
                feed(context, from, (size_t)(p - from));
            from = p + 1;
        }
        p++;
    }
    if (end > from)
        feed(context, from, (size_t)(end - from));
    /* The line end before a boundary is not the part's; its last line has one
     * all the same. */
    if (entity->length > 2 && end[-1] == '-' && end[-2] == '-')
        feed(context, "\n", 1);
}

static void
feed_entity(const void *what, TransferFeed feed, void *context)
{
    const Entity *entity = what;
    if (entity->encoding == TRANSFER_IDENTITY &&
        content_is(entity->type, "message/rfc822"))
        feed_message(entity, feed, context);
    else
        transfer_feed(entity->encoding, entity->body, entity->length, feed,
                      context);
}

typedef struct {
    size_t size;
    struct sha256_ctx digest;
} Measure;

static void
measure(void *context, const void *bytes, size_t length)
{
    Measure *so_far = context;
    so_far->size += length;
    sha256_update(&so_far->digest, length, bytes);
}

void
attachment_add(GPtrArray *attachments, Attachment *attachment,
               AttachmentSource source, const void *what)
{
    Measure content = {.size = 0};
    sha256_init(&content.digest);
    source(what, measure, &content);
    attachment->size = content.size;
    sha256_digest(&content.digest, sizeof attachment->digest,
                  attachment->digest);
    g_ptr_array_add(attachments, attachment);
}

void
attachment_add_entity(GPtrArray *attachments, const Entity *entity)
{
    Attachment *attachment = g_new0(Attachment, 1);
    attachment->name = attachment_name(entity);
    attachment->type = checked_type(entity->type->word);
    attachment->content_id = content_id(entity->header);
    attachment->is_inline = !content_is(entity->disposition, "attachment") &&
                            content_is(entity->type, "image/") &&
                            (*attachment->content_id != '\0' ||
                             content_is(entity->disposition, "inline"));
    attachment_add(attachments, attachment, feed_entity, entity);
}

/* The name in "begin 644 name"; NULL if the line is none. */
static char *
uu_begin(const char *line, size_t length)
{
    if (length < 11 || memcmp(line, "begin ", 6) != 0)
        return NULL;
    size_t n = 6;
    while (n < length && line[n] >= '0' && line[n] <= '7')
        n++;
    if (n < 9 || n > 10 || line[n] != ' ')
        return NULL;
    g_autofree char *name = g_strndup(line + n + 1, length - n - 1);
    return label(g_strstrip(name));
}

/* A data line says in its first character how many bytes it carries. */
static bool
is_uu_line(const char *line, size_t length, size_t *ret_bytes)
{
    if (length == 0 || line[0] < ' ' || line[0] > '`')
        return false;
    size_t bytes = (size_t)((line[0] - ' ') & 63);
    size_t expected = (bytes + 2) / 3 * 4 + 1;
    if (length > expected + 2 || (bytes > 0 && length + 3 < expected))
        return false;
    for (size_t i = 1; i < length; i++)
        if (line[i] < ' ' || line[i] > '`')
            return false;
    *ret_bytes = bytes;
    return true;
}

/* The line "end", or NULL if what follows "begin" is no uuencoded file. */
static const char *
uu_end(const char *p)
{
    while (*p != '\0') {
        size_t length = strcspn(p, "\n"), bytes;
        if (length == 3 && memcmp(p, "end", 3) == 0)
            return p;
        if (!is_uu_line(p, length, &bytes))
            return NULL;
        p += length + (p[length] == '\n');
    }
    return NULL;
}

/* Data lines, checked by uu_end(). */
typedef struct {
    const char *lines;
    const char *end;
} UuFile;

enum { UU_LINE_BYTES = 63 };

/* What a trimmed line lacks at its end are spaces, which stand for 0. */
static unsigned
uu_value(const char *line, size_t length, size_t i)
{
    return i < length ? (unsigned)(line[i] - ' ') & 63 : 0;
}

static void
feed_uu_line(const char *line, size_t length, size_t bytes, TransferFeed feed,
             void *context)
{
    unsigned char out[UU_LINE_BYTES + 2];
    size_t n = 0;
    for (size_t i = 1; n < bytes; i += 4) {
        unsigned bits = uu_value(line, length, i) << 18 |
                        uu_value(line, length, i + 1) << 12 |
                        uu_value(line, length, i + 2) << 6 |
                        uu_value(line, length, i + 3);
        out[n++] = (unsigned char)(bits >> 16);
        out[n++] = (unsigned char)(bits >> 8);
        out[n++] = (unsigned char)bits;
    }
    if (bytes > 0)
        feed(context, out, bytes);
}

static void
feed_uu(const void *what, TransferFeed feed, void *context)
{
    const UuFile *file = what;
    for (const char *p = file->lines; p < file->end;) {
        size_t length = strcspn(p, "\n"), bytes = 0;
        if (is_uu_line(p, length, &bytes))
            feed_uu_line(p, length, bytes, feed, context);
        p += length + 1;
    }
}

static void
add_uu(GPtrArray *attachments, char *name, const UuFile *file)
{
    Attachment *attachment = g_new0(Attachment, 1);
    attachment->name = name;
    attachment->type = g_strdup("application/octet-stream");
    attachment->content_id = g_strdup("");
    attachment_add(attachments, attachment, feed_uu, file);
}

char *
attachment_take_uuencoded(const char *text, GPtrArray *attachments)
{
    if (strstr(text, "begin ") == NULL)
        return g_strdup(text);
    GString *rest = g_string_sized_new(strlen(text) + 1);
    const char *p = text;
    while (*p != '\0') {
        size_t length = strcspn(p, "\n");
        const char *next = p + length + (p[length] == '\n');
        g_autofree char *name = uu_begin(p, length);
        const char *end = name != NULL ? uu_end(next) : NULL;
        if (end == NULL) {
            g_string_append_len(rest, p, next - p);
            p = next;
            continue;
        }
        add_uu(attachments, g_steal_pointer(&name), &(UuFile){next, end});
        p = end + strlen("end");
        p += *p == '\n';
    }
    return g_string_free(rest, FALSE);
}
