#include "mail/quote_line.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "mail/quote_words.h"
#include "quote_text.h"

/* Hundreds of names, and every line with a colon asks for one. */
static GHashTable *
fields_by_name(void)
{
    static GHashTable *fields;
    if (g_once_init_enter(&fields)) {
        GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
        for (size_t i = 0; i < quote_field_names_count; i++)
            g_hash_table_insert(table, (char *)quote_field_names[i].name,
                                GUINT_TO_POINTER(quote_field_names[i].field));
        g_once_init_leave(&fields, table);
    }
    return fields;
}

/* QUOTE_FIELD_NONE is what no name gives. */
static QuoteField
field_called(const char *name)
{
    return (QuoteField)GPOINTER_TO_UINT(
        g_hash_table_lookup(fields_by_name(), name));
}

/* The field whose name, of one to three words, ends where `text` ends. */
static QuoteField
field_at_end(const char *text, size_t length)
{
    enum { WORDS_MAX = 3, NAME_MAX_BYTES = 60 };
    char name[NAME_MAX_BYTES];
    size_t start = length;
    for (int words = 0; words < WORDS_MAX && start > 0; words++) {
        start -= words > 0; /* the space */
        while (start > 0 && text[start - 1] != ' ')
            start--;
        if (length - start >= NAME_MAX_BYTES)
            break;
        memcpy(name, text + start, length - start);
        name[length - start] = '\0';
        QuoteField field = field_called(name);
        if (field != QUOTE_FIELD_NONE)
            return field;
    }
    return QUOTE_FIELD_NONE;
}

/*
 * A whole header in one line, as it is left of HTML: "From: Bob Sent: Monday
 * To: Ann Subject: Hello". The line must begin with who wrote; below a rule and
 * with an address, when is enough.
 */
bool
quote_line_is_header(const char *line, size_t length, bool below_rule)
{
    enum { COLONS_MAX = 12 }; /* times and "Re:" have some, too */
    if (length > QUOTE_LINE_MAX ||
        memchr(line, ':', length) == memrchr(line, ':', length) ||
        quote_line_field(line, length) != QUOTE_FIELD_FROM)
        return false;
    g_autofree char *lower = quote_text_lower_line(line, length);
    unsigned found = 0;
    int colons = 0;
    for (const char *p = lower;
         (p = strchr(p, ':')) != NULL && colons < COLONS_MAX; p++, colons++)
        found |= (unsigned)field_at_end(lower, (size_t)(p - lower));
    bool is_sure = below_rule && memchr(line, '@', length) != NULL;
    return (found & QUOTE_FIELD_SENT) != 0 &&
           ((found & QUOTE_FIELD_SUBJECT) != 0 || is_sure);
}

/* "From: the start I liked it.": the words of a person, no field. */
static bool
is_sentence(const char *value, size_t length)
{
    enum { WORDS_MIN = 6 };
    size_t start = 0, words = 0;
    while (start < length && value[start] == ' ')
        start++;
    if (start == length || length > QUOTE_LINE_MAX ||
        !g_ascii_islower(value[start]) || memchr(value, '@', length) != NULL ||
        !quote_text_ends_sentence(value, length))
        return false;
    for (size_t i = 1; i < length; i++)
        words += value[i] != ' ' && value[i - 1] == ' ';
    return words >= WORDS_MIN;
}

QuoteField
quote_line_field(const char *line, size_t length)
{
    enum { NAME_MAX_BYTES = 60 };
    while (length > 0 && quote_text_is_dressing(*line)) {
        line++;
        length--;
    }
    size_t n = 0;
    while (n < MIN(length, NAME_MAX_BYTES) && line[n] != ':' &&
           strncmp(line + n, "\xEF\xBC\x9A", 3) != 0)
        n++;
    if (n == 0 || n == length || n == NAME_MAX_BYTES)
        return QUOTE_FIELD_NONE;
    g_autofree char *name = g_strchomp(quote_text_lower_line(line, n));
    QuoteField field = field_called(name);
    bool is_prose = field != QUOTE_FIELD_NONE && field != QUOTE_FIELD_SUBJECT &&
                    is_sentence(line + n + 1, length - n - 1);
    return is_prose ? QUOTE_FIELD_NONE : field;
}

/* Bytes of the mark at `p` that lines are drawn with; 0 if it is none. */
static size_t
mark_at(const char *p, size_t length)
{
    if (length == 0)
        return 0;
    char c = *p;
    if (c == '-' || c == '_' || c == '=' || c == '*' || c == '#' || c == '~')
        return 1;
    /* U+2010-2015 are hyphens and dashes, U+2500 and U+2501 box drawings. */
    bool is_dash = length >= 3 && memcmp(p, "\xE2\x80", 2) == 0 &&
                   (unsigned char)p[2] >= 0x90 && (unsigned char)p[2] <= 0x95;
    bool is_box = length >= 3 && memcmp(p, "\xE2\x94", 2) == 0 &&
                  (unsigned char)p[2] <= 0x81;
    return is_dash || is_box ? 3 : 0;
}

/* The words between two rows of dashes; NULL if the line has no dashes. */
static char *
between_dashes(const char *line, size_t length)
{
    size_t dashes = 0, mark;
    /* Old Samsung phones wrote their HTML into the plain text. */
    while (length > 5 && memcmp(line, "<div>", 5) == 0) {
        line += 5;
        length -= 5;
    }
    while ((mark = mark_at(line, length)) > 0 ||
           quote_text_space(line, length) > 0) {
        dashes += mark > 0 && *line != '*' && *line != '#';
        size_t step = MAX(mark, quote_text_space(line, length));
        line += step;
        length -= step;
    }
    while (length > 0) {
        const char *last = line + length - 1;
        if (g_ascii_isspace(*last) || *last == ':' || mark_at(last, 1) > 0)
            length--;
        else if (length >= 2 && quote_text_space(last - 1, 2) == 2)
            length -= 2;
        else if (length >= 3 && mark_at(last - 2, 3) == 3)
            length -= 3;
        else
            break;
    }
    return dashes >= 2 && length > 0 ? quote_text_lower(line, length) : NULL;
}

static GHashTable *
set_of(const QuoteWords *list)
{
    GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < list->count; i++)
        g_hash_table_add(set, (char *)(uintptr_t)list->words[i]);
    return set;
}

/* Lines of a few bytes are asked whether they are one of hundreds of words. */
static bool
is_one_of(const char *text, const QuoteWords *list)
{
    static const QuoteWords *const lists[] = {&quote_originals, &quote_forwards,
                                              &quote_closings};
    static GHashTable *sets[G_N_ELEMENTS(lists)];
    size_t i = 0;
    while (lists[i] != list)
        i++;
    if (g_once_init_enter(&sets[i]))
        g_once_init_leave(&sets[i], set_of(list));
    return g_hash_table_contains(sets[i], text);
}

/* Samsung's goes on in the same line: "original message --------From: Bob" */
static bool
goes_on_behind_dashes(const char *words, const QuoteWords *list)
{
    if (strstr(words, "---") == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        size_t n = strlen(list->words[i]);
        if (strncmp(words, list->words[i], n) == 0 &&
            g_str_has_prefix(words + n + strspn(words + n, " "), "---"))
            return true;
    }
    return false;
}

bool
quote_may_have_marks(const char *text, size_t length)
{
    /* Letters beyond ASCII stay as they are: but for the first one of a mark
     * they are small ones already. */
    g_autofree char *lower = quote_text_ascii_lower(text, length);
    for (size_t i = 0; i < quote_marks.count; i++)
        if (strstr(lower, g_utf8_next_char(quote_marks.words[i])) != NULL)
            return true;
    return false;
}

/* Zendesk's "##- Please type your reply above this line -##", in any language
 */
static bool
is_delimiter(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    return length > 8 && memcmp(line, "##", 2) == 0 &&
           (line[2] == '-' || (line[2] == ' ' && line[3] == '-')) &&
           memcmp(line + length - 2, "##", 2) == 0 &&
           (line[length - 3] == '-' ||
            (line[length - 3] == ' ' && line[length - 4] == '-'));
}

bool
quote_line_is_original(const char *line, size_t length, bool may_have_marks)
{
    if (length == 0 || length > QUOTE_LINE_MAX)
        return false;
    if (is_delimiter(line, length))
        return true;
    g_autofree char *words = between_dashes(line, length);
    if (words != NULL && (is_one_of(words, &quote_originals) ||
                          goes_on_behind_dashes(words, &quote_originals)))
        return true;
    if (!may_have_marks)
        return false;
    g_autofree char *lower = quote_text_lower_line(line, length);
    for (size_t i = 0; i < quote_marks.count; i++)
        if (strstr(lower, quote_marks.words[i]) != NULL)
            return true;
    return false;
}

bool
quote_line_is_forward(const char *line, size_t length)
{
    if (length == 0 || length > QUOTE_LINE_MAX)
        return false;
    g_autofree char *words = between_dashes(line, length);
    if (words != NULL && is_one_of(words, &quote_forwards))
        return true;
    /* Apple's has no dashes but a colon. */
    if (!quote_text_ends_with_colon(line, length))
        return false;
    g_autofree char *lower = quote_text_lower_line(line, length);
    lower[strcspn(lower, ":")] = '\0';
    return is_one_of(g_strchomp(lower), &quote_forwards);
}

bool
quote_line_is_rule(const char *line, size_t length)
{
    size_t marks = 0, mark;
    for (size_t i = 0; i < length; i += MAX(mark, 1)) {
        mark = mark_at(line + i, length - i);
        marks += mark;
        if (mark == 0 && !g_ascii_isspace(line[i]))
            return false;
    }
    return marks >= 3;
}

bool
quote_line_is_signature(const char *line, size_t length)
{
    return (length == 2 && memcmp(line, "--", 2) == 0) ||
           (length == 3 && memcmp(line, "-- ", 3) == 0) ||
           (length >= 20 && line[0] == '_' && quote_line_is_rule(line, length));
}

bool
quote_line_is_named_signature(const char *line, size_t length)
{
    enum { NAME_MAX_BYTES = 60, WORDS = 2 };
    if (length < 4 || length > NAME_MAX_BYTES || memcmp(line, "-- ", 3) != 0)
        return false;
    const char *p = line + 2, *end = line + length;
    for (int i = 0; i < WORDS; i++) {
        p = memchr(p, ' ', (size_t)(end - p));
        if (p == NULL || ++p == end || !g_unichar_isupper(g_utf8_get_char(p)))
            return false;
    }
    return true;
}

bool
quote_line_is_closing(const char *line, size_t length)
{
    enum { CLOSING_MAX = 80 };
    if (length == 0 || length > CLOSING_MAX)
        return false;
    g_autofree char *words = quote_text_lower_line(line, length);
    for (size_t i = 0; i < quote_devices.count; i++)
        if (g_str_has_prefix(words, quote_devices.words[i]))
            return true;
    size_t n = strlen(words);
    while (n > 0 && strchr(" ,.!", words[n - 1]) != NULL)
        words[--n] = '\0';
    return is_one_of(words, &quote_closings);
}
