/* Keys as people read them: values, ranges, `postern settings`. */
#include <string.h>

#include "settings/keys.h"
#include "value.h"

const char *
keys_type_text(KeyType type)
{
    switch (type) {
    case KEY_STRING:
        return "text";
    case KEY_NAME:
        return "name";
    case KEY_LANGUAGE:
        return "language";
    case KEY_ACCOUNT:
        return "account";
    case KEY_HOST:
        return "host";
    case KEY_PATH:
        return "path";
    case KEY_ADDRESS:
        return "address";
    case KEY_ADDRESSES:
        return "list of addresses";
    case KEY_ARGV:
        return "program and arguments";
    case KEY_CONNINFO:
        return "connection";
    case KEY_INTEGER:
        return "number";
    case KEY_BOOL:
        return "true or false";
    case KEY_DURATION:
        return "duration";
    case KEY_SIZE:
        return "size";
    case KEY_MODE:
        return "mode";
    case KEY_DATE:
        return "date";
    case KEY_WORD:
        return "word";
    }
    g_assert_not_reached();
}

static char *
mode_text(int64_t mode)
{
    return g_strdup_printf("0%03o", (unsigned)mode);
}

static char *
amount_text(const Key *key, int64_t amount)
{
    switch (key->type) {
    case KEY_DURATION:
        return value_duration_text(amount);
    case KEY_SIZE:
        return value_size_text(amount);
    case KEY_MODE:
        return mode_text(amount);
    default: /* plain numbers; the other types have no range of numbers */
        return g_strdup_printf("%" G_GINT64_FORMAT, amount);
    }
}

static char *
words_text(const KeyWord *words)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (const KeyWord *word = words; word->name != NULL; word++) {
        bool last = word[1].name == NULL;
        if (word != words)
            g_string_append(text, last ? " or " : ", ");
        g_string_append(text, word->name);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
count_text(const Key *key, const char *noun)
{
    return key->min > 0 ? g_strdup_printf("%" G_GINT64_FORMAT
                                          " to %" G_GINT64_FORMAT " %s",
                                          key->min, key->max, noun)
                        : g_strdup_printf("at most %" G_GINT64_FORMAT " %s",
                                          key->max, noun);
}

char *
keys_range_text(const Key *key)
{
    switch (key->type) {
    case KEY_WORD:
        return words_text(key->words);
    case KEY_BOOL:
        return g_strdup("true or false");
    case KEY_DATE:
        return g_strdup("YYYY-MM-DD");
    case KEY_ADDRESSES:
        return count_text(key, "addresses");
    case KEY_ARGV:
        return count_text(key, "texts");
    case KEY_STRING:
    case KEY_NAME:
    case KEY_LANGUAGE:
    case KEY_ACCOUNT:
    case KEY_HOST:
    case KEY_PATH:
    case KEY_ADDRESS:
    case KEY_CONNINFO:
        return count_text(key, "bytes");
    case KEY_INTEGER:
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_MODE: {
        g_autofree char *min = amount_text(key, key->min);
        g_autofree char *max = amount_text(key, key->max);
        return g_strdup_printf("%s%s to %s", key->or_zero ? "0, or " : "", min,
                               max);
    }
    }
    g_assert_not_reached();
}

/* Between quotes, as libconfig reads it back. */
static void
append_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}

static char *
quoted(const char *text)
{
    GString *out = g_string_new(NULL);
    append_quoted(out, text);
    return g_string_free(out, FALSE);
}

static char *
list_text(char *const *texts)
{
    GString *out = g_string_new("[ ");
    for (size_t i = 0; texts[i] != NULL; i++) {
        append_quoted(out, texts[i]);
        g_string_append(out, texts[i + 1] == NULL ? " " : ", ");
    }
    g_string_append_c(out, ']');
    return g_string_free(out, FALSE);
}

static const char *
word_of(const Key *key, int64_t number)
{
    for (const KeyWord *word = key->words; word->name != NULL; word++)
        if (word->value == number)
            return word->name;
    g_assert_not_reached(); /* only words of the table are ever stored */
}

char *
keys_value_text(const Key *key, const void *strukt)
{
    switch (key->type) {
    case KEY_ADDRESSES:
    case KEY_ARGV:
        return list_text(value_list(key, strukt));
    case KEY_BOOL:
        return g_strdup(value_number(key, strukt) != 0 ? "true" : "false");
    case KEY_INTEGER:
        return amount_text(key, value_number(key, strukt));
    case KEY_WORD:
        return quoted(word_of(key, value_number(key, strukt)));
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_MODE: {
        g_autofree char *text = amount_text(key, value_number(key, strukt));
        return quoted(text);
    }
    case KEY_DATE: {
        g_autofree char *text = value_date_text(value_number(key, strukt));
        return quoted(text);
    }
    case KEY_STRING:
    case KEY_NAME:
    case KEY_LANGUAGE:
    case KEY_ACCOUNT:
    case KEY_HOST:
    case KEY_PATH:
    case KEY_ADDRESS:
    case KEY_CONNINFO:
        return quoted(value_text(key, strukt));
    }
    g_assert_not_reached();
}

char *
keys_standard_text(const Key *key)
{
    if (keys_is_required(key))
        return NULL;
    switch (value_form(key->type)) {
    case FORM_LIST:
        return g_strdup("[ ]");
    case FORM_NUMBER:
    case FORM_BOOL:
        return g_strdup(key->standard);
    case FORM_TEXT:
        return quoted(key->standard);
    }
    g_assert_not_reached();
}

bool
keys_is_standard(const Key *key, const void *strukt)
{
    g_autofree char *value = keys_value_text(key, strukt);
    g_autofree char *standard = keys_standard_text(key);
    return g_strcmp0(value, standard) == 0;
}

static void
print_struct(const KeyBlock *block, const void *strukt, const char *indent,
             bool only_changed, GString *out)
{
    for (size_t i = 0; i < block->count; i++) {
        const Key *key = &block->keys[i];
        if (only_changed && keys_is_standard(key, strukt))
            continue;
        g_autofree char *value = keys_value_text(key, strukt);
        g_string_append_printf(out, "%s%s = %s;\n", indent, key->name, value);
    }
}

/* The list in `owner`: Settings, or an element of the list around. */
static void
print_list(const KeyBlock *block, const void *owner, const char *indent,
           bool only_changed, GString *out)
{
    const void *field = (const char *)owner + block->offset;
    const GPtrArray *list = *(GPtrArray *const *)field;
    g_autofree char *inner = g_strconcat(indent, "        ", NULL);
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    g_string_append_printf(out, "%s%s = (", indent, keys_block_word(block));
    for (guint i = 0; i < list->len; i++) {
        g_string_append_printf(out, "%s\n%s    {\n", i == 0 ? "" : ",", indent);
        print_struct(block, list->pdata[i], inner, only_changed, out);
        for (size_t k = 0; k < count; k++)
            if (g_strcmp0(blocks[k].within, block->name) == 0)
                print_list(&blocks[k], list->pdata[i], inner, only_changed,
                           out);
        g_string_append_printf(out, "%s    }", indent);
    }
    g_string_append_printf(out, "%s%s);\n", list->len == 0 ? " " : "\n",
                           list->len == 0 ? "" : indent);
}

static void
print_group(const KeyBlock *block, const Settings *settings, bool only_changed,
            GString *out)
{
    g_autoptr(GString) inner = g_string_new(NULL);
    print_struct(block, keys_struct(block, settings, 0), "    ", only_changed,
                 inner);
    if (inner->len > 0)
        g_string_append_printf(out, "%s = {\n%s};\n", block->name, inner->str);
}

void
keys_print(const Settings *settings, bool only_changed, GString *out)
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    print_struct(&blocks[0], settings, "", only_changed, out);
    for (size_t i = 1; i < count; i++) {
        if (blocks[i].within != NULL)
            continue; /* shown with what it is in */
        if (blocks[i].is_list)
            print_list(&blocks[i], settings, "", only_changed, out);
        else
            print_group(&blocks[i], settings, only_changed, out);
    }
}
