/*
 * A Mail as bytes, so that one process can read a mail and another use what it
 * read. One description of the order serves both directions. Whoever reads the
 * form trusts nothing in it: the writer may have been taken over by a mail.
 */
#ifndef MAIL_MAIL_FORM_H
#define MAIL_MAIL_FORM_H

#include "mail/mail.h"

/* All but `raw`, which both sides have. The caller owns the result. */
GByteArray *mail_form_write(const Mail *mail);

/*
 * The Mail that `bytes` describe, with `raw` as its raw. Every text is checked
 * to be UTF-8 without NUL, every one-line text to be one line, every slug to be
 * one of ours, every offset to be inside; no list is longer than what is read
 * under `limits`, no address, id or name longer than ours are, and no number is
 * one that a database would refuse. Returns: NULL if anything is wrong.
 */
Mail *mail_form_read(const void *bytes, size_t length, GBytes *raw,
                     const MailLimits *limits);

/* No form of a mail that was read under these limits is larger. */
size_t mail_form_max_bytes(const MailLimits *limits);

#endif
