/* All templates of the desk, by set, language and name. */
#ifndef POLICY_TEMPLATE_SET_H
#define POLICY_TEMPLATE_SET_H

#include "policy/template.h"

typedef struct TemplateSet TemplateSet;

TemplateSet *template_set_new(void);

/*
 * Take ownership of `parsed` under set ("" = the common one) and language. One
 * that was there before is replaced.
 */
void template_set_add(TemplateSet *templates, const char *set,
                      const char *language, TemplateName name,
                      Template *parsed);

/*
 * The best match, borrowed: set and language, the common set in that language,
 * the same two in the language without region ("de" of "de-at"), in English.
 * NULL only if there is no English one in the common set.
 */
const Template *template_set_find(const TemplateSet *templates, const char *set,
                                  const char *language, TemplateName name);

/* The language of what template_set_find() finds: "de" where "de-at" was asked
 * for. NULL if it finds nothing; g_free() it. */
char *template_set_language(const TemplateSet *templates, const char *set,
                            const char *language, TemplateName name);

/* What the worst of strangers would write, for trying templates out. */
extern const TemplateValues template_hostile_values;

/*
 * Render all with hostile values and with none: each Subject is one line that
 * is not empty, each text too, and the common set has every English template.
 * FAILURE_CONFIG names what is missing or came out wrong.
 */
bool template_set_check(const TemplateSet *templates, GError **error);

void template_set_free(TemplateSet *templates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateSet, template_set_free)

#endif
