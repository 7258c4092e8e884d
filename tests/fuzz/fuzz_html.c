/* HTML as text. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "mail/html_text.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *html = text_repair((const char *)data, size);
    size_t history = 0;
    g_autofree char *text = html_text(html, strlen(html), 4096, &history);
    size_t length = strlen(text);
    g_assert(text_is_valid(text, length));
    g_assert(history <= length);
    g_autofree char *shown = text_many_lines(text);
    html_text_is_html(shown);
    return 0;
}
