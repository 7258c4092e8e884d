#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "mail/quote_line.h"
#include "mail/quote_words.h"
#include "quote_text.h"

/*
 * The verbs by their first byte: there are many, and each line that ends with a
 * colon is searched for them.
 */
static const uint16_t *
verbs_by_byte(const uint16_t **ret_next)
{
    enum { VERBS_MAX = 400 };
    static uint16_t first[256], next[VERBS_MAX]; /* an index + 1; 0: no more */
    static bool is_filled;
    for (size_t i = quote_verbs.count; i > 0 && !is_filled; i--) {
        unsigned char byte = (unsigned char)*quote_verbs.words[i - 1];
        g_assert(i < VERBS_MAX);
        next[i - 1] = first[byte];
        first[byte] = (uint16_t)i;
    }
    is_filled = true;
    *ret_next = next;
    return first;
}

/* True if a verb stands at `p`, not as a part of another word. */
static bool
is_verb_at(const char *p)
{
    const uint16_t *next, *first = verbs_by_byte(&next);
    for (size_t i = first[(unsigned char)*p]; i > 0; i = next[i - 1]) {
        const char *verb = quote_verbs.words[i - 1];
        if (verb[1] == p[1] && g_str_has_prefix(p, verb) &&
            !quote_text_is_word_byte(p[strlen(verb)]))
            return true;
    }
    return false;
}

static bool
has_verb(const char *text)
{
    bool in_word = false, is_foreign = false;
    for (const char *p = text; *p != '\0'; p++) {
        if (!in_word && is_verb_at(p))
            return true;
        in_word = quote_text_is_word_byte(*p);
        is_foreign |= (unsigned char)*p >= 0xE0;
    }
    for (size_t i = 0; is_foreign && i < quote_verbs_cjk.count; i++)
        if (strstr(text, quote_verbs_cjk.words[i]) != NULL)
            return true;
    return false;
}

/* "... <bob@example.org> wrote", without a colon. */
static bool
ends_with_verb(const char *text)
{
    enum { VERB_MAX_BYTES = 40 };
    const uint16_t *next, *first = verbs_by_byte(&next);
    size_t length = strlen(text);
    for (size_t n = 1; n < MIN(length, VERB_MAX_BYTES); n++) {
        const char *p = text + length - n;
        if (quote_text_is_word_byte(p[-1]))
            continue;
        for (size_t i = first[(unsigned char)*p]; i > 0; i = next[i - 1])
            if (strcmp(quote_verbs.words[i - 1], p) == 0)
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
    const char *open = NULL; /* the bracket that the word began with */
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '@' && open != NULL && p > open + 1)
            return true;
        if (*p == '<' || *p == '[' || *p == '(' || *p == ';')
            open = p;
        else if (g_ascii_isspace(*p))
            open = NULL;
    }
    return false;
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
quote_line_is_arrows(const char *line, size_t length)
{
    while (length > 0 && g_ascii_isspace(line[length - 1]))
        length--;
    if (length < 9 || length > QUOTE_LINE_MAX || memcmp(line, ">>> ", 4) != 0 ||
        memcmp(line + length - 4, " >>>", 4) != 0)
        return false;
    g_autofree char *lower = quote_text_lower_line(line, length);
    return has_moment(lower);
}

bool
quote_line_ends_intro(const char *line, size_t length)
{
    if (length == 0 || length > QUOTE_LINE_MAX)
        return false;
    if (quote_text_ends_with_colon(line, length) ||
        ends_with_dashes(line, length) || g_ascii_isdigit(*line) ||
        quote_line_is_arrows(line, length))
        return true;
    if (memchr(line, '@', length) == NULL)
        return false;
    if (length > 3 && memcmp(line + length - 3, "...", 3) == 0)
        return true;
    g_autofree char *lower = quote_text_lower_line(line, length);
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

/* "... <bob@example.org> wrote", and of news: "Bob wrote in message news:x..."
 */
static QuoteIntro
intro_without_colon(const char *text, bool has_address)
{
    if (!has_address && strstr(text, "news:") == NULL)
        return INTRO_NONE;
    if (g_str_has_suffix(text, "..."))
        return has_verb(text) ? INTRO_WEAK : INTRO_NONE;
    if (!ends_with_verb(text))
        return INTRO_NONE;
    return has_moment(text) ? INTRO_STRONG : INTRO_WEAK;
}

QuoteIntro
quote_text_intro(const char *text, size_t length)
{
    enum { INTRO_MIN_BYTES = 4 }; /* "<a@:", and the shortest verb */
    if (length < INTRO_MIN_BYTES)
        return INTRO_NONE;
    g_autofree char *lower = quote_text_lower_line(text, length);
    size_t n = strlen(lower);
    if (is_dated_name(lower, n) || quote_line_is_arrows(text, length))
        return INTRO_STRONG;
    bool verb = has_verb(lower), address = has_address(lower);
    if (ends_with_dashes(lower, n))
        return verb                           ? INTRO_STRONG
               : address && has_moment(lower) ? INTRO_STRONG
                                              : INTRO_NONE;
    if (!quote_text_ends_with_colon(lower, n))
        return intro_without_colon(lower, address);
    if (!verb && !address)
        return is_moment_by_address(lower) ? INTRO_WEAK : INTRO_NONE;
    return has_moment(lower) ? INTRO_STRONG : INTRO_WEAK;
}

/* "... Bob <bob@example.org" ends here, and its ">" begins the next line. */
static bool
leaves_address_open(const char *line, size_t length)
{
    const char *open =
        length <= QUOTE_LINE_MAX ? memrchr(line, '<', length) : NULL;
    size_t rest = open != NULL ? length - (size_t)(open - line) : 0;
    return rest > 0 && memchr(open, '@', rest) != NULL &&
           memchr(open, '>', rest) == NULL;
}

bool
quote_line_closes_intro(const char *line, size_t length, const char *above,
                        size_t n)
{
    return length > 1 && *line == '>' &&
           quote_text_ends_with_colon(line, length) &&
           leaves_address_open(above, n) &&
           quote_text_intro(line + 1, length - 1) != INTRO_NONE;
}

/* "On Mon, ", "On Mar 9", "Am 4.", "Le lun. ": a date begins behind the opening
 * at `p`. */
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
        while (p + n + day < end && quote_text_is_word_byte(p[n + day]))
            day++;
        if (day == 0 || day > DAY_MAX_BYTES || p + n + day + 1 >= end)
            return 0;
        const char *behind = p + n + day;
        bool is_day = strchr(",./-", *behind) != NULL ||
                      (*behind == ' ' &&
                       (g_ascii_isdigit(p[n]) || g_ascii_isdigit(behind[1])));
        return is_day ? n : 0;
    }
    return 0;
}

bool
quote_line_begins_intro(const char *line, size_t length)
{
    if (length > QUOTE_LINE_MAX)
        return false;
    g_autofree char *lower = quote_text_lower_line(line, length);
    for (size_t i = 0; i < quote_openings.count; i++)
        if (*lower == *quote_openings.words[i] &&
            g_str_has_prefix(lower, quote_openings.words[i]))
            return has_moment(lower) || strlen(lower) < 30 ||
                   (g_str_has_prefix(lower, "in ") &&
                    strstr(lower, " <") != NULL); /* the id of an article */

    return false;
}

/* The first "On Mon, " behind a blank or a dash; NULL if there is none. */
static const char *
find_dated_opening(const char *line, const char *end)
{
    for (const char *p = line + 1; p < end; p++)
        if ((p[-1] == ' ' || p[-1] == '-') && dated_opening_at(p, end) > 0)
            return p;
    return NULL;
}

size_t
quote_line_own_length(const char *line, size_t length)
{
    if (length > QUOTE_LINE_MAX || !quote_text_ends_with_colon(line, length))
        return length;
    const char *end = line + length, *p = find_dated_opening(line, end);
    /* What a later opening introduces the first one does as well. */
    if (p == NULL || quote_text_intro(p, (size_t)(end - p)) != INTRO_STRONG ||
        quote_line_begins_intro(line, length))
        return length;
    while (p > line && (p[-1] == ' ' || p[-1] == '-'))
        p--;
    return p > line ? (size_t)(p - line) : length;
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
    g_autofree char *lower =
        quote_text_lower_line(line, (size_t)(colon - line));
    bool is_quoted = colon + 1 < line + length && colon[1] == '>';
    return has_verb(lower) && has_moment(lower) &&
           (has_address(lower) || (is_quoted && ends_with_verb(lower)));
}
