/* Which folders are root's alone, and who acts where they are not. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"

enum { SOMEBODY = 12345 };

static char *place; /* a folder of root's */

static char *
in_place(const char *name)
{
    return g_build_filename(place, name, NULL);
}

static void
set_up(void)
{
    place = g_strdup("/tmp/postern.XXXXXX"); /* with the sticky bit */
    ck_assert_ptr_nonnull(g_mkdtemp_full(place, 0755));
}

static void
clear(void)
{
    const char *const argv[] = {"rm", "-rf", place, NULL};
    ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                           NULL, NULL, NULL, NULL, NULL));
    g_clear_pointer(&place, g_free);
}

static void
folder(const char *name, uid_t owner, mode_t mode)
{
    g_autofree char *path = in_place(name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert_int_eq(chown(path, owner, 0), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static void
link_to(const char *target, const char *name, uid_t owner)
{
    g_autofree char *path = in_place(name);
    ck_assert_int_eq(symlink(target, path), 0);
    ck_assert_int_eq(lchown(path, owner, 0), 0);
}

/* `foreign` NULL: root is alone on the way to `name`. */
static void
leads_through(const char *name, const char *foreign)
{
    g_autofree char *path = in_place(name);
    g_autofree char *found = service_foreign_folder(path);
    g_autofree char *wanted = foreign != NULL ? in_place(foreign) : NULL;
    ck_assert_pstr_eq(found, wanted);
}

START_TEST(a_folder_is_roots_alone_if_nobody_else_can_change_it)
{
    folder("roots", 0, 0755);
    folder("roots/within", 0, 0700);
    folder("somebodys", SOMEBODY, 0755);
    folder("somebodys/roots", 0, 0755);
    folder("group", 0, 0775);
    folder("open", 0, 0757);
    folder("sticky", 0, 01777);
    folder("sticky/roots", 0, 0755);
    folder("sticky/somebodys", SOMEBODY, 0755);
    leads_through("file", NULL);
    leads_through("roots/within/file", NULL);
    leads_through("roots/../roots/./within//file", NULL);
    leads_through("somebodys/file", "somebodys");
    leads_through("somebodys/roots/file", "somebodys");
    leads_through("somebodys/../roots/file", "somebodys");
    leads_through("group/file", "group");
    leads_through("open/file", "open");
    leads_through("sticky/file", "sticky");
    leads_through("sticky/roots/file", NULL);
    leads_through("sticky/somebodys/file", "sticky/somebodys");
}
END_TEST

START_TEST(what_is_not_there_is_made_by_who_owns_the_folder_above)
{
    folder("somebodys", SOMEBODY, 0755);
    leads_through("none/none/file", NULL);
    leads_through("somebodys/none/file", "somebodys");
}
END_TEST

START_TEST(links_are_followed_as_the_kernel_follows_them)
{
    g_autofree char *whole = in_place("roots");
    folder("roots", 0, 0755);
    folder("roots/within", 0, 0755);
    folder("somebodys", SOMEBODY, 0755);
    link_to("roots", "near", 0);
    link_to("within/..", "roots/back", 0);
    link_to(whole, "far", 0);
    link_to("somebodys", "out", 0);
    link_to("roots", "given", SOMEBODY);
    link_to("../roots", "somebodys/in", 0);
    link_to("round", "round", 0);
    link_to("none", "dangling", 0);
    leads_through("near/within/file", NULL);
    leads_through("near/back/within/file", NULL);
    leads_through("far/file", NULL);
    leads_through("dangling/file", NULL);
    leads_through("out/file", "somebodys");
    leads_through("somebodys/in/file", "somebodys");
    g_autofree char *given = in_place("given/file");
    g_autofree char *round = in_place("round/file");
    g_autofree char *foreign = service_foreign_folder(given);
    g_autofree char *endless = service_foreign_folder(round);
    ck_assert_ptr_nonnull(foreign);
    ck_assert_ptr_nonnull(endless);
}
END_TEST

static bool
can_make(const char *name)
{
    g_autofree char *path = in_place(name);
    SERVICE_TURN(service_act_at(path));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static uid_t
owner_of(const char *name)
{
    struct stat status;
    g_autofree char *path = in_place(name);
    ck_assert_int_eq(lstat(path, &status), 0);
    return status.st_uid;
}

START_TEST(where_root_is_not_alone_the_services_user_acts)
{
    folder("roots", 0, 0755);
    folder("somebodys", SOMEBODY, 0755);
    ck_assert(can_make("somebodys/before")); /* no service's user yet */
    ck_assert(service_set("nobody", "", NULL));
    folder("services", service_uid(), 0755);
    link_to("../roots", "services/link", service_uid());
    ck_assert(can_make("roots/file"));
    ck_assert_uint_eq(owner_of("roots/file"), 0);
    ck_assert(can_make("services/file"));
    ck_assert_uint_eq(owner_of("services/file"), service_uid());
    ck_assert(!can_make("services/link/stray"));
    ck_assert_int_eq(errno, EACCES);
    ck_assert(!can_make("somebodys/file"));
}
END_TEST

START_TEST(a_turn_ends_with_its_block)
{
    gid_t before[64], after[64];
    int n = getgroups(64, before);
    gid_t gid = getegid();
    ck_assert(service_set("nobody", "daemon", NULL));
    {
        SERVICE_TURN(service_act());
        SERVICE_TURN(service_act());
        ck_assert_uint_eq(geteuid(), service_uid());
        ck_assert_uint_ne(getegid(), gid);
        ck_assert_ptr_nonnull(
            strstr(service_strerror(EACCES), "(as user 'nobody')"));
        errno = EDOM;
    }
    ck_assert_int_eq(errno, EDOM);
    ck_assert_uint_eq(geteuid(), 0);
    ck_assert_uint_eq(getegid(), gid);
    ck_assert_int_eq(getgroups(64, after), n);
    ck_assert_mem_eq(before, after, (size_t)n * sizeof *before);
    ck_assert_str_eq(service_strerror(EACCES), g_strerror(EACCES));
}
END_TEST

static const struct {
    const char *user, *group, *words;
} refusals[] = {
    {"no-such", "",
     "user 'no-such' does not exist; run useradd --system no-such"},
    {"nobody", "no-such", "group 'no-such' does not exist"},
    {"root", "", "user 'root' is root; name another one"},
};

START_TEST(who_cannot_be_the_services_user_is_refused)
{
    g_autoptr(GError) error = NULL;
    ck_assert(service_set("nobody", "", NULL));
    uid_t uid = service_uid();
    ck_assert(!service_set(refusals[_i].user, refusals[_i].group, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_str_eq(error->message, refusals[_i].words);
    ck_assert_uint_eq(service_uid(), uid);
}
END_TEST

/* In a process of its own: there is no way back. */
START_TEST(for_good_is_for_good)
{
    ck_assert(service_set("nobody", "", NULL));
    uid_t uid = service_uid();
    ck_assert(service_become(NULL));
    ck_assert_uint_eq(getuid(), uid);
    ck_assert_uint_eq(geteuid(), uid);
    ck_assert_int_ne(seteuid(0), 0);
    ck_assert(service_set("daemon", "", NULL));
    ck_assert_uint_eq(service_uid(), uid);
    ck_assert(!service_act().acting);
}
END_TEST

START_TEST(an_ordinary_user_is_nobody_else)
{
    ck_assert(service_set("no-such", "", NULL));
    ck_assert(!service_act().acting);
    ck_assert(!service_act_at("/tmp/x/y").acting);
    ck_assert(service_become(NULL));
    ck_assert_uint_eq(service_uid(), geteuid());
    ck_assert_str_eq(service_strerror(EACCES), g_strerror(EACCES));
}
END_TEST

static Suite *
tests_of_root(void)
{
    Suite *suite = suite_create("service");
    TCase *tests = tcase_create("root");
    TCase *last = tcase_create("last"); /* it could not clear up */
    tcase_add_checked_fixture(tests, set_up, clear);
    tcase_add_test(tests, a_folder_is_roots_alone_if_nobody_else_can_change_it);
    tcase_add_test(tests,
                   what_is_not_there_is_made_by_who_owns_the_folder_above);
    tcase_add_test(tests, links_are_followed_as_the_kernel_follows_them);
    tcase_add_test(tests, where_root_is_not_alone_the_services_user_acts);
    tcase_add_test(tests, a_turn_ends_with_its_block);
    tcase_add_loop_test(tests, who_cannot_be_the_services_user_is_refused, 0,
                        G_N_ELEMENTS(refusals));
    tcase_add_test(last, for_good_is_for_good);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, last);
    return suite;
}

static Suite *
tests_of_a_user(void)
{
    Suite *suite = suite_create("service");
    TCase *tests = tcase_create("user");
    tcase_add_test(tests, an_ordinary_user_is_nobody_else);
    suite_add_tcase(suite, tests);
    return suite;
}

int
main(void)
{
    SRunner *runner =
        srunner_create(geteuid() == 0 ? tests_of_root() : tests_of_a_user());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
