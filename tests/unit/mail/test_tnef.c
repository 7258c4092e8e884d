/* winmail.dat: what is in it, and that no broken one is believed. */
#include "mail/tnef.h"

#include <string.h>

#include "mail/defect.h"
#include "mail/mapi.h"
#include "mail/rtf.h"
#include "support.h"
#include "tnef_make.h"

enum {
    BODY = 0x1000,
    HTML = 0x1013,
    LONG_NAME = 0x3707,
    SHORT_NAME = 0x3704,
    MIME_TAG = 0x370E,
    CONTENT_ID = 0x3712,
    INTERNET_CODE_PAGE = 0x3FDE,
    CURRENCY = 0x36010006,
    DATA_OBJECT = 0x3701000D,
    DATA_BINARY = 0x37010102
};

static const uint8_t message_guid[16] = {7,    3, 2, 0, 0, 0, 0, 0,
                                         0xC0, 0, 0, 0, 0, 0, 0, 0x46};

/* All that Outlook writes, and more than one of it. */
static GByteArray *
sample(void)
{
    GByteArray *tnef = tnef_make(1251);
    tnef_body(tnef, "\xCF\xF0\xE8\xE2\xE5\xF2\r\n");
    GByteArray *message = mapi_make();
    mapi_long(message, 0x0017, 1);
    mapi_many(message, 0x6001, 3);
    mapi_named(message, "Keywords", "no name of a file");
    mapi_string8(message, 0x001A, "IPM.Note");
    tnef_message(tnef, message);
    tnef_file_begins(tnef, "\xE0.txt", "abc", 3);
    tnef_file_begins(tnef, "REPORT~1.PDF", "%PDF", 4);
    GByteArray *file = mapi_make();
    mapi_string8(file, SHORT_NAME, "REPORT~1.PDF");
    mapi_unicode(file, LONG_NAME, "Звіт за 2024 😀.pdf");
    mapi_string8(file, MIME_TAG, "application/pdf");
    tnef_file(tnef, file);
    tnef_file_begins(tnef, "logo.png", "PNG", 3);
    file = mapi_make();
    mapi_string8(file, MIME_TAG, "Image/PNG");
    mapi_unicode(file, CONTENT_ID, "logo@x");
    tnef_file(tnef, file);
    return tnef;
}

static char *
files_of(const Tnef *tnef)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < tnef->files->len; i++) {
        const TnefFile *file = tnef->files->pdata[i];
        g_string_append_printf(out, "%s|%s|%s|%.*s;", file->name, file->type,
                               file->content_id, (int)file->length,
                               (const char *)file->content);
    }
    return g_string_free(out, FALSE);
}

static Tnef *
read_tnef(const GByteArray *bytes)
{
    return tnef_read(bytes->data, bytes->len, &mail_limits_default);
}

START_TEST(files_and_text_are_found)
{
    g_autoptr(GByteArray) bytes = sample();
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    ck_assert_ptr_nonnull(tnef);
    g_autofree char *files = files_of(tnef);
    ck_assert_str_eq(files, "а.txt|||abc;"
                            "Звіт за 2024 😀.pdf|application/pdf||%PDF;"
                            "logo.png|Image/PNG|logo@x|PNG;");
    ck_assert_str_eq(tnef->text, "Привет\r\n");
    ck_assert_str_eq(tnef->html, "");
    ck_assert(!tnef->has_more);
}
END_TEST

START_TEST(the_property_is_the_better_text)
{
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    tnef_body(bytes, "caf\xE9 ?");
    GByteArray *message = mapi_make();
    mapi_unicode(message, BODY, "café Ж");
    mapi_long(message, INTERNET_CODE_PAGE, 28595);
    mapi_bytes(message, HTML << 16 | 0x0102, "<p>\xB6", 4);
    tnef_message(bytes, message);
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    ck_assert_str_eq(tnef->text, "café Ж");
    ck_assert_str_eq(tnef->html, "<p>Ж");
}
END_TEST

static const struct {
    uint32_t code_page;
    const char *bytes;
    const char *expected;
} pages[] = {
    {1252, "caf\xE9", "café"},
    {0, "caf\xE9", "café"},
    {1250, "\xB9", "ą"},
    {1251, "\xC6", "Ж"},
    {20866, "\xF6", "Ж"},
    {28595, "\xB6", "Ж"},
    {874, "\xA1", "ก"},
    {932, "\x83\x65\x83\x58\x83\x67", "テスト"},
    {936, "\xB2\xE2\xCA\xD4", "测试"},
    {949, "\xC5\xD7\xBD\xBA\xC6\xAE", "테스트"},
    {65001, "caf\xC3\xA9", "café"},
    {4711, "plain", "plain"},
};

START_TEST(names_have_a_code_page)
{
    g_autoptr(GByteArray) bytes = tnef_make(pages[_i].code_page);
    tnef_file_begins(bytes, pages[_i].bytes, "x", 1);
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    const TnefFile *file = tnef->files->pdata[0];
    ck_assert_str_eq(file->name, pages[_i].expected);
}
END_TEST

START_TEST(an_attached_message_is_a_file)
{
    g_autoptr(GByteArray) inner = sample();
    g_autoptr(GByteArray) object = g_byte_array_new();
    g_byte_array_append(object, message_guid, sizeof message_guid);
    g_byte_array_append(object, inner->data, inner->len);
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    tnef_file_begins(bytes, "Re: hello", NULL, 0);
    GByteArray *file = mapi_make();
    mapi_bytes(file, DATA_OBJECT, object->data, object->len);
    tnef_file(bytes, file);
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    const TnefFile *message = tnef->files->pdata[0];
    ck_assert_str_eq(message->type, "application/ms-tnef");
    ck_assert_uint_eq(message->length, inner->len);
    ck_assert_mem_eq(message->content, inner->data, inner->len);
}
END_TEST

START_TEST(a_property_may_be_the_content)
{
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    tnef_file_begins(bytes, "a", NULL, 0);
    GByteArray *file = mapi_make();
    mapi_fixed(file, CURRENCY, "12345678", 8);
    mapi_bytes(file, DATA_BINARY, "hello", 5);
    tnef_file(bytes, file);
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    g_autofree char *files = files_of(tnef);
    ck_assert_str_eq(files, "a|||hello;");
}
END_TEST

/* What libytnef gives up on: long subjects, long texts, large objects. */
START_TEST(size_alone_is_no_fault)
{
    enum { LARGE = 600 * 1024 };
    g_autofree char *large = g_strnfill(LARGE, 'x');
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    tnef_attribute(bytes, 1, 0x00018004, large, 300);
    tnef_attribute(bytes, 1, 0x00018009, "", 0);
    tnef_body(bytes, large);
    tnef_file_begins(bytes, "a", NULL, 0);
    GByteArray *file = mapi_make();
    mapi_bytes(file, DATA_BINARY, large, LARGE);
    tnef_file(bytes, file);
    g_byte_array_append(bytes, (const guint8 *)"\r\n", 2);
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    ck_assert_ptr_nonnull(tnef);
    ck_assert_uint_eq(strlen(tnef->text), LARGE);
    ck_assert_uint_eq(((TnefFile *)tnef->files->pdata[0])->length, LARGE);
}
END_TEST

/* In memory of exactly its size, so that a sanitizer sees a step beyond. */
static Tnef *
read_copy(const guint8 *bytes, size_t length)
{
    g_autofree guint8 *copy = g_malloc(MAX(length, 1));
    memcpy(copy, bytes, length);
    Tnef *tnef = tnef_read(copy, length, &mail_limits_default);
    if (tnef != NULL) /* its slices are borrowed */
        for (guint i = 0; i < tnef->files->len; i++) {
            const TnefFile *file = tnef->files->pdata[i];
            ck_assert(file->length == 0 ||
                      (file->content >= copy &&
                       file->content + file->length <= copy + length));
        }
    return tnef;
}

/* The offsets at which an attribute ends: there a file may, too. */
static bool
is_end(const GByteArray *bytes, size_t wanted)
{
    size_t at = 6;
    while (at < wanted) {
        uint32_t length;
        memcpy(&length, bytes->data + at + 5, sizeof length);
        at += 9 + GUINT32_FROM_LE(length) + 2;
    }
    /* What is shorter than an attribute is taken for a line end. */
    return at == wanted;
}

START_TEST(a_part_of_one_is_none)
{
    g_autoptr(GByteArray) bytes = sample();
    size_t read = 0;
    for (size_t n = 0; n < bytes->len; n++) {
        g_autoptr(Tnef) tnef = read_copy(bytes->data, n);
        if (tnef == NULL)
            continue;
        read++;
        size_t end = n;
        while (end > 6 && !is_end(bytes, end))
            end--;
        ck_assert_uint_lt(n - end, 11);
    }
    ck_assert_uint_gt(read, 0);
}
END_TEST

START_TEST(a_wrong_byte_is_noticed)
{
    g_autoptr(GByteArray) bytes = sample();
    for (size_t i = 0; i < bytes->len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes->data[i] ^= (guint8)(1 << bit);
            g_autoptr(Tnef) tnef = read_copy(bytes->data, bytes->len);
            bytes->data[i] ^= (guint8)(1 << bit);
            /* Only the key and what an attribute is can be something else
             * without a contradiction. */
            if (tnef == NULL)
                continue;
            size_t at = i;
            while (at > 6 && !is_end(bytes, at))
                at--;
            ck_assert_msg((i >= 4 && i < 6) || (i - at >= 1 && i - at <= 4),
                          "byte %zu bit %u", i, bit);
        }
}
END_TEST

/* Lists with right checksums around them, and wrong lengths in them. */
static const struct {
    const char *what;
    guint8 bytes[40];
    size_t length;
} lists[] = {
    {"no count", {1, 0, 0}, 3},
    {"one that is not there", {1, 0, 0, 0}, 4},
    {"4294967295 of them", {0xFF, 0xFF, 0xFF, 0xFF}, 4},
    {"half a tag", {1, 0, 0, 0, 3, 0, 0}, 7},
    {"an unknown type", {1, 0, 0, 0, 0x99, 0, 0, 0x10, 0, 0, 0, 0}, 12},
    {"no value", {1, 0, 0, 0, 3, 0, 0, 0x10, 0, 0}, 10},
    {"no number of values", {1, 0, 0, 0, 0x1E, 0, 0, 0x10, 1, 0}, 10},
    {"a length beyond the end",
     {1, 0, 0, 0, 0x1E, 0, 0, 0x10, 1, 0, 0, 0, 5, 0, 0, 0, 'a', 'b', 'c', 'd'},
     20},
    {"a length of 4 GiB",
     {1, 0, 0, 0, 2, 1, 0, 0x10, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 'a'},
     17},
    {"padding beyond the end",
     {1, 0, 0, 0, 0x1E, 0, 0, 0x10, 1, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c'},
     19},
    {"4294967295 values",
     {1, 0, 0, 0, 3, 0x10, 0, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0},
     16},
    {"half a name", {1, 0, 0, 0, 3, 0, 0, 0x80, 1, 2, 3, 4}, 12},
    {"a name beyond the end",
     {1, 0, 0, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0, 0, 0, 0, 0, 0, 1, 0,    0, 0, 8, 0, 0, 0, 0, 0, 0, 0},
     36},
};

static void
ignore(void *context, const MapiProperty *property)
{
    size_t *bytes = context;
    for (size_t i = 0; i < property->length; i++)
        *bytes += property->bytes[i];
}

START_TEST(broken_lists_are_refused)
{
    g_autofree guint8 *copy = g_memdup2(lists[_i].bytes, lists[_i].length);
    size_t sum = 0;
    ck_assert_msg(!mapi_each(copy, lists[_i].length, ignore, &sum), "%s",
                  lists[_i].what);
    g_autoptr(GByteArray) bytes = sample();
    tnef_attribute(bytes, _i % 2 == 0 ? 1 : 2,
                   _i % 2 == 0 ? 0x00069003 : 0x00069005, copy,
                   lists[_i].length);
    ck_assert_ptr_null(read_tnef(bytes));
}
END_TEST

START_TEST(files_have_a_number)
{
    MailLimits limits = mail_limits_default;
    limits.parts = 10;
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    for (guint i = 0; i < 11; i++) {
        g_autoptr(Tnef) tnef = tnef_read(bytes->data, bytes->len, &limits);
        ck_assert_uint_eq(tnef->files->len, i);
        ck_assert(!tnef->has_more);
        tnef_file_begins(bytes, "a", "x", 1);
    }
    g_autoptr(Tnef) tnef = tnef_read(bytes->data, bytes->len, &limits);
    ck_assert_uint_eq(tnef->files->len, 10);
    ck_assert(tnef->has_more);
}
END_TEST

/* ---- RTF ---- */

static const struct {
    const char *rtf;
    const char *text;
} texts[] = {
    {"{\\rtf1\\ansi Hello\\par world\\par}", "Hello\nworld\n"},
    {"{\\rtf1 one\\line two\\tab three\r\nfour}", "one\ntwo\tthreefour"},
    {"{\\rtf1 a\\{b\\}c\\\\d\\~e\\_f\\-g}", "a{b}c\\d e-fg"},
    {"{\\rtf1{\\fonttbl{\\f0 Arial;}}{\\*\\x y}{\\info{\\title z}}{\\b a}b}",
     "ab"},
    {"{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0\\'e8\\'e2\\'b3\\'f2}", "Привіт"},
    {"{\\rtf1\\ansicpg932 \\'83\\'65\\'83\\'58\\'83\\'67}", "テスト"},
    {"{\\rtf1 \\'e9\\'zz\\'4}", "é"},
    {"{\\rtf1\\uc1 \\u1055?\\u1088 \\'f0\\u-3913?}", "Пр\uF0B7"},
    {"{\\rtf1\\uc2\\u8364 xyz{\\uc0\\u8364 x}}", "€z€x"},
    {"{\\rtf1 \\u-10179?\\u-8704?!\\u-10179?\\u-8704?\\u-8704?}", "😀!😀"},
    {"{\\rtf1 \\u0?\\bin2 }{\\b x}", "\xEF\xBF\xBDx"},
    {"{\\rtf1 \\emdash\\ldblquote a\\rdblquote}", "—“a”"},
    /* HTML in it: what an RTF reader shows is the text without marks. */
    {"{\\rtf1\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf \\b\\htmlrtf0 Hi"
     "{\\*\\htmltag72 </p>}\\htmlrtf\\par\\htmlrtf0}",
     "Hi\n"},
    /* broken */
    {"", ""},
    {"\\", ""},
    {"{\\rtf1 a\\'", "a"},
    {"}}}a{{{b", "ab"},
    {"{\\rtf1\\bin99999999 a}", ""},
    {"plain", "plain"},
};

START_TEST(rtf_has_a_text)
{
    size_t length = strlen(texts[_i].rtf);
    g_autofree char *copy = g_memdup2(texts[_i].rtf, length);
    g_autofree char *text = rtf_text(copy, length);
    ck_assert_str_eq(text, texts[_i].text);
}
END_TEST

/* The example of MS-OXRTFCP 3.1, and what may be wrong with one. */
static const char packed[] =
    "\x2d\x00\x00\x00\x2b\x00\x00\x00\x4c\x5a\x46\x75\xf1\xc5\xc7\xa7"
    "\x03\x00\x0a\x00\x72\x63\x70\x67\x31\x32\x35\x42\x32\x0a\xf3\x20"
    "\x68\x65\x6c\x09\x00\x20\x62\x77\x05\xb0\x6c\x64\x7d\x0a\x80\x0f"
    "\xa0";
static const char unpacked[] = "{\\rtf1\\ansi\\ansicpg1252\\pard hello "
                               "world}\r\n";

START_TEST(rtf_is_unpacked)
{
    for (size_t n = 0; n < sizeof packed; n++) {
        g_autofree guint8 *copy = g_memdup2(packed, n);
        g_autoptr(GByteArray) got = rtf_unpack(copy, n, 1000);
        ck_assert(n < 16 ? got == NULL : got != NULL);
        if (got != NULL && got->len > 0)
            ck_assert_mem_eq(got->data, unpacked, got->len);
        if (n == sizeof packed - 1)
            ck_assert_uint_eq(got->len, sizeof unpacked - 1);
    }
    g_autoptr(GByteArray) cut =
        rtf_unpack((const uint8_t *)packed, sizeof packed - 1, 10);
    ck_assert_uint_eq(cut->len, 10);
}
END_TEST

START_TEST(rtf_is_read_where_there_is_nothing_else)
{
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    GByteArray *message = mapi_make();
    mapi_bytes(message, 0x10090102, packed, sizeof packed - 1);
    tnef_message(bytes, message);
    g_autoptr(Tnef) tnef = read_tnef(bytes);
    ck_assert_str_eq(tnef->text, "hello world");
    tnef_body(bytes, "plain");
    g_autoptr(Tnef) plain = read_tnef(bytes);
    ck_assert_str_eq(plain->text, "plain");
}
END_TEST

static void
read_rtf(const char *text, size_t length)
{
    g_free(rtf_text(text, length));
}

static const char *const hostile[] = {
    "{", "}", "\\", "\\par", "\\'e9", "{a}", "\\u1", "\\u1?\\'e9", "\\bin0 "};

START_TEST(rtf_costs_its_length)
{
    support_grows_linearly(read_rtf, "{\\rtf1 ", hostile[_i], 300000, "");
}
END_TEST

/* ---- in a mail ---- */

#define WINMAIL                                                                \
    "--b\nContent-Type: %s\nContent-Disposition: attachment\n"                 \
    "Content-Transfer-Encoding: base64\n\n%s\n"

static Mail *
mail_with(const GByteArray *tnef, const char *text, const char *type)
{
    g_autofree char *base64 = g_base64_encode(tnef->data, tnef->len);
    g_autofree char *mail =
        g_strdup_printf("Content-Type: multipart/mixed; boundary=b\n\n"
                        "--b\n\n%s\n" WINMAIL "--b--\n",
                        text, type, base64);
    return support_parse(mail, NULL);
}

static char *
names_of(const Mail *mail)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < mail->attachments->len; i++) {
        const Attachment *attachment = mail->attachments->pdata[i];
        g_string_append_printf(out, "%s%s %s;",
                               attachment->is_inline ? "~" : "",
                               attachment->name, attachment->type);
    }
    return g_string_free(out, FALSE);
}

START_TEST(m42_it_is_opened_in_a_mail)
{
    g_autoptr(GByteArray) bytes = sample();
    g_autoptr(Mail) mail =
        mail_with(bytes, "See there.", "application/ms-tnef; name=winmail.dat");
    g_autofree char *names = names_of(mail);
    ck_assert_str_eq(names, "winmail.dat application/ms-tnef;"
                            "а.txt application/octet-stream;"
                            "Звіт за 2024 😀.pdf application/pdf;"
                            "~logo.png image/png;");
    ck_assert_str_eq(mail->text, "See there.");
    g_autoptr(Mail) silent =
        mail_with(bytes, " ", "application/octet-stream; name=WINMAIL.DAT");
    ck_assert_str_eq(silent->text, "Привет\n");
    ck_assert_uint_eq(silent->attachments->len, 4);
}
END_TEST

START_TEST(m42_its_html_is_read)
{
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    GByteArray *message = mapi_make();
    mapi_string8(message, HTML, "<p>Hello<p>world");
    tnef_message(bytes, message);
    g_autoptr(Mail) mail = mail_with(bytes, "", "application/vnd.ms-tnef");
    ck_assert_str_eq(mail->text, "Hello\n\nworld");
}
END_TEST

START_TEST(m42_a_broken_one_is_a_file)
{
    g_autoptr(GByteArray) bytes = sample();
    bytes->data[bytes->len - 1] ^= 1;
    g_autoptr(Mail) mail =
        mail_with(bytes, "Text.", "application/ms-tnef; name=winmail.dat");
    ck_assert(support_has_defect(mail, DEFECT_TNEF_BROKEN));
    ck_assert_uint_eq(mail->attachments->len, 1);
    ck_assert_uint_eq(((Attachment *)mail->attachments->pdata[0])->size,
                      bytes->len);
    bytes->data[bytes->len - 1] ^= 1;
    bytes->data[0] ^= 1; /* of that name, but something else: no fault */
    g_autoptr(Mail) other =
        mail_with(bytes, "Text.", "application/octet-stream; name=win.dat");
    ck_assert(!support_has_defect(other, DEFECT_TNEF_BROKEN));
    ck_assert_uint_eq(other->attachments->len, 1);
}
END_TEST

START_TEST(a27_names_inside_are_labels)
{
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    tnef_file_begins(bytes, "..\\..\\etc/cron.d/x", "x", 1);
    GByteArray *file = mapi_make();
    mapi_string8(file, MIME_TAG, "text/html; x=\"<script>\"");
    tnef_file(bytes, file);
    g_autoptr(Mail) mail = mail_with(bytes, "Text.", "application/ms-tnef");
    g_autofree char *names = names_of(mail);
    ck_assert_str_eq(names, " application/ms-tnef;"
                            "x application/octet-stream;");
}
END_TEST

START_TEST(the_size_opened_has_a_limit)
{
    g_autoptr(GByteArray) bytes = sample();
    g_autofree char *base64 = g_base64_encode(bytes->data, bytes->len);
    g_autofree char *text =
        g_strdup_printf("Content-Type: application/ms-tnef\n"
                        "Content-Transfer-Encoding: base64\n\n%s\n",
                        base64);
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    MailLimits limits = mail_limits_default;
    limits.tnef_bytes = bytes->len;
    g_autoptr(Mail) opened = mail_parse(raw, NULL, &limits);
    ck_assert_uint_eq(opened->attachments->len, 4);
    limits.tnef_bytes = bytes->len - 1;
    g_autoptr(Mail) closed = mail_parse(raw, NULL, &limits);
    ck_assert_uint_eq(closed->attachments->len, 1);
    ck_assert(support_has_defect(closed, DEFECT_TNEF_LARGE));
}
END_TEST

/* Files, properties, and properties that say nothing. */
static void
read_many(const char *text, size_t length)
{
    g_autoptr(GByteArray) bytes = tnef_make(1252);
    GByteArray *properties = mapi_make();
    for (size_t i = 0; i < length; i++) {
        tnef_file_begins(bytes, text[i] == 'f' ? "a" : NULL, "x", 1);
        mapi_many(properties, 0x6001, 0);
        mapi_string8(properties, BODY, "");
    }
    tnef_message(bytes, properties);
    for (int i = 0; i < 20; i++)
        tnef_free(read_tnef(bytes));
}

START_TEST(hostile_ones_cost_their_length)
{
    support_grows_linearly(read_many, "", "f ", 20000, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, files_and_text_are_found);
    tcase_add_test(tests, the_property_is_the_better_text);
    tcase_add_loop_test(tests, names_have_a_code_page, 0, G_N_ELEMENTS(pages));
    tcase_add_test(tests, an_attached_message_is_a_file);
    tcase_add_test(tests, a_property_may_be_the_content);
    tcase_add_test(tests, size_alone_is_no_fault);
    tcase_add_test(tests, a_part_of_one_is_none);
    tcase_add_test(tests, a_wrong_byte_is_noticed);
    tcase_add_loop_test(tests, broken_lists_are_refused, 0,
                        G_N_ELEMENTS(lists));
    tcase_add_test(tests, files_have_a_number);
    tcase_add_loop_test(tests, rtf_has_a_text, 0, G_N_ELEMENTS(texts));
    tcase_add_test(tests, rtf_is_unpacked);
    tcase_add_test(tests, rtf_is_read_where_there_is_nothing_else);
    tcase_add_loop_test(tests, rtf_costs_its_length, 0, G_N_ELEMENTS(hostile));
    tcase_add_test(tests, hostile_ones_cost_their_length);
    tcase_add_test(tests, m42_it_is_opened_in_a_mail);
    tcase_add_test(tests, m42_its_html_is_read);
    tcase_add_test(tests, m42_a_broken_one_is_a_file);
    tcase_add_test(tests, a27_names_inside_are_labels);
    tcase_add_test(tests, the_size_opened_has_a_limit);
}

int
main(void)
{
    return support_run("tnef", add);
}
