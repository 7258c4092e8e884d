#include "press.h"

#include <check.h>

/* ---- templates ---- */

/* Every placeholder that could carry a stranger's words is in every text. */
#define EVERYTHING                                                             \
    "subject={{ticket.subject|none}} requester={{requester.name|none}} "       \
    "author={{message.author|none}} agent={{agent.name|none}}\n"               \
    "{{message.text|no text}}\n{{reason}}|{{detail}}\n"

static void
add_template(TemplateSet *templates, const char *language, TemplateName name,
             const char *greeting)
{
    g_autofree char *text =
        g_strdup_printf("Subject: {{ticket.tag}} %s {{ticket.subject}} "
                        "{{reason}}\n\n%s " EVERYTHING,
                        greeting, greeting);
    g_autoptr(GError) error = NULL;
    Template *parsed = template_parse("test", text, NULL, NULL, &error);
    ck_assert_msg(parsed != NULL, "%s", error ? error->message : "");
    template_set_add(templates, "", language, name, parsed);
}

TemplateSet *
press_templates(void)
{
    TemplateSet *templates = template_set_new();
    for (int name = 0; name < TEMPLATE_COUNT; name++)
        add_template(templates, "en", (TemplateName)name,
                     template_name((TemplateName)name));
    add_template(templates, "it", TEMPLATE_ACKNOWLEDGEMENT, "conferma");
    return templates;
}

/* ---- reading what was written ---- */

void
press_assert_clean(const Outgoing *outgoing)
{
    gsize length;
    const char *bytes = g_bytes_get_data(outgoing->content, &length);
    size_t column = 0;
    for (gsize i = 0; i < length; i++) {
        ck_assert_msg(bytes[i] == '\r' || bytes[i] == '\n' ||
                          (bytes[i] >= ' ' && bytes[i] < 0x7F),
                      "byte %d at %zu", bytes[i], i);
        ck_assert((bytes[i] == '\r') ==
                  (i + 1 < length && bytes[i + 1] == '\n'));
        column = bytes[i] == '\n' ? 0 : column + 1;
        ck_assert_uint_le(column, 999); /* with the CR */
    }
    ck_assert(g_str_has_suffix(bytes, "\r\n") || length > 0);
}

Header *
press_header(const Outgoing *outgoing)
{
    gsize length;
    const char *bytes = g_bytes_get_data(outgoing->content, &length);
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    Header *header =
        header_read(bytes, length, &mail_limits_default, NULL, NULL, defects);
    ck_assert_uint_eq(defects->len, 0);
    return header;
}

char *
press_field_names(const Outgoing *outgoing)
{
    g_autoptr(Header) header = press_header(outgoing);
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < header->fields->len; i++) {
        const HeaderField *field =
            &g_array_index(header->fields, HeaderField, i);
        g_string_append_printf(names, "%s%.*s", i > 0 ? " " : "",
                               (int)field->name_length, field->name);
    }
    return g_strdup(names->str);
}

void
press_assert_field(const Outgoing *outgoing, const char *name,
                   const char *value)
{
    g_autoptr(Header) header = press_header(outgoing);
    g_autofree char *got = header_text(header, name);
    ck_assert_pstr_eq(got, value);
}

char *
press_text(const Outgoing *outgoing)
{
    g_autoptr(Mail) mail =
        mail_parse(outgoing->content, NULL, &mail_limits_default);
    return g_strdup(mail->text);
}
