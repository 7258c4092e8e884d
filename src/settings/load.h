/* A settings file on its way into a Settings (private to this room). */
#ifndef SETTINGS_LOAD_H
#define SETTINGS_LOAD_H

#include <glib.h>
#include <libconfig.h>
#include <stdbool.h>

#include "settings/keys.h"

typedef struct {
    const char *file;
    const config_t *config;
    Settings *settings;
    GError **error;
} Load;

/*
 * FAILURE_CONFIG "FILE:LINE: " and the message; the line is that of `at`, or 1
 * where nothing is written that could be pointed to. Returns false.
 */
bool load_refuse(const Load *load, const config_setting_t *at,
                 const char *format, ...) G_GNUC_PRINTF(3, 4);

/* What no single key can say: rules between keys, and defaults that depend. */
bool load_check_rules(const Load *load);

#endif
