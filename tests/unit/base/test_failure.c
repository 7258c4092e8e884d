/* The one error domain: what a code means to callers and to sysexits(3). */
#include <check.h>
#include <stdlib.h>

#include "base/failure.h"

START_TEST(a_failure_carries_its_code_and_its_words)
{
    g_autoptr(GError) error = NULL;
    failure_set(&error, FAILURE_PERMANENT, "cannot read '%s': %d", "a b", 7);
    ck_assert(failure_is(error, FAILURE_PERMANENT));
    ck_assert(!failure_is(error, FAILURE_TEMPORARY));
    ck_assert_str_eq(error->message, "cannot read 'a b': 7");
    ck_assert_uint_eq(error->domain, FAILURE);
}
END_TEST

START_TEST(nobody_who_listens_is_no_harm)
{
    failure_set(NULL, FAILURE_CONFIG, "said to nobody");
    ck_assert(!failure_is(NULL, FAILURE_TEMPORARY));
}
END_TEST

static const struct {
    FailureCode code;
    int status;
} statuses[] = {
    {FAILURE_TEMPORARY, 75},
    {FAILURE_PERMANENT, 65},
    {FAILURE_CONFIG, 78},
    {FAILURE_UNCERTAIN, 75},
};

START_TEST(each_code_has_its_exit_status)
{
    g_autoptr(GError) error = NULL;
    failure_set(&error, statuses[_i].code, "x");
    ck_assert_int_eq(failure_exit_status(error), statuses[_i].status);
}
END_TEST

START_TEST(no_error_is_success_and_a_foreign_one_is_doubt)
{
    g_autoptr(GError) foreign =
        g_error_new_literal(G_CONVERT_ERROR, (int)FAILURE_CONFIG, "not ours");
    ck_assert_int_eq(failure_exit_status(NULL), 0);
    ck_assert_int_eq(failure_exit_status(foreign), 75);
    ck_assert(!failure_is(foreign, FAILURE_CONFIG));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("failure");
    TCase *tests = tcase_create("failure");
    tcase_add_test(tests, a_failure_carries_its_code_and_its_words);
    tcase_add_test(tests, nobody_who_listens_is_no_harm);
    tcase_add_loop_test(tests, each_code_has_its_exit_status, 0,
                        G_N_ELEMENTS(statuses));
    tcase_add_test(tests, no_error_is_success_and_a_foreign_one_is_doubt);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
