/*
 * transport/imap.h: waiting for news. By our own hand, for libetpan forgets
 * what a server says in front of its "+", and reads nothing while it idles.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "etpan.h"
#include "wait.h"

/* RFC 2177: a server may log out who idles for half an hour. */
enum { IDLE_RENEW_S = 25 * 60 };

/* ---- news ---- */

void
imap_forget_news(ImapClient *client)
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

/* ---- what a server says by itself ---- */

static bool
begins(const char *line, const char *words)
{
    return g_ascii_strncasecmp(line, words, strlen(words)) == 0;
}

/* "* 3 EXISTS" where `word` is "EXISTS". */
static bool
is_number_of(const char *line, const char *word)
{
    if (line[0] != '*' || line[1] != ' ' || !g_ascii_isdigit(line[2]))
        return false;
    line += 2;
    while (g_ascii_isdigit(*line))
        line++;
    return *line == ' ' && begins(line + 1, word);
}

static void
note_line(ImapClient *client, const char *line)
{
    static const char validity[] = "* OK [UIDVALIDITY ";
    struct mailimap_selection_info *info = client->imap->imap_selection_info;
    if (begins(line, "* BYE")) {
        g_autofree char *said = etpan_said(client);
        stream_give_up(client->stream, said);
    } else if (is_number_of(line, "EXISTS")) {
        info->sel_has_exists = 1;
    } else if (is_number_of(line, "RECENT")) {
        info->sel_has_recent = 1;
    } else if (begins(line, validity)) {
        info->sel_uidvalidity =
            (uint32_t)strtoul(line + strlen(validity), NULL, 10);
    }
}

/* NULL: the stream is dead. */
static const char *
hear_line(ImapClient *client)
{
    const char *line = mailimap_read_line(client->imap);
    if (line != NULL)
        note_line(client, line);
    return stream_is_dead(client->stream) ? NULL : line;
}

/* The next line that is not said by itself. */
static const char *
hear_answer(ImapClient *client)
{
    const char *line;
    do
        line = hear_line(client);
    while (line != NULL && line[0] == '*');
    return line;
}

/* Everything that has come. */
static bool
hear_news(ImapClient *client)
{
    etpan_allow(client, ETPAN_ANSWER_BYTES);
    while (stream_has_news(client->stream)) {
        const char *line = hear_line(client);
        if (line == NULL)
            return false;
        /* It has had enough of IDLE: then it is asked now and then. */
        if (g_ascii_isdigit(line[0]) && client->idling)
            client->idling = client->abilities.idle = false;
    }
    return true;
}

/* ---- IDLE ---- */

static bool
begin_idle(ImapClient *client)
{
    etpan_allow(client, ETPAN_ANSWER_BYTES);
    if (mailimap_send_current_tag(client->imap) != MAILIMAP_NO_ERROR ||
        !etpan_say(client, "IDLE\r\n"))
        return false;
    const char *line = hear_answer(client);
    if (line == NULL)
        return false;
    /* Whoever offers it and refuses is asked now and then, too. */
    client->idling = client->abilities.idle = line[0] == '+';
    client->idle_since_ms = monotonic_ms();
    return true;
}

void
imap_end_idle(ImapClient *client, int64_t timeout_s)
{
    if (!client->idling)
        return;
    client->idling = false;
    etpan_allow(client, ETPAN_ANSWER_BYTES);
    stream_set_deadline(client->stream, timeout_s);
    const char *line =
        etpan_say(client, "DONE\r\n") ? hear_answer(client) : NULL;
    while (line != NULL && line[0] == '+')
        line = hear_answer(client);
    if (line != NULL && atoi(line) != client->imap->imap_tag)
        stream_give_up(client->stream, "an answer to something else");
}

static bool
keep_idle(ImapClient *client)
{
    if (client->idling &&
        monotonic_ms() - client->idle_since_ms >= IDLE_RENEW_S * 1000)
        imap_end_idle(client, client->account->timeout_s);
    return client->idling || !client->abilities.idle || begin_idle(client);
}

/* Until there is something to do. False when `fd` can be read or time is up. */
static bool
sleep_on(const ImapClient *client, int fd, int64_t until_ms)
{
    struct pollfd fds[] = {{stream_fd(client->stream), POLLIN, 0},
                           {fd, POLLIN, 0}};
    int64_t wake_ms = until_ms;
    if (client->idling)
        wake_ms = MIN(wake_ms, client->idle_since_ms + IDLE_RENEW_S * 1000);
    int64_t left_ms = CLAMP(wake_ms - monotonic_ms(), 0, G_MAXINT);
    bool woken = poll(fds, G_N_ELEMENTS(fds), (int)left_ms) > 0;
    return monotonic_ms() < until_ms && !(woken && fds[1].revents != 0);
}

bool
imap_wait(ImapClient *client, int fd, int64_t timeout_s, bool *ret_news,
          GError **error)
{
    int64_t until_ms = monotonic_ms() + timeout_s * 1000;
    if (!etpan_same_folder(client, error))
        return false;
    for (bool again = true;; again = sleep_on(client, fd, until_ms)) {
        if (!keep_idle(client) || !hear_news(client))
            return etpan_fail(client, FAILURE_TEMPORARY, "waiting", error);
        if (!etpan_same_folder(client, error))
            return false;
        if (!again || has_news(client))
            break;
    }
    *ret_news = has_news(client);
    imap_forget_news(client);
    return true;
}
