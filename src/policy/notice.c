#include "policy/notice.h"

#include <string.h>

#include "base/failure.h"
#include "base/text.h"
#include "mail/writer.h"
#include "policy/route.h"
#include "policy/ticket_tag.h"

enum {
    NOTICE_TEXT_MAX_BYTES = 64 * 1024, /* of a mail, in a notice */
    ALARMS_MAX = 8 /* a decision raises fewer; each has an id of its own */
};

#define LOOP_ID "postern" /* X-Postern-Loop: our own mail is automatic mail */

void
receipt_free(Receipt *receipt)
{
    if (receipt == NULL)
        return;
    ticket_free(receipt->ticket);
    g_ptr_array_unref(receipt->alarms);
    g_free(receipt);
}

/* ---- one mail of ours ---- */

/* What a mail of ours is made of before its template is rendered. */
typedef struct {
    OutgoingKind kind;
    TemplateName template;
    WriterOrigin origin;
    const char *id_kind; /* first word of its Message-ID */
    int64_t id_number;
    const Queue *queue;     /* writes it */
    const char *language;   /* "" = the queue's */
    const char *agent_name; /* "" = the queue's name alone */
    const char *envelope_sender;
    const char *to;
    GPtrArray *more;         /* further recipients; NULL */
    const char *in_reply_to; /* NULL */
    GPtrArray *references;   /* NULL */
    TemplateValues values;
    int64_t ticket_id;
    int64_t message_id_no;
    int64_t delivery_id;
} Draft;

static const char *
domain_of(const char *addr_spec)
{
    const char *at = strrchr(addr_spec, '@');
    return at != NULL ? at + 1 : "localhost";
}

static char *
from_name(const Draft *draft)
{
    if (*draft->agent_name == '\0')
        return g_strdup(draft->queue->display_name);
    return g_strdup_printf("%s via %s", draft->agent_name,
                           draft->queue->display_name);
}

/* As they are in To and Cc: few relays take anything but ASCII. */
static GPtrArray *
recipients_of(const Draft *draft)
{
    GPtrArray *recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(recipients, address_to_ascii(draft->to));
    for (guint i = 0; draft->more != NULL && i < draft->more->len; i++)
        g_ptr_array_add(recipients, address_to_ascii(draft->more->pdata[i]));
    return recipients;
}

static GBytes *
write_draft(const Draft *draft, const char *message_id, const Press *press,
            GError **error)
{
    const char *language =
        *draft->language != '\0' ? draft->language : draft->queue->language;
    const Template *template = template_set_find(
        press->templates, draft->queue->templates, language, draft->template);
    if (template == NULL) {
        failure_set(error, FAILURE_CONFIG, "no template '%s' in English",
                    template_name(draft->template));
        return NULL;
    }
    /* What the text is in, not what a stranger asked for. */
    g_autofree char *written_in = template_set_language(
        press->templates, draft->queue->templates, language, draft->template);
    g_autofree char *subject = NULL, *text = NULL, *name = from_name(draft);
    template_render(template, &draft->values, &subject, &text);
    g_autoptr(Address) from = address_new(name, draft->queue->addresses[0]);
    const WriterFields fields = {
        .from = from,
        .to = draft->to,
        .cc = draft->more,
        .subject = subject,
        .message_id = message_id,
        .in_reply_to = draft->in_reply_to,
        .references = draft->references,
        .date_s = press->now_s,
        .origin = draft->origin,
        .loop_id = draft->origin == WRITER_HUMAN ? NULL : LOOP_ID,
        .language = written_in,
        .text = text,
    };
    return writer_write(&fields, error);
}

static Outgoing *
finish(const Draft *draft, const Press *press, GError **error)
{
    g_autofree char *message_id = token_message_id(
        press->rules->keys, draft->id_kind, draft->ticket_id, draft->id_number,
        domain_of(draft->queue->addresses[0]));
    g_autoptr(GBytes) content = write_draft(draft, message_id, press, error);
    if (content == NULL)
        return NULL;
    Outgoing *outgoing = g_new0(Outgoing, 1);
    outgoing->kind = draft->kind;
    outgoing->ticket_id = draft->ticket_id;
    outgoing->message_id_no = draft->message_id_no;
    outgoing->delivery_id = draft->delivery_id;
    outgoing->envelope_sender = g_strdup(draft->envelope_sender);
    outgoing->recipients = recipients_of(draft);
    outgoing->message_id = g_steal_pointer(&message_id);
    outgoing->content = g_steal_pointer(&content);
    return outgoing;
}

/* ---- what the templates may say ---- */

/* The texts behind a Draft's values; they live as long as it is written. */
typedef struct {
    char *number;
    char *tag;
    char *author;
    char *text;
} Texts;

static void
texts_clear(Texts *texts)
{
    g_free(texts->number);
    g_free(texts->tag);
    g_free(texts->author);
    g_free(texts->text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Texts, texts_clear)

static void
fill_ticket(Draft *draft, Texts *texts, const Ticket *ticket)
{
    texts->number = g_strdup_printf("%" G_GINT64_FORMAT, ticket->id);
    texts->tag = ticket_tag_format(draft->queue->tag_prefix, ticket->id);
    TemplateValues *values = &draft->values;
    values->ticket_number = texts->number;
    values->ticket_tag = texts->tag;
    values->ticket_subject = ticket->subject;
    values->queue_name = draft->queue->name;
    values->queue_display_name = draft->queue->display_name;
    values->queue_address = draft->queue->addresses[0];
    values->requester_name = ticket->requester_name;
    values->requester_address = ticket->requester;
}

static char *
author_of(const Mail *mail)
{
    if (mail->originator == NULL)
        return g_strdup("");
    if (*mail->originator->name == '\0')
        return g_strdup_printf("<%s>", mail->originator->addr_spec);
    return g_strdup_printf("%s <%s>", mail->originator->name,
                           mail->originator->addr_spec);
}

static void
fill_message(Draft *draft, Texts *texts, const Mail *mail)
{
    texts->author = author_of(mail);
    const char *said = *mail->reply != '\0' ? mail->reply : mail->text;
    texts->text = g_strndup(said, text_cut_bytes(said, NOTICE_TEXT_MAX_BYTES));
    draft->values.message_author = texts->author;
    draft->values.message_text = texts->text;
}

/* ---- threading of what we write ---- */

char *
notice_root_id(const Ticket *ticket, const Rules *rules)
{
    const Queue *queue = route_find(rules->queues, ticket->queue, "");
    return token_message_id(
        rules->keys, "ticket", ticket->id, 0,
        domain_of(queue != NULL ? queue->addresses[0] : "@localhost"));
}

/* The root first, then the chain of the mail that is answered, then itself. */
static GPtrArray *
references_to(const Ticket *ticket, const GPtrArray *chain,
              const char *message_id, const Rules *rules)
{
    GPtrArray *references = g_ptr_array_new_with_free_func(g_free);
    char *root = notice_root_id(ticket, rules);
    g_ptr_array_add(references, root);
    for (guint i = 0; chain != NULL && i < chain->len; i++)
        if (strcmp(chain->pdata[i], root) != 0)
            g_ptr_array_add(references, g_strdup(chain->pdata[i]));
    if (message_id != NULL && *message_id != '\0')
        g_ptr_array_add(references, g_strdup(message_id));
    return references;
}

/* ---- the four occasions ---- */

static Outgoing *
compose_acknowledgement(const Decision *decision, const Receipt *receipt,
                        const Mail *mail, const Delivery *delivery,
                        const Press *press, GError **error)
{
    g_autoptr(GPtrArray) references = references_to(
        receipt->ticket, mail->references, mail->message_id, press->rules);
    Draft draft = {
        .kind = OUTGOING_ACKNOWLEDGEMENT,
        .template = TEMPLATE_ACKNOWLEDGEMENT,
        .origin = WRITER_REPLIED,
        .id_kind = "ack",
        .id_number = receipt->message_id_no,
        .queue = decision->queue,
        .language = receipt->ticket->language,
        .agent_name = "",
        .envelope_sender = "", /* RFC 3834 section 3.3 */
        .to = decision->acknowledge_to,
        .in_reply_to = mail->message_id,
        .references = references,
        .ticket_id = receipt->ticket->id,
        .message_id_no = receipt->message_id_no,
        .delivery_id = delivery->id,
    };
    g_auto(Texts) texts = {NULL, NULL, NULL, NULL};
    fill_ticket(&draft, &texts, receipt->ticket);
    /* A stranger's words are not sent to an address that he only claims. */
    draft.values.ticket_subject = "";
    draft.values.requester_name = "";
    return finish(&draft, press, error);
}

static Outgoing *
compose_notice(const Decision *decision, const Receipt *receipt,
               const Mail *mail, const Delivery *delivery, const Press *press,
               GError **error)
{
    g_autoptr(GPtrArray) references =
        references_to(receipt->ticket, NULL, NULL, press->rules);
    g_autoptr(GPtrArray) more = g_ptr_array_new();
    for (guint i = 1; i < decision->notify->len; i++)
        g_ptr_array_add(more, decision->notify->pdata[i]);
    Draft draft = {
        .kind = OUTGOING_NOTICE,
        .template = decision->verdict == VERDICT_NEW ? TEMPLATE_NOTICE_NEW
                                                     : TEMPLATE_NOTICE_ANSWER,
        .origin = WRITER_GENERATED,
        .id_kind = decision->is_echo ? NOTICE_ID_KIND_ECHO : NOTICE_ID_KIND,
        .id_number = delivery->id, /* one queue more, one notice more */
        .queue = decision->queue,
        .language = decision->queue->language,
        .agent_name = "",
        .envelope_sender = "",
        .to = decision->notify->pdata[0],
        .more = more,
        .references = references,
        .ticket_id = receipt->ticket->id,
        .message_id_no = receipt->message_id_no,
        .delivery_id = delivery->id,
    };
    g_auto(Texts) texts = {NULL, NULL, NULL, NULL};
    fill_ticket(&draft, &texts, receipt->ticket);
    fill_message(&draft, &texts, mail);
    return finish(&draft, press, error);
}

Outgoing *
notice_compose_admin(const char *reason, const char *detail, int64_t number,
                     const Press *press)
{
    const Rules *rules = press->rules;
    if (*rules->admin == '\0')
        return NULL;
    const Queue *queue = rules->queues->pdata[0];
    Draft draft = {
        .kind = OUTGOING_ADMIN,
        .template = TEMPLATE_ADMIN,
        .origin = WRITER_GENERATED,
        .id_kind = "admin",
        .id_number = number,
        .queue = queue,
        .language = queue->language,
        .agent_name = "",
        .envelope_sender = "",
        .to = rules->admin,
        .values = {.reason = reason,
                   .detail = detail,
                   .queue_name = queue->name,
                   .queue_display_name = queue->display_name,
                   .queue_address = queue->addresses[0]},
    };
    return finish(&draft, press, NULL);
}

/* Add what was written, or keep the first reason why one was not. */
static void
add_if_written(GPtrArray *all, Outgoing *outgoing, GError *failure,
               GError **ret_left_out)
{
    if (outgoing != NULL)
        g_ptr_array_add(all, outgoing);
    else if (failure != NULL && ret_left_out != NULL && *ret_left_out == NULL)
        g_propagate_error(ret_left_out, failure);
    else
        g_clear_error(&failure);
}

GPtrArray *
notice_compose_all(const Decision *decision, const Receipt *receipt,
                   const Mail *mail, const Delivery *delivery,
                   const Press *press, GError **ret_left_out)
{
    GPtrArray *all =
        g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
    GError *failure = NULL;
    Outgoing *outgoing;
    if (decision->acknowledge_to != NULL) {
        outgoing = compose_acknowledgement(decision, receipt, mail, delivery,
                                           press, &failure);
        add_if_written(all, outgoing, failure, ret_left_out);
    }
    failure = NULL;
    if (decision->notify->len > 0 && receipt->ticket != NULL) {
        outgoing =
            compose_notice(decision, receipt, mail, delivery, press, &failure);
        add_if_written(all, outgoing, failure, ret_left_out);
    }
    for (guint i = 0; i < receipt->alarms->len; i++) {
        const Effect *alarm = receipt->alarms->pdata[i];
        outgoing =
            notice_compose_admin(alarm->text, alarm->name, delivery->id, press);
        add_if_written(all, outgoing, NULL, ret_left_out);
    }
    return all;
}

Outgoing *
notice_compose_reply(const Answer *answer, const Press *press, GError **error)
{
    const Ticket *ticket = answer->ticket;
    const Queue *queue = route_find(press->rules->queues, ticket->queue, "");
    if (queue == NULL) {
        failure_set(error, FAILURE_CONFIG,
                    "queue '%s' of ticket %" G_GINT64_FORMAT
                    " is not in the settings",
                    ticket->queue, ticket->id);
        return NULL;
    }
    if (!address_is_sendable(ticket->reply_to) ||
        rules_is_ours(press->rules, ticket->reply_to)) {
        failure_set(error, FAILURE_PERMANENT,
                    "ticket %" G_GINT64_FORMAT
                    " has no address to write to, or one of our own",
                    ticket->id);
        return NULL;
    }
    g_autoptr(GPtrArray) references = references_to(
        ticket, answer->references, answer->in_reply_to, press->rules);
    Draft draft = {
        .kind = OUTGOING_REPLY,
        .template = TEMPLATE_REPLY,
        .origin = WRITER_HUMAN,
        .id_kind = "reply",
        .id_number = answer->message_id_no,
        .queue = queue,
        .language = ticket->language,
        .agent_name = answer->agent_name,
        .envelope_sender = queue->addresses[0],
        .to = ticket->reply_to,
        .in_reply_to =
            *answer->in_reply_to != '\0' ? answer->in_reply_to : NULL,
        .references = references,
        .ticket_id = ticket->id,
        .message_id_no = answer->message_id_no,
    };
    g_auto(Texts) texts = {NULL, NULL, NULL, NULL};
    fill_ticket(&draft, &texts, ticket);
    draft.values.agent_name = answer->agent_name;
    draft.values.message_text = answer->text;
    return finish(&draft, press, error);
}
