/* transport/imap.h: what is said of a connection. Private to transport. */
#ifndef TRANSPORT_IMAP_REPORT_H
#define TRANSPORT_IMAP_REPORT_H

#include "etpan.h"

/* Capabilities and login, as far as they are known. */
void imap_report_session(const ImapClient *client, ImapReport *report);

#endif
