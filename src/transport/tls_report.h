/* What TLS knows of the other side, in words. Private to transport. */
#ifndef TRANSPORT_TLS_REPORT_H
#define TRANSPORT_TLS_REPORT_H

#include <gnutls/gnutls.h>

#include "transport/stream.h"

/* Fill the part of `report` that is about TLS, also after a handshake that
 * failed. */
void tls_report(gnutls_session_t session, StreamReport *report);

#endif
