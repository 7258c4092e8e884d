/* The tag in subjects: written, found, taken out. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ticket_tag.h"

static const struct {
    const char *prefix;
    const char *subject;
    int64_t ticket;
} subjects[] = {
    {"", "[#1042] Printer", 1042},
    {"", "Re: AW: [#1042] Printer", 1042},
    {"", "Printer [#1042]", 1042},
    {"acme ", "Re: [acme #7] Invoice", 7},
    {"acme ", "Re: [ACME #7] Invoice", 7},
    /* another desk's, or no tag */
    {"", "[acme #7] Invoice", 0},
    {"acme ", "[#7] Invoice", 0},
    {"acme ", "[acme#7] Invoice", 0},
    {"", "", 0},
    {"", "#1042", 0},
    {"", "[1042]", 0},
    {"", "[# 1042]", 0},
    {"", "[#1042", 0},
    {"", "[#1042 ]", 0},
    {"", "[#]", 0},
    {"", "[#-5]", 0},
    {"", "[#+5]", 0},
    {"", "[#5x]", 0},
    {"", "[#\xD9\xA1]", 0}, /* a digit, but no ASCII one */
    /* the first that is one counts */
    {"", "[#12] [#34]", 12},
    {"", "[#x] [#34]", 34},
    {"", "[#0] [#34]", 34},
    {"", "[[#34]]", 34},
    {"", "[#[#34]", 34},
    {"", "[#007]", 7},
    /* as many digits as fit, and one more */
    {"", "[#999999999999999999]", 999999999999999999},
    {"", "[#1000000000000000000]", 0},
    {"", "[#0000000000000000001]", 0},
    {"", "[#99999999999999999999999999999999]", 0},
};

START_TEST(a_subject_claims_a_ticket)
{
    ck_assert_int_eq(ticket_tag_find(subjects[_i].prefix, subjects[_i].subject),
                     subjects[_i].ticket);
}
END_TEST

START_TEST(a_tag_that_was_written_is_found_again)
{
    static const char *const prefixes[] = {"", "acme ", "Hilfe-", "підтримка "};
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *tag = ticket_tag_format(prefixes[i], 1042);
        g_autofree char *subject = g_strdup_printf("Re: %s Printer", tag);
        ck_assert_int_eq(ticket_tag_find(prefixes[i], subject), 1042);
        g_autofree char *bare = ticket_tag_strip(prefixes[i], subject);
        ck_assert_str_eq(bare, "Re: Printer");
    }
    g_autofree char *plain = ticket_tag_format("", 1042);
    g_autofree char *prefixed = ticket_tag_format("acme ", 1);
    ck_assert_str_eq(plain, "[#1042]");
    ck_assert_str_eq(prefixed, "[acme #1]");
}
END_TEST

static const struct {
    const char *subject;
    const char *bare;
} stripped[] = {
    {"Printer", "Printer"},
    {"Re: [#1] Printer", "Re: Printer"},
    {"[#1][#2] [#3]", ""},
    {"[#1]Printer[#2]", "Printer"},
    {"[acme #1] Printer", "[acme #1] Printer"},
    {"a [#x] b", "a [#x] b"},
    {"[#[#1]1]", "[#1]"}, /* what is left is not looked at again */
};

START_TEST(tags_are_taken_out_of_a_subject)
{
    g_autofree char *bare = ticket_tag_strip("", stripped[_i].subject);
    ck_assert_str_eq(bare, stripped[_i].bare);
}
END_TEST

START_TEST(a_subject_of_brackets_costs_little)
{
    enum { LENGTH = 1000000 };
    g_autofree char *subject = g_malloc(LENGTH + 1);
    memset(subject, '[', LENGTH);
    subject[LENGTH] = '\0';
    int64_t begin_us = g_get_monotonic_time();
    ck_assert_int_eq(ticket_tag_find("acme ", subject), 0);
    g_autofree char *bare = ticket_tag_strip("acme ", subject);
    ck_assert_str_eq(bare, subject);
    ck_assert_int_lt(g_get_monotonic_time() - begin_us, 20 * G_USEC_PER_SEC);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ticket_tag");
    TCase *tests = tcase_create("ticket_tag");
    tcase_add_loop_test(tests, a_subject_claims_a_ticket, 0,
                        G_N_ELEMENTS(subjects));
    tcase_add_test(tests, a_tag_that_was_written_is_found_again);
    tcase_add_loop_test(tests, tags_are_taken_out_of_a_subject, 0,
                        G_N_ELEMENTS(stripped));
    tcase_add_test(tests, a_subject_of_brackets_costs_little);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
