#include "policy/ticket_tag.h"

#include <glib.h>
#include <string.h>

#include "base/text.h"

enum { TAG_DIGITS_MAX = 18 }; /* fits an int64_t */

char *
ticket_tag_format(const char *prefix, int64_t id)
{
    return g_strdup_printf("[%s#%" G_GINT64_FORMAT "]", prefix, id);
}

/*
 * If a tag of ours begins at `text`, the byte behind it and the number; else
 * NULL.
 */
static const char *
tag_at(const char *prefix, const char *text, int64_t *ret_id)
{
    size_t prefix_length = strlen(prefix);
    if (*text != '[' ||
        g_ascii_strncasecmp(text + 1, prefix, prefix_length) != 0 ||
        text[1 + prefix_length] != '#')
        return NULL;
    const char *digits = text + 2 + prefix_length;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > TAG_DIGITS_MAX || digits[n] != ']')
        return NULL;
    *ret_id = g_ascii_strtoll(digits, NULL, 10);
    return digits + n + 1;
}

int64_t
ticket_tag_find(const char *prefix, const char *subject)
{
    for (const char *p = subject; (p = strchr(p, '[')) != NULL; p++) {
        int64_t id = 0;
        if (tag_at(prefix, p, &id) != NULL && id > 0)
            return id;
    }
    return 0;
}

char *
ticket_tag_strip(const char *prefix, const char *subject)
{
    g_autoptr(GString) out = g_string_sized_new(strlen(subject));
    for (const char *p = subject; *p != '\0';) {
        int64_t id = 0;
        const char *behind = tag_at(prefix, p, &id);
        if (behind != NULL) {
            p = behind;
            continue;
        }
        g_string_append_c(out, *p++);
    }
    return text_one_line(out->str);
}
