/* What the rules of the settings file share (private to this room). */
#ifndef SETTINGS_RULES_H
#define SETTINGS_RULES_H

#include "load.h"

/* Where element `index` of a list stands; NULL if the list is not written. */
const config_setting_t *rules_element_at(const Load *load, const char *list,
                                         guint index);

/* Where key `name` of that element stands, or else the element. */
const config_setting_t *rules_member_at(const config_setting_t *element,
                                        const char *name);

/* Accounts and their folders; their ports and kinds of login are filled in. */
bool rules_check_accounts(const Load *load);

#endif
