/* The cells of a histogram: one a bucket, one for what is above, the sum. */
#ifndef METRICS_BUCKETS_H
#define METRICS_BUCKETS_H

#include "gateway/metrics.h"

enum {
    METRICS_BOUNDS = METRIC_CELLS - 2,
    METRICS_SUM = METRIC_CELLS - 1 /* after the bucket without a bound */
};

/* The upper bounds of the buckets, METRICS_BOUNDS of them. */
const int64_t *metrics_bounds(MetricType type);

#endif
