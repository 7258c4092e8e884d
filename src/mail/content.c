#include "mail/content.h"

#include <string.h>

#include "base/text.h"
#include "mail/charset.h"
#include "mail/words.h"

/* One parameter as it stands: name*N*=value (RFC 2231 3, 4). */
typedef struct {
    char *name;
    char *value;
    size_t length; /* of value, which may hold anything */
    int section;   /* N, -1 without one */
    bool is_extended;
} Raw;

static void
raw_clear(gpointer data)
{
    Raw *raw = data;
    g_free(raw->name);
    g_free(raw->value);
}

static const char *
skip_space(const char *p, const char *end)
{
    while (p < end && (g_ascii_isspace(*p) || *p == ';'))
        p++;
    return p;
}

/* The word before the first ";": lower case, without comment or space. */
static char *
read_word(const char **position, const char *end)
{
    const char *p = skip_space(*position, end);
    GString *word = g_string_new(NULL);
    for (; p < end && *p != ';' && *p != '('; p++) {
        if (g_ascii_isspace(*p)) {
            /* "text / plain" is one word, "text/plain charset=x" is two. */
            const char *next = skip_space(p, end);
            if (next < end && *next != '/' && word->len > 0 &&
                word->str[word->len - 1] != '/' && *next != '(')
                break;
        } else if (*p > ' ' && *p < 0x7F && *p != '"') {
            g_string_append_c(word, g_ascii_tolower(*p));
        }
    }
    *position = p;
    return g_string_free(word, FALSE);
}

/*
 * True if a quoted value may end at the quote before `p`: at ";" or the end, or
 * where another parameter begins without a ";". Else it was a quote inside, as
 * in name="a "b" c.pdf".
 */
static bool
ends_value(const char *p, const char *end)
{
    const char *next = p;
    while (next < end && g_ascii_isspace(*next))
        next++;
    if (next == end || *next == ';' || *next == '(')
        return true;
    const char *word = next;
    while (next < end && (g_ascii_isalnum(*next) || strchr("-_*", *next)))
        next++;
    return word > p && next > word && next < end && *next == '=';
}

/* A quoted value; a backslash quotes only what needs it: paths keep theirs. */
static void
read_quoted(const char **position, const char *end, GString *value)
{
    const char *p = *position + 1;
    for (; p < end && !(*p == '"' && ends_value(p + 1, end)); p++) {
        if (*p == '\\' && p + 1 < end && (p[1] == '"' || p[1] == '\\'))
            p++;
        g_string_append_c(value, *p);
    }
    *position = p < end ? p + 1 : end;
}

static void
read_bare(const char **position, const char *end, GString *value)
{
    const char *p = *position;
    while (p < end && *p != ';')
        p++;
    const char *last = p;
    while (last > *position && g_ascii_isspace(last[-1]))
        last--;
    g_string_append_len(value, *position, last - *position);
    *position = p;
}

/* Split "name*3*" into its parts. */
static void
split_name(Raw *raw)
{
    size_t n = strlen(raw->name);
    raw->section = -1;
    if (n > 1 && raw->name[n - 1] == '*') {
        raw->is_extended = true;
        raw->name[--n] = '\0';
    }
    char *star = strrchr(raw->name, '*');
    if (star != NULL && star > raw->name && g_ascii_isdigit(star[1]) &&
        strlen(star + 1) <= 4) {
        raw->section = (int)g_ascii_strtoll(star + 1, NULL, 10);
        *star = '\0';
    }
}

static bool
read_parameter(const char **position, const char *end, Raw *raw)
{
    const char *p = skip_space(*position, end);
    GString *name = g_string_new(NULL);
    for (; p < end && *p != '=' && *p != ';'; p++)
        if (*p > ' ' && *p < 0x7F)
            g_string_append_c(name, g_ascii_tolower(*p));
    GString *value = g_string_new(NULL);
    if (p < end && *p == '=') {
        p++;
        while (p < end && g_ascii_isspace(*p))
            p++;
        if (p < end && *p == '"') {
            read_quoted(&p, end, value);
        } else {
            read_bare(&p, end, value);
        }
    }
    *position = p;
    size_t length = value->len;
    *raw = (Raw){g_string_free(name, FALSE), g_string_free(value, FALSE),
                 length, -1, false};
    split_name(raw);
    return *raw->name != '\0';
}

static void
append_percent(GString *out, const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (value[i] == '%' && i + 2 < length &&
            g_ascii_isxdigit(value[i + 1]) && g_ascii_isxdigit(value[i + 2])) {
            g_string_append_c(out,
                              (char)(g_ascii_xdigit_value(value[i + 1]) * 16 +
                                     g_ascii_xdigit_value(value[i + 2])));
            i += 2;
        } else {
            g_string_append_c(out, value[i]);
        }
    }
}

static int
by_section(gconstpointer a, gconstpointer b)
{
    const Raw *const *left = a, *const *right = b;
    return ((*left)->section > (*right)->section) -
           ((*left)->section < (*right)->section);
}

/* charset'language'text: take the charset, leave the text. */
static char *
take_charset(const char **value, size_t *length)
{
    const char *first = memchr(*value, '\'', *length);
    if (first == NULL)
        return NULL;
    size_t rest = *length - (size_t)(first + 1 - *value);
    const char *second = memchr(first + 1, '\'', rest);
    if (second == NULL)
        return NULL;
    char *charset = g_strndup(*value, (gsize)(first - *value));
    *length -= (size_t)(second + 1 - *value);
    *value = second + 1;
    return charset;
}

/* The pieces of one parameter, in order, decoded. */
static char *
join_pieces(GPtrArray *pieces)
{
    g_ptr_array_sort(pieces, by_section);
    g_autoptr(GString) bytes = g_string_new(NULL);
    g_autofree char *charset = NULL;
    bool any_extended = false;
    for (guint i = 0; i < pieces->len; i++) {
        const Raw *raw = pieces->pdata[i];
        const char *value = raw->value;
        size_t length = raw->length;
        if (raw->is_extended) {
            if (!any_extended)
                charset = take_charset(&value, &length);
            any_extended = true;
            append_percent(bytes, value, length);
        } else {
            g_string_append_len(bytes, value, (gssize)length);
        }
    }
    /* Encoded words, also in pieces, are a usual misreading of RFC 2231. */
    if (!any_extended ||
        (charset == NULL && g_str_has_prefix(bytes->str, "=?")))
        return words_decode(bytes->str, bytes->len);
    g_autofree char *text =
        charset_to_utf8(bytes->str, bytes->len, charset, NULL);
    return text_one_line(text);
}

/* The kinds of the same parameter, best first: name*, name*0, name. */
static int
kind_of(const Raw *raw)
{
    return raw->section >= 0 ? 1 : raw->is_extended ? 0 : 2;
}

/* Keep of `pieces`, all of one name, those of the best kind; of a kind without
 * sections the first. */
static void
keep_best(GPtrArray *pieces)
{
    int best = 2;
    for (guint i = 0; i < pieces->len; i++)
        best = MIN(best, kind_of(pieces->pdata[i]));
    guint kept = 0;
    for (guint i = 0; i < pieces->len && (best == 1 || kept == 0); i++)
        if (kind_of(pieces->pdata[i]) == best)
            pieces->pdata[kept++] = pieces->pdata[i];
    g_ptr_array_set_size(pieces, (gint)kept);
}

/* The pieces (Raw*) of each name, in order. */
static GHashTable *
pieces_by_name(const GArray *raws)
{
    GHashTable *pieces = g_hash_table_new_full(
        g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < raws->len; i++) {
        Raw *raw = &g_array_index(raws, Raw, i);
        GPtrArray *same = g_hash_table_lookup(pieces, raw->name);
        if (same == NULL) {
            same = g_ptr_array_new();
            g_hash_table_insert(pieces, raw->name, same);
        }
        g_ptr_array_add(same, raw);
    }
    return pieces;
}

/* True if a parameter stands where the word should: "filename=x.pdf". */
static bool
lacks_word(const char *word)
{
    size_t n = strcspn(word, "=/");
    return n > 0 && word[n] == '=';
}

Content *
content_parse(const char *value, size_t length)
{
    Content *content = g_new0(Content, 1);
    const char *p = value, *end = value + length;
    content->word = read_word(&p, end);
    if (lacks_word(content->word)) {
        *content->word = '\0';
        p = value;
    }
    content->names = g_ptr_array_new_with_free_func(g_free);
    content->values = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) raws = g_array_new(FALSE, FALSE, sizeof(Raw));
    g_array_set_clear_func(raws, raw_clear);
    while (p < end && raws->len < CONTENT_SEGMENTS_MAX) {
        Raw raw;
        if (read_parameter(&p, end, &raw))
            g_array_append_val(raws, raw);
        else
            raw_clear(&raw);
    }
    g_autoptr(GHashTable) by_name = pieces_by_name(raws);
    for (guint i = 0; i < raws->len; i++) {
        Raw *raw = &g_array_index(raws, Raw, i);
        gpointer same;
        if (!g_hash_table_steal_extended(by_name, raw->name, NULL, &same))
            continue; /* joined with one before it */
        g_autoptr(GPtrArray) pieces = same;
        keep_best(pieces);
        g_ptr_array_add(content->names, g_strdup(raw->name));
        g_ptr_array_add(content->values, join_pieces(pieces));
    }
    return content;
}

void
content_free(Content *content)
{
    if (content == NULL)
        return;
    g_free(content->word);
    g_ptr_array_unref(content->names);
    g_ptr_array_unref(content->values);
    g_free(content);
}

const char *
content_parameter(const Content *content, const char *name)
{
    for (guint i = 0; i < content->names->len; i++)
        if (strcmp(content->names->pdata[i], name) == 0)
            return content->values->pdata[i];
    return NULL;
}

bool
content_is(const Content *content, const char *word)
{
    size_t n = strlen(word);
    return n > 0 && word[n - 1] == '/' ? g_str_has_prefix(content->word, word)
                                       : strcmp(content->word, word) == 0;
}
