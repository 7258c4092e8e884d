/*
 * The answers of an IMAP server that libetpan may read (RFC 3501 7), and what
 * of them; see imap_guard.h. Private to imap_guard.c.
 */
#ifndef TRANSPORT_IMAP_GRAMMAR_H
#define TRANSPORT_IMAP_GRAMMAR_H

#include "imap_guard.h"

/*
 * The next token of the line. NULL: that may come, and what libetpan may read
 * of it was written; else why not, a static text.
 */
const char *imap_grammar_take(ImapGuard *guard, ImapToken token);

/* This line is left out, whatever there may be in it. */
bool imap_grammar_is_lax(const ImapGuard *guard);

#endif
