/*
 * Delivery reports in plain words: where the report ends and the returned mail
 * begins, which addresses failed and what is said about them. Private to
 * dsn.c. One pass over a bounded number of lines.
 */
#ifndef MAIL_DSN_TEXT_H
#define MAIL_DSN_TEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Length of the report in front of the mail that is returned with it. */
size_t dsn_text_report_length(const char *text);

/*
 * Add a DsnRecipient for each address of the report that seems to have failed:
 * those that stand in lines of their own; without such, those that are named
 * as recipients; without such, any. `own` are addresses (char*, lower case)
 * that are not meant: the reporter's, and of who wrote the mail.
 */
void dsn_text_recipients(const char *report, size_t length,
                         const GPtrArray *own, GPtrArray *failed);

/*
 * The status in the line that names the recipient and in those that go on;
 * NULL if there is none. `report` is in lower case (ASCII): it is asked for
 * many recipients.
 */
char *dsn_text_status_of(const char *report, const char *addr_spec);

/*
 * The word without "@" that stands alone below "could not be delivered to:", as
 * mail systems write that name only their own users; NULL if there is none.
 */
char *dsn_text_lone_name(const char *report, size_t length);

/*
 * True if an address that may have failed stands in a line of its own, and this
 * or the one above it tells of failure.
 */
bool dsn_text_names_recipient(const char *report, size_t length,
                              const GPtrArray *own);

#endif
