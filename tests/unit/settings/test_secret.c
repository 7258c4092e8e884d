/* The relay's password, out of files and out of programs that misbehave. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failure.h"
#include "scratch.h"

/* A relay that asks this shell script; nothing else of it is looked at. */
static char *
ask_script(const char *script, GError **error)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    const Relay relay = {.password_file = (char *)"", .password_command = argv};
    char *password = NULL;
    bool good = settings_relay_password(&relay, &password, error);
    ck_assert_int_eq(good, password != NULL);
    return password;
}

static char *
ask_file(char *path, GError **error)
{
    const Relay relay = {.password_file = path};
    char *password = NULL;
    bool good = settings_relay_password(&relay, &password, error);
    ck_assert_int_eq(good, password != NULL);
    return password;
}

START_TEST(without_a_login_there_is_no_password)
{
    char *argv[] = {NULL};
    const Relay relay = {.password_file = (char *)"", .password_command = argv};
    char *password = (char *)"untouched";
    ck_assert(settings_relay_password(&relay, &password, NULL));
    ck_assert_ptr_null(password);
    settings_secret_free(NULL);
}
END_TEST

static const struct {
    const char *bytes;
    size_t length;
    const char *password; /* NULL: refused */
    const char *words;
} files[] = {
    {"secret", 6, "secret", NULL},
    {"secret\n", 7, "secret", NULL},
    {"secret\r\n", 8, "secret", NULL},
    {" s p \xC3\xA4 \n", 8, " s p \xC3\xA4 ", NULL},
    {"", 0, NULL, "is empty"},
    {"\n", 1, NULL, "is empty"},
    {"secret\n\n", 8, NULL, "more than one line"},
    {"secret\nmore", 11, NULL, "more than one line"},
    {"sec\0ret", 7, NULL, "control character"},
    {"sec\x7Fret", 7, NULL, "control character"},
};

START_TEST(a_password_file_is_one_line)
{
    char *path = scratch_write(files[_i].bytes, files[_i].length, 0600);
    g_autoptr(GError) error = NULL;
    char *password = ask_file(path, &error);
    ck_assert_pstr_eq(password, files[_i].password);
    if (password == NULL) {
        ck_assert(failure_is(error, FAILURE_CONFIG));
        ck_assert_ptr_nonnull(strstr(error->message, files[_i].words));
        ck_assert_ptr_null(strstr(error->message, "sec"));
    }
    settings_secret_free(password);
    scratch_remove(path);
}
END_TEST

START_TEST(a_password_file_that_is_open_or_large_is_not_read)
{
    g_autofree char *large = g_strnfill(4097, 'x');
    char *path = scratch_write(large, 4097, 0600);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(ask_file(path, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "is too large"));
    g_clear_error(&error);
    ck_assert_int_eq(truncate(path, 4096), 0);
    char *password = ask_file(path, NULL);
    ck_assert_uint_eq(strlen(password), 4096);
    settings_secret_free(password);
    ck_assert_int_eq(chmod(path, 0644), 0);
    ck_assert_ptr_null(ask_file(path, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(error->message, "open to every user"));
    scratch_remove(path);
}
END_TEST

static const struct {
    const char *script;
    const char *password; /* NULL: refused ... */
    FailureCode code;     /* ... with this */
    const char *words;
} scripts[] = {
    {"echo secret", "secret", 0, NULL},
    {"printf secret", "secret", 0, NULL},
    {"printf se; sleep 0.1; printf 'cret\\n'", "secret", 0, NULL},
    {"read x; echo \"${x:-nothing}\"", "nothing", 0, NULL},
    {"sleep 100 >/dev/null & echo secret", "secret", 0, NULL},
    {"echo secret; exit 3", NULL, FAILURE_CONFIG, "failed with status 3"},
    {"echo secret; exit 75", NULL, FAILURE_TEMPORARY, "failed with status 75"},
    {"echo secret; kill -9 $$", NULL, FAILURE_TEMPORARY, "died by signal 9"},
    {"true", NULL, FAILURE_CONFIG, "is empty"},
    {"echo secret; echo secret", NULL, FAILURE_CONFIG, "more than one line"},
    {"printf 'sec\\0ret'", NULL, FAILURE_CONFIG, "control character"},
    {"yes secret", NULL, FAILURE_CONFIG, "printed more than 4 KiB"},
};

START_TEST(a_password_command_is_judged_by_output_and_status)
{
    g_autoptr(GError) error = NULL;
    int64_t begin_us = g_get_monotonic_time();
    char *password = ask_script(scripts[_i].script, &error);
    ck_assert_pstr_eq(password, scripts[_i].password);
    ck_assert_int_lt(g_get_monotonic_time() - begin_us, 5 * G_USEC_PER_SEC);
    if (password == NULL) {
        ck_assert(failure_is(error, scripts[_i].code));
        ck_assert_msg(strstr(error->message, scripts[_i].words) != NULL, "%s",
                      error->message);
        ck_assert_ptr_null(strstr(error->message, "secret"));
    }
    settings_secret_free(password);
}
END_TEST

START_TEST(a_password_command_sees_no_shell)
{
    char *argv[] = {(char *)"/bin/echo", (char *)"$(id); `id` | x > y", NULL};
    const Relay relay = {.password_file = (char *)"", .password_command = argv};
    char *password = NULL;
    ck_assert(settings_relay_password(&relay, &password, NULL));
    ck_assert_str_eq(password, "$(id); `id` | x > y");
    settings_secret_free(password);
}
END_TEST

START_TEST(a_password_command_that_is_not_there_is_a_mistake)
{
    char *argv[] = {(char *)"/nonexistent/program", NULL};
    const Relay relay = {.password_file = (char *)"", .password_command = argv};
    char *password = NULL;
    g_autoptr(GError) error = NULL;
    ck_assert(!settings_relay_password(&relay, &password, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_str_eq(error->message, "relay.password_command: "
                                     "'/nonexistent/program' No such file or "
                                     "directory");
}
END_TEST

START_TEST(a_password_command_has_our_signals_at_their_default)
{
    sigset_t all;
    sigfillset(&all);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
    signal(SIGTERM, SIG_IGN);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(ask_script("kill -TERM $$; sleep 1; echo x", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "died by signal 15"));
}
END_TEST

/* Each takes the ten seconds that a program has. */
static const char *const slow[] = {"echo secret; sleep 60",
                                   "trap '' TERM; exec >/dev/null; sleep 60"};

/* Is a process of this group left? We reap what its leader leaves behind. */
static bool
is_left(pid_t group)
{
    for (int tries = 0; tries < 100; tries++) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        if (kill(-group, 0) != 0)
            return false;
        g_usleep(10000);
    }
    return true;
}

START_TEST(a_password_command_ends_with_all_it_started)
{
    char *path = scratch_write("", 0, 0600);
    g_autofree char *script =
        g_strdup_printf("echo $$ > %s; %s", path, slow[_i]);
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    int64_t begin_us = g_get_monotonic_time();
    ck_assert_ptr_null(ask_script(script, &error));
    int64_t took_us = g_get_monotonic_time() - begin_us;
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(error->message, "did not end within 10 s"));
    ck_assert_int_ge(took_us, 9 * G_USEC_PER_SEC);
    ck_assert_int_lt(took_us, 14 * G_USEC_PER_SEC);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    pid_t group = (pid_t)g_ascii_strtoll(text, NULL, 10);
    ck_assert_int_gt(group, 1);
    ck_assert(!is_left(group));
    scratch_remove(path);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("secret");
    TCase *secret = tcase_create("secret");
    tcase_set_timeout(secret, 20);
    tcase_add_test(secret, without_a_login_there_is_no_password);
    tcase_add_loop_test(secret, a_password_file_is_one_line, 0,
                        G_N_ELEMENTS(files));
    tcase_add_test(secret, a_password_file_that_is_open_or_large_is_not_read);
    tcase_add_loop_test(secret,
                        a_password_command_is_judged_by_output_and_status, 0,
                        G_N_ELEMENTS(scripts));
    tcase_add_test(secret, a_password_command_sees_no_shell);
    tcase_add_test(secret, a_password_command_that_is_not_there_is_a_mistake);
    tcase_add_test(secret, a_password_command_has_our_signals_at_their_default);
    tcase_add_loop_test(secret, a_password_command_ends_with_all_it_started, 0,
                        G_N_ELEMENTS(slow));
    suite_add_tcase(suite, secret);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
