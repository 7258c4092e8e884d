/*
 * What metrics.c says, for tests/check-metrics:
 *   metrics_dump --manual   the list of posternd(8)
 *   metrics_dump --names    names of series, as PromQL knows them, one a line
 */
#include <stdio.h>
#include <string.h>

#include "gateway/metrics.h"

static void
print_names(GString *out)
{
    for (Metric metric = 0; metric < METRIC_COUNT; metric++) {
        const MetricRow *row = metrics_row(metric);
        bool histogram = row->type == METRIC_TIMES || row->type == METRIC_SIZES;
        if (histogram)
            g_string_append_printf(
                out, "postern_%s_bucket\npostern_%s_sum\npostern_%s_count\n",
                row->name, row->name, row->name);
        else
            g_string_append_printf(out, "postern_%s\n", row->name);
    }
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    g_autoptr(GString) out = g_string_new(NULL);
    if (strcmp(what, "--manual") == 0)
        metrics_manual(out);
    else if (strcmp(what, "--names") == 0)
        print_names(out);
    else
        return 64;
    fputs(out->str, stdout);
    return 0;
}
