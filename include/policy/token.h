/*
 * Signed ids: what only we can have written. HMAC-SHA256 cut to 80 bits, in
 * lower-case base32, because local parts get case-folded on their way.
 */
#ifndef POLICY_TOKEN_H
#define POLICY_TOKEN_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The newest key signs; every key verifies. Keys are GBytes*. */
typedef GPtrArray TokenKeys;

/*
 * A Message-ID of ours, "KIND.TICKET.NUMBER.SIGNATURE@domain", no brackets:
 * the same arguments give the same id for ever.
 */
char *token_message_id(const TokenKeys *keys, const char *kind, int64_t ticket,
                       int64_t number, const char *domain);

/* Is it one of ours? Constant time in the signature. ret_ticket may be NULL. */
bool token_message_id_verify(const TokenKeys *keys, const char *message_id,
                             int64_t *ret_ticket);

#endif
