#include "mail/mail.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/text.h"
#include "mail/attachment.h"
#include "mail/body.h"
#include "mail/defect.h"
#include "mail/entity.h"
#include "mail/msgid.h"
#include "mail/quote.h"
#include "mail/subject.h"
#include "mail/words.h"

const MailLimits mail_limits_default = {
    .header_field_bytes = 32 * 1024,
    .header_bytes = 512 * 1024,
    .header_fields = 5000,
    .depth = 50,
    .parts = 1000,
    .addresses = 1000,
    .text_bytes = 4 * 1024 * 1024,
    .tnef_bytes = 32 * 1024 * 1024,
    .hops = 50,
};

/* The first field of a mail that a reader of Outlook.com complained about. */
#define MICROSOFT_COMPLAINT "X-HmXmrOriginalRecipient:"

enum { DATE_YEAR_MIN = 1970, DATE_YEAR_MAX = 2199 };

static GPtrArray *
read_addresses(const Header *header, const char *name, const MailLimits *limits,
               GPtrArray *defects)
{
    bool more = false;
    const HeaderField *field = header_find(header, name);
    GPtrArray *list =
        field != NULL ? address_list_parse(field->value, field->value_length,
                                           limits->addresses, &more)
                      : address_list_parse("", 0, 0, NULL);
    if (more)
        defect_add(defects, DEFECT_ADDRESSES);
    return list;
}

/*
 * The mailboxes of the first `name` that has any. Some programs encode all of
 * it, address and brackets, as one word.
 */
static GPtrArray *
read_mailboxes(const Header *header, const char *name, const MailLimits *limits,
               GPtrArray *defects)
{
    GPtrArray *list = read_addresses(header, name, limits, defects);
    for (guint i = 0; i < header->fields->len && list->len == 0; i++) {
        const HeaderField *field =
            &g_array_index(header->fields, HeaderField, i);
        if (!header_field_is(field, name))
            continue;
        g_ptr_array_unref(list);
        list = address_list_parse(field->value, field->value_length,
                                  limits->addresses, NULL);
        if (list->len > 0 ||
            memmem(field->value, field->value_length, "=?", 2) == NULL)
            continue;
        g_autofree char *decoded =
            words_decode(field->value, field->value_length);
        g_ptr_array_unref(list);
        list = address_list_parse(decoded, strlen(decoded), limits->addresses,
                                  NULL);
    }
    return list;
}

/* The first mailbox of From, else of Sender, else of Reply-To. */
static void
read_originator(Mail *mail, const Header *header, const MailLimits *limits)
{
    static const char *const names[] = {"From", "Sender", "Reply-To"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(GPtrArray) list =
            read_mailboxes(header, names[i], limits, mail->defects);
        if (i == 0)
            mail->originators = list->len * header_count(header, "From");
        if (list->len == 0)
            continue;
        mail->originator = g_ptr_array_steal_index(list, 0);
        break;
    }
    if (mail->originators == 0)
        defect_add(mail->defects, DEFECT_NO_FROM);
    else if (mail->originators > 1)
        defect_add(mail->defects, DEFECT_MANY_FROM);
}

/* A field of ids. Some programs encode a long one, brackets and all. */
static char *
read_id_field(const Header *header, const char *name)
{
    const HeaderField *field = header_find(header, name);
    if (field == NULL)
        return NULL;
    bool is_encoded =
        memchr(field->value, '<', field->value_length) == NULL &&
        memmem(field->value, field->value_length, "=?", 2) != NULL;
    return is_encoded ? words_decode(field->value, field->value_length)
                      : text_repair(field->value, field->value_length);
}

static GPtrArray *
read_ids(const Header *header, const char *name)
{
    g_autofree char *value = read_id_field(header, name);
    return msgid_list_parse(value != NULL ? value : "");
}

/* Seconds since 1970, or 0 for a date no calendar of ours has. */
static int64_t
read_date(const Header *header, GPtrArray *defects)
{
    g_autofree char *value = header_text(header, "Date");
    if (value == NULL)
        return 0;
    g_autoptr(GDateTime) date = g_mime_utils_header_decode_date(value);
    if (date == NULL || g_date_time_get_year(date) < DATE_YEAR_MIN ||
        g_date_time_get_year(date) > DATE_YEAR_MAX ||
        g_date_time_to_unix(date) < 0) {
        defect_add(defects, DEFECT_BAD_DATE);
        return 0;
    }
    return g_date_time_to_unix(date);
}

/* The first tag of Content-Language (RFC 3282): "de-CH, fr" is "de-ch". */
static char *
read_language(const Header *header)
{
    enum { TAG_MAX_BYTES = 35 }; /* RFC 5646 4.4.1 */
    g_autofree char *value = header_text(header, "Content-Language");
    if (value == NULL)
        return g_strdup("");
    size_t length = 0;
    while (g_ascii_isalnum(value[length]) || value[length] == '-')
        length++;
    return length > 0 && length <= TAG_MAX_BYTES
               ? g_ascii_strdown(value, (gssize)length)
               : g_strdup("");
}

static void
note_duplicates(const Header *header, GPtrArray *defects)
{
    static const char *const once[] = {
        "From",        "Sender",     "Reply-To",    "To",
        "Cc",          "Date",       "Subject",     "Message-ID",
        "In-Reply-To", "References", "Content-Type"};
    for (size_t i = 0; i < G_N_ELEMENTS(once); i++)
        if (header_count(header, once[i]) > 1)
            defect_add(defects, DEFECT_DUPLICATE_FIELD);
}

static void
read_header(Mail *mail, const Header *header, const MailLimits *limits)
{
    note_duplicates(header, mail->defects);
    mail->subject = header_text(header, "Subject");
    if (mail->subject == NULL)
        mail->subject = g_strdup("");
    read_originator(mail, header, limits);
    mail->reply_to = read_addresses(header, "Reply-To", limits, mail->defects);
    mail->to = read_addresses(header, "To", limits, mail->defects);
    mail->cc = read_addresses(header, "Cc", limits, mail->defects);
    g_autofree char *message_id = read_id_field(header, "Message-ID");
    mail->message_id = message_id != NULL ? msgid_parse(message_id) : NULL;
    mail->in_reply_to = read_ids(header, "In-Reply-To");
    mail->references = read_ids(header, "References");
    mail->date_s = read_date(header, mail->defects);
    mail->language = read_language(header);
    mail->hops = header_count(header, "Received");
    if (mail->hops >= limits->hops)
        defect_add(mail->defects, DEFECT_HOPS);
}

/*
 * Find what the writer wrote; `history` is as quote_find() takes it. What
 * somebody forwards is what they have to say, and so is what a report quotes of
 * the servers it asked and of the mail that failed.
 */
static void
find_reply(Mail *mail, size_t history)
{
    bool is_whole = subject_kind(mail->subject) == SUBJECT_FORWARD ||
                    mail->automatic.class == AUTOMATIC_BOUNCE;
    QuoteView view =
        is_whole ? quote_nothing(mail->text) : quote_find(mail->text, history);
    mail->reply_start = view.start;
    mail->reply_end = view.end;
    mail->reply = g_strndup(mail->text + view.start, view.end - view.start);
}

/* What kind of report it is: RFC 6522 3, RFC 5965, and Microsoft's own. */
static const char *
report_type(const GPtrArray *entities)
{
    const Entity *root = entities->pdata[0];
    for (guint i = 0; i < entities->len; i++) {
        const Entity *entity = entities->pdata[i];
        if (content_is(entity->type, "message/feedback-report"))
            return "feedback-report";
        if (content_is(entity->type, "message/disposition-notification"))
            return "disposition-notification";
        if (content_is(entity->type, "message/rfc822") &&
            entity->length > strlen(MICROSOFT_COMPLAINT) &&
            g_ascii_strncasecmp(entity->body, MICROSOFT_COMPLAINT,
                                strlen(MICROSOFT_COMPLAINT)) == 0)
            return "feedback-report";
    }
    return content_is(root->type, "multipart/report")
               ? content_parameter(root->type, "report-type")
               : NULL;
}

static void
judge(Mail *mail, const GPtrArray *entities, const char *envelope_sender)
{
    const Entity *root = entities->pdata[0];
    AutomaticEvidence evidence = {root->header, envelope_sender, mail->subject,
                                  mail->originator, report_type(entities)};
    mail->automatic = automatic_judge(&evidence);
    DsnEvidence report = {entities, mail->subject, mail->text, envelope_sender};
    mail->failed =
        g_ptr_array_new_with_free_func((GDestroyNotify)dsn_recipient_free);
    /* An absent person's program may quote what failed; it reports nothing. */
    if (strcmp(mail->automatic.reason, "absence-subject") != 0 &&
        dsn_read(&report, mail->failed))
        mail->automatic =
            (Automatic){AUTOMATIC_BOUNCE, "delivery-report", true};
}

/* Mail of machines that end lines with CR alone is read with LF instead. */
static char *
lines_from_cr(const char *bytes, size_t length, GPtrArray *defects)
{
    if (memchr(bytes, '\n', length) != NULL ||
        memchr(bytes, '\r', length) == NULL)
        return NULL;
    defect_add(defects, DEFECT_BARE_CR);
    char *copy = g_memdup2(bytes, length);
    for (char *p = copy; p < copy + length; p++)
        if (*p == '\r')
            *p = '\n';
    return copy;
}

/* The parts of a mail; they borrow `raw` or *ret_lines. */
static GPtrArray *
scan(GBytes *raw, const MailLimits *limits, GPtrArray *defects,
     char **ret_lines)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    if (length == 0) {
        bytes = "";
        defect_add(defects, DEFECT_EMPTY);
    }
    if (length >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        bytes += 3; /* a byte order mark */
        length -= 3;
    }
    *ret_lines = lines_from_cr(bytes, length, defects);
    if (*ret_lines != NULL)
        bytes = *ret_lines;
    size_t before = header_preamble(bytes, length);
    if (before > 0)
        defect_add(defects, DEFECT_HEADER_GARBAGE);
    return entity_scan(bytes + before, length - before, limits, defects);
}

Mail *
mail_parse(GBytes *raw, const char *envelope_sender, const MailLimits *limits)
{
    Mail *mail = g_new0(Mail, 1);
    mail->raw = g_bytes_ref(raw);
    mail->defects = g_ptr_array_new();
    g_autofree char *lines = NULL;
    g_autoptr(GPtrArray) entities = scan(raw, limits, mail->defects, &lines);
    const Entity *root = entities->pdata[0];
    read_header(mail, root->header, limits);
    Body body = body_read(entities, limits, NULL, mail->defects);
    mail->text = body.text;
    mail->attachments = body.attachments;
    judge(mail, entities, envelope_sender);
    find_reply(mail, body.history);
    return mail;
}

GPtrArray *
mail_attachment(GBytes *raw, const MailLimits *limits, size_t index,
                TransferFeed feed, void *context)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autofree char *lines = NULL;
    g_autoptr(GPtrArray) entities = scan(raw, limits, defects, &lines);
    const AttachmentWish wish = {index, feed, context};
    Body body = body_read(entities, limits, &wish, defects);
    g_free(body.text);
    return body.attachments;
}

void
mail_free(Mail *mail)
{
    if (mail == NULL)
        return;
    g_bytes_unref(mail->raw);
    g_free(mail->subject);
    address_free(mail->originator);
    g_ptr_array_unref(mail->reply_to);
    g_ptr_array_unref(mail->to);
    g_ptr_array_unref(mail->cc);
    g_free(mail->message_id);
    g_ptr_array_unref(mail->in_reply_to);
    g_ptr_array_unref(mail->references);
    g_free(mail->language);
    g_free(mail->text);
    g_free(mail->reply);
    g_ptr_array_unref(mail->attachments);
    g_ptr_array_unref(mail->failed);
    g_ptr_array_unref(mail->defects);
    g_free(mail);
}
