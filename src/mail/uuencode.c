#include "mail/uuencode.h"

#include <string.h>

/* The name in "begin 644 name"; NULL if the line is none. */
static char *
uu_begin(const char *line, size_t length)
{
    if (length < 11 || memcmp(line, "begin ", 6) != 0)
        return NULL;
    size_t n = 6;
    while (n < length && line[n] >= '0' && line[n] <= '7')
        n++;
    if (n < 9 || n > 10 || line[n] != ' ')
        return NULL;
    g_autofree char *name = g_strndup(line + n + 1, length - n - 1);
    return g_strdup(g_strstrip(name));
}

/* A data line says in its first character how many bytes it carries. */
static bool
is_uu_line(const char *line, size_t length, size_t *ret_bytes)
{
    if (length == 0 || line[0] < ' ' || line[0] > '`')
        return false;
    size_t bytes = (size_t)((line[0] - ' ') & 63);
    size_t expected = (bytes + 2) / 3 * 4 + 1;
    if (length > expected + 2 || (bytes > 0 && length + 3 < expected))
        return false;
    for (size_t i = 1; i < length; i++)
        if (line[i] < ' ' || line[i] > '`')
            return false;
    *ret_bytes = bytes;
    return true;
}

/* The line "end", or NULL if what follows "begin" is no uuencoded file. */
static const char *
uu_end(const char *p)
{
    while (*p != '\0') {
        size_t length = strcspn(p, "\n"), bytes;
        if (length == 3 && memcmp(p, "end", 3) == 0)
            return p;
        if (!is_uu_line(p, length, &bytes))
            return NULL;
        p += length + (p[length] == '\n');
    }
    return NULL;
}

/* Data lines, checked by uu_end(). */
typedef struct {
    const char *lines;
    const char *end;
} UuFile;

enum { UU_LINE_BYTES = 63 };

/* What a trimmed line lacks at its end are spaces, which stand for 0. */
static unsigned
uu_value(const char *line, size_t length, size_t i)
{
    return i < length ? (unsigned)(line[i] - ' ') & 63 : 0;
}

static void
feed_uu_line(const char *line, size_t length, size_t bytes, TransferFeed feed,
             void *context)
{
    unsigned char out[UU_LINE_BYTES + 2];
    size_t n = 0;
    for (size_t i = 1; n < bytes; i += 4) {
        unsigned bits = uu_value(line, length, i) << 18 |
                        uu_value(line, length, i + 1) << 12 |
                        uu_value(line, length, i + 2) << 6 |
                        uu_value(line, length, i + 3);
        out[n++] = (unsigned char)(bits >> 16);
        out[n++] = (unsigned char)(bits >> 8);
        out[n++] = (unsigned char)bits;
    }
    if (bytes > 0)
        feed(context, out, bytes);
}

static void
feed_uu(const void *what, TransferFeed feed, void *context)
{
    const UuFile *file = what;
    for (const char *p = file->lines; p < file->end;) {
        size_t length = strcspn(p, "\n"), bytes = 0;
        if (is_uu_line(p, length, &bytes))
            feed_uu_line(p, length, bytes, feed, context);
        p += length + 1;
    }
}

/* The file that begins in `line`: where its "end" is; NULL if there is none. */
static const char *
take_file(const char *line, size_t length, const char *next,
          AttachmentList *list)
{
    g_autofree char *name = uu_begin(line, length);
    const char *end = name != NULL ? uu_end(next) : NULL;
    if (end == NULL)
        return NULL;
    UuFile file = {next, end};
    return attachment_add(list,
                          attachment_new(name, "application/octet-stream", ""),
                          feed_uu, &file)
               ? end
               : NULL;
}

char *
uuencode_take(const char *text, AttachmentList *list)
{
    if (strstr(text, "begin ") == NULL)
        return g_strdup(text);
    GString *rest = g_string_sized_new(strlen(text) + 1);
    const char *p = text;
    while (*p != '\0') {
        size_t length = strcspn(p, "\n");
        const char *next = p + length + (p[length] == '\n');
        const char *end = take_file(p, length, next, list);
        if (end == NULL) {
            g_string_append_len(rest, p, next - p);
            p = next;
        } else {
            p = end + strlen("end");
            p += *p == '\n';
        }
    }
    return g_string_free(rest, FALSE);
}
