#include "imap_peer.h"

#include <check.h>

Account
imap_peer_account(const Peer *peer)
{
    return (Account){.name = "support",
                     .host = "127.0.0.1",
                     .port = peer_port(peer),
                     .tls = TLS_OFF,
                     .ca_file = "",
                     .user = "anna",
                     .mailbox = "",
                     .timeout_s = 30};
}

ImapClient *
imap_peer_client(const Account *account, ImapFolder *ret_folder)
{
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_open(account, "secret", NULL, &error);
    ck_assert_msg(client != NULL, "%s", error != NULL ? error->message : "");
    bool selected = imap_select(client, "INBOX", true, ret_folder, &error);
    ck_assert_msg(selected, "%s", error != NULL ? error->message : "");
    return client;
}
