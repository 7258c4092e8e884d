/* gateway/watch.h: limits.backlog, and what a folder keeps because of it. */
#include "base/log.h"
#include "store/delivery.h"
#include "watch_inside.h"

enum { ASK_AGAIN_S = 1 };

/* Said once, and once more when it is over. */
static void
tell(Watch *watch, int64_t backlog)
{
    bool is_full = watch->room <= 0;
    if (is_full && !watch->held_back)
        log_notice(event("folder.held-back"),
                   kv("reason", "more mail waits than is processed; this "
                                "folder keeps its own until there is less"),
                   kv_int("backlog", backlog));
    if (!is_full && watch->held_back)
        log_info(event("folder.goes-on"), kv_int("backlog", backlog));
    watch->held_back = is_full;
}

bool
watch_has_room(Watch *watch, bool *ret_has_room, GError **error)
{
    const Desk *desk = watch->with.desk;
    int64_t limit = desk->settings->limits.backlog, backlog;
    int64_t now_us = g_get_monotonic_time();
    *ret_has_room = watch->room > 0 && now_us < watch->room_until_us;
    if (*ret_has_room)
        return true;
    if (!delivery_backlog(desk->store, limit, &backlog, error))
        return false;
    watch->room = limit - backlog;
    watch->room_until_us = now_us + ASK_AGAIN_S * G_USEC_PER_SEC;
    tell(watch, backlog);
    *ret_has_room = !watch->held_back;
    return true;
}
