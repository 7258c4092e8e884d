#include "support.h"

#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mail/defect.h"

int
support_run(const char *name, void (*add)(TCase *tests))
{
    g_setenv("G_DEBUG", "fatal-criticals", FALSE);
    g_mime_init();
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 120);
    add(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    g_mime_shutdown();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Whoever reads a mail's form knows the slugs of the table and no others. */
static Mail *
parse(GBytes *raw, const char *sender)
{
    Mail *mail = mail_parse(raw, sender, &mail_limits_default);
    for (guint i = 0; i < mail->defects->len; i++)
        ck_assert_ptr_nonnull(defect_find(mail->defects->pdata[i]));
    return mail;
}

Mail *
support_parse_bytes(const char *bytes, size_t length)
{
    g_autoptr(GBytes) raw = g_bytes_new(bytes, length);
    return parse(raw, NULL);
}

Mail *
support_parse(const char *text, const char *sender)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    return parse(raw, sender);
}

bool
support_has_defect(const Mail *mail, const char *slug)
{
    for (guint i = 0; i < mail->defects->len; i++)
        if (strcmp(mail->defects->pdata[i], slug) == 0)
            return true;
    return false;
}

char *
support_repeat(const char *before, const char *piece, size_t count,
               const char *after)
{
    GString *text = g_string_sized_new(strlen(before) + strlen(after) +
                                       count * strlen(piece) + 1);
    g_string_append(text, before);
    for (size_t i = 0; i < count; i++)
        g_string_append(text, piece);
    g_string_append(text, after);
    return g_string_free(text, FALSE);
}

/*
 * Sanitizers look at whole buffers at each call of memmem() and its like: times
 * say nothing there, but the inputs still show missteps.
 */
#if defined(__SANITIZE_ADDRESS__)
enum { TIMES_COUNT = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { TIMES_COUNT = 0 };
#else
enum { TIMES_COUNT = 1 };
#endif
#else
enum { TIMES_COUNT = 1 };
#endif

static double
seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double
best_of(void (*work)(const char *text, size_t length), const char *text)
{
    enum { RUNS = 4 };
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double start = seconds();
        work(text, strlen(text));
        best = MIN(best, seconds() - start);
    }
    return best;
}

void
support_grows_linearly(void (*work)(const char *text, size_t length),
                       const char *before, const char *piece, size_t count,
                       const char *after)
{
    /* Below this caches and neighbours weigh more than our work. */
    const double slack_s = 0.05;
    if (!TIMES_COUNT) {
        g_autofree char *small =
            support_repeat(before, piece, count / 50 + 1, after);
        work(small, strlen(small));
        return;
    }
    g_autofree char *once = support_repeat(before, piece, count, after);
    g_autofree char *twice = support_repeat(before, piece, 2 * count, after);
    double one = best_of(work, once), two = best_of(work, twice);
    ck_assert_msg(two < 3 * one + slack_s,
                  "%zu times '%.20s': %.3f s, twice as many: %.3f s", count,
                  piece, one, two);
}
