/* What the tests of the IMAP client have in common: how every server begins. */
#ifndef TESTS_TRANSPORT_IMAP_PEER_H
#define TESTS_TRANSPORT_IMAP_PEER_H

#include "peer.h"
#include "transport/imap.h"

#define GREET                                                                  \
    {                                                                          \
        NULL, "* OK hello\r\n"                                                 \
    }
#define CAPABILITY(tag, words)                                                 \
    {                                                                          \
        tag " CAPABILITY\r\n",                                                 \
            "* CAPABILITY IMAP4rev1 " words "\r\n" tag " OK done\r\n"          \
    }
#define LOGGED_IN                                                              \
    GREET, CAPABILITY("1", "AUTH=PLAIN SASL-IR"),                              \
        {"2 AUTHENTICATE PLAIN AGFubmEAc2VjcmV0\r\n", "2 OK welcome\r\n"},     \
        CAPABILITY("3", "IDLE UIDPLUS MOVE")
#define SELECTED                                                               \
    LOGGED_IN,                                                                 \
    {                                                                          \
        "4 SELECT INBOX\r\n",                                                  \
            "* 2 EXISTS\r\n* 0 RECENT\r\n"                                     \
            "* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 12] ok\r\n"              \
            "4 OK [READ-WRITE] done\r\n"                                       \
    }

/* Silence, until the client says goodbye. */
#define SILENCE                                                                \
    {                                                                          \
        "LOGOUT\r\n", PEER_CLOSE                                               \
    }

/* An account there: anna, no TLS, and half a minute for each answer, for a busy
 * machine is no silent server. Who is silent on purpose need not be waited for
 * so long: see IMAP_PEER_SHORT_S. */
Account imap_peer_account(const Peer *peer);

enum { IMAP_PEER_SHORT_S = 1 };

/* A client in INBOX, whose server plays SELECTED. */
ImapClient *imap_peer_client(const Account *account, ImapFolder *ret_folder);

#endif
