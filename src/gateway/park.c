#include "park.h"

#include "alarm.h"

enum { PARKED_COOL_DOWN_S = 3600 };

bool
park_tell(Txn *txn, const Desk *desk, int64_t delivery_id, const char *why,
          size_t *outgoing_count, GError **error)
{
    g_autofree char *reason = g_strdup_printf(
        "Delivery %" G_GINT64_FORMAT " was parked: %s", delivery_id, why);
    g_autofree char *detail = g_strdup_printf(
        "postern delivery show %" G_GINT64_FORMAT "   why\n"
        "postern delivery raw %" G_GINT64_FORMAT "    the mail itself\n"
        "postern delivery retry %" G_GINT64_FORMAT "  process it again\n\n"
        "More that is parked within the hour is not reported:\n"
        "postern delivery list --state parked",
        delivery_id, delivery_id, delivery_id);
    return alarm_tell(txn, desk, "parked", PARKED_COOL_DOWN_S, reason, detail,
                      outgoing_count, error);
}
