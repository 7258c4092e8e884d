/* Addresses: RFC 5322 3.4, RFC 5321 4.1.2; sub-addresses RFC 5233. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

/* Longest addr-spec we read, keep or send, in bytes (RFC 5321 4.5.3.1.3). */
#define ADDRESS_MAX_BYTES 254

typedef struct {
    char *name;      /* display name, decoded, one line; "" if there is none */
    char *addr_spec; /* local@domain as written, valid UTF-8; never empty */
} Address;

Address *address_new(const char *name, const char *addr_spec);
void address_free(Address *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Address, address_free)

/*
 * The mailboxes of a From, To, Cc ... value, at most `max` of them: comments,
 * groups, routes, quotes and encoded words are understood, and so is most of
 * what programs write instead. Linear, and it recurses over nothing. What has
 * no "@" is no mailbox. Returns: a GPtrArray of Address*, never NULL, that
 * frees its items; ret_more (may be NULL) tells whether `max` cut the list.
 */
GPtrArray *address_list_parse(const char *value, size_t length, size_t max,
                              bool *ret_more);

/*
 * True if `addr_spec` can be given to an SMTP server as it is: local@domain,
 * ASCII or valid UTF-8, no control, space, "<", ">", at most
 * ADDRESS_MAX_BYTES, and does not begin with "-".
 */
bool address_is_sendable(const char *addr_spec);

/* True if every byte is ASCII (needs no SMTPUTF8, RFC 6531). */
bool address_is_ascii(const char *addr_spec);

/*
 * The same address in ASCII, for a header field or a relay without SMTPUTF8: an
 * international domain by its A-label (RFC 5890). Free with g_free(). NULL if
 * it is not sendable or its local part cannot be written so.
 */
char *address_to_ascii(const char *addr_spec);

/*
 * The form by which two addresses are compared: ASCII lower case, nothing
 * else (no Unicode folding). Free with g_free().
 */
char *address_key(const char *addr_spec);

/*
 * Take "+detail" out of the local part: "support+t4k@x" gives "support@x".
 * ret_detail is the text between the first `separator` and "@", or NULL; both
 * are the caller's. ret_detail may be NULL.
 */
char *address_without_detail(const char *addr_spec, char separator,
                             char **ret_detail);

/*
 * What a field without a mailbox shows of its writer: "Bob <bob>" on a machine
 * that added no domain, or "Bob". Not for sending: the address is "" or lacks
 * a domain. NULL if there is nothing.
 */
Address *address_shown(const char *value, size_t length);

#endif
