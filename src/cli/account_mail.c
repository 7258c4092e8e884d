/* A test mail: through the relay, and back out of a watched folder. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "account_check.h"
#include "base/failure.h"
#include "mail/writer.h"
#include "transport/smtp.h"

/* A mail of ours is small; what is larger is not even looked at. */
enum { OURS_MAX_BYTES = 64 * 1024, LOOK_S = 1 };

/* Where the mail may turn up, and from which UID on. */
typedef struct {
    const char *folder; /* borrowed */
    uint32_t next_uid;
} Place;

typedef struct {
    ImapClient *client;
    const Settings *settings;
    const Queue *queue;
    GArray *places;   /* Place */
    char *message_id; /* no brackets */
    bool is_here;     /* in the folder that is read */
    Place *found;     /* NULL: nowhere yet; borrowed */
} Journey;

/* ---- sending ---- */

static GBytes *
write_mail(const Journey *journey, const char *account, GError **error)
{
    const Address from = {.addr_spec = journey->queue->addresses[0],
                          .name = journey->queue->display_name};
    g_autofree char *subject =
        g_strdup_printf("Test mail of postern account check %s", account);
    const WriterFields fields = {
        .from = &from,
        .to = journey->queue->addresses[0],
        .subject = subject,
        .message_id = journey->message_id,
        .date_s = g_get_real_time() / G_USEC_PER_SEC,
        .origin = WRITER_GENERATED,
        .text = "Somebody has tried with \"postern account check --send\" "
                "whether mail to this\naddress arrives in the folder that is "
                "watched. It does; close this ticket.\n"};
    return writer_write(&fields, error);
}

static Outgoing *
compose(const Journey *journey, const char *account, GError **error)
{
    GBytes *content = write_mail(journey, account, error);
    if (content == NULL)
        return NULL;
    Outgoing *mail = g_new0(Outgoing, 1);
    mail->kind = OUTGOING_ADMIN;
    mail->envelope_sender = g_strdup(""); /* a bounce would be a ticket */
    mail->recipients = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(mail->recipients, g_strdup(journey->queue->addresses[0]));
    mail->message_id = g_strdup(journey->message_id);
    mail->content = content;
    return mail;
}

static bool
judge_reply(const SmtpReply *reply, GError **error)
{
    if (reply->code / 100 == 2)
        return true;
    failure_set(error,
                reply->code / 100 == 5 ? FAILURE_PERMANENT : FAILURE_TEMPORARY,
                "the relay does not take it: %d %s %s", reply->code,
                reply->enhanced != NULL ? reply->enhanced : "",
                reply->text != NULL ? reply->text : "");
    return false;
}

static SmtpClient *
open_relay(const Relay *relay, GError **error)
{
    char *password = NULL;
    if (!settings_relay_password(relay, &password, error))
        return NULL;
    SmtpClient *client = smtp_open(relay, password, error);
    settings_secret_free(password);
    return client;
}

static bool
submit(const Journey *journey, const char *account, GError **error)
{
    g_autoptr(Outgoing) mail = compose(journey, account, error);
    if (mail == NULL)
        return false;
    g_autoptr(SmtpClient) relay = open_relay(&journey->settings->relay, error);
    if (relay == NULL)
        return false;
    g_autoptr(SmtpOutcome) outcome = smtp_begin(relay, mail, error);
    return outcome != NULL &&
           (outcome->accepted == 0 ||
            smtp_content(relay, mail, outcome, error)) &&
           judge_reply(&outcome->replies[0], error);
}

/* ---- finding it ---- */

static bool
take_mail(void *context, uint32_t uid, GBytes *raw)
{
    Journey *journey = context;
    gsize length;
    const void *bytes = g_bytes_get_data(raw, &length);
    (void)uid;
    if (length > 0 && memmem(bytes, length, journey->message_id,
                             strlen(journey->message_id)) != NULL)
        journey->is_here = true;
    return true;
}

/* Which of these are small enough to be it. */
static GArray *
small_ones(ImapClient *client, const GArray *uids, GError **error)
{
    GArray *sizes = imap_sizes(client, &g_array_index(uids, uint32_t, 0),
                               MIN(uids->len, IMAP_BATCH), error);
    for (guint i = sizes == NULL ? 0 : sizes->len; i > 0; i--)
        if (g_array_index(sizes, ImapMessage, i - 1).size > OURS_MAX_BYTES)
            g_array_remove_index(sizes, i - 1);
    return sizes;
}

/* New mails of the folder that is selected. */
static bool
read_new(Journey *journey, Place *place, GError **error)
{
    g_autoptr(GArray) uids =
        imap_search(journey->client, place->next_uid, 0, error);
    if (uids == NULL || uids->len == 0)
        return uids != NULL;
    g_autoptr(GArray) mails = small_ones(journey->client, uids, error);
    if (mails == NULL)
        return false;
    guint read = MIN(uids->len, IMAP_BATCH);
    place->next_uid = g_array_index(uids, uint32_t, read - 1) + 1;
    if (mails->len > 0 &&
        !imap_fetch(journey->client, &g_array_index(mails, ImapMessage, 0),
                    mails->len, journey->settings->spool_directory,
                    OURS_MAX_BYTES, take_mail, journey, error))
        return false;
    if (journey->is_here)
        journey->found = place;
    return true;
}

static bool
look(Journey *journey, GError **error)
{
    for (guint i = 0; i < journey->places->len && journey->found == NULL; i++) {
        Place *place = &g_array_index(journey->places, Place, i);
        ImapFolder folder;
        if (!imap_select(journey->client, place->folder, false, &folder,
                         error) ||
            !read_new(journey, place, error))
            return false;
    }
    return true;
}

/* A second passes, or less if the server tells of mail. */
static bool
pause_a_while(ImapClient *client, GError **error)
{
    int64_t end_us = g_get_monotonic_time() + LOOK_S * G_USEC_PER_SEC;
    bool news = false;
    if (!imap_wait(client, -1, LOOK_S, &news, error))
        return false;
    int64_t left_us = end_us - g_get_monotonic_time();
    if (!news && left_us > 0)
        g_usleep((gulong)left_us); /* there is no IDLE */
    return true;
}

static bool
wait_for_mail(Journey *journey, int wait_s, GError **error)
{
    int64_t end_us = g_get_monotonic_time() + wait_s * G_USEC_PER_SEC;
    bool shown = isatty(STDERR_FILENO);
    bool good = look(journey, error);
    while (good && journey->found == NULL && g_get_monotonic_time() < end_us) {
        if (shown)
            fputc('.', stderr);
        good = pause_a_while(journey->client, error) && look(journey, error);
    }
    if (shown)
        fputs("\r\033[K", stderr);
    return good;
}

/* ---- there and back ---- */

static bool
add_place(Journey *journey, const char *name, GError **error)
{
    ImapFolder folder;
    if (!imap_select(journey->client, name, false, &folder, error))
        return false;
    Place place = {name, folder.uid_next};
    if (place.next_uid == 0) { /* it did not say */
        g_autoptr(GArray) uids = imap_search(journey->client, 1, 0, error);
        if (uids == NULL)
            return false;
        place.next_uid = uids->len == 0
                             ? 1
                             : g_array_index(uids, uint32_t, uids->len - 1) + 1;
    }
    g_array_append_val(journey->places, place);
    return true;
}

/* A daemon that runs may have moved it before we look. */
static bool
add_places(Journey *journey, const Account *account, GError **error)
{
    for (guint i = 0; i < account->folders->len; i++) {
        const WatchedFolder *folder = account->folders->pdata[i];
        if (strcmp(folder->queue, journey->queue->name) != 0)
            continue;
        if (!add_place(journey, folder->folder, error) ||
            (folder->after == AFTER_MOVE &&
             !add_place(journey, folder->move_to, error)))
            return false;
    }
    return true;
}

static void
tell_arrival(const Journey *journey, int64_t began_us, int wait_s,
             const char *step, Findings *findings)
{
    if (journey->found != NULL) {
        finding_add(findings, FINDING_OK, step, NULL,
                    "it is in %s after %.1f s; it becomes a ticket that is "
                    "not acknowledged",
                    journey->found->folder,
                    (double)(g_get_monotonic_time() - began_us) /
                        G_USEC_PER_SEC);
        return;
    }
    g_autoptr(GError) error = NULL;
    failure_set(&error, FAILURE_TEMPORARY, "it was not there within %d s",
                wait_s);
    finding_fail(findings, EX_TEMPFAIL, step,
                 "does mail to this address go to a folder that is watched? "
                 "look for it among\nspam, and in the logs of the relay; it "
                 "has the Message-ID that is named above",
                 error);
}

static void
travel(Journey *journey, const Account *account, int wait_s, Findings *findings)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *step =
        g_strdup_printf("test mail to %s", journey->queue->addresses[0]);
    int64_t began_us = g_get_monotonic_time();
    if (!add_places(journey, account, &error) ||
        !submit(journey, account->name, &error)) {
        finding_fail(findings,
                     failure_is(error, FAILURE_PERMANENT)
                         ? EX_UNAVAILABLE
                         : failure_exit_status(error),
                     step, NULL, error);
        return;
    }
    finding_add(findings, FINDING_OK, step, NULL, "%s port %u has taken <%s>",
                journey->settings->relay.host,
                (unsigned)journey->settings->relay.port, journey->message_id);
    if (wait_for_mail(journey, wait_s, &error))
        tell_arrival(journey, began_us, wait_s, step, findings);
    else
        finding_fail(findings, failure_exit_status(error), step, NULL, error);
}

static bool
is_first_of_its_queue(const Account *account, guint index)
{
    const WatchedFolder *folder = account->folders->pdata[index];
    for (guint i = 0; i < index; i++) {
        const WatchedFolder *other = account->folders->pdata[i];
        if (strcmp(other->queue, folder->queue) == 0)
            return false;
    }
    return true;
}

void
account_check_mail(ImapClient *client, const Settings *settings,
                   const Account *account, int wait_s, Findings *findings)
{
    for (guint i = 0; i < account->folders->len && imap_is_alive(client); i++) {
        const WatchedFolder *folder = account->folders->pdata[i];
        if (!is_first_of_its_queue(account, i))
            continue;
        g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(Place));
        g_autofree char *random = g_uuid_string_random();
        const Queue *queue = settings_queue(settings, folder->queue);
        g_autofree char *address = address_to_ascii(queue->addresses[0]);
        g_autofree char *message_id = g_strdup_printf(
            "check.%s%s", random,
            address != NULL ? strrchr(address, '@') : "@localhost");
        Journey journey = {.client = client,
                           .settings = settings,
                           .queue = queue,
                           .places = places,
                           .message_id = message_id};
        travel(&journey, account, wait_s, findings);
    }
}
