#include "gateway/digest.h"

#include <nettle/sha2.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/identity.h"

static void
hash(const char *bytes, size_t length, uint8_t ret_digest[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx state;
    sha256_init(&state);
    sha256_update(&state, length, (const uint8_t *)bytes);
    sha256_digest(&state, SHA256_DIGEST_SIZE, ret_digest);
}

GBytes *
digest_raw(GBytes *raw)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    uint8_t digest[SHA256_DIGEST_SIZE];
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
    uint8_t digest[SHA256_DIGEST_SIZE];
    hash(bytes != NULL ? bytes + offset : "", length - offset, digest);
    return text_hex(digest, sizeof digest);
}

static void
feed_hash(void *context, const char *piece, size_t length)
{
    sha256_update(context, length, (const uint8_t *)piece);
}

/* Without a Message-ID: the bytes of the hand-over, less what an MTA writes
 * anew on each attempt, and who handed them over. */
static void
hash_hand_over(const char *bytes, size_t length, const char *sender,
               uint8_t ret_digest[SHA256_DIGEST_SIZE])
{
    g_autofree char *key = address_key(sender);
    size_t trace = length > 0 ? identity_source_offset(bytes, length) : 0;
    struct sha256_ctx state;
    sha256_init(&state);
    sha256_update(&state, strlen(key) + 1, (const uint8_t *)key);
    sha256_update(&state, length - trace, (const uint8_t *)bytes + trace);
    sha256_digest(&state, SHA256_DIGEST_SIZE, ret_digest);
}

GBytes *
digest_content(GBytes *raw, const char *envelope_sender)
{
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    struct sha256_ctx state;
    sha256_init(&state);
    bool has_identity = identity_content_feed(bytes != NULL ? bytes : "",
                                              length, feed_hash, &state);
    uint8_t digest[SHA256_DIGEST_SIZE];
    if (has_identity)
        sha256_digest(&state, sizeof digest, digest);
    else
        hash_hand_over(bytes != NULL ? bytes : "", length, envelope_sender,
                       digest);
    return g_bytes_new(digest, sizeof digest);
}
