/* One reader alone, as the mail gives it text and with more of it. */
#include <string.h>

#include "base/text.h"
#include "mail/absence.h"
#include "mail/address.h"
#include "mail/authres.h"
#include "mail/body.h"
#include "mail/charset.h"
#include "mail/content.h"
#include "mail/dsn_text.h"
#include "mail/dsn_words.h"
#include "mail/header.h"
#include "mail/html_text.h"
#include "mail/identity.h"
#include "mail/msgid.h"
#include "mail/quote.h"
#include "mail/rtf.h"
#include "mail/subject.h"
#include "mail/tnef.h"
#include "mail/uuencode.h"
#include "mail/words.h"
#include "mail/writer.h"
#include "policy/template.h"
#include "policy/ticket_tag.h"
#include "readers.h"
#include "tnef_make.h"

#define FROM "From: a@example.org\nTo: b@example.org\n"

static size_t
one_line(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    g_autofree char *line = text_one_line(valid);
    return strlen(line);
}

static size_t
many_lines(const char *bytes, size_t length)
{
    enum { SHOWN_CHARS = 1000 };
    g_autofree char *valid = text_repair(bytes, length);
    g_autofree char *lines = text_many_lines(valid);
    g_free(text_ellipsis(lines, SHOWN_CHARS));
    return strlen(lines);
}

static size_t
decode_words(const char *bytes, size_t length)
{
    g_autofree char *text = words_decode(bytes, length);
    return strlen(text);
}

static size_t
parse_addresses(const char *bytes, size_t length)
{
    g_autoptr(GPtrArray) list =
        address_list_parse(bytes, length, mail_limits_default.addresses, NULL);
    return list->len;
}

static size_t
show_address(const char *bytes, size_t length)
{
    Address *address = address_shown(bytes, length);
    size_t made = address != NULL ? strlen(address->name) : 0;
    address_free(address);
    return made;
}

static size_t
parse_ids(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    g_autoptr(GPtrArray) ids = msgid_list_parse(valid);
    g_free(msgid_parse(valid));
    return ids->len;
}

static size_t
parse_content(const char *bytes, size_t length)
{
    g_autoptr(Content) content = content_parse(bytes, length);
    return content->names->len;
}

static size_t
read_subject(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    bool is_absence = absence_in_subject(valid, true);
    return strlen(subject_base(valid)) + is_absence;
}

static size_t
read_authres(const char *bytes, size_t length)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(Header) header =
        header_read(bytes, length, &mail_limits_default, NULL, NULL, defects);
    g_autoptr(Authres) authres = authres_read(header, "mx.example.org", 0);
    return authres->dmarc;
}

static size_t
find_quote(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    QuoteView view = quote_find(valid, strlen(valid));
    return view.end - view.start;
}

static size_t
convert_html(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    g_autofree char *text =
        html_text(valid, strlen(valid), mail_limits_default.text_bytes, NULL);
    return strlen(text);
}

static size_t
take_uuencoded(const char *bytes, size_t length)
{
    AttachmentList list = {
        g_ptr_array_new_with_free_func((GDestroyNotify)attachment_free),
        mail_limits_default.parts, NULL};
    g_autofree char *valid = text_repair(bytes, length);
    g_autofree char *rest = uuencode_take(valid, &list);
    g_ptr_array_unref(list.found);
    return strlen(rest);
}

static size_t
unflow(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    g_autofree char *text = body_unflow(valid, true);
    return strlen(text);
}

static size_t
read_rtf(const char *bytes, size_t length)
{
    g_autofree char *text = rtf_text(bytes, length);
    return strlen(text);
}

static size_t
unpack_rtf(const char *bytes, size_t length)
{
    g_autoptr(GByteArray) rtf = rtf_unpack((const uint8_t *)bytes, length,
                                           mail_limits_default.text_bytes);
    return rtf != NULL ? rtf->len : 0;
}

static size_t
read_tnef(const char *bytes, size_t length)
{
    g_autoptr(Tnef) tnef =
        tnef_read((const uint8_t *)bytes, length, &mail_limits_default);
    return tnef != NULL ? strlen(tnef->text) : 0;
}

/* A winmail.dat with the text in each place that has one. */
static size_t
read_made_tnef(const char *bytes, size_t length)
{
    enum { LEVEL_FILE = 2, TITLE = 0x18010, TEXT_HTML = 0x10130102 };
    enum { NAME_MAX_BYTES = 60000 };
    g_autofree char *valid = text_repair(bytes, length);
    g_autoptr(GByteArray) tnef = tnef_make(1252);
    GByteArray *properties = mapi_make();
    mapi_bytes(properties, TEXT_HTML, bytes, length);
    mapi_unicode(properties, 0x1000, valid);
    tnef_message(tnef, properties);
    tnef_file_begins(tnef, NULL, bytes, length);
    tnef_attribute(tnef, LEVEL_FILE, TITLE, bytes, MIN(length, NAME_MAX_BYTES));
    g_autoptr(Tnef) read =
        tnef_read(tnef->data, tnef->len, &mail_limits_default);
    g_assert_nonnull(read);
    return strlen(read->text) + strlen(read->html);
}

static size_t
read_report(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    g_autoptr(GPtrArray) failed =
        g_ptr_array_new_with_free_func((GDestroyNotify)dsn_recipient_free);
    size_t report = dsn_text_report_length(valid);
    dsn_text_recipients(valid, report, own, failed);
    g_free(dsn_text_lone_name(valid, report));
    g_free(dsn_text_status_of(valid, "bob@example.org"));
    bool is_named = dsn_text_names_recipient(valid, report, own);
    return failed->len + is_named;
}

static size_t
read_dsn_words(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    size_t n = strlen(valid);
    g_free(dsn_words_status(valid, n));
    size_t told = dsn_words_tell_failure(valid, n);
    told += dsn_words_tell_delay(valid, n);
    return told + (dsn_words_reply_class(valid, n) != '\0');
}

static size_t
convert_header(const char *bytes, size_t length)
{
    g_autofree char *text = charset_header_to_utf8(bytes, length);
    return strlen(text);
}

static void
count(void *context, const char *piece, size_t length)
{
    *(size_t *)context += length + (*piece == '\0');
}

static size_t
identify(const char *bytes, size_t length)
{
    size_t fed = 0;
    g_free(identity_return_path(bytes, length));
    identity_content_feed(bytes, length, count, &fed);
    return fed + identity_source_offset(bytes, length);
}

static size_t
find_tags(const char *bytes, size_t length)
{
    g_autofree char *valid = text_repair(bytes, length);
    g_autofree char *rest = ticket_tag_strip("", valid);
    g_autofree char *named = ticket_tag_strip("desk", valid);
    return strlen(rest) + strlen(named) + (size_t)ticket_tag_find("", valid);
}

static size_t
render(const char *bytes, size_t length)
{
    g_autofree char *text = g_strndup(bytes, length);
    g_autoptr(Template) template =
        template_parse("a.txt",
                       "Subject: {{ticket.subject}}\n\n{{requester.name}}\n"
                       "{{#message.text}}{{message.text}}{{/message.text}}\n",
                       NULL, NULL, NULL);
    const TemplateValues values = {
        .ticket_subject = text, .requester_name = text, .message_text = text};
    g_autofree char *subject = NULL, *rendered = NULL;
    template_render(template, &values, &subject, &rendered);
    return strlen(rendered);
}

static size_t
write_mail(const char *bytes, size_t length)
{
    g_autofree char *text = text_repair(bytes, length);
    g_autoptr(Address) from = address_new(text, "desk@example.org");
    const WriterFields fields = {.from = from,
                                 .to = "a@example.org",
                                 .subject = text,
                                 .message_id = "a@example.org",
                                 .in_reply_to = text,
                                 .language = text,
                                 .text = text};
    g_autoptr(GBytes) written = writer_write(&fields, NULL);
    return g_bytes_get_size(written);
}

/* Longer lines of reports and longer values in HTML are cut: at 2000 bytes. */
enum { LINE = 1900 };

const LinearReader linear_parts[] = {
    WITHIN("text_one_line", "", "", one_line),
    WITHIN("text_many_lines", "", "", many_lines),
    WITHIN("words_decode", "", "", decode_words),
    WITHIN("charset_header_to_utf8", "", "", convert_header),
    WITHIN("address_list_parse", "", "", parse_addresses),
    WITHIN("address_list_parse, behind it", "", "<a@example.org>",
           parse_addresses),
    WITHIN("address_shown", "", "", show_address),
    WITHIN("msgid_list_parse", "", "", parse_ids),
    WITHIN("content_parse", "", "", parse_content),
    WITHIN("content_parse, quoted", "a/b; name=\"", "", parse_content),
    WITHIN("content_parse, extended", "a/b; name*=", "", parse_content),
    WITHIN("subject_base", "", "", read_subject),
    FOLDED("authres_read", "Authentication-Results: mx.example.org; ", "\n",
           read_authres),
    WITHIN("quote_find", "", "", find_quote),
    LINES("header_read, lines", "", read_authres, LINE, "X-a: ", "\n"),
    WITHIN("quote_find, in one line", "On 1.1.2020 ", " wrote:\n> a\n",
           find_quote),
    WITHIN("html_text", "", "", convert_html),
    WITHIN("html_text, open", "<a b=\"", "", convert_html),
    LINES("html_text, values", "", convert_html, LINE, "<p class=\"", "\">\n"),
    LINES("html_text, styles", "", convert_html, LINE, "<p style=\"", "\">\n"),
    LINES("html_text, addresses", "", convert_html, LINE, "<a href=\"http://",
          "\">a</a>\n"),
    WITHIN("uuencode_take", "begin 644 a\n", "", take_uuencoded),
    WITHIN("body_unflow", "", "", unflow),
    WITHIN("rtf_text", "{\\rtf1 ", "", read_rtf),
    WITHIN("rtf_text, of no code page", "{\\rtf1\\ansicpg1 ", "", read_rtf),
    WITHIN("rtf_text, UTF-7", "{\\rtf1\\ansicpg65000 ", "", read_rtf),
    WITHIN("rtf_unpack", "12345678LZFu1234", "", unpack_rtf),
    WITHIN("tnef_read", "\x78\x9F\x3E\x22\x01\x01", "", read_tnef),
    WITHIN("tnef_read, texts", "", "", read_made_tnef),
    WITHIN("dsn_text", "", "", read_report),
    LINES("dsn_text, lines", "", read_report, LINE, "", "\n"),
    WITHIN("dsn_text, announced", "This could not be delivered:\n", "",
           read_report),
    WITHIN("dsn_words", "", "", read_dsn_words),
    WITHIN("identity", "", "", identify),
    WITHIN("identity, below From", FROM, "", identify),
    WITHIN("ticket_tag", "", "", find_tags),
    WITHIN("template_render", "", "", render),
    WITHIN("writer_write", "", "", write_mail)};

const size_t linear_parts_count = G_N_ELEMENTS(linear_parts);
