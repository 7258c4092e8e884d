#include "policy/template.h"

#include <string.h>

#include "base/failure.h"
#include "base/text.h"
#include "settings/nearest.h"

enum {
    DEPTH_MAX = 8,          /* sections within sections */
    SUBJECT_MAX_BYTES = 900 /* stays below a line of RFC 5322 2.1.1, encoded
                               by the writer */
};

typedef struct {
    const char *name; /* first: nearest_name() reads it */
    size_t offset;
    bool lines;    /* keeps its line ends */
    bool stranger; /* words of somebody we do not know */
} Placeholder;

#define FIELD(member) offsetof(TemplateValues, member)

static const Placeholder placeholders[] = {
    {"ticket.number", FIELD(ticket_number), false, false},
    {"ticket.tag", FIELD(ticket_tag), false, false},
    {"ticket.subject", FIELD(ticket_subject), false, true},
    {"queue.name", FIELD(queue_name), false, false},
    {"queue.display_name", FIELD(queue_display_name), false, false},
    {"queue.address", FIELD(queue_address), false, false},
    {"requester.name", FIELD(requester_name), false, true},
    {"requester.address", FIELD(requester_address), false, false},
    {"message.author", FIELD(message_author), false, true},
    {"message.text", FIELD(message_text), true, true},
    {"agent.name", FIELD(agent_name), false, false},
    {"reason", FIELD(reason), true, false},
    {"detail", FIELD(detail), true, false},
};

enum { PLACEHOLDER_COUNT = G_N_ELEMENTS(placeholders) };

typedef enum {
    NODE_TEXT,    /* as it stands */
    NODE_VALUE,   /* the value, or `text` if it is empty */
    NODE_SECTION, /* up to `end` only if there is a value */
    NODE_INVERTED /* up to `end` only if there is none */
} NodeKind;

typedef struct {
    NodeKind kind;
    size_t placeholder; /* row of the table */
    const char *text;   /* borrowed from Template.texts */
    size_t length;
    guint end; /* index of the node behind the section */
} Node;

struct Template {
    char *source;
    GPtrArray *texts; /* char *: what the nodes point into */
    GArray *subject;  /* Node */
    GArray *body;     /* Node */
};

/* A section that was opened and not yet closed. */
typedef struct {
    guint node;
    unsigned line;
} Open;

/* Where partials come from; `find` is NULL within a partial. */
typedef struct {
    const char *(*find)(void *context, const char *name);
    void *context;
} Partials;

typedef struct {
    Template *parsed;
    GArray *nodes;
    const char *source; /* for messages */
    const char *p;      /* the next character */
    const char *start;  /* of the text */
    const char *end;    /* of the text */
    unsigned line;      /* of p */
    Partials partials;
    Open open[DEPTH_MAX];
    size_t depth;
    GError **error;
} Parser;

static const char *const template_names[TEMPLATE_COUNT] = {
    [TEMPLATE_ACKNOWLEDGEMENT] = "acknowledgement",
    [TEMPLATE_REPLY] = "reply",
    [TEMPLATE_NOTICE_NEW] = "notice-new",
    [TEMPLATE_NOTICE_ANSWER] = "notice-answer",
    [TEMPLATE_ADMIN] = "admin",
};

const char *
template_name(TemplateName name)
{
    return template_names[name];
}

static bool refuse(GError **error, const char *source, unsigned line,
                   const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool
refuse(GError **error, const char *source, unsigned line, const char *format,
       ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    failure_set(error, FAILURE_CONFIG, "%s:%u: %s", source, line, message);
    return false;
}

static bool
refuse_unknown(const Parser *parser, const char *name)
{
    const char *near = nearest_name(name, placeholders, PLACEHOLDER_COUNT,
                                    sizeof placeholders[0]);
    if (near != NULL)
        return refuse(parser->error, parser->source, parser->line,
                      "unknown placeholder '%s'; did you mean '%s'?", name,
                      near);
    g_autoptr(GString) known = g_string_new(NULL);
    for (size_t i = 0; i < PLACEHOLDER_COUNT; i++)
        g_string_append_printf(known, "%s%s", i == 0 ? "" : ", ",
                               placeholders[i].name);
    return refuse(parser->error, parser->source, parser->line,
                  "unknown placeholder '%s'; there are %s", name, known->str);
}

static bool
find_placeholder(const Parser *parser, const char *name, size_t *ret_row)
{
    for (size_t i = 0; i < PLACEHOLDER_COUNT; i++) {
        if (strcmp(placeholders[i].name, name) == 0) {
            *ret_row = i;
            return true;
        }
    }
    return refuse_unknown(parser, name);
}

static void
add_text(GArray *nodes, const char *text, const char *end)
{
    Node node = {
        .kind = NODE_TEXT, .text = text, .length = (size_t)(end - text)};
    if (node.length > 0)
        g_array_append_val(nodes, node);
}

/* {{name}} or {{name|fallback}}; `inner` is what stands between the braces. */
static bool
parse_value(Parser *parser, const char *inner, const char *inner_end)
{
    const char *bar = memchr(inner, '|', (size_t)(inner_end - inner));
    const char *name_end = bar == NULL ? inner_end : bar;
    g_autofree char *name =
        g_strstrip(g_strndup(inner, (size_t)(name_end - inner)));
    Node node = {.kind = NODE_VALUE, .text = ""};
    if (!find_placeholder(parser, name, &node.placeholder))
        return false;
    if (bar != NULL) {
        node.text = bar + 1;
        node.length = (size_t)(inner_end - node.text);
    }
    g_array_append_val(parser->nodes, node);
    return true;
}

static bool
parse_open(Parser *parser, NodeKind kind, const char *name)
{
    Node node = {.kind = kind};
    if (!find_placeholder(parser, name, &node.placeholder))
        return false;
    if (parser->depth == DEPTH_MAX)
        return refuse(parser->error, parser->source, parser->line,
                      "more than %d sections within each other", DEPTH_MAX);
    parser->open[parser->depth++] = (Open){parser->nodes->len, parser->line};
    g_array_append_val(parser->nodes, node);
    return true;
}

static bool
parse_close(Parser *parser, const char *name)
{
    if (parser->depth == 0)
        return refuse(parser->error, parser->source, parser->line,
                      "{{/%s}} closes nothing", name);
    Open open = parser->open[--parser->depth];
    Node *node = &g_array_index(parser->nodes, Node, open.node);
    const char *expected = placeholders[node->placeholder].name;
    node->end = parser->nodes->len;
    return strcmp(expected, name) == 0 ||
           refuse(parser->error, parser->source, parser->line,
                  "{{/%s}} stands where {{/%s}} of line %u is due", name,
                  expected, open.line);
}

static bool parse_partial(const Parser *parser, const char *name);

/* {{#x}} {{^x}} {{/x}} {{>x}} {{!}}: `sigil` is the character. */
static bool
parse_control(Parser *parser, char sigil, const char *inner,
              const char *inner_end)
{
    g_autofree char *name =
        g_strstrip(g_strndup(inner, (size_t)(inner_end - inner)));
    switch (sigil) {
    case '#':
        return parse_open(parser, NODE_SECTION, name);
    case '^':
        return parse_open(parser, NODE_INVERTED, name);
    case '/':
        return parse_close(parser, name);
    case '>':
        return parse_partial(parser, name);
    default: /* a comment */
        return true;
    }
}

/* Nothing but blanks between `from` and the line's begin? */
static const char *
line_begin(const Parser *parser, const char *from)
{
    const char *p = from;
    while (p > parser->start && (p[-1] == ' ' || p[-1] == '\t'))
        p--;
    return p == parser->start || p[-1] == '\n' ? p : NULL;
}

/* The same up to the line's end: what follows the line end, or NULL. */
static const char *
line_end(const Parser *parser, const char *from)
{
    const char *p = from;
    while (p < parser->end && (*p == ' ' || *p == '\t'))
        p++;
    if (p == parser->end)
        return p;
    return *p == '\n' ? p + 1 : NULL;
}

static const char *
find_close(const char *from, const char *end)
{
    const char *close = g_strstr_len(from, end - from, "}}");
    const char *again = g_strstr_len(from, end - from, "{{");
    return again != NULL && close != NULL && again < close ? NULL : close;
}

/* One tag; parser->p stands on its "{{", `text` where plain text began. */
static bool
parse_tag(Parser *parser, const char *text)
{
    const char *tag = parser->p;
    const char *inner = tag + 2;
    const char *close = find_close(inner, parser->end);
    if (close == NULL)
        return refuse(parser->error, parser->source, parser->line,
                      "{{ without its }}");
    const char *after = close + 2;
    bool control = strchr("#^/>!", *inner) != NULL;
    const char *begin = control ? line_begin(parser, tag) : NULL;
    const char *next = control ? line_end(parser, after) : NULL;
    bool alone = begin != NULL && next != NULL;
    add_text(parser->nodes, text, alone ? MAX(begin, text) : tag);
    if (control ? !parse_control(parser, *inner, inner + 1, close)
                : !parse_value(parser, inner, close))
        return false;
    parser->p = alone ? next : after;
    for (const char *p = tag; p < parser->p; p++)
        parser->line += *p == '\n';
    return true;
}

/* All of parser->p up to parser->end. */
static bool
parse_nodes(Parser *parser)
{
    const char *text = parser->p;
    while (parser->p < parser->end) {
        if (g_str_has_prefix(parser->p, "{{")) {
            if (!parse_tag(parser, text))
                return false;
            text = parser->p;
            continue;
        }
        parser->line += *parser->p == '\n';
        parser->p++;
    }
    add_text(parser->nodes, text, parser->end);
    if (parser->depth == 0)
        return true;
    const Open *open = &parser->open[parser->depth - 1];
    const Node *node = &g_array_index(parser->nodes, Node, open->node);
    const char *name = placeholders[node->placeholder].name;
    return refuse(parser->error, parser->source, open->line,
                  "{{%c%s}} is never closed; add {{/%s}}",
                  node->kind == NODE_SECTION ? '#' : '^', name, name);
}

/* Valid UTF-8 with LF line ends, kept as long as the template; or NULL. */
static const char *
keep_text(Template *parsed, const char *source, const char *text,
          GError **error)
{
    if (!g_utf8_validate(text, -1, NULL)) {
        refuse(error, source, 1, "is not valid UTF-8; save it as UTF-8");
        return NULL;
    }
    char *kept = text_many_lines(text);
    g_ptr_array_add(parsed->texts, kept);
    return kept;
}

/* Its nodes become ours. A partial holds no further ones: depth is two. */
static bool
parse_partial(const Parser *parser, const char *name)
{
    const Partials *partials = &parser->partials;
    if (partials->find == NULL)
        return refuse(parser->error, parser->source, parser->line,
                      "{{>%s}}: a partial cannot hold another", name);
    const char *text = partials->find(partials->context, name);
    if (text == NULL)
        return refuse(parser->error, parser->source, parser->line,
                      "there is no partial '%s'", name);
    g_autofree char *source =
        g_strdup_printf("%s: {{>%s}}", parser->source, name);
    text = keep_text(parser->parsed, source, text, parser->error);
    if (text == NULL)
        return false;
    Parser inner = {.parsed = parser->parsed,
                    .nodes = parser->nodes,
                    .source = source,
                    .p = text,
                    .start = text,
                    .end = text + strlen(text),
                    .line = 1,
                    .error = parser->error};
    return parse_nodes(&inner);
}

/* "Subject: ..." , an empty line, the text. */
static bool
parse_whole(Template *parsed, const char *text, const Partials *partials,
            GError **error)
{
    static const char field[] = "Subject:";
    size_t line_length = strcspn(text, "\n");
    if (g_ascii_strncasecmp(text, field, strlen(field)) != 0)
        return refuse(error, parsed->source, 1,
                      "must begin with a line \"Subject: ...\"");
    Parser subject = {.parsed = parsed,
                      .nodes = parsed->subject,
                      .source = parsed->source,
                      .p = text + strlen(field),
                      .start = text,
                      .end = text + line_length,
                      .line = 1,
                      .error = error};
    subject.p += strspn(subject.p, " \t");
    if (subject.p == subject.end)
        return refuse(error, parsed->source, 1, "the Subject is empty");
    if (!parse_nodes(&subject))
        return false;
    if (strncmp(subject.end, "\n\n", 2) != 0)
        return refuse(error, parsed->source, 2,
                      "must be an empty line, with the text below it");
    const char *start = subject.end + 2;
    Parser body = {.parsed = parsed,
                   .nodes = parsed->body,
                   .source = parsed->source,
                   .p = start,
                   .start = start,
                   .end = start + strlen(start),
                   .line = 3,
                   .partials = *partials,
                   .error = error};
    if (start[strspn(start, " \t\n")] == '\0')
        return refuse(error, parsed->source, 3, "there is no text");
    return parse_nodes(&body);
}

Template *
template_parse(const char *source, const char *text,
               const char *(*partial)(void *context, const char *name),
               void *context, GError **error)
{
    g_autoptr(Template) parsed = g_new0(Template, 1);
    parsed->source = g_strdup(source);
    parsed->texts = g_ptr_array_new_with_free_func(g_free);
    parsed->subject = g_array_new(FALSE, FALSE, sizeof(Node));
    parsed->body = g_array_new(FALSE, FALSE, sizeof(Node));
    const Partials partials = {partial, context};
    const char *kept = keep_text(parsed, source, text, error);
    if (kept == NULL || !parse_whole(parsed, kept, &partials, error))
        return NULL;
    return g_steal_pointer(&parsed);
}

/* The values of one rendering, each made safe at its first use. */
typedef struct {
    const TemplateValues *values;
    char *clean[PLACEHOLDER_COUNT];
} Clean;

static const char *
value_of(Clean *clean, size_t row)
{
    if (clean->clean[row] != NULL)
        return clean->clean[row];
    const void *field = (const char *)clean->values + placeholders[row].offset;
    const char *value = *(const char *const *)field;
    if (value == NULL)
        value = "";
    g_autofree char *valid =
        text_repair(value, strnlen(value, TEMPLATE_OUTPUT_MAX_BYTES));
    clean->clean[row] =
        placeholders[row].lines ? text_many_lines(valid) : text_one_line(valid);
    return clean->clean[row];
}

static void
append_value(GString *out, const Node *node, Clean *clean)
{
    const char *value = value_of(clean, node->placeholder);
    if (value[0] == '\0')
        g_string_append_len(out, node->text, (gssize)node->length);
    else
        g_string_append(out, value);
}

/* One pass: what a value holds is output, never looked at again. */
static char *
render(const GArray *nodes, Clean *clean, size_t max_bytes)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < nodes->len && out->len <= max_bytes;) {
        const Node *node = &g_array_index(nodes, Node, i++);
        bool empty = value_of(clean, node->placeholder)[0] == '\0';
        switch (node->kind) {
        case NODE_TEXT:
            g_string_append_len(out, node->text, (gssize)node->length);
            break;
        case NODE_VALUE:
            append_value(out, node, clean);
            break;
        case NODE_SECTION:
            i = empty ? node->end : i;
            break;
        case NODE_INVERTED:
            i = empty ? i : node->end;
            break;
        }
    }
    g_string_truncate(out, text_cut_bytes(out->str, max_bytes));
    return g_string_free(out, FALSE);
}

void
template_render(const Template *parsed, const TemplateValues *values,
                char **ret_subject, char **ret_text)
{
    Clean clean = {.values = values};
    g_autofree char *subject =
        render(parsed->subject, &clean, SUBJECT_MAX_BYTES);
    g_autofree char *text =
        render(parsed->body, &clean, TEMPLATE_OUTPUT_MAX_BYTES - 1);
    for (size_t i = 0; i < PLACEHOLDER_COUNT; i++)
        g_free(clean.clean[i]);
    *ret_subject = text_one_line(subject);
    *ret_text = g_strconcat(g_strchomp(text), "\n", NULL);
}

/* The row of the first value in `nodes` for which `is_it` holds, or -1. */
static int
find_value(const GArray *nodes, bool (*is_it)(const Placeholder *row))
{
    for (guint i = 0; i < nodes->len; i++) {
        const Node *node = &g_array_index(nodes, Node, i);
        if (node->kind == NODE_VALUE && is_it(&placeholders[node->placeholder]))
            return (int)node->placeholder;
    }
    return -1;
}

static bool
is_tag(const Placeholder *row)
{
    return row->offset == FIELD(ticket_tag);
}

static bool
is_stranger(const Placeholder *row)
{
    return row->stranger;
}

bool
template_suits(const Template *parsed, TemplateName name, GError **error)
{
    bool to_customer =
        name == TEMPLATE_ACKNOWLEDGEMENT || name == TEMPLATE_REPLY;
    if (to_customer && find_value(parsed->subject, is_tag) < 0)
        return refuse(error, parsed->source, 1,
                      "the Subject must hold {{ticket.tag}}, by which answers "
                      "find their ticket");
    if (name != TEMPLATE_ACKNOWLEDGEMENT)
        return true;
    int row = find_value(parsed->subject, is_stranger);
    if (row < 0)
        row = find_value(parsed->body, is_stranger);
    return row < 0 ||
           refuse(error, parsed->source, 1,
                  "an acknowledgement must not repeat what a stranger wrote; "
                  "take out {{%s}}",
                  placeholders[row].name);
}

void
template_free(Template *parsed)
{
    if (parsed == NULL)
        return;
    g_free(parsed->source);
    g_ptr_array_unref(parsed->texts);
    g_array_unref(parsed->subject);
    g_array_unref(parsed->body);
    g_free(parsed);
}
