#include "imap_code.h"

#include <stdint.h>
#include <string.h>

typedef struct Code {
    const char *word;
    /* What stands behind the word, to be written as it may be read. */
    bool (*write)(const struct Code *code, const char *at, GString *written);
    uint64_t most; /* its number */
} Code;

/* Writes one that is at most `most`. */
static bool
take_number(const char **at, uint64_t most, GString *written)
{
    uint64_t number = 0;
    const char *end = *at;
    for (; g_ascii_isdigit(*end); end++) {
        uint64_t digit = (uint64_t)(*end - '0');
        if (number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (end == *at)
        return false;
    g_string_append_printf(written, "%" G_GUINT64_FORMAT, number);
    *at = end;
    return true;
}

static void
skip_spaces(const char **at)
{
    *at += strspn(*at, " \t\r");
}

static bool
write_nothing(const Code *code, const char *at, GString *written)
{
    (void)code;
    (void)written;
    return *at == '\0';
}

static bool
write_number(const Code *code, const char *at, GString *written)
{
    g_string_append_c(written, ' ');
    if (!take_number(&at, code->most, written))
        return false;
    skip_spaces(&at);
    return *at == '\0';
}

/*
 * All that is asked of the flags is whether new ones are kept ("\*"). A list of
 * none at all libetpan would take for not being told.
 */
static bool
write_flags(const Code *code, const char *at, GString *written)
{
    (void)code;
    size_t length = strlen(at);
    if (length < 2 || at[0] != '(' || at[length - 1] != ')')
        return false;
    g_autofree char *inside = g_strndup(at + 1, length - 2);
    if (strpbrk(inside, "()") != NULL)
        return false;
    g_auto(GStrv) flags = g_strsplit_set(inside, " \t\r", -1);
    bool any = g_strv_contains((const char *const *)flags, "\\*");
    g_string_append(written, any ? " (\\*)" : " (\\Seen)");
    return true;
}

/* "1:3,7" (RFC 4315 4) */
static bool
take_set(const char **at, GString *written)
{
    for (;;) {
        if (!take_number(at, UINT32_MAX, written))
            return false;
        if (**at == ':') {
            g_string_append_c(written, *(*at)++);
            if (!take_number(at, UINT32_MAX, written))
                return false;
        }
        if (**at != ',')
            return true;
        g_string_append_c(written, *(*at)++);
    }
}

static bool
write_copies(const Code *code, const char *at, GString *written)
{
    g_string_append_c(written, ' ');
    if (!take_number(&at, code->most, written))
        return false;
    for (int i = 0; i < 2; i++) {
        skip_spaces(&at);
        g_string_append_c(written, ' ');
        if (!take_set(&at, written))
            return false;
    }
    skip_spaces(&at);
    return *at == '\0';
}

static const Code codes[] = {
    {"COPYUID", write_copies, UINT32_MAX},
    {"HIGHESTMODSEQ", write_number, UINT64_MAX},
    {"NOMODSEQ", write_nothing, 0},
    {"PERMANENTFLAGS", write_flags, 0},
    {"READ-ONLY", write_nothing, 0},
    {"READ-WRITE", write_nothing, 0},
    {"UIDNEXT", write_number, UINT32_MAX},
    {"UIDVALIDITY", write_number, UINT32_MAX},
};

static const Code *
find(const char *word, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (strlen(codes[i].word) == length &&
            g_ascii_strncasecmp(codes[i].word, word, length) == 0)
            return &codes[i];
    return NULL;
}

static size_t
count_words(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += *text == ' ' || *text == ',' || *text == ':';
    return n;
}

bool
imap_code_write(const char *code, GString *written, size_t *words)
{
    size_t before = written->len;
    skip_spaces(&code);
    size_t length = strcspn(code, " \t\r");
    const Code *known = find(code, length);
    if (known == NULL)
        return false;
    code += length;
    skip_spaces(&code);
    g_string_append_printf(written, "[%s", known->word);
    if (!known->write(known, code, written)) {
        g_string_truncate(written, before);
        return false;
    }
    g_string_append_c(written, ']');
    *words += count_words(written->str + before);
    return true;
}
