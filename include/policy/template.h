/*
 * Templates: a subset of mustache without logic, one pass, values are never
 * expanded again.
 *
 *     {{name}}  {{name|fallback}}  {{#name}}..{{/name}} if not empty
 *     {{^name}}..{{/name}} if empty  {{! comment }}  {{>partial}}
 *
 * A line that holds nothing but one of the last four leaves no line behind. A
 * template file is "Subject: ..." in its first line, an empty line, the text.
 */
#ifndef POLICY_TEMPLATE_H
#define POLICY_TEMPLATE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The texts we send. */
typedef enum {
    TEMPLATE_ACKNOWLEDGEMENT,
    TEMPLATE_REPLY,
    TEMPLATE_NOTICE_NEW,
    TEMPLATE_NOTICE_ANSWER,
    TEMPLATE_ADMIN,
    TEMPLATE_COUNT
} TemplateName;

/* "acknowledgement", "reply", "notice-new", "notice-answer", "admin": the file
 * is NAME.txt. */
const char *template_name(TemplateName name);

/*
 * The values of the placeholders; one row each in template.c's table. NULL is
 * empty. All borrowed; any bytes will do: they are repaired, and all but the
 * last three become one line.
 */
typedef struct {
    const char *ticket_number;      /* {{ticket.number}} "1042" */
    const char *ticket_tag;         /* {{ticket.tag}} "[#1042]" */
    const char *ticket_subject;     /* {{ticket.subject}} */
    const char *queue_name;         /* {{queue.name}} */
    const char *queue_display_name; /* {{queue.display_name}} */
    const char *queue_address;      /* {{queue.address}} */
    const char *requester_name;     /* {{requester.name}} */
    const char *requester_address;  /* {{requester.address}} */
    const char *message_author;     /* {{message.author}} "Name <addr>" */
    const char *agent_name;         /* {{agent.name}} */
    const char *message_text;       /* {{message.text}}, lines */
    const char *reason;             /* {{reason}} of an admin notice, lines */
    const char *detail; /* {{detail}} what the admin can type, lines */
} TemplateValues;

typedef struct Template Template;

/*
 * Parse one template; `source` names it in messages ("en/acknowledgement.txt").
 * An unknown placeholder, an open section or a missing Subject is
 * FAILURE_CONFIG with source:line. `partial` gives the text of {{>name}} or
 * NULL; partials do not nest.
 */
Template *template_parse(const char *source, const char *text,
                         const char *(*partial)(void *context,
                                                const char *name),
                         void *context, GError **error);

/*
 * May it be used for `name`? The tag must be in the Subject of what a customer
 * gets, and an acknowledgement must not repeat a stranger's words (whoever
 * forges a sender would have us send them). FAILURE_CONFIG names the source.
 */
bool template_suits(const Template *parsed, TemplateName name, GError **error);

/*
 * Expand. ret_subject is one line, ret_text LF text that ends with one line
 * end; both valid UTF-8 and the caller's. Output above
 * TEMPLATE_OUTPUT_MAX_BYTES is cut.
 */
void template_render(const Template *parsed, const TemplateValues *values,
                     char **ret_subject, char **ret_text);

enum { TEMPLATE_OUTPUT_MAX_BYTES = 1024 * 1024 };

void template_free(Template *parsed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)

#endif
