#include "mail/quote.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "mail/quote_line.h"
#include "quote_text.h"

enum {
    BLOCK_LINES = 12, /* a quoted header is found within so many */
    FIELD_UNKNOWN = 0xFF
};

typedef enum {
    LINE_TEXT,
    LINE_BLANK,
    LINE_RULE,
    LINE_QUOTED,  /* begins with ">" */
    LINE_INTRO,   /* introduces the quoted lines below it */
    LINE_HISTORY, /* all below is earlier mail */
    LINE_FORWARD  /* all below was forwarded */
} LineKind;

/* Eight bytes, for there may be as many lines as bytes. */
typedef struct {
    uint32_t offset;
    uint8_t kind;  /* LineKind */
    uint8_t field; /* QuoteField, or FIELD_UNKNOWN: nobody has looked yet */
} Line;

typedef struct {
    const char *text;
    size_t length;
    GArray *lines; /* Line */
} Scan;

static Line *
line_at(const Scan *scan, size_t index)
{
    return &g_array_index(scan->lines, Line, index);
}

static LineKind
kind_at(const Scan *scan, size_t index)
{
    return (LineKind)line_at(scan, index)->kind;
}

static const char *
line_text(const Scan *scan, size_t index, size_t *ret_length)
{
    size_t offset = line_at(scan, index)->offset;
    size_t next = index + 1 < scan->lines->len
                      ? line_at(scan, index + 1)->offset
                      : scan->length;
    if (next > offset && scan->text[next - 1] == '\n')
        next--;
    *ret_length = next - offset;
    return scan->text + offset;
}

/* Invisible at the start of lines that some phones write. */
static bool
is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (length - i >= 2 && memcmp(line + i, "\xC2\xA0", 2) == 0)
            i++;
        else if (!g_ascii_isspace(line[i]))
            return false;
    }
    return true;
}

static bool
is_quoted(const char *line, size_t length)
{
    enum { INDENT_MAX = 3 };
    size_t i = 0;
    while (i < length && i < INDENT_MAX && line[i] == ' ')
        i++;
    /* ">:" is what a wrapped introduction leaves: "<bob@example.org\n>:" */
    bool is_rest = i + 1 < length && line[i + 1] == ':' &&
                   is_blank(line + i + 2, length - i - 2);
    return i < length && line[i] == '>' && !is_rest &&
           !quote_line_is_arrows(line, length);
}

static LineKind
kind_of(const char *line, size_t length, bool may_have_marks)
{
    if (is_blank(line, length))
        return LINE_BLANK;
    if (is_quoted(line, length))
        return LINE_QUOTED;
    if (quote_line_is_original(line, length, may_have_marks))
        return LINE_HISTORY;
    if (quote_line_is_forward(line, length))
        return LINE_FORWARD;
    if (quote_line_is_rule(line, length))
        return LINE_RULE;
    return LINE_TEXT;
}

static void
split_lines(Scan *scan)
{
    size_t offset = 0, n = 0;
    const char *above = scan->text;
    bool may_have_marks = quote_may_have_marks(scan->text, scan->length);
    while (offset < scan->length) {
        const char *start = scan->text + offset;
        const char *end = memchr(start, '\n', scan->length - offset);
        size_t length =
            end != NULL ? (size_t)(end - start) : scan->length - offset;
        LineKind kind = kind_of(start, length, may_have_marks);
        if (kind == LINE_QUOTED &&
            quote_line_closes_intro(start, length, above, n))
            kind = LINE_TEXT;
        Line line = {(uint32_t)offset, (uint8_t)kind, FIELD_UNKNOWN};
        g_array_append_val(scan->lines, line);
        size_t own =
            kind == LINE_TEXT ? quote_line_own_length(start, length) : length;
        if (own < length) {
            Line intro = {(uint32_t)(offset + own), LINE_TEXT, FIELD_UNKNOWN};
            g_array_append_val(scan->lines, intro);
        }
        offset += length + 1;
        above = start;
        n = length;
    }
}

/* The next line from `index` on that is not blank; the count if there is none
 */
static size_t
next_written(const Scan *scan, size_t index)
{
    while (index < scan->lines->len && kind_at(scan, index) == LINE_BLANK)
        index++;
    return index;
}

/* Bytes of "bb>", the initials of who is quoted; 0 if there are none. */
static size_t
initials_at(const char *line, size_t length)
{
    enum { INITIALS_MAX = 3 };
    size_t n = 0;
    while (n < MIN(length, INITIALS_MAX) && g_ascii_isalpha(line[n]))
        n++;
    bool is_mark = n > 0 && n < length && line[n] == '>';
    return is_mark && (n + 1 == length || strchr(" >", line[n + 1]) != NULL)
               ? n + 1
               : 0;
}

/* Some programs quote with "|", "»" or "bb>"; they count only below an
 * introduction. */
static bool
has_bar(const char *line, size_t length)
{
    while (length > 0 && *line == ' ') {
        line++;
        length--;
    }
    return length > 0 &&
           (*line == '|' || (length > 1 && memcmp(line, "»", 2) == 0) ||
            initials_at(line, length) > 0);
}

static void
mark_bars(const Scan *scan, size_t index)
{
    for (; index < scan->lines->len; index++) {
        size_t length;
        const char *line = line_text(scan, index, &length);
        if (kind_at(scan, index) == LINE_BLANK)
            continue;
        if (!has_bar(line, length))
            return;
        line_at(scan, index)->kind = LINE_QUOTED;
    }
}

/*
 * The line "On Mon, May 4" above an introduction that begins at `first`, or
 * `first`. Between the two may be a line with the writer's address.
 */
static size_t
find_opening(const Scan *scan, size_t first)
{
    for (size_t i = first; i > 0 && i + 2 > first; i--) {
        size_t length;
        const char *line = line_text(scan, i - 1, &length);
        if (kind_at(scan, i - 1) != LINE_TEXT ||
            quote_text_ends_sentence(line, length))
            return first;
        if (quote_line_begins_intro(line, length))
            return i - 1;
        if (length == 0 || *line != '<')
            return first;
    }
    return first;
}

/*
 * The introduction that ends with line `last`, wrapped or not: tried from the
 * shortest on, so that prose above it stays prose.
 */
static QuoteIntro
find_intro(const Scan *scan, size_t last, size_t *ret_first)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    QuoteIntro best = INTRO_NONE;
    for (size_t count = 1; count <= QUOTE_INTRO_LINES; count++) {
        size_t length, first = last + 1 - count;
        const char *line = line_text(scan, first, &length);
        if (length > QUOTE_LINE_MAX ||
            (count > 1 && (quote_text_ends_sentence(line, length) ||
                           quote_text_ends_with_colon(line, length))))
            break;
        if (count > 1)
            g_string_prepend_c(joined, ' ');
        g_string_prepend_len(joined, line, (gssize)length);
        QuoteIntro intro = quote_text_intro(joined->str, joined->len);
        if (intro > best) {
            best = intro;
            *ret_first = first;
        }
        if (best == INTRO_STRONG || first == 0 ||
            kind_at(scan, first - 1) != LINE_TEXT)
            break;
    }
    if (best != INTRO_NONE)
        *ret_first = find_opening(scan, *ret_first);
    return best;
}

/*
 * True if the lines can introduce what nothing marks as quoted: an address is
 * in them, or space around them. People tell of what others wrote, too.
 */
static bool
stands_apart(const Scan *scan, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        size_t length;
        const char *line = line_text(scan, i, &length);
        if (memchr(line, '@', length) != NULL || *line == '-')
            return true;
    }
    return first == 0 || kind_at(scan, first - 1) != LINE_TEXT ||
           last + 1 == scan->lines->len || kind_at(scan, last + 1) != LINE_TEXT;
}

static void
mark_intros(const Scan *scan)
{
    for (size_t i = 0; i < scan->lines->len; i++) {
        size_t length, first = i;
        const char *line = line_text(scan, i, &length);
        if (kind_at(scan, i) != LINE_TEXT)
            continue;
        if (!quote_line_ends_intro(line, length)) {
            if (quote_line_holds_intro(line, length))
                line_at(scan, i)->kind = LINE_HISTORY;
            continue;
        }
        QuoteIntro intro = find_intro(scan, i, &first);
        if (intro == INTRO_NONE)
            continue;
        size_t below = next_written(scan, i + 1);
        if (intro == INTRO_STRONG)
            mark_bars(scan, below);
        bool quotes_follow =
            below < scan->lines->len && kind_at(scan, below) == LINE_QUOTED;
        if (quotes_follow)
            for (size_t j = first; j <= i; j++)
                line_at(scan, j)->kind = LINE_INTRO;
        else if (intro == INTRO_STRONG && stands_apart(scan, first, i))
            line_at(scan, first)->kind = LINE_HISTORY;
    }
}

/* The field of a quoted header that the line is. A line is asked for each that
 * stands above it, and looked at once. */
static QuoteField
field_at(const Scan *scan, size_t index)
{
    Line *line = line_at(scan, index);
    size_t length;
    const char *text = line_text(scan, index, &length);
    if (line->kind != LINE_TEXT)
        return QUOTE_FIELD_NONE;
    if (line->field == FIELD_UNKNOWN)
        line->field = (uint8_t)quote_line_field(text, length);
    return (QuoteField)line->field;
}

static bool
is_below_rule(const Scan *scan, size_t index)
{
    while (index > 0 && kind_at(scan, index - 1) == LINE_BLANK)
        index--;
    return index > 0 && kind_at(scan, index - 1) == LINE_RULE;
}

/* True for a further line of a field: indented, or more addresses. */
static bool
goes_on(const char *line, size_t length)
{
    return g_ascii_isspace(*line) ||
           memchr(line, '@', MIN(length, QUOTE_LINE_MAX)) != NULL;
}

/*
 * True if a quoted header starts at `index`: who, and two of when, to whom and
 * what about; one will do below a rule. Without a subject and an address it may
 * as well be a journey.
 */
static bool
is_block(const Scan *scan, size_t index)
{
    unsigned found = 0;
    bool has_at = false;
    size_t end = MIN(index + BLOCK_LINES, scan->lines->len), prose = 0;
    for (size_t i = index; i < end && prose < 2; i++) {
        size_t length;
        const char *line = line_text(scan, i, &length);
        if (kind_at(scan, i) == LINE_BLANK)
            continue;
        unsigned field = (unsigned)field_at(scan, i);
        if (field == QUOTE_FIELD_NONE && found != 0 && goes_on(line, length))
            continue;
        prose = field == QUOTE_FIELD_NONE ? prose + 1 : 0;
        found |= field;
        has_at |= field != QUOTE_FIELD_NONE &&
                  memchr(line, '@', MIN(length, QUOTE_LINE_MAX)) != NULL;
    }
    unsigned kinds =
        found & (QUOTE_FIELD_SENT | QUOTE_FIELD_TO | QUOTE_FIELD_SUBJECT);
    bool two_more = (kinds & (kinds - 1)) != 0;
    bool enough = two_more || (kinds != 0 && is_below_rule(scan, index));
    return (found & QUOTE_FIELD_FROM) != 0 && enough &&
           ((found & QUOTE_FIELD_SUBJECT) != 0 || has_at);
}

/* Outlook and others quote without marks below "From: Sent: To: Subject:" */
static void
mark_blocks(const Scan *scan)
{
    for (size_t i = 0; i < scan->lines->len; i++) {
        size_t length;
        const char *line = line_text(scan, i, &length);
        if (kind_at(scan, i) != LINE_TEXT || length > QUOTE_LINE_MAX ||
            field_at(scan, i) == QUOTE_FIELD_NONE)
            continue;
        if (quote_line_is_header(line, length, is_below_rule(scan, i)) ||
            is_block(scan, i))
            line_at(scan, i)->kind = LINE_HISTORY;
    }
}

/* True if a "(" or "<" with a link in it is left open: the line was wrapped. */
static bool
leaves_link_open(const char *line, size_t length)
{
    const char *open = memrchr(line, '(', length);
    const char *angle = memrchr(line, '<', length);
    open = open == NULL || (angle != NULL && angle > open) ? angle : open;
    size_t rest = open != NULL ? length - (size_t)(open - line) : 0;
    return rest > 0 && memmem(open, rest, "://", 3) != NULL &&
           memchr(open, *open == '(' ? ')' : '>', rest) == NULL;
}

/* One line between quoted ones is a quoted line that was wrapped. */
static void
mark_wrapped(const Scan *scan)
{
    enum { WRAP_COLUMN = 60 };
    for (size_t i = 1; i + 1 < scan->lines->len; i++) {
        if (kind_at(scan, i) != LINE_TEXT ||
            kind_at(scan, i - 1) != LINE_QUOTED ||
            kind_at(scan, i + 1) != LINE_QUOTED)
            continue;
        size_t n, length;
        const char *above = line_text(scan, i - 1, &n);
        const char *line = line_text(scan, i, &length);
        bool closes_link =
            line[length - 1] == '>' && memmem(line, length, "://", 3) != NULL;
        if (n >= WRAP_COLUMN || closes_link || leaves_link_open(above, n))
            line_at(scan, i)->kind = LINE_QUOTED;
    }
}

/*
 * The line where history begins, given that something was written above it; a
 * quoted header at the very top is the mail's own matter. What was forwarded
 * is the matter, too.
 */
static size_t
find_history(const Scan *scan, size_t history)
{
    bool has_text = false;
    for (size_t i = 0; i < scan->lines->len; i++) {
        LineKind kind = kind_at(scan, i);
        if (kind == LINE_FORWARD)
            break;
        if (!has_text && line_at(scan, i)->offset >= history)
            history = SIZE_MAX;
        if (has_text &&
            (kind == LINE_HISTORY || line_at(scan, i)->offset >= history))
            return i;
        has_text |= kind == LINE_TEXT;
    }
    return scan->lines->len;
}

static bool
is_authors(LineKind kind)
{
    return kind == LINE_TEXT || kind == LINE_HISTORY || kind == LINE_FORWARD;
}

/* True if what is written from `index` to `end` is but a signature. */
static bool
is_signature(const Scan *scan, size_t index, size_t end)
{
    enum {
        NAME_LINES = 2, /* below a closing: who, and what of whom */
        CARD_LINES = 7  /* below a name: post, company, address, telephone */
    };
    size_t left = SIZE_MAX;
    for (; (index = next_written(scan, index)) < end; index++) {
        size_t length;
        const char *line = line_text(scan, index, &length);
        if (quote_line_is_signature(line, length))
            return true;
        if (left != SIZE_MAX && left-- == 0)
            return false;
        if (left == SIZE_MAX && quote_line_is_closing(line, length))
            left = NAME_LINES;
        else if (left == SIZE_MAX &&
                 quote_line_is_named_signature(line, length))
            left = CARD_LINES;
        else if (left == SIZE_MAX)
            return false;
    }
    return true;
}

/* The end of the writer's part: above the last quotes if nothing follows. */
static size_t
find_end(const Scan *scan, size_t start, size_t end)
{
    size_t last = end;
    while (last > start && !is_authors(kind_at(scan, last - 1)))
        last--;
    if (last > start && kind_at(scan, last - 1) == LINE_FORWARD)
        return end; /* Apple marks what it forwards with ">", too. */
    size_t quote = last;
    while (quote > start && kind_at(scan, quote - 1) != LINE_QUOTED)
        quote--;
    if (quote > start && is_signature(scan, quote, last)) {
        size_t above = quote;
        while (above > start && !is_authors(kind_at(scan, above - 1)))
            above--;
        if (above > start)
            return above;
    }
    return last;
}

/* The text without the white space around it. */
static QuoteView
trim(const char *text, size_t start, size_t end)
{
    while (end > start && g_ascii_isspace(text[end - 1]))
        end--;
    while (start < end && g_ascii_isspace(text[start]))
        start++;
    return (QuoteView){start, end};
}

QuoteView
quote_find(const char *text, size_t history)
{
    size_t length = strlen(text);
    if (length >= G_MAXUINT32)
        return quote_nothing(text);
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(Line));
    Scan scan = {text, length, lines};
    split_lines(&scan);
    mark_intros(&scan);
    mark_blocks(&scan);
    mark_wrapped(&scan);
    size_t end = find_history(&scan, history), start = 0;
    while (start < end && !is_authors(kind_at(&scan, start)))
        start++;
    end = find_end(&scan, start, end);
    size_t from = start < lines->len ? line_at(&scan, start)->offset : length;
    size_t to = end < lines->len ? line_at(&scan, end)->offset : length;
    /* The indentation of the first line is the writer's. */
    return (QuoteView){from, trim(text, from, to).end};
}

QuoteView
quote_nothing(const char *text)
{
    return trim(text, 0, strlen(text));
}
