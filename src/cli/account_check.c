#include "account_check.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "settings/nearest.h"

enum { CERTIFICATE_WARNING_S = 14 * 24 * 3600, DAY_S = 24 * 3600 };

/* The account is named once, at the top. */
static void
strip_name(GError *error, const Account *account)
{
    g_autofree char *name = g_strdup_printf("account '%s': ", account->name);
    if (!g_str_has_prefix(error->message, name))
        return;
    char *rest = g_strdup(error->message + strlen(name));
    g_free(error->message);
    error->message = rest;
}

static char *
date_text(int64_t time_s)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_s);
    return time != NULL ? g_date_time_format(time, "%Y-%m-%d")
                        : g_strdup("a date that is none");
}

/* ---- the secret ---- */

static const char *
secret_advice(const Account *account)
{
    if (account->password_file[0] != '\0' &&
        access(account->password_file, R_OK) != 0 && errno == EACCES)
        return "posternd reads it before it gives up root, so it may be right "
               "for the daemon;\nrun this command as root, or let the "
               "service's user read the file";
    return NULL;
}

static bool
take_secret(const Account *account, Findings *findings, char **ret_secret)
{
    g_autoptr(GError) error = NULL;
    int64_t lifetime_s = 0;
    if (!settings_account_secret(account, ret_secret, &lifetime_s, &error)) {
        strip_name(error, account);
        finding_fail(findings, failure_exit_status(error), "secret",
                     secret_advice(account), error);
        return false;
    }
    if (account->login == LOGIN_PASSWORD)
        finding_add(findings, FINDING_OK, "secret", NULL, "a password from %s",
                    account->password_file[0] != '\0'
                        ? account->password_file
                        : account->password_command[0]);
    else if (lifetime_s > 0)
        finding_add(findings, FINDING_OK, "secret", NULL,
                    "a token from %s, good for %" G_GINT64_FORMAT " s",
                    account->token_command[0], lifetime_s);
    else
        finding_add(findings, FINDING_OK, "secret", NULL,
                    "a token from %s, which does not say for how long",
                    account->token_command[0]);
    return true;
}

/* ---- the connection ---- */

static void
judge_certificate(const StreamReport *stream, Findings *findings)
{
    if (stream->subject == NULL)
        return;
    g_autofree char *until = date_text(stream->not_after_s);
    int64_t left_s = stream->not_after_s - g_get_real_time() / G_USEC_PER_SEC;
    bool ends_soon = left_s < CERTIFICATE_WARNING_S;
    finding_add(
        findings, ends_soon ? FINDING_WARNING : FINDING_OK, "certificate",
        ends_soon ? "it ends soon: have it renewed; without a valid "
                    "one nothing is read"
                  : NULL,
        "%s for %s, issued by %s, until %s (%" G_GINT64_FORMAT " days)",
        stream->subject, stream->names != NULL ? stream->names : "-",
        stream->issuer != NULL ? stream->issuer : "-", until, left_s / DAY_S);
}

static void
show_connection(const Account *account, const ImapReport *report,
                Findings *findings)
{
    const StreamReport *stream = &report->stream;
    if (report->stage > IMAP_STAGE_RESOLVE)
        finding_add(findings, FINDING_OK, "resolve", NULL, "%s", account->host);
    if (report->stage > IMAP_STAGE_CONNECT)
        finding_add(findings, FINDING_OK, "connect", NULL, "%s port %u",
                    stream->address != NULL ? stream->address : account->host,
                    (unsigned)account->port);
    if (stream->tls != NULL && report->stage > IMAP_STAGE_TLS) {
        finding_add(findings, FINDING_OK, "tls", NULL, "%s", stream->tls);
        judge_certificate(stream, findings);
    } else if (account->tls == TLS_OFF && report->stage > IMAP_STAGE_GREETING) {
        finding_add(findings, FINDING_WARNING, "tls",
                    "everybody on the way can read the password and all mail, "
                    "unless it is this machine",
                    "off");
    }
}

/* ---- why it failed, and what to do ---- */

static char *
certificate_advice(const StreamReport *stream)
{
    g_autofree char *until = date_text(stream->not_after_s);
    if (stream->not_after_s < g_get_real_time() / G_USEC_PER_SEC)
        return g_strdup_printf(
            "it ended on %s: who runs the server must renew it", until);
    return g_strdup_printf(
        "it is for %s, issued by %s, until %s;\nwrite one of these names as "
        "host, or the certificate of your own CA as ca_file",
        stream->names != NULL ? stream->names : "no name",
        stream->issuer != NULL ? stream->issuer : "nobody", until);
}

static char *
tls_advice(const Account *account, const StreamReport *stream)
{
    if (stream->subject != NULL)
        return certificate_advice(stream);
    return g_strdup_printf(
        "does port %u speak TLS from the first byte? write tls = "
        "\"%s\"; if not, and look at port",
        (unsigned)account->port,
        account->tls == TLS_ALWAYS ? "starttls" : "tls");
}

static const char *
login_advice(const Account *account, const GError *error)
{
    if (!failure_is(error, FAILURE_PERMANENT))
        return NULL;
    if (account->tls == TLS_OFF)
        return "is the password right? it may want TLS before a login: write "
               "tls = \"tls\"";
    return account->login == LOGIN_TOKEN
               ? "is the token for IMAP and for this mailbox? run "
                 "token_command by hand as the service's user"
               : "are user and password right, and is IMAP allowed for them? "
                 "Microsoft 365 and Gmail\nknow no passwords: write "
                 "token_command";
}

static char *
advice_for(const Account *account, const ImapReport *report,
           const GError *error)
{
    switch (report->stage) {
    case IMAP_STAGE_RESOLVE:
        return g_strdup("is host right, and does this machine have a name "
                        "server? try: getent hosts NAME");
    case IMAP_STAGE_CONNECT:
        return g_strdup("are host and port right (993 with tls, 143 with "
                        "starttls), and lets a firewall it pass?");
    case IMAP_STAGE_TLS:
        return tls_advice(account, &report->stream);
    case IMAP_STAGE_GREETING:
        return g_strdup("is that an IMAP server? look at host, port and tls");
    case IMAP_STAGE_LOGIN:
    case IMAP_STAGE_DONE:
        return g_strdup(login_advice(account, error));
    }
    g_assert_not_reached();
}

/* A server that answers "no" is neither away nor are the settings wrong for
 * sure: EX_UNAVAILABLE. */
static int
failed_status(const ImapReport *report, const GError *error)
{
    bool refused =
        failure_is(error, FAILURE_PERMANENT) ||
        (report->stage == IMAP_STAGE_TLS && report->stream.subject != NULL);
    return refused ? EX_UNAVAILABLE : failure_exit_status(error);
}

/* ---- capabilities ---- */

static bool
has_after(const Account *account, AfterAcceptance after)
{
    for (guint i = 0; i < account->folders->len; i++) {
        const WatchedFolder *folder = account->folders->pdata[i];
        if (folder->after == after)
            return true;
    }
    return false;
}

static void
judge_abilities(const ImapClient *client, const Account *account,
                Findings *findings)
{
    ImapAbilities can = imap_abilities(client);
    finding_add(findings, FINDING_OK, "capabilities", NULL, "%s%s%s%s",
                can.idle ? "IDLE " : "", can.move ? "MOVE " : "",
                can.uidplus ? "UIDPLUS " : "",
                can.idle || can.move || can.uidplus ? "are there"
                                                    : "none that matter");
    if (!can.idle)
        finding_add(findings, FINDING_WARNING, "capabilities",
                    "it takes up to \"poll\" until a mail is seen; that is all",
                    "no IDLE: the server does not tell of new mail");
    bool stays = (has_after(account, AFTER_MOVE) && !can.move) ||
                 has_after(account, AFTER_DELETE);
    if (!can.uidplus && stays)
        finding_add(findings, FINDING_WARNING, "capabilities",
                    "mails that are moved or deleted stay where they are, "
                    "marked as deleted, until\nsomebody expunges them: we "
                    "would take other people's mail along",
                    "no UIDPLUS: single mails cannot be expunged");
}

ImapClient *
account_check_login(const Account *account, Findings *findings)
{
    g_autoptr(GError) error = NULL;
    ImapReport report = {0};
    char *secret = NULL;
    if (!take_secret(account, findings, &secret))
        return NULL;
    ImapClient *client = imap_open(account, secret, &report, &error);
    settings_secret_free(secret);
    show_connection(account, &report, findings);
    if (client == NULL) {
        strip_name(error, account);
        g_autofree char *advice = advice_for(account, &report, error);
        finding_fail(findings, failed_status(&report, error),
                     imap_stage_name(report.stage), advice, error);
    } else {
        finding_add(findings, FINDING_OK, "login", NULL, "%s as %s%s%s",
                    report.mechanism, account->user,
                    account->mailbox[0] != '\0' ? ", for " : "",
                    account->mailbox);
        judge_abilities(client, account, findings);
    }
    imap_report_clear(&report);
    return client;
}

/* ---- folders ---- */

/* What is there instead of a folder that is not. */
static char *
other_folders(ImapClient *client, const char *name)
{
    g_autoptr(GPtrArray) folders = imap_list(client, NULL);
    if (folders == NULL)
        return NULL;
    GString *text = g_string_new(NULL);
    const char *near =
        nearest_name(name, folders->pdata, folders->len, sizeof(char *));
    if (near != NULL && strcmp(near, name) != 0)
        g_string_append_printf(text, "did you mean '%s'? ", near);
    g_string_append(text, "these are there:");
    for (guint i = 0; i < folders->len; i++)
        g_string_append_printf(text, "\n  %s", (char *)folders->pdata[i]);
    return g_string_free(text, FALSE);
}

/* False: the connection is gone, or the folder is not there. */
static bool
select_folder(ImapClient *client, const Account *account, const char *name,
              bool writable, const char *step, ImapFolder *ret_folder,
              Findings *findings)
{
    g_autoptr(GError) error = NULL;
    if (imap_select(client, name, writable, ret_folder, &error))
        return true;
    strip_name(error, account);
    g_autofree char *advice =
        imap_is_alive(client) ? other_folders(client, name) : NULL;
    finding_fail(findings,
                 failure_is(error, FAILURE_PERMANENT)
                     ? EX_CONFIG
                     : failure_exit_status(error),
                 step, advice, error);
    return false;
}

static const char *const after_words[] = {[AFTER_KEEP] = "keep",
                                          [AFTER_SEEN] = "seen",
                                          [AFTER_KEYWORD] = "keyword",
                                          [AFTER_MOVE] = "move",
                                          [AFTER_DELETE] = "delete"};

/* NULL: what `after` says can be done. */
static char *
after_fault(const WatchedFolder *watched, const ImapFolder *folder)
{
    if (folder->read_only && watched->after != AFTER_KEEP)
        return g_strdup_printf("%s can be read only, and after = \"%s\" "
                               "changes it",
                               watched->folder, after_words[watched->after]);
    if (watched->after == AFTER_KEYWORD && !folder->new_keywords)
        return g_strdup_printf("%s keeps no flags of ours, and after = "
                               "\"keyword\" sets '%s'",
                               watched->folder, watched->keyword);
    return NULL;
}

static void
check_folder(ImapClient *client, const Account *account,
             const WatchedFolder *watched, Findings *findings)
{
    ImapFolder folder, target;
    g_autofree char *step = g_strdup_printf("folder %s", watched->folder);
    if (!select_folder(client, account, watched->folder,
                       watched->after != AFTER_KEEP, step, &folder, findings))
        return;
    g_autofree char *fault = after_fault(watched, &folder);
    if (fault != NULL) {
        g_autoptr(GError) error =
            g_error_new_literal(FAILURE, FAILURE_CONFIG, fault);
        finding_fail(findings, EX_CONFIG, step,
                     folder.read_only
                         ? "write after = \"keep\", or have the user allowed "
                           "to change the folder"
                         : "write after = \"seen\" or \"move\"",
                     error);
        return;
    }
    finding_add(findings, FINDING_OK, step, NULL,
                "%u mails, for queue %s, after = \"%s\"", folder.exists,
                watched->queue, after_words[watched->after]);
    if (watched->after != AFTER_MOVE)
        return;
    g_autofree char *to = g_strdup_printf("folder %s", watched->move_to);
    if (select_folder(client, account, watched->move_to, false, to, &target,
                      findings))
        finding_add(findings, FINDING_OK, to, NULL,
                    "takes what comes out of %s", watched->folder);
}

bool
account_check_folders(ImapClient *client, const Account *account,
                      Findings *findings)
{
    int before = findings->status;
    for (guint i = 0; i < account->folders->len && imap_is_alive(client); i++)
        check_folder(client, account, account->folders->pdata[i], findings);
    return findings->status == before;
}
