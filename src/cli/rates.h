/* What happened between two looks at the status page. */
#ifndef CLI_RATES_H
#define CLI_RATES_H

#include "daemon/status.h"

enum { RATES = 5 };

/* One look: the counters, and whose they are. */
typedef struct {
    bool taken; /* there was a daemon to look at */
    int64_t at_us;
    pid_t supervisor;
    int64_t started_at_s;
    int64_t counts[RATES];
} RatesLook;

/* "accepted", "refused", "processed", "sent", "not sent". */
const char *rates_name(int rate);

/* `page` may be NULL. */
void rates_look(const StatusPage *page, RatesLook *ret_look);

/* How many a second; false if the looks are not of one daemon's life. */
bool rates_between(const RatesLook *before, const RatesLook *now,
                   double ret_rates[RATES]);

#endif
