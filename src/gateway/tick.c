#include "gateway/tick.h"

#include "base/log.h"
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
    if (expired > 0)
        log_warning(event("outbox.expired"), kv_int("count", expired));
    if (purged > 0)
        log_info(event("retention.purged"), kv_int("count", purged));
    return true;
}
