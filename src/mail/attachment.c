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

static bool
is_separator(char c)
{
    return c == '/' || c == '\\';
}

/* A name is a label: no folder, one line, a length people can live with. */
static char *
label(const char *name)
{
    size_t end = strlen(name);
    while (end > 1 && is_separator(name[end - 1]))
        end--;
    size_t start = end > 0 ? end - 1 : 0;
    while (start > 0 && !is_separator(name[start - 1]))
        start--;
    g_autofree char *last = g_strndup(name + start, end - start);
    g_autofree char *line = text_one_line(last);
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

Attachment *
attachment_new(const char *name, const char *type, const char *content_id)
{
    Attachment *attachment = g_new0(Attachment, 1);
    attachment->name = label(name);
    attachment->type = checked_type(type);
    attachment->content_id = text_one_line(content_id);
    if (strlen(attachment->content_id) > ATTACHMENT_ID_MAX)
        *attachment->content_id = '\0';
    return attachment;
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
    const AttachmentWish *wish; /* NULL: not for this one */
} Measure;

static void
measure(void *context, const void *bytes, size_t length)
{
    Measure *so_far = context;
    so_far->size += length;
    sha256_update(&so_far->digest, length, bytes);
    if (so_far->wish != NULL)
        so_far->wish->feed(so_far->wish->context, bytes, length);
}

bool
attachment_add(AttachmentList *list, Attachment *attachment,
               AttachmentSource source, const void *what)
{
    if (list->found->len >= list->max) {
        attachment_free(attachment);
        return false;
    }
    bool is_wanted =
        list->wish != NULL && list->wish->index == list->found->len;
    Measure content = {.wish = is_wanted ? list->wish : NULL};
    sha256_init(&content.digest);
    source(what, measure, &content);
    attachment->size = content.size;
    sha256_digest(&content.digest, sizeof attachment->digest,
                  attachment->digest);
    g_ptr_array_add(list->found, attachment);
    return true;
}

bool
attachment_add_entity(AttachmentList *list, const Entity *entity)
{
    g_autofree char *name = attachment_name(entity);
    g_autofree char *id = content_id(entity->header);
    Attachment *attachment = attachment_new(name, entity->type->word, id);
    attachment->is_inline = !content_is(entity->disposition, "attachment") &&
                            content_is(entity->type, "image/") &&
                            (*attachment->content_id != '\0' ||
                             content_is(entity->disposition, "inline"));
    return attachment_add(list, attachment, feed_entity, entity);
}
