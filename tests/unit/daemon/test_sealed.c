/* What the supervisor hands to a worker stays as it is. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sealed.h"

static const char text[] = "user = \"postern\";\n";

START_TEST(it_is_read_as_often_as_one_likes)
{
    int fd = sealed_new("test", text, strlen(text));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    for (int i = 0; i < 2; i++) {
        size_t length = 0;
        g_autofree char *read = sealed_read(fd, strlen(text), &length);
        ck_assert_uint_eq(length, strlen(text));
        ck_assert_pstr_eq(read, text);
    }
    close(fd);
}
END_TEST

START_TEST(nobody_who_has_it_can_change_it)
{
    int fd = sealed_new("test", text, strlen(text));
    ck_assert_int_lt(pwrite(fd, "root", 4, 0), 0);
    ck_assert_int_ne(ftruncate(fd, 0), 0);
    ck_assert_int_ne(ftruncate(fd, 4096), 0);
    ck_assert_ptr_eq(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    ck_assert_int_ne(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    close(fd);
}
END_TEST

START_TEST(what_is_not_sealed_or_too_large_is_not_read)
{
    size_t length = 7;
    int open_fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = sealed_new("test", text, strlen(text));
    ck_assert_ptr_null(sealed_read(open_fd, 100, &length));
    ck_assert_ptr_null(sealed_read(null, 100, &length));
    ck_assert_ptr_null(sealed_read(-1, 100, &length));
    ck_assert_ptr_null(sealed_read(fd, strlen(text) - 1, &length));
    ck_assert_uint_eq(length, 7);
    close(fd);
    close(null);
    close(open_fd);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sealed");
    TCase *tests = tcase_create("sealed");
    tcase_add_test(tests, it_is_read_as_often_as_one_likes);
    tcase_add_test(tests, nobody_who_has_it_can_change_it);
    tcase_add_test(tests, what_is_not_sealed_or_too_large_is_not_read);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
