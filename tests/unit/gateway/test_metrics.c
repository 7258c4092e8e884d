#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/metrics.h"
#include "policy/decision.h"
#include "store/delivery.h"

static int64_t cells[METRICS_CELLS];

static void
begin(void)
{
    memset(cells, 0, sizeof cells);
    metrics_use(cells);
}

static char *
text(void)
{
    GString *out = g_string_new(NULL);
    metrics_text(cells, out);
    return g_string_free(out, FALSE);
}

static void
ck_assert_line(const char *line)
{
    g_autofree char *all = text();
    g_auto(GStrv) lines = g_strsplit(all, "\n", -1);
    ck_assert_msg(g_strv_contains((const char *const *)lines, line),
                  "there is no line '%s' in\n%s", line, all);
}

START_TEST(every_metric_is_complete)
{
    for (Metric metric = 0; metric < METRIC_COUNT; metric++) {
        const MetricRow *row = metrics_row(metric);
        size_t values = 0;
        ck_assert_msg(row->name != NULL, "metric %d has no row", (int)metric);
        ck_assert_str_ne(row->help, "");
        ck_assert(!strpbrk(row->help, "\\\n"));
        while (row->label != NULL && row->values[values] != NULL)
            values++;
        ck_assert_uint_le(values, METRIC_CELLS);
        ck_assert_int_eq(row->type == METRIC_COUNTER,
                         g_str_has_suffix(row->name, "_total"));
    }
}
END_TEST

START_TEST(labels_are_the_words_of_the_desk)
{
    const MetricRow *row = metrics_row(METRIC_PROCESSED);
    for (Verdict verdict = VERDICT_NEW; verdict <= VERDICT_PARK; verdict++)
        ck_assert_str_eq(row->values[verdict], verdict_name(verdict));
    ck_assert_ptr_null(row->values[VERDICT_PARK + 1]);
    row = metrics_row(METRIC_ACCEPTED);
    ck_assert_str_eq(row->values[ADDED_NEW], "new");
    ck_assert_str_eq(row->values[ADDED_DUPLICATE], "duplicate");
    ck_assert_str_eq(row->values[ADDED_COMPLETED], "completed");
    row = metrics_row(METRIC_REFUSED);
    ck_assert_str_eq(row->values[REFUSED_BUSY], "busy");
    row = metrics_row(METRIC_RECIPIENTS);
    ck_assert_str_eq(row->values[RECIPIENT_UNSURE], "unsure");
}
END_TEST

START_TEST(counters_and_gauges_count)
{
    begin();
    metric_add(METRIC_REFUSED, REFUSED_DATABASE, 2);
    metric_add(METRIC_REFUSED, REFUSED_DATABASE, 3);
    metric_set(METRIC_WAITING, 0, 7);
    metric_set(METRIC_WAITING, 0, 6);
    ck_assert_line("postern_refused_total{reason=\"database\"} 5");
    ck_assert_line("postern_refused_total{reason=\"busy\"} 0");
    ck_assert_line("postern_deliveries_waiting 6");
    ck_assert_line("# TYPE postern_deliveries_waiting gauge");
}
END_TEST

START_TEST(times_are_shown_in_seconds)
{
    begin();
    metric_observe(METRIC_ACCEPT_TIME, 1000);       /* on the bound: below it */
    metric_observe(METRIC_ACCEPT_TIME, 1001);       /* above it */
    metric_observe(METRIC_ACCEPT_TIME, -5);         /* a clock was set back */
    metric_observe(METRIC_ACCEPT_TIME, 7200000000); /* beyond the last */
    ck_assert_line("postern_accept_seconds_bucket{le=\"0.001\"} 2");
    ck_assert_line("postern_accept_seconds_bucket{le=\"0.005\"} 3");
    ck_assert_line("postern_accept_seconds_bucket{le=\"2.5\"} 3");
    ck_assert_line("postern_accept_seconds_bucket{le=\"3600\"} 3");
    ck_assert_line("postern_accept_seconds_bucket{le=\"+Inf\"} 4");
    ck_assert_line("postern_accept_seconds_sum 7200.002001");
    ck_assert_line("postern_accept_seconds_count 4");
    ck_assert_int_eq(metrics_observed(cells, METRIC_ACCEPT_TIME), 4);
}
END_TEST

START_TEST(sizes_are_shown_as_they_are)
{
    begin();
    metric_observe(METRIC_PROCESS_BATCH, 32);
    metric_observe(METRIC_PROCESS_BATCH, 33);
    ck_assert_line("postern_process_batch_mails_bucket{le=\"20\"} 0");
    ck_assert_line("postern_process_batch_mails_bucket{le=\"32\"} 1");
    ck_assert_line("postern_process_batch_mails_bucket{le=\"50\"} 2");
    ck_assert_line("postern_process_batch_mails_sum 65");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("metrics");
    tcase_add_test(tests, every_metric_is_complete);
    tcase_add_test(tests, labels_are_the_words_of_the_desk);
    tcase_add_test(tests, counters_and_gauges_count);
    tcase_add_test(tests, times_are_shown_in_seconds);
    tcase_add_test(tests, sizes_are_shown_as_they_are);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
