#include "mail/quote.h"

#include <glib.h>
#include <string.h>

QuoteView
quote_find(const char *text, size_t history)
{
    size_t start = 0, end = MIN(history, strlen(text));
    while (end > 0 && g_ascii_isspace(text[end - 1]))
        end--;
    while (start < end && g_ascii_isspace(text[start]))
        start++;
    return (QuoteView){start, end};
}
