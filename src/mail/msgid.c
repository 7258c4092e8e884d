#include "mail/msgid.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* A long id is folded by some programs, and was one word. */
static void
drop_folds(char *id)
{
    char *to = id;
    for (const char *p = id; *p != '\0'; p++)
        if (*p != '\n' && *p != '\r')
            *to++ = *p;
        else
            p += strspn(p, " \t\r\n") - 1;
    *to = '\0';
}

/* Add the id once; of too many the first and the newest stay. */
static void
add_id(GPtrArray *ids, GHashTable *seen, const char *id, size_t length)
{
    while (length > 0 && g_ascii_isspace(*id)) {
        id++;
        length--;
    }
    while (length > 0 && g_ascii_isspace(id[length - 1]))
        length--;
    if (length == 0 || length > MSGID_MAX_BYTES)
        return;
    g_autofree char *valid = text_repair(id, length);
    drop_folds(valid);
    g_autofree char *line = text_one_line(valid);
    if (*line == '\0' || g_hash_table_contains(seen, line))
        return;
    if (ids->len == MSGID_LIST_MAX) {
        g_hash_table_remove(seen, ids->pdata[1]);
        g_ptr_array_remove_index(ids, 1);
    }
    g_hash_table_add(seen, line);
    g_ptr_array_add(ids, g_steal_pointer(&line));
}

/* Behind the comment that starts at `p`; an unclosed one ends at the next id.
 */
static const char *
skip_comment(const char *p)
{
    size_t depth = 0;
    for (; *p != '\0' && *p != '<'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
    }
    return p;
}

/* A value that is nothing but words like a@b, without their brackets. */
static void
add_bare_words(GPtrArray *ids, GHashTable *seen, const char *value)
{
    static const char space[] = " \t\r\n";
    for (const char *p = value; *(p += strspn(p, space)) != '\0';) {
        size_t length = strcspn(p, space);
        if (memchr(p, '@', length) == NULL ||
            strcspn(p, " \t\r\n<>(),;\"") < length)
            return;
        p += length;
    }
    for (const char *p = value; *(p += strspn(p, space)) != '\0';) {
        size_t length = strcspn(p, space);
        add_id(ids, seen, p, length);
        p += length;
    }
}

GPtrArray *
msgid_list_parse(const char *value)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const char *p = value;
    while (*p != '\0') {
        if (*p == '(') {
            p = skip_comment(p);
            continue;
        }
        if (*p++ != '<')
            continue;
        size_t length = strcspn(p, "<>");
        if (p[length] == '>' || (p[length] == '\0' && length > 0))
            add_id(ids, seen, p, length);
        p += length;
    }
    if (ids->len == 0)
        add_bare_words(ids, seen, value);
    return ids;
}

char *
msgid_parse(const char *value)
{
    g_autoptr(GPtrArray) ids = msgid_list_parse(value);
    if (ids->len > 0)
        return g_strdup(ids->pdata[0]);
    const char *word = value + strspn(value, " \t\r\n");
    size_t length = strcspn(word, " \t\r\n<>(),;");
    if (memchr(word, '@', length) == NULL || length > MSGID_MAX_BYTES)
        return NULL;
    g_autofree char *valid = text_repair(word, length);
    return text_one_line(valid);
}
