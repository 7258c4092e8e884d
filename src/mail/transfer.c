#include "mail/transfer.h"

#include <stdbool.h>
#include <string.h>

#include "uu_line.h"

enum { CHUNK_BYTES = 16 * 1024, HELD_ROOM = 64 };

/* ---- base64 ---- */

/* 0-63, or 64 for "=", or 65 for what is not base64. */
static unsigned char
base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned char)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned char)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (unsigned char)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 64 : 65;
}

static const unsigned char *
base64_table(void)
{
    static unsigned char table[256];
    if (table['B'] == 0)
        for (int c = 0; c < 256; c++)
            table[c] = base64_value((unsigned char)c);
    return table;
}

enum { BASE64_LINE = 128 };

/*
 * Below padding and below an empty line may stand what a list or a virus
 * scanner wrote under the text: a line counts there only if it is base64.
 */
typedef struct {
    unsigned bits;
    unsigned count; /* characters in `bits` */
    bool has_begun; /* there was a line of it */
    bool has_data;  /* in this line */
    bool has_padding;
    bool is_below;   /* the next line is held until it is known */
    bool is_foreign; /* the line that is held is not base64 */
    bool is_padded;  /* whole quanta only: "Ann" is none */
    bool has_gap;    /* white space is behind its characters */
    size_t held_length;
    char held[BASE64_LINE];
} Base64;

/* What is left of a quantum that padding or the end cut short. */
static size_t
base64_flush(Base64 *state, unsigned char *out)
{
    size_t n = 0;
    if (state->count >= 2) {
        unsigned bits = state->bits << (6 * (4 - state->count));
        out[n++] = (unsigned char)(bits >> 16);
        if (state->count == 3)
            out[n++] = (unsigned char)(bits >> 8);
    }
    state->count = 0;
    state->bits = 0;
    return n;
}

static size_t
base64_put(unsigned bits, unsigned char *out)
{
    out[0] = (unsigned char)(bits >> 16);
    out[1] = (unsigned char)(bits >> 8);
    out[2] = (unsigned char)bits;
    return 3;
}

/* Whole quanta, up to the first that is not four characters of the alphabet;
 * returns how much of the input they are. */
static size_t
base64_quanta(const unsigned char *in, size_t length, unsigned char *out,
              size_t *n)
{
    const unsigned char *table = base64_table();
    size_t i = 0;
    for (; i + 4 <= length; i += 4) {
        unsigned a = table[in[i]], b = table[in[i + 1]], c = table[in[i + 2]],
                 d = table[in[i + 3]];
        if ((a | b | c | d) > 63)
            break;
        *n += base64_put(a << 18 | b << 12 | c << 6 | d, out + *n);
    }
    return i;
}

/* One character; what is no base64 is skipped. */
static size_t
base64_char(Base64 *state, unsigned char c, unsigned char *out)
{
    unsigned value = base64_table()[c];
    size_t n = 0;
    if (value < 64) {
        state->bits = state->bits << 6 | value;
        if (++state->count == 4) {
            n = base64_put(state->bits, out);
            state->bits = 0;
            state->count = 0;
        }
    } else if (value == 64) {
        n = base64_flush(state, out);
        state->has_padding = true;
    }
    return n;
}

/* What the line was like decides how the next one is looked at. */
static void
base64_end_line(Base64 *state)
{
    state->has_begun |= state->has_data;
    state->is_below =
        state->has_begun && (!state->has_data || state->has_padding);
    state->is_padded |= state->has_padding;
    state->has_data = false;
    state->has_padding = false;
}

/* The line that was held, if it is base64; what follows is looked at anew. */
static size_t
base64_release(Base64 *state, unsigned char *out)
{
    size_t n = 0;
    state->is_foreign |= state->is_padded && state->held_length % 4 != 0;
    if (!state->is_foreign && state->held_length > 0) {
        state->has_data = true;
        state->is_below = false;
        state->is_padded = false;
        for (size_t i = 0; i < state->held_length; i++)
            n += base64_char(state, (unsigned char)state->held[i], out + n);
    }
    state->is_foreign = false;
    state->has_gap = false;
    state->held_length = 0;
    return n;
}

/* Hold a character of a line that may be foreign, until it is known. */
static size_t
base64_hold(Base64 *state, unsigned char c, unsigned char *out)
{
    if (c == '\n') {
        size_t n = base64_release(state, out);
        if (!state->is_below)
            base64_end_line(state);
        return n;
    }
    if (g_ascii_isspace(c)) {
        state->has_gap |= state->held_length > 0;
        return 0;
    }
    state->is_foreign |= state->has_gap || base64_table()[c] > 64;
    if (state->is_foreign)
        return 0;
    if (state->held_length == BASE64_LINE) {
        size_t n = base64_release(state, out);
        return n + base64_char(state, c, out + n);
    }
    state->held[state->held_length++] = (char)c;
    return 0;
}

/*
 * Decode one chunk to `out` (room for length bytes, and for what is held).
 * Padding ends a quantum, not the text: mails hold several padded pieces one
 * after the other.
 */
static size_t
base64_step(Base64 *state, const char *bytes, size_t length, unsigned char *out)
{
    const unsigned char *in = (const unsigned char *)bytes;
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (state->is_below) {
            n += base64_hold(state, in[i], out + n);
            continue;
        }
        if (state->count == 0) {
            size_t taken = base64_quanta(in + i, length - i, out, &n);
            state->has_data |= taken > 0;
            i += taken;
        }
        if (i >= length)
            break;
        state->has_data |= base64_table()[in[i]] <= 64;
        n += base64_char(state, in[i], out + n);
        if (in[i] == '\n')
            base64_end_line(state);
    }
    return n;
}

/* ---- quoted-printable ---- */

enum { HELD_MAX = 32 };

/*
 * What follows a "=" and is not decided yet: nothing, one hexadecimal digit, or
 * the white space that a relay left between it and the line end.
 */
typedef struct {
    bool is_open;
    size_t held_length;
    unsigned char held[HELD_MAX];
} QuotedPrintable;

/* It was no code: the "=" and what followed it stand for themselves. */
static size_t
quoted_literal(QuotedPrintable *state, unsigned char *out)
{
    out[0] = '=';
    memcpy(out + 1, state->held, state->held_length);
    state->is_open = false;
    return 1 + state->held_length;
}

/* The next character behind a "="; false if it is not part of a code. */
static bool
quoted_take(QuotedPrintable *state, unsigned char c, unsigned char *out,
            size_t *n)
{
    bool is_digit = state->held_length == 1 && g_ascii_isxdigit(state->held[0]);
    if (is_digit && g_ascii_isxdigit(c)) {
        out[(*n)++] =
            (unsigned char)(g_ascii_xdigit_value((char)state->held[0]) << 4 |
                            g_ascii_xdigit_value((char)c));
        state->is_open = false;
        return true;
    }
    if (c == '\n' && !is_digit) {
        state->is_open = false;
        return true;
    }
    bool is_space = c == ' ' || c == '\t' || c == '\r';
    bool fits = state->held_length == 0
                    ? is_space || g_ascii_isxdigit(c)
                    : is_space && !is_digit && state->held_length < HELD_MAX;
    if (fits)
        state->held[state->held_length++] = c;
    return fits;
}

/* `out` has room for `length` bytes and what may be held. GMime's decoder would
 * lose a "=3" at the end and keep "= " before a line end. */
static size_t
quoted_step(QuotedPrintable *state, const char *bytes, size_t length,
            unsigned char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        if (state->is_open) {
            if (quoted_take(state, (unsigned char)bytes[i], out, &n))
                i++;
            else
                n += quoted_literal(state, out + n);
            continue;
        }
        const char *found = memchr(bytes + i, '=', length - i);
        size_t run = found != NULL ? (size_t)(found - bytes) - i : length - i;
        memcpy(out + n, bytes + i, run);
        n += run;
        i += run;
        if (found != NULL) {
            *state = (QuotedPrintable){.is_open = true};
            i++;
        }
    }
    return n;
}

/* A "=" that ends the text is a line that would have gone on. */
static size_t
quoted_flush(QuotedPrintable *state, unsigned char *out)
{
    if (!state->is_open || state->held_length == 0 ||
        !g_ascii_isxdigit(state->held[0]))
        return 0;
    return quoted_literal(state, out);
}

/* ---- uuencode ---- */

/*
 * Relays trim the spaces at the end of lines, down to the first character: they
 * are zeros. But no more than so many, for a line of two bytes would be 63.
 */
enum { UU_TRIMMED_MAX = 1024 * 1024, UU_STEP_BYTES = 512 };
G_STATIC_ASSERT((UU_STEP_BYTES / 2 + 1) * UU_LINE_BYTES + UU_LINE_ROOM <=
                CHUNK_BYTES + HELD_ROOM);

typedef struct {
    char line[UU_LINE_MAX + 1]; /* one more, to know one that is too long */
    size_t length;
    size_t trimmed;
    bool is_over; /* "end" was read */
} Uuencode;

static size_t
uu_flush(Uuencode *state, unsigned char *out)
{
    size_t length = state->length, there = 0;
    state->length = 0;
    if (length > 0 && state->line[length - 1] == '\r')
        length--;
    state->is_over |= length == 3 && memcmp(state->line, "end", 3) == 0;
    if (state->is_over)
        return 0;
    size_t bytes = uu_line_bytes(state->line, length, &there);
    state->trimmed += bytes - MIN(there, bytes);
    if (state->trimmed > UU_TRIMMED_MAX)
        bytes = MIN(there, bytes);
    uu_line_decode(state->line, length, bytes, out);
    return bytes;
}

static size_t
uu_step(Uuencode *state, const char *bytes, size_t length, unsigned char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n')
            n += uu_flush(state, out + n);
        else if (state->length < sizeof(state->line))
            state->line[state->length++] = bytes[i];
    }
    return n;
}

/* ---- all of them ---- */

typedef struct {
    TransferEncoding encoding;
    Base64 base64;
    QuotedPrintable quoted;
    Uuencode uu;
} Decoder;

static size_t
decoder_step(Decoder *decoder, const char *bytes, size_t length,
             unsigned char *out)
{
    switch (decoder->encoding) {
    case TRANSFER_BASE64:
        return base64_step(&decoder->base64, bytes, length, out);
    case TRANSFER_QUOTED_PRINTABLE:
        return quoted_step(&decoder->quoted, bytes, length, out);
    case TRANSFER_UUENCODE:
        return uu_step(&decoder->uu, bytes, length, out);
    case TRANSFER_IDENTITY:
        break;
    }
    memcpy(out, bytes, length);
    return length;
}

/* What is left at the end. */
static size_t
decoder_flush(Decoder *decoder, unsigned char *out)
{
    size_t n = base64_release(&decoder->base64, out);
    n += base64_flush(&decoder->base64, out + n);
    n += quoted_flush(&decoder->quoted, out + n);
    return n + uu_flush(&decoder->uu, out + n);
}

TransferEncoding
transfer_parse(const char *value, size_t length)
{
    static const struct {
        const char *name;
        TransferEncoding encoding;
    } names[] = {
        {"base64", TRANSFER_BASE64},
        {"quoted-printable", TRANSFER_QUOTED_PRINTABLE},
        {"quotedprintable", TRANSFER_QUOTED_PRINTABLE},
        {"x-uuencode", TRANSFER_UUENCODE},
        {"uuencode", TRANSFER_UUENCODE},
        {"x-uue", TRANSFER_UUENCODE},
    };
    size_t start = 0;
    while (start < length &&
           (g_ascii_isspace(value[start]) || value[start] == '"'))
        start++;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        size_t n = strlen(names[i].name);
        if (length - start >= n &&
            g_ascii_strncasecmp(value + start, names[i].name, n) == 0)
            return names[i].encoding;
    }
    return TRANSFER_IDENTITY;
}

/* The body of "begin 644 name ... end": what stands before is no data. */
static void
skip_to_begin(const char **bytes, size_t *length)
{
    const char *begin = g_strstr_len(*bytes, (gssize)*length, "begin ");
    if (begin == NULL)
        return;
    const char *end = *bytes + *length;
    const char *line = memchr(begin, '\n', (size_t)(end - begin));
    line = line != NULL ? line + 1 : end;
    *length = (size_t)(end - line);
    *bytes = line;
}

static void
decoder_start(Decoder *decoder, TransferEncoding encoding, const char **bytes,
              size_t *length)
{
    memset(decoder, 0, sizeof(*decoder));
    decoder->encoding = encoding;
    if (encoding == TRANSFER_UUENCODE)
        skip_to_begin(bytes, length);
}

/* How much is decoded at once, so that it fits the buffer. */
static size_t
step_bytes(TransferEncoding encoding, size_t length)
{
    return MIN(length, (size_t)(encoding == TRANSFER_UUENCODE ? UU_STEP_BYTES
                                                              : CHUNK_BYTES));
}

GByteArray *
transfer_decode(TransferEncoding encoding, const char *bytes, size_t length,
                size_t max_bytes)
{
    Decoder decoder;
    decoder_start(&decoder, encoding, &bytes, &length);
    GByteArray *out =
        g_byte_array_sized_new((guint)MIN(length, max_bytes + CHUNK_BYTES));
    unsigned char buffer[CHUNK_BYTES + HELD_ROOM];
    while (length > 0 && out->len < max_bytes) {
        size_t n = step_bytes(encoding, length);
        size_t got = decoder_step(&decoder, bytes, n, buffer);
        g_byte_array_append(out, buffer, (guint)got);
        bytes += n;
        length -= n;
    }
    size_t rest = decoder_flush(&decoder, buffer);
    g_byte_array_append(out, buffer, (guint)rest);
    if (out->len > max_bytes)
        g_byte_array_set_size(out, (guint)max_bytes);
    return out;
}

void
transfer_feed(TransferEncoding encoding, const char *bytes, size_t length,
              TransferFeed feed, void *context)
{
    Decoder decoder;
    decoder_start(&decoder, encoding, &bytes, &length);
    if (encoding == TRANSFER_IDENTITY) {
        if (length > 0)
            feed(context, bytes, length);
        return;
    }
    unsigned char buffer[CHUNK_BYTES + HELD_ROOM];
    while (length > 0) {
        size_t n = step_bytes(encoding, length);
        size_t got = decoder_step(&decoder, bytes, n, buffer);
        if (got > 0)
            feed(context, buffer, got);
        bytes += n;
        length -= n;
    }
    size_t rest = decoder_flush(&decoder, buffer);
    if (rest > 0)
        feed(context, buffer, rest);
}
