/*
 * The words and codes by which mail systems tell that a mail was not delivered,
 * in many languages. Private to dsn.c and dsn_text.c.
 */
#ifndef MAIL_DSN_WORDS_H
#define MAIL_DSN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* True if `text` has words by which failed or late delivery is reported. */
bool dsn_words_tell_failure(const char *text, size_t length);

/* True if it says that this is no final failure: "delayed", "will retry". */
bool dsn_words_tell_delay(const char *text, size_t length);

/*
 * The enhanced status "5.1.1" that the text states (RFC 3463); a specific one
 * is preferred to x.0.0. NULL if there is none; free with g_free().
 */
char *dsn_words_status(const char *text, size_t length);

/* The first digit of an SMTP reply in the text, '4' or '5'; 0 if none. */
char dsn_words_reply_class(const char *text, size_t length);

/* The words that are looked for, one after the other; NULL behind the last. */
const char *dsn_words_at(size_t index);

#endif
