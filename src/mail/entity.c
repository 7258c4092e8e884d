#include "mail/entity.h"

#include <string.h>

#include "mail/defect.h"

enum {
    GUESS_BYTES = 64 * 1024, /* searched for an undeclared boundary, */
    BOUNDARY_MAX = 200       /* which is not longer than this */
};

/* An open multipart. */
typedef struct {
    Entity *entity;
    size_t index;
    const char *boundary;
    size_t length;
} Level;

typedef struct {
    const char *bytes;
    size_t length;
    const MailLimits *limits;
    GPtrArray *defects;
    GPtrArray *entities;
    GArray *levels; /* Level, outermost first */
    HeaderSearch search;
    size_t guessed_from; /* searched for an undeclared boundary from here, */
    size_t guessed_to;   /* up to the one that was found, or in vain */
} Scan;

static void
entity_free(gpointer data)
{
    Entity *entity = data;
    header_free(entity->header);
    content_free(entity->type);
    content_free(entity->disposition);
    g_free(entity);
}

typedef enum {
    TAIL_EXACT, /* nothing, or "--" */
    TAIL_JUNK   /* "--" and more: some programs close so */
} Tail;

static bool
find_tail(const Scan *scan, const char *line, size_t length, Tail wanted,
          size_t *ret_level, bool *ret_closes)
{
    for (size_t i = scan->levels->len; i-- > 0;) {
        const Level *level = &g_array_index(scan->levels, Level, i);
        if (length < 2 + level->length ||
            memcmp(line + 2, level->boundary, level->length) != 0)
            continue;
        size_t rest = length - 2 - level->length;
        const char *tail = line + 2 + level->length;
        bool closes = rest >= 2 && memcmp(tail, "--", 2) == 0;
        if (wanted == TAIL_EXACT ? rest == 0 || (closes && rest == 2)
                                 : closes) {
            *ret_level = i;
            *ret_closes = closes;
            return true;
        }
    }
    return false;
}

/*
 * Which open multipart the line "--boundary" or "--boundary--" belongs to.
 * Exact matches go first: one boundary may be the beginning of another.
 */
static bool
find_level(const Scan *scan, const char *line, size_t length, size_t *ret_level,
           bool *ret_closes)
{
    if (length < 3 || line[0] != '-' || line[1] != '-')
        return false;
    while (length > 2 && g_ascii_isspace(line[length - 1]))
        length--;
    return find_tail(scan, line, length, TAIL_EXACT, ret_level, ret_closes) ||
           find_tail(scan, line, length, TAIL_JUNK, ret_level, ret_closes);
}

static bool
stops_header(const void *context, const char *line, size_t length)
{
    size_t level;
    bool closes;
    return find_level(context, line, length, &level, &closes);
}

static Content *
read_content(const Header *header, const char *name, const char *otherwise)
{
    const HeaderField *field = header_find(header, name);
    Content *content = field != NULL
                           ? content_parse(field->value, field->value_length)
                           : content_parse(otherwise, strlen(otherwise));
    return content;
}

/* "text", "" and worse: the body is still there to be read. */
static void
repair_type(Content *type, const char *otherwise)
{
    const char *slash = strchr(type->word, '/');
    if (slash != NULL && slash != type->word && slash[1] != '\0')
        return;
    g_free(type->word);
    type->word = g_strdup(otherwise);
}

static const char *
default_type(const Scan *scan)
{
    if (scan->levels->len == 0)
        return "text/plain";
    const Level *top =
        &g_array_index(scan->levels, Level, scan->levels->len - 1);
    return content_is(top->entity->type, "multipart/digest") ? "message/rfc822"
                                                             : "text/plain";
}

/* True if the line at `offset` looks like a boundary, with a field below it. */
static bool
looks_like_boundary(const Scan *scan, size_t offset, Level *level)
{
    size_t next = header_next_line(scan->bytes, scan->length, offset);
    const char *line = scan->bytes + offset, *after = scan->bytes + next;
    size_t length = next - offset, left = scan->length - next;
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    if (length < 4 || length > BOUNDARY_MAX || memcmp(line, "--", 2) != 0 ||
        left <= 8 || g_ascii_strncasecmp(after, "content-", 8) != 0)
        return false;
    level->boundary = line + 2;
    level->length = length - 2;
    return true;
}

/*
 * A multipart that does not name its boundary: the first line that looks like
 * one is taken for it. Where another multipart was looked for one, the search
 * goes on where that ended, or a thousand of them would read the same lines.
 */
static bool
guess_boundary(Scan *scan, size_t offset, Level *level)
{
    size_t limit = MIN(scan->length, offset + GUESS_BYTES);
    if (offset >= scan->guessed_from && offset <= scan->guessed_to)
        offset = scan->guessed_to;
    else
        scan->guessed_from = offset;
    bool found = false;
    while (offset < limit &&
           !(found = looks_like_boundary(scan, offset, level)))
        offset = header_next_line(scan->bytes, scan->length, offset);
    scan->guessed_to = offset;
    return found;
}

/* Open `entity` as a multipart if it is one and may be. */
static void
open_level(Scan *scan, Entity *entity, size_t index, size_t body)
{
    if (!content_is(entity->type, "multipart/"))
        return;
    if (entity->depth >= scan->limits->depth) {
        entity->is_too_deep = true;
        defect_add(scan->defects, DEFECT_DEPTH);
        return;
    }
    Level level = {entity, index, content_parameter(entity->type, "boundary"),
                   0};
    if (level.boundary != NULL && *level.boundary != '\0') {
        level.length = strlen(level.boundary);
    } else {
        defect_add(scan->defects, DEFECT_NO_BOUNDARY);
        if (!guess_boundary(scan, body, &level))
            return;
    }
    entity->is_multipart = true;
    g_array_append_val(scan->levels, level);
}

/* Read the entity whose header starts at `offset`; returns its body's offset */
static size_t
add_entity(Scan *scan, size_t offset)
{
    Entity *entity = g_new0(Entity, 1);
    const char *otherwise = default_type(scan);
    entity->header = header_read_next(
        scan->bytes + offset, scan->length - offset, scan->limits,
        &scan->search, stops_header, scan, scan->defects);
    entity->type = read_content(entity->header, "Content-Type", otherwise);
    repair_type(entity->type, otherwise);
    entity->disposition =
        read_content(entity->header, "Content-Disposition", "");
    const HeaderField *encoding =
        header_find(entity->header, "Content-Transfer-Encoding");
    if (encoding != NULL)
        entity->encoding =
            transfer_parse(encoding->value, encoding->value_length);
    size_t body = offset + entity->header->length;
    entity->body = scan->bytes + body;
    size_t index = scan->entities->len;
    g_ptr_array_add(scan->entities, entity);
    if (scan->levels->len > 0) {
        Level *top = &g_array_index(scan->levels, Level, scan->levels->len - 1);
        entity->parent = top->index;
        entity->depth = top->entity->depth + 1;
        top->entity->children++;
    }
    open_level(scan, entity, index, body);
    return body;
}

/* A body ends before the line end that precedes the boundary (RFC 2046 5.1.1)
 */
static void
end_body(const Scan *scan, Entity *entity, size_t offset)
{
    size_t start = (size_t)(entity->body - scan->bytes);
    if (offset > start && scan->bytes[offset - 1] == '\n')
        offset--;
    if (offset > start && scan->bytes[offset - 1] == '\r')
        offset--;
    entity->length = offset - start;
}

/* End what is open deeper than `level`, at the boundary line at `offset`. */
static void
close_levels(Scan *scan, size_t level, size_t offset)
{
    for (size_t i = scan->levels->len; i-- > level + 1;) {
        Level *inner = &g_array_index(scan->levels, Level, i);
        end_body(scan, inner->entity, offset);
        defect_add(scan->defects, DEFECT_UNCLOSED);
    }
    g_array_set_size(scan->levels, (guint)level + 1);
}

static void
scan_body(Scan *scan, size_t offset)
{
    Entity *leaf = scan->entities->pdata[0];
    size_t level, next;
    bool closes;
    for (; offset < scan->length && scan->levels->len > 0; offset = next) {
        next = header_next_line(scan->bytes, scan->length, offset);
        if (scan->bytes[offset] != '-' ||
            !find_level(scan, scan->bytes + offset, next - offset, &level,
                        &closes))
            continue;
        Entity *multipart = g_array_index(scan->levels, Level, level).entity;
        if (closes && multipart->children == 0)
            continue;
        if (leaf != NULL)
            end_body(scan, leaf, offset);
        leaf = NULL;
        close_levels(scan, level, offset);
        if (closes) {
            end_body(scan, multipart, offset);
            g_array_set_size(scan->levels, (guint)level);
        } else if (scan->entities->len >= scan->limits->parts) {
            defect_add(scan->defects, DEFECT_PARTS);
        } else {
            next = add_entity(scan, next);
            leaf = scan->entities->pdata[scan->entities->len - 1];
        }
    }
    if (leaf != NULL)
        leaf->length = scan->length - (size_t)(leaf->body - scan->bytes);
}

GPtrArray *
entity_scan(const char *bytes, size_t length, const MailLimits *limits,
            GPtrArray *defects)
{
    g_autoptr(GArray) levels = g_array_new(FALSE, FALSE, sizeof(Level));
    Scan scan = {.bytes = bytes,
                 .length = length,
                 .limits = limits,
                 .defects = defects,
                 .entities = g_ptr_array_new_with_free_func(entity_free),
                 .levels = levels};
    scan_body(&scan, add_entity(&scan, 0));
    for (guint i = 0; i < levels->len; i++) {
        Level *open = &g_array_index(levels, Level, i);
        open->entity->length = length - (size_t)(open->entity->body - bytes);
        defect_add(defects, open->entity->children > 0 ? DEFECT_UNCLOSED
                                                       : DEFECT_NO_PARTS);
    }
    return scan.entities;
}
