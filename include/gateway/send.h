/*
 * SEND: claim under a lease, which is the fence (commit); then of each mail
 * MAIL, RCPT, a mark in the diary, content and dot. A claim is settled in the
 * commit that takes the next.
 */
#ifndef GATEWAY_SEND_H
#define GATEWAY_SEND_H

#include "gateway/desk.h"
#include "gateway/diary.h"

typedef struct Sender Sender;

/*
 * `lease` is this sender's token, a UUID; `password` that of the relay or NULL.
 * All borrowed for the Sender's life.
 */
Sender *sender_new(Desk *desk, const char *lease, const char *password,
                   const Diary *diary);

/*
 * Claim what is due and send it. ret_sent: how many mails were tried; 0:
 * nothing was due. False: the relay or the database cannot be reached; what was
 * claimed is given back, due again in `wait_s`.
 */
bool sender_run(Sender *sender, int64_t wait_s, size_t *ret_sent,
                GError **error);

/* Close the connection to the relay: nothing was due for a while. */
void sender_rest(Sender *sender);

void sender_free(Sender *sender);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sender, sender_free)

#endif
