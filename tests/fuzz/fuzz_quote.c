/* Which part of a text its writer wrote. The first byte says where history
 * begins, in 255ths of the text. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "mail/quote.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    g_autofree char *repaired = text_repair((const char *)data + 1, size - 1);
    g_autofree char *text = text_many_lines(repaired);
    size_t length = strlen(text);
    size_t history = text_cut_bytes(text, length * data[0] / 255);
    QuoteView view = quote_find(text, history);
    g_assert(view.start <= view.end && view.end <= length);
    g_assert(text_is_valid(text + view.start, view.end - view.start));
    view = quote_nothing(text);
    g_assert(view.start <= view.end && view.end <= length);
    return 0;
}
