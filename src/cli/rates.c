#include "rates.h"

static const struct {
    const char *name;
    Metric metric;
    int first, last; /* labels that are added up */
} rates[RATES] = {
    {"accepted", METRIC_ACCEPTED, 0, 2},
    {"refused", METRIC_REFUSED, REFUSED_ADDRESS, REFUSED_BUSY},
    {"processed", METRIC_PROCESSED, 0, 4},
    {"sent", METRIC_RECIPIENTS, RECIPIENT_SENT, RECIPIENT_SENT},
    {"not sent", METRIC_RECIPIENTS, RECIPIENT_DEFERRED, RECIPIENT_UNSURE},
};

const char *
rates_name(int rate)
{
    return rates[rate].name;
}

void
rates_look(const StatusPage *page, RatesLook *ret_look)
{
    *ret_look = (RatesLook){.at_us = g_get_monotonic_time()};
    if (page == NULL)
        return;
    ret_look->taken = true;
    ret_look->supervisor = page->supervisor;
    ret_look->started_at_s = page->started_at_s;
    for (int i = 0; i < RATES; i++)
        for (int label = rates[i].first; label <= rates[i].last; label++)
            ret_look->counts[i] +=
                metrics_get(page->metrics, rates[i].metric, label);
}

bool
rates_between(const RatesLook *before, const RatesLook *now,
              double ret_rates[RATES])
{
    int64_t passed_us = now->at_us - before->at_us;
    if (!before->taken || !now->taken || passed_us <= 0 ||
        before->supervisor != now->supervisor ||
        before->started_at_s != now->started_at_s)
        return false;
    for (int i = 0; i < RATES; i++)
        ret_rates[i] = (double)(now->counts[i] - before->counts[i]) *
                       G_USEC_PER_SEC / (double)passed_us;
    return true;
}
