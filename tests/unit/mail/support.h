/* What the tests of this room share. */
#ifndef TESTS_MAIL_SUPPORT_H
#define TESTS_MAIL_SUPPORT_H

#include <check.h>
#include <glib.h>

#include "mail/mail.h"

/* Run the tests that `add` puts into the case; the exit status of main(). */
int support_run(const char *name, void (*add)(TCase *tests));

/* Read a mail written as a string; `sender` as in mail_parse(). */
Mail *support_parse(const char *text, const char *sender);
Mail *support_parse_bytes(const char *bytes, size_t length);

/* True if a defect is noted. */
bool support_has_defect(const Mail *mail, const char *slug);

/* `count` copies of `piece`, between `before` and `after`. */
char *support_repeat(const char *before, const char *piece, size_t count,
                     const char *after);

/*
 * Twice the input takes less than three times the time: runs `work` on `count`
 * and on twice as many copies of `piece`, the best of some runs each.
 */
void support_grows_linearly(void (*work)(const char *text, size_t length),
                            const char *before, const char *piece, size_t count,
                            const char *after);

#endif
