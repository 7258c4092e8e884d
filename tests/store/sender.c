#include "sender.h"

int64_t
queue_reply(const char *id, const char *recipients)
{
    return queue_outgoing(outgoing_new(OUTGOING_REPLY, 0, id, recipients));
}

/* What a sender gets, as "3 1 2". */
static char *
claim(const char *lease, int64_t limit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) ids = NULL;
    must(outbox_claim(fix.store, lease, LEASE_S, limit, &ids, &error), error);
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < ids->len; i++)
        g_string_append_printf(out, "%s%d", i > 0 ? " " : "",
                               (int)g_array_index(ids, int64_t, i));
    return g_strdup(out->str);
}

void
assert_claim(const char *expected, const char *lease, int64_t limit)
{
    g_autofree char *got = claim(lease, limit);
    ck_assert_str_eq(got, expected);
}

Claimed *
load_claimed(int64_t id, const char *lease)
{
    g_autoptr(GError) error = NULL;
    Claimed *claimed = NULL;
    must(outbox_load(fix.store, id, lease, &claimed, &error), error);
    return claimed;
}

bool
settle_and_fence(const char *lease, const Settlement *settlement, int64_t id)
{
    g_autoptr(GError) error = NULL;
    bool fenced = true;
    must(outbox_settle_and_fence(fix.store, lease, settlement, id, LEASE_S,
                                 &fenced, &error),
         error);
    return fenced;
}

bool
fence(const char *lease, int64_t id)
{
    return settle_and_fence(lease, NULL, id);
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
