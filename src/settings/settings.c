#include "settings/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "load.h"
#include "settings/nearest.h"
#include "source.h"
#include "value.h"

static const char *const form_words[] = {
    [FORM_TEXT] = "a text in quotes",
    [FORM_NUMBER] = "a number without quotes",
    [FORM_BOOL] = "true or false, without quotes",
    [FORM_LIST] = "a list of texts",
};

bool
load_refuse(const Load *load, const config_setting_t *at, const char *format,
            ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    unsigned line = at == NULL ? 0 : config_setting_source_line(at);
    failure_set(load->error, FAILURE_CONFIG, "%s:%u: %s", load->file,
                MAX(line, 1), message);
    return false;
}

/* "relay.port", or "log_level" of the top level. */
static char *
path_of(const KeyBlock *block, const char *name)
{
    return block->name[0] == '\0' ? g_strdup(name)
                                  : g_strdup_printf("%s.%s", block->name, name);
}

static bool
refuse_value(const Load *load, const config_setting_t *at,
             const KeyBlock *block, const Key *key, char *fault)
{
    g_autofree char *owned = fault;
    g_autofree char *path = path_of(block, key->name);
    return load_refuse(load, at, "%s: %s", path, owned);
}

static bool
refuse_type(const Load *load, const config_setting_t *at, const KeyBlock *block,
            const Key *key)
{
    g_autofree char *path = path_of(block, key->name);
    g_autofree char *standard = keys_standard_text(key);
    const char *example = key->example != NULL ? key->example : standard;
    return load_refuse(load, at, "%s: must be %s; write for example %s = %s;",
                       path, form_words[value_form(key->type)], key->name,
                       example);
}

/* The key or block that was meant where `block` has no `name`, or NULL. */
static const char *
nearest_in(const KeyBlock *block, const char *name)
{
    const char *near =
        nearest_name(name, block->keys, block->count, sizeof(Key));
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    if (near == NULL && block == blocks)
        return nearest_name(name, blocks + 1, count - 1, sizeof(KeyBlock));
    for (size_t i = 0; near == NULL && i < count; i++) {
        const char *word = keys_block_word(&blocks[i]);
        if (g_strcmp0(blocks[i].within, block->name) == 0)
            near = nearest_name(name, &word, 1, sizeof word);
    }
    return near;
}

static bool
refuse_unknown(const Load *load, const config_setting_t *at,
               const KeyBlock *block, const char *name)
{
    g_autofree char *path = path_of(block, name);
    const char *near = nearest_in(block, name);
    if (near != NULL)
        return load_refuse(load, at, "unknown key '%s'; did you mean '%s'?",
                           path, near);
    return load_refuse(load, at, "unknown key '%s'; postern.conf(5) lists all",
                       path);
}

/* The texts of an array or list; false if it is none or holds anything else. */
static bool
take_texts(const config_setting_t *at, GPtrArray *texts)
{
    if (!config_setting_is_array(at) && !config_setting_is_list(at))
        return false;
    for (int i = 0; i < config_setting_length(at); i++) {
        const char *text =
            config_setting_get_string(config_setting_get_elem(at, (unsigned)i));
        if (text == NULL)
            return false;
        g_ptr_array_add(texts, (char *)text);
    }
    return true;
}

static bool
read_key(const Load *load, const config_setting_t *at, const KeyBlock *block,
         const Key *key, void *strukt)
{
    int type = config_setting_type(at);
    char *fault = NULL;
    switch (value_form(key->type)) {
    case FORM_TEXT:
        if (type != CONFIG_TYPE_STRING)
            return refuse_type(load, at, block, key);
        fault = value_set_text(key, strukt, config_setting_get_string(at));
        break;
    case FORM_NUMBER:
        if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
            return refuse_type(load, at, block, key);
        fault = value_set_number(key, strukt, config_setting_get_int64(at));
        break;
    case FORM_BOOL:
        if (type != CONFIG_TYPE_BOOL)
            return refuse_type(load, at, block, key);
        value_set_bool(key, strukt, config_setting_get_bool(at) != 0);
        break;
    case FORM_LIST: {
        g_autoptr(GPtrArray) texts = g_ptr_array_new();
        if (!take_texts(at, texts))
            return refuse_type(load, at, block, key);
        fault = value_set_list(key, strukt, (const char *const *)texts->pdata,
                               texts->len);
        break;
    }
    }
    return fault == NULL || refuse_value(load, at, block, key, fault);
}

/* Keys without a default that `at` (NULL: the block itself) does not name. */
static bool
check_required(const Load *load, const config_setting_t *at,
               const KeyBlock *block)
{
    for (size_t i = 0; i < block->count; i++) {
        const Key *key = &block->keys[i];
        if (!keys_is_required(key) ||
            (at != NULL && config_setting_get_member(at, key->name) != NULL))
            continue;
        g_autofree char *path = path_of(block, key->name);
        return load_refuse(load, at,
                           "%s is missing; write for example %s = %s;", path,
                           key->name, key->example);
    }
    return true;
}

static bool read_list(const Load *load, const config_setting_t *at,
                      const KeyBlock *block, void *owner);

static bool
read_group(const Load *load, const config_setting_t *at, const KeyBlock *block,
           void *strukt)
{
    if (!config_setting_is_group(at))
        return load_refuse(load, at, "%s: must be a block; write %s",
                           block->name,
                           block->is_list ? "( { ... } )" : "{ ... }");
    for (int i = 0; i < config_setting_length(at); i++) {
        config_setting_t *member = config_setting_get_elem(at, (unsigned)i);
        const char *name = config_setting_name(member);
        const Key *key = keys_find(block, name);
        const KeyBlock *inner = keys_block_within(block, name);
        if (key == NULL && inner == NULL)
            return refuse_unknown(load, member, block, name);
        if (inner != NULL ? !read_list(load, member, inner, strukt)
                          : !read_key(load, member, block, key, strukt))
            return false;
    }
    return check_required(load, at, block);
}

static void
set_standards(const KeyBlock *block, void *strukt)
{
    for (size_t i = 0; i < block->count; i++)
        value_set_standard(&block->keys[i], strukt);
}

static GPtrArray **
list_of(const KeyBlock *block, void *owner)
{
    return (GPtrArray **)(void *)((char *)owner + block->offset);
}

/* Call `each` for the lists within the elements of the list `block`. */
static void
for_inner(const KeyBlock *block, void *strukt,
          void (*each)(const KeyBlock *inner, void *owner))
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 0; i < count; i++)
        if (g_strcmp0(blocks[i].within, block->name) == 0)
            each(&blocks[i], strukt);
}

static void
list_new(const KeyBlock *block, void *owner)
{
    *list_of(block, owner) = g_ptr_array_new_with_free_func(g_free);
}

static void *
struct_new(const KeyBlock *block)
{
    void *strukt = g_malloc0(block->size);
    set_standards(block, strukt);
    for_inner(block, strukt, list_new);
    return strukt;
}

static bool
read_list(const Load *load, const config_setting_t *at, const KeyBlock *block,
          void *owner)
{
    const char *word = keys_block_word(block);
    if (!config_setting_is_list(at))
        return load_refuse(load, at,
                           "%s: must be a list of blocks; write %s = "
                           "( { ... }, { ... } );",
                           block->name, word);
    GPtrArray *list = *list_of(block, owner);
    for (int i = 0; i < config_setting_length(at); i++) {
        void *strukt = struct_new(block);
        g_ptr_array_add(list, strukt);
        if (!read_group(load, config_setting_get_elem(at, (unsigned)i), block,
                        strukt))
            return false;
    }
    return true;
}

static bool
read_member(const Load *load, const config_setting_t *at)
{
    const char *name = config_setting_name(at);
    size_t count = 0;
    const KeyBlock *top = keys_blocks(&count);
    const Key *key = keys_find(top, name);
    if (key != NULL)
        return read_key(load, at, top, key, load->settings);
    const KeyBlock *block = keys_block(name);
    if (block == NULL || block->within != NULL)
        return refuse_unknown(load, at, top, name);
    if (block->is_list)
        return read_list(load, at, block, load->settings);
    return read_group(load, at, block, (char *)load->settings + block->offset);
}

/* Blocks that are not there at all, but have keys that must be given. */
static bool
check_absent(const Load *load)
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 1; i < count; i++)
        if (!blocks[i].is_list &&
            config_lookup(load->config, blocks[i].name) == NULL &&
            !check_required(load, NULL, &blocks[i]))
            return false;
    return true;
}

static bool
read_all(const Load *load)
{
    config_setting_t *root = config_root_setting(load->config);
    for (int i = 0; i < config_setting_length(root); i++)
        if (!read_member(load, config_setting_get_elem(root, (unsigned)i)))
            return false;
    return check_absent(load) && load_check_rules(load);
}

static void
clear_struct(const KeyBlock *block, void *strukt)
{
    for (size_t i = 0; i < block->count; i++)
        value_clear(&block->keys[i], strukt);
}

static void
clear_list(const KeyBlock *block, void *owner)
{
    GPtrArray *list = *list_of(block, owner);
    for (guint i = 0; i < list->len; i++) {
        for_inner(block, list->pdata[i], clear_list);
        clear_struct(block, list->pdata[i]);
    }
    g_ptr_array_free(list, TRUE);
}

static void
clear_block(const KeyBlock *block, Settings *settings)
{
    if (block->is_list)
        clear_list(block, settings);
    else
        clear_struct(block, (char *)settings + block->offset);
}

static Settings *
settings_new(const char *file)
{
    Settings *settings = g_new0(Settings, 1);
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].within != NULL)
            continue; /* made with what it is in */
        if (blocks[i].is_list)
            list_new(&blocks[i], settings);
        else
            set_standards(&blocks[i], (char *)settings + blocks[i].offset);
    }
    settings->file = g_strdup(file);
    return settings;
}

void
settings_free(Settings *settings)
{
    if (settings == NULL)
        return;
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 0; i < count; i++)
        if (blocks[i].within == NULL)
            clear_block(&blocks[i], settings);
    g_free(settings->file);
    if (settings->text != NULL)
        explicit_bzero(settings->text, settings->text_bytes);
    g_free(settings->text);
    g_free(settings);
}

/* Into an object of its own: after an error nothing of it is used (G64). */
static bool
parse(const char *file, const char *text, config_t *config, GError **error)
{
    config_init(config);
    if (config_read_string(config, text) == CONFIG_TRUE)
        return true;
    const char *fault = config_error_text(config);
    failure_set(error, FAILURE_CONFIG,
                "%s:%d: %s; look at this line and the one before it", file,
                MAX(config_error_line(config), 1),
                fault == NULL || fault[0] == '\0' ? "syntax error" : fault);
    return false;
}

/* Takes the bytes of `source`. */
static Settings *
read_source(const char *file, SmallFile *source, GError **error)
{
    config_t config;
    g_autoptr(Settings) settings = settings_new(file);
    settings->file_owner = source->owner;
    settings->file_mode = source->mode;
    settings->text_bytes = source->length;
    settings->text = g_steal_pointer(&source->bytes);
    Load load = {file, &config, settings, error};
    bool good = parse(file, settings->text, &config, error) && read_all(&load);
    config_destroy(&config);
    return good ? g_steal_pointer(&settings) : NULL;
}

Settings *
settings_load(const char *file, GError **error)
{
    g_auto(SmallFile) source = {0};
    return source_read(file, &source, error) ? read_source(file, &source, error)
                                             : NULL;
}

Settings *
settings_load_text(const char *file, const char *text, size_t length,
                   GError **error)
{
    if (!source_check(file, text, length, error))
        return NULL;
    g_auto(SmallFile) source = {
        .bytes = g_strndup(text, length), .length = length, .owner = geteuid()};
    return read_source(file, &source, error);
}

const Queue *
settings_queue(const Settings *settings, const char *name)
{
    for (guint i = 0; i < settings->queues->len; i++) {
        const Queue *queue = settings->queues->pdata[i];
        if (strcmp(queue->name, name) == 0)
            return queue;
    }
    return NULL;
}

const Account *
settings_account(const Settings *settings, const char *name)
{
    for (guint i = 0; i < settings->accounts->len; i++) {
        const Account *account = settings->accounts->pdata[i];
        if (strcmp(account->name, name) == 0)
            return account;
    }
    return NULL;
}

bool
settings_watched(const Settings *settings, int index,
                 const Account **ret_account, const WatchedFolder **ret_folder)
{
    guint left = (guint)index;
    for (guint i = 0; i < settings->accounts->len; i++) {
        const Account *account = settings->accounts->pdata[i];
        if (left < account->folders->len) {
            *ret_account = account;
            *ret_folder = account->folders->pdata[left];
            return true;
        }
        left -= account->folders->len;
    }
    return false;
}

int
settings_watched_count(const Settings *settings)
{
    guint count = 0;
    for (guint i = 0; i < settings->accounts->len; i++)
        count += ((const Account *)settings->accounts->pdata[i])->folders->len;
    return (int)count;
}
