#include "mail/uuencode.h"

#include <string.h>

#include "uu_line.h"

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

/* The line "end", or NULL if what follows "begin" is no uuencoded file. */
static const char *
uu_end(const char *p)
{
    while (*p != '\0') {
        size_t length = strcspn(p, "\n"), bytes;
        if (length == 3 && memcmp(p, "end", 3) == 0)
            return p;
        if (!uu_line_is_data(p, length, &bytes))
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

static void
feed_uu(const void *what, TransferFeed feed, void *context)
{
    const UuFile *file = what;
    for (const char *p = file->lines; p < file->end;) {
        size_t length = strcspn(p, "\n"), bytes = 0;
        if (uu_line_is_data(p, length, &bytes) && bytes > 0) {
            unsigned char out[UU_LINE_ROOM];
            uu_line_decode(p, length, bytes, out);
            feed(context, out, bytes);
        }
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
