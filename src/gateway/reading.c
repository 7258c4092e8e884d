#include "reading.h"

#include "gateway/digest.h"

struct Readings {
    GQueue queue; /* Reading*, the newest first */
    size_t bytes; /* of their mails */
};

Reading *
reading_new(const Delivery *delivery, const char *envelope_sender, Mail *mail)
{
    Reading *reading = g_new0(Reading, 1);
    reading->refs = 1;
    reading->raw_digest =
        delivery->raw_digest != NULL ? g_bytes_ref(delivery->raw_digest) : NULL;
    reading->envelope_sender = g_strdup(envelope_sender);
    reading->mail = mail;
    reading->content_digest =
        digest_content(delivery->raw, delivery->envelope_sender);
    return reading;
}

Reading *
reading_ref(Reading *reading)
{
    reading->refs++;
    return reading;
}

void
reading_unref(Reading *reading)
{
    if (--reading->refs > 0)
        return;
    g_clear_pointer(&reading->raw_digest, g_bytes_unref);
    g_free(reading->envelope_sender);
    mail_free(reading->mail);
    g_bytes_unref(reading->content_digest);
    g_free(reading);
}

static size_t
bytes_of(const Reading *reading)
{
    return g_bytes_get_size(reading->mail->raw);
}

Readings *
readings_new(void)
{
    return g_new0(Readings, 1);
}

static void
drop_oldest(Readings *readings)
{
    Reading *reading = g_queue_pop_tail(&readings->queue);
    readings->bytes -= bytes_of(reading);
    reading_unref(reading);
}

void
readings_forget(Readings *readings)
{
    while (!g_queue_is_empty(&readings->queue))
        drop_oldest(readings);
}

void
readings_free(Readings *readings)
{
    if (readings == NULL)
        return;
    readings_forget(readings);
    g_free(readings);
}

Reading *
readings_find(Readings *readings, const Delivery *delivery)
{
    if (delivery->raw_digest == NULL)
        return NULL;
    for (GList *at = readings->queue.head; at != NULL; at = at->next) {
        Reading *reading = at->data;
        if (g_bytes_equal(reading->raw_digest, delivery->raw_digest) &&
            g_strcmp0(reading->envelope_sender, delivery->envelope_sender) == 0)
            return reading_ref(reading);
    }
    return NULL;
}

void
readings_keep(Readings *readings, Reading *reading)
{
    if (reading->raw_digest == NULL)
        return;
    g_queue_push_head(&readings->queue, reading_ref(reading));
    readings->bytes += bytes_of(reading);
    while (readings->queue.length > READINGS_MAX ||
           (readings->queue.length > 1 && readings->bytes > READINGS_BYTES))
        drop_oldest(readings);
}
