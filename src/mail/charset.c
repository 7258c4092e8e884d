#include "mail/charset.h"

#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <uchardet.h>

#include "base/text.h"
#include "charset_escape.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

enum {
    NAME_MAX_BYTES = 40,
    /* uchardet needs this many bytes above 0x7F to be worth a hearing. */
    GUESS_MIN_HIGH = 6,
    JAPANESE_MIN_HIGH = 3, /* of Japanese that was declared */
    GUESS_BYTES = 64 * 1024
};

/*
 * What may be declared, in lower case without punctuation, and the converter
 * that is used for it. "" is our own windows-1252.
 */
static const struct {
    const char *name;
    const char *converter;
} charsets[] = {
    {"usascii", "ASCII"},
    {"ascii", "ASCII"},
    {"ansix341968", "ASCII"},
    {"iso646us", "ASCII"},
    {"iso88591", ""},
    {"88591", ""},
    {"iso885911987", ""},
    {"latin1", ""},
    {"l1", ""},
    {"windows1252", ""},
    {"cp1252", ""},
    {"xcp1252", ""},
    {"ansi", ""},
    {"iso885915", "ISO-8859-15"},
    {"latin9", "ISO-8859-15"},
    {"utf8", "UTF-8"},
    {"xutf8", "UTF-8"},
    {"unicode11utf8", "UTF-8"},
    {"utf7", "UTF-7"},
    {"unicode11utf7", "UTF-7"},
    {"utf16", "UTF-16"},
    {"utf16le", "UTF-16LE"},
    {"utf16be", "UTF-16BE"},
    {"ucs2", "UTF-16"},
    {"iso10646ucs2", "UTF-16BE"},
    {"utf32", "UTF-32"},
    {"utf32le", "UTF-32LE"},
    {"utf32be", "UTF-32BE"},
    {"iso88592", "ISO-8859-2"},
    {"latin2", "ISO-8859-2"},
    {"iso88593", "ISO-8859-3"},
    {"iso88594", "ISO-8859-4"},
    {"iso88595", "ISO-8859-5"},
    {"cyrillic", "ISO-8859-5"},
    {"iso88596", "ISO-8859-6"},
    {"arabic", "ISO-8859-6"},
    {"iso88596i", "ISO-8859-6"},
    {"iso88597", "ISO-8859-7"},
    {"greek", "ISO-8859-7"},
    {"iso88598", "ISO-8859-8"},
    {"iso88598i", "ISO-8859-8"},
    {"iso88598e", "ISO-8859-8"},
    {"hebrew", "ISO-8859-8"},
    {"iso88599", "CP1254"},
    {"latin5", "CP1254"},
    {"iso885910", "ISO-8859-10"},
    {"iso885911", "CP874"},
    {"tis620", "CP874"},
    {"windows874", "CP874"},
    {"iso885913", "ISO-8859-13"},
    {"iso885914", "ISO-8859-14"},
    {"iso885916", "ISO-8859-16"},
    {"windows1250", "CP1250"},
    {"cp1250", "CP1250"},
    {"windows1251", "CP1251"},
    {"cp1251", "CP1251"},
    {"xcp1251", "CP1251"},
    {"windows1253", "CP1253"},
    {"cp1253", "CP1253"},
    {"windows1254", "CP1254"},
    {"cp1254", "CP1254"},
    {"windows1255", "CP1255"},
    {"cp1255", "CP1255"},
    {"windows1256", "CP1256"},
    {"cp1256", "CP1256"},
    {"windows1257", "CP1257"},
    {"cp1257", "CP1257"},
    {"windows1258", "CP1258"},
    {"cp1258", "CP1258"},
    {"koi8r", "KOI8-R"},
    {"koi8", "KOI8-R"},
    {"koi8u", "KOI8-U"},
    {"koi8ru", "KOI8-U"},
    {"ibm437", "CP437"},
    {"cp437", "CP437"},
    {"ibm850", "CP850"},
    {"cp850", "CP850"},
    {"ibm852", "CP852"},
    {"cp852", "CP852"},
    {"ibm855", "CP855"},
    {"ibm866", "CP866"},
    {"cp866", "CP866"},
    {"macintosh", "MACINTOSH"},
    {"macroman", "MACINTOSH"},
    {"xmacroman", "MACINTOSH"},
    {"mac", "MACINTOSH"},
    {"xmaccyrillic", "MAC-CYRILLIC"},
    {"maccyrillic", "MAC-CYRILLIC"},
    {"xmacce", "MAC-CENTRALEUROPE"},
    {"viscii", "VISCII"},
    {"gb2312", "GB18030"},
    {"gb231280", "GB18030"},
    {"xgb2312", "GB18030"},
    {"csgb2312", "GB18030"},
    {"euccn", "GB18030"},
    {"gbk", "GB18030"},
    {"xgbk", "GB18030"},
    {"cp936", "GB18030"},
    {"ms936", "GB18030"},
    {"windows936", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"xbig5", "BIG5-HKSCS"},
    {"cp950", "BIG5-HKSCS"},
    {"big5hkscs", "BIG5-HKSCS"},
    {"euctw", "EUC-TW"},
    {"iso2022cn", "ISO-2022-CN"},
    {"shiftjis", "CP932"},
    {"xshiftjis", "CP932"},
    {"sjis", "CP932"},
    {"xsjis", "CP932"},
    {"mskanji", "CP932"},
    {"cp932", "CP932"},
    {"windows31j", "CP932"},
    {"eucjp", "EUC-JP-MS"},
    {"xeucjp", "EUC-JP-MS"},
    {"iso2022jp", "ISO-2022-JP-3"},
    {"csiso2022jp", "ISO-2022-JP-3"},
    {"iso2022jp1", "ISO-2022-JP-3"},
    {"iso2022jp2", "ISO-2022-JP-2"},
    {"iso2022jp3", "ISO-2022-JP-3"},
    {"iso2022jpms", "ISO-2022-JP-3"},
    {"cp50220", "ISO-2022-JP-3"},
    {"euckr", "CP949"},
    {"ksc5601", "CP949"},
    {"ksc56011987", "CP949"},
    {"ksc56011989", "CP949"},
    {"uhc", "CP949"},
    {"cp949", "CP949"},
    {"iso2022kr", "ISO-2022-KR"},
    {"hzgb2312", "HZ"},
    {"hz", "HZ"},
};

/* Bytes 0x80-0x9F of windows-1252; what is undefined there is a replacement. */
static const gunichar windows_1252[32] = {
    0x20AC, 0xFFFD, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0xFFFD, 0x017D, 0xFFFD,
    0xFFFD, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0xFFFD, 0x017E, 0x0178};

const char *
charset_converter(const char *declared)
{
    if (declared == NULL)
        return NULL;
    char name[NAME_MAX_BYTES + 1];
    size_t n = 0;
    for (; *declared != '\0' && *declared != '*' && n < NAME_MAX_BYTES;
         declared++)
        if (g_ascii_isalnum(*declared))
            name[n++] = g_ascii_tolower(*declared);
        else if (n > 0 && (*declared == ' ' || *declared == '\t'))
            break;
    name[n] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++)
        if (strcmp(charsets[i].name, name) == 0)
            return charsets[i].converter;
    return NULL;
}

const char *
charset_converter_at(size_t index)
{
    if (index >= G_N_ELEMENTS(charsets))
        return NULL;
    const char *converter = charsets[index].converter;
    return strcmp(converter, "HZ") == 0 ? "" : converter; /* our own, too */
}

unsigned
charset_windows_1252(unsigned char byte)
{
    return byte >= 0x80 && byte < 0xA0 ? windows_1252[byte - 0x80] : byte;
}

static void
append_windows_1252(GString *out, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == 0)
            g_string_append(out, REPLACEMENT);
        else if (c < 0x80)
            g_string_append_c(out, (char)c);
        else
            g_string_append_unichar(out, charset_windows_1252(c));
    }
}

static char *
from_windows_1252(const char *bytes, size_t length)
{
    GString *out = g_string_sized_new(length + length / 8 + 16);
    append_windows_1252(out, bytes, length);
    return g_string_free(out, FALSE);
}

/* Those that look for a byte order mark remember it beyond a reset. */
static bool
can_be_kept(const char *name)
{
    return !g_str_has_prefix(name, "UTF-") && strlen(name) <= NAME_MAX_BYTES;
}

/*
 * An open converter, at its start; (GIConv)-1 if there is none. The last few
 * that can be kept stay open: to open one loads a library, which takes longer
 * than to convert a mail.
 */
static GIConv
open_converter(const char *name)
{
    enum { KEPT = 8 };
    static struct {
        char name[NAME_MAX_BYTES + 1];
        GIConv iconv;
    } kept[KEPT];
    static size_t next;
    for (size_t i = 0; i < KEPT; i++)
        if (*name != '\0' && strcmp(kept[i].name, name) == 0) {
            g_iconv(kept[i].iconv, NULL, NULL, NULL, NULL);
            return kept[i].iconv;
        }
    GIConv iconv = g_iconv_open("UTF-8", name);
    if (iconv == (GIConv)-1 || !can_be_kept(name))
        return iconv;
    if (*kept[next].name != '\0')
        g_iconv_close(kept[next].iconv);
    g_strlcpy(kept[next].name, name, sizeof kept[next].name);
    kept[next].iconv = iconv;
    next = (next + 1) % KEPT;
    return iconv;
}

/*
 * Convert with iconv; each byte that does not fit becomes U+FFFD, and
 * ret_replaced counts them. NULL if there is no such converter.
 */
static char *
convert(const char *bytes, size_t length, const char *converter,
        size_t *ret_replaced)
{
    GIConv iconv = open_converter(converter);
    if (iconv == (GIConv)-1)
        return NULL;
    size_t unit = g_str_has_prefix(converter, "UTF-16")   ? 2
                  : g_str_has_prefix(converter, "UTF-32") ? 4
                                                          : 1;
    GString *out = g_string_sized_new(length + length / 2 + 16);
    gchar *in = (gchar *)(uintptr_t)bytes;
    gsize left = length;
    size_t replaced = 0;
    char buffer[4096];
    while (left > 0) {
        gchar *to = buffer;
        gsize room = sizeof(buffer);
        gsize done = g_iconv(iconv, &in, &left, &to, &room);
        int problem = done == (gsize)-1 ? errno : 0;
        g_string_append_len(out, buffer, (gssize)(sizeof(buffer) - room));
        if (problem == E2BIG && room < sizeof(buffer))
            continue;
        if (problem != 0 && left > 0) {
            g_string_append(out, REPLACEMENT);
            replaced++;
            size_t skip = MIN(left, unit);
            in += skip;
            left -= skip;
        }
    }
    gchar *to = buffer;
    gsize room = sizeof(buffer);
    g_iconv(iconv, NULL, NULL, &to, &room);
    g_string_append_len(out, buffer, (gssize)(sizeof(buffer) - room));
    if (!can_be_kept(converter))
        g_iconv_close(iconv);
    *ret_replaced = replaced;
    if (text_is_valid(out->str, out->len))
        return g_string_free(out, FALSE);
    char *valid = text_repair(out->str, out->len); /* NUL passes iconv */
    g_string_free(out, TRUE);
    return valid;
}

/* UTF-16 without a byte order mark: text has its zeros on one side. */
static const char *
utf16_order(const char *bytes, size_t length)
{
    const unsigned char *p = (const unsigned char *)bytes;
    if (length >= 2 &&
        ((p[0] == 0xFE && p[1] == 0xFF) || (p[0] == 0xFF && p[1] == 0xFE)))
        return "UTF-16";
    size_t zeros[2] = {0, 0};
    for (size_t i = 0; i < MIN(length, 512); i++)
        zeros[i & 1] += p[i] == 0;
    return zeros[1] > zeros[0] ? "UTF-16LE" : "UTF-16BE";
}

static bool
has_utf16_mark(const char *bytes, size_t length)
{
    return length >= 4 && length % 2 == 0 &&
           (memcmp(bytes, "\xFF\xFE", 2) == 0 ||
            memcmp(bytes, "\xFE\xFF", 2) == 0);
}

/* These are made of ASCII bytes (or of zeros), so "valid UTF-8" says nothing.
 */
static bool
hides_in_ascii(const char *converter)
{
    return g_str_has_prefix(converter, "UTF-7") ||
           g_str_has_prefix(converter, "UTF-16") ||
           g_str_has_prefix(converter, "UTF-32") ||
           g_str_has_prefix(converter, "ISO-2022") ||
           strcmp(converter, "HZ") == 0;
}

/* Declared by programs that know no better; bytes above 0x7F belie it. */
static bool
is_ascii(const char *converter)
{
    return strcmp(converter, "ASCII") == 0;
}

static bool
is_cjk(const char *converter)
{
    static const char *const names[] = {"GB18030",   "BIG5-HKSCS", "CP932",
                                        "EUC-JP-MS", "CP949",      "EUC-TW"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], converter) == 0)
            return true;
    return false;
}

typedef struct {
    size_t sequences; /* of two bytes and more, valid */
    size_t longer;    /* of three and more */
    size_t bad;       /* bytes in no valid sequence */
    size_t high;      /* bytes above 0x7F */
} Utf8Count;

static Utf8Count
count_utf8(const char *bytes, size_t length)
{
    Utf8Count count = {0, 0, 0, 0};
    size_t i = 0;
    while (i < length) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x80) {
            i++;
            continue;
        }
        gunichar u = g_utf8_get_char_validated(bytes + i, (gssize)(length - i));
        size_t n = 1;
        if (u == (gunichar)-1 || u == (gunichar)-2) {
            count.bad++;
        } else {
            n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
            count.sequences++;
            count.longer += n > 2;
        }
        count.high += n;
        i += n;
    }
    return count;
}

/* What the bytes look like, if they say it clearly. */
static const char *
guess(const char *bytes, size_t length)
{
    uchardet_t detector = uchardet_new();
    uchardet_handle_data(detector, bytes, MIN(length, GUESS_BYTES));
    uchardet_data_end(detector);
    const char *converter = charset_converter(uchardet_get_charset(detector));
    uchardet_delete(detector);
    return converter != NULL && !hides_in_ascii(converter) &&
                   strcmp(converter, "UTF-8") != 0
               ? converter
               : NULL;
}

/* 8-bit text nobody declared, or declared wrongly. */
static char *
undeclared(const char *bytes, size_t length, size_t high)
{
    const char *converter =
        high >= GUESS_MIN_HIGH ? guess(bytes, length) : NULL;
    size_t replaced = 0;
    char *text = converter != NULL && *converter != '\0'
                     ? convert(bytes, length, converter, &replaced)
                     : NULL;
    if (text != NULL && replaced == 0)
        return text;
    g_free(text);
    return from_windows_1252(bytes, length);
}

/* By `converter`, or where that fails less, as Windows writes ISO-2022-JP. */
static char *
convert_stateful(const char *bytes, size_t length, const char *converter,
                 size_t *ret_replaced)
{
    if (strcmp(converter, "HZ") == 0) {
        GString *gb = charset_escape_hz(bytes, length);
        char *chinese = convert(gb->str, gb->len, "GB18030", ret_replaced);
        g_string_free(gb, TRUE);
        return chinese;
    }
    if (!g_str_has_prefix(converter, "ISO-2022-JP"))
        return convert(bytes, length, converter, ret_replaced);
    GString *euc = charset_escape_iso2022jp(bytes, length);
    char *text = convert(euc->str, euc->len, "EUC-JP-MS", ret_replaced);
    g_string_free(euc, TRUE);
    if (text != NULL && *ret_replaced == 0)
        return text;
    size_t replaced = 0;
    char *other = convert(bytes, length, converter, &replaced);
    bool is_better =
        other != NULL && (text == NULL || replaced < *ret_replaced);
    g_free(is_better ? text : other);
    if (is_better)
        *ret_replaced = replaced;
    return is_better ? other : text;
}

/*
 * Japanese that is no ISO-2022-JP: Shift_JIS, most of whose characters begin
 * with a byte that EUC-JP has not, or EUC-JP. NULL if not all of it fits.
 */
static char *
japanese_in_8_bits(const char *bytes, size_t length)
{
    bool is_shift_jis = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        is_shift_jis |= c >= 0x80 && c < 0xA0 && c != 0x8E && c != 0x8F;
    }
    size_t replaced = 0;
    char *text =
        convert(bytes, length, is_shift_jis ? "CP932" : "EUC-JP-MS", &replaced);
    if (replaced > 0)
        g_clear_pointer(&text, g_free);
    return text;
}

/* Converters whose declaration counts even if the bytes are valid UTF-8. */
static char *
declared_first(const char *bytes, size_t length, const char *converter,
               const Utf8Count *count, bool *repaired)
{
    size_t replaced = 0;
    if (strcmp(converter, "UTF-16") == 0)
        converter = utf16_order(bytes, length);
    if (hides_in_ascii(converter) && count->high == 0) {
        char *text = convert_stateful(bytes, length, converter, &replaced);
        *repaired |= replaced > 0;
        return text;
    }
    if (g_str_has_prefix(converter, "UTF-16") ||
        g_str_has_prefix(converter, "UTF-32")) {
        char *text = convert(bytes, length, converter, &replaced);
        *repaired |= replaced > 0;
        return text;
    }
    /* A few two-byte sequences may be either; the declaration decides. */
    if (is_cjk(converter) && count->bad == 0 && count->longer == 0 &&
        count->sequences > 0) {
        char *text = convert(bytes, length, converter, &replaced);
        if (replaced == 0)
            return text;
        g_free(text);
    }
    return NULL;
}

/* Bytes that are not valid UTF-8, by their declaration if it can be true. */
static char *
not_utf8(const char *bytes, size_t length, const char *converter,
         const Utf8Count *count, bool *repaired)
{
    if (converter != NULL && strcmp(converter, "UTF-8") == 0) {
        *repaired = true;
        if (count->sequences * 4 > count->bad)
            return text_repair(bytes, length);
        return undeclared(bytes, length, count->high);
    }
    if (converter == NULL || is_ascii(converter)) {
        *repaired = true;
        if (count->sequences > 4 * count->bad)
            return text_repair(bytes, length);
        return undeclared(bytes, length, count->high);
    }
    if (*converter == '\0')
        return from_windows_1252(bytes, length);
    size_t replaced = 0;
    char *text = convert(bytes, length, converter, &replaced);
    *repaired |= text == NULL || replaced > 0;
    return text != NULL ? text : undeclared(bytes, length, count->high);
}

/*
 * Japanese mail that names no charset: ASCII bytes with the escapes that begin
 * and end its characters, which nothing else has.
 */
static bool
is_iso2022jp(const char *bytes, size_t length)
{
    const char *escape = memchr(bytes, '\x1B', length);
    size_t left = escape != NULL ? length - (size_t)(escape - bytes) : 0;
    return left > 0 &&
           (memmem(escape, left, "\x1B$B", 3) != NULL ||
            memmem(escape, left, "\x1B$@", 3) != NULL) &&
           (memmem(escape, left, "\x1B(B", 3) != NULL ||
            memmem(escape, left, "\x1B(J", 3) != NULL) &&
           count_utf8(bytes, length).high == 0;
}

char *
charset_to_utf8(const char *bytes, size_t length, const char *declared,
                bool *ret_repaired)
{
    bool repaired = false;
    const char *converter = charset_converter(declared);
    char *text = NULL;
    if (converter == NULL && has_utf16_mark(bytes, length))
        converter = "UTF-16";
    if ((converter == NULL || *converter == '\0' || is_ascii(converter) ||
         strcmp(converter, "UTF-8") == 0) &&
        is_iso2022jp(bytes, length))
        converter = "ISO-2022-JP-3";
    if (converter != NULL && hides_in_ascii(converter)) {
        Utf8Count count = count_utf8(bytes, length);
        text = declared_first(bytes, length, converter, &count, &repaired);
        /* Bytes above 0x7F and no escape are of another charset. */
        bool is_other = text == NULL && count.bad > 0 &&
                        memchr(bytes, '\x1B', length) == NULL;
        if (is_other && count.bad >= JAPANESE_MIN_HIGH &&
            g_str_has_prefix(converter, "ISO-2022-JP"))
            text = japanese_in_8_bits(bytes, length);
        repaired |= is_other && text != NULL;
        if (is_other && text == NULL && count.bad >= GUESS_MIN_HIGH)
            text = not_utf8(bytes, length, NULL, &count, &repaired);
    } else if (!text_is_valid(bytes, length)) {
        Utf8Count count = count_utf8(bytes, length);
        text = not_utf8(bytes, length, converter, &count, &repaired);
    } else if (converter != NULL && is_cjk(converter)) {
        Utf8Count count = count_utf8(bytes, length);
        text = declared_first(bytes, length, converter, &count, &repaired);
    }
    if (text == NULL)
        text = text_repair(bytes, length);
    if (ret_repaired != NULL)
        *ret_repaired = repaired;
    return text;
}

char *
charset_header_to_utf8(const char *bytes, size_t length)
{
    if (!text_is_valid(bytes, length)) {
        Utf8Count count = count_utf8(bytes, length);
        if (count.bad >= GUESS_MIN_HIGH)
            return charset_to_utf8(bytes, length, NULL, NULL);
    } else if (is_iso2022jp(bytes, length)) {
        return charset_to_utf8(bytes, length, NULL, NULL);
    }
    return text_repair(bytes, length);
}
