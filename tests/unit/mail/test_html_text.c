/* HTML as text for people. */
#include "mail/html_text.h"

#include <string.h>

#include "support.h"

static const struct {
    const char *html;
    const char *expected;
} pages[] = {
    {"", ""},
    {"plain", "plain"},
    {"<p>one</p><p>two</p>", "one\n\ntwo"},
    {"one<br>two<br/>three", "one\ntwo\nthree"},
    {"one<br><br>two", "one\n\ntwo"},
    {"<div>one</div><div>two</div>", "one\ntwo"},
    {"<div><div>one</div></div><div>two</div>", "one\ntwo"},
    {"  a \n\t b  ", "a b"},
    {"a <b>b</b> c", "a b c"},
    {"a<b>b</b>c", "abc"},
    {"<h1>Title</h1>text", "Title\n\ntext"},
    {"<ul><li>one<li>two</ul>after", "- one\n- two\n\nafter"},
    {"<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"},
    {"<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"},
    {"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
     "a\tb\nc"},
    {"a<hr>b", "a\n________________________________\nb"},
    {"<pre>a\n  b\n\nc</pre>", "a\n  b\n\nc"},
    {"<blockquote>one<br>two</blockquote>three", "> one\n> two\nthree"},
    {"<blockquote>a<blockquote>b</blockquote>c</blockquote>",
     "> a\n> > b\n> c"},
    {"<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"},
    /* Links show where they lead, once. */
    {"<a href=\"https://x.org/a\">here</a>", "here <https://x.org/a>"},
    {"<a href='https://x.org/?a=1&amp;b=2'>here</a>",
     "here <https://x.org/?a=1&b=2>"},
    {"<a href=https://x.org/>x.org</a>", "x.org"},
    {"<a href=https://x.org/>https://x.org/</a>", "https://x.org/"},
    {"<a href=\"mailto:bob@x.org?subject=hi\">Bob</a>", "Bob <bob@x.org>"},
    {"<a href=\"mailto:bob@x.org\">bob@x.org</a>", "bob@x.org"},
    {"<a href=\"javascript:alert(1)\">click</a>", "click"},
    {"<a href=\"data:text/html,x\">click</a>", "click"},
    {"<a name=x>anchor</a>", "anchor"},
    {"<a href=https://x.org></a>text", "text"},
    {"<img alt=\"a logo\" src=x>", "a logo"},
    {"<img src=x>", ""},
    /* What is not for reading. */
    {"<style>p{}</style><script>if (a<b) alert('</p>')</script>x", "x"},
    {"<title>t</title><p>x", "x"},
    {"<scr<script>ipt>alert(1)</script>x", "ipt>alert(1)x"},
    {"<!-- comment --><p>x<!-- <p>y -->", "x"},
    {"<!--[if mso]>outlook<![endif]-->x<![if !mso]>y<![endif]>", "xy"},
    {"<!-->x", "x"},
    {"<!-- never closed <p>x", "x"},
    {"<div style=\"display: none\">hidden</div>x", "x"},
    {"<span style='mso-hide:all'>hidden</span>x", "x"},
    {"<div hidden>a<div>b</div>c</div>x", "x"},
    {"<svg><text>a</text></svg>x", "x"},
    /* What hides everything was not meant to. */
    {"<div style=display:none>all there is", "all there is"},
    {"<body hidden>all there is</body>", "all there is"},
    /* Entities */
    {"&lt;b&gt; &amp; &quot;&apos;", "<b> & \"'"},
    {"&eacute;&Auml;&euro;&hellip;", "éÄ€…"},
    {"&#233;&#xE9;&#XE9;&#8364;", "ééé€"},
    {"&#128;&#150;", "€–"},
    {"&#0;&#xD800;&#x110000;&#99999999999;", "\xEF\xBF\xBD\xEF\xBF\xBD"
                                             "\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"&nosuch; &; &#; &#x; AT&T a&amp", "&nosuch; &; &#; &#x; AT&T a&"},
    {"a&nbsp;b&nbsp c", "a b c"},
    {"&lt;script&gt;", "<script>"},
    /* Broken as it comes. */
    {"a < b > c", "a < b > c"},
    {"a<b", "a"},
    {"a<", "a<"},
    {"<p", ""},
    {"<a href=\"x>y", "y"},
    {"<p class=\"a\"b=c>x", "x"},
    {"</p></div>x</table>", "x"},
    {"<o:p>x</o:p>", "x"},
    {"<P ALIGN=CENTER>x</P>", "x"},
    {"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa>x", "x"},
    /* A24: no tricks with what cannot be seen. */
    {"a\xE2\x80\xAE"
     "b\xE2\x80\x8B"
     "c&#8238;d&shy;e\x07"
     "f",
     "abcdef"},
};

START_TEST(html_becomes_text)
{
    g_autofree char *got =
        html_text(pages[_i].html, strlen(pages[_i].html), 10000, NULL);
    ck_assert_str_eq(got, pages[_i].expected);
}
END_TEST

static const struct {
    const char *html;
    const char *before; /* the text in front of the history */
} histories[] = {
    {"a<div id=\"divRplyFwdMsg\">b</div>", "a"},
    {"a<div id=\"x_divRplyFwdMsg\">b</div>", "a"},
    {"a<div class=\"yahoo_quoted\">b</div>", "a"},
    {"a<div class=\"x yahoo_quoted y\">b</div>", "a"},
    {"a<div style=\"border:none;border-top:solid #E1E1E1 1.0pt;"
     "padding:3.0pt 0in 0in 0in\">b</div>",
     "a"},
    {"a<div class=\"not_yahoo_quoted_really\">b</div>", "a\nb"},
    {"a<div>b</div>", "a\nb"},
};

START_TEST(history_is_where_programs_say)
{
    size_t history;
    g_autofree char *got = html_text(
        histories[_i].html, strlen(histories[_i].html), 10000, &history);
    g_autofree char *before = g_strndup(got, history);
    ck_assert_str_eq(before, histories[_i].before);
}
END_TEST

START_TEST(text_stops_at_its_limit)
{
    g_autofree char *html = support_repeat("", "<p>word</p>", 10000, "");
    g_autofree char *got = html_text(html, strlen(html), 1000, NULL);
    ck_assert_uint_ge(strlen(got), 1000);
    ck_assert_uint_lt(strlen(got), 1010);
    g_autofree char *word = support_repeat("", "a", 999, "");
    g_autofree char *fits = html_text(word, strlen(word), 1000, NULL);
    ck_assert_str_eq(fits, word);
    g_autofree char *longer = support_repeat("", "a", 10000, "");
    g_autofree char *cut = html_text(longer, strlen(longer), 1000, NULL);
    ck_assert_uint_eq(strlen(cut), 1000);
}
END_TEST

START_TEST(html_is_recognised)
{
    ck_assert(html_text_is_html(" \n<!DOCTYPE HTML PUBLIC>"));
    ck_assert(html_text_is_html("<HTML><p>"));
    ck_assert(!html_text_is_html("<p>is what I typed"));
    ck_assert(!html_text_is_html(""));
}
END_TEST

static void
convert(const char *html, size_t length)
{
    g_free(html_text(html, length, 4 * 1024 * 1024, NULL));
}

/* A26 and what made other parsers slow. */
static const struct {
    const char *before;
    const char *piece;
    size_t count;
} hostile[] = {
    {"", "<", 1000000},
    {"", "&", 1000000},
    {"", "<div>", 300000},
    {"", "<b></i>", 200000},
    {"<b><i>", "</u>", 400000},
    {"<p ", "a=b ", 400000},
    {"<p ", "a=\"b ", 300000},
    {"", "<p a='", 300000},
    {"", "<!--", 400000},
    {"", "<!-- -->", 200000},
    {"", "<script>", 200000},
    {"<script>", "</script", 200000},
    {"", "<div hidden>", 100000},
    {"", "<blockquote>a", 60000},
    {"", "<blockquote><p>a</blockquote>", 60000},
    {"", "<ul><li>", 100000},
    {"", "<a href=https://x.org/>a", 100000},
    {"", "<table><tr><td>", 100000},
    {"<img alt=\"", "&eacute;", 200000},
    {"", "<br>", 400000},
    {"", "&#12345678901234567890;", 80000},
};

START_TEST(hostile_html_costs_its_length)
{
    support_grows_linearly(convert, hostile[_i].before, hostile[_i].piece,
                           hostile[_i].count, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, html_becomes_text, 0, G_N_ELEMENTS(pages));
    tcase_add_loop_test(tests, history_is_where_programs_say, 0,
                        G_N_ELEMENTS(histories));
    tcase_add_test(tests, text_stops_at_its_limit);
    tcase_add_test(tests, html_is_recognised);
    tcase_add_loop_test(tests, hostile_html_costs_its_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("html_text", add);
}
