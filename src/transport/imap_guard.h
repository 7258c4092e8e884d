/*
 * Looks at what an IMAP server says before libetpan does, and stops what would
 * kill libetpan's parser: it recurses into parentheses, cuts numbers to 32
 * bits, frees a list of charsets twice, and makes of two octets of a search's
 * result sixty-four. No I/O. Private to transport.
 */
#ifndef TRANSPORT_IMAP_GUARD_H
#define TRANSPORT_IMAP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed one is at the start of a line. */
typedef struct {
    char head[32];     /* how the line begins, upper case, single spaces */
    size_t head_bytes; /* of it that are used */
    uint64_t skip;     /* bytes of a literal that are still to come */
    uint64_t number;   /* of the "{n}" that may be a literal's */
    enum { BRACE_NONE, BRACE_OPEN, BRACE_CLOSED } brace;
    unsigned depth; /* of open parentheses */
    size_t words;   /* of the lines since the last answer's end */
    bool quoted;    /* within a quoted string */
    bool escaped;   /* behind a backslash there */
    bool greeted;   /* it is not the first line of all */
    bool goes_on;   /* the line goes on behind a literal */
} ImapGuard;

/* NULL: the parser may have these bytes. Else why not, a static text. */
const char *imap_guard_see(ImapGuard *guard, const char *bytes, size_t length);

#endif
