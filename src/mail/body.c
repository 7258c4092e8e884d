#include "mail/body.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "mail/charset.h"
#include "mail/defect.h"
#include "mail/entity.h"
#include "mail/html_text.h"
#include "mail/tnef.h"
#include "mail/uuencode.h"

enum {
    HTML_FACTOR = 4, /* HTML read is at most so many times the text kept */
    META_BYTES = 2048
};

typedef enum { ROLE_CONTAINER, ROLE_PLAIN, ROLE_HTML, ROLE_ATTACHMENT } Role;

/*
 * A version of the text: some programs name even these. A file among them says
 * that it is one.
 */
static bool
is_version(const Entity *entity, const GPtrArray *entities)
{
    const Entity *parent = entities->pdata[entity->parent];
    return entity->depth > 0 &&
           content_is(parent->type, "multipart/alternative") &&
           !content_is(entity->disposition, "attachment");
}

static Role
role_of(const Entity *entity, const GPtrArray *entities)
{
    if (entity->is_multipart)
        return entity->children > 0 ? ROLE_CONTAINER : ROLE_PLAIN;
    if (content_is(entity->type, "multipart/"))
        return entity->is_too_deep ? ROLE_ATTACHMENT : ROLE_PLAIN;
    /* What is no part of anything is the text, if it is text at all. */
    g_autofree char *name = attachment_name(entity);
    bool is_alone = entity->depth == 0 && *name == '\0' &&
                    content_is(entity->type, "text/") &&
                    !content_is(entity->type, "text/calendar");
    if (content_is(entity->disposition, "attachment") && !is_alone)
        return ROLE_ATTACHMENT;
    if (!content_is(entity->type, "text/plain") &&
        !content_is(entity->type, "text/html") && !is_alone)
        return ROLE_ATTACHMENT;
    /* A file that is to be shown is both: see body_read(). */
    if (*name != '\0' && !content_is(entity->disposition, "inline") &&
        !is_version(entity, entities))
        return ROLE_ATTACHMENT;
    return content_is(entity->type, "text/html") ? ROLE_HTML : ROLE_PLAIN;
}

/* The charset an HTML text names itself: <meta ... charset=...>. */
static char *
meta_charset(const GByteArray *bytes)
{
    size_t length = MIN(bytes->len, META_BYTES);
    g_autofree char *head =
        g_ascii_strdown((const char *)bytes->data, (gssize)length);
    const char *found = strstr(head, "charset=");
    if (found == NULL)
        return NULL;
    found += strlen("charset=");
    found += strspn(found, "\"' ");
    return g_strndup(found, strcspn(found, "\"'> ;/"));
}

/* The part's bytes as valid UTF-8; `max_bytes` of them are read. */
static char *
decode_text(const Entity *entity, size_t max_bytes, GPtrArray *defects)
{
    g_autoptr(GByteArray) bytes = transfer_decode(
        entity->encoding, entity->body, entity->length, max_bytes);
    if (bytes->len >= max_bytes)
        defect_add(defects, DEFECT_TEXT_LONG);
    if (bytes->len == 0)
        return g_strdup("");
    const char *declared = content_parameter(entity->type, "charset");
    g_autofree char *meta = NULL;
    if (charset_converter(declared) == NULL &&
        content_is(entity->type, "text/html"))
        declared = meta = meta_charset(bytes);
    bool repaired = false;
    char *text = charset_to_utf8((const char *)bytes->data, bytes->len,
                                 declared, &repaired);
    if (repaired)
        defect_add(defects, DEFECT_CHARSET);
    return text;
}

char *
body_unflow(const char *text, bool delete_space)
{
    GString *out = g_string_sized_new(strlen(text) + 1);
    bool is_open = false; /* the line before ended softly */
    for (const char *p = text; *p != '\0';) {
        size_t length = strcspn(p, "\n");
        const char *next = p + length + (p[length] == '\n');
        bool is_quoted = *p == '>';
        bool is_stuffed = *p == ' ';
        const char *line = p + is_stuffed;
        length -= is_stuffed;
        bool is_signature = length == 3 && memcmp(line, "-- ", 3) == 0;
        if (is_open && (is_quoted || is_signature))
            g_string_append_c(out, '\n');
        is_open = length > 0 && line[length - 1] == ' ' && !is_quoted &&
                  !is_signature;
        g_string_append_len(out, line, (gssize)length);
        if (is_open && delete_space)
            g_string_truncate(out, out->len - 1);
        if (!is_open && line[length] == '\n')
            g_string_append_c(out, '\n');
        p = next;
    }
    return g_string_free(out, FALSE);
}

static bool
is_blank(const char *text)
{
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        if (!g_unichar_isspace(g_utf8_get_char(p)))
            return false;
    return true;
}

typedef struct {
    GString *plain;
    GString *html;
    size_t history; /* in html; SIZE_MAX: not said */
    AttachmentList attachments;
    char *tnef_text; /* of the first winmail.dat; NULL: there is none */
    char *tnef_html;
    const MailLimits *limits;
    GPtrArray *defects;
} Reader;

static void
append_part(GString *to, const char *text)
{
    if (to->len > 0 && to->str[to->len - 1] != '\n')
        g_string_append_c(to, '\n');
    g_string_append(to, text);
}

static void
read_html(Reader *reader, const char *decoded)
{
    size_t room = reader->limits->text_bytes - reader->html->len, history;
    g_autofree char *text = html_text(decoded, strlen(decoded), room, &history);
    size_t length = strlen(text);
    append_part(reader->html, text);
    if (history < length && reader->history == SIZE_MAX)
        reader->history = reader->html->len - length + history;
}

/* CRLF becomes LF in place: nearly all text needs that and nothing else. */
static void
drop_cr(char *text)
{
    char *to = strchr(text, '\r');
    if (to == NULL)
        return;
    const char *from = to;
    while (*from != '\0') {
        from += from[0] == '\r' && from[1] == '\n';
        size_t run = strcspn(from + 1, "\r") + 1;
        memmove(to, from, run);
        to += run;
        from += run;
    }
    *to = '\0';
}

/* True if there may be controls or invisible characters in the text. */
static bool
needs_cleaning(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if ((*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7F ||
            *p == 0xC2 || *p == 0xE2 || *p == 0xEF)
            return true;
    return false;
}

static void
read_plain(Reader *reader, const Entity *entity, char *decoded)
{
    drop_cr(decoded);
    g_autofree char *clean =
        needs_cleaning(decoded) ? text_many_lines(decoded) : g_strdup(decoded);
    char *text = uuencode_take(clean, &reader->attachments);
    const char *format = content_parameter(entity->type, "format");
    if (format != NULL && g_ascii_strcasecmp(format, "flowed") == 0) {
        const char *delsp = content_parameter(entity->type, "delsp");
        char *joined = body_unflow(
            text, delsp != NULL && g_ascii_strcasecmp(delsp, "yes") == 0);
        g_free(text);
        text = joined;
    }
    append_part(reader->plain, text);
    g_free(text);
}

static void
read_text(Reader *reader, const Entity *entity, Role role)
{
    GString *to = role == ROLE_HTML ? reader->html : reader->plain;
    if (to->len >= reader->limits->text_bytes) {
        defect_add(reader->defects, DEFECT_TEXT_LONG);
        return;
    }
    size_t room = reader->limits->text_bytes - to->len;
    g_autofree char *decoded = decode_text(
        entity, role == ROLE_HTML ? room * HTML_FACTOR : room, reader->defects);
    if (role == ROLE_HTML || html_text_is_html(decoded))
        read_html(reader, decoded);
    else
        read_plain(reader, entity, decoded);
}

/* ---- winmail.dat ---- */

static bool
is_tnef(const Entity *entity, const char *name)
{
    if (content_is(entity->type, "application/ms-tnef") ||
        content_is(entity->type, "application/vnd.ms-tnef"))
        return true;
    if (g_ascii_strcasecmp(name, "winmail.dat") != 0 &&
        g_ascii_strcasecmp(name, "win.dat") != 0)
        return false;
    g_autoptr(GByteArray) head = transfer_decode(entity->encoding, entity->body,
                                                 MIN(entity->length, 100), 4);
    return tnef_is(head->data, head->len);
}

static void
feed_tnef_file(const void *what, TransferFeed feed, void *context)
{
    const TnefFile *file = what;
    if (file->length > 0)
        feed(context, file->content, file->length);
}

static bool
add_tnef_file(AttachmentList *list, const TnefFile *file)
{
    g_autofree char *type = g_ascii_strdown(file->type, -1);
    Attachment *attachment = attachment_new(file->name, type, file->content_id);
    attachment->is_inline = *attachment->content_id != '\0' &&
                            g_str_has_prefix(attachment->type, "image/");
    return attachment_add(list, attachment, feed_tnef_file, file);
}

static void
read_tnef(Reader *reader, const Entity *entity)
{
    size_t max_bytes = reader->limits->tnef_bytes;
    g_autoptr(GByteArray) bytes = transfer_decode(
        entity->encoding, entity->body, entity->length, max_bytes + 1);
    if (bytes->len > max_bytes) {
        defect_add(reader->defects, DEFECT_TNEF_LARGE);
        return;
    }
    g_autoptr(Tnef) tnef = tnef_read(bytes->data, bytes->len, reader->limits);
    if (tnef == NULL) {
        defect_add(reader->defects, DEFECT_TNEF_BROKEN);
        return;
    }
    bool fits = !tnef->has_more;
    for (guint i = 0; i < tnef->files->len && fits; i++)
        fits = add_tnef_file(&reader->attachments, tnef->files->pdata[i]);
    if (!fits)
        defect_add(reader->defects, DEFECT_PARTS);
    if (reader->tnef_text == NULL) {
        reader->tnef_text = g_steal_pointer(&tnef->text);
        reader->tnef_html = g_steal_pointer(&tnef->html);
    }
}

/* For a mail that says nothing else. */
static void
use_tnef_text(Reader *reader)
{
    if (reader->tnef_text == NULL)
        return;
    g_autofree char *text = text_many_lines(reader->tnef_text);
    g_string_assign(reader->plain, is_blank(text) ? "" : text);
    g_string_truncate(reader->html, 0);
    read_html(reader, reader->tnef_html);
}

/* ---- all parts ---- */

static void
read_attachment(Reader *reader, const Entity *entity, const char *name)
{
    if (!attachment_add_entity(&reader->attachments, entity))
        defect_add(reader->defects, DEFECT_PARTS);
    else if (is_tnef(entity, name))
        read_tnef(reader, entity);
}

static void
read_entity(Reader *reader, const GPtrArray *entities, const Entity *entity)
{
    Role role = role_of(entity, entities);
    g_autofree char *name = attachment_name(entity);
    if (role == ROLE_PLAIN || role == ROLE_HTML)
        read_text(reader, entity, role);
    if (role == ROLE_ATTACHMENT || (role != ROLE_CONTAINER && *name != '\0' &&
                                    !is_version(entity, entities)))
        read_attachment(reader, entity, name);
}

Body
body_read(const GPtrArray *entities, const MailLimits *limits,
          const AttachmentWish *wish, GPtrArray *defects)
{
    Reader reader = {.plain = g_string_new(NULL),
                     .html = g_string_new(NULL),
                     .history = SIZE_MAX,
                     .attachments = {g_ptr_array_new_with_free_func(
                                         (GDestroyNotify)attachment_free),
                                     limits->parts, wish},
                     .limits = limits,
                     .defects = defects};
    for (guint i = 0; i < entities->len; i++)
        read_entity(&reader, entities, entities->pdata[i]);
    if (is_blank(reader.plain->str) && is_blank(reader.html->str))
        use_tnef_text(&reader);
    g_free(reader.tnef_text);
    g_free(reader.tnef_html);
    bool uses_html = is_blank(reader.plain->str) && reader.html->len > 0;
    GString *text = uses_html ? reader.html : reader.plain;
    g_string_free(uses_html ? reader.plain : reader.html, TRUE);
    if (is_blank(text->str)) {
        g_string_truncate(text, 0);
        defect_add(defects, DEFECT_NO_TEXT);
    }
    size_t history = uses_html ? MIN(reader.history, text->len) : text->len;
    return (Body){g_string_free(text, FALSE), history,
                  reader.attachments.found};
}
