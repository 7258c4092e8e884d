#include "inputs.h"

#include <string.h>

#include "mail/absence.h"
#include "mail/dsn_words.h"
#include "mail/quote_words.h"
#include "mail/subject.h"

static void
add(GArray *pieces, const char *bytes, size_t length)
{
    LinearPiece piece = {.length = MIN(length, sizeof piece.bytes)};
    memcpy(piece.bytes, bytes, piece.length);
    g_array_append_val(pieces, piece);
}

/* Between what stands around a word. */
static void
add_between(GArray *pieces, const char *before, const char *word,
            const char *after)
{
    g_autofree char *piece = g_strconcat(before, word, after, NULL);
    add(pieces, piece, strlen(piece));
}

GArray *
linear_bytes(void)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(LinearPiece));
    for (int c = 0; c < 256; c++) {
        const char byte = (char)c;
        add(pieces, &byte, 1);
    }
    return pieces;
}

/* Each byte below `end`, with another one behind it. */
static GArray *
bytes_before(char next, int end)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(LinearPiece));
    for (int c = 0; c < end; c++) {
        const char pair[] = {(char)c, next};
        add(pieces, pair, sizeof pair);
    }
    return pieces;
}

GArray *
linear_byte_lines(void)
{
    return bytes_before('\n', 256);
}

GArray *
linear_byte_words(void)
{
    return bytes_before(' ', 256);
}

GArray *
linear_ascii_lines(void)
{
    return bytes_before('\n', 0x80);
}

static const char *const marks[] = {
    /* structure of a mail */
    "--", "--\n", "--x\n", "--b\n", "--b\n\n", "--b--\n", "--bx\n", "-- \n",
    "\r\n", "a:\n", "a: b\n", "a:\nb\n", "a b\n", " a\n", "\ta\n", "From a\n",
    ">From \n", "Content-Type: text/plain\n", "X-a: b\n", "gar:bage\n x\n",
    "--b\nContent-Type: text/html\n\n<p>a\n",
    "--b\nContent-Type: multipart/x\n\n",
    "--b\nContent-Type: multipart/mixed; boundary=b\n\n",
    "--b\nContent-Type: image/png; name=a\n\na\n",
    /* fields */
    "=?", "=?=?", "=?a?q", "=?utf-8?q?a?=", "=?utf-8?q?a?= ", "=?x?b?YQ==?= ",
    "=?utf-7?q?a?= =?big5?q?a?= ", "=?utf-8?q?", "?=", "=?a?q?\?= ", "\"\"",
    "\"@", "\"\"@", "\"a\"@b,", "<", "<<", "<>", "<a", "<a@b>", "<a@b>,",
    "a@b,", "a@b, ", "a <a@b>,", "a,", ",;", "(a", "(a)", "((", "()", "\\(",
    "a:", ":;", "[mailto:", "'", "''", "\xFF\xFF\xFF\xFF\xFF\xFF<a@b>,",
    "\xC3\xA4 ", "a=b;", ";a=\"", ";a*0=b", ";a*=b", ";a*1*=%41", "=\"",
    "a=", "%41", "''a", "dkim=pass;", "; dmarc=pass header.from=a",
    "a/1=", "Re: ", "Re[2]: ", "re(", "[#1] ", "[#1", "[#", "[[", "#1]",
    "=?iso-2022-jp?b?GyRCJCI=?= ", "\x1B$B", "\x1B(B", "\x1B$B$\x22\x1B(B",
    "=?x\xFF?q?=FF=FF=FF=FF=FF=FF?= ", "\xFF\xFF\xFF\xFF\xFF\xFF=?a?q?a?= ",
    "=?iso-8859-2?q?=FF?= =?koi8-r?q?=FF?= =?big5?q?=FF?= =?gbk?q?=FF?= ",
    /* text */
    "> ", "> > >", ">\n", "> a\n", "> a\nb\n", ">:\n", ">> a:\n", ">>> ",
    " >>>", ">>> a 1.1.2020 >>>\n", "@:\n", "a@b:\n", "<a@b>\n", "<a@b>:\n",
    "@a", "@@:\n", "a:b:", "12:00 ", "1.1.2020 ", "2020 ", "1/1/20:\n",
    "On Mon, ", "On 1. ", "On Mon, 1.1.2020 <a@b> wrote:\n", "On Mon, a\n",
    "On Mon, 1.1.2020 a@b wrote: a\n", "a wrote:\n", "wrote ", "wrote:\n",
    "Bob <a@b> wrote:\n\n| a\n", "| a\n", "bb> a\n", "a -- On 1. ", " <",
    "From: a\n", "From: a@b\nSent: b\nTo: c\n", "Von: a\nDatum: b\n\n",
    "From: a Sent: b To: c Subject: d\n", "----\n", "---- a ----\n", "____\n",
    "-----Original Message-----\n", "## - a -##\n", "##- a\n", "<div>",
    "begin 644 x\n", "begin 644 x\n`\nend\n", "M\n", "#86)C\n", "end\n",
    "begin ", "= ", "=\n", "=3D", "=A", "YQ==\n", "YQ==", "YWJj", "a \n", " \n",
    "\n\n", "\xC2\xA0", "\xE2\x80\x8B", "\xE2\x80\x94", "i\xCC\x87",
    "\xEF\xBC\x9A", "reply above this line\n", "news:", "mailto:a@b ",
    "http://a ", "(http://a\n", "> (http://a\nb\n",
    /* reports */
    "Final-Recipient: rfc822; a@b\n", "Final-Recipient: a@b\nb\n",
    "Status: 5.0.0\n", "Action: failed\n\n", "5.1.1 ", "550 ", "5.0.0 ",
    "a@b.c 550\n", "a@b.c could not be delivered:\n", "failed:\n", "<a@b.c> ",
    "a@b.c\n", "a@b.c ", "\"a\"@b.c ", "from a@b.c ", "Received: a\n b\n",
    "{\"emailAddress\":\"a@b.c\",\"status\":\"5.1.1\"},", "{\"", "[{", "]",
    /* HTML */
    "<a ", "<a>", "</a>", "</", "<!", "<!--", "-->", "<!-->", "<?",
    "<a b=", "<a b=\"", "<a b='", "<a b=c>", "='", "/>", "<script>",
    "</script>", "<style", "<p hidden>", "<div hidden>", "<div hidden></div>",
    "<svg>", "<blockquote>", "</blockquote>", "<blockquote>a", "<li>",
    "<ol><li>a", "<ul>", "<br>", "<p>", "<hr>", "<td>", "<pre>", "<pre> ",
    "<a href=", "<a href=http://a>b</a>", "<a href=http://a>", "<img alt=a>",
    "<html>", "<div class=gmail_quote>", "<div class=moz-cite-prefix>",
    "<meta charset=", "<div style=\"display:none\">", "<div id=divRplyFwdMsg>a",
    "<p class=\"", "&", "&a", "&amp;", "&nbsp;", "&#", "&#x", "&#8364;", "&#0",
    "&lt", "&eacute;", "<blockquote style=\"border:none\">a",
    /* RTF */
    "{", "}", "{}", "{\\*", "\\par ", "\\'e9", "\\u1 ?", "a\\par ", "\\bin9",
    "\\u-10179 ?\\u-8704 ?", "\\uc8", "\\ansicpg65000 a\\par ",
    "\\ansicpg1 \\'ff\\'ff\\'ff\\'ff\\'ff\\'ff\\par ", "\\a1", "\\fonttbl",
    "\\\n", "\\~",
    /* charsets */
    "~{", "~}", "~~", "~\n", "+AGE-", "+", "\xE4\xF6 ", "a\xFF", "\xFE\xFF",
    "\x81\x40", "\xA4\xA2", "\xB0\xA1", "\xC3\x28", "\xE2\x82", "\xF0\x9F",
    "\xEF\xBF\xBD"};

GArray *
linear_marks(void)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(LinearPiece));
    for (char c = '!'; c <= '~'; c++)
        if (g_ascii_ispunct(c))
            add(pieces, &c, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
        add(pieces, marks[i], strlen(marks[i]));
    add(pieces, "a\0", 2);
    add(pieces, "\0a", 2);
    return pieces;
}

static const char *const elements[] = {
    "a",       "abbr",     "address",  "article",   "b",       "blockquote",
    "body",    "br",       "caption",  "center",    "dd",      "div",
    "dl",      "dt",       "fieldset", "figure",    "font",    "footer",
    "form",    "h1",       "head",     "header",    "hr",      "html",
    "i",       "iframe",   "img",      "input",     "li",      "main",
    "math",    "menu",     "meta",     "nav",       "noembed", "noframes",
    "object",  "ol",       "p",        "plaintext", "pre",     "script",
    "section", "select",   "span",     "style",     "svg",     "table",
    "td",      "template", "textarea", "th",        "title",   "tr",
    "u",       "ul",       "xmp",      "noscript"};

static void
add_element(GArray *pieces, const char *name)
{
    g_autofree char *pair = g_strdup_printf("<%s>a</%s>", name, name);
    add_between(pieces, "<", name, ">");
    add_between(pieces, "</", name, ">");
    add_between(pieces, "<", name, ">a");
    add(pieces, pair, strlen(pair));
}

/* As a line, and as what introduces something. */
static void
add_quote_word(GArray *pieces, const char *word)
{
    add_between(pieces, "", word, "\n");
    add_between(pieces, "", word, ":\n");
}

static void
add_table(GArray *pieces, const char *(*word_at)(size_t index))
{
    const char *word;
    for (size_t i = 0; (word = word_at(i)) != NULL; i++)
        add_between(pieces, "", word, "\n");
}

GArray *
linear_words(void)
{
    static const QuoteWords *const tables[] = {
        &quote_verbs,    &quote_verbs_cjk, &quote_openings, &quote_originals,
        &quote_forwards, &quote_marks,     &quote_closings, &quote_devices};
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(LinearPiece));
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        for (size_t j = 0; j < tables[i]->count; j++)
            add_quote_word(pieces, tables[i]->words[j]);
    for (size_t i = 0; i < quote_originals.count; i++)
        add_between(pieces, "-- ", quote_originals.words[i], " --\n");
    for (size_t i = 0; i < quote_forwards.count; i++)
        add_between(pieces, "-- ", quote_forwards.words[i], " --\n");
    for (size_t i = 0; i < quote_field_names_count; i++)
        add_quote_word(pieces, quote_field_names[i].name);
    add_table(pieces, dsn_words_at);
    add_table(pieces, absence_words_at);
    add_table(pieces, subject_prefix_at);
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++)
        add_element(pieces, elements[i]);
    return pieces;
}
