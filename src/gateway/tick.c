#include "gateway/tick.h"

#include "base/log.h"
#include "gateway/metrics.h"
#include "store/inspect.h"
#include "store/outbox.h"
#include "store/schema.h"

static bool
recover(Desk *desk, const LastWords *dead, size_t *ret_repeated, GError **error)
{
    Recovered recovered;
    if (!outbox_recover(desk->store, dead, &recovered, error))
        return false;
    if (recovered.unsure + recovered.repeated > 0)
        log_warning(event("outbox.recovered"),
                    kv_int("unsure", recovered.unsure),
                    kv_int("repeated", recovered.repeated),
                    kv("reason", "message may be sent more than once, an "
                                 "acknowledgement perhaps not at all"));
    metric_add(METRIC_REPEATED, 0, recovered.repeated);
    metric_add(METRIC_RECIPIENTS, RECIPIENT_UNSURE, recovered.unsure);
    *ret_repeated = (size_t)recovered.repeated;
    return true;
}

bool
tick_recover_sender(Desk *desk, const LastWords *dead, GError **error)
{
    size_t repeated;
    return recover(desk, dead, &repeated, error);
}

bool
tick(Desk *desk, const Diary *diary, size_t *ret_outgoing, GError **error)
{
    int64_t expired, purged;
    diary->busy(diary->context, 0, desk->settings->database.timeout_s * 5);
    if (!recover(desk, NULL, ret_outgoing, error) ||
        !outbox_expire(desk->store, desk->settings->outbox.give_up_s, &expired,
                       error) ||
        !schema_purge(desk->store, &desk->settings->retention, &purged, error))
        return false;
    metric_add(METRIC_EXPIRED, 0, expired);
    if (expired > 0)
        log_warning(event("outbox.expired"), kv_int("count", expired));
    if (purged > 0)
        log_info(event("retention.purged"), kv_int("count", purged));
    return true;
}

bool
tick_figures(Desk *desk, const Diary *diary, GError **error)
{
    static const struct {
        const char *column;
        Metric metric;
    } figures[] = {
        {"waiting", METRIC_WAITING},
        {"oldest_waiting_s", METRIC_WAITING_AGE},
        {"parked", METRIC_PARKED},
        {"queued", METRIC_QUEUED},
        {"oldest_queued_s", METRIC_QUEUED_AGE},
        {"overdue_s", METRIC_OVERDUE},
        {"sending", METRIC_SENDING},
        {"failed_1day", METRIC_FAILED},
        {"unsure_1day", METRIC_UNSURE},
        {"unfinished_tickets", METRIC_TICKETS},
    };
    diary->busy(diary->context, 0, desk->settings->database.timeout_s * 5);
    g_autoptr(Txn) txn = store_begin_read_only(desk->store, error);
    g_autoptr(InspectTable) table =
        txn != NULL ? inspect_ask(txn, INSPECT_STATUS, NULL, error) : NULL;
    if (table == NULL || !txn_commit(txn, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(figures); i++)
        metric_set(figures[i].metric, 0,
                   g_ascii_strtoll(inspect_get(table, 0, figures[i].column),
                                   NULL, 10));
    metric_set(METRIC_FIGURES_AT, 0, g_get_real_time() / G_USEC_PER_SEC);
    return true;
}
