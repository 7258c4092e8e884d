/* Signed ids: ours are known again on any road, others' never. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

static Sample *sample;

static void
set_up(void)
{
    sample = sample_new();
}

static void
tear_down(void)
{
    sample_free(sample);
}

/* Of the keys of the sample, the one that was made with other software. */
#define SIGNED "ack.1042.7.fzljws7ojjbnyca6@desk.example"
#define SIGNED_BEFORE "ack.1042.7.ew4qsi2fm4ojwqdt@desk.example"

START_TEST(an_id_is_the_same_for_ever)
{
    g_autofree char *id =
        token_message_id(sample->keys, "ack", 1042, 7, "desk.example");
    g_autofree char *largest =
        token_message_id(sample->keys, "ticket", INT64_MAX, 0, "x");
    ck_assert_str_eq(id, SIGNED);
    ck_assert_str_eq(largest,
                     "ticket.9223372036854775807.0.zbdlqlfrc3k7ksqg@x");
}
END_TEST

START_TEST(whatever_is_signed_is_verified)
{
    static const char *const kinds[] = {"ack", "reply", "notice", "admin",
                                        "ticket"};
    static const int64_t numbers[] = {0, 1, 1042, INT64_MAX};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        for (size_t n = 0; n < G_N_ELEMENTS(numbers); n++) {
            g_autofree char *id = token_message_id(
                sample->keys, kinds[i], numbers[n], 7, "desk.example");
            int64_t ticket = -1;
            ck_assert(token_message_id_verify(sample->keys, id, &ticket));
            ck_assert_int_eq(ticket, numbers[n]);
            ck_assert(token_message_id_verify(sample->keys, id, NULL));
        }
    }
}
END_TEST

START_TEST(different_claims_have_different_signatures)
{
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int64_t ticket = 1; ticket <= 30; ticket++)
        for (int64_t number = 0; number < 30; number++) {
            char *id =
                token_message_id(sample->keys, "ack", ticket, number, "x");
            const char *signature = strrchr(id, '.') + 1;
            ck_assert_uint_eq(
                strspn(signature, "abcdefghijklmnopqrstuvwxyz234567"), 16);
            ck_assert(g_hash_table_add(seen, g_strdup(signature)));
            g_free(id);
        }
}
END_TEST

START_TEST(the_key_before_still_verifies_and_a_dropped_one_does_not)
{
    ck_assert(token_message_id_verify(sample->keys, SIGNED_BEFORE, NULL));
    g_ptr_array_remove_index(sample->keys, 1);
    ck_assert(!token_message_id_verify(sample->keys, SIGNED_BEFORE, NULL));
    ck_assert(token_message_id_verify(sample->keys, SIGNED, NULL));
    g_ptr_array_insert(sample->keys, 0, g_bytes_new_static("a new one", 9));
    ck_assert(token_message_id_verify(sample->keys, SIGNED, NULL));
    g_autofree char *id = token_message_id(sample->keys, "ack", 1042, 7, "x");
    ck_assert(!g_str_has_prefix(id, "ack.1042.7.fzljws7ojjbnyca6"));
}
END_TEST

START_TEST(one_letter_changed_is_somebody_elses)
{
    const char *at = strrchr(SIGNED, '@');
    for (size_t i = 0; i < (size_t)(at - SIGNED); i++) {
        g_autofree char *id = g_strdup(SIGNED);
        id[i] = id[i] == '2' ? '3' : '2';
        int64_t ticket = -1;
        ck_assert_msg(!token_message_id_verify(sample->keys, id, &ticket),
                      "%s is taken for ours", id);
        ck_assert_int_eq(ticket, -1);
    }
}
END_TEST

START_TEST(the_road_may_fold_its_case)
{
    g_autofree char *upper = g_ascii_strup(SIGNED, -1);
    int64_t ticket = -1;
    ck_assert(token_message_id_verify(sample->keys, upper, &ticket));
    ck_assert_int_eq(ticket, 1042);
}
END_TEST

static const char *const others[] = {
    "",
    "@",
    "a@b",
    "fzljws7ojjbnyca6@desk.example",
    ".fzljws7ojjbnyca6@desk.example",
    "ack.1042.7@desk.example",
    "ack.1042.7.fzljws7ojjbnyca6",
    "ack.1042.7.fzljws7ojjbnyca@desk.example",
    "ack.1042.7.fzljws7ojjbnyca6a@desk.example",
    "ack.1042.7-fzljws7ojjbnyca6@desk.example",
    "ack.1042.7.fzljws7ojjbnyca6 @desk.example",
    " ack.1042.7.fzljws7ojjbnyca6@desk.example",
    "reply.1042.7.fzljws7ojjbnyca6@desk.example",
    "ack.1043.7.fzljws7ojjbnyca6@desk.example",
    "ack.1042.07.fzljws7ojjbnyca6@desk.example",
    "ack.1042.7.aaaaaaaaaaaaaaaa@desk.example",
    "CAFh+\xD1\x89.\xFF\xFE.............@mail.example",
};

START_TEST(an_id_of_others_is_not_ours)
{
    ck_assert(!token_message_id_verify(sample->keys, others[_i], NULL));
}
END_TEST

START_TEST(an_endless_id_is_no_harm)
{
    g_autofree char *local = g_strnfill(1000000, 'a');
    g_autofree char *id = g_strdup_printf("%s.aaaaaaaaaaaaaaaa@x", local);
    ck_assert(!token_message_id_verify(sample->keys, id, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("token");
    TCase *tests = tcase_create("token");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_id_is_the_same_for_ever);
    tcase_add_test(tests, whatever_is_signed_is_verified);
    tcase_add_test(tests, different_claims_have_different_signatures);
    tcase_add_test(tests,
                   the_key_before_still_verifies_and_a_dropped_one_does_not);
    tcase_add_test(tests, one_letter_changed_is_somebody_elses);
    tcase_add_test(tests, the_road_may_fold_its_case);
    tcase_add_loop_test(tests, an_id_of_others_is_not_ours, 0,
                        G_N_ELEMENTS(others));
    tcase_add_test(tests, an_endless_id_is_no_harm);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
