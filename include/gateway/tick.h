/* What happens because time passed. */
#ifndef GATEWAY_TICK_H
#define GATEWAY_TICK_H

#include "gateway/desk.h"
#include "gateway/diary.h"
#include "store/outbox.h"

/*
 * One round: leases that ran out, mail that is too old,
 * retention. ret_outgoing: mails that can be sent again.
 */
bool tick(Desk *desk, const Diary *diary, size_t *ret_outgoing, GError **error);

/* Ask the database how it stands, and note it for metrics. */
bool tick_figures(Desk *desk, const Diary *diary, GError **error);

/* A folder is silent for longer than limits.folder_silence, or holds mails that
 * could not be taken: tell the admin, who hears of each once a day. */
bool tick_tell_folders(Desk *desk, size_t *ret_outgoing, GError **error);

/* What was parked as rubbish is dropped after retention.rubbish, once a day,
 * and the admin told of it. ret_outgoing: as above. */
bool tick_drop_rubbish(Desk *desk, const Diary *diary, size_t *ret_outgoing,
                       GError **error);

/* These workers ("processor:0 sender:1") die again and again: tell the admin,
 * who hears of it once a day. ret_outgoing: as above. */
bool tick_tell_crash_loop(Desk *desk, const char *workers, size_t *ret_outgoing,
                          GError **error);

/* A sender is dead: what it held is settled by its last words, without waiting
 * for its lease. */
bool tick_recover_sender(Desk *desk, const LastWords *dead, GError **error);

#endif
