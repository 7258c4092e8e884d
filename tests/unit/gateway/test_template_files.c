/* Templates from files: the ones that come with us, and folders of one's own.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "gateway/template_files.h"

static char *place; /* empty, and removed with all that a test put there */

static void
put(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(place, name, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void
put_english(void)
{
    for (int name = 0; name < TEMPLATE_COUNT; name++) {
        g_autofree char *file =
            g_strdup_printf("en/%s.txt", template_name((TemplateName)name));
        put(file, "Subject: {{ticket.tag}} english\n\nx\n");
    }
}

static void
set_up(void)
{
    place = g_dir_make_tmp("postern-templates-XXXXXX", NULL);
    ck_assert_ptr_nonnull(place);
}

static void
tear_down(void)
{
    char *argv[] = {(char *)"rm", (char *)"-rf", place, NULL};
    g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                 NULL, NULL);
    g_clear_pointer(&place, g_free);
}

static TemplateSet *
load_good(const char *const *sets)
{
    g_autoptr(GError) error = NULL;
    TemplateSet *templates = template_files_load(place, sets, &error);
    ck_assert_msg(templates != NULL, "%s", error ? error->message : "");
    return templates;
}

static void
is_refused(const char *const *sets, const char *words)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(template_files_load(place, sets, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(g_str_has_prefix(error->message, place), "%s",
                  error->message);
    ck_assert_msg(strstr(error->message, words) != NULL, "%s", error->message);
}

static char *
subject_of(const TemplateSet *templates, const char *set, const char *language,
           TemplateName name)
{
    static const TemplateValues values = {.ticket_tag = "[#7]"};
    const Template *found = template_set_find(templates, set, language, name);
    char *subject = NULL;
    g_autofree char *text = NULL;
    template_render(found, &values, &subject, &text);
    return subject;
}

START_TEST(the_templates_that_come_with_us_load_in_three_languages)
{
    const char *source = g_getenv("abs_top_srcdir");
    g_autofree char *shipped =
        g_build_filename(source == NULL ? "." : source, "conf/templates", NULL);
    if (!g_file_test(shipped, G_FILE_TEST_IS_DIR))
        return; /* started by hand, somewhere else */
    g_autoptr(GError) error = NULL;
    g_autoptr(TemplateSet) templates =
        template_files_load(shipped, NULL, &error);
    ck_assert_msg(templates != NULL, "%s", error ? error->message : "");
    for (int name = 0; name < TEMPLATE_COUNT; name++) {
        const Template *en =
            template_set_find(templates, "", "en", (TemplateName)name);
        const Template *it =
            template_set_find(templates, "", "it", (TemplateName)name);
        const Template *uk =
            template_set_find(templates, "", "uk", (TemplateName)name);
        ck_assert(en != it && it != uk && uk != en);
    }
    g_autofree char *subject =
        subject_of(templates, "", "it-ch", TEMPLATE_ACKNOWLEDGEMENT);
    ck_assert_str_eq(subject, "[#7] Abbiamo ricevuto il suo messaggio");
}
END_TEST

START_TEST(a_set_overrides_what_it_has)
{
    static const char *const sets[] = {"", "vip", NULL};
    put_english();
    put("vip/it/reply.txt", "Subject: {{ticket.tag}} vip\n\n{{>sign}}\n");
    put("it/sign.txt", "common\n");
    put("it/notes.md", "ignored");
    put("README", "ignored");
    g_autoptr(TemplateSet) templates = load_good(sets);
    g_autofree char *vip = subject_of(templates, "vip", "it", TEMPLATE_REPLY);
    ck_assert_str_eq(vip, "[#7] vip");
    g_autofree char *plain = subject_of(templates, "", "it", TEMPLATE_REPLY);
    ck_assert_str_eq(plain, "[#7] english");
}
END_TEST

START_TEST(a_partial_of_the_set_goes_before_the_common_one)
{
    static const char *const sets[] = {"vip", NULL};
    static const TemplateValues values = {0};
    put_english();
    put("en/sign.txt", "common\n");
    put("vip/en/sign.txt", "of the set\n");
    put("vip/en/reply.txt", "Subject: {{ticket.tag}} x\n\n{{>sign}}\n");
    g_autoptr(TemplateSet) templates = load_good(sets);
    g_autofree char *subject = NULL;
    g_autofree char *text = NULL;
    template_render(template_set_find(templates, "vip", "en", TEMPLATE_REPLY),
                    &values, &subject, &text);
    ck_assert_str_eq(text, "of the set\n");
}
END_TEST

START_TEST(a_bad_file_is_named_with_its_line)
{
    static const char *const sets[] = {"vip", NULL};
    is_refused(NULL, "template en/acknowledgement.txt is missing");
    put_english();
    is_refused(sets, "/vip: ");
    put("uk/reply.txt", "Subject: {{ticket.tag}}\n\n\n{{agent.nam}}\n");
    is_refused(NULL, "/uk/reply.txt:4: unknown placeholder 'agent.nam'; did "
                     "you mean 'agent.name'?");
    put("uk/reply.txt", "Subject: x\n\nx\n");
    is_refused(NULL, "/uk/reply.txt:1: the Subject must hold {{ticket.tag}}");
    put("uk/reply.txt", "Subject: {{ticket.tag}}\n\n{{>../../secret}}\n");
    put("secret.txt", "never seen");
    is_refused(NULL, "/uk/reply.txt:3: there is no partial '../../secret'");
}
END_TEST

START_TEST(only_texts_of_sane_size_are_read)
{
    put_english();
    g_autofree char *path = g_build_filename(place, "en/admin.txt", NULL);
    g_autofree char *large = g_strnfill(64 * 1024 + 1, 'x');
    put("en/admin.txt", large);
    is_refused(NULL, "/en/admin.txt: is larger than 64 KiB");
    ck_assert(g_file_set_contents(path, "Subject: x\n\n\0", 13, NULL));
    is_refused(NULL, "/en/admin.txt: holds a NUL byte");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    is_refused(NULL, "/en/admin.txt: is not a regular file");
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_a_mistake)
{
    g_autofree char *path = g_build_filename(place, "none", NULL);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(template_files_load(path, NULL, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert(g_str_has_prefix(error->message, path));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("template_files");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files,
                   the_templates_that_come_with_us_load_in_three_languages);
    tcase_add_test(files, a_set_overrides_what_it_has);
    tcase_add_test(files, a_partial_of_the_set_goes_before_the_common_one);
    tcase_add_test(files, a_bad_file_is_named_with_its_line);
    tcase_add_test(files, only_texts_of_sane_size_are_read);
    tcase_add_test(files, a_folder_that_is_not_there_is_a_mistake);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
