#include "mail/delivery.h"

void
delivery_free(Delivery *delivery)
{
    if (delivery == NULL)
        return;
    g_free(delivery->key);
    g_free(delivery->transport);
    g_free(delivery->envelope_sender);
    g_free(delivery->envelope_recipient);
    g_free(delivery->queue);
    g_free(delivery->mta_queue_id);
    g_clear_pointer(&delivery->raw, g_bytes_unref);
    g_clear_pointer(&delivery->raw_digest, g_bytes_unref);
    g_free(delivery);
}
