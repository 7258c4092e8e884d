/* What a dead worker owes: moved whole, once, and never believed blindly. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "debt.h"

#define LEASE "11111111-1111-4111-8111-111111111111"

static Debt
debt_of(const char *lease, int64_t struck)
{
    Debt debt = {.struck = struck};
    g_strlcpy(debt.lease, lease, sizeof debt.lease);
    return debt;
}

START_TEST(nothing_is_owed_until_there_is_a_strike_or_a_claim)
{
    Debt none = {0}, marked = {0};
    debt_mark(&marked, 7, MARK_BEGUN);
    ck_assert(!debt_is_owed(&none));
    ck_assert(!debt_is_owed(&marked));
    Debt strike = debt_of("", 7), claim = debt_of(LEASE, 0);
    ck_assert(debt_is_owed(&strike));
    ck_assert(debt_is_owed(&claim));
}
END_TEST

START_TEST(a_mark_replaces_the_one_before)
{
    Debt debt = debt_of(LEASE, 0);
    for (int64_t id = 1; id <= DIARY_MARKS; id++)
        debt_mark(&debt, id, MARK_BEGUN);
    debt_mark(&debt, DIARY_MARKS, MARK_SENT); /* the last place of all */
    ck_assert_int_eq(debt.marks[0].mark, MARK_BEGUN);
    ck_assert_int_eq(debt.marks[DIARY_MARKS - 1].id, DIARY_MARKS);
    ck_assert_int_eq(debt.marks[DIARY_MARKS - 1].mark, MARK_SENT);
    debt_mark(&debt, 0, MARK_NONE);
    for (size_t i = 0; i < DIARY_MARKS; i++)
        ck_assert_int_eq(debt.marks[i].id, 0);
}
END_TEST

START_TEST(a_debt_moves_whole_and_once)
{
    g_autofree StatusPage *page = g_new0(StatusPage, 1);
    Debt debt = debt_of(LEASE, 9);
    debt_mark(&debt, 7, MARK_BEGUN);
    debt_leave(&debt, page);
    ck_assert(!debt_is_owed(&debt));
    ck_assert_int_eq(page->debts[0].struck, 9);
    ck_assert_str_eq(page->debts[0].lease, LEASE);
    ck_assert_int_eq(page->debts[0].marks[0].id, 7);
    debt_leave(&debt, page);
    ck_assert(!debt_is_owed(&page->debts[1]));
}
END_TEST

START_TEST(the_list_has_room_for_every_worker_and_no_more)
{
    g_autofree StatusPage *page = g_new0(StatusPage, 1);
    for (int64_t i = 1; i <= STATUS_SLOTS + 1; i++) {
        Debt debt = debt_of("", i);
        debt_leave(&debt, page);
        ck_assert(!debt_is_owed(&debt));
    }
    for (int64_t i = 0; i < STATUS_SLOTS; i++)
        ck_assert_int_eq(page->debts[i].struck, i + 1);
}
END_TEST

START_TEST(an_older_page_is_taken_over_but_not_believed)
{
    g_autofree StatusPage *old = g_new0(StatusPage, 1);
    g_autofree StatusPage *page = g_new0(StatusPage, 1);
    old->slots[3].debt = debt_of(LEASE, 0);
    debt_mark(&old->slots[3].debt, 7, MARK_SENT);
    old->debts[5] = debt_of("", 4);
    old->slots[8].debt = debt_of("'; DROP TABLE outgoing; --", 0);
    memset(old->slots[9].debt.lease, 'x', sizeof old->slots[9].debt.lease);
    debt_take_over(old, page);
    ck_assert_str_eq(page->debts[0].lease, LEASE);
    ck_assert_int_eq(page->debts[0].marks[0].mark, MARK_SENT);
    ck_assert_int_eq(page->debts[1].struck, 4);
    ck_assert(!debt_is_owed(&page->debts[2]));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("debt");
    TCase *tests = tcase_create("debt");
    tcase_add_test(tests, nothing_is_owed_until_there_is_a_strike_or_a_claim);
    tcase_add_test(tests, a_mark_replaces_the_one_before);
    tcase_add_test(tests, a_debt_moves_whole_and_once);
    tcase_add_test(tests, the_list_has_room_for_every_worker_and_no_more);
    tcase_add_test(tests, an_older_page_is_taken_over_but_not_believed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
