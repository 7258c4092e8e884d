/* Bytes to text: encoded words, charsets, parameters, transfer encodings. */
#include <string.h>

#include "mail/charset.h"
#include "mail/content.h"
#include "mail/transfer.h"
#include "mail/words.h"
#include "support.h"

#define FFFD "\xEF\xBF\xBD"

static const struct {
    const char *value;
    const char *expected;
} words[] = {
    {"plain", "plain"},
    {" two  spaces\r\n and a fold ", "two spaces and a fold"},
    {"=?utf-8?Q?caf=C3=A9_au_lait?=", "café au lait"},
    {"=?UTF-8?b?Y2Fmw6k=?=", "café"},
    {"=?utf-8*fr?Q?caf=C3=A9?=", "café"},
    {"=?iso-8859-1?q?caf=E9?=", "café"},
    {"=?us-ascii?Q?a?= =?us-ascii?Q?b?=", "ab"},
    {"=?us-ascii?Q?a?=\r\n =?us-ascii?Q?b?=", "ab"},
    {"=?us-ascii?Q?a?= x =?us-ascii?Q?b?=", "a x b"},
    {"x=?us-ascii?Q?a?=y", "xay"},
    /* A character cut between two words (M21). */
    {"=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=", "café"},
    {"=?utf-8?B?Y2Fmww==?= =?utf-8?B?qQ==?=", "café"},
    {"=?gb2312?B?xOO6ww==?=", "你好"},
    {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
    {"=?windows-1251?B?z/Do4uXy?=", "Привет"},
    {"=?koi8-u?B?8NLJ18nU?=", "Привит"},
    /* Broken in the usual ways. */
    {"=?utf-8?Q?a b?=", "a b"},
    {"=?utf-8?B?Y2Fmw6k?=", "café"},
    {"=?utf-8?Q?unterminated", "=?utf-8?Q?unterminated"},
    {"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
    {"=?x-unknown?Q?caf=C3=A9?=", "café"},
    {"=?"
     "?Q?abc?=",
     "=?"
     "?Q?abc?="},
    {"=?utf-8?Q?"
     "?=",
     ""},
    {"=?utf-8?Q?=ZZ=4?=", "=ZZ=4"},
    /* Raw bytes: UTF-8 is what most mean; a stray byte is not guessed (M20). */
    {"caf\xC3\xA9", "café"},
    {"caf\xE9", "caf" FFFD},
    {"\x1B$BF|K\\\x1B(B", "日本"},
    /* A15, A24, A37, M57: nothing that could steer a header or a terminal. */
    {"=?utf-8?Q?a=0D=0ABcc:_x@y?=", "a Bcc: x@y"},
    {"=?utf-8?Q?a=00b?=", "a" FFFD "b"},
    {"a\x1B[31mb", "a [31mb"},
    {"=?utf-8?Q?=E2=80=AEgpj.exe?=", "gpj.exe"},
    {"a\xE2\x80\x8B"
     "b",
     "ab"},
};

START_TEST(header_text_is_decoded)
{
    g_autofree char *got =
        words_decode(words[_i].value, strlen(words[_i].value));
    ck_assert_str_eq(got, words[_i].expected);
}
END_TEST

static const struct {
    const char *declared;
    const char *bytes;
    const char *expected;
} charsets[] = {
    {NULL, "plain", "plain"},
    {"us-ascii", "caf\xE9", "café"},
    /* What is declared as seven bits and is not is of whoever it looks like. */
    {"us-ascii",
     "\xC4\xEE\xE1\xF0\xFB\xE9 \xE4\xE5\xED\xFC, \xE7\xE0\xEA\xE0\xE7",
     "Добрый день, заказ"},
    {"us-ascii", "\x82\xA8\x90\xA2\x98\x62\x82\xC9\x82\xC8\x82\xC1",
     "お世話になっ"},
    {"iso-2022-jp", "\x82\xA8\x90\xA2\x98\x62\x82\xC9\x82\xC8\x82\xC1",
     "お世話になっ"},
    {"iso-2022-jp", "\x83\x65\x83\x58\x83\x67", "テスト"},
    {"iso-2022-jp", "\xC6\xFC\xCB\xDC", "日本"},
    {"iso-2022-jp", "\x83\x65\x83g", FFFD "e" FFFD "g"},
    {"iso-2022-jp", "caf\xE9", "caf" FFFD},
    {"iso-8859-1", "\x93quoted\x94 \x80", "“quoted” €"},
    {"latin1", "caf\xE9", "café"},
    {"\"ISO_8859-1\"", "caf\xE9", "café"},
    {"iso-8859-15", "\xA4", "€"},
    {"windows-1250", "\x9E\xEDt", "žít"},
    {"windows-1251", "\xCF\xF0\xE8\xE2\xE5\xF2", "Привет"},
    {"koi8-r", "\xF0\xD2\xC9\xD7\xC5\xD4", "Привет"},
    {"gb2312", "\xC4\xE3\xBA\xC3", "你好"},
    {"gb2312", "\x81\x30\x84\x36", "¥"}, /* only gb18030 has it */
    {"big5", "\xA7\x41\xA6\x6E", "你好"},
    {"shift_jis", "\x93\xFA\x96\x7B", "日本"},
    {"shift_jis", "\x87\x40", "①"}, /* only cp932 has it */
    {"euc-jp", "\xC6\xFC\xCB\xDC", "日本"},
    {"iso-2022-jp", "\x1B$BF|K\\\x1B(B", "日本"},
    {"iso-2022-jp", "\x1B$BF|K", "日" FFFD}, /* not ended (M46) */
    {"hz-gb-2312", "~{Dc:C~} a", "你好 a"},
    {"HZ-GB-2312", "~~ a~\nb ~{Dc:C", "~ ab 你好"},
    {"hz", "~{D\nDc", "D\nDc"}, /* a line ends it */
    /* of Windows: a circled one, half-width kana; and JIS X 0212 */
    {"iso-2022-jp", "\x1B$B-!F|\x1B(B a", "①日 a"},
    {"iso-2022-jp", "\x1B$B-!\x1B(I1\x1B(J b", "①ｱ b"},
    {"iso-2022-jp", "\x1B$B-!\nab", "①\nab"},
    {"iso-2022-jp", "2\x1B$B!A\x1B(B4", "2～4"},
    /* Undeclared, but nothing else looks like it. */
    {NULL, "a \x1B$BF|K\\\x1B(B", "a 日本"},
    {"us-ascii", "\x1B$BF|K\\\x1B(J!", "日本!"},
    {"iso-8859-1", "\x1B$BF|K\\", "\x1B$BF|K\\"},
    {NULL, "\x1B$BF|K\\\x1B(B \xE9", "\x1B$BF|K\\\x1B(B é"},
    {"iso-2022-jp", "\x1B$B-!\x1B$(D0!\x1B(B", "①丂"},
    {"euc-kr", "\xC7\xD1\xB1\xDB", "한글"},
    {"utf-7", "+AOk-t+AOk-", "été"},
    {NULL, "+AOk-t+AOk-", "+AOk-t+AOk-"}, /* UTF-7 only if declared (A26) */
    /* Valid UTF-8 wins over what was declared. */
    {"iso-8859-1", "caf\xC3\xA9", "café"},
    {"koi8-r", "\xD0\x9F\xD1\x80\xD0\xB8", "При"},
    {"gb2312", "\xE4\xBD\xA0\xE5\xA5\xBD", "你好"},
    {"x-bogus//TRANSLIT", "caf\xC3\xA9", "café"},
    /* It says UTF-8 and is not. */
    {"utf-8", "caf\xE9", "café"},
    {"utf-8", "caf\xC3\xA9 \xFF caf\xC3\xA9", "café " FFFD " café"},
    {"utf-8", "\xC0\x80 caf\xC3\xA9", FFFD FFFD " café"},
    {"utf-8", "\xED\xA0\x80 caf\xC3\xA9", FFFD FFFD FFFD " café"},
    {NULL, "caf\xE9", "café"},
    {"x-unknown", "caf\xE9", "café"},
    {NULL,
     "\xCF\xF0\xE8\xE2\xE5\xF2, \xEA\xE0\xEA \xE4\xE5\xEB\xE0? "
     "\xC2\xF1\xE5 \xF5\xEE\xF0\xEE\xF8\xEE.",
     "Привет, как дела? Все хорошо."},
    {"windows-1252", "a\x81z", "a" FFFD "z"},
};

START_TEST(charsets_become_utf8)
{
    const char *bytes = charsets[_i].bytes;
    g_autofree char *got =
        charset_to_utf8(bytes, strlen(bytes), charsets[_i].declared, NULL);
    ck_assert_str_eq(got, charsets[_i].expected);
}
END_TEST

START_TEST(bytes_with_zeros_become_utf8)
{
    g_autofree char *nul = charset_to_utf8("a\0b", 3, "utf-8", NULL);
    ck_assert_str_eq(nul, "a" FFFD "b");
    g_autofree char *latin = charset_to_utf8("a\0\xE9", 3, NULL, NULL);
    ck_assert_str_eq(latin, "a" FFFD "é");
    g_autofree char *koi = charset_to_utf8("a\0\xC1", 3, "koi8-r", NULL);
    ck_assert_str_eq(koi, "a" FFFD "а");
    g_autofree char *big = charset_to_utf8("\xFE\xFF\0H\0i", 6, "utf-16", NULL);
    ck_assert_str_eq(big, "Hi");
    g_autofree char *little = charset_to_utf8("H\0i\0", 4, "utf-16", NULL);
    ck_assert_str_eq(little, "Hi");
    g_autofree char *marked = charset_to_utf8("\xFF\xFEH\0i\0", 6, NULL, NULL);
    ck_assert_str_eq(marked, "Hi");
    g_autofree char *odd = charset_to_utf8("\0H\0i\0", 5, "utf-16be", NULL);
    ck_assert_str_eq(odd, "Hi" FFFD);
}
END_TEST

START_TEST(a_repair_is_told)
{
    bool repaired = true;
    g_free(charset_to_utf8("caf\xE9", 4, "latin1", &repaired));
    ck_assert(!repaired);
    g_free(charset_to_utf8("caf\xE9", 4, "utf-8", &repaired));
    ck_assert(repaired);
}
END_TEST

/* A36: only names of the list reach iconv. */
START_TEST(unknown_charsets_have_no_converter)
{
    ck_assert_pstr_eq(charset_converter(NULL), NULL);
    ck_assert_pstr_eq(charset_converter(""), NULL);
    ck_assert_pstr_eq(charset_converter("iso-2022-cn-ext"), NULL);
    ck_assert_pstr_eq(charset_converter("utf-8//IGNORE"), NULL);
    g_autofree char *endless = support_repeat("", "utf-8", 2000, "");
    ck_assert_pstr_eq(charset_converter(endless), NULL);
    ck_assert_str_eq(charset_converter("GB2312"), "GB18030");
    size_t count = 0;
    while (charset_converter_at(count) != NULL)
        count++;
    ck_assert_uint_gt(count, 100);
}
END_TEST

/* Every converter of the list exists on this machine. */
START_TEST(every_converter_opens)
{
    const char *converter;
    for (size_t i = 0; (converter = charset_converter_at(i)) != NULL; i++) {
        if (*converter == '\0')
            continue;
        GIConv opened = g_iconv_open("UTF-8", converter);
        ck_assert_msg(opened != (GIConv)-1, "no converter for %s", converter);
        g_iconv_close(opened);
    }
}
END_TEST

static const struct {
    const char *value;
    const char *word;
    const char *name;
    const char *expected; /* NULL: no such parameter */
} contents[] = {
    {"text/plain", "text/plain", "charset", NULL},
    {"Text/HTML; Charset=UTF-8", "text/html", "charset", "UTF-8"},
    {"text/plain; charset=\"utf-8\"; format=flowed", "text/plain", "format",
     "flowed"},
    {"text / plain ; charset = utf-8", "text/plain", "charset", "utf-8"},
    {"text/plain charset=utf-8", "text/plain", "charset", "utf-8"},
    {"text/plain (comment); charset=utf-8", "text/plain", "charset", "utf-8"},
    {"", "", "charset", NULL},
    {";;;", "", "charset", NULL},
    {"filename=a.pdf", "", "filename", "a.pdf"},
    {"filename=\"my file.pdf\"; size=5", "", "filename", "my file.pdf"},
    {"filename=\"my file.pdf\"; size=5", "", "size", "5"},
    {"text/html=20; charset=utf-8", "text/html=20", "charset", "utf-8"},
    {"a/b; x", "a/b", "x", ""},
    {"a/b; =y", "a/b", "", NULL},
    {"a/b; name=my file.pdf", "a/b", "name", "my file.pdf"},
    {"a/b; name=\"a;b.pdf\"", "a/b", "name", "a;b.pdf"},
    {"a/b; name=\"a\\\"b.pdf\"", "a/b", "name", "a\"b.pdf"},
    {"a/b; name=\"C:\\dir\\a.pdf\"", "a/b", "name", "C:\\dir\\a.pdf"},
    {"a/b; name=\"a \"b\" c.pdf\"; x=y", "a/b", "name", "a \"b\" c.pdf"},
    {"a/b; name=\"a.pdf\" x=y", "a/b", "x", "y"},
    {"a/b; name=\"a.pdf\" (comment); x=y", "a/b", "name", "a.pdf"},
    {"a/b; name=\"unclosed.pdf", "a/b", "name", "unclosed.pdf"},
    {"a/b; name=one; name=two", "a/b", "name", "one"},
    {"a/b; name=\"=?utf-8?Q?caf=C3=A9?=\"", "a/b", "name", "café"},
    {"a/b; name=caf\xC3\xA9", "a/b", "name", "café"},
    /* RFC 2231 as it should be, out of order, and broken (M49). */
    {"a/b; name*=utf-8''caf%C3%A9", "a/b", "name", "café"},
    {"a/b; name*=iso-8859-1'fr'caf%E9", "a/b", "name", "café"},
    {"a/b; name*0=one; name*1=two", "a/b", "name", "onetwo"},
    {"a/b; name*1=two; name*0=one", "a/b", "name", "onetwo"},
    {"a/b; name*0*=utf-8''caf; name*1*=%C3%A9; name*2=.txt", "a/b", "name",
     "café.txt"},
    {"a/b; name*0*=utf-8''%C3; name*1*=%A9", "a/b", "name", "é"},
    {"a/b; name*=caf%C3%A9", "a/b", "name", "café"},
    {"a/b; name*=utf-8''a%2", "a/b", "name", "a%2"},
    {"a/b; name=plain; name*=utf-8''better", "a/b", "name", "better"},
    {"a/b; name*0=\"=?utf-8?Q?caf=\"; name*1=\"C3=A9?=\"", "a/b", "name",
     "café"},
    /* A16, A37: what a name may not hold. */
    {"a/b; name*=utf-8''a%0D%0Ab%00c", "a/b", "name", "a b" FFFD "c"},
};

START_TEST(parameters_are_read)
{
    const char *value = contents[_i].value;
    g_autoptr(Content) content = content_parse(value, strlen(value));
    ck_assert_str_eq(content->word, contents[_i].word);
    ck_assert_pstr_eq(content_parameter(content, contents[_i].name),
                      contents[_i].expected);
}
END_TEST

START_TEST(parameters_are_counted)
{
    GString *value = g_string_new("a/b");
    for (int i = 0; i < CONTENT_SEGMENTS_MAX + 1; i++)
        g_string_append_printf(value, "; name*%d=x", i);
    g_autoptr(Content) content = content_parse(value->str, value->len);
    ck_assert_uint_eq(strlen(content_parameter(content, "name")),
                      CONTENT_SEGMENTS_MAX);
    g_string_free(value, TRUE);
}
END_TEST

static const struct {
    const char *encoding;
    const char *bytes;
    const char *expected;
} transfers[] = {
    {"7bit", "a=3D b\n", "a=3D b\n"},
    {"x-foo", "abc", "abc"},
    {"base64", "aGVsbG8=", "hello"},
    {"BASE64", "aGVs\r\nbG8=\r\n", "hello"},
    {" base64 ", "aGVsbG8", "hello"},
    {"base64", "aGVs bG8*=", "hello"},
    {"base64", "aGVsbG8=\nIHdvcmxk", "hello world"}, /* M43, G22 */
    {"base64", "aGVsbG8=IHdvcmxkIQ==Pw==", "hello world!?"},
    /* What was written below is not part of it, whatever its letters. */
    {"base64", "aGVsbG8=\n\n____\nlist of users\nusers@x.org\n", "hello"},
    {"base64", "aGVsbG8h\n\nsent by us\nIHdvcmxk\n", "hello! world"},
    {"base64", "aGVsbG8=\n-- \nAnn\n", "hello"},
    /* but space between the lines, and behind them, hides nothing */
    {"base64", "\n\naGVsbG8h \r\n \r\nIHdvcmxk\t\r\n\r\nIQ\r\n",
     "hello! world!"},
    {"base64", "YQ", "a"},
    {"base64", "Y", ""},
    {"base64", "====", ""},
    {"base64", "", ""},
    {"quoted-printable", "caf=C3=A9", "caf\xC3\xA9"},
    {"quoted-printable", "a=\nb=\r\nc", "abc"},
    {"quoted-printable", "a=ZZb", "a=ZZb"}, /* M44 */
    {"quoted-printable", "a= \t\r\nb=\r\nc=\nd", "abcd"},
    {"quoted-printable", "a= b=\r=\t=", "a= b=\r=\t"},
    {"quoted-printable", "==41=4=41=4", "=A=4A=4"},
    {"quoted-printable", "a=4\nb=\nc", "a=4\nbc"},
    {"quoted-printable", "a=", "a"},
    {"quoted-printable", "a=\r", "a"},
    {"quoted-printable", "a=  ", "a"},
    {"quoted-printable", "a=4", "a=4"},
    {"quoted-printable",
     "a=                                                   \nb",
     "a=                                                   \nb"},
    {"Quoted-Printable", "a=3d=3D", "a=="},
    {"x-uuencode", "begin 644 x\n#86)C\n`\nend\n", "abc"},
    {"x-uuencode", "begin 644 x\n#86)C\nend\n#86)C\n", "abc"},
    {"x-uuencode", "#86)C\nnot data\n#86)C", "abcabc"},
    /* The spaces at the end of a line were trimmed: they count. */
    {"x-uue", "begin 644 x\r\n!80\r\n`\r\nend\r\n", "a"},
    {"uuencode", "begin 644 x\n\"85  \n!0\n\nend\n", "aP@"},
};

static void
feed_array(void *context, const void *bytes, size_t length)
{
    g_byte_array_append(context, bytes, (guint)length);
}

START_TEST(transfer_encodings_are_undone)
{
    TransferEncoding encoding =
        transfer_parse(transfers[_i].encoding, strlen(transfers[_i].encoding));
    const char *bytes = transfers[_i].bytes;
    size_t length = strlen(bytes), expected = strlen(transfers[_i].expected);
    g_autoptr(GByteArray) got = transfer_decode(encoding, bytes, length, 1000);
    ck_assert_uint_eq(got->len, expected);
    if (expected > 0)
        ck_assert_mem_eq(got->data, transfers[_i].expected, expected);
    g_autoptr(GByteArray) fed = g_byte_array_new();
    transfer_feed(encoding, bytes, length, feed_array, fed);
    ck_assert_uint_eq(fed->len, expected);
    if (expected > 0)
        ck_assert_mem_eq(fed->data, got->data, expected);
}
END_TEST

/* At each offset a chunk may end. */
START_TEST(quoted_codes_may_be_torn)
{
    enum { CHUNK_BYTES = 16 * 1024 };
    static const char code[] = "=C3=A9= \n=4";
    for (size_t n = 0; n <= sizeof code; n++) {
        g_autofree char *filler = g_strnfill(CHUNK_BYTES - n, 'x');
        g_autofree char *text = g_strconcat(filler, code, "!", NULL);
        g_autofree char *expected = g_strconcat(filler, "\xC3\xA9=4!", NULL);
        g_autoptr(GByteArray) got = transfer_decode(
            TRANSFER_QUOTED_PRINTABLE, text, strlen(text), strlen(text));
        ck_assert_uint_eq(got->len, strlen(expected));
        ck_assert_mem_eq(got->data, expected, got->len);
    }
}
END_TEST

START_TEST(decoding_stops_at_its_limit)
{
    g_autofree char *bytes = support_repeat("", "aGVs", 100000, "");
    g_autoptr(GByteArray) got =
        transfer_decode(TRANSFER_BASE64, bytes, strlen(bytes), 1000);
    ck_assert_uint_eq(got->len, 1000);
    g_autoptr(GByteArray) fed = g_byte_array_new();
    transfer_feed(TRANSFER_BASE64, bytes, strlen(bytes), feed_array, fed);
    ck_assert_uint_eq(fed->len, 300000);
}
END_TEST

static void
decode_words(const char *text, size_t length)
{
    g_free(words_decode(text, length));
}

static void
parse_content(const char *text, size_t length)
{
    content_free(content_parse(text, length));
}

static void
guess_charset(const char *text, size_t length)
{
    g_free(charset_to_utf8(text, length, NULL, NULL));
}

static void
convert_charset(const char *text, size_t length)
{
    g_free(charset_to_utf8(text, length, "euc-kr", NULL));
}

/* 1 MiB of what a relay may have trimmed, and no more: 45 bytes a line. */
START_TEST(trimmed_lines_count_up_to_a_limit)
{
    enum { LINE = 45, LINES_MAX = 1024 * 1024 / LINE };
    g_autoptr(GString) text = g_string_new("begin 644 x\n");
    for (int i = 0; i < LINES_MAX; i++)
        g_string_append(text, "M\n");
    g_autoptr(GByteArray) all = transfer_decode(TRANSFER_UUENCODE, text->str,
                                                text->len, 2 * 1024 * 1024);
    ck_assert_uint_eq(all->len, LINES_MAX * LINE);
    g_string_append(text, "M\nM\n");
    g_autoptr(GByteArray) more = transfer_decode(TRANSFER_UUENCODE, text->str,
                                                 text->len, 2 * 1024 * 1024);
    ck_assert_uint_eq(more->len, LINES_MAX * LINE);
}
END_TEST

/* Below base64 128 characters are looked at to tell whether a line is more. */
START_TEST(a_line_below_base64_is_known_by_its_beginning)
{
    for (size_t n = 128; n <= 129; n++) {
        g_autofree char *line = g_strnfill(n, 'A');
        g_autofree char *text = g_strconcat("aGVsbG8=\n", line, " no\n", NULL);
        g_autoptr(GByteArray) got =
            transfer_decode(TRANSFER_BASE64, text, strlen(text), 1000);
        if (n == 128)
            ck_assert_uint_eq(got->len, strlen("hello"));
        else
            ck_assert_uint_gt(got->len, strlen("hello") + 128 / 4 * 3 - 1);
    }
}
END_TEST

static void
feed_nothing(void *context, const void *bytes, size_t length)
{
    (void)context, (void)bytes, (void)length;
}

static void
undo_base64(const char *text, size_t length)
{
    transfer_feed(TRANSFER_BASE64, text, length, feed_nothing, NULL);
}

static void
undo_uuencode(const char *text, size_t length)
{
    transfer_feed(TRANSFER_UUENCODE, text, length, feed_nothing, NULL);
}

/* A33 and its kin. */
static const struct {
    void (*work)(const char *text, size_t length);
    const char *piece;
    size_t count;
} hostile[] = {
    {decode_words, "=?", 500000},
    {decode_words, "=?a?q?", 200000},
    {decode_words, "=?utf-8?q?a?= ", 100000},
    {decode_words, "=?utf-8?q?a?= =?latin1?q?b?= ", 50000},
    {decode_words, "\xFF", 1000000},
    {parse_content, "; a*0*=b", 100000},
    {parse_content, "\"", 1000000},
    {parse_content, ";", 1000000},
    {guess_charset, "\xFF", 1000000},
    {guess_charset, "\xC3\xA9\xFF", 400000},
    {convert_charset, "\xFF", 500000},
    {undo_base64, "\n\naGk=\na b", 300000},
    {undo_base64, "aGVs\n\n", 600000},
    {undo_uuencode, "\n_", 1000000},
    {undo_uuencode, "begin 644 x\n", 300000},
};

START_TEST(hostile_text_costs_its_length)
{
    support_grows_linearly(hostile[_i].work, "a/b", hostile[_i].piece,
                           hostile[_i].count, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, header_text_is_decoded, 0, G_N_ELEMENTS(words));
    tcase_add_loop_test(tests, charsets_become_utf8, 0, G_N_ELEMENTS(charsets));
    tcase_add_test(tests, bytes_with_zeros_become_utf8);
    tcase_add_test(tests, a_repair_is_told);
    tcase_add_test(tests, unknown_charsets_have_no_converter);
    tcase_add_test(tests, every_converter_opens);
    tcase_add_loop_test(tests, parameters_are_read, 0, G_N_ELEMENTS(contents));
    tcase_add_test(tests, parameters_are_counted);
    tcase_add_loop_test(tests, transfer_encodings_are_undone, 0,
                        G_N_ELEMENTS(transfers));
    tcase_add_test(tests, quoted_codes_may_be_torn);
    tcase_add_test(tests, decoding_stops_at_its_limit);
    tcase_add_test(tests, trimmed_lines_count_up_to_a_limit);
    tcase_add_test(tests, a_line_below_base64_is_known_by_its_beginning);
    tcase_add_loop_test(tests, hostile_text_costs_its_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("decode", add);
}
