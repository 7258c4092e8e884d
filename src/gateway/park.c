#include "park.h"

#include "store/outbox.h"
#include "store/record.h"

enum { PARKED_COOL_DOWN_S = 3600 };

bool
park_tell(Txn *txn, const Desk *desk, int64_t delivery_id, const char *why,
          size_t *outgoing_count, GError **error)
{
    const Press press = desk_press(desk);
    bool raised;
    if (!store_raise_alarm(txn, "parked", PARKED_COOL_DOWN_S, &raised, error))
        return false;
    if (!raised) /* whoever sends a thousand such mails makes one of ours */
        return true;
    g_autofree char *reason = g_strdup_printf(
        "Delivery %" G_GINT64_FORMAT " was parked: %s", delivery_id, why);
    g_autofree char *detail = g_strdup_printf(
        "postern delivery show %" G_GINT64_FORMAT "   why\n"
        "postern delivery raw %" G_GINT64_FORMAT "    the mail itself\n"
        "postern delivery retry %" G_GINT64_FORMAT "  process it again\n\n"
        "More that is parked within the hour is not reported:\n"
        "postern delivery list --state parked",
        delivery_id, delivery_id, delivery_id);
    g_autoptr(GPtrArray) outgoing =
        g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
    Outgoing *notice =
        notice_compose_admin(reason, detail, g_get_real_time(), &press);
    if (notice != NULL)
        g_ptr_array_add(outgoing, notice);
    *outgoing_count += outgoing->len;
    outbox_add(txn, outgoing);
    return true;
}
