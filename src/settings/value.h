/*
 * Values of the settings file (private to this room): what a person writes to
 * what a field of a struct holds, and back. Nothing here knows libconfig.
 *
 * A function that can refuse returns NULL, or the reason as a sentence "what is
 * wrong; what to do" that the caller frees; the field is then untouched.
 */
#ifndef SETTINGS_VALUE_H
#define SETTINGS_VALUE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "settings/keys.h"

/* How a value is written in the file. */
typedef enum { FORM_TEXT, FORM_NUMBER, FORM_BOOL, FORM_LIST } ValueForm;

ValueForm value_form(KeyType type);

/* "5min", "1h 30min", "0": seconds. False and untouched if it is none. */
bool value_duration_parse(const char *text, int64_t *ret_s);
char *value_duration_text(int64_t duration_s);

/* "25MiB", "0": bytes. False and untouched if it is none. */
bool value_size_parse(const char *text, int64_t *ret_bytes);
char *value_size_text(int64_t bytes);

/* "2026-01-31", "" is 0: Unix seconds of that midnight, UTC. */
bool value_date_parse(const char *text, int64_t *ret_s);
char *value_date_text(int64_t date_s);

/* Set the field of `key` in `strukt`; texts are copied. */
char *value_set_text(const Key *key, void *strukt, const char *text);
char *value_set_number(const Key *key, void *strukt, int64_t number);
void value_set_bool(const Key *key, void *strukt, bool value);
char *value_set_list(const Key *key, void *strukt, const char *const *texts,
                     size_t count);

/* Set the default; a key that must be given becomes "" or an empty list. */
void value_set_standard(const Key *key, void *strukt);

/* The field as a number (numbers, durations, sizes, modes, words, bools). */
int64_t value_number(const Key *key, const void *strukt);

/* The field as a text or a list, borrowed. */
const char *value_text(const Key *key, const void *strukt);
GStrv value_list(const Key *key, const void *strukt);

/* Free what the field points to. */
void value_clear(const Key *key, void *strukt);

#endif
