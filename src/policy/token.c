#include "policy/token.h"

#include <string.h>

#include "base/text.h"

enum { SIGNATURE_BYTES = 10, SIGNATURE_CHARS = 16 };

/* RFC 4648 section 6, in lower case, without padding: 10 bytes are 16
 * characters. */
static void
base32(const uint8_t bytes[SIGNATURE_BYTES], char ret_text[SIGNATURE_CHARS + 1])
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    int have = 0;
    char *out = ret_text;
    for (size_t i = 0; i < SIGNATURE_BYTES; i++) {
        bits = (bits << 8) | bytes[i];
        have += 8;
        while (have >= 5) {
            have -= 5;
            *out++ = alphabet[(bits >> have) & 31];
        }
    }
    *out = '\0';
}

static void
sign(GBytes *key, const char *text, char ret_signature[SIGNATURE_CHARS + 1])
{
    gsize key_length;
    const guint8 *key_bytes = g_bytes_get_data(key, &key_length);
    g_autoptr(GHmac) hmac =
        g_hmac_new(G_CHECKSUM_SHA256, key_bytes, key_length);
    g_hmac_update(hmac, (const guchar *)text, -1);
    guint8 digest[32];
    gsize length = sizeof digest;
    g_hmac_get_digest(hmac, digest, &length);
    base32(digest, ret_signature);
}

char *
token_message_id(const TokenKeys *keys, const char *kind, int64_t ticket,
                 int64_t number, const char *domain)
{
    g_autofree char *claim = g_strdup_printf(
        "%s.%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT, kind, ticket, number);
    char signature[SIGNATURE_CHARS + 1];
    sign(keys->pdata[0], claim, signature);
    return g_strdup_printf("%s.%s@%s", claim, signature, domain);
}

/* "KIND.TICKET.NUMBER" and its signature out of "....SIGNATURE@domain", in the
 * case they were written in, whatever the road made of it. */
static bool
split(const char *message_id, char **ret_claim, char **ret_signature)
{
    const char *at = strrchr(message_id, '@');
    if (at == NULL || at - message_id < SIGNATURE_CHARS + 2 ||
        at[-SIGNATURE_CHARS - 1] != '.')
        return false;
    const char *dot = at - SIGNATURE_CHARS - 1;
    *ret_claim = g_ascii_strdown(message_id, dot - message_id);
    *ret_signature = g_ascii_strdown(dot + 1, SIGNATURE_CHARS);
    return true;
}

bool
token_message_id_verify(const TokenKeys *keys, const char *message_id,
                        int64_t *ret_ticket)
{
    g_autofree char *claim = NULL, *claimed = NULL;
    if (!split(message_id, &claim, &claimed))
        return false;
    bool valid = false;
    for (guint i = 0; i < keys->len; i++) {
        char signature[SIGNATURE_CHARS + 1];
        sign(keys->pdata[i], claim, signature);
        valid |= text_equal_constant_time(signature, claimed);
    }
    const char *ticket = strchr(claim, '.');
    if (valid && ret_ticket != NULL)
        *ret_ticket =
            ticket != NULL ? g_ascii_strtoll(ticket + 1, NULL, 10) : 0;
    return valid;
}
