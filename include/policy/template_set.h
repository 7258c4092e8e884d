/* All templates of the desk, by set, language and name. */
#ifndef POLICY_TEMPLATE_SET_H
#define POLICY_TEMPLATE_SET_H

#include "policy/template.h"

typedef struct TemplateSet TemplateSet;

TemplateSet *template_set_new(void);

/* Take ownership of `parsed` under set ("" = the common one) and language. */
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

void template_set_free(TemplateSet *templates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TemplateSet, template_set_free)

#endif
