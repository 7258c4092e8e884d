/* Passwords and tokens, out of files and out of programs that misbehave. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "await.h"
#include "base/failure.h"
#include "scratch.h"

/*
 * In this program GLib's clock is ours: after `leap_reads` looks at it, it is
 * ahead by `leap_us`, so that a program's minute need not be waited for. It
 * does not leap before there is something in `leap_file`.
 */
static int leap_reads;
static int64_t leap_us;
static const char *leap_file; /* NULL: at once */

static void
wait_for_leap(void)
{
    struct stat status = {.st_size = 0};
    while (leap_file != NULL && stat(leap_file, &status) == 0 &&
           status.st_size == 0)
        g_usleep(10000); /* until the program has written it */
}

gint64
g_get_monotonic_time(void)
{
    bool leaps = leap_reads-- <= 0;
    struct timespec now;
    if (leaps)
        wait_for_leap();
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_us = now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
    return leaps ? now_us + leap_us : now_us;
}

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
    /* The pause makes two pieces of it. */
    {"printf se; sleep 0.1; printf 'cret\\n'", "secret", 0, NULL},
    {"read x; echo \"${x:-nothing}\"", "nothing", 0, NULL},
    /* Who stays behind is ended, and not waited for. */
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
    char *password = ask_script(scripts[_i].script, &error);
    ck_assert_pstr_eq(password, scripts[_i].password);
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
    ck_assert_ptr_null(ask_script("kill -TERM $$; echo x", &error));
    ck_assert_ptr_nonnull(strstr(error->message, "died by signal 15"));
}
END_TEST

static const char *const slow[] = {
    /* Longer than the ten seconds that a program has. */
    "echo secret; sleep 60",
    /* The same, but it can no more be heard. */
    "trap '' TERM; exec >/dev/null; sleep 60"};

/* The whole process group. We reap what its leader leaves behind. */
static bool
is_gone(void *group)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    return kill(-*(pid_t *)group, 0) != 0;
}

/* By our clock, which leaps over nine seconds once the program runs. */
START_TEST(a_password_command_ends_with_all_it_started)
{
    char *path = scratch_write("", 0, 0600);
    g_autofree char *script =
        g_strdup_printf("echo $$ > %s; %s", path, slow[_i]);
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    leap_reads = 2; /* this one, and the one that sets the deadline */
    leap_us = 9 * G_USEC_PER_SEC;
    leap_file = path;
    int64_t begin_us = g_get_monotonic_time();
    ck_assert_ptr_null(ask_script(script, &error));
    int64_t took_us = g_get_monotonic_time() - begin_us;
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(error->message, "did not end within 10 s"));
    ck_assert_int_ge(took_us, 10 * G_USEC_PER_SEC);
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    pid_t group = (pid_t)g_ascii_strtoll(text, NULL, 10);
    ck_assert_int_gt(group, 1);
    ck_assert(await(is_gone, &group));
    leap_file = NULL; /* for those that come in the same process */
    leap_us = 0;
    scratch_remove(path);
}
END_TEST

/* ---- accounts ---- */

enum { FROM_PASSWORD, FROM_TOKEN };

/* An account that asks this shell script for its password or its token. */
static char *
ask_account(int kind, const char *script, int64_t *ret_lifetime_s,
            GError **error)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    char *none[] = {NULL};
    const Account account = {.name = (char *)"office",
                             .password_file = (char *)"",
                             .password_command =
                                 kind == FROM_PASSWORD ? argv : none,
                             .token_command = kind == FROM_TOKEN ? argv : none};
    char *secret = NULL;
    bool good =
        settings_account_secret(&account, &secret, ret_lifetime_s, error);
    ck_assert_int_eq(good, secret != NULL);
    return secret;
}

START_TEST(an_account_has_its_password_in_a_file)
{
    char *path = scratch_write("secret\n", 7, 0600);
    char *none[] = {NULL};
    const Account account = {.name = (char *)"office",
                             .password_file = path,
                             .password_command = none,
                             .token_command = none};
    char *secret = NULL;
    int64_t lifetime_s = 7;
    ck_assert(settings_account_secret(&account, &secret, &lifetime_s, NULL));
    ck_assert_str_eq(secret, "secret");
    ck_assert_int_eq(lifetime_s, 0);
    settings_secret_free(secret);
    ck_assert_int_eq(chmod(path, 0604), 0);
    g_autoptr(GError) error = NULL;
    ck_assert(!settings_account_secret(&account, &secret, &lifetime_s, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert(
        g_str_has_prefix(error->message, "account 'office': password_file: "));
    ck_assert_ptr_nonnull(strstr(error->message, "open to every user"));
    scratch_remove(path);
}
END_TEST

static const struct {
    int kind;
    const char *script;
    const char *secret; /* NULL: refused ... */
    int64_t lifetime_s;
    FailureCode code; /* ... with this */
    const char *words;
} accounts[] = {
    {FROM_PASSWORD, "echo secret", "secret", 0, 0, NULL},
    {FROM_PASSWORD, "echo secret; echo 3600", NULL, 0, FAILURE_CONFIG,
     "account 'office': password_command: the password of /bin/sh holds a "
     "control character or more than one line"},
    {FROM_PASSWORD, "yes secret", NULL, 0, FAILURE_CONFIG,
     "account 'office': password_command: '/bin/sh' printed more than 4 KiB"},
    {FROM_TOKEN, "echo secret", "secret", 0, 0, NULL},
    {FROM_TOKEN, "printf secret", "secret", 0, 0, NULL},
    {FROM_TOKEN, "echo secret; echo 3600", "secret", 3600, 0, NULL},
    {FROM_TOKEN, "printf 'secret\\r\\n3600\\r\\n'", "secret", 3600, 0, NULL},
    {FROM_TOKEN, "printf 'secret\\n3600'", "secret", 3600, 0, NULL},
    {FROM_TOKEN, "echo secret; echo; echo 3600", "secret", 0, 0, NULL},
    {FROM_TOKEN, "echo secret; echo 0", "secret", 0, 0, NULL},
    {FROM_TOKEN, "echo secret; echo -5", "secret", 0, 0, NULL},
    {FROM_TOKEN, "echo secret; echo soon", "secret", 0, 0, NULL},
    {FROM_TOKEN, "echo secret; echo 99999999", "secret", 31536000, 0, NULL},
    {FROM_TOKEN, "echo secret; echo 99999999999999999999999", "secret",
     31536000, 0, NULL},
    {FROM_TOKEN, "echo secret; echo -99999999999999999999999", "secret", 0, 0,
     NULL},
    {FROM_TOKEN, "true", NULL, 0, FAILURE_CONFIG,
     "account 'office': token_command: the token of /bin/sh is empty"},
    {FROM_TOKEN, "echo; echo secret", NULL, 0, FAILURE_CONFIG, "is empty"},
    {FROM_TOKEN, "printf 'sec\\0ret\\n5'", NULL, 0, FAILURE_CONFIG,
     "control character"},
    {FROM_TOKEN, "printf 'secret\\001auth=Bearer\\n5'", NULL, 0, FAILURE_CONFIG,
     "control character"},
    {FROM_TOKEN, "echo secret; exit 75", NULL, 0, FAILURE_TEMPORARY,
     "account 'office': token_command: '/bin/sh' failed with status 75"},
    {FROM_TOKEN, "echo secret; exit 1", NULL, 0, FAILURE_CONFIG,
     "failed with status 1; run it by hand as the service's user"},
    {FROM_TOKEN, "echo secret; kill -9 $$", NULL, 0, FAILURE_TEMPORARY,
     "died by signal 9"},
    {FROM_TOKEN, "yes secret", NULL, 0, FAILURE_CONFIG,
     "printed more than 16 KiB"},
};

START_TEST(a_token_says_for_how_long_it_is_good)
{
    g_autoptr(GError) error = NULL;
    int64_t lifetime_s = 7;
    char *secret = ask_account(accounts[_i].kind, accounts[_i].script,
                               &lifetime_s, &error);
    ck_assert_pstr_eq(secret, accounts[_i].secret);
    ck_assert_int_eq(lifetime_s, secret != NULL ? accounts[_i].lifetime_s : 7);
    if (secret == NULL) {
        ck_assert(failure_is(error, accounts[_i].code));
        ck_assert_msg(strstr(error->message, accounts[_i].words) != NULL, "%s",
                      error->message);
        ck_assert_ptr_null(strstr(error->message, "sec"));
    }
    settings_secret_free(secret);
}
END_TEST

START_TEST(a_token_may_be_large)
{
    g_autoptr(GError) error = NULL;
    int64_t lifetime_s = 0;
    char *secret = ask_account(
        FROM_TOKEN, "head -c 16379 /dev/zero | tr '\\0' x; echo; echo 600",
        &lifetime_s, &error);
    ck_assert_msg(secret != NULL, "%s", error ? error->message : "");
    ck_assert_uint_eq(strlen(secret), 16379);
    ck_assert_int_eq(lifetime_s, 600);
    settings_secret_free(secret);
    ck_assert_ptr_null(ask_account(
        FROM_TOKEN, "head -c 16380 /dev/zero | tr '\\0' x; echo; echo 600",
        &lifetime_s, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "printed more than 16 KiB"));
}
END_TEST

/* Seconds that have passed when it has just begun, and whether that is late. */
static const struct {
    int kind;
    int leap_s;
    const char *words; /* NULL: not late */
} patience[] = {
    {FROM_PASSWORD, 6, NULL},
    {FROM_PASSWORD, 10, "did not end within 10 s"},
    {FROM_TOKEN, 55, NULL},
    {FROM_TOKEN, 60, "did not end within 60 s"},
};

START_TEST(a_token_command_has_a_minute)
{
    g_autoptr(GError) error = NULL;
    int64_t lifetime_s;
    leap_reads = 1; /* the one that sets the deadline */
    leap_us = patience[_i].leap_s * G_USEC_PER_SEC;
    char *secret =
        ask_account(patience[_i].kind,
                    patience[_i].words == NULL
                        ? "echo secret"
                        : "echo secret; sleep 100", /* longer than a minute */
                    &lifetime_s, &error);
    ck_assert_int_eq(secret == NULL, patience[_i].words != NULL);
    if (secret == NULL) {
        ck_assert(failure_is(error, FAILURE_TEMPORARY));
        ck_assert_ptr_nonnull(strstr(error->message, patience[_i].words));
        ck_assert_ptr_null(strstr(error->message, "secret"));
    }
    settings_secret_free(secret);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("secret");
    TCase *secret = tcase_create("secret");
    tcase_set_timeout(secret, 60);
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
    TCase *account = tcase_create("account");
    tcase_set_timeout(account, 60);
    tcase_add_test(account, an_account_has_its_password_in_a_file);
    tcase_add_loop_test(account, a_token_says_for_how_long_it_is_good, 0,
                        G_N_ELEMENTS(accounts));
    tcase_add_test(account, a_token_may_be_large);
    tcase_add_loop_test(account, a_token_command_has_a_minute, 0,
                        G_N_ELEMENTS(patience));
    suite_add_tcase(suite, account);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
