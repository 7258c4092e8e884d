/*
 * What the forms of the grammar read of a token, and how they write what
 * libetpan may read. Private to them.
 */
#ifndef TRANSPORT_IMAP_TOKEN_H
#define TRANSPORT_IMAP_TOKEN_H

#include "imap_guard.h"

/*
 * In front of what must be nothing but text for libetpan: no space, no part of
 * a tag or a code, and nothing that people would see (text_one_line()).
 */
#define IMAP_TOKEN_INERT "\001"

/* The token is this word, in any case. */
bool imap_token_is(const ImapGuard *guard, const char *word);

/* `word` is digits only; a number that is larger than all is UINT64_MAX. */
bool imap_token_read(const char *word, uint64_t *ret_number);

/* The token is a number, and at most that. */
bool imap_token_number(const ImapGuard *guard, ImapToken token, uint64_t most,
                       uint64_t *ret_number);

/* Why not, if it is none. */
extern const char imap_token_no_number[];

void imap_token_put(const ImapGuard *guard, const char *text);
void imap_token_putf(const ImapGuard *guard, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

#endif
