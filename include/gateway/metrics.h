/*
 * What is counted at each hand-over, for Prometheus and `postern status`. All
 * workers add to the same cells, which are memory they share (the status page);
 * to count is one atomic addition. What there is to count is said once, by the
 * table of metrics.c: text, manual and tests are made from it.
 */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* In the order of the table. */
typedef enum {
    METRIC_ACCEPTED,
    METRIC_REFUSED,
    METRIC_ACCEPT_TIME,
    METRIC_LEFT,
    METRIC_PROCESSED,
    METRIC_PROCESS_TIME,
    METRIC_PROCESS_BATCH,
    METRIC_STRIKES,
    METRIC_POSTPONED,
    METRIC_CLAIMED,
    METRIC_CLAIM_BATCH,
    METRIC_BEGUN,
    METRIC_LEASE_LOST,
    METRIC_RECIPIENTS,
    METRIC_SEND_TIME,
    METRIC_REPEATED,
    METRIC_EXPIRED,
    METRIC_RELAY_LOST,
    /* what the database said when it was last asked */
    METRIC_FIGURES_AT,
    METRIC_WAITING,
    METRIC_WAITING_AGE,
    METRIC_PARKED,
    METRIC_PARKED_RUBBISH,
    METRIC_QUEUED,
    METRIC_QUEUED_AGE,
    METRIC_OVERDUE,
    METRIC_SENDING,
    METRIC_FAILED,
    METRIC_FAILED_ACKNOWLEDGEMENTS,
    METRIC_UNSURE,
    METRIC_TICKETS,
    METRIC_FOLDERS,
    METRIC_FOLDERS_SILENT,
    METRIC_FOLDERS_WAITING,
    METRIC_LEFT_PARKED,
    /* what the status page says at that moment */
    METRIC_WORKERS,
    METRIC_WORKERS_WANTED,
    METRIC_WORKERS_BUSY,
    METRIC_RESTARTS,
    METRIC_MEMORY,
    METRIC_LMTP_LIMIT,
    METRIC_STARTED_AT,
    METRIC_VERSION,
    METRIC_COUNT
} Metric;

/* Labels of METRIC_ACCEPTED are those of Added, of METRIC_PROCESSED those of
 * Verdict; the others are here. */
typedef enum {
    REFUSED_ADDRESS,
    REFUSED_QUEUE,
    REFUSED_DATABASE,
    REFUSED_BUSY
} MetricRefused;

typedef enum { LEFT_STRUCK, LEFT_PARKED } MetricLeft;

typedef enum {
    RECIPIENT_SENT,
    RECIPIENT_DEFERRED,
    RECIPIENT_FAILED,
    RECIPIENT_UNSURE
} MetricRecipient;

typedef enum {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_TIMES, /* a histogram of microseconds, shown in seconds */
    METRIC_SIZES  /* a histogram of numbers */
} MetricType;

enum {
    METRIC_CELLS =
        16, /* of one metric: one a label, or the buckets and a sum */
    METRICS_CELLS = METRIC_COUNT * METRIC_CELLS
};

typedef struct {
    const char *name; /* without the "postern_" in front */
    MetricType type;
    const char *label;         /* name of the label; NULL: none */
    const char *const *values; /* of the label, NULL-terminated */
    const char *help;          /* a sentence, plain ASCII */
} MetricRow;

const MetricRow *metrics_row(Metric metric);

/* Count in these METRICS_CELLS cells, and not in some of our own. Borrowed. */
void metrics_use(int64_t *cells);

/* `label`: which of the row's values; 0 where there is none. */
void metric_add(Metric metric, int label, int64_t number);
void metric_set(Metric metric, int label, int64_t number);

/* One observation for a histogram; less than nothing counts as nothing. */
void metric_observe(Metric metric, int64_t number);
/* The same: how long it took since then (g_get_monotonic_time()). */
void metric_observe_since(Metric metric, int64_t began_us);

/* The cell for that label, and how many observations a histogram has. */
int64_t metrics_get(const int64_t *cells, Metric metric, int label);
int64_t metrics_observed(const int64_t *cells, Metric metric);

/* Append all of it in Prometheus's text format, version 0.0.4. */
void metrics_text(const int64_t *cells, GString *out);

/* Append the list of posternd(8), in man(7) macros. */
void metrics_manual(GString *out);

#endif
