#include "source.h"

#include <string.h>

#include "base/failure.h"

enum {
    SOURCE_MAX_BYTES = 1024 * 1024,
    DEPTH_MAX = 16,
    DIGITS_MAX = 9 /* always below 2^31 */
};

/* Where the reader stands. */
typedef struct {
    const char *path;
    const char *p;
    const char *end;
    unsigned line;
    char open[DEPTH_MAX]; /* brackets around p, innermost last */
    size_t depth;
    bool after_text; /* the last token was a text */
    GError **error;
} Scan;

static bool
refuse(Scan *scan, const char *fault)
{
    failure_set(scan->error, FAILURE_CONFIG, "%s:%u: %s", scan->path,
                scan->line, fault);
    return false;
}

static bool
starts(const Scan *scan, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(scan->end - scan->p) >= length &&
           memcmp(scan->p, word, length) == 0;
}

static void
skip_line(Scan *scan)
{
    while (scan->p < scan->end && *scan->p != '\n')
        scan->p++;
}

static bool
skip_comment(Scan *scan)
{
    Scan begin = *scan;
    for (scan->p += 2; scan->p < scan->end; scan->p++) {
        if (starts(scan, "*/")) {
            scan->p += 2;
            return true;
        }
        scan->line += *scan->p == '\n';
    }
    return refuse(&begin, "the comment that begins here has no end");
}

/* Behind the opening quote. */
static bool
skip_text(Scan *scan)
{
    for (scan->p++; scan->p < scan->end; scan->p++) {
        if (*scan->p == '"') {
            scan->p++;
            return true;
        }
        if (*scan->p == '\n')
            break;
        if (*scan->p != '\\')
            continue;
        if (starts(scan, "\\x00") || starts(scan, "\\X00"))
            return refuse(scan, "a text cannot hold \\x00");
        if (scan->p + 1 < scan->end && scan->p[1] != '\n')
            scan->p++;
    }
    return refuse(scan, "this text has no closing quote on its line");
}

static bool
is_name_char(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '-' || c == '*';
}

/* Names are skipped whole, so that digits within them are no numbers. */
static bool
skip_word(Scan *scan)
{
    const char *begin = scan->p;
    while (scan->p < scan->end && is_name_char(*scan->p))
        scan->p++;
    size_t sign = *begin == '-';
    if (g_ascii_isdigit(begin[sign]) &&
        (size_t)(scan->p - begin) - sign > DIGITS_MAX)
        return refuse(scan, "this number is too large; sizes and times are "
                            "texts such as \"25MiB\" and \"5d\"");
    return true;
}

static bool
skip_bracket(Scan *scan)
{
    if (strchr("([{", *scan->p) != NULL) {
        if (scan->depth == DEPTH_MAX)
            return refuse(scan, "too many brackets are open");
        scan->open[scan->depth++] = *scan->p;
    } else if (scan->depth > 0) {
        scan->depth--; /* whether they match is libconfig's to say */
    }
    scan->p++;
    return true;
}

static bool
scan_text(Scan *scan)
{
    bool in_list = scan->depth > 0 && scan->open[scan->depth - 1] != '{';
    if (in_list && scan->after_text)
        return refuse(scan, "a comma is missing between two texts of a list");
    if (!skip_text(scan))
        return false;
    scan->after_text = true;
    return true;
}

static bool
scan_token(Scan *scan)
{
    if (*scan->p == '"')
        return scan_text(scan);
    scan->after_text = false;
    if (starts(scan, "@include"))
        return refuse(scan, "@include is not supported; write everything into "
                            "this file");
    if (strchr("()[]{}", *scan->p) != NULL)
        return skip_bracket(scan);
    if (is_name_char(*scan->p))
        return skip_word(scan);
    scan->p++;
    return true;
}

static bool
scan_step(Scan *scan)
{
    if (*scan->p == '#' || starts(scan, "//")) {
        skip_line(scan);
        return true;
    }
    if (starts(scan, "/*"))
        return skip_comment(scan);
    if (g_ascii_isspace(*scan->p)) {
        scan->line += *scan->p == '\n';
        scan->p++;
        return true;
    }
    return scan_token(scan);
}

static bool
check_bytes(const char *path, const char *text, size_t length, GError **error)
{
    const char *end = text + length;
    const char *bad = NULL;
    if (g_utf8_validate_len(text, length, &bad))
        return true;
    unsigned line = 1;
    for (const char *p = text; p < bad; p++)
        line += *p == '\n';
    failure_set(error, FAILURE_CONFIG, "%s:%u: %s", path, line,
                bad < end && *bad == '\0'
                    ? "holds a NUL byte; this is no text file"
                    : "is not valid UTF-8; save the file as UTF-8");
    return false;
}

bool
source_check(const char *path, const char *text, size_t length, GError **error)
{
    if (!check_bytes(path, text, length, error))
        return false;
    Scan scan = {.path = path,
                 .p = text,
                 .end = text + length,
                 .line = 1,
                 .error = error};
    while (scan.p < scan.end)
        if (!scan_step(&scan))
            return false;
    return true;
}

bool
source_read(const char *path, SmallFile *ret_file, GError **error)
{
    g_auto(SmallFile) file = {0};
    if (!small_file_read(path, SOURCE_MAX_BYTES, &file, error) ||
        !source_check(path, file.bytes, file.length, error))
        return false;
    /* libconfig wants a line end after a comment. */
    file.bytes = g_realloc(file.bytes, file.length + 2);
    file.bytes[file.length++] = '\n';
    file.bytes[file.length] = '\0';
    *ret_file = file;
    file = (SmallFile){0};
    return true;
}
