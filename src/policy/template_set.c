#include "policy/template_set.h"

#include <string.h>

#include "base/failure.h"

struct TemplateSet {
    GHashTable *templates; /* "set/language/name" to Template */
};

const TemplateValues template_hostile_values = {
    .ticket_number = "1042",
    .ticket_tag = "[#1042]",
    .ticket_subject = "{{message.text}} {{#reason}}\r\nBcc: victim@example.net",
    .queue_name = "support",
    .queue_display_name = "Support \"}}\" <support@example.org>",
    .queue_address = "support@example.org",
    .requester_name = "\xE2\x80\xAE{{>partial}}\r\n\r\n\x1B[2Jgpj.exe",
    .requester_address = "a@example.net\nTo: b@example.net",
    .message_author = "\xFF\xFE\x80 not UTF-8 <{{ticket.tag}}>",
    .agent_name = "{{agent.name}}{{{{agent.name}}}}",
    .message_text = "\r.\r\n.\nQUIT\r{{! no comment }}\x01\x7F\xC3 {{/reason}}",
    .reason = "{{reason}}",
    .detail = "{{detail|{{detail}}}}",
};

static char *
key_of(const char *set, const char *language, TemplateName name)
{
    return g_strdup_printf("%s/%s/%s", set, language, template_name(name));
}

TemplateSet *
template_set_new(void)
{
    TemplateSet *templates = g_new0(TemplateSet, 1);
    templates->templates = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)template_free);
    return templates;
}

void
template_set_add(TemplateSet *templates, const char *set, const char *language,
                 TemplateName name, Template *parsed)
{
    g_hash_table_replace(templates->templates, key_of(set, language, name),
                         parsed);
}

static const Template *
look_up(const TemplateSet *templates, const char *set, const char *language,
        TemplateName name)
{
    g_autofree char *key = key_of(set, language, name);
    return g_hash_table_lookup(templates->templates, key);
}

/* The set's own in that language, else the common one. */
static const Template *
in_language(const TemplateSet *templates, const char *set, const char *language,
            TemplateName name)
{
    const Template *found = look_up(templates, set, language, name);
    return found != NULL ? found : look_up(templates, "", language, name);
}

/* In that language, without its region, in English. */
static const Template *
find(const TemplateSet *templates, const char *set, const char *language,
     TemplateName name, char **ret_language)
{
    g_autofree char *whole = g_ascii_strdown(language, -1);
    g_autofree char *plain = g_strndup(whole, strcspn(whole, "-_"));
    const char *const nearest[] = {whole, plain, "en"};
    for (size_t i = 0; i < G_N_ELEMENTS(nearest); i++) {
        const Template *found = in_language(templates, set, nearest[i], name);
        if (found != NULL) {
            *ret_language = g_strdup(nearest[i]);
            return found;
        }
    }
    return NULL;
}

const Template *
template_set_find(const TemplateSet *templates, const char *set,
                  const char *language, TemplateName name)
{
    g_autofree char *unused = NULL;
    return find(templates, set, language, name, &unused);
}

char *
template_set_language(const TemplateSet *templates, const char *set,
                      const char *language, TemplateName name)
{
    char *found_in = NULL;
    find(templates, set, language, name, &found_in);
    return found_in;
}

static bool
check_rendered(const char *key, const Template *parsed,
               const TemplateValues *values, GError **error)
{
    g_autofree char *subject = NULL;
    g_autofree char *text = NULL;
    template_render(parsed, values, &subject, &text);
    const char *fault = NULL;
    if (subject[0] == '\0')
        fault = "its Subject can be empty; add words of its own";
    else if (text[strspn(text, " \t\n")] == '\0')
        fault = "its text can be empty; add words of its own";
    else if (!g_utf8_validate(subject, -1, NULL) ||
             !g_utf8_validate(text, -1, NULL) ||
             strpbrk(subject, "\r\n") != NULL || strchr(text, '\r') != NULL)
        fault = "does not come out as text";
    if (fault == NULL)
        return true;
    failure_set(error, FAILURE_CONFIG, "template %s.txt: %s",
                key[0] == '/' ? key + 1 : key, fault);
    return false;
}

static bool
check_english(const TemplateSet *templates, GError **error)
{
    for (int name = 0; name < TEMPLATE_COUNT; name++) {
        if (look_up(templates, "", "en", (TemplateName)name) != NULL)
            continue;
        failure_set(error, FAILURE_CONFIG,
                    "template en/%s.txt is missing; it stands in for every "
                    "language that has none",
                    template_name((TemplateName)name));
        return false;
    }
    return true;
}

bool
template_set_check(const TemplateSet *templates, GError **error)
{
    static const TemplateValues nothing = {0};
    GHashTableIter iterator;
    gpointer key = NULL;
    gpointer parsed = NULL;
    if (!check_english(templates, error))
        return false;
    g_hash_table_iter_init(&iterator, templates->templates);
    while (g_hash_table_iter_next(&iterator, &key, &parsed))
        if (!check_rendered(key, parsed, &template_hostile_values, error) ||
            !check_rendered(key, parsed, &nothing, error))
            return false;
    return true;
}

void
template_set_free(TemplateSet *templates)
{
    if (templates == NULL)
        return;
    g_hash_table_unref(templates->templates);
    g_free(templates);
}
