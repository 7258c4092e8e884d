#include "policy/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "policy/guard.h"
#include "policy/route.h"
#include "policy/ticket_tag.h"

static void
add_id(GPtrArray *ids, const char *id, guint most)
{
    if (id != NULL && ids->len < most &&
        !g_ptr_array_find_with_equal_func(ids, id, g_str_equal, NULL))
        g_ptr_array_add(ids, g_strdup(id));
}

/* Strongest first: what it answers, then the chain from its newest end and its
 * root, then the mail's own id, which an answer that overtook it may have
 * named. The last two always have a place. */
static GPtrArray *
ids_of(const Mail *mail)
{
    const GPtrArray *chain = mail->references;
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < mail->in_reply_to->len; i++)
        add_id(ids, mail->in_reply_to->pdata[i], LOOKUP_ANSWERED_MAX);
    for (guint i = chain->len; i > 1; i--)
        add_id(ids, chain->pdata[i - 1], LOOKUP_IDS_MAX - 2);
    add_id(ids, chain->len > 0 ? chain->pdata[0] : NULL, LOOKUP_IDS_MAX - 1);
    add_id(ids, mail->message_id, LOOKUP_IDS_MAX);
    return ids;
}

/* FNV-1a, 64 bits: a lock that collides only waits for nothing. */
static int64_t
lock_key(char kind, const void *bytes, size_t length)
{
    uint64_t hash =
        (14695981039346656037ULL ^ (uint8_t)kind) * 1099511628211ULL;
    const uint8_t *p = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ p[i]) * 1099511628211ULL;
    return (int64_t)hash;
}

static int
compare_keys(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void
add_lock(GArray *locks, char kind, const void *bytes, size_t length)
{
    int64_t key = lock_key(kind, bytes, length);
    if (locks->len < LOOKUP_LOCKS_MAX)
        g_array_append_val(locks, key);
}

/* The sender for the budgets, the content for "known by another way", the own
 * id and the ids named for threading. Sorted, so that nobody waits in a ring.
 */
static GArray *
locks_of(const Lookup *lookup, const Mail *mail)
{
    GArray *locks = g_array_new(FALSE, FALSE, sizeof(int64_t));
    if (*lookup->acknowledge_key != '\0')
        add_lock(locks, 'a', lookup->acknowledge_key,
                 strlen(lookup->acknowledge_key));
    if (lookup->content_digest != NULL) {
        gsize length;
        const void *bytes = g_bytes_get_data(lookup->content_digest, &length);
        add_lock(locks, 'c', bytes, length);
    }
    if (mail->message_id != NULL)
        add_lock(locks, 'm', mail->message_id, strlen(mail->message_id));
    for (guint i = 0; i < lookup->ids->len; i++) {
        const char *id = lookup->ids->pdata[i];
        if (mail->message_id == NULL || strcmp(id, mail->message_id) != 0)
            add_lock(locks, 'm', id, strlen(id));
    }
    if (locks->len > 1) /* an empty one has no data to sort */
        qsort(locks->data, locks->len, sizeof(int64_t), compare_keys);
    return locks;
}

Lookup *
lookup_new(const Mail *mail, const Delivery *delivery, GBytes *content_digest,
           const Rules *rules)
{
    Lookup *lookup = g_new0(Lookup, 1);
    lookup->queue = route_find(rules->queues, delivery->queue,
                               delivery->envelope_recipient);
    lookup->originator_key = mail->originator != NULL
                                 ? address_key(mail->originator->addr_spec)
                                 : g_strdup("");
    lookup->ids = ids_of(mail);
    if (lookup->queue != NULL)
        lookup->tagged_ticket =
            ticket_tag_find(lookup->queue->tag_prefix, mail->subject);
    if (content_digest != NULL)
        lookup->content_digest = g_bytes_ref(content_digest);
    lookup->acknowledge_key = guard_budget_key(delivery->envelope_sender);
    lookup->locks = locks_of(lookup, mail);
    return lookup;
}

void
lookup_free(Lookup *lookup)
{
    if (lookup == NULL)
        return;
    g_free(lookup->originator_key);
    g_ptr_array_unref(lookup->ids);
    g_clear_pointer(&lookup->content_digest, g_bytes_unref);
    g_free(lookup->acknowledge_key);
    g_array_unref(lookup->locks);
    g_free(lookup);
}
