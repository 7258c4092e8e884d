/*
 * Mail as nobody should write it: each row of the project's list of malformed
 * mails (M1 to M62), and those of its attacks that aim at the reader of a mail.
 * What is expected of all: accepted, kept byte for byte, a ticket with
 * something readable, quickly, and without a crash.
 */
#ifndef TESTS_MALFORMED_H
#define TESTS_MALFORMED_H

#include <glib.h>

typedef struct {
    const char *row;    /* "M12", "A31"; several mails may show one */
    const char *what;   /* is wrong, in words */
    const char *before; /* the mail: this, */
    size_t before_bytes;
    const char *piece; /* this so many times, */
    size_t count;
    const char *after;   /* and this */
    const char *subject; /* as it is read; NULL: not looked at */
    const char *says;    /* found in the text; NULL: not looked at */
    const char *defect;  /* noted; NULL: not looked at */
} Malformed;

extern const Malformed malformed[];
extern const size_t malformed_count;

GBytes *malformed_bytes(const Malformed *mail);

#endif
