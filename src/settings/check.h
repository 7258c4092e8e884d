/* What a text in the settings file may look like (private to this room). */
#ifndef SETTINGS_CHECK_H
#define SETTINGS_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "settings/keys.h"

/* NULL if `text` can be the value of `key`, or "what is wrong; what to do". */
char *check_text(const Key *key, const char *text);

/* The same for one element of a list. */
char *check_element(const Key *key, const char *text, size_t index);

/* True for "localhost" and for loopback address literals. */
bool check_is_this_machine(const char *host);

/* True for loopback address literals only. */
bool check_is_loopback(const char *host);

/* `text` fit for a message: one short line of valid UTF-8. */
char *check_shown(const char *text);

#endif
