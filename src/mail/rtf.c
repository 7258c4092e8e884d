#include "mail/rtf.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "cursor.h"
#include "mail/charset.h"
#include "mail/code_page.h"

/* ---- unpacking: MS-OXRTFCP ---- */

enum {
    HEAD_BYTES = 16,
    COMPRESSED = 0x75465A4C,
    UNCOMPRESSED = 0x414C454D,
    WINDOW_BYTES = 4096
};

/* What the window holds at first: 2.1.2.1. */
static const char dictionary[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman "
    "\\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New "
    "RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0"
    "\\fs20\\b\\i\\u\\tab\\tx";
G_STATIC_ASSERT(sizeof dictionary - 1 == 207);

typedef struct {
    uint8_t bytes[WINDOW_BYTES];
    size_t at;
    GByteArray *out;
} Window;

static void
window_put(Window *window, uint8_t byte)
{
    g_byte_array_append(window->out, &byte, 1);
    window->bytes[window->at] = byte;
    window->at = (window->at + 1) % WINDOW_BYTES;
}

/* One of eight items: a byte, or where to copy from. False: the end. */
static bool
unpack_item(Window *window, Cursor *cursor, bool is_reference)
{
    const uint8_t *bytes = cursor_take(cursor, is_reference ? 2 : 1);
    if (bytes == NULL)
        return false;
    if (!is_reference) {
        window_put(window, bytes[0]);
        return true;
    }
    size_t from = (size_t)bytes[0] << 4 | bytes[1] >> 4;
    if (from == window->at)
        return false;
    for (size_t n = (bytes[1] & 15u) + 2; n > 0; n--) {
        window_put(window, window->bytes[from]);
        from = (from + 1) % WINDOW_BYTES;
    }
    return true;
}

static void
unpack(Window *window, Cursor *cursor, size_t max_bytes)
{
    const uint8_t *flags;
    while ((flags = cursor_take(cursor, 1)) != NULL)
        for (unsigned bit = 0; bit < 8; bit++)
            if (window->out->len >= max_bytes ||
                !unpack_item(window, cursor, *flags >> bit & 1))
                return;
}

GByteArray *
rtf_unpack(const uint8_t *bytes, size_t length, size_t max_bytes)
{
    if (length < HEAD_BYTES)
        return NULL;
    Cursor cursor = {bytes + HEAD_BYTES, length - HEAD_BYTES};
    uint32_t kind = cursor_peek32(bytes + 8);
    if (kind != COMPRESSED && kind != UNCOMPRESSED)
        return NULL;
    GByteArray *out = g_byte_array_new();
    if (kind == UNCOMPRESSED) {
        g_byte_array_append(out, cursor.next,
                            (guint)MIN(cursor.left, max_bytes));
        return out;
    }
    Window window = {.at = sizeof dictionary - 1, .out = out};
    memcpy(window.bytes, dictionary, sizeof dictionary - 1);
    unpack(&window, &cursor, max_bytes);
    g_byte_array_set_size(out, (guint)MIN(out->len, max_bytes));
    return out;
}

/* ---- text ---- */

enum { DEPTH_MAX = 100, WORD_MAX = 32, CODE_PAGE_DEFAULT = 1252 };

typedef struct {
    bool is_hidden; /* for machines */
    unsigned skip;  /* characters that stand in for one of Unicode (\uc) */
} Group;

typedef struct {
    const char *p;
    const char *end;
    Group groups[DEPTH_MAX];
    size_t depth;     /* of the group we are in; may be above DEPTH_MAX */
    unsigned to_skip; /* of what stands in for the character before */
    unsigned high;    /* first half of a character above U+FFFF; 0: none */
    uint32_t code_page;
    GString *bytes; /* in that code page, not yet in text */
    GString *text;
} Rtf;

static Group *
group(Rtf *rtf)
{
    return &rtf->groups[MIN(rtf->depth, DEPTH_MAX - 1)];
}

static void
flush(Rtf *rtf)
{
    if (rtf->bytes->len == 0)
        return;
    g_autofree char *charset = code_page_charset(rtf->code_page);
    g_autofree char *text =
        charset_to_utf8(rtf->bytes->str, rtf->bytes->len, charset, NULL);
    g_string_append(rtf->text, text);
    g_string_truncate(rtf->bytes, 0);
}

static void
put_byte(Rtf *rtf, char byte)
{
    if (rtf->to_skip > 0)
        rtf->to_skip--;
    else if (!group(rtf)->is_hidden && byte != '\0')
        g_string_append_c(rtf->bytes, byte);
}

static void
put_text(Rtf *rtf, const char *text)
{
    if (group(rtf)->is_hidden)
        return;
    flush(rtf);
    g_string_append(rtf->text, text);
}

/* \uN: UTF-16, signed; what follows is for programs that know no Unicode. A
 * character above U+FFFF comes as two of them. */
static void
put_unicode(Rtf *rtf, int number)
{
    unsigned unit = (unsigned)number & 0xFFFF;
    rtf->to_skip = group(rtf)->skip;
    if (group(rtf)->is_hidden)
        return;
    flush(rtf);
    unsigned high = rtf->high;
    rtf->high = 0;
    if (unit >= 0xD800 && unit < 0xDC00)
        rtf->high = unit;
    else if (unit < 0xD800 || unit >= 0xE000)
        g_string_append_unichar(rtf->text, unit != 0 ? unit : 0xFFFD);
    else if (high != 0)
        g_string_append_unichar(rtf->text, 0x10000 + ((high - 0xD800) << 10) +
                                               (unit - 0xDC00));
}

/* Words that are text, and groups that are none. */
static const struct {
    const char *word;
    const char *text; /* NULL: all of the group is for machines */
} words[] = {
    {"par", "\n"},        {"line", "\n"},     {"row", "\n"},
    {"sect", "\n"},       {"page", "\n"},     {"cell", "\t"},
    {"tab", "\t"},        {"emdash", "—"},    {"endash", "–"},
    {"bullet", "•"},      {"lquote", "‘"},    {"rquote", "’"},
    {"ldblquote", "“"},   {"rdblquote", "”"}, {"emspace", " "},
    {"enspace", " "},     {"fonttbl", NULL},  {"colortbl", NULL},
    {"stylesheet", NULL}, {"info", NULL},     {"pict", NULL},
    {"object", NULL},     {"header", NULL},   {"footer", NULL},
    {"headerl", NULL},    {"headerr", NULL},  {"footerl", NULL},
    {"footerr", NULL},    {"fldinst", NULL},  {"listtable", NULL},
    {"filetbl", NULL},    {"revtbl", NULL},
};

static void
take_word(Rtf *rtf, const char *word, int number)
{
    if (strcmp(word, "u") == 0) {
        put_unicode(rtf, number);
        return;
    }
    if (strcmp(word, "uc") == 0)
        group(rtf)->skip = (unsigned)CLAMP(number, 0, 8);
    else if (strcmp(word, "ansicpg") == 0)
        rtf->code_page = (uint32_t)CLAMP(number, 0, 65535);
    else if (strcmp(word, "bin") == 0)
        rtf->p += MIN((size_t)MAX(number, 0), (size_t)(rtf->end - rtf->p));
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].word, word) == 0) {
            if (words[i].text != NULL)
                put_text(rtf, words[i].text);
            else
                group(rtf)->is_hidden = true;
        }
}

/* "\word-123 ": behind the backslash. */
static void
read_word(Rtf *rtf)
{
    enum { DIGITS_MAX = 6 };
    char word[WORD_MAX + 1];
    size_t length = 0;
    while (rtf->p < rtf->end && g_ascii_isalpha(*rtf->p)) {
        if (length < WORD_MAX)
            word[length++] = *rtf->p;
        rtf->p++;
    }
    word[length] = '\0';
    bool is_negative = rtf->p < rtf->end && *rtf->p == '-';
    rtf->p += is_negative;
    int number = 0;
    for (int n = 0; rtf->p < rtf->end && g_ascii_isdigit(*rtf->p); n++) {
        if (n < DIGITS_MAX)
            number = 10 * number + (*rtf->p - '0');
        rtf->p++;
    }
    if (rtf->p < rtf->end && *rtf->p == ' ')
        rtf->p++;
    take_word(rtf, word, is_negative ? -number : number);
}

/* "\'e9" */
static void
read_byte(Rtf *rtf)
{
    if (rtf->end - rtf->p < 2)
        return;
    int high = g_ascii_xdigit_value(rtf->p[0]);
    int low = g_ascii_xdigit_value(rtf->p[1]);
    rtf->p += 2;
    if (high >= 0 && low >= 0)
        put_byte(rtf, (char)(high << 4 | low));
}

static void
read_control(Rtf *rtf)
{
    if (rtf->p == rtf->end)
        return;
    if (g_ascii_isalpha(*rtf->p)) {
        read_word(rtf);
        return;
    }
    char c = *rtf->p++;
    if (c == '\'')
        read_byte(rtf);
    else if (c == '*')
        group(rtf)->is_hidden = true;
    else if (c == '\\' || c == '{' || c == '}')
        put_byte(rtf, c);
    else if (c == '~')
        put_text(rtf, " ");
    else if (c == '_')
        put_text(rtf, "-");
    else if (c == '\n' || c == '\r')
        put_text(rtf, "\n");
}

static void
open_group(Rtf *rtf)
{
    Group outer = *group(rtf);
    rtf->depth++;
    *group(rtf) = outer;
    rtf->to_skip = 0;
}

static void
close_group(Rtf *rtf)
{
    rtf->depth -= rtf->depth > 0;
    rtf->to_skip = 0;
}

char *
rtf_text(const char *rtf, size_t length)
{
    Rtf state = {.p = rtf,
                 .end = rtf + length,
                 .groups = {{false, 1}},
                 .code_page = CODE_PAGE_DEFAULT,
                 .bytes = g_string_new(NULL),
                 .text = g_string_new(NULL)};
    while (state.p < state.end) {
        char c = *state.p++;
        if (c == '\\')
            read_control(&state);
        else if (c == '{')
            open_group(&state);
        else if (c == '}')
            close_group(&state);
        else if (c != '\n' && c != '\r')
            put_byte(&state, c);
    }
    flush(&state);
    char *text = text_many_lines(state.text->str);
    g_string_free(state.bytes, TRUE);
    g_string_free(state.text, TRUE);
    return text;
}
