#include "policy/route.h"

#include <string.h>

#include "mail/address.h"
#include "policy/rules.h"

static const Queue *
find_by_name(const GPtrArray *queues, const char *name)
{
    for (guint i = 0; i < queues->len; i++) {
        const Queue *queue = queues->pdata[i];
        if (strcmp(queue->name, name) == 0)
            return queue;
    }
    return NULL;
}

static const Queue *
find_by_address(const GPtrArray *queues, const char *key)
{
    for (guint i = 0; i < queues->len; i++) {
        const Queue *queue = queues->pdata[i];
        for (char **address = queue->addresses; *address != NULL; address++) {
            g_autofree char *known = address_key(*address);
            if (strcmp(known, key) == 0)
                return queue;
        }
    }
    return NULL;
}

const Queue *
route_find(const GPtrArray *queues, const char *queue_name,
           const char *recipient)
{
    if (*queue_name != '\0')
        return find_by_name(queues, queue_name);
    g_autofree char *key = address_key(recipient);
    const Queue *queue = find_by_address(queues, key);
    if (queue != NULL)
        return queue;
    g_autofree char *plain = address_without_detail(key, '+', NULL);
    return find_by_address(queues, plain);
}

bool
rules_is_ours(const Rules *rules, const char *addr_spec)
{
    return *addr_spec != '\0' &&
           route_find(rules->queues, "", addr_spec) != NULL;
}

bool
rules_is_notified(const Queue *queue, const char *addr_spec)
{
    g_autofree char *key = address_key(addr_spec);
    for (char **to = queue->notify; to != NULL && *to != NULL; to++) {
        g_autofree char *told = address_key(*to);
        if (strcmp(told, key) == 0)
            return true;
    }
    return false;
}

bool
rules_is_one_of_us(const Rules *rules, const char *addr_spec)
{
    for (guint i = 0; i < rules->queues->len; i++)
        if (rules_is_notified(rules->queues->pdata[i], addr_spec))
            return true;
    return false;
}
