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

/* The content digest of mail/identity.h; NULL if the mail has none. */
GBytes *digest_content(GBytes *raw);

#endif
