/*
 * Authentication-Results (RFC 8601): what our own mail server found out about
 * who sent a mail. Anybody can write such a field, so only those count that
 * name our server and stand where only our servers write: above the first
 * Received field that is not theirs (RFC 8601 5, tests/README A20). A server
 * whose filters write below its own Received, as Postfix's milters do, must
 * remove fields with its name from what comes in.
 */
#ifndef MAIL_AUTHRES_H
#define MAIL_AUTHRES_H

#include <glib.h>
#include <stdbool.h>

#include "mail/header.h"

typedef enum {
    AUTHRES_NONE, /* nothing was said, or none, neutral, policy */
    AUTHRES_PASS,
    AUTHRES_FAIL,     /* fail, softfail, hardfail */
    AUTHRES_TEMPERROR /* could not be found out just now, or ever */
} AuthresVerdict;

typedef struct {
    AuthresVerdict dmarc, spf, dkim;
    char *dmarc_domain; /* header.from of dmarc, lower case; "" if not said */
} Authres;

/*
 * What the server called `authserv_id` says at the head of `header`, of which
 * the first `own_hops` Received fields were written by our servers. Of two
 * answers about one method the worse counts for DMARC and SPF; of DKIM, where
 * there is one for each signature, a pass. Returns: an Authres that the caller
 * owns, never NULL; all NONE if that server said nothing.
 */
Authres *authres_read(const Header *header, const char *authserv_id,
                      size_t own_hops);
void authres_free(Authres *authres);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Authres, authres_free)

/*
 * True if DMARC passed for exactly the domain of `addr_spec`, the one
 * originator of a mail. Who asks must have seen that there is only one
 * (tests/README A21).
 */
bool authres_confirms(const Authres *authres, const char *addr_spec);

/* "none", "pass", "fail", "temperror". */
const char *authres_verdict_name(AuthresVerdict verdict);

#endif
