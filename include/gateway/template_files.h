/* Templates come from text files, once at start: policy itself opens none. */
#ifndef GATEWAY_TEMPLATE_FILES_H
#define GATEWAY_TEMPLATE_FILES_H

#include <glib.h>

#include "policy/template_set.h"

/*
 * Read LANGUAGE/NAME.txt and, for each of `sets` (ends with NULL; may be NULL;
 * "" is skipped), SET/LANGUAGE/NAME.txt below `directory`, in every language
 * that has a folder. A partial {{>x}} is LANGUAGE/x.txt of the same set, else
 * of the common one. Files with other names are ignored.
 * Returns: a set the caller owns; NULL with FAILURE_CONFIG "file:line: ..." if
 * one cannot be read or parsed, does not suit its purpose
 * (template_suits()), or an English one is missing.
 */
TemplateSet *template_files_load(const char *directory, const char *const *sets,
                                 GError **error);

#endif
