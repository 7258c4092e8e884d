#include "alarm.h"

#include "store/outbox.h"
#include "store/record.h"

void
alarm_write(Txn *txn, const Desk *desk, const char *reason, const char *detail,
            size_t *outgoing_count)
{
    const Press press = desk_press(desk);
    g_autoptr(GPtrArray) outgoing =
        g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
    Outgoing *notice =
        notice_compose_admin(reason, detail, g_get_real_time(), &press);
    if (notice != NULL)
        g_ptr_array_add(outgoing, notice);
    *outgoing_count += outgoing->len;
    outbox_add(txn, outgoing);
}

bool
alarm_tell(Txn *txn, const Desk *desk, const char *name, int64_t cool_down_s,
           const char *reason, const char *detail, size_t *outgoing_count,
           GError **error)
{
    bool raised;
    if (!store_raise_alarm(txn, name, cool_down_s, &raised, error))
        return false;
    if (raised)
        alarm_write(txn, desk, reason, detail, outgoing_count);
    return true;
}
