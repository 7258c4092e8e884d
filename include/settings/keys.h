/*
 * Every key of the settings file, once: one table a block, one row a key.
 * Parsing, ranges and defaults follow these rows, and so do the output of
 * `postern settings`, conf/postern.conf.sample and the KEYS of postern.conf(5).
 */
#ifndef SETTINGS_KEYS_H
#define SETTINGS_KEYS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings/settings.h"

typedef enum {
    KEY_STRING,    /* one line of text                          char * */
    KEY_NAME,      /* [a-z0-9-], begins with a letter or digit  char * */
    KEY_LANGUAGE,  /* "en", "de-at"                             char * */
    KEY_ACCOUNT,   /* name of a user or group                   char * */
    KEY_HOST,      /* host name or address literal              char * */
    KEY_PATH,      /* absolute path                             char * */
    KEY_ADDRESS,   /* addr-spec                                 char * */
    KEY_ADDRESSES, /* [ addr-spec, ... ]                        GStrv */
    KEY_ARGV,      /* [ "/program", "argument", ... ], no shell GStrv */
    KEY_CONNINFO,  /* libpq keywords or URI, no password        char * */
    KEY_INTEGER,  /* number without unit       int, int64_t, uint16_t, size_t */
    KEY_BOOL,     /* true, false                               bool */
    KEY_DURATION, /* "90s" "5min" "1h 30min" "30d"             int64_t, s */
    KEY_SIZE, /* "100B" "4KiB" "25MiB" "1GiB"       int64_t, size_t, bytes */
    KEY_MODE, /* "0660"                                    mode_t */
    KEY_DATE, /* "2026-01-31"; "" is 0     int64_t, Unix s, midnight UTC */
    KEY_WORD  /* one of a few words                        an enum */
} KeyType;

/* One word of a KEY_WORD and the number it stands for. */
typedef struct {
    const char *name;
    int value;
} KeyWord;

typedef struct {
    const char *name;
    KeyType type;
    const char *standard; /* default, as between the quotes of the file; NULL:
                             an empty list if min is 0, else must be given */
    int64_t min, max;     /* numbers: the value; texts and lists: the length */
    bool or_zero;         /* 0 is allowed below min ("never", "for ever") */
    size_t offset;        /* in the struct of the block */
    size_t width;         /* of the field there, in bytes */
    const char *help;     /* sentences, plain ASCII */
    const char *example;  /* as in the file, for documents; may be NULL */
    bool in_sample;       /* the sample gives the example, not as a comment */
    const KeyWord *words; /* of a KEY_WORD, ends with a NULL name */
} Key;

/* A block: the top level, one group ("relay"), or a list of groups. */
typedef struct {
    const char *name;   /* "" for the top level; "accounts.folders" for a list
                           within each element of another */
    const char *within; /* that other list; NULL: it stands at the top */
    bool is_list;       /* name = ( { ... }, { ... } ); */
    bool is_optional;   /* the sample gives it as a comment */
    size_t offset; /* in Settings, or in the struct of `within`: of the struct,
                      or of the GPtrArray * */
    size_t size;   /* of one struct */
    const Key *keys;
    size_t count;
    const char *help;
} KeyBlock;

/* All blocks in the order of the manual; the top level comes first. */
const KeyBlock *keys_blocks(size_t *ret_count);

/* The block with this name, or NULL. */
const KeyBlock *keys_block(const char *name);

/* The list `name` within each element of the list `block`, or NULL. */
const KeyBlock *keys_block_within(const KeyBlock *block, const char *name);

/* What a block is called in the file: "folders". */
const char *keys_block_word(const KeyBlock *block);

/* The key of that block, or NULL. */
const Key *keys_find(const KeyBlock *block, const char *name);

/*
 * "relay.port" to its row: true and both outputs set, or false. Top-level keys
 * have no dot; elements of lists are "queues.name".
 */
bool keys_find_path(const char *path, const KeyBlock **ret_block,
                    const Key **ret_key);

/* True if the file must give it. */
bool keys_is_required(const Key *key);

/* How many structs of the block `settings` holds: 1, or the list's length; of a
 * list within a list, all of them. */
size_t keys_struct_count(const KeyBlock *block, const Settings *settings);

/* The struct that the keys' offsets belong to; borrowed. */
const void *keys_struct(const KeyBlock *block, const Settings *settings,
                        size_t index);

/*
 * The value in `strukt` as it would stand in the file, quotes and all:
 * `"5min"`, `25`, `[ "a@example.org" ]`. Free with g_free().
 */
char *keys_value_text(const Key *key, const void *strukt);

/* The default in the same form; NULL if the key must be given. */
char *keys_standard_text(const Key *key);

/* What may be written: "1 to 65535", "1s to 1h", "off, starttls or tls". */
char *keys_range_text(const Key *key);

/* "duration", "list of addresses", ... for people. */
const char *keys_type_text(KeyType type);

/* True if `strukt` holds the default. */
bool keys_is_standard(const Key *key, const void *strukt);

/*
 * Append the settings in force as a file that loads to the same: for
 * `postern settings`. With `only_changed` no key that has its default.
 */
void keys_print(const Settings *settings, bool only_changed, GString *out);

/* Append the reference entry of one key as plain text of 78 columns. */
void keys_reference(const KeyBlock *block, const Key *key, GString *out);

/* Append conf/postern.conf.sample. */
void keys_sample(GString *out);

/* Append the section KEYS of postern.conf(5), in man(7) macros. */
void keys_manual(GString *out);

#endif
