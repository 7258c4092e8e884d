/*
 * What FETCH tells of a mail (RFC 3501 7.4.2), as far as it is asked for.
 * Private to imap_grammar.c.
 */
#ifndef TRANSPORT_IMAP_ITEMS_H
#define TRANSPORT_IMAP_ITEMS_H

#include "imap_guard.h"

/* Behind "* 12 FETCH"; see ImapForm. */
const char *imap_items_take(ImapGuard *guard, ImapToken token);

#endif
