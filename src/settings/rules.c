/* Rules between keys of the settings file, and defaults that depend on others.
 */
#include <string.h>

#include "check.h"
#include "mail/address.h"
#include "rules.h"

const config_setting_t *
rules_element_at(const Load *load, const char *list, guint index)
{
    config_setting_t *setting = config_lookup(load->config, list);
    return setting == NULL ? NULL : config_setting_get_elem(setting, index);
}

const config_setting_t *
rules_member_at(const config_setting_t *element, const char *name)
{
    const config_setting_t *member =
        element == NULL ? NULL : config_setting_get_member(element, name);
    return member == NULL ? element : member;
}

/* Where a key stands, or else its block. */
static const config_setting_t *
key_at(const Load *load, const char *block, const char *name)
{
    config_setting_t *setting = config_lookup(load->config, block);
    return rules_member_at(setting, name);
}

static bool
check_queue_name(const Load *load, const Queue *queue, guint index)
{
    for (guint i = 0; i < index; i++) {
        const Queue *other = load->settings->queues->pdata[i];
        if (strcmp(other->name, queue->name) == 0)
            return load_refuse(
                load,
                rules_member_at(rules_element_at(load, "queues", index),
                                "name"),
                "queues.name: '%s' is the name of two queues; rename one",
                queue->name);
    }
    return true;
}

/* `owners` maps the address_key() of each address to its queue's name. */
static bool
check_queue_addresses(const Load *load, const Queue *queue, guint index,
                      GHashTable *owners)
{
    for (size_t i = 0; queue->addresses[i] != NULL; i++) {
        char *key = address_key(queue->addresses[i]);
        const char *owner = g_hash_table_lookup(owners, key);
        if (owner != NULL) {
            g_free(key);
            return load_refuse(
                load,
                rules_member_at(rules_element_at(load, "queues", index),
                                "addresses"),
                "queues.addresses: '%s' belongs to queue '%s' already; remove "
                "it from one of them",
                queue->addresses[i], owner);
        }
        g_hash_table_insert(owners, key, queue->name);
    }
    return true;
}

/* A notice to an address of ours would be a ticket that makes a notice. */
static bool
check_notified(const Load *load, const char *addr_spec,
               const config_setting_t *at, const char *path, GHashTable *owners)
{
    g_autofree char *plain = address_without_detail(addr_spec, '+', NULL);
    g_autofree char *key = address_key(plain);
    g_autofree char *whole = address_key(addr_spec);
    const char *owner = g_hash_table_lookup(owners, key);
    if (owner == NULL)
        owner = g_hash_table_lookup(owners, whole);
    if (owner == NULL)
        return true;
    return load_refuse(load, at,
                       "%s: '%s' is an address of queue '%s', which would "
                       "answer itself; name a person",
                       path, addr_spec, owner);
}

static bool
check_notices(const Load *load, GHashTable *owners)
{
    const Settings *settings = load->settings;
    if (settings->admin[0] != '\0' &&
        !check_notified(load, settings->admin,
                        config_lookup(load->config, "admin"), "admin", owners))
        return false;
    for (guint i = 0; i < settings->queues->len; i++) {
        const Queue *queue = settings->queues->pdata[i];
        const config_setting_t *at =
            rules_member_at(rules_element_at(load, "queues", i), "notify");
        for (size_t k = 0; queue->notify[k] != NULL; k++)
            if (!check_notified(load, queue->notify[k], at, "queues.notify",
                                owners))
                return false;
    }
    return true;
}

/* Stored with the space that parts it from the number: "[acme #1042]". */
static bool
finish_tag_prefix(const Load *load, Queue *queue, guint index)
{
    g_strstrip(queue->tag_prefix);
    if (queue->tag_prefix[0] == '\0')
        return true;
    if (strpbrk(queue->tag_prefix, "[]#") != NULL)
        return load_refuse(
            load,
            rules_member_at(rules_element_at(load, "queues", index),
                            "tag_prefix"),
            "queues.tag_prefix: '%s' holds one of [ ] #; write a plain word",
            queue->tag_prefix);
    char *spaced = g_strconcat(queue->tag_prefix, " ", NULL);
    g_free(queue->tag_prefix);
    queue->tag_prefix = spaced;
    return true;
}

static bool
check_queues(const Load *load)
{
    GPtrArray *queues = load->settings->queues;
    if (queues->len == 0)
        return load_refuse(
            load, config_lookup(load->config, "queues"),
            "there is no queue; write for example queues = ( { name = "
            "\"support\"; addresses = [ \"support@example.org\" ]; } );");
    g_autoptr(GHashTable) owners =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < queues->len; i++) {
        Queue *queue = queues->pdata[i];
        if (!check_queue_name(load, queue, i) ||
            !check_queue_addresses(load, queue, i, owners) ||
            !finish_tag_prefix(load, queue, i))
            return false;
        if (queue->display_name[0] == '\0') {
            g_free(queue->display_name);
            queue->display_name = g_strdup(queue->name);
        }
    }
    return check_notices(load, owners);
}

static bool
same_place(const Listener *a, const Listener *b)
{
    return strcmp(a->socket, b->socket) == 0 && strcmp(a->host, b->host) == 0 &&
           (a->socket[0] != '\0' || a->port == b->port);
}

static bool
check_listener(const Load *load, guint index)
{
    GPtrArray *listeners = load->settings->listeners;
    const Listener *listener = listeners->pdata[index];
    const config_setting_t *at = rules_element_at(load, "listeners", index);
    if ((listener->socket[0] == '\0') == (listener->host[0] == '\0'))
        return load_refuse(load, at, "listeners: give either socket or host");
    if (listener->host[0] != '\0' && !check_is_loopback(listener->host))
        return load_refuse(load, rules_member_at(at, "host"),
                           "listeners.host: '%s' is not a loopback address; "
                           "write \"127.0.0.1\" or \"::1\"",
                           listener->host);
    for (guint i = 0; i < index; i++)
        if (same_place(listener, listeners->pdata[i]))
            return load_refuse(load, at,
                               "listeners: this is the same place as in an "
                               "entry above; remove one");
    return true;
}

static bool
check_listeners(const Load *load)
{
    Settings *settings = load->settings;
    for (guint i = 0; i < settings->listeners->len; i++)
        if (!check_listener(load, i))
            return false;
    if (config_lookup(load->config, "listeners") != NULL)
        return true;
    Listener *listener = g_new0(Listener, 1);
    *listener = (Listener){
        .socket = g_build_filename(settings->run_directory, "lmtp.sock", NULL),
        .owner = g_strdup(""),
        .group = g_strdup(""),
        .mode = 0660,
        .host = g_strdup(""),
        .port = 24};
    g_ptr_array_add(settings->listeners, listener);
    return true;
}

static bool
check_login(const Load *load)
{
    const Relay *relay = &load->settings->relay;
    bool file = relay->password_file[0] != '\0';
    bool command = relay->password_command[0] != NULL;
    if (file && command)
        return load_refuse(load, key_at(load, "relay", "password_command"),
                           "relay: give either password_file or "
                           "password_command");
    if (relay->user[0] == '\0' && (file || command))
        return load_refuse(
            load,
            key_at(load, "relay", file ? "password_file" : "password_command"),
            "relay: there is a password but no user; add user");
    if (relay->user[0] != '\0' && !file && !command)
        return load_refuse(load, key_at(load, "relay", "user"),
                           "relay.user: there is no password for it; add "
                           "password_file or password_command");
    return true;
}

static bool
check_relay(const Load *load)
{
    Relay *relay = &load->settings->relay;
    bool local = check_is_this_machine(relay->host);
    if (local && config_lookup(load->config, "relay.tls") == NULL)
        relay->tls = TLS_OFF;
    if (!local && relay->tls == TLS_OFF && relay->user[0] != '\0')
        return load_refuse(load, key_at(load, "relay", "tls"),
                           "relay.tls: \"off\" would send the password in the "
                           "clear to '%s'; write \"starttls\" or \"tls\"",
                           relay->host);
    return check_login(load);
}

static bool
check_outbox(const Load *load)
{
    const OutboxSettings *outbox = &load->settings->outbox;
    if (outbox->longest_retry_s < outbox->first_retry_s)
        return load_refuse(load, key_at(load, "outbox", "longest_retry"),
                           "outbox.longest_retry: is shorter than "
                           "first_retry; write a longer time");
    if (outbox->give_up_s < outbox->first_retry_s)
        return load_refuse(load, key_at(load, "outbox", "give_up"),
                           "outbox.give_up: is shorter than first_retry; "
                           "write a longer time");
    return true;
}

static bool
check_limits(const Load *load)
{
    const Limits *limits = &load->settings->limits;
    if (limits->mail.header_bytes < limits->mail.header_field_bytes)
        return load_refuse(load, key_at(load, "limits", "header_size"),
                           "limits.header_size: is smaller than "
                           "header_field_size; write a larger size");
    return true;
}

static bool
check_metrics(const Load *load)
{
    const char *host = load->settings->metrics.host;
    if (*host == '\0' || check_is_loopback(host))
        return true;
    return load_refuse(load, key_at(load, "metrics", "host"),
                       "metrics.host: '%s' is not a loopback address; write "
                       "\"127.0.0.1\" or \"::1\"",
                       host);
}

bool
load_check_rules(const Load *load)
{
    return check_queues(load) && check_listeners(load) &&
           rules_check_accounts(load) && check_relay(load) &&
           check_outbox(load) && check_limits(load) && check_metrics(load);
}
