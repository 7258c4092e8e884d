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

/* True if `text` has words by which failed or late delivery is reported. */
bool dsn_text_tells_failure(const char *text, size_t length);

/* True if it says that this is no final failure: "delayed", "will retry". */
bool dsn_text_tells_delay(const char *text, size_t length);

/*
 * The enhanced status "5.1.1" that the text states (RFC 3463); a specific one
 * is preferred to x.0.0. NULL if there is none.
 */
char *dsn_text_status(const char *text, size_t length);

/* The first digit of an SMTP reply in the text, '4' or '5'; 0 if none. */
char dsn_text_reply_class(const char *text, size_t length);

/*
 * Add a DsnRecipient for each address of the report that seems to have failed.
 * `own` are addresses that cannot be meant (char*, lower case): the reporter,
 * the one who wrote the mail.
 */
void dsn_text_recipients(const char *report, size_t length,
                         const GPtrArray *own, GPtrArray *failed);

#endif
