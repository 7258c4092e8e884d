#include "prose.h"

#include <stdbool.h>
#include <string.h>

enum { ANSWER_BYTES = 300, LINE_BYTES = 72 };

static const char *
sentence(const Tongue *tongue, Chance *chance)
{
    return tongue->sentences[chance_below(chance, TONGUE_SENTENCES)];
}

/* One to four sentences in lines of decent length, each begun by `prefix`. */
static void
paragraph(GString *out, const Tongue *tongue, Chance *chance,
          const char *prefix)
{
    uint64_t n = 1 + chance_below(chance, 4);
    gsize column = 0;
    for (uint64_t i = 0; i < n; i++) {
        g_auto(GStrv) words = g_strsplit(sentence(tongue, chance), " ", -1);
        for (char **word = words; *word != NULL; word++) {
            if (column + strlen(*word) > LINE_BYTES) {
                g_string_append(out, "\r\n");
                column = 0;
            }
            g_string_append(out, column == 0 ? prefix : " ");
            g_string_append(out, *word);
            column += strlen(*word) + 1;
        }
    }
    g_string_append_printf(out, " (%" G_GUINT64_FORMAT ")\r\n%s\r\n",
                           chance_below(chance, 1000000), prefix);
}

GString *
prose_text(const Tongue *tongue, Chance *chance, gsize octets)
{
    GString *out = g_string_new(NULL);
    do
        paragraph(out, tongue, chance, "");
    while (out->len < octets);
    g_string_append_printf(out,
                           "-- \r\n%s %s\r\n+39 02 %07" G_GUINT64_FORMAT "\r\n",
                           tongue->given[chance_below(chance, TONGUE_NAMES)],
                           tongue->family[chance_below(chance, TONGUE_NAMES)],
                           chance_below(chance, 10000000));
    return out;
}

GString *
prose_answer(const Tongue *tongue, Chance *chance, gsize octets)
{
    GString *out = prose_text(tongue, chance, MIN(octets, (gsize)ANSWER_BYTES));
    g_string_append_printf(
        out, "\r\nAcme Support <support@desk.test> %s\r\n\r\n", tongue->wrote);
    do
        paragraph(out, tongue, chance, "> ");
    while (out->len < octets);
    return out;
}

/* Mail programs write much more of themselves than of their users. */
static const char *const html_paragraphs[] = {
    "<p class=\"MsoNormal\" style=\"margin:0cm 0cm 8pt;line-height:107%;"
    "font-size:11pt;font-family:Calibri,sans-serif\"><span lang=\"%s\">%s"
    "</span><o:p></o:p></p>\r\n",
    "<div dir=\"ltr\" lang=\"%s\"><span style=\"color:rgb(34,34,34);"
    "background-color:rgb(255,255,255)\">%s</span><br></div>\r\n",
    "<table border=\"0\" cellpadding=\"0\" cellspacing=\"0\" width=\"100%\" "
    "style=\"border-collapse:collapse\"><tbody><tr><td align=\"left\" "
    "valign=\"top\" style=\"padding:12px 24px;font:14px/20px Arial\" "
    "lang=\"%s\">%s</td></tr></tbody></table>\r\n"};

static void
html_link(GString *out, Chance *chance)
{
    g_string_append_printf(
        out,
        "<p><a href=\"https://shop.test/orders/%" G_GUINT64_FORMAT
        "?utm_source=mail&amp;utm_id=%016" G_GINT64_MODIFIER
        "x\">#%" G_GUINT64_FORMAT "</a>&nbsp;&#8211; &copy; shop.test</p>\r\n",
        chance_below(chance, 1000000), chance_next(chance),
        chance_below(chance, 100000));
}

GString *
prose_html(const Tongue *tongue, Chance *chance, gsize octets,
           const char *charset)
{
    GString *out = g_string_new("<!DOCTYPE html>\r\n<html><head>");
    g_string_append_printf(
        out,
        "<meta http-equiv=\"Content-Type\" content=\"text/html; "
        "charset=%s\">\r\n<style>\r\np.MsoNormal { margin: 0cm; }\r\n"
        "a:link { color: #0563C1; text-decoration: underline; }\r\n"
        "</style></head>\r\n<body>\r\n",
        charset);
    do {
        const char *const shape = html_paragraphs[chance_below(
            chance, G_N_ELEMENTS(html_paragraphs))];
        g_auto(GStrv) halves = g_strsplit(shape, "%s", 3);
        g_string_append(out, halves[0]);
        g_string_append(out, tongue->language);
        g_string_append(out, halves[1]);
        g_string_append(out, sentence(tongue, chance));
        g_string_append(out, halves[2]);
        if (chance_below(chance, 6) == 0)
            html_link(out, chance);
    } while (out->len < octets);
    g_string_append(out, "</body></html>\r\n");
    return out;
}

GString *
prose_log(Chance *chance, gsize octets)
{
    GString *out = g_string_new(NULL);
    while (out->len < octets)
        g_string_append_printf(
            out,
            "2026-11-%02d 10:%02d:%02d app[%d]: request %016" G_GINT64_MODIFIER
            "x took %d ms\r\n",
            (int)chance_below(chance, 28) + 1, (int)chance_below(chance, 60),
            (int)chance_below(chance, 60), (int)chance_below(chance, 30000),
            chance_next(chance), (int)chance_below(chance, 5000));
    return out;
}
