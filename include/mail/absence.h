/* Answers that nobody wrote: the mail program of somebody who is away. */
#ifndef MAIL_ABSENCE_H
#define MAIL_ABSENCE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if a decoded subject begins as such an answer's does, in many languages.
 * `is_reply`: the mail answers another one; in others the words must be all,
 * for people write them, too.
 */
bool absence_in_subject(const char *subject, bool is_reply);

/* The words that are looked for, one after the other; NULL behind the last. */
const char *absence_words_at(size_t index);

#endif
