/* Templates: what they mean, how they are refused, and who cannot break out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "policy/template_set.h"

static const TemplateValues usual = {
    .ticket_number = "1042",
    .ticket_tag = "[#1042]",
    .ticket_subject = "Printer",
    .queue_name = "support",
    .queue_display_name = "Example Support",
    .queue_address = "support@example.org",
    .requester_name = "",
    .message_author = "Olena <olena@example.net>",
    .message_text = "It burns.\nReally.",
};

static const char *
partial(void *context, const char *name)
{
    ck_assert_str_eq(context, "context");
    if (strcmp(name, "signature") == 0)
        return "-- \n{{queue.display_name}}\n";
    if (strcmp(name, "open") == 0)
        return "line\n{{#reason}}\n";
    if (strcmp(name, "nested") == 0)
        return "{{>signature}}";
    if (strcmp(name, "bytes") == 0)
        return "\xFF";
    return NULL;
}

static Template *
parse(const char *text, GError **error)
{
    return template_parse("en/x.txt", text, partial, (void *)"context", error);
}

/* Subject and text of a template that must parse, parted by "|". */
static char *
rendered(const char *text, const TemplateValues *values)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Template) parsed = parse(text, &error);
    ck_assert_msg(parsed != NULL, "%s", error ? error->message : "");
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    template_render(parsed, values, &subject, &body);
    ck_assert(g_utf8_validate(subject, -1, NULL));
    ck_assert(g_utf8_validate(body, -1, NULL));
    ck_assert_ptr_null(strpbrk(subject, "\r\n"));
    ck_assert_ptr_null(strchr(body, '\r'));
    ck_assert(g_str_has_suffix(body, "\n"));
    return g_strconcat(subject, "|", body, NULL);
}

#define SUBJECT "Subject: S\n\n"

static const struct {
    const char *text;
    const char *expected;
} meanings[] = {
    {SUBJECT "plain", "S|plain\n"},
    {"SUBJECT:S\r\n\r\nplain\r\n", "S|plain\n"},
    {"\xEF\xBB\xBFSubject: S\n\nplain\n\n\n", "S|plain\n"},
    {"Subject: {{ticket.tag}} {{ticket.subject}}\n\n{{ticket.number}}",
     "[#1042] Printer|1042\n"},
    {SUBJECT "{{ ticket.number }}", "S|1042\n"},
    /* fallbacks */
    {SUBJECT "Dear {{requester.name|customer}},", "S|Dear customer,\n"},
    {SUBJECT "{{queue.name|nobody}}", "S|support\n"},
    {SUBJECT "a{{requester.name}}b", "S|ab\n"},
    {SUBJECT "a{{requester.name| x | y }}b", "S|a x | y b\n"},
    {SUBJECT "a{{requester.address|}}b", "S|ab\n"},
    /* sections, in a line and on lines of their own */
    {SUBJECT "{{#queue.name}}yes{{/queue.name}}", "S|yes\n"},
    {SUBJECT "a{{#reason}}no{{/reason}}", "S|a\n"},
    {SUBJECT "a{{^reason}}none{{/reason}}", "S|anone\n"},
    {SUBJECT "a{{^queue.name}}none{{/queue.name}}", "S|a\n"},
    {SUBJECT "a\n{{#queue.name}}\nb\n{{/queue.name}}\nc", "S|a\nb\nc\n"},
    {SUBJECT "a\n{{#reason}}\nb\n{{/reason}}\nc", "S|a\nc\n"},
    {SUBJECT "a\n \t{{#reason}} \nb\n  {{/reason}}\t\nc", "S|a\nc\n"},
    {SUBJECT "a\n{{#reason}}b\n{{/reason}}c", "S|a\nc\n"},
    {SUBJECT "a\n{{#queue.name}} {{! two }}\nb{{/queue.name}}", "S|a\n \nb\n"},
    {SUBJECT "{{#queue.name}}{{#reason}}x{{/reason}}{{^reason}}y{{/reason}}"
             "{{/queue.name}}",
     "S|y\n"},
    {SUBJECT "{{#reason}}{{^queue.name}}x{{/queue.name}}y{{/reason}}z",
     "S|z\n"},
    {"Subject: a{{#reason}} x{{/reason}}{{^reason}} y{{/reason}}\n\nt",
     "a y|t\n"},
    /* comments and partials */
    {SUBJECT "a\n{{! not\nseen }}\nb", "S|a\nb\n"},
    {SUBJECT "a{{! not seen }}b", "S|ab\n"},
    {SUBJECT "a\n{{>signature}}\nb", "S|a\n-- \nExample Support\nb\n"},
    {SUBJECT "{{> signature }}", "S|-- \nExample Support\n"},
    /* what is no tag */
    {SUBJECT "a } }} { b {ticket.tag}", "S|a } }} { b {ticket.tag}\n"},
    {SUBJECT "{{queue.name}}}", "S|support}\n"},
};

START_TEST(a_template_means_what_it_says)
{
    g_autofree char *got = rendered(meanings[_i].text, &usual);
    ck_assert_str_eq(got, meanings[_i].expected);
}
END_TEST

static const struct {
    const char *text;
    const char *fault;
} refused[] = {
    {"", "en/x.txt:1: must begin with a line \"Subject: ...\""},
    {"Hello\n\nSubject: x", "en/x.txt:1: must begin"},
    {" Subject: x\n\ny", "en/x.txt:1: must begin"},
    {"Subject:\n\nx", "en/x.txt:1: the Subject is empty"},
    {"Subject:  \t\n\nx", "en/x.txt:1: the Subject is empty"},
    {"Subject: x", "en/x.txt:2: must be an empty line"},
    {"Subject: x\nno\n", "en/x.txt:2: must be an empty line"},
    {"Subject: x\nCc: all@example.org\n\nx", "en/x.txt:2: must be an empty"},
    {"Subject: x\n\n", "en/x.txt:3: there is no text"},
    {"Subject: x\n\n \n\t\n", "en/x.txt:3: there is no text"},
    {"Subject: x\n\n\xFFx", "en/x.txt:1: is not valid UTF-8"},
    {SUBJECT "a\n{{ticket.numbr}}",
     "en/x.txt:4: unknown placeholder 'ticket.numbr'; did you mean "
     "'ticket.number'?"},
    {SUBJECT "{{subject}}",
     "en/x.txt:3: unknown placeholder 'subject'; there are ticket.number, "
     "ticket.tag, "},
    {SUBJECT "{{}}", "en/x.txt:3: unknown placeholder ''; there are"},
    {SUBJECT "{{{queue.name}}}", "en/x.txt:3: unknown placeholder '{queue"},
    {SUBJECT "{{#colour}}{{/colour}}", "en/x.txt:3: unknown placeholder"},
    {"Subject: {{nonsense}}\n\nx", "en/x.txt:1: unknown placeholder"},
    {SUBJECT "a\nb\n{{queue.name", "en/x.txt:5: {{ without its }}"},
    {SUBJECT "{{", "en/x.txt:3: {{ without its }}"},
    {SUBJECT "{{queue.name|{{reason}}}}", "en/x.txt:3: {{ without its }}"},
    {"Subject: {{queue.name\n\n}}", "en/x.txt:1: {{ without its }}"},
    {SUBJECT "a\n{{#reason}}\n\nb",
     "en/x.txt:4: {{#reason}} is never closed; add {{/reason}}"},
    {SUBJECT "{{^reason}}", "en/x.txt:3: {{^reason}} is never closed"},
    {"Subject: {{#reason}}x\n\n{{/reason}}", "en/x.txt:1: {{#reason}} is"},
    {SUBJECT "{{/reason}}", "en/x.txt:3: {{/reason}} closes nothing"},
    {SUBJECT "{{#reason}}\n{{#detail}}\n{{/reason}}",
     "en/x.txt:5: {{/reason}} stands where {{/detail}} of line 4 is due"},
    {SUBJECT "{{#reason}}{{#reason}}{{#reason}}{{#reason}}{{#reason}}"
             "{{#reason}}{{#reason}}{{#reason}}\n{{#reason}}",
     "en/x.txt:4: more than 8 sections within each other"},
    {SUBJECT "\n\n{{>nothing}}", "en/x.txt:5: there is no partial 'nothing'"},
    {SUBJECT "{{>nested}}",
     "en/x.txt: {{>nested}}:1: {{>signature}}: a partial cannot hold another"},
    {SUBJECT "{{>open}}", "en/x.txt: {{>open}}:2: {{#reason}} is never closed"},
    {SUBJECT "{{>bytes}}", "en/x.txt: {{>bytes}}:1: is not valid UTF-8"},
    {"Subject: {{>signature}}\n\nx", "en/x.txt:1: {{>signature}}: a partial"},
};

START_TEST(a_bad_template_is_refused_with_its_line)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Template) parsed = parse(refused[_i].text, &error);
    ck_assert_msg(parsed == NULL, "%s", refused[_i].text);
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(g_str_has_prefix(error->message, refused[_i].fault),
                  "got  '%s'\nwant '%s'", error->message, refused[_i].fault);
}
END_TEST

/* Every placeholder, alone in the text, with its value set to `value`. */
static const struct {
    const char *name;
    size_t offset;
    bool lines;
} placeholders[] = {
    {"ticket.number", offsetof(TemplateValues, ticket_number), false},
    {"ticket.tag", offsetof(TemplateValues, ticket_tag), false},
    {"ticket.subject", offsetof(TemplateValues, ticket_subject), false},
    {"queue.name", offsetof(TemplateValues, queue_name), false},
    {"queue.display_name", offsetof(TemplateValues, queue_display_name), false},
    {"queue.address", offsetof(TemplateValues, queue_address), false},
    {"requester.name", offsetof(TemplateValues, requester_name), false},
    {"requester.address", offsetof(TemplateValues, requester_address), false},
    {"message.author", offsetof(TemplateValues, message_author), false},
    {"agent.name", offsetof(TemplateValues, agent_name), false},
    {"message.text", offsetof(TemplateValues, message_text), true},
    {"reason", offsetof(TemplateValues, reason), true},
    {"detail", offsetof(TemplateValues, detail), true},
};

static char *
with_value(size_t row, const char *value)
{
    TemplateValues values = {0};
    memcpy((char *)&values + placeholders[row].offset, &value, sizeof value);
    g_autofree char *text =
        g_strdup_printf("Subject: <{{%s}}>\n\n<{{%s}}>\n",
                        placeholders[row].name, placeholders[row].name);
    return rendered(text, &values);
}

static const struct {
    const char *value;
    const char *line;  /* what becomes of it in one line ... */
    const char *lines; /* ... and in a text of several */
} hostile[] = {
    {"{{ticket.number}}", "{{ticket.number}}", "{{ticket.number}}"},
    {"{{#reason}}{{/x}}{{>p}}{{!", "{{#reason}}{{/x}}{{>p}}{{!",
     "{{#reason}}{{/x}}{{>p}}{{!"},
    {"a\r\nBcc: victim@example.net\r\n\r\nbody",
     "a Bcc: victim@example.net body", "a\nBcc: victim@example.net\n\nbody"},
    {"a\rb\nc\x0B"
     "d\x0C"
     "e",
     "a b c d e", "a\nb\ncde"},
    {"\xE2\x80\xA8new\xE2\x80\xA9line", "new line", "\nnew\nline"},
    {"\x1B[2Jx\x07\x7F\xC2\x85y", "[2Jx y", "[2Jxy"},
    {"\xFF\xC3(\xF0\x9F\x98",
     "\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD"
     "\xEF\xBF\xBD",
     "\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"\xE2\x80\xAEgpj.exe", "gpj.exe", "gpj.exe"},
    {"  many   spaces  ", "many spaces", "  many   spaces  "},
};

START_TEST(values_are_output_and_never_looked_at_again)
{
    for (size_t row = 0; row < G_N_ELEMENTS(placeholders); row++) {
        for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
            g_autofree char *got = with_value(row, hostile[i].value);
            bool lines = placeholders[row].lines;
            const char *bar = strrchr(got, '|');
            g_autofree char *expected = g_strdup_printf(
                "|<%s>\n", lines ? hostile[i].lines : hostile[i].line);
            ck_assert_msg(strcmp(bar, expected) == 0, "%s: got %s, want %s",
                          placeholders[row].name, bar, expected);
        }
    }
}
END_TEST

START_TEST(the_subject_is_one_line_whatever_stands_in_it)
{
    for (size_t row = 0; row < G_N_ELEMENTS(placeholders); row++) {
        for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
            g_autofree char *got = with_value(row, hostile[i].value);
            ck_assert_uint_eq(strcspn(got, "\r\n|"), strcspn(got, "|"));
        }
    }
}
END_TEST

START_TEST(a_value_of_nothing_but_dirt_counts_as_empty)
{
    static const char *const dirt[] = {NULL,   "",         " \t ",
                                       "\r\n", "\x01\x02", "\xE2\x80\x8B"};
    for (size_t i = 0; i < G_N_ELEMENTS(dirt); i++) {
        const TemplateValues values = {.agent_name = dirt[i]};
        g_autofree char *got = rendered(
            SUBJECT "{{agent.name|none}}{{#agent.name}}x{{/agent.name}}",
            &values);
        ck_assert_str_eq(got, "S|none\n");
    }
}
END_TEST

START_TEST(output_is_cut_at_a_character_of_its_limit)
{
    g_autofree char *text = g_malloc(3 * TEMPLATE_OUTPUT_MAX_BYTES + 1);
    for (size_t i = 0; i + 2 < 3 * TEMPLATE_OUTPUT_MAX_BYTES; i += 3)
        memcpy(text + i, "\xE2\x82\xAC", 3); /* the euro's three bytes */
    text[3 * TEMPLATE_OUTPUT_MAX_BYTES] = '\0';
    const TemplateValues values = {.message_text = text,
                                   .ticket_subject = text};
    g_autoptr(Template) parsed =
        parse("Subject: {{ticket.subject}}\n\n{{message.text}}"
              "{{message.text}}{{message.text}}",
              NULL);
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    template_render(parsed, &values, &subject, &body);
    ck_assert_uint_eq(strlen(subject), 900);
    ck_assert_uint_le(strlen(body), TEMPLATE_OUTPUT_MAX_BYTES);
    ck_assert_uint_gt(strlen(body), TEMPLATE_OUTPUT_MAX_BYTES - 8);
    ck_assert(g_utf8_validate(subject, -1, NULL));
    ck_assert(g_utf8_validate(body, -1, NULL));
}
END_TEST

START_TEST(a_large_template_is_read_in_linear_time)
{
    static const char *const bits[] = {"{{queue.name}}", "{{! x }}\n", "}}",
                                       "{{#reason}}{{/reason}}", " \n\t"};
    for (size_t i = 0; i < G_N_ELEMENTS(bits); i++) {
        g_autoptr(GString) text = g_string_new(SUBJECT "x");
        while (text->len < 2000000)
            g_string_append(text, bits[i]);
        g_free(rendered(text->str, &usual));
    }
}
END_TEST

START_TEST(only_what_suits_goes_to_customers)
{
    static const struct {
        TemplateName name;
        const char *text;
        const char *fault;
    } rows[] = {
        {TEMPLATE_ACKNOWLEDGEMENT, "Subject: {{ticket.tag}} x\n\nx", NULL},
        {TEMPLATE_ACKNOWLEDGEMENT, "Subject: x\n\n{{ticket.tag}}",
         "en/x.txt:1: the Subject must hold {{ticket.tag}}"},
        {TEMPLATE_ACKNOWLEDGEMENT,
         "Subject: {{ticket.tag}} {{ticket.subject}}\n\nx",
         "en/x.txt:1: an acknowledgement must not repeat what a stranger "
         "wrote; take out {{ticket.subject}}"},
        {TEMPLATE_ACKNOWLEDGEMENT,
         "Subject: {{ticket.tag}}\n\n{{#reason}}{{message.text}}{{/reason}}",
         "en/x.txt:1: an acknowledgement must not"},
        {TEMPLATE_ACKNOWLEDGEMENT,
         "Subject: {{ticket.tag}}\n\nDear {{requester.name}}",
         "en/x.txt:1: an acknowledgement must not"},
        {TEMPLATE_ACKNOWLEDGEMENT,
         "Subject: {{ticket.tag}}\n\nDear {{message.author}}",
         "en/x.txt:1: an acknowledgement must not"},
        {TEMPLATE_REPLY, "Subject: {{ticket.tag}} {{ticket.subject}}\n\nx",
         NULL},
        {TEMPLATE_REPLY, "Subject: Re: {{ticket.subject}}\n\nx",
         "en/x.txt:1: the Subject must hold {{ticket.tag}}"},
        {TEMPLATE_NOTICE_NEW, "Subject: x\n\n{{message.text}}", NULL},
        {TEMPLATE_ADMIN, "Subject: x\n\n{{reason}}", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Template) parsed = parse(rows[i].text, NULL);
        bool suits = template_suits(parsed, rows[i].name, &error);
        ck_assert_msg(suits == (rows[i].fault == NULL), "%s", rows[i].text);
        if (!suits)
            ck_assert_msg(g_str_has_prefix(error->message, rows[i].fault), "%s",
                          error->message);
    }
}
END_TEST

static void
add(TemplateSet *templates, const char *set, const char *language,
    TemplateName name, const char *subject)
{
    g_autofree char *text = g_strdup_printf("Subject: %s\n\nx", subject);
    template_set_add(templates, set, language, name, parse(text, NULL));
}

static void
finds(const TemplateSet *templates, const char *set, const char *language,
      TemplateName name, const char *expected)
{
    const Template *found = template_set_find(templates, set, language, name);
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    if (found != NULL)
        template_render(found, &usual, &subject, &body);
    ck_assert_msg(g_strcmp0(subject, expected) == 0, "%s/%s: %s, not %s", set,
                  language, subject, expected);
}

START_TEST(the_nearest_template_is_found)
{
    g_autoptr(TemplateSet) templates = template_set_new();
    finds(templates, "", "en", TEMPLATE_REPLY, NULL);
    add(templates, "", "en", TEMPLATE_REPLY, "replaced");
    add(templates, "", "en", TEMPLATE_REPLY, "en");
    add(templates, "", "it", TEMPLATE_REPLY, "it");
    add(templates, "", "pt-br", TEMPLATE_REPLY, "pt-br");
    add(templates, "vip", "it", TEMPLATE_REPLY, "vip it");
    add(templates, "vip", "en", TEMPLATE_REPLY, "vip en");
    add(templates, "vip", "pt", TEMPLATE_REPLY, "vip pt");
    finds(templates, "", "it", TEMPLATE_REPLY, "it");
    finds(templates, "", "IT", TEMPLATE_REPLY, "it");
    finds(templates, "", "it-ch", TEMPLATE_REPLY, "it");
    finds(templates, "", "it_CH", TEMPLATE_REPLY, "it");
    finds(templates, "", "uk", TEMPLATE_REPLY, "en");
    finds(templates, "", "", TEMPLATE_REPLY, "en");
    finds(templates, "", "../../etc", TEMPLATE_REPLY, "en");
    finds(templates, "vip", "it-ch", TEMPLATE_REPLY, "vip it");
    finds(templates, "vip", "pt-BR", TEMPLATE_REPLY, "pt-br");
    finds(templates, "vip", "pt-pt", TEMPLATE_REPLY, "vip pt");
    finds(templates, "vip", "uk", TEMPLATE_REPLY, "vip en");
    finds(templates, "other", "it", TEMPLATE_REPLY, "it");
    finds(templates, "", "en", TEMPLATE_ADMIN, NULL);
}
END_TEST

START_TEST(a_set_is_tried_with_hostile_values_and_with_none)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(TemplateSet) templates = template_set_new();
    for (int name = 0; name < TEMPLATE_COUNT; name++) {
        ck_assert(!template_set_check(templates, &error));
        ck_assert(failure_is(error, FAILURE_CONFIG));
        ck_assert_ptr_nonnull(strstr(error->message, "template en/"));
        g_clear_error(&error);
        add(templates, "", "en", (TemplateName)name, "x {{reason}}");
    }
    ck_assert(template_set_check(templates, &error));
    add(templates, "vip", "it", TEMPLATE_REPLY, "{{ticket.subject}}");
    ck_assert(!template_set_check(templates, &error));
    ck_assert_str_eq(error->message,
                     "template vip/it/reply.txt: its Subject can be empty; "
                     "add words of its own");
}
END_TEST

START_TEST(hostile_values_fill_every_placeholder)
{
    const char *const *value = (const char *const *)&template_hostile_values;
    for (size_t i = 0; i < sizeof(TemplateValues) / sizeof *value; i++)
        ck_assert_ptr_nonnull(value[i]);
    ck_assert_uint_eq(sizeof(TemplateValues) / sizeof *value,
                      G_N_ELEMENTS(placeholders));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("template");
    TCase *text = tcase_create("text");
    tcase_set_timeout(text, 30);
    tcase_add_loop_test(text, a_template_means_what_it_says, 0,
                        G_N_ELEMENTS(meanings));
    tcase_add_loop_test(text, a_bad_template_is_refused_with_its_line, 0,
                        G_N_ELEMENTS(refused));
    tcase_add_test(text, a_large_template_is_read_in_linear_time);
    suite_add_tcase(suite, text);
    TCase *values = tcase_create("values");
    tcase_add_test(values, values_are_output_and_never_looked_at_again);
    tcase_add_test(values, the_subject_is_one_line_whatever_stands_in_it);
    tcase_add_test(values, a_value_of_nothing_but_dirt_counts_as_empty);
    tcase_add_test(values, output_is_cut_at_a_character_of_its_limit);
    tcase_add_test(values, only_what_suits_goes_to_customers);
    suite_add_tcase(suite, values);
    TCase *set = tcase_create("set");
    tcase_add_test(set, the_nearest_template_is_found);
    tcase_add_test(set, a_set_is_tried_with_hostile_values_and_with_none);
    tcase_add_test(set, hostile_values_fill_every_placeholder);
    suite_add_tcase(suite, set);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
