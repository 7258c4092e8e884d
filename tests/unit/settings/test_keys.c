/* Every row of keys.c, tried at both ends of its range and beyond. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "settings/keys.h"
#include "settings/nearest.h"

/* Call `each` for every key of every block. */
static void
for_each_key(void (*each)(const KeyBlock *block, const Key *key))
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < blocks[i].count; k++)
            each(&blocks[i], &blocks[i].keys[k]);
}

/* How the minimal file with this key is shown once it is loaded. */
static char *
shown_with(const KeyBlock *block, const Key *key, const char *value)
{
    unsigned line = 0;
    g_autofree char *text = scratch_text_with(block, key->name, value, &line);
    g_autoptr(Settings) settings = scratch_load_good(text);
    return keys_value_text(key, keys_struct(block, settings, 0));
}

static void
refused_with(const KeyBlock *block, const Key *key, const char *value,
             const char *words)
{
    unsigned line = 0;
    g_autofree char *text = scratch_text_with(block, key->name, value, &line);
    g_autofree char *fault = scratch_fault(text);
    g_autofree char *begin =
        g_strdup_printf("%u: %s%s%s: ", line, block->name,
                        block->name[0] == '\0' ? "" : ".", key->name);
    ck_assert_msg(g_str_has_prefix(fault, begin), "'%s' does not begin '%s'",
                  fault, begin);
    ck_assert_msg(strstr(fault, words) != NULL, "no '%s' in '%s'", words,
                  fault);
}

static bool
is_counted(const Key *key)
{
    return key->type == KEY_INTEGER || key->type == KEY_DURATION ||
           key->type == KEY_SIZE;
}

/* A number as this key writes it. */
static char *
written(const Key *key, int64_t number)
{
    switch (key->type) {
    case KEY_DURATION:
        return g_strdup_printf("\"%" G_GINT64_FORMAT "s\"", number);
    case KEY_SIZE:
        return g_strdup_printf("\"%" G_GINT64_FORMAT "B\"", number);
    default:
        return g_strdup_printf("%" G_GINT64_FORMAT, number);
    }
}

/* The other limits that a rule compares with: at their own far ends. */
static bool
has_rule(const KeyBlock *block, const Key *key)
{
    static const char *const ruled[] = {
        "outbox.first_retry", "outbox.longest_retry", "outbox.give_up",
        "limits.header_size", NULL};
    g_autofree char *path = g_strconcat(block->name, ".", key->name, NULL);
    return g_strv_contains(ruled, path);
}

static void
try_ends(const KeyBlock *block, const Key *key)
{
    if (!is_counted(key))
        return;
    const int64_t ends[] = {key->min, key->max};
    for (size_t i = 0; i < 2 && !has_rule(block, key); i++) {
        g_autofree char *value = written(key, ends[i]);
        g_autofree char *shown = shown_with(block, key, value);
        g_autofree char *again = shown_with(block, key, shown);
        ck_assert_str_eq(shown, again);
    }
    g_autofree char *above = written(key, key->max + 1);
    refused_with(block, key, above, "is out of range; write ");
    if (key->min == 0)
        return;
    g_autofree char *below = written(key, key->min - 1);
    if (!key->or_zero || key->min > 1)
        refused_with(block, key, below, "is out of range; write ");
}

START_TEST(both_ends_of_every_range_load_and_what_is_beyond_does_not)
{
    for_each_key(try_ends);
}
END_TEST

static void
try_zero(const KeyBlock *block, const Key *key)
{
    if (!is_counted(key))
        return;
    const char *zero = key->type == KEY_INTEGER ? "0" : "\"0\"";
    if (key->min > 0 && !key->or_zero) {
        refused_with(block, key, zero, "is out of range");
        return;
    }
    g_autofree char *shown = shown_with(block, key, zero);
    /* The usual port takes its place. */
    bool is_filled_in = strcmp(block->name, "accounts") == 0;
    ck_assert_str_eq(shown, is_filled_in ? "993" : zero);
}

START_TEST(zero_is_taken_where_it_means_something)
{
    for_each_key(try_zero);
}
END_TEST

static void
try_wrong_types(const KeyBlock *block, const Key *key)
{
    static const struct {
        const char *value;
        bool text, number, boolean, list;
    } values[] = {
        {"\"text\"", true, false, false, false},
        {"7", false, true, false, false},
        {"7L", false, true, false, false},
        {"7.5", false, false, false, false},
        {"true", false, false, true, false},
        {"[ \"/text\" ]", false, false, false, true},
        {"[ 7 ]", false, false, false, false},
        {"( \"a\", 7 )", false, false, false, false},
        {"{ a = 7; }", false, false, false, false},
    };
    bool list = key->type == KEY_ADDRESSES || key->type == KEY_ARGV;
    bool number = key->type == KEY_INTEGER;
    bool boolean = key->type == KEY_BOOL;
    bool text = !list && !number && !boolean;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        if ((text && !values[i].text) || (number && !values[i].number) ||
            (boolean && !values[i].boolean) || (list && !values[i].list))
            refused_with(block, key, values[i].value, "must be ");
}

START_TEST(every_key_refuses_every_other_type)
{
    for_each_key(try_wrong_types);
}
END_TEST

static void
try_bytes(const KeyBlock *block, const Key *key)
{
    static const struct {
        const char *bytes;
        const char *words;
    } rows[] = {
        {"a\\nb", "control character"},
        {"a\\rb", "control character"},
        {"a\\tb", "control character"},
        {"a\\x1bb", "control character"},
        {"a\\x7fb", "control character"},
        {"\\xffa", "not valid UTF-8"},
        {"a\xE2\x80\xA8 b", "control character"},
        {"a\xC2\x85 b", "control character"},
    };
    bool list = key->type == KEY_ADDRESSES || key->type == KEY_ARGV;
    bool free_text = key->standard == NULL || key->standard[0] == '\0' ||
                     key->type == KEY_PATH;
    if (!list && (!free_text || is_counted(key) || key->type == KEY_BOOL ||
                  key->type == KEY_DATE))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *value =
            g_strdup_printf(list ? "[ \"%s\" ]" : "\"%s\"", rows[i].bytes);
        refused_with(block, key, value, rows[i].words);
    }
}

START_TEST(no_text_holds_controls_or_broken_utf8)
{
    for_each_key(try_bytes);
}
END_TEST

/* A user needs a password and a password needs a user: test_settings.c. So does
 * a folder need a queue that is there. */
static bool
asks_for_another(const KeyBlock *block, const Key *key)
{
    static const char *const paths[] = {"relay.user", "relay.password_file",
                                        "accounts.folders.queue", NULL};
    g_autofree char *path = g_strconcat(block->name, ".", key->name, NULL);
    return g_strv_contains(paths, path);
}

static void
try_length(const KeyBlock *block, const Key *key)
{
    if (key->type != KEY_STRING && key->type != KEY_NAME &&
        key->type != KEY_PATH && key->type != KEY_CONNINFO &&
        key->type != KEY_ACCOUNT)
        return;
    g_autofree char *long_text = g_strnfill((gsize)key->max, 'a');
    long_text[0] = key->type == KEY_PATH ? '/' : 'a';
    g_autofree char *longest = g_strdup_printf("\"%s\"", long_text);
    g_autofree char *longer = g_strdup_printf("\"%sa\"", long_text);
    if (!asks_for_another(block, key))
        g_free(shown_with(block, key, longest));
    refused_with(block, key, longer, "write at most ");
    if (key->min > 0)
        refused_with(block, key, "\"\"", "is empty; write a value");
}

START_TEST(every_text_has_a_longest_length)
{
    for_each_key(try_length);
}
END_TEST

static void
try_standard(const KeyBlock *block, const Key *key)
{
    g_autoptr(Settings) settings =
        scratch_load_good(SCRATCH_MINIMAL SCRATCH_ACCOUNT);
    g_autofree char *standard = keys_standard_text(key);
    /* Filled in by a rule, or written in the text that is loaded. */
    static const char *const depend[] = {
        "queues.display_name", "listeners.socket",       "relay.tls",
        "accounts.port",       "accounts.password_file", NULL};
    g_autofree char *path = g_strconcat(block->name, ".", key->name, NULL);
    ck_assert_uint_eq(keys_struct_count(block, settings), 1);
    const void *strukt = keys_struct(block, settings, 0);
    g_autofree char *value = keys_value_text(key, strukt);
    ck_assert_int_eq(keys_is_required(key), standard == NULL);
    if (standard == NULL || g_strv_contains(depend, path))
        return;
    ck_assert_str_eq(value, standard);
    ck_assert(keys_is_standard(key, strukt));
}

START_TEST(what_is_not_written_has_its_default)
{
    for_each_key(try_standard);
}
END_TEST

static void
try_reference(const KeyBlock *block, const Key *key)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *path = g_strconcat(
        block->name, block->name[0] == '\0' ? "" : ".", key->name, NULL);
    const KeyBlock *found_block = NULL;
    const Key *found = NULL;
    ck_assert(keys_find_path(path, &found_block, &found));
    ck_assert_ptr_eq(found, key);
    ck_assert_ptr_eq(found_block, block);
    keys_reference(block, key, out);
    ck_assert(g_str_has_prefix(out->str, path));
    ck_assert_msg(g_str_is_ascii(key->help) && g_str_has_suffix(key->help, "."),
                  "%s", path);
    g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++)
        ck_assert_msg(strlen(lines[i]) <= 79 || strchr(lines[i], '"') != NULL,
                      "%s", lines[i]);
}

START_TEST(every_key_is_found_and_explained)
{
    for_each_key(try_reference);
    const KeyBlock *block = NULL;
    const Key *key = NULL;
    static const char *const wrong[] = {
        "",          ".",    "relay",        "relay.",
        ".user",     "port", "relay.port.x", "queue.name",
        "Relay.port"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        ck_assert_msg(!keys_find_path(wrong[i], &block, &key), "%s", wrong[i]);
    ck_assert_ptr_null(block);
    ck_assert_ptr_null(key);
}
END_TEST

/* Of words that mean the same the first is shown. */
static const char *
first_word(const Key *key, int value)
{
    const KeyWord *word = key->words;
    while (word->value != value)
        word++;
    return word->name;
}

static void
try_words(const KeyBlock *block, const Key *key)
{
    if (key->type != KEY_WORD)
        return;
    for (const KeyWord *word = key->words; word->name != NULL; word++) {
        g_autofree char *value = g_strdup_printf("\"%s\"", word->name);
        g_autofree char *wanted =
            g_strdup_printf("\"%s\"", first_word(key, word->value));
        g_autofree char *shown = shown_with(block, key, value);
        ck_assert_str_eq(shown, wanted);
    }
    refused_with(block, key, "\"Off\"", "'Off' is not known; write ");
    refused_with(block, key, "\"\"", "is not known; write ");
}

START_TEST(words_are_those_of_the_table)
{
    for_each_key(try_words);
}
END_TEST

START_TEST(the_nearest_name_is_the_one_that_was_meant)
{
    static const char *const names[] = {"port", "host", "helo_name",
                                        "password_file", "password_command"};
    static const struct {
        const char *word;
        const char *nearest;
    } rows[] = {{"prot", "port"},
                {"por", "port"},
                {"Port", "port"},
                {"hots", "host"},
                {"heloname", "helo_name"},
                {"passwort_file", "password_file"},
                {"colour", NULL},
                {"", NULL},
                {"x", NULL}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        ck_assert_pstr_eq(nearest_name(rows[i].word, names, G_N_ELEMENTS(names),
                                       sizeof names[0]),
                          rows[i].nearest);
    g_autofree char *endless = g_strnfill(1000000, 'a');
    ck_assert_ptr_null(
        nearest_name(endless, names, G_N_ELEMENTS(names), sizeof names[0]));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("keys");
    TCase *rows = tcase_create("rows");
    tcase_set_timeout(rows, 60);
    tcase_add_test(rows,
                   both_ends_of_every_range_load_and_what_is_beyond_does_not);
    tcase_add_test(rows, zero_is_taken_where_it_means_something);
    tcase_add_test(rows, every_key_refuses_every_other_type);
    tcase_add_test(rows, no_text_holds_controls_or_broken_utf8);
    tcase_add_test(rows, every_text_has_a_longest_length);
    tcase_add_test(rows, what_is_not_written_has_its_default);
    tcase_add_test(rows, every_key_is_found_and_explained);
    tcase_add_test(rows, words_are_those_of_the_table);
    tcase_add_test(rows, the_nearest_name_is_the_one_that_was_meant);
    suite_add_tcase(suite, rows);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
