#include "gateway/tick.h"

#include "alarm.h"
#include "base/log.h"
#include "gateway/folders.h"
#include "gateway/metrics.h"
#include "park.h"
#include "store/inspect.h"
#include "store/outbox.h"
#include "store/schema.h"

enum { CRASH_LOOP_COOL_DOWN_S = 86400, FOLDERS_COOL_DOWN_S = 86400 };

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
        {"parked_rubbish", METRIC_PARKED_RUBBISH},
        {"queued", METRIC_QUEUED},
        {"oldest_queued_s", METRIC_QUEUED_AGE},
        {"overdue_s", METRIC_OVERDUE},
        {"sending", METRIC_SENDING},
        {"failed_1day", METRIC_FAILED},
        {"acknowledgements_failed_1day", METRIC_FAILED_ACKNOWLEDGEMENTS},
        {"unsure_1day", METRIC_UNSURE},
        {"unfinished_tickets", METRIC_TICKETS},
    };
    diary->busy(diary->context, 0, desk->settings->database.timeout_s * 5);
    g_autoptr(Txn) txn = store_begin_read_only(desk->store, error);
    g_autoptr(InspectTable) table =
        txn != NULL ? inspect_ask(txn, INSPECT_STATUS, NULL, error) : NULL;
    g_auto(FolderFigures) folders = {0};
    if (table == NULL ||
        !folders_figures(txn, desk->settings, &folders, error) ||
        !txn_commit(txn, error))
        return false;
    metric_set(METRIC_FOLDERS, 0, folders.watched);
    metric_set(METRIC_FOLDERS_SILENT, 0, folders.silent);
    metric_set(METRIC_FOLDERS_WAITING, 0, folders.waiting);
    metric_set(METRIC_LEFT_PARKED, 0, folders.parked);
    for (size_t i = 0; i < G_N_ELEMENTS(figures); i++)
        metric_set(figures[i].metric, 0,
                   g_ascii_strtoll(inspect_get(table, 0, figures[i].column),
                                   NULL, 10));
    metric_set(METRIC_FIGURES_AT, 0, g_get_real_time() / G_USEC_PER_SEC);
    return true;
}

/* What a mail to the admin is made with. */
static bool
load_texts(Desk *desk, GError **error)
{
    return (desk->templates != NULL || desk_load_templates(desk, error)) &&
           (desk->keys != NULL || desk_load_keys(desk, error));
}

static bool
tell_folders(Txn *txn, const Desk *desk, const FolderFigures *folders,
             size_t *ret_outgoing, GError **error)
{
    return (folders->silent == 0 ||
            alarm_tell(txn, desk, "folder-silent", FOLDERS_COOL_DOWN_S,
                       "Nobody can look into an IMAP folder",
                       folders->reasons->str, ret_outgoing, error)) &&
           (folders->parked == 0 ||
            alarm_tell(
                txn, desk, "left-mail", FOLDERS_COOL_DOWN_S,
                "Mails in IMAP folders could not be taken and stay there",
                folders->left->str, ret_outgoing, error));
}

bool
tick_tell_folders(Desk *desk, size_t *ret_outgoing, GError **error)
{
    g_auto(FolderFigures) folders = {0};
    *ret_outgoing = 0;
    if (settings_watched_count(desk->settings) == 0)
        return true;
    if (!load_texts(desk, error))
        return false;
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    return txn != NULL &&
           folders_figures(txn, desk->settings, &folders, error) &&
           tell_folders(txn, desk, &folders, ret_outgoing, error) &&
           txn_commit(txn, error);
}

bool
tick_drop_rubbish(Desk *desk, const Diary *diary, size_t *ret_outgoing,
                  GError **error)
{
    int64_t dropped;
    *ret_outgoing = 0;
    if (desk->settings->retention.rubbish_s == 0) /* kept for ever */
        return true;
    if (!load_texts(desk, error) ||
        !park_drop_old(desk, diary, &dropped, ret_outgoing, error))
        return false;
    if (dropped > 0)
        log_notice(event("retention.dropped"), kv_int("count", dropped));
    return true;
}

bool
tick_tell_crash_loop(Desk *desk, const char *workers, size_t *ret_outgoing,
                     GError **error)
{
    g_autofree char *reason =
        g_strdup_printf("Workers die again and again: %s", workers);
    *ret_outgoing = 0;
    if (!load_texts(desk, error))
        return false;
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    return txn != NULL &&
           alarm_tell(txn, desk, "crash-loop", CRASH_LOOP_COOL_DOWN_S, reason,
                      "The log says why: worker.failed, worker.died. They are "
                      "tried again each minute at most;\nmend it, and SIGHUP "
                      "has them tried at once. All others go on.",
                      ret_outgoing, error) &&
           txn_commit(txn, error);
}
