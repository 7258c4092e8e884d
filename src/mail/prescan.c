#include "mail/prescan.h"

#include <string.h>

#include "base/text.h"
#include "mail/defect.h"
#include "mail/header.h"
#include "mail/msgid.h"

enum { SUBJECT_BYTES = 998 }; /* RFC 5322 2.1.1: a line's length */

/* The value of the first `name` as one line, undecoded; "" if none. */
static char *
field_line(const Header *header, const char *name)
{
    const HeaderField *field = header_find(header, name);
    if (field == NULL)
        return g_strdup("");
    g_autofree char *value = text_repair(field->value, field->value_length);
    return text_one_line(value);
}

static bool
is_address_byte(char c, bool is_domain)
{
    return g_ascii_isalnum(c) || c == '-' || c == '.' ||
           (!is_domain && c != '\0' && strchr("!#$%&'*+/=?^_`{|}~", c) != NULL);
}

/* What stands around the first "@"; NULL if that is no address. */
static Address *
first_address(const char *value)
{
    const char *at = strchr(value, '@');
    if (at == NULL)
        return NULL;
    const char *start = at, *end = at + 1;
    while (start > value && is_address_byte(start[-1], false))
        start--;
    while (is_address_byte(*end, true))
        end++;
    size_t length = (size_t)(end - start);
    if (start == at || end == at + 1 || length > ADDRESS_MAX_BYTES)
        return NULL;
    g_autofree char *addr_spec = g_strndup(start, length);
    return address_new("", addr_spec);
}

static GPtrArray *
no_addresses(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)address_free);
}

static void
scan_header(Mail *mail, const Header *header)
{
    g_autofree char *subject = field_line(header, "Subject");
    g_autofree char *from = field_line(header, "From");
    g_autofree char *message_id = field_line(header, "Message-ID");
    g_autofree char *in_reply_to = field_line(header, "In-Reply-To");
    g_autofree char *references = field_line(header, "References");
    mail->subject = g_strndup(subject, text_cut_bytes(subject, SUBJECT_BYTES));
    mail->originator = first_address(from);
    mail->originators = mail->originator != NULL;
    mail->message_id = msgid_parse(message_id);
    mail->in_reply_to = msgid_list_parse(in_reply_to);
    mail->references = msgid_list_parse(references);
    mail->hops = header_count(header, "Received");
}

static char *
scan_text(const char *body, size_t length)
{
    g_autofree char *text = text_repair(body, MIN(length, PRESCAN_TEXT_BYTES));
    return text_many_lines(text);
}

Mail *
prescan(GBytes *raw, const MailLimits *limits)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    Mail *mail = g_new0(Mail, 1);
    mail->raw = g_bytes_ref(raw);
    mail->defects = g_ptr_array_new();
    defect_add(mail->defects, DEFECT_PRESCANNED);
    if (length == 0)
        bytes = "";
    g_autoptr(Header) header =
        header_read(bytes, length, limits, NULL, NULL, mail->defects);
    scan_header(mail, header);
    mail->reply_to = no_addresses();
    mail->to = no_addresses();
    mail->cc = no_addresses();
    mail->language = g_strdup("");
    mail->text = scan_text(bytes + header->length, length - header->length);
    mail->reply_end = strlen(mail->text);
    mail->reply = g_strdup(mail->text);
    mail->attachments =
        g_ptr_array_new_with_free_func((GDestroyNotify)attachment_free);
    mail->automatic = (Automatic){AUTOMATIC_NONE, "", true};
    mail->failed =
        g_ptr_array_new_with_free_func((GDestroyNotify)dsn_recipient_free);
    return mail;
}
