/* The documents that are made of keys.c: sample, manual, one key's entry. */
#include <string.h>

#include "settings/keys.h"

enum { COLUMNS = 78 };

static const char sample_heading[] =
    "# postern.conf - the settings of Postern, a mail gateway for help desks.\n"
    "#\n"
    "# What is not a comment must be looked at; every other key shows its "
    "default.\n"
    "# Texts stand in quotes, and so do durations (\"90s\", \"5min\", \"1h "
    "30min\",\n"
    "# \"30d\") and sizes (\"512B\", \"4KiB\", \"25MiB\"). The manual is "
    "postern.conf(5);\n"
    "# \"postern check\" tries everything, \"postern settings\" shows what is "
    "in force.\n"
    "#\n"
    "# Owner and permissions: chown root:postern FILE; chmod 0640 FILE\n";

/* Words of `text` in lines of at most COLUMNS, each begun by `indent`. */
static void
append_wrapped(GString *out, const char *indent, const char *text)
{
    size_t column = 0;
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (size_t i = 0; words[i] != NULL; i++) {
        size_t length = strlen(words[i]);
        if (column > 0 && column + 1 + length > COLUMNS) {
            g_string_append_c(out, '\n');
            column = 0;
        }
        const char *before = column == 0 ? indent : " ";
        g_string_append_printf(out, "%s%s", before, words[i]);
        column += strlen(before) + length;
    }
    g_string_append_c(out, '\n');
}

/* "1s to 1h", "off, starttls or tls"; NULL where the length of a text is all
 * there is to say. */
static char *
range_worth_saying(const Key *key)
{
    switch (key->type) {
    case KEY_INTEGER:
    case KEY_BOOL:
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_DATE:
    case KEY_WORD:
        return keys_range_text(key);
    case KEY_STRING:
    case KEY_NAME:
    case KEY_LANGUAGE:
    case KEY_ACCOUNT:
    case KEY_HOST:
    case KEY_PATH:
    case KEY_ADDRESS:
    case KEY_ADDRESSES:
    case KEY_ARGV:
    case KEY_CONNINFO:
    case KEY_MODE:
        return NULL;
    }
    g_assert_not_reached();
}

/* "duration, 1s to 1h": what the reader may write. */
static char *
kind_text(const Key *key)
{
    g_autofree char *range = range_worth_saying(key);
    const char *type = keys_type_text(key->type);
    if (range == NULL)
        return g_strdup(type);
    if (key->type == KEY_BOOL || key->type == KEY_WORD)
        return g_steal_pointer(&range);
    return g_strdup_printf("%s, %s", type, range);
}

static void
sample_key(const Key *key, const char *indent, GString *out)
{
    g_autofree char *comment = g_strconcat(indent, "# ", NULL);
    g_autofree char *range = range_worth_saying(key);
    g_autofree char *standard = keys_standard_text(key);
    append_wrapped(out, comment, key->help);
    if (!key->in_sample && key->example != NULL)
        g_string_append_printf(out, "%sExample: %s = %s;\n", comment, key->name,
                               key->example);
    g_string_append_printf(
        out, "%s%s%s = %s;%s%s\n", indent, key->in_sample ? "" : "#", key->name,
        key->in_sample ? key->example : standard, range == NULL ? "" : "  # ",
        range == NULL ? "" : range);
}

static void
sample_keys(const KeyBlock *block, const char *indent, GString *out)
{
    for (size_t i = 0; i < block->count; i++) {
        if (i > 0)
            g_string_append_c(out, '\n');
        sample_key(&block->keys[i], indent, out);
    }
}

static void
sample_list(const KeyBlock *block, const char *indent, GString *out)
{
    g_autofree char *inner = g_strconcat(indent, "        ", NULL);
    g_autofree char *comment = g_strconcat(indent, "# ", NULL);
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    append_wrapped(out, comment, block->help);
    g_string_append_printf(out, "%s%s = (\n%s    {\n", indent,
                           keys_block_word(block), indent);
    sample_keys(block, inner, out);
    for (size_t i = 0; i < count; i++) {
        if (g_strcmp0(blocks[i].within, block->name) != 0)
            continue;
        g_string_append_c(out, '\n');
        sample_list(&blocks[i], inner, out);
    }
    g_string_append_printf(out, "%s    }\n%s);\n", indent, indent);
}

/* Each line a comment, with a space: no key of it is meant alone. */
static void
sample_as_comment(const char *text, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++)
        if (lines[i + 1] != NULL)
            g_string_append_printf(out, "#%s%s\n", *lines[i] != '\0' ? " " : "",
                                   lines[i]);
}

static void
sample_block(const KeyBlock *block, GString *out)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (block->within != NULL)
        return;
    g_string_append_c(out, '\n');
    if (block->name[0] == '\0') {
        sample_keys(block, "", out);
        return;
    }
    if (block->is_list) {
        sample_list(block, "", text);
    } else {
        append_wrapped(text, "# ", block->help);
        g_string_append_printf(text, "%s = {\n", block->name);
        sample_keys(block, "    ", text);
        g_string_append(text, "};\n");
    }
    if (block->is_optional)
        sample_as_comment(text->str, out);
    else
        g_string_append(out, text->str);
}

/* What must be filled in comes first, what rarely matters last. */
void
keys_sample(GString *out)
{
    static const char *const first[] = {"database", "queues", "listeners",
                                        "accounts", "relay",  NULL};
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    g_string_append(out, sample_heading);
    for (size_t i = 0; first[i] != NULL; i++)
        sample_block(keys_block(first[i]), out);
    for (size_t i = 0; i < count; i++)
        if (!g_strv_contains(first, blocks[i].name))
            sample_block(&blocks[i], out);
}

void
keys_reference(const KeyBlock *block, const Key *key, GString *out)
{
    g_autofree char *kind = kind_text(key);
    g_autofree char *standard = keys_standard_text(key);
    g_string_append_printf(out, "%s%s%s (%s)\n", block->name,
                           block->name[0] == '\0' ? "" : ".", key->name, kind);
    append_wrapped(out, "    ", key->help);
    if (standard != NULL)
        g_string_append_printf(out, "    Default: %s\n", standard);
    else
        g_string_append(out, "    This key must be given.\n");
    if (key->example != NULL)
        g_string_append_printf(out, "    Example: %s = %s;\n", key->name,
                               key->example);
}

/* Text for man(7): no line begins a request, hyphens are what they look like.
 */
static void
append_roff(GString *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        g_string_append(out, "\\&");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\')
            g_string_append(out, "\\e");
        else if (*p == '-')
            g_string_append(out, "\\-");
        else
            g_string_append_c(out, *p);
    }
}

/* Behind the full stop that ends the first of several sentences, or NULL. */
static const char *
sentence_end(const char *text)
{
    const char *stop = text;
    while ((stop = strstr(stop, ". ")) != NULL) {
        if (stop > text && stop[-1] != '.' &&
            (g_ascii_isupper(stop[2]) || g_ascii_isdigit(stop[2]) ||
             stop[2] == '"'))
            return stop + 1;
        stop++;
    }
    return NULL;
}

/* One sentence a line, as manuals are written. */
static void
append_sentences(GString *out, const char *text)
{
    const char *end;
    while ((end = sentence_end(text)) != NULL) {
        g_autofree char *sentence = g_strndup(text, (size_t)(end - text));
        append_roff(out, sentence);
        g_string_append_c(out, '\n');
        text = end + 1;
    }
    append_roff(out, text);
    g_string_append_c(out, '\n');
}

static void
manual_key(const Key *key, GString *out)
{
    g_autofree char *kind = kind_text(key);
    g_autofree char *standard = keys_standard_text(key);
    g_string_append(out, ".TP\n\\fB");
    append_roff(out, key->name);
    g_string_append(out, "\\fR (");
    append_roff(out, kind);
    g_string_append(out, ")\n");
    append_sentences(out, key->help);
    if (standard == NULL) {
        g_string_append(out, ".br\nThis key must be given.\n");
    } else {
        g_string_append(out, ".br\nDefault: \\fB");
        append_roff(out, standard);
        g_string_append(out, "\\fR\n");
    }
    if (key->example == NULL)
        return;
    g_string_append(out, ".br\nExample: \\fB");
    append_roff(out, key->name);
    g_string_append(out, " = ");
    append_roff(out, key->example);
    g_string_append(out, ";\\fR\n");
}

void
keys_manual(GString *out)
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    g_string_append(out, ".SH KEYS\n");
    for (size_t i = 0; i < count; i++) {
        const char *name = blocks[i].name;
        g_string_append_printf(out, ".SS %s\n",
                               name[0] == '\0' ? "Top level" : name);
        append_sentences(out, blocks[i].help);
        for (size_t k = 0; k < blocks[i].count; k++)
            manual_key(&blocks[i].keys[k], out);
    }
}
