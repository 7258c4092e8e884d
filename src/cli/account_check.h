/* The round trip of `postern account check`. */
#ifndef CLI_ACCOUNT_CHECK_H
#define CLI_ACCOUNT_CHECK_H

#include "finding.h"
#include "transport/imap.h"

/* From the secret to the login; the client, or NULL if it did not come to that.
 */
ImapClient *account_check_login(const Account *account, Findings *findings);

/* Each watched folder: is it there, and can be done what `after` says? */
bool account_check_folders(ImapClient *client, const Account *account,
                           Findings *findings);

/*
 * A mail through the relay to each queue of the account, and back out of one of
 * its folders within `wait_s`.
 */
void account_check_mail(ImapClient *client, const Settings *settings,
                        const Account *account, int wait_s, Findings *findings);

#endif
