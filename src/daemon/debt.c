#include "debt.h"

#include <string.h>

#include "base/log.h"
#include "gateway/process.h"
#include "gateway/tick.h"

static bool
has_claim(const Debt *debt)
{
    return __atomic_load_n(debt->lease, __ATOMIC_ACQUIRE) != '\0';
}

bool
debt_is_owed(const Debt *debt)
{
    return debt->struck != 0 || has_claim(debt);
}

/* ---- marks ---- */

void
debt_mark(Debt *debt, int64_t id, Mark mark)
{
    for (size_t i = 0; i < DIARY_MARKS; i++) {
        int64_t *marked = &debt->marks[i].id;
        if (id == 0) {
            __atomic_store_n(marked, 0, __ATOMIC_RELEASE);
        } else if (*marked == 0 || *marked == id) {
            /* The mark first: whoever sees the number sees how far it is. */
            __atomic_store_n(&debt->marks[i].mark, (int32_t)mark,
                             __ATOMIC_RELEASE);
            __atomic_store_n(marked, id, __ATOMIC_RELEASE);
            return;
        }
    }
    g_assert(id == 0);
}

static GArray *
marked(const Debt *debt, Mark mark)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (size_t i = 0; i < DIARY_MARKS; i++)
        if (debt->marks[i].id != 0 && debt->marks[i].mark == (int32_t)mark)
            g_array_append_val(ids, debt->marks[i].id);
    return ids;
}

/* ---- without a successor ---- */

/* The lease's first letter last: the clock looks at any time, and whoever sees
 * a claim must see its marks. */
static void
put(Debt *place, const Debt *debt)
{
    Debt hidden = *debt;
    hidden.lease[0] = '\0';
    *place = hidden;
    __atomic_store_n(place->lease, debt->lease[0], __ATOMIC_RELEASE);
}

void
debt_leave(Debt *debt, StatusPage *page)
{
    if (!debt_is_owed(debt))
        return;
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (!debt_is_owed(&page->debts[i])) {
            put(&page->debts[i], debt);
            *debt = (Debt){0};
            return;
        }
    log_warning(event("debt.forgotten"), kv("lease", debt->lease),
                kv_int("delivery", debt->struck));
    *debt = (Debt){0};
}

/* A page is data: workers can write it. */
static Debt
checked(const Debt *debt)
{
    Debt copy = *debt;
    copy.lease[sizeof copy.lease - 1] = '\0';
    if (!g_uuid_string_is_valid(copy.lease))
        copy.lease[0] = '\0';
    return copy;
}

void
debt_take_over(const StatusPage *old, StatusPage *page)
{
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        Debt of_slot = checked(&old->slots[i].debt);
        Debt of_list = checked(&old->debts[i]);
        debt_leave(&of_slot, page);
        debt_leave(&of_list, page);
    }
}

/* ---- settling ---- */

static bool
settle_strike(Debt *debt, Desk *desk, GError **error)
{
    if (debt->struck != 0 && !process_strike(desk, debt->struck, error))
        return false;
    debt->struck = 0;
    return true;
}

static bool
settle_claim(Debt *debt, Desk *desk, GError **error)
{
    if (!has_claim(debt))
        return true;
    g_autoptr(GArray) begun = marked(debt, MARK_BEGUN);
    g_autoptr(GArray) sent = marked(debt, MARK_SENT);
    const LastWords dead = {debt->lease, begun, sent};
    if (!tick_recover_sender(desk, &dead, error))
        return false;
    /* Marks first: without a lease the place is free for another debt. */
    debt_mark(debt, 0, MARK_NONE);
    __atomic_store_n(debt->lease, '\0', __ATOMIC_RELEASE);
    return true;
}

bool
debt_settle(Debt *debt, Desk *desk, GError **error)
{
    return settle_strike(debt, desk, error) && settle_claim(debt, desk, error);
}
