#include "mail/quote_line.h"

#include <glib.h>
#include <string.h>

#include "mail/quote_words.h"

/* g_utf8_strdown() is slow, and most lines are ASCII. */
static char *
lower_copy(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80)
            return g_utf8_strdown(text, (gssize)length);
    return g_ascii_strdown(text, (gssize)length);
}

/* Bytes of the space at `p`, a no-break space among them; 0 if it is none. */
static size_t
space_at(const char *p, size_t length)
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

/* A lower-case copy without surrounding blanks, stars and angle marks. */
static char *
lower_line(const char *line, size_t length)
{
    while (length > 0 && strchr(" \t*_", *line) != NULL) {
        line++;
        length--;
    }
    while (length > 0 && strchr(" \t*_", line[length - 1]) != NULL)
        length--;
    char *lower = lower_copy(line, length);
    fold_foreign(lower);
    return lower;
}

static bool
is_word_byte(char c)
{
    return g_ascii_isalnum(c) || (unsigned char)c >= 0x80;
}

/* True if `word` stands in `text`, not as a part of another word. */
static bool
has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || !is_word_byte(p[-1])) && !is_word_byte(p[n]))
            return true;
    return false;
}

static bool
has_verb(const char *text)
{
    for (size_t i = 0; i < quote_verbs.count; i++)
        if (has_word(text, quote_verbs.words[i]))
            return true;
    for (size_t i = 0; i < quote_verbs_cjk.count; i++)
        if (strstr(text, quote_verbs_cjk.words[i]) != NULL)
            return true;
    return false;
}

/* "... <bob@example.org> wrote", without a colon. */
static bool
ends_with_verb(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < quote_verbs.count; i++) {
        size_t n = strlen(quote_verbs.words[i]);
        if (n < length && !is_word_byte(text[length - n - 1]) &&
            memcmp(text + length - n, quote_verbs.words[i], n) == 0)
            return true;
    }
    return false;
}

static size_t
digits_at(const char *p)
{
    size_t n = 0;
    while (g_ascii_isdigit(p[n]))
        n++;
    return n;
}

/*
 * Length of the date or time at `p`, which is the first digit of a number: a
 * year, 10:00, 3.10.2016, 10/3/16; 0 if there is none.
 */
static size_t
moment_at(const char *p)
{
    size_t first = digits_at(p);
    if (first == 4 && (g_str_has_prefix(p, "19") || g_str_has_prefix(p, "20")))
        return first;
    if (first > 2)
        return 0;
    char separator = p[first];
    if (separator == '\0' || strchr(":./-", separator) == NULL)
        return 0;
    size_t second = digits_at(p + first + 1);
    if (separator == ':')
        return second == 2 ? first + 3 : 0;
    const char *third = p + first + 1 + second;
    if (second == 0 || second > 2 || *third != separator ||
        digits_at(third + 1) == 0)
        return 0;
    return (size_t)(third - p) + 1 + digits_at(third + 1);
}

static bool
has_moment(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (!g_ascii_isdigit(*p))
            continue;
        if (moment_at(p) > 0)
            return true;
        p += digits_at(p) - 1;
    }
    return false;
}

/* <a@b>, [mailto:a@b], (a@b), or the same with &lt; */
static bool
has_address(const char *text)
{
    for (const char *at = text; (at = strchr(at, '@')) != NULL; at++) {
        const char *p = at;
        while (p > text && !g_ascii_isspace(p[-1]) && p[-1] != '<' &&
               p[-1] != '[' && p[-1] != '(' && p[-1] != ';')
            p--;
        if (p > text && p < at && strchr("<[(;", p[-1]) != NULL)
            return true;
    }
    return false;
}

static bool
ends_with_colon(const char *line, size_t length)
{
    while (length > 0 && strchr(" \t*_-", line[length - 1]) != NULL)
        length--;
    return (length > 0 && line[length - 1] == ':') ||
           (length >= 3 && memcmp(line + length - 3, "\xEF\xBC\x9A", 3) == 0);
}

/* "... wrote ----", as Zoho has it. */
static bool
ends_with_dashes(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    return length > 8 && memcmp(line + length - 4, "----", 4) == 0 &&
           line[0] == '-';
}

static bool
ends_with_address(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    return length > 4 && line[length - 1] == '>' &&
           memrchr(line, '@', length) != NULL;
}

bool
quote_line_ends_intro(const char *line, size_t length)
{
    if (length == 0 || length > QUOTE_LINE_MAX)
        return false;
    if (ends_with_colon(line, length) || ends_with_dashes(line, length) ||
        g_ascii_isdigit(*line))
        return true;
    if (memchr(line, '@', length) == NULL)
        return false;
    g_autofree char *lower = lower_line(line, length);
    return ends_with_verb(lower);
}

/* Old Gmail, without a verb or a colon: "2016-03-03 17:21 GMT+01:00 Bob" */
static bool
is_dated_name(const char *text, size_t length)
{
    if (!g_ascii_isdigit(*text) || moment_at(text) == 0)
        return false;
    size_t first = digits_at(text);
    if (first == 4 && text[first] != '-' && text[first] != '/')
        return false;
    return ends_with_address(text, length) || strstr(text, " gmt+") != NULL ||
           strstr(text, " gmt-") != NULL;
}

/* Tutanota's "4 May 2020, 10:11 by bob@example.org:"; people write so, too. */
static bool
is_moment_by_address(const char *text)
{
    const char *last = strrchr(text, ' ');
    const char *at = last != NULL ? strchr(last, '@') : NULL;
    return at != NULL && strchr("<([", last[1]) == NULL && has_moment(text);
}

QuoteIntro
quote_text_intro(const char *text, size_t length)
{
    g_autofree char *lower = lower_line(text, length);
    size_t n = strlen(lower);
    if (is_dated_name(lower, n))
        return INTRO_STRONG;
    bool verb = has_verb(lower), address = has_address(lower);
    if (ends_with_dashes(lower, n))
        return verb                           ? INTRO_STRONG
               : address && has_moment(lower) ? INTRO_STRONG
                                              : INTRO_NONE;
    if (!ends_with_colon(lower, n))
        return address && ends_with_verb(lower) && has_moment(lower)
                   ? INTRO_STRONG
                   : INTRO_NONE;
    if (!verb && !address)
        return is_moment_by_address(lower) ? INTRO_WEAK : INTRO_NONE;
    return has_moment(lower) ? INTRO_STRONG : INTRO_WEAK;
}

/* "On Mon, ", "Am 4.", "Le lun. ": a date begins behind the opening at `p`. */
static size_t
dated_opening_at(const char *p, const char *end)
{
    static const char *const capitals[] = {"On ", "Am ", "Le ", "Il ",
                                           "El ", "Em ", "Op ", "Den "};
    enum { DAY_MAX_BYTES = 12 };
    for (size_t i = 0; i < G_N_ELEMENTS(capitals); i++) {
        size_t n = strlen(capitals[i]);
        if ((size_t)(end - p) <= n || memcmp(p, capitals[i], n) != 0)
            continue;
        size_t day = 0;
        while (p + n + day < end && is_word_byte(p[n + day]))
            day++;
        bool is_day = day > 0 && day <= DAY_MAX_BYTES && p + n + day < end &&
                      strchr(",./-", p[n + day]) != NULL;
        return is_day ? n : 0;
    }
    return 0;
}

size_t
quote_line_own_length(const char *line, size_t length)
{
    if (length > QUOTE_LINE_MAX || !ends_with_colon(line, length))
        return length;
    const char *end = line + length;
    for (const char *p = line + 1; p < end; p++)
        if ((p[-1] == ' ' || p[-1] == '-') && dated_opening_at(p, end) > 0 &&
            quote_text_intro(p, (size_t)(end - p)) == INTRO_STRONG &&
            !quote_line_begins_intro(line, length)) {
            while (p > line && (p[-1] == ' ' || p[-1] == '-'))
                p--;
            return p > line ? (size_t)(p - line) : length;
        }
    return length;
}

/*
 * Yahoo's phones put the quote behind the introduction, in one line: "On ...,
 * Bob<bob@example.org> wrote:   Hello". Both verb and address must be there;
 * an address without brackets, as prose has it, counts before "wrote:>".
 */
bool
quote_line_holds_intro(const char *line, size_t length)
{
    if (length > QUOTE_LINE_MAX || memchr(line, '@', length) == NULL ||
        !quote_line_begins_intro(line, length))
        return false;
    const char *at = memchr(line, '@', length);
    const char *colon = memchr(at, ':', (size_t)(line + length - at));
    if (colon == NULL)
        return false;
    g_autofree char *lower = lower_line(line, (size_t)(colon - line));
    bool is_quoted = colon + 1 < line + length && colon[1] == '>';
    return has_verb(lower) && has_moment(lower) &&
           (has_address(lower) || (is_quoted && ends_with_verb(lower)));
}

bool
quote_line_begins_intro(const char *line, size_t length)
{
    if (length > QUOTE_LINE_MAX)
        return false;
    g_autofree char *lower = lower_line(line, length);
    for (size_t i = 0; i < quote_openings.count; i++)
        if (g_str_has_prefix(lower, quote_openings.words[i]))
            return has_moment(lower) || strlen(lower) < 30;
    return false;
}

static QuoteField
field_called(const char *name)
{
    for (size_t i = 0; i < quote_field_names_count; i++)
        if (*quote_field_names[i].name == *name &&
            strcmp(quote_field_names[i].name, name) == 0)
            return quote_field_names[i].field;
    return QUOTE_FIELD_NONE;
}

/* The field whose name ends where `text` ends, cut off by a space. */
static QuoteField
field_at_end(const char *text, size_t length)
{
    for (size_t i = 0; i < quote_field_names_count; i++) {
        const char *name = quote_field_names[i].name;
        size_t n = strlen(name);
        if (n <= length && memcmp(text + length - n, name, n) == 0 &&
            (n == length || text[length - n - 1] == ' '))
            return quote_field_names[i].field;
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
    if (length > QUOTE_LINE_MAX || memchr(line, ':', length) == NULL ||
        quote_line_field(line, length) != QUOTE_FIELD_FROM)
        return false;
    g_autofree char *lower = lower_line(line, length);
    unsigned found = 0;
    for (const char *p = lower; (p = strchr(p, ':')) != NULL; p++)
        found |= (unsigned)field_at_end(lower, (size_t)(p - lower));
    bool is_sure = below_rule && memchr(line, '@', length) != NULL;
    return (found & QUOTE_FIELD_SENT) != 0 &&
           ((found & QUOTE_FIELD_SUBJECT) != 0 || is_sure);
}

QuoteField
quote_line_field(const char *line, size_t length)
{
    enum { NAME_MAX_BYTES = 60 };
    while (length > 0 && strchr(" \t*_", *line) != NULL) {
        line++;
        length--;
    }
    size_t n = 0;
    while (n < MIN(length, NAME_MAX_BYTES) && line[n] != ':' &&
           strncmp(line + n, "\xEF\xBC\x9A", 3) != 0)
        n++;
    if (n == 0 || n == length || n == NAME_MAX_BYTES)
        return QUOTE_FIELD_NONE;
    g_autofree char *name = g_strchomp(lower_line(line, n));
    return field_called(name);
}

/* Bytes of the mark at `p` that lines are drawn with; 0 if it is none. */
static size_t
mark_at(const char *p, size_t length)
{
    if (length > 0 && *p != '\0' && strchr("-_=*#~", *p) != NULL)
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
    while ((mark = mark_at(line, length)) > 0 || space_at(line, length) > 0) {
        dashes += mark > 0 && *line != '*' && *line != '#';
        size_t step = MAX(mark, space_at(line, length));
        line += step;
        length -= step;
    }
    while (length > 0) {
        const char *last = line + length - 1;
        if (g_ascii_isspace(*last) || *last == ':' || mark_at(last, 1) > 0)
            length--;
        else if (length >= 2 && space_at(last - 1, 2) == 2)
            length -= 2;
        else if (length >= 3 && mark_at(last - 2, 3) == 3)
            length -= 3;
        else
            break;
    }
    return dashes >= 2 && length > 0 ? lower_copy(line, length) : NULL;
}

static bool
is_one_of(const char *text, const QuoteWords *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(text, list->words[i]) == 0)
            return true;
    return false;
}

/* Samsung's goes on in the same line: "original message --------From: Bob" */
static bool
goes_on_behind_dashes(const char *words, const QuoteWords *list)
{
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
    g_autofree char *lower = g_ascii_strdown(text, (gssize)length);
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
    g_autofree char *lower = lower_line(line, length);
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
    if (!ends_with_colon(line, length))
        return false;
    g_autofree char *lower = lower_line(line, length);
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
