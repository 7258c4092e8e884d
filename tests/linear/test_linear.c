/*
 * usage: test_linear
 * usage: test_linear --table KIB
 *
 * Every reader of foreign text takes time in proportion to what it reads: of
 * twice the input less than two and a half times as much. Shown on inputs made
 * of each byte, of what means something to a reader, and of the words of its
 * tables, at a size that is soon read. With --table all of them at that size,
 * and the worst input of each reader.
 */
#include <check.h>
#include <gmime/gmime.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"
#include "readers.h"

/* Twice less than 2.5 times, for the large input is four times the small. */
#define GROWTH_MAX (2.5 * 2.5)

/* Our code without optimization beside libraries with it says nothing. */
#ifdef __OPTIMIZE__
#define IS_OPTIMIZED true
#else
#define IS_OPTIMIZED false
#endif

/* What an input may cost, in terms of an ordinary text of its size. */
enum {
    /* So little is good: what the processor has learnt of a short input that is
     * read again and again weighs more than how it is read. */
    ORDINARY_TIMES_CHEAP = 5,
    /* A limit makes any scan linear; it must be a small one. */
    ORDINARY_TIMES_MAX = IS_OPTIMIZED ? 150 : 100000
};

enum {
    /* One character of uuencode stands for 63 bytes, and each that is no text
     * for a replacement of three. */
    MADE_TIMES_MAX = 100,
    MARKS_BYTES = 16 * 1024, /* as large as an input of these is, */
    BYTES_BYTES = 8 * 1024,  /* and of these, for they are many more; */
    UNTIMED_BYTES = 512,     /* only for missteps */
    TRIES_MAX = 5, /* of what seems to be slow: others use this machine, too */
    RUNS = 3       /* in each of them */
};

static double ordinary_ms; /* for a MiB */

#if defined(__SANITIZE_ADDRESS__)
#define TIMES_COUNT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TIMES_COUNT 0
#else
#define TIMES_COUNT 1
#endif
#else
#define TIMES_COUNT 1
#endif

static double
times_ordinary(const LinearCost *cost)
{
    return linear_ms_per_mib(cost) / ordinary_ms;
}

static bool
is_good(const LinearCost *cost)
{
    return times_ordinary(cost) < ORDINARY_TIMES_CHEAP ||
           (times_ordinary(cost) < ORDINARY_TIMES_MAX && cost->small_s > 0 &&
            linear_growth(cost) < GROWTH_MAX);
}

/* Worth another look: not good, but what neighbours could make of good. */
static bool
is_worth(const LinearCost *cost)
{
    return TIMES_COUNT && !is_good(cost) &&
           times_ordinary(cost) < 4 * ORDINARY_TIMES_MAX;
}

/* What a linear reader takes is little in some try; the other kind's never is.
 */
static LinearCost
cost_at(const LinearReader *reader, const LinearPiece *piece, size_t bytes)
{
    LinearCost cost = linear_measure(reader, piece, bytes, 1);
    for (int i = 0; i < TRIES_MAX && is_worth(&cost); i++)
        linear_measure_growth(reader, piece, bytes, i == 0 ? 1 : RUNS, &cost);
    return cost;
}

/* Somewhere a short text becomes a long one, is guessed to be in another
 * charset or is beyond a limit, and costs more from there on. That is a step,
 * and not met again in a larger input. */
static LinearCost
cost_of(const LinearReader *reader, const LinearPiece *piece, size_t bytes)
{
    LinearCost cost = cost_at(reader, piece, bytes);
    return is_worth(&cost) ? cost_at(reader, piece, LINEAR_TIMES * bytes)
                           : cost;
}

static void
judge(const LinearReader *reader, const GArray *pieces, size_t bytes)
{
    for (guint i = 0; i < pieces->len; i++) {
        const LinearPiece *piece = &g_array_index(pieces, LinearPiece, i);
        LinearCost cost =
            cost_of(reader, piece, TIMES_COUNT ? bytes : UNTIMED_BYTES);
        g_autofree char *shown = linear_show(piece);
        ck_assert_msg(!TIMES_COUNT || is_good(&cost),
                      "%s, of %s: %.0f ms for a MiB (of ordinary text %.0f), "
                      "and %.1f times as long for four times as much (0: so "
                      "slow that it was not asked)",
                      reader->name, shown, linear_ms_per_mib(&cost),
                      ordinary_ms, linear_growth(&cost));
        ck_assert_msg(cost.made <= MADE_TIMES_MAX * cost.bytes,
                      "%s, of %s: %zu bytes became %zu", reader->name, shown,
                      cost.bytes, cost.made);
    }
}

/* ---- who measures is measured ---- */

/* A digest of the next `window` bytes, at each byte. */
static size_t
look_ahead(const char *bytes, size_t length, size_t window)
{
    size_t sum = 0;
    for (size_t i = 0; i < length; i++)
        for (size_t j = i; j < MIN(length, i + window); j++)
            sum = sum * 31 + (unsigned char)bytes[j];
    return sum % length;
}

static size_t
look_at_all(const char *bytes, size_t length)
{
    return look_ahead(bytes, length, length);
}

/* Linear as such, with a limit that is none. */
static size_t
look_far(const char *bytes, size_t length)
{
    return look_ahead(bytes, length, 4096);
}

static size_t
look_near(const char *bytes, size_t length)
{
    return look_ahead(bytes, length, 32);
}

START_TEST(readers_that_are_not_linear_are_seen)
{
    static const LinearReader readers[] = {WITHIN("all", "", "", look_at_all),
                                           WITHIN("far", "", "", look_far),
                                           WITHIN("near", "", "", look_near)};
    static const bool good[] = {false, false, true};
    const LinearPiece piece = {"a", 1};
    LinearCost cost = cost_of(&readers[_i], &piece, 1024);
    ck_assert(!TIMES_COUNT || is_good(&cost) == good[_i]);
}
END_TEST

/* ---- the readers ---- */

START_TEST(mails_cost_their_length)
{
    g_autoptr(GArray) marks = linear_marks();
    g_autoptr(GArray) lines = linear_ascii_lines();
    judge(&linear_mails[_i], marks, MARKS_BYTES);
    judge(&linear_mails[_i], lines, BYTES_BYTES);
}
END_TEST

START_TEST(each_reader_costs_the_length_of_its_text)
{
    g_autoptr(GArray) marks = linear_marks();
    g_autoptr(GArray) bytes = linear_bytes();
    g_autoptr(GArray) lines = linear_byte_lines();
    judge(&linear_parts[_i], marks, MARKS_BYTES);
    judge(&linear_parts[_i], bytes, BYTES_BYTES);
    judge(&linear_parts[_i], lines, BYTES_BYTES);
}
END_TEST

static bool
looks_for_words(const LinearReader *reader)
{
    static const char *const names[] = {"quote_find", "html_text", "dsn_text",
                                        "dsn_words", "subject_base"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], reader->name) == 0)
            return true;
    return false;
}

START_TEST(words_cost_their_length)
{
    if (!looks_for_words(&linear_parts[_i]))
        return;
    g_autoptr(GArray) words = linear_words();
    judge(&linear_parts[_i], words, BYTES_BYTES);
}
END_TEST

/* ---- the table ---- */

static void
show(const LinearReader *reader, const LinearPiece *piece,
     const LinearCost *cost)
{
    g_autofree char *shown = linear_show(piece);
    printf("%8.1f %6.1f %6.1f  %s: %s%s\n", linear_ms_per_mib(cost),
           linear_growth(cost), (double)cost->made / (double)cost->bytes,
           reader->name, shown, is_good(cost) ? "" : "  NOT LINEAR");
    fflush(stdout);
}

/* The most expensive input of a reader, and each that is no good. */
static bool
find_worst(const LinearReader *reader, GArray *const *inputs, size_t count,
           size_t bytes)
{
    LinearCost worst = {.large_s = 0};
    const LinearPiece *of = NULL;
    bool good = true;
    for (size_t i = 0; i < count; i++)
        for (guint j = 0; j < inputs[i]->len; j++) {
            const LinearPiece *piece =
                &g_array_index(inputs[i], LinearPiece, j);
            LinearCost cost = cost_of(reader, piece, bytes);
            if (!is_good(&cost))
                show(reader, piece, &cost);
            good &= is_good(&cost);
            if (of == NULL || cost.large_s > worst.large_s) {
                worst = cost;
                of = piece;
            }
        }
    if (is_good(&worst))
        show(reader, of, &worst);
    return good;
}

static bool
print_table(size_t bytes)
{
    g_autoptr(GArray) marks = linear_marks();
    g_autoptr(GArray) each = linear_bytes();
    g_autoptr(GArray) lines = linear_byte_lines();
    g_autoptr(GArray) pairs = linear_byte_words();
    g_autoptr(GArray) words = linear_words();
    GArray *const inputs[] = {marks, each, lines, pairs, words};
    const size_t all = G_N_ELEMENTS(inputs);
    bool good = true;
    printf("ms/MiB  growth   made  reader: input; ordinary text: %.1f ms\n",
           ordinary_ms);
    for (size_t i = 0; i < linear_mails_count; i++)
        good &= find_worst(&linear_mails[i], inputs, all - 1, bytes);
    for (size_t i = 0; i < linear_parts_count; i++)
        good &= find_worst(&linear_parts[i], inputs,
                           looks_for_words(&linear_parts[i]) ? all : all - 1,
                           bytes);
    return good;
}

static void
measure_ordinary(size_t bytes)
{
    static const LinearPiece prose = {
        "My printer does not print any more. What can I do about it?\n", 60};
    ordinary_ms = G_MAXDOUBLE;
    LinearCost cost =
        linear_measure(&linear_mails[0], &prose, bytes, RUNS * TRIES_MAX);
    ordinary_ms = linear_ms_per_mib(&cost);
}

static void
add_case(Suite *suite, const char *name, const TTest *test, size_t count)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 300);
    tcase_add_loop_test(tests, test, 0, (int)count);
    suite_add_tcase(suite, tests);
}

static int
run_tests(void)
{
    Suite *suite = suite_create("linear");
    add_case(suite, "measure", readers_that_are_not_linear_are_seen, 3);
    add_case(suite, "mails", mails_cost_their_length, linear_mails_count);
    add_case(suite, "readers", each_reader_costs_the_length_of_its_text,
             linear_parts_count);
    add_case(suite, "words", words_cost_their_length, linear_parts_count);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    g_setenv("G_DEBUG", "fatal-criticals", FALSE);
    /* Fresh pages cost more than what is read, and large inputs have more. */
    mallopt(M_MMAP_THRESHOLD, G_MAXINT);
    mallopt(M_TRIM_THRESHOLD, G_MAXINT);
    g_mime_init();
    if (argc == 3 && strcmp(argv[1], "--table") == 0) {
        size_t bytes = (size_t)g_ascii_strtoull(argv[2], NULL, 10) * 1024;
        measure_ordinary(bytes);
        return print_table(bytes) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    measure_ordinary(MARKS_BYTES);
    return run_tests();
}
