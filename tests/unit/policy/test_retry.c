/* When a mail is tried again, and when it is given up. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>

#include "policy/retry.h"

enum { MINUTE = 60, DAY = 86400 };

/* The defaults: 5 minutes, doubled to 4000 s, for 5 days. */
static const OutboxSettings usual = {
    .first_retry_s = 5 * MINUTE, .longest_retry_s = 4000, .give_up_s = 5 * DAY};

static const struct {
    int code;
    int64_t age_s;
    RetryVerdict verdict;
} replies[] = {
    {250, 0, RETRY_SENT},
    {250, 6 * DAY, RETRY_SENT},
    {200, 0, RETRY_SENT},
    {299, 0, RETRY_SENT},
    {450, 0, RETRY_AGAIN},
    {421, 5 * DAY - 1, RETRY_AGAIN},
    {499, 0, RETRY_AGAIN},
    {451, 5 * DAY, RETRY_FAILED},
    {400, 6 * DAY, RETRY_FAILED},
    {500, 0, RETRY_FAILED},
    {550, 0, RETRY_FAILED},
    {599, 0, RETRY_FAILED},
    /* no usable answer is no verdict */
    {0, 0, RETRY_AGAIN},
    {0, 5 * DAY, RETRY_FAILED},
    {-1, 0, RETRY_AGAIN},
    {199, 0, RETRY_AGAIN},
    {354, 0, RETRY_AGAIN},
    {600, 0, RETRY_AGAIN},
    {2500, 0, RETRY_AGAIN},
};

START_TEST(a_reply_counts_by_its_first_digit)
{
    ck_assert_int_eq(retry_judge(replies[_i].code, replies[_i].age_s, &usual),
                     replies[_i].verdict);
}
END_TEST

START_TEST(each_wait_is_twice_the_one_before_up_to_the_longest)
{
    static const int64_t waits[] = {300, 600, 1200, 2400, 4000, 4000, 4000};
    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++)
        ck_assert_int_eq(retry_wait((int64_t)i + 1, &usual), waits[i]);
    ck_assert_int_eq(retry_wait(INT64_MAX, &usual), 4000);
    ck_assert_int_eq(retry_wait(0, &usual), 300);
}
END_TEST

START_TEST(other_settings_are_obeyed_at_both_ends)
{
    const OutboxSettings flat = {.first_retry_s = 7, .longest_retry_s = 7};
    const OutboxSettings upside_down = {.first_retry_s = 900,
                                        .longest_retry_s = 60};
    const OutboxSettings huge = {.first_retry_s = 1,
                                 .longest_retry_s = INT64_MAX / 2};
    ck_assert_int_eq(retry_wait(1, &flat), 7);
    ck_assert_int_eq(retry_wait(9, &flat), 7);
    ck_assert_int_eq(retry_wait(1, &upside_down), 60);
    ck_assert_int_eq(retry_wait(1000, &huge), INT64_MAX / 2);
}
END_TEST

/* How many attempts fit into five days: Postfix makes about as many. */
START_TEST(a_dead_relay_is_asked_about_a_hundred_times)
{
    int64_t age_s = 0, attempts = 0;
    while (retry_judge(451, age_s, &usual) == RETRY_AGAIN)
        age_s += retry_wait(++attempts, &usual);
    ck_assert_int_ge(attempts, 105);
    ck_assert_int_le(attempts, 115);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("retry");
    TCase *tests = tcase_create("retry");
    tcase_add_loop_test(tests, a_reply_counts_by_its_first_digit, 0,
                        G_N_ELEMENTS(replies));
    tcase_add_test(tests, each_wait_is_twice_the_one_before_up_to_the_longest);
    tcase_add_test(tests, other_settings_are_obeyed_at_both_ends);
    tcase_add_test(tests, a_dead_relay_is_asked_about_a_hundred_times);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
