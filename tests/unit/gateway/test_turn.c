/* Whose turn it is: nobody who sends much keeps others waiting. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/turn.h"

enum { NOW_US = 1000000000, SECOND_US = 1000000 };

static Turns turns;

static void
set_up(void)
{
    memset(&turns, 0, sizeof turns);
    turns_use(&turns);
}

static Delivery *
delivery_from(const char *sender, size_t octets)
{
    Delivery *delivery = g_new0(Delivery, 1);
    delivery->envelope_sender = g_strdup(sender);
    delivery->raw = g_bytes_new_take(g_malloc0(octets + 1), octets);
    return delivery;
}

/* When a mail's turn is, in microseconds behind NOW_US, if it comes so long
 * after that. */
static int64_t
turn_of(const char *sender, size_t octets, int64_t later_us)
{
    g_autoptr(Delivery) delivery = delivery_from(sender, octets);
    turn_take(delivery, "account", NOW_US + later_us);
    return delivery->turn_us - NOW_US;
}

START_TEST(a_sender_s_mails_wait_for_each_other_and_for_nobody_else)
{
    ck_assert_int_eq(turn_of("a@x", 0, 0), TURN_MAIL_US);
    ck_assert_int_eq(turn_of("a@x", 0, 0), 2 * TURN_MAIL_US);
    ck_assert_int_eq(turn_of("a@x", 0, 10), 3 * TURN_MAIL_US);
    ck_assert_int_eq(turn_of("b@x", 0, 10), 10 + TURN_MAIL_US);
}
END_TEST

START_TEST(who_has_been_quiet_has_a_turn_at_once)
{
    for (int i = 0; i < 10; i++)
        turn_of("a@x", 0, 0);
    ck_assert_int_eq(turn_of("a@x", 0, 10 * TURN_MAIL_US - 1),
                     11 * TURN_MAIL_US);
    ck_assert_int_eq(turn_of("a@x", 0, 60 * SECOND_US),
                     60 * SECOND_US + TURN_MAIL_US);
}
END_TEST

START_TEST(what_is_large_goes_behind_what_is_small)
{
    int64_t large_us = turn_of("a@x", 50 * 1024 * 1024, 0);
    ck_assert_int_eq(large_us, TURN_MAIL_US + 50 * 1024 * TURN_KIB_US);
    ck_assert_int_lt(turn_of("b@x", 1000, 5 * SECOND_US), large_us);
    ck_assert_int_gt(turn_of("b@x", 1000, 60 * SECOND_US), large_us);
}
END_TEST

START_TEST(nobody_is_put_off_for_long)
{
    const int64_t most_us = (int64_t)TURN_AHEAD_S * SECOND_US;
    enum { FILL = TURN_AHEAD_S * 10 }; /* as many as there is room for */
    for (int i = 1; i <= FILL; i++)
        ck_assert_int_eq(turn_of("a@x", 0, 0), (int64_t)i * TURN_MAIL_US);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(turn_of("a@x", 0, 0), most_us + TURN_MAIL_US);
    /* Nor by a clock that was ahead, and was put back. */
    ck_assert_int_eq(turn_of("b@x", 0, 3600 * (int64_t)SECOND_US),
                     3600 * (int64_t)SECOND_US + TURN_MAIL_US);
    ck_assert_int_eq(turn_of("b@x", 0, 0), most_us + TURN_MAIL_US);
}
END_TEST

START_TEST(one_mailbox_is_one_sender)
{
    static const char *const spellings[] = {"Olena@X", "olena+1@x", "OLENA@x"};
    for (size_t i = 0; i < G_N_ELEMENTS(spellings); i++)
        ck_assert_int_eq(turn_of(spellings[i], 0, 0),
                         (int64_t)(i + 1) * TURN_MAIL_US);
}
END_TEST

START_TEST(an_unknown_sender_counts_for_the_account)
{
    ck_assert_int_eq(turn_of(NULL, 0, 0), TURN_MAIL_US);
    ck_assert_int_eq(turn_of(NULL, 0, 0), 2 * TURN_MAIL_US);
    ck_assert_int_eq(turn_of("", 0, 0), TURN_MAIL_US); /* bounces */
}
END_TEST

START_TEST(of_a_mail_for_many_the_octets_count_once)
{
    g_autoptr(GPtrArray) all =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    for (int i = 0; i < 3; i++)
        g_ptr_array_add(all, delivery_from("a@x", 1024 * 1024));
    turn_take_all(all, NOW_US);
    const int64_t first_us = NOW_US + TURN_MAIL_US + 1024 * TURN_KIB_US;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(((Delivery *)all->pdata[i])->turn_us,
                         first_us + i * TURN_MAIL_US);
}
END_TEST

/* Nobody can choose which other names share the own place. */
START_TEST(the_seed_moves_everybody_s_place)
{
    static Turns others[16];
    size_t places = 0;
    bool seen[TURN_PLACES] = {false};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        others[i].seed = i * 0x9E3779B97F4A7C15ULL;
        turns_use(&others[i]);
        turn_of("a@x", 0, 0);
        size_t place = 0;
        while (others[i].last_us[place] == 0)
            place++;
        places += !seen[place];
        seen[place] = true;
    }
    ck_assert_uint_gt(places, 12);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("turn");
    TCase *tests = tcase_create("turn");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests,
                   a_sender_s_mails_wait_for_each_other_and_for_nobody_else);
    tcase_add_test(tests, who_has_been_quiet_has_a_turn_at_once);
    tcase_add_test(tests, what_is_large_goes_behind_what_is_small);
    tcase_add_test(tests, nobody_is_put_off_for_long);
    tcase_add_test(tests, one_mailbox_is_one_sender);
    tcase_add_test(tests, an_unknown_sender_counts_for_the_account);
    tcase_add_test(tests, of_a_mail_for_many_the_octets_count_once);
    tcase_add_test(tests, the_seed_moves_everybody_s_place);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
