/* Rules of accounts and of the folders that are watched. */
#include <string.h>

#include "check.h"
#include "rules.h"

enum { PORT_TLS = 993, PORT_PLAIN = 143 };

/* Where folder `index` of an account stands, or its key `name`. */
static const config_setting_t *
folder_at(const config_setting_t *account, guint index, const char *name)
{
    config_setting_t *list = config_setting_get_member(account, "folders");
    return rules_member_at(config_setting_get_elem(list, index), name);
}

static bool
check_name(const Load *load, const Account *account, guint index)
{
    for (guint i = 0; i < index; i++) {
        const Account *other = load->settings->accounts->pdata[i];
        if (strcmp(other->name, account->name) == 0)
            return load_refuse(
                load,
                rules_member_at(rules_element_at(load, "accounts", index),
                                "name"),
                "accounts.name: '%s' is the name of two accounts; rename one",
                account->name);
    }
    return true;
}

static bool
finish_port(const Load *load, Account *account, const config_setting_t *at)
{
    if (account->port == 0)
        account->port = account->tls == TLS_ALWAYS ? PORT_TLS : PORT_PLAIN;
    if (check_is_this_machine(account->host)) {
        account->insecure_ok |= account->tls == TLS_OFF;
        return true;
    }
    return account->tls != TLS_OFF || account->insecure_ok ||
           load_refuse(load, rules_member_at(at, "tls"),
                       "accounts.tls: \"off\" would send the password in the "
                       "clear to '%s'; write \"tls\" or \"starttls\", or "
                       "insecure_ok if you must",
                       account->host);
}

static bool
finish_login(const Load *load, Account *account, const config_setting_t *at)
{
    int ways = (account->password_file[0] != '\0') +
               (account->password_command[0] != NULL) +
               (account->token_command[0] != NULL);
    account->login =
        account->token_command[0] != NULL ? LOGIN_TOKEN : LOGIN_PASSWORD;
    return ways == 1 ||
           load_refuse(load, rules_member_at(at, "user"),
                       "accounts: '%s' has %s; give exactly one of "
                       "password_file, password_command and token_command",
                       account->name,
                       ways == 0 ? "no password" : "several passwords");
}

/* An atom of RFC 3501 9, and none of the server's own flags. */
static bool
is_keyword(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (!g_ascii_isgraph(*p) || strchr("(){%*\"\\]", *p) != NULL)
            return false;
    return true;
}

/* INBOX is the one name whose case means nothing (RFC 3501 5.1). */
static bool
is_same_folder(const char *name, const char *other)
{
    return strcmp(name, other) == 0 ||
           (g_ascii_strcasecmp(name, "INBOX") == 0 &&
            g_ascii_strcasecmp(other, "INBOX") == 0);
}

static bool
is_watched(const Account *account, const char *name)
{
    for (guint i = 0; i < account->folders->len; i++) {
        const WatchedFolder *folder = account->folders->pdata[i];
        if (is_same_folder(folder->folder, name))
            return true;
    }
    return false;
}

static bool
check_after(const Load *load, const Account *owner, const WatchedFolder *folder,
            const config_setting_t *account, guint index)
{
    bool moves = folder->after == AFTER_MOVE;
    if (moves && *folder->move_to == '\0')
        return load_refuse(load, folder_at(account, index, "after"),
                           "accounts.folders.move_to is missing; write for "
                           "example move_to = \"Archive\";");
    if (!moves && *folder->move_to != '\0')
        return load_refuse(load, folder_at(account, index, "move_to"),
                           "accounts.folders.move_to: is for after = "
                           "\"move\"; write that, or remove this");
    if (moves && is_same_folder(folder->move_to, folder->folder))
        return load_refuse(load, folder_at(account, index, "move_to"),
                           "accounts.folders.move_to: is the folder itself; "
                           "its mail would come again and again");
    if (moves && is_watched(owner, folder->move_to))
        return load_refuse(load, folder_at(account, index, "move_to"),
                           "accounts.folders.move_to: '%s' is watched itself; "
                           "its mail would be taken once more",
                           folder->move_to);
    if (!is_keyword(folder->keyword))
        return load_refuse(load, folder_at(account, index, "keyword"),
                           "accounts.folders.keyword: '%s' is no IMAP keyword; "
                           "write letters and digits",
                           folder->keyword);
    return true;
}

static bool
check_folder(const Load *load, const Account *account,
             const config_setting_t *at, guint index)
{
    const WatchedFolder *folder = account->folders->pdata[index];
    if (settings_queue(load->settings, folder->queue) == NULL)
        return load_refuse(load, folder_at(at, index, "queue"),
                           "accounts.folders.queue: there is no queue '%s'; "
                           "name one of queues",
                           folder->queue);
    for (guint i = 0; i < index; i++) {
        const WatchedFolder *other = account->folders->pdata[i];
        if (is_same_folder(other->folder, folder->folder))
            return load_refuse(load, folder_at(at, index, "folder"),
                               "accounts.folders.folder: '%s' stands here "
                               "twice; remove one",
                               folder->folder);
    }
    return check_after(load, account, folder, at, index);
}

static bool
is_same_mailbox(const Account *account, const Account *other)
{
    return g_ascii_strcasecmp(account->host, other->host) == 0 &&
           account->port == other->port &&
           strcmp(account->user, other->user) == 0 &&
           strcmp(account->mailbox, other->mailbox) == 0;
}

/* No other account reads the same folders: each mail would be taken twice, and
 * be moved or deleted by one before the other has it. */
static bool
check_others(const Load *load, const Account *account,
             const config_setting_t *at, guint index)
{
    for (guint i = 0; i < index; i++) {
        const Account *other = load->settings->accounts->pdata[i];
        for (guint k = 0; k < account->folders->len; k++) {
            const WatchedFolder *folder = account->folders->pdata[k];
            if (is_same_mailbox(account, other) &&
                is_watched(other, folder->folder))
                return load_refuse(load, folder_at(at, k, "folder"),
                                   "accounts.folders.folder: '%s' of this "
                                   "login is watched by account '%s' already; "
                                   "remove one",
                                   folder->folder, other->name);
        }
    }
    return true;
}

static bool
check_account(const Load *load, guint index)
{
    Account *account = load->settings->accounts->pdata[index];
    const config_setting_t *at = rules_element_at(load, "accounts", index);
    if (!check_name(load, account, index) || !finish_port(load, account, at) ||
        !finish_login(load, account, at))
        return false;
    if (account->folders->len == 0)
        return load_refuse(
            load, rules_member_at(at, "folders"),
            "accounts: '%s' watches no folder; write for example "
            "folders = ( { folder = \"INBOX\"; queue = "
            "\"support\"; } );",
            account->name);
    for (guint i = 0; i < account->folders->len; i++)
        if (!check_folder(load, account, at, i))
            return false;
    return check_others(load, account, at, index);
}

bool
rules_check_accounts(const Load *load)
{
    for (guint i = 0; i < load->settings->accounts->len; i++)
        if (!check_account(load, i))
            return false;
    return settings_watched_count(load->settings) <= WATCHED_FOLDERS_MAX ||
           load_refuse(load, config_lookup(load->config, "accounts"),
                       "accounts: %d folders are watched, at most %d can be: "
                       "each has a process of its own",
                       settings_watched_count(load->settings),
                       WATCHED_FOLDERS_MAX);
}
