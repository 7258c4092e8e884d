/* SHA-256 of whole mails. The only place of the gateway that knows nettle. */
#ifndef GATEWAY_DIGEST_H
#define GATEWAY_DIGEST_H

#include <glib.h>

/* Of all the bytes; 32 bytes, the caller's. */
GBytes *digest_raw(GBytes *raw);

/* A digest as lower-case hexadecimal. */
char *digest_hex(GBytes *digest);

/* Of the bytes behind `offset`, as lower-case hexadecimal. */
char *digest_hex_from(GBytes *raw, size_t offset);

/* What says that two mails are the same: the content digest of mail/identity.h;
 * without a Message-ID the bytes of the hand-over and its envelope sender, for
 * then only the same mail for several recipients is known to be one. 32 bytes,
 * the caller's. */
GBytes *digest_content(GBytes *raw, const char *envelope_sender);

#endif
