/*
 * A press whose templates hold every placeholder that could carry a stranger's
 * words, and what a person or a relay sees of a mail it wrote.
 */
#ifndef SUPPORT_PRESS_H
#define SUPPORT_PRESS_H

#include "mail/header.h"
#include "policy/notice.h"
#include "sample.h"

/* All templates in English, their names as greeting, and an acknowledgement in
 * Italian, "conferma". */
TemplateSet *press_templates(void);

/* Ends the test unless it is 7-bit, CRLF, of short lines, whatever the values
 * were. */
void press_assert_clean(const Outgoing *outgoing);

/* Borrows `outgoing`. */
Header *press_header(const Outgoing *outgoing);

/* Its field, decoded, is that; NULL: it has none. */
void press_assert_field(const Outgoing *outgoing, const char *name,
                        const char *value);

/* The fields in order, "Name Name ..."; g_free() it. */
char *press_field_names(const Outgoing *outgoing);

/* What a person reads in it; g_free() it. */
char *press_text(const Outgoing *outgoing);

#endif
