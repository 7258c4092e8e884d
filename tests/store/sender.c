#include "sender.h"

int64_t
queue_reply(const char *id, const char *recipients)
{
    return queue_outgoing(outgoing_new(OUTGOING_REPLY, 0, id, recipients));
}

GPtrArray *
claim_mails(const char *lease, int64_t limit)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *claimed = NULL;
    must(outbox_claim(fix.store, lease, LEASE_S, limit, NULL, &claimed, &error),
         error);
    return claimed;
}

void
assert_claim(const char *expected, const char *lease, int64_t limit)
{
    g_autoptr(GPtrArray) claimed = claim_mails(lease, limit);
    g_autoptr(GString) got = g_string_new(NULL);
    for (guint i = 0; i < claimed->len; i++)
        g_string_append_printf(got, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "",
                               ((const Claimed *)claimed->pdata[i])->id);
    ck_assert_str_eq(got->str, expected);
}

void
assert_renewed(const char *expected, const char *lease,
               const Settlement *settlement)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) settlements = g_ptr_array_new();
    g_autoptr(GArray) ids = NULL;
    if (settlement != NULL)
        g_ptr_array_add(settlements, (gpointer)settlement);
    must(outbox_renew(fix.store, lease, LEASE_S, settlements, &ids, &error),
         error);
    g_autoptr(GString) got = g_string_new(NULL);
    for (guint i = 0; i < ids->len; i++)
        g_string_append_printf(got, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "",
                               g_array_index(ids, int64_t, i));
    ck_assert_str_eq(got->str, expected);
}

void
settle(const char *lease, const Settlement *settlement)
{
    assert_renewed("", lease, settlement);
}

void
let_lapse(int64_t id)
{
    tell("UPDATE outgoing SET lease_until = now() - interval '1 second' "
         "WHERE id = %d",
         (int)id);
}

int64_t
make_quiet_ticket(void)
{
    int64_t ticket;
    receive(OLENA_MAIL("m@x"), "support@desk.example", &ticket);
    tell("DELETE FROM event");
    return ticket;
}
