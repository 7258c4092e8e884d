/*
 * ACCEPT: a mail to the database, and only then 250. Knows nothing of MIME;
 * no mail can break it.
 */
#ifndef GATEWAY_ACCEPT_H
#define GATEWAY_ACCEPT_H

#include "gateway/desk.h"
#include "transport/lmtp_session.h"

/* RCPT TO: is it one of ours? 250, or 550 5.1.1. */
void accept_recipient(const Desk *desk, const LmtpRecipient *recipient,
                      LmtpReply *ret_reply);

/*
 * Store the mail for every recipient in one commit. All replies are alike: 250
 * once it is committed, else 451 4.3.0. An uncertain COMMIT is repeated once:
 * the source key makes that harmless. ret_new: how many deliveries now wait.
 */
void accept_mail(Desk *desk, const LmtpEnvelope *envelope, GBytes *raw,
                 LmtpReply *ret_replies, size_t *ret_new);

#endif
