#include "park.h"

#include "alarm.h"
#include "store/delivery.h"
#include "store/record.h"

enum {
    EXPIRY_COOL_DOWN_S = 86400,
    EXPIRY_PIECES_MAX = 100, /* a day, in one transaction */
    EXPIRY_TOLD_BYTES = 2000 /* then it is said how many there are, no more */
};

/* Each kind has an alarm of its own: else whoever sends rubbish once an hour
 * would keep the admin from being told of all else. */
static const struct {
    const char *alarm;
    int64_t cool_down_s;
    const char *within;
    const char *look;
} kinds[] = {
    {"parked", 3600, "hour", ""},
    {"parked-rubbish", 86400, "day",
     "It is its sender's doing, and you need do nothing: it is dropped after\n"
     "retention.rubbish.\n\n"},
};

bool
park_tell(Txn *txn, const Desk *desk, int64_t delivery_id, const char *why,
          bool is_rubbish, size_t *outgoing_count, GError **error)
{
    g_autofree char *reason = g_strdup_printf(
        "Delivery %" G_GINT64_FORMAT " was parked: %s", delivery_id, why);
    g_autofree char *detail = g_strdup_printf(
        "%s"
        "postern delivery show %" G_GINT64_FORMAT "   why\n"
        "postern delivery raw %" G_GINT64_FORMAT "    the mail itself\n"
        "postern delivery retry %" G_GINT64_FORMAT "  process it again\n"
        "postern delivery drop %" G_GINT64_FORMAT "   do without it\n\n"
        "More of this kind within the %s is not reported:\n"
        "postern delivery list --state parked",
        kinds[is_rubbish].look, delivery_id, delivery_id, delivery_id,
        delivery_id, kinds[is_rubbish].within);
    return alarm_tell(txn, desk, kinds[is_rubbish].alarm,
                      kinds[is_rubbish].cool_down_s, reason, detail,
                      outgoing_count, error);
}

/* ---- expiry ---- */

static const char expiry_alarm[] = "rubbish-dropped";

static bool
drop_pieces(Txn *txn, const Desk *desk, const Diary *diary, GString *told,
            int64_t *ret_dropped, GError **error)
{
    int64_t count = DELIVERY_PIECE;
    *ret_dropped = 0;
    for (int i = 0; i < EXPIRY_PIECES_MAX && count == DELIVERY_PIECE; i++) {
        diary->busy(diary->context, 0, desk->settings->database.timeout_s * 5);
        if (!delivery_expire(txn, desk->settings->retention.rubbish_s,
                             expiry_alarm, EXPIRY_COOL_DOWN_S, told,
                             EXPIRY_TOLD_BYTES, &count, error))
            return false;
        *ret_dropped += count;
    }
    return true;
}

static void
tell_dropped(Txn *txn, const Desk *desk, int64_t dropped, const GString *told,
             size_t *ret_outgoing)
{
    g_autofree char *reason = g_strdup_printf(
        "%" G_GINT64_FORMAT " parked mails were dropped", dropped);
    g_autofree char *detail = g_strdup_printf(
        "They were rubbish by their senders' doing, and older than\n"
        "retention.rubbish:\n\n%s%s\n"
        "postern delivery list --state dropped   all of them\n"
        "postern delivery retry ID               process one again\n",
        told->str, told->len >= EXPIRY_TOLD_BYTES ? "and others\n" : "");
    alarm_write(txn, desk, reason, detail, ret_outgoing);
}

bool
park_drop_old(Desk *desk, const Diary *diary, int64_t *ret_dropped,
              size_t *ret_outgoing, GError **error)
{
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    int64_t dropped;
    bool raised = true;
    *ret_dropped = 0;
    *ret_outgoing = 0;
    if (txn == NULL || !drop_pieces(txn, desk, diary, told, &dropped, error) ||
        (dropped > 0 && !store_raise_alarm(txn, expiry_alarm,
                                           EXPIRY_COOL_DOWN_S, &raised, error)))
        return false;
    if (!raised)
        return true; /* another machine was faster; what we dropped is back */
    if (dropped > 0)
        tell_dropped(txn, desk, dropped, told, ret_outgoing);
    if (!txn_commit(txn, error))
        return false;
    *ret_dropped = dropped;
    return true;
}
