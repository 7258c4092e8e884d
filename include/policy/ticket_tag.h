/* The tag in subjects: "[#1042]", with a prefix "[acme #1042]". */
#ifndef POLICY_TICKET_TAG_H
#define POLICY_TICKET_TAG_H

#include <stdint.h>

/* The tag of ticket `id`; g_free() it. */
char *ticket_tag_format(const char *prefix, int64_t id);

/*
 * The ticket a subject claims: the number of the first "[PREFIX#n]" whose
 * prefix is `prefix`; 0 if there is none. At most 18 digits are read.
 */
int64_t ticket_tag_find(const char *prefix, const char *subject);

/* A copy of `subject` without tags of this prefix, one line. */
char *ticket_tag_strip(const char *prefix, const char *subject);

#endif
