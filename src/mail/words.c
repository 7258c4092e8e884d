#include "mail/words.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"
#include "mail/charset.h"
#include "mail/transfer.h"

enum { CHARSET_MAX_BYTES = 60 };

/* One encoded word, or what passes for one: =?charset*language?Q?text?= */
typedef struct {
    const char *charset;
    size_t charset_length;
    char encoding; /* 'b' or 'q' */
    const char *text;
    size_t text_length;
    const char *end; /* behind "?=" */
} Word;

typedef struct {
    const char *end;
    const char *next_close; /* of the "?=" last found: searches stay linear */
    GString *out;
    GString *pending; /* decoded bytes of one charset, not converted yet */
    char charset[CHARSET_MAX_BYTES + 1];
} Decoder;

/* The next "?=" at or behind `from`; NULL if there is none. */
static const char *
find_close(Decoder *decoder, const char *from)
{
    if (decoder->next_close == decoder->end)
        return NULL;
    if (decoder->next_close != NULL && decoder->next_close >= from)
        return decoder->next_close;
    const char *close = memmem(from, (size_t)(decoder->end - from), "?=", 2);
    decoder->next_close = close != NULL ? close : decoder->end;
    return close;
}

/* True if an encoded word starts at `p`, which points at "=?". */
static bool
parse_word(Decoder *decoder, const char *p, Word *word)
{
    const char *charset = p + 2, *q = charset;
    while (q<decoder->end && * q> ' ' && *q != '?' && *q < 0x7F &&
           q - charset < CHARSET_MAX_BYTES)
        q++;
    if (decoder->end - q < 3 || q == charset || *q != '?' || q[2] != '?')
        return false;
    char encoding = g_ascii_tolower(q[1]);
    const char *close = find_close(decoder, q + 3);
    if ((encoding != 'b' && encoding != 'q') || close == NULL)
        return false;
    *word = (Word){charset, (size_t)(q - charset),     encoding,
                   q + 3,   (size_t)(close - (q + 3)), close + 2};
    return true;
}

/* RFC 2047 4.2: "_" is a space, "=XX" a byte; anything else stays. */
static void
append_q(GString *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '_') {
            g_string_append_c(out, ' ');
        } else if (text[i] == '=' && i + 2 < length &&
                   g_ascii_isxdigit(text[i + 1]) &&
                   g_ascii_isxdigit(text[i + 2])) {
            g_string_append_c(out,
                              (char)(g_ascii_xdigit_value(text[i + 1]) * 16 +
                                     g_ascii_xdigit_value(text[i + 2])));
            i += 2;
        } else {
            g_string_append_c(out, text[i]);
        }
    }
}

static void
flush(Decoder *decoder)
{
    if (decoder->pending->len == 0)
        return;
    g_autofree char *text = charset_to_utf8(
        decoder->pending->str, decoder->pending->len, decoder->charset, NULL);
    g_string_append(decoder->out, text);
    g_string_truncate(decoder->pending, 0);
}

/* Characters may be cut between words, so bytes are joined before converting */
static void
append_word(Decoder *decoder, const Word *word)
{
    if (strlen(decoder->charset) != word->charset_length ||
        g_ascii_strncasecmp(decoder->charset, word->charset,
                            word->charset_length) != 0) {
        flush(decoder);
        memcpy(decoder->charset, word->charset, word->charset_length);
        decoder->charset[word->charset_length] = '\0';
    }
    if (word->encoding == 'q') {
        append_q(decoder->pending, word->text, word->text_length);
        return;
    }
    g_autoptr(GByteArray) bytes = transfer_decode(
        TRANSFER_BASE64, word->text, word->text_length, word->text_length);
    g_string_append_len(decoder->pending, (const char *)bytes->data,
                        (gssize)bytes->len);
}

static void
append_plain(Decoder *decoder, const char *text, size_t length)
{
    flush(decoder);
    g_autofree char *valid = charset_header_to_utf8(text, length);
    g_string_append(decoder->out, valid);
}

static const char *
skip_space(const char *p, const char *end)
{
    while (p < end && g_ascii_isspace(*p))
        p++;
    return p;
}

static void
decode(Decoder *decoder, const char *p)
{
    const char *plain = p; /* start of text that is not encoded */
    bool after_word = false;
    while (p < decoder->end) {
        const char *start = memmem(p, (size_t)(decoder->end - p), "=?", 2);
        Word word;
        if (start == NULL)
            break;
        if (!parse_word(decoder, start, &word)) {
            p = start + 2;
            continue;
        }
        /* White space between two encoded words is no text (RFC 2047 6.2). */
        if (!after_word || skip_space(plain, start) != start)
            append_plain(decoder, plain, (size_t)(start - plain));
        append_word(decoder, &word);
        after_word = true;
        plain = p = word.end;
    }
    append_plain(decoder, plain, (size_t)(decoder->end - plain));
}

char *
words_decode(const char *value, size_t length)
{
    g_autofree char *text = NULL;
    if (memmem(value, length, "=?", 2) == NULL) {
        text = charset_header_to_utf8(value, length);
    } else {
        g_autoptr(GString) pending = g_string_new(NULL);
        Decoder decoder = {value + length, NULL, g_string_sized_new(length + 1),
                           pending, ""};
        decode(&decoder, value);
        text = g_string_free(decoder.out, FALSE);
    }
    return text_one_line(text);
}
