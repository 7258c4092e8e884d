#include "mail/attachment.h"

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

/*
 * Bytes after transfer decoding. An attached message counts as the file it
 * becomes: with LF line ends, the last boundary a line of its own.
 */
static size_t
size_of(const Entity *entity)
{
    size_t size = transfer_size(entity->encoding, entity->body, entity->length);
    if (entity->encoding != TRANSFER_IDENTITY ||
        !content_is(entity->type, "message/rfc822"))
        return size;
    const char *p = entity->body, *end = p + entity->length;
    if (size > 2 && end[-1] == '-' && end[-2] == '-')
        size++;
    while (p < end && (p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
        size -= p + 1 < end && p[1] == '\n';
        p++;
    }
    return size;
}

Attachment *
attachment_new(const Entity *entity)
{
    Attachment *attachment = g_new0(Attachment, 1);
    attachment->name = attachment_name(entity);
    attachment->type = checked_type(entity->type->word);
    attachment->size = size_of(entity);
    attachment->content_id = content_id(entity->header);
    attachment->is_inline = !content_is(entity->disposition, "attachment") &&
                            content_is(entity->type, "image/") &&
                            (*attachment->content_id != '\0' ||
                             content_is(entity->disposition, "inline"));
    return attachment;
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

/* Behind "end", or NULL if what follows "begin" is no uuencoded file. */
static const char *
uu_end(const char *p, size_t *ret_size)
{
    size_t size = 0;
    while (*p != '\0') {
        size_t length = strcspn(p, "\n"), bytes;
        const char *next = p + length + (p[length] == '\n');
        if (length == 3 && memcmp(p, "end", 3) == 0) {
            *ret_size = size;
            return next;
        }
        if (!is_uu_line(p, length, &bytes))
            return NULL;
        size += bytes;
        p = next;
    }
    return NULL;
}

char *
attachment_take_uuencoded(const char *text, GPtrArray *attachments)
{
    if (strstr(text, "begin ") == NULL)
        return g_strdup(text);
    GString *rest = g_string_sized_new(strlen(text) + 1);
    const char *p = text;
    while (*p != '\0') {
        size_t length = strcspn(p, "\n"), size = 0;
        const char *next = p + length + (p[length] == '\n');
        g_autofree char *name = uu_begin(p, length);
        const char *end = name != NULL ? uu_end(next, &size) : NULL;
        if (end == NULL) {
            g_string_append_len(rest, p, next - p);
            p = next;
            continue;
        }
        Attachment *file = g_new0(Attachment, 1);
        file->name = g_steal_pointer(&name);
        file->type = g_strdup("application/octet-stream");
        file->size = size;
        file->content_id = g_strdup("");
        g_ptr_array_add(attachments, file);
        p = end;
    }
    return g_string_free(rest, FALSE);
}
