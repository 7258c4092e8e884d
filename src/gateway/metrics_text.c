/* The documents that metrics.c makes of its table. */
#include "gateway/metrics.h"

#include <string.h>

#include "metrics_buckets.h"

enum { MS = 1000, S = 1000 * MS };

static const int64_t times_us[METRICS_BOUNDS] = {
    1 * MS,   5 * MS, 10 * MS,          25 * MS, 50 * MS, 100 * MS, 250 * MS,
    500 * MS, 1 * S,  2 * S + 500 * MS, 10 * S,  60 * S,  600 * S,  3600LL * S};

static const int64_t sizes[METRICS_BOUNDS] = {1,  2,  4,   8,   16,  20,  32,
                                              50, 64, 100, 128, 256, 512, 1000};

const int64_t *
metrics_bounds(MetricType type)
{
    return type == METRIC_TIMES ? times_us : sizes;
}

static const char *
type_word(MetricType type)
{
    switch (type) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_TIMES:
    case METRIC_SIZES:
        return "histogram";
    }
    g_assert_not_reached();
}

/* Microseconds as seconds, exactly and whatever the locale; sizes as they are.
 */
static void
append_number(GString *out, MetricType type, int64_t number)
{
    if (type != METRIC_TIMES || number % S == 0) {
        g_string_append_printf(out, "%" G_GINT64_FORMAT,
                               type == METRIC_TIMES ? number / S : number);
        return;
    }
    g_string_append_printf(out, "%" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT,
                           number / S, number % S);
    while (out->str[out->len - 1] == '0')
        g_string_truncate(out, out->len - 1);
}

static void
append_histogram(GString *out, const int64_t *cells, Metric metric)
{
    const MetricRow *row = metrics_row(metric);
    const int64_t *bounds = metrics_bounds(row->type);
    int64_t count = 0;
    for (int bucket = 0; bucket < METRICS_BOUNDS; bucket++) {
        count += metrics_get(cells, metric, bucket);
        g_string_append_printf(out, "postern_%s_bucket{le=\"", row->name);
        append_number(out, row->type, bounds[bucket]);
        g_string_append_printf(out, "\"} %" G_GINT64_FORMAT "\n", count);
    }
    count += metrics_get(cells, metric, METRICS_BOUNDS);
    g_string_append_printf(
        out, "postern_%s_bucket{le=\"+Inf\"} %" G_GINT64_FORMAT "\n", row->name,
        count);
    g_string_append_printf(out, "postern_%s_sum ", row->name);
    append_number(out, row->type, metrics_get(cells, metric, METRICS_SUM));
    g_string_append_printf(out, "\npostern_%s_count %" G_GINT64_FORMAT "\n",
                           row->name, count);
}

static void
append_values(GString *out, const int64_t *cells, Metric metric)
{
    const MetricRow *row = metrics_row(metric);
    if (row->label == NULL)
        g_string_append_printf(out, "postern_%s %" G_GINT64_FORMAT "\n",
                               row->name, metrics_get(cells, metric, 0));
    for (int i = 0; row->label != NULL && row->values[i] != NULL; i++)
        g_string_append_printf(
            out, "postern_%s{%s=\"%s\"} %" G_GINT64_FORMAT "\n", row->name,
            row->label, row->values[i], metrics_get(cells, metric, i));
}

void
metrics_text(const int64_t *cells, GString *out)
{
    for (Metric metric = 0; metric < METRIC_COUNT; metric++) {
        const MetricRow *row = metrics_row(metric);
        g_string_append_printf(
            out, "# HELP postern_%s %s\n# TYPE postern_%s %s\n", row->name,
            row->help, row->name, type_word(row->type));
        if (row->type == METRIC_TIMES || row->type == METRIC_SIZES)
            append_histogram(out, cells, metric);
        else
            append_values(out, cells, metric);
    }
}

static void
append_label(GString *out, const MetricRow *row)
{
    g_string_append_printf(out, ".br\n%s: ", row->label);
    for (int i = 0; row->values[i] != NULL; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", row->values[i]);
    g_string_append(out, ".\n");
}

void
metrics_manual(GString *out)
{
    for (Metric metric = 0; metric < METRIC_COUNT; metric++) {
        const MetricRow *row = metrics_row(metric);
        g_string_append_printf(out, ".TP\n.BR postern_%s \" (%s)\"\n%s\n",
                               row->name, type_word(row->type), row->help);
        if (row->label != NULL && metric != METRIC_VERSION)
            append_label(out, row);
    }
}
