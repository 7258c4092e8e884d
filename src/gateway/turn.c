#include "gateway/turn.h"

#include "policy/guard.h"

static Turns own;
static Turns *shared = &own;

void
turns_use(Turns *turns)
{
    shared = turns;
}

/* FNV-1a, from a seed that nobody outside knows. */
static size_t
place_of(const char *sender)
{
    uint64_t hash = shared->seed ^ 14695981039346656037ULL;
    for (const char *p = sender; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
    return (hash ^ hash >> 32) % TURN_PLACES;
}

/* One of several workers wins the race for the next turn of a sender; the
 * others take the ones behind it. */
static int64_t
take(size_t place, int64_t cost_us, int64_t now_us)
{
    const int64_t latest_us = now_us + TURN_AHEAD_S * G_USEC_PER_SEC;
    int64_t *cell = &shared->last_us[place];
    int64_t last_us = __atomic_load_n(cell, __ATOMIC_RELAXED), turn_us;
    do
        turn_us = CLAMP(last_us, now_us, latest_us) + cost_us;
    while (!__atomic_compare_exchange_n(cell, &last_us, turn_us, true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return turn_us;
}

static void
take_for(Delivery *delivery, const char *otherwise, size_t octets,
         int64_t now_us)
{
    g_autofree char *sender = delivery->envelope_sender != NULL
                                  ? guard_budget_key(delivery->envelope_sender)
                                  : g_strdup(otherwise);
    int64_t cost_us = TURN_MAIL_US + (int64_t)(octets / 1024) * TURN_KIB_US;
    delivery->turn_us = take(place_of(sender), cost_us, now_us);
}

void
turn_take(Delivery *delivery, const char *otherwise, int64_t now_us)
{
    take_for(delivery, otherwise, g_bytes_get_size(delivery->raw), now_us);
}

void
turn_take_all(const GPtrArray *deliveries, int64_t now_us)
{
    for (guint i = 0; i < deliveries->len; i++) {
        Delivery *delivery = deliveries->pdata[i];
        size_t octets = i == 0 ? g_bytes_get_size(delivery->raw) : 0;
        take_for(delivery, "", octets, now_us);
    }
}
