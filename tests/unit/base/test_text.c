/* Text: bytes come in, valid UTF-8 that is safe to show goes out. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define BAD "\xEF\xBF\xBD" /* U+FFFD */

/* A row of bytes that may hold NUL. */
#define BYTES(literal) literal, sizeof literal - 1

/* ---- repair ---- */

static const struct {
    const char *bytes;
    size_t length;
    const char *repaired;
} repairs[] = {
    {BYTES(""), ""},
    {BYTES("plain"), "plain"},
    {BYTES("кіт 日本 \xF0\x9F\x90\x88"), "кіт 日本 \xF0\x9F\x90\x88"},
    /* one replacement a byte */
    {BYTES("caf\xE9"), "caf" BAD},
    {BYTES("\xE9t\xE9"), BAD "t" BAD},
    {BYTES("a\0b"), "a" BAD "b"},
    {BYTES("\0"), BAD},
    {BYTES("\x80\xBF"), BAD BAD},
    /* cut short, by the end or by another letter */
    {BYTES("\xD0"), BAD},
    {BYTES("\xE2\x82"), BAD BAD},
    {BYTES("\xF0\x9F\x90"), BAD BAD BAD},
    {BYTES("\xE2\x82z"), BAD BAD "z"},
    /* what looks like UTF-8 and is none: overlong, surrogate, too large */
    {BYTES("\xC0\xAF"), BAD BAD},
    {BYTES("\xE0\x80\xAF"), BAD BAD BAD},
    {BYTES("\xED\xA0\x80"), BAD BAD BAD},
    {BYTES("\xF4\x90\x80\x80"), BAD BAD BAD BAD},
    {BYTES("\xFE\xFF"), BAD BAD},
    /* the ends of the range */
    {BYTES("\xF4\x8F\xBF\xBF"), "\xF4\x8F\xBF\xBF"},
    {BYTES("\xED\x9F\xBF\xEE\x80\x80"), "\xED\x9F\xBF\xEE\x80\x80"},
};

START_TEST(what_is_no_utf8_is_replaced_byte_by_byte)
{
    g_autofree char *repaired =
        text_repair(repairs[_i].bytes, repairs[_i].length);
    bool same = strlen(repaired) == repairs[_i].length &&
                memcmp(repaired, repairs[_i].bytes, repairs[_i].length) == 0;
    ck_assert_str_eq(repaired, repairs[_i].repaired);
    ck_assert(text_is_valid(repaired, strlen(repaired)));
    ck_assert(text_is_valid(repairs[_i].bytes, repairs[_i].length) == same);
}
END_TEST

START_TEST(a_megabyte_of_rubbish_is_repaired_at_once)
{
    enum { LENGTH = 1024 * 1024 };
    g_autofree char *rubbish = g_malloc(LENGTH);
    memset(rubbish, 0xE2, LENGTH);
    int64_t begin_us = g_get_monotonic_time();
    g_autofree char *repaired = text_repair(rubbish, LENGTH);
    ck_assert_uint_eq(strlen(repaired), 3 * LENGTH);
    ck_assert_int_lt(g_get_monotonic_time() - begin_us, 20 * G_USEC_PER_SEC);
}
END_TEST

/* ---- one line, many lines ---- */

static const struct {
    const char *text;
    const char *one;
    const char *many;
} lines[] = {
    {"", "", ""},
    {"  a   b  ", "a b", "  a   b  "},
    {"a\r\nb\rc\nd", "a b c d", "a\nb\nc\nd"},
    {"a\r\n\r\nb", "a b", "a\n\nb"},
    {"\r\n", "", "\n"},
    {"a\tb", "a b", "a\tb"},
    {"\x01\x1B[2J\x7F!", "[2J !", "[2J!"},
    /* C1 controls, line and paragraph separator */
    {"a\xC2\x85"
     "b\xC2\x9B"
     "c",
     "a b c", "abc"},
    {"a\xE2\x80\xA8"
     "b\xE2\x80\xA9"
     "c",
     "a b c", "a\nb\nc"},
    /* invisible and bidirectional controls */
    {"\xE2\x80\xAEgpj.exe", "gpj.exe", "gpj.exe"},
    {"pay\xE2\x80\x8Bpal\xEF\xBB\xBF", "paypal", "paypal"},
    {"\xE2\x81\xA6in\xE2\x81\xA9", "in", "in"},
    {"\xE2\x80\xAAx\xE2\x80\xACy\xE2\x80\x8F", "xy", "xy"},
    /* the joiners that scripts need stay where there is room for text */
    {"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
     "\xF0\x9F\x91\xA9\xF0\x9F\x92\xBB",
     "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"},
    {"می\xE2\x80\x8Cخواهم", "میخواهم", "می\xE2\x80\x8Cخواهم"},
    /* neighbours of what is removed */
    {"a\xC2\xA0"
     "b\xE2\x80\x8A\xE2\x80\x90\xE2\x81\xA5",
     "a\xC2\xA0"
     "b\xE2\x80\x8A\xE2\x80\x90\xE2\x81\xA5",
     "a\xC2\xA0"
     "b\xE2\x80\x8A\xE2\x80\x90\xE2\x81\xA5"},
};

START_TEST(text_is_made_fit_for_one_line_and_for_many)
{
    g_autofree char *one = text_one_line(lines[_i].text);
    g_autofree char *many = text_many_lines(lines[_i].text);
    ck_assert_str_eq(one, lines[_i].one);
    ck_assert_str_eq(many, lines[_i].many);
    g_autofree char *again = text_one_line(one);
    ck_assert_str_eq(again, one);
    g_autofree char *many_again = text_many_lines(many);
    ck_assert_str_eq(many_again, many);
}
END_TEST

/* ---- cuts ---- */

static const struct {
    const char *text;
    size_t max;
    size_t cut;
} cuts[] = {
    {"abc", 0, 0},
    {"abc", 2, 2},
    {"abc", 3, 3},
    {"abc", 99, 3},
    {"", 0, 0},
    {"щщ", 1, 0},
    {"щщ", 2, 2},
    {"щщ", 3, 2},
    {"a\xF0\x9F\x90\x88z", 4, 1},
    {"a\xF0\x9F\x90\x88z", 5, 5},
    {"日本", 5, 3},
};

START_TEST(a_cut_never_splits_a_character)
{
    ck_assert_uint_eq(text_cut_bytes(cuts[_i].text, cuts[_i].max),
                      cuts[_i].cut);
}
END_TEST

static const struct {
    const char *text;
    size_t max;
    const char *cut;
} ellipses[] = {
    {"abc", 3, "abc"},    {"abcd", 3, "ab…"}, {"щука", 4, "щука"},
    {"щука!", 4, "щук…"}, {"ab", 1, "…"},     {"a", 1, "a"},
    {"a", 0, ""},         {"", 0, ""},
};

START_TEST(an_ellipsis_says_that_something_is_missing)
{
    g_autofree char *cut = text_ellipsis(ellipses[_i].text, ellipses[_i].max);
    ck_assert_str_eq(cut, ellipses[_i].cut);
}
END_TEST

/* ---- the rest ---- */

START_TEST(hexadecimal_is_lower_case_and_whole)
{
    g_autofree char *hex = text_hex("\x00\x0F\xA0\xFF", 4);
    g_autofree char *none = text_hex("", 0);
    ck_assert_str_eq(hex, "000fa0ff");
    ck_assert_str_eq(none, "");
}
END_TEST

static const struct {
    const char *a;
    const char *b;
    bool equal;
} pairs[] = {
    {"", "", true},          {"abc", "abc", true},  {"abc", "abd", false},
    {"abc", "xbc", false},   {"abc", "ab", false},  {"", "a", false},
    {"\x80", "\x00", false}, {"abc", "ABC", false},
};

START_TEST(the_slow_comparison_is_a_comparison)
{
    ck_assert(text_equal_constant_time(pairs[_i].a, pairs[_i].b) ==
              pairs[_i].equal);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_add_loop_test(tests, what_is_no_utf8_is_replaced_byte_by_byte, 0,
                        G_N_ELEMENTS(repairs));
    tcase_add_test(tests, a_megabyte_of_rubbish_is_repaired_at_once);
    tcase_add_loop_test(tests, text_is_made_fit_for_one_line_and_for_many, 0,
                        G_N_ELEMENTS(lines));
    tcase_add_loop_test(tests, a_cut_never_splits_a_character, 0,
                        G_N_ELEMENTS(cuts));
    tcase_add_loop_test(tests, an_ellipsis_says_that_something_is_missing, 0,
                        G_N_ELEMENTS(ellipses));
    tcase_add_test(tests, hexadecimal_is_lower_case_and_whole);
    tcase_add_loop_test(tests, the_slow_comparison_is_a_comparison, 0,
                        G_N_ELEMENTS(pairs));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
