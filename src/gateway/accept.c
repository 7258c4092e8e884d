#include "gateway/accept.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/text.h"
#include "gateway/digest.h"
#include "gateway/metrics.h"
#include "gateway/turn.h"
#include "mail/address.h"
#include "mail/identity.h"
#include "policy/route.h"
#include "store/delivery.h"

/* Once more after a lost connection or an uncertain COMMIT. */
enum { ATTEMPTS = 2 };

void
accept_recipient(const Desk *desk, const LmtpRecipient *recipient,
                 LmtpReply *ret_reply)
{
    bool ours = route_find(desk->settings->queues, recipient->queue,
                           recipient->addr_spec) != NULL;
    if (ours)
        *ret_reply = (LmtpReply){250, "2.1.5", "ok"};
    else if (*recipient->queue != '\0')
        *ret_reply = (LmtpReply){550, "5.1.1", "no queue of that name"};
    else
        *ret_reply = (LmtpReply){550, "5.1.1", "no such address here"};
    if (ours)
        return;
    log_info(event("recipient.refused"), kv("recipient", recipient->addr_spec),
             kv("queue", recipient->queue));
    metric_add(METRIC_REFUSED,
               *recipient->queue != '\0' ? REFUSED_QUEUE : REFUSED_ADDRESS, 1);
}

static char *
repaired(const char *text)
{
    return text_repair(text, strlen(text));
}

/*
 * The source key: who it is for, and the bytes that are the same on every
 * attempt. Not the MTA's queue id: short ones are used again.
 */
static Delivery *
delivery_for(const LmtpEnvelope *envelope, const LmtpRecipient *recipient,
             GBytes *raw, const char *source_digest)
{
    Delivery *delivery = g_new0(Delivery, 1);
    delivery->envelope_recipient = repaired(recipient->addr_spec);
    delivery->queue = repaired(recipient->queue);
    g_autofree char *key = address_key(delivery->envelope_recipient);
    delivery->key =
        g_strdup_printf("lmtp/%s%s%s/%s", key, *delivery->queue ? ":" : "",
                        delivery->queue, source_digest);
    delivery->transport = g_strdup(envelope->from_pipe ? "pipe" : "lmtp");
    delivery->envelope_sender = repaired(envelope->envelope_sender);
    delivery->mta_queue_id = repaired(envelope->mta_queue_id);
    delivery->raw = g_bytes_ref(raw);
    return delivery;
}

static GPtrArray *
deliveries_for(const LmtpEnvelope *envelope, GBytes *raw,
               const char *source_digest)
{
    GPtrArray *deliveries =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    for (guint i = 0; i < envelope->recipients->len; i++)
        g_ptr_array_add(deliveries,
                        delivery_for(envelope, envelope->recipients->pdata[i],
                                     raw, source_digest));
    return deliveries;
}

static bool
add(Desk *desk, const GPtrArray *deliveries, GBytes *digest,
    size_t trace_octets, Added *ret_added, GError **error)
{
    for (int attempt = 1;; attempt++) {
        g_autoptr(GError) failure = NULL;
        if (delivery_add(desk->store, deliveries, digest, trace_octets,
                         ret_added, &failure))
            return true;
        if (attempt == ATTEMPTS) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        log_notice(event("accept.repeated"), kv("reason", failure->message));
    }
}

static void
log_accepted(const Delivery *delivery, Added added)
{
    static const char *const words[] = {
        [ADDED_NEW] = "new",
        [ADDED_DUPLICATE] = "duplicate",
        [ADDED_COMPLETED] = "completed",
    };
    log_info(event("mail.accepted"), kv("delivery", delivery->key),
             kv_int("id", delivery->id), kv("how", words[added]),
             kv("sender", delivery->envelope_sender),
             kv("recipient", delivery->envelope_recipient),
             kv_int("octets", (int64_t)g_bytes_get_size(delivery->raw)),
             kv("mta_queue_id", delivery->mta_queue_id));
}

void
accept_mail(Desk *desk, const LmtpEnvelope *envelope, GBytes *raw,
            LmtpReply *ret_replies, size_t *ret_new)
{
    gsize length;
    int64_t began_us = g_get_monotonic_time();
    const char *bytes = g_bytes_get_data(raw, &length);
    size_t trace = length > 0 ? identity_source_offset(bytes, length) : 0;
    g_autoptr(GBytes) digest = digest_raw(raw);
    /* Without trace lines both are the same digest. */
    g_autofree char *source_digest =
        trace == 0 ? digest_hex(digest) : digest_hex_from(raw, trace);
    g_autoptr(GPtrArray) deliveries =
        deliveries_for(envelope, raw, source_digest);
    turn_take_all(deliveries, g_get_real_time());
    g_autofree Added *added = g_new0(Added, deliveries->len);
    g_autoptr(GError) error = NULL;
    FAILPOINT("accept.received");
    bool stored = add(desk, deliveries, digest, trace, added, &error);
    FAILPOINT("accept.committed");
    *ret_new = 0;
    for (guint i = 0; i < deliveries->len; i++) {
        ret_replies[i] =
            stored ? (LmtpReply){250, "2.0.0", "accepted"}
                   : (LmtpReply){451, "4.3.0", "not now, please try again"};
        if (!stored)
            continue;
        log_accepted(deliveries->pdata[i], added[i]);
        metric_add(METRIC_ACCEPTED, (int)added[i], 1);
        *ret_new += added[i] != ADDED_DUPLICATE;
    }
    if (stored) {
        metric_observe_since(METRIC_ACCEPT_TIME, began_us);
        return;
    }
    log_warning(event("accept.failed"), kv("reason", error->message));
    metric_add(METRIC_REFUSED, REFUSED_DATABASE, deliveries->len);
}
