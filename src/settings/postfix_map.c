#include "settings/settings.h"

static const char heading[] =
    "# Addresses of Postern's queues, made by \"postern settings "
    "--postfix-map\".\n"
    "# The right side is the queue's name; relay_recipient_maps wants any "
    "word.\n"
    "#   postern settings --postfix-map > /etc/postfix/postern-recipients\n"
    "#   postmap /etc/postfix/postern-recipients\n"
    "# Sub-addresses (support+anything@...) are found by the plain address if\n"
    "# main.cf says: recipient_delimiter = +\n";

void
settings_postfix_map(const Settings *settings, GString *out)
{
    g_string_append(out, heading);
    for (guint i = 0; i < settings->queues->len; i++) {
        const Queue *queue = settings->queues->pdata[i];
        for (size_t k = 0; queue->addresses[k] != NULL; k++)
            g_string_append_printf(out, "%-40s %s\n", queue->addresses[k],
                                   queue->name);
    }
}
