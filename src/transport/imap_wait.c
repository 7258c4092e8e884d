/* transport/imap.h: waiting for news. */
#include <poll.h>

#include "etpan.h"
#include "wait.h"

static void
forget_news(ImapClient *client)
{
    client->imap->imap_selection_info->sel_has_exists = 0;
    client->imap->imap_selection_info->sel_has_recent = 0;
}

static bool
has_news(const ImapClient *client)
{
    const struct mailimap_selection_info *info =
        client->imap->imap_selection_info;
    return info->sel_has_exists || info->sel_has_recent;
}

/* Until one of both can be read: bytes that were read or decrypted already are
 * not seen by poll(2). */
static void
sleep_on(ImapClient *client, int fd, int64_t timeout_s)
{
    int64_t deadline_ms = monotonic_ms() + timeout_s * 1000;
    while (!stream_has_news(client->stream)) {
        struct pollfd fds[] = {{stream_fd(client->stream), POLLIN, 0},
                               {fd, POLLIN, 0}};
        int64_t left_ms = deadline_ms - monotonic_ms();
        if (left_ms <= 0 || poll(fds, fd >= 0 ? 2 : 1, (int)left_ms) != -1)
            return;
    }
}

bool
imap_wait(ImapClient *client, int fd, int64_t timeout_s, bool *ret_news,
          GError **error)
{
    if (client->imap->imap_selection_info == NULL) {
        failure_set(error, FAILURE_TEMPORARY, "no folder is selected");
        return false;
    }
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    if (!client->abilities.idle) {
        forget_news(client);
        if (mailimap_noop(client->imap) != MAILIMAP_NO_ERROR)
            return etpan_fail(client, FAILURE_TEMPORARY, "NOOP", error);
        *ret_news = has_news(client);
        return true;
    }
    if (mailimap_idle(client->imap) != MAILIMAP_NO_ERROR)
        return etpan_fail(client, FAILURE_TEMPORARY, "IDLE", error);
    sleep_on(client, fd, timeout_s);
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    if (mailimap_idle_done(client->imap) != MAILIMAP_NO_ERROR)
        return etpan_fail(client, FAILURE_TEMPORARY, "IDLE", error);
    *ret_news = has_news(client);
    return true;
}
