/* How it goes with a folder, in a word, from what the database says of it. */
#include <check.h>
#include <stdlib.h>

#include "gateway/folders.h"

enum { SILENCE_S = 900 };

static const struct {
    const char *next_try_s;
    const char *silent_s;
    const char *failing_since;
    const char *holder;
    const char *waiting;
    const char *state;
} rows[] = {
    {"0", "3", NULL, "host/1", "0", "watching"},
    {"0", "900", NULL, "host/1", "0", "watching"},
    {"0", "3", NULL, "host/1", "2", "behind"},
    {"0", "3", NULL, "", "2", "unwatched"},
    {"0", "3", "2026-01-31T10:00:00Z", "", "2", "failing"},
    {"0", "901", "2026-01-31T10:00:00Z", "", "2", "silent"},
    {"0", "901", NULL, "host/1", "0", "silent"},
    {"1", "3", "2026-01-31T10:00:00Z", "", "0", "refused"},
    {"1", "901", "2026-01-31T10:00:00Z", "", "0", "refused"},
};

static InspectTable *
table_with(int i)
{
    static const char *const names[] = {
        "account",       "folder", "next_try_s", "silent_s",
        "failing_since", "holder", "waiting",    NULL};
    static const InspectType types[] = {
        INSPECT_TEXT, INSPECT_TEXT, INSPECT_NUMBER, INSPECT_NUMBER,
        INSPECT_TEXT, INSPECT_TEXT, INSPECT_NUMBER};
    const char *const other[] = {"b", "INBOX", "9", "9999", NULL, "", "9"};
    const char *const row[] = {"a",
                               "INBOX",
                               rows[i].next_try_s,
                               rows[i].silent_s,
                               rows[i].failing_since,
                               rows[i].holder,
                               rows[i].waiting};
    InspectTable *table = inspect_table_new(names, types);
    inspect_table_add(table, other);
    inspect_table_add(table, row);
    return table;
}

START_TEST(a_folder_has_a_state_in_a_word)
{
    const Account account = {.name = (char *)"a"};
    const WatchedFolder inbox = {.folder = (char *)"INBOX"};
    g_autoptr(InspectTable) table = table_with(_i);
    int row = folders_row(table, &account, &inbox);
    ck_assert_int_eq(row, 1);
    ck_assert_str_eq(folders_state(table, row, SILENCE_S), rows[_i].state);
}
END_TEST

START_TEST(a_folder_that_nobody_looked_into_is_new)
{
    const Account account = {.name = (char *)"a"};
    const WatchedFolder sales = {.folder = (char *)"Sales"};
    g_autoptr(InspectTable) table = table_with(0);
    int row = folders_row(table, &account, &sales);
    ck_assert_int_eq(row, -1);
    ck_assert_str_eq(folders_state(table, row, SILENCE_S), "never");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("folders");
    TCase *tests = tcase_create("folders");
    tcase_add_loop_test(tests, a_folder_has_a_state_in_a_word, 0,
                        G_N_ELEMENTS(rows));
    tcase_add_test(tests, a_folder_that_nobody_looked_into_is_new);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
