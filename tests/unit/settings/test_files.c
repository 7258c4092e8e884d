/* settings_check_files(): what the settings name, and who may touch it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "scratch.h"

/* A directory with what a good file names; everything below it. */
static char *place;

static char *
in_place(const char *name)
{
    return g_build_filename(place, name, NULL);
}

static void
put(const char *name, const char *text, mode_t mode)
{
    g_autofree char *path = in_place(name);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void
set_up(void)
{
    place = g_dir_make_tmp("postern-files-XXXXXX", NULL);
    ck_assert_ptr_nonnull(place);
    g_autofree char *templates = in_place("templates/vip");
    ck_assert_int_eq(g_mkdir_with_parents(templates, 0755), 0);
    put("password", "secret\n", 0600);
    put("command", "#!/bin/sh\necho secret\n", 0755);
    put("ca.pem", "", 0644);
}

static void
tear_down(void)
{
    static const char *const names[] = {
        "password",      "command",   "ca.pem",      "link",
        "templates/vip", "templates", "postern.conf"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = in_place(names[i]);
        remove(path);
    }
    rmdir(place);
    g_clear_pointer(&place, g_free);
}

/* `lines` with every "%" replaced by the place, in a file of this mode. */
static Settings *
load(const char *lines, mode_t mode)
{
    g_auto(GStrv) parts = g_strsplit(lines, "%", -1);
    g_autofree char *named = g_strjoinv(place, parts);
    g_autofree char *text = g_strdup_printf(
        "template_directory = \"%s/templates\";\n" SCRATCH_MINIMAL "%s", place,
        named);
    put("postern.conf", text, mode);
    g_autofree char *path = in_place("postern.conf");
    g_autoptr(GError) error = NULL;
    Settings *settings = settings_load(path, &error);
    ck_assert_msg(settings != NULL, "%s", error ? error->message : "");
    return settings;
}

static void
is_good(const char *lines, mode_t mode)
{
    g_autoptr(Settings) settings = load(lines, mode);
    g_autoptr(GError) error = NULL;
    bool good = settings_check_files(settings, &error);
    ck_assert_msg(good, "%s", error ? error->message : "");
}

static void
is_refused(const char *lines, mode_t mode, const char *words)
{
    g_autoptr(Settings) settings = load(lines, mode);
    g_autoptr(GError) error = NULL;
    ck_assert_msg(!settings_check_files(settings, &error), "%s", lines);
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(strstr(error->message, words) != NULL, "'%s' in '%s'", words,
                  error->message);
}

START_TEST(a_tidy_machine_passes)
{
    is_good("", 0600);
    is_good("relay = { user = \"u\"; password_file = \"%/password\";\n"
            "ca_file = \"%/ca.pem\"; };",
            0640);
    is_good("relay = { user = \"u\"; password_command = [ \"%/command\" ]; };",
            0400);
    is_good("user = \"root\"; group = \"root\"; listeners = ( { socket = "
            "\"/a\"; owner = \"root\"; group = \"root\"; } );",
            0600);
}
END_TEST

START_TEST(the_settings_themselves_are_not_open_to_others)
{
    is_refused("", 0644, "is open to every user; run chmod o= ");
    is_refused("", 0601, "is open to every user");
    is_refused("", 0602, "is open to every user");
    is_refused("", 0660, "can be changed by its group; run chmod g-w ");
}
END_TEST

START_TEST(the_settings_belong_to_root_or_the_service)
{
    if (geteuid() != 0)
        return; /* nobody else can give a file away */
    g_autoptr(Settings) settings = load("", 0600);
    g_autoptr(GError) error = NULL;
    settings->file_owner = 12345;
    ck_assert(!settings_check_files(settings, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "belongs to user 12345"));
    ck_assert_ptr_nonnull(strstr(error->message, "run chown root "));
}
END_TEST

START_TEST(what_was_read_is_judged_not_what_is_there_now)
{
    g_autoptr(Settings) settings = load("", 0644);
    g_autofree char *path = in_place("postern.conf");
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert(!settings_check_files(settings, NULL));
}
END_TEST

START_TEST(users_and_groups_exist)
{
    is_refused("user = \"no-such\";", 0600, "user: 'no-such' is not a user");
    is_refused("group = \"no-such\";", 0600, "group: 'no-such' is not a group");
    is_refused("listeners = ( { socket = \"/a\"; owner = \"no-such\"; } );",
               0600, "listeners.owner: 'no-such' is not a user");
    is_refused("listeners = ( { socket = \"/a\"; group = \"no-such\"; } );",
               0600, "listeners.group: 'no-such' is not a group");
}
END_TEST

START_TEST(directories_are_there)
{
    is_refused("spool_directory = \"%/none\";", 0600,
               "/none' No such file or directory");
    is_refused("spool_directory = \"%/password\";", 0600, "spool_directory: '");
    is_refused("log_file = \"%/none/log\";", 0600,
               "/none' No such file or directory");
    is_refused("log_file = \"%\";", 0600, "is not a regular file");
    is_refused("log_file = \"/dev/null\";", 0600, "is not a regular file");
    is_refused("log_file = \"/proc/self/exe\";", 0600, "is not a regular file");
    is_good("log_file = \"%/log\";", 0600);
    g_autoptr(Settings) settings = load("", 0600);
    Queue *queue = settings->queues->pdata[0];
    g_free(queue->templates);
    queue->templates = g_strdup("vip");
    ck_assert(settings_check_files(settings, NULL));
    g_free(queue->templates);
    queue->templates = g_strdup("vap");
    g_autoptr(GError) error = NULL;
    ck_assert(!settings_check_files(settings, &error));
    ck_assert(g_str_has_prefix(error->message, "queues.templates: '"));
}
END_TEST

START_TEST(the_password_file_is_closed_to_others)
{
    static const char lines[] =
        "relay = { user = \"u\"; password_file = \"%/password\"; };";
    put("password", "secret\n", 0604);
    is_refused(lines, 0600, "relay.password_file: ");
    is_refused(lines, 0600, "is open to every user; run chmod o= ");
    put("password", "secret\n", 0620);
    is_refused(lines, 0600, "can be changed by its group");
    g_autofree char *path = in_place("password");
    g_autofree char *link = in_place("link");
    ck_assert_int_eq(rename(path, link), 0);
    is_refused(lines, 0600, "password: No such file");
    ck_assert_int_eq(symlink(link, path), 0);
    is_refused(lines, 0600, "is a symbolic link");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    is_refused(lines, 0600, "is not a regular file");
}
END_TEST

START_TEST(programs_and_certificates_cannot_be_changed_by_everyone)
{
    static const char command[] =
        "relay = { user = \"u\"; password_command = [ \"%/command\" ]; };";
    static const char certificates[] = "relay = { ca_file = \"%/ca.pem\"; };";
    put("command", "", 0757);
    is_refused(command, 0600, "can be changed by every user; run chmod o-w");
    put("command", "", 0644);
    is_refused(command, 0600, "cannot be executed by us");
    put("ca.pem", "", 0666);
    is_refused(certificates, 0600, "relay.ca_file: '");
    is_refused("relay = { ca_file = \"%/none\"; };", 0600, "No such file");
    is_refused("relay = { ca_file = \"%/templates\"; };", 0600,
               "is not a regular file");
}
END_TEST

#define ACCOUNT_WITH(line)                                                     \
    "accounts = ( { name = \"office\"; host = \"h\"; user = \"u\"; " line      \
    " folders = ( { folder = \"INBOX\"; queue = \"support\"; } ); } );"

START_TEST(an_account_is_named_with_what_is_wrong_in_it)
{
    static const char file[] =
        ACCOUNT_WITH("password_file = \"%/password\"; ca_file = \"%/ca.pem\";");
    static const char token[] =
        ACCOUNT_WITH("token_command = [ \"%/command\" ];");
    static const char command[] =
        ACCOUNT_WITH("password_command = [ \"%/command\" ];");
    is_good(file, 0600);
    is_good(token, 0600);
    is_good(command, 0600);
    put("command", "", 0644);
    is_refused(token, 0600, "account 'office': token_command: '");
    is_refused(command, 0600, "account 'office': password_command: '");
    is_refused(command, 0600, "cannot be executed by us");
    put("ca.pem", "", 0666);
    is_refused(file, 0600, "account 'office': ca_file: '");
    put("ca.pem", "", 0644);
    put("password", "secret\n", 0604);
    is_refused(file, 0600, "account 'office': password_file: ");
    is_refused(file, 0600, "is open to every user; run chmod o= ");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("files");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, a_tidy_machine_passes);
    tcase_add_test(files, the_settings_themselves_are_not_open_to_others);
    tcase_add_test(files, the_settings_belong_to_root_or_the_service);
    tcase_add_test(files, what_was_read_is_judged_not_what_is_there_now);
    tcase_add_test(files, users_and_groups_exist);
    tcase_add_test(files, directories_are_there);
    tcase_add_test(files, the_password_file_is_closed_to_others);
    tcase_add_test(files,
                   programs_and_certificates_cannot_be_changed_by_everyone);
    tcase_add_test(files, an_account_is_named_with_what_is_wrong_in_it);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
