/* Answers that nobody wrote: the mail program of somebody who is away. */
#ifndef MAIL_ABSENCE_H
#define MAIL_ABSENCE_H

#include <stdbool.h>

/*
 * True if a decoded subject begins as such an answer's does, in many languages.
 * `is_reply`: the mail answers another one; in others the words must be all,
 * for people write them, too.
 */
bool absence_in_subject(const char *subject, bool is_reply);

#endif
