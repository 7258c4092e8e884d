#include "quote_text.h"

#include <glib.h>
#include <string.h>

char *
quote_text_ascii_lower(const char *text, size_t length)
{
    char *lower = g_malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    lower[length] = '\0';
    return lower;
}

/* Turkish has a capital I with a dot, which becomes "i" and a second dot. */
static char *
without_second_dots(char *text)
{
    char *to = text;
    for (const char *p = text; *p != '\0'; p++) {
        *to++ = *p;
        if (*p == 'i' && strncmp(p + 1, "\xCC\x87", 2) == 0)
            p += 2;
    }
    *to = '\0';
    return text;
}

char *
quote_text_lower(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return without_second_dots(g_utf8_strdown(text, (gssize)length));
    return quote_text_ascii_lower(text, length);
}

size_t
quote_text_space(const char *p, size_t length)
{
    if (length > 0 && g_ascii_isspace(*p))
        return 1;
    return length >= 2 && memcmp(p, "\xC2\xA0", 2) == 0 ? 2 : 0;
}

/*
 * The no-break space before ":" in French is a space like any other, and the
 * digits of Arabic (U+0660) and Persian (U+06F0) count like ours.
 */
static void
fold_foreign(char *text)
{
    char *to = text;
    for (const unsigned char *p = (unsigned char *)text; *p != '\0'; p++) {
        bool is_digit = (*p == 0xD9 && p[1] >= 0xA0 && p[1] <= 0xA9) ||
                        (*p == 0xDB && p[1] >= 0xB0 && p[1] <= 0xB9);
        bool is_space = *p == 0xC2 && p[1] == 0xA0;
        if (is_digit)
            *to++ = (char)('0' + (*++p & 0x0F));
        else if (is_space)
            *to++ = ' ';
        else
            *to++ = (char)*p;
        p += is_space;
    }
    *to = '\0';
}

char *
quote_text_lower_line(const char *line, size_t length)
{
    while (length > 0 && quote_text_is_dressing(*line)) {
        line++;
        length--;
    }
    while (length > 0 && quote_text_is_dressing(line[length - 1]))
        length--;
    char *lower = quote_text_lower(line, length);
    fold_foreign(lower);
    return lower;
}

bool
quote_text_is_dressing(char c)
{
    return c == ' ' || c == '\t' || c == '*' || c == '_' || c == '\0';
}

bool
quote_text_is_word_byte(char c)
{
    return g_ascii_isalnum(c) || (unsigned char)c >= 0x80;
}

bool
quote_text_ends_with_colon(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '-' ||
                          quote_text_is_dressing(line[length - 1])))
        length--;
    return (length > 0 && line[length - 1] == ':') ||
           (length >= 3 && memcmp(line + length - 3, "\xEF\xBC\x9A", 3) == 0);
}

bool
quote_text_ends_sentence(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    return length > 4 && strchr(".!?", line[length - 1]) != NULL &&
           g_ascii_islower(line[length - 2]) &&
           g_ascii_islower(line[length - 3]) &&
           g_ascii_islower(line[length - 4]);
}
