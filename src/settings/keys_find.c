/* Keys and blocks by their names, and the structs that they describe. */
#include <string.h>

#include "settings/keys.h"

const KeyBlock *
keys_block(const char *name)
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(blocks[i].name, name) == 0)
            return &blocks[i];
    return NULL;
}

const Key *
keys_find(const KeyBlock *block, const char *name)
{
    for (size_t i = 0; i < block->count; i++)
        if (strcmp(block->keys[i].name, name) == 0)
            return &block->keys[i];
    return NULL;
}

const KeyBlock *
keys_block_within(const KeyBlock *block, const char *name)
{
    g_autofree char *path = g_strconcat(block->name, ".", name, NULL);
    const KeyBlock *inner = keys_block(path);
    return inner != NULL && inner->within != NULL ? inner : NULL;
}

const char *
keys_block_word(const KeyBlock *block)
{
    return block->within == NULL ? block->name
                                 : block->name + strlen(block->within) + 1;
}

bool
keys_find_path(const char *path, const KeyBlock **ret_block,
               const Key **ret_key)
{
    const char *dot = strrchr(path, '.');
    g_autofree char *block_name =
        g_strndup(path, dot == NULL ? 0 : (size_t)(dot - path));
    const KeyBlock *block = keys_block(block_name);
    if (block == NULL || (dot != NULL && dot == path))
        return false;
    const Key *key = keys_find(block, dot == NULL ? path : dot + 1);
    if (key == NULL)
        return false;
    *ret_block = block;
    *ret_key = key;
    return true;
}

bool
keys_is_required(const Key *key)
{
    return key->standard == NULL && key->min > 0;
}

/* The list in `strukt`: Settings, or an element of the list around. */
static const GPtrArray *
list_of(const KeyBlock *block, const void *strukt)
{
    const void *field = (const char *)strukt + block->offset;
    return *(GPtrArray *const *)field;
}

size_t
keys_struct_count(const KeyBlock *block, const Settings *settings)
{
    if (!block->is_list)
        return 1;
    if (block->within == NULL)
        return list_of(block, settings)->len;
    const GPtrArray *outer = list_of(keys_block(block->within), settings);
    size_t count = 0;
    for (guint i = 0; i < outer->len; i++)
        count += list_of(block, outer->pdata[i])->len;
    return count;
}

static const void *
inner_struct(const KeyBlock *block, const Settings *settings, size_t index)
{
    const GPtrArray *outer = list_of(keys_block(block->within), settings);
    for (guint i = 0; i < outer->len; i++) {
        const GPtrArray *list = list_of(block, outer->pdata[i]);
        if (index < list->len)
            return list->pdata[index];
        index -= list->len;
    }
    g_assert_not_reached();
}

const void *
keys_struct(const KeyBlock *block, const Settings *settings, size_t index)
{
    g_assert(index < keys_struct_count(block, settings));
    if (block->within != NULL)
        return inner_struct(block, settings, index);
    if (block->is_list)
        return list_of(block, settings)->pdata[index];
    return (const char *)settings + block->offset;
}
