#include "mail/mail_form.h"

#include <string.h>

#include "base/text.h"
#include "mail/attachment.h"
#include "mail/defect.h"
#include "mail/msgid.h"

enum { FORM_VERSION = 1, DEFECTS_MAX = 64 /* more than there are */ };

/* The end of the year 9999; what mail.c reads is long before it. */
#define DATE_MAX_S G_GINT64_CONSTANT(253402300799)

/* The length that stands for NULL. */
#define NO_STRING UINT64_MAX

/* Writes if there is an `out`, else reads. `good` never comes back. */
typedef struct {
    GByteArray *out;
    const unsigned char *p;
    const unsigned char *end;
    const MailLimits *limits; /* of what is read */
    bool good;
} Form;

static size_t
left(const Form *form)
{
    return (size_t)(form->end - form->p);
}

/* ---- bytes and numbers ---- */

static void
form_bytes(Form *form, uint8_t *bytes, size_t length)
{
    if (form->out != NULL) {
        g_byte_array_append(form->out, bytes, (guint)length);
        return;
    }
    form->good = form->good && left(form) >= length;
    if (!form->good)
        return;
    memcpy(bytes, form->p, length);
    form->p += length;
}

static void
form_number(Form *form, uint64_t *number)
{
    if (form->out == NULL)
        *number = 0;
    form_bytes(form, (uint8_t *)number, sizeof *number);
}

/* A number of 0 to `max`. */
static uint64_t
form_choice(Form *form, uint64_t choice, uint64_t max)
{
    form_number(form, &choice);
    form->good = form->good && choice <= max;
    return form->good ? choice : 0;
}

/* Databases count with a sign. */
static void
form_size(Form *form, size_t *size)
{
    *size = (size_t)form_choice(form, *size, INT64_MAX);
}

static void
form_date(Form *form, int64_t *date_s)
{
    *date_s = (int64_t)form_choice(form, (uint64_t)*date_s, DATE_MAX_S);
}

static void
form_bool(Form *form, bool *value)
{
    *value = form_choice(form, *value, 1) == 1;
}

/* ---- texts ---- */

typedef enum {
    TEXT_LINES, /* valid UTF-8 */
    TEXT_LINE   /* and no control character */
} TextKind;

static bool
is_text(const char *bytes, size_t length, TextKind kind)
{
    if (!text_is_valid(bytes, length))
        return false;
    if (kind == TEXT_LINES)
        return true;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7F)
            return false;
    return true;
}

static void
read_string(Form *form, uint64_t length, TextKind kind, char **string)
{
    form->good = form->good && length <= left(form) &&
                 is_text((const char *)form->p, (size_t)length, kind);
    if (!form->good)
        return;
    *string = g_strndup((const char *)form->p, (size_t)length);
    form->p += length;
}

/* May be NULL. */
static void
form_optional(Form *form, char **string, TextKind kind)
{
    uint64_t length = *string != NULL ? strlen(*string) : NO_STRING;
    form_number(form, &length);
    if (form->out == NULL) {
        *string = NULL;
        if (length != NO_STRING)
            read_string(form, length, kind, string);
    } else if (*string != NULL) {
        g_byte_array_append(form->out, (const guint8 *)*string, (guint)length);
    }
}

static void
form_string(Form *form, char **string, TextKind kind)
{
    form_optional(form, string, kind);
    if (*string == NULL) {
        form->good = false;
        *string = g_strdup("");
    }
}

/* A line of at most `max` bytes. */
static void
form_line(Form *form, char **line, size_t max)
{
    form_string(form, line, TEXT_LINE);
    form->good = form->good && strlen(*line) <= max;
}

/* A slug of ours: reading, the static string that `find` knows by that name. */
static void
form_slug(Form *form, const char **slug, const char *(*find)(const char *name))
{
    char *name = (char *)(uintptr_t)*slug;
    form_string(form, &name, TEXT_LINE);
    if (form->out != NULL)
        return;
    *slug = find(name);
    if (*slug == NULL) {
        form->good = false;
        *slug = "";
    }
    g_free(name);
}

/* ---- lists ---- */

typedef void (*FormItem)(Form *form, void **item);

static void
form_list(Form *form, GPtrArray **list, size_t max, FormItem form_item,
          GDestroyNotify free)
{
    uint64_t count =
        form_choice(form, form->out != NULL ? (*list)->len : 0, max);
    if (form->out != NULL) {
        for (guint i = 0; i < (*list)->len; i++)
            form_item(form, &(*list)->pdata[i]);
        return;
    }
    *list = g_ptr_array_new_with_free_func(free);
    for (uint64_t i = 0; i < count && form->good; i++) {
        void *item = NULL;
        form_item(form, &item);
        g_ptr_array_add(*list, item);
    }
}

static void
form_id(Form *form, void **item)
{
    char *id = *item;
    form_line(form, &id, MSGID_MAX_BYTES);
    *item = id;
}

static void
form_defect(Form *form, void **item)
{
    const char *slug = *item;
    form_slug(form, &slug, defect_find);
    *item = (void *)(uintptr_t)slug;
}

static void
form_address(Form *form, void **item)
{
    Address *address = *item != NULL ? *item : g_new0(Address, 1);
    form_string(form, &address->name, TEXT_LINE);
    form_line(form, &address->addr_spec, ADDRESS_MAX_BYTES);
    form->good = form->good && *address->addr_spec != '\0';
    *item = address;
}

static void
form_attachment(Form *form, void **item)
{
    Attachment *attachment = *item != NULL ? *item : g_new0(Attachment, 1);
    form_line(form, &attachment->name, ATTACHMENT_NAME_MAX);
    form_string(form, &attachment->type, TEXT_LINE);
    form_size(form, &attachment->size);
    form_bytes(form, attachment->digest, sizeof attachment->digest);
    form_bool(form, &attachment->is_inline);
    form_line(form, &attachment->content_id, ATTACHMENT_ID_MAX);
    *item = attachment;
}

static void
form_recipient(Form *form, void **item)
{
    DsnRecipient *recipient = *item != NULL ? *item : g_new0(DsnRecipient, 1);
    form_string(form, &recipient->addr_spec, TEXT_LINE);
    form_string(form, &recipient->status, TEXT_LINE);
    form_bool(form, &recipient->permanent);
    *item = recipient;
}

static void
form_addresses(Form *form, GPtrArray **list)
{
    form_list(form, list, form->limits->addresses, form_address,
              (GDestroyNotify)address_free);
}

static void
form_ids(Form *form, GPtrArray **list)
{
    form_list(form, list, MSGID_LIST_MAX, form_id, g_free);
}

/* ---- the mail ---- */

static void
form_originator(Form *form, Mail *mail)
{
    bool known = mail->originator != NULL;
    form_bool(form, &known);
    void *originator = mail->originator;
    if (known)
        form_address(form, &originator);
    mail->originator = originator;
}

static void
form_automatic(Form *form, Automatic *automatic)
{
    automatic->class =
        (AutomaticClass)form_choice(form, automatic->class, AUTOMATIC_BOUNCE);
    form_slug(form, &automatic->reason, automatic_reason_find);
    form_bool(form, &automatic->suppress_acknowledgement);
}

/* The order of a form, for both directions. */
static void
form_mail(Form *form, Mail *mail)
{
    if (form_choice(form, FORM_VERSION, FORM_VERSION) != FORM_VERSION)
        form->good = false;
    form_string(form, &mail->subject, TEXT_LINE);
    form_originator(form, mail);
    form_size(form, &mail->originators);
    form_addresses(form, &mail->reply_to);
    form_addresses(form, &mail->to);
    form_addresses(form, &mail->cc);
    form_optional(form, &mail->message_id, TEXT_LINE);
    form->good = form->good && (mail->message_id == NULL ||
                                strlen(mail->message_id) <= MSGID_MAX_BYTES);
    form_ids(form, &mail->in_reply_to);
    form_ids(form, &mail->references);
    form_date(form, &mail->date_s);
    form_string(form, &mail->language, TEXT_LINE);
    form_string(form, &mail->text, TEXT_LINES);
    form_size(form, &mail->reply_start);
    form_size(form, &mail->reply_end);
    form_list(form, &mail->attachments, form->limits->parts, form_attachment,
              (GDestroyNotify)attachment_free);
    form_automatic(form, &mail->automatic);
    form_list(form, &mail->failed, DSN_RECIPIENTS_MAX, form_recipient,
              (GDestroyNotify)dsn_recipient_free);
    form_size(form, &mail->hops);
    form_list(form, &mail->defects, DEFECTS_MAX, form_defect, NULL);
}

static bool
is_boundary(const char *text, size_t offset)
{
    return ((unsigned char)text[offset] & 0xC0) != 0x80;
}

static bool
has_good_view(const Mail *mail)
{
    size_t length = strlen(mail->text);
    return mail->reply_start <= mail->reply_end && mail->reply_end <= length &&
           is_boundary(mail->text, mail->reply_start) &&
           is_boundary(mail->text, mail->reply_end);
}

GByteArray *
mail_form_write(const Mail *mail)
{
    Mail copy = *mail; /* borrowed: writing changes nothing */
    Form form = {g_byte_array_sized_new((guint)strlen(mail->text) + 1024), NULL,
                 NULL, &mail_limits_default, true};
    form_mail(&form, &copy);
    return form.out;
}

Mail *
mail_form_read(const void *bytes, size_t length, GBytes *raw,
               const MailLimits *limits)
{
    Form form = {NULL, bytes, (const unsigned char *)bytes + length, limits,
                 true};
    g_autoptr(Mail) mail = g_new0(Mail, 1);
    mail->raw = g_bytes_ref(raw);
    form_mail(&form, mail);
    if (!form.good || left(&form) > 0 || !has_good_view(mail))
        return NULL;
    mail->reply = g_strndup(mail->text + mail->reply_start,
                            mail->reply_end - mail->reply_start);
    return g_steal_pointer(&mail);
}

size_t
mail_form_max_bytes(const MailLimits *limits)
{
    enum { PART_BYTES = 4096 }; /* name, type, id and numbers of one part */
    /* Repairing may make three bytes of one; a header is read into ten fields.
     */
    return 4 * limits->text_bytes + 32 * limits->header_bytes +
           PART_BYTES * limits->parts + 1024 * 1024;
}
