#include "policy/explain.h"

#include <string.h>

static void
line(GString *out, const char *key, const char *value)
{
    g_string_append_printf(out, "%-14s %s\n", key,
                           value != NULL && *value != '\0' ? value : "-");
}

static void
line_list(GString *out, const char *key, const GPtrArray *values)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    for (guint i = 0; i < values->len; i++)
        g_string_append_printf(joined, "%s%s", i > 0 ? " " : "",
                               (const char *)values->pdata[i]);
    line(out, key, joined->str);
}

static void
explain_mail(GString *out, const Mail *mail, const Delivery *delivery)
{
    line(out,
         "from:", mail->originator != NULL ? mail->originator->addr_spec : "");
    line(out, "subject:", mail->subject);
    line(out, "message-id:", mail->message_id);
    line_list(out, "references:", mail->references);
    line_list(out, "in-reply-to:", mail->in_reply_to);
    g_autofree char *class = g_strdup_printf(
        "%s%s%s", automatic_class_name(mail->automatic.class),
        *mail->automatic.reason != '\0' ? " " : "", mail->automatic.reason);
    line(out, "class:", class);
    line_list(out, "defects:", mail->defects);
    g_autofree char *sender =
        g_strdup_printf("<%s>", delivery->envelope_sender);
    line(out, "mail-from:", sender);
    line(out, "rcpt-to:", delivery->envelope_recipient);
}

static void
explain_effect(GString *out, const Effect *effect)
{
    switch (effect->kind) {
    case EFFECT_STATUS:
        g_string_append_printf(out, "effect:        status %s\n",
                               ticket_status_name(effect->status));
        break;
    case EFFECT_PARTY:
        g_string_append_printf(out, "effect:        party %s %s\n",
                               party_role_name(effect->role), effect->text);
        break;
    case EFFECT_QUEUE:
        g_string_append_printf(out, "effect:        queue %s\n", effect->text);
        break;
    case EFFECT_EVENT:
        g_string_append_printf(out, "effect:        event %s %s\n",
                               effect->text, effect->name);
        break;
    case EFFECT_ALARM:
        g_string_append_printf(out, "effect:        alarm %s\n", effect->text);
        break;
    }
}

char *
explain_text(const Mail *mail, const Delivery *delivery, const Lookup *lookup,
             const Decision *decision)
{
    GString *out = g_string_new(NULL);
    explain_mail(out, mail, delivery);
    line(out, "queue:", lookup->queue != NULL ? lookup->queue->name : "");
    for (guint i = 0; i < decision->considered->len; i++)
        line(out, "considered:", decision->considered->pdata[i]);
    line(out, "verdict:", verdict_name(decision->verdict));
    line(out, "reason:", decision->reason);
    if (decision->ticket != NULL && decision->ticket->id != 0)
        g_string_append_printf(out, "ticket:        %" G_GINT64_FORMAT "\n",
                               decision->ticket->id);
    if (decision->linked_to != 0)
        g_string_append_printf(out, "linked-to:     %" G_GINT64_FORMAT "\n",
                               decision->linked_to);
    if (decision->is_note)
        line(out, "kind:", "note");
    g_autofree char *acknowledge = g_strdup_printf(
        "%s (%s)",
        decision->acknowledge_to != NULL ? decision->acknowledge_to : "no",
        decision->acknowledge_reason);
    line(out, "acknowledge:", acknowledge);
    line_list(out, "notify:", decision->notify);
    for (guint i = 0; i < decision->effects->len; i++)
        explain_effect(out, decision->effects->pdata[i]);
    return g_string_free(out, FALSE);
}
