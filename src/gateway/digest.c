#include "gateway/digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdint.h>

#include "base/text.h"
#include "mail/identity.h"

enum { DIGEST_BYTES = 32 };

static void
hash(const char *bytes, size_t length, uint8_t ret_digest[DIGEST_BYTES])
{
    int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, length, ret_digest);
    g_assert(failed == 0); /* it has nothing that could fail but memory */
}

GBytes *
digest_raw(GBytes *raw)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    uint8_t digest[DIGEST_BYTES];
    hash(bytes != NULL ? bytes : "", length, digest);
    return g_bytes_new(digest, sizeof digest);
}

char *
digest_hex(GBytes *digest)
{
    gsize length;
    const void *bytes = g_bytes_get_data(digest, &length);
    return text_hex(bytes, length);
}

char *
digest_hex_from(GBytes *raw, size_t offset)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    uint8_t digest[DIGEST_BYTES];
    hash(bytes != NULL ? bytes + offset : "", length - offset, digest);
    return text_hex(digest, sizeof digest);
}

static void
feed_hash(void *context, const char *piece, size_t length)
{
    gnutls_hash(*(gnutls_hash_hd_t *)context, piece, length);
}

GBytes *
digest_content(GBytes *raw)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    gnutls_hash_hd_t state;
    int failed = gnutls_hash_init(&state, GNUTLS_DIG_SHA256);
    g_assert(failed == 0);
    bool has_identity = identity_content_feed(bytes != NULL ? bytes : "",
                                              length, feed_hash, &state);
    uint8_t digest[DIGEST_BYTES];
    gnutls_hash_deinit(state, digest);
    return has_identity ? g_bytes_new(digest, sizeof digest) : NULL;
}
