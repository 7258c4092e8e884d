#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "account_check.h"
#include "cli.h"
#include "commands.h"
#include "gateway/folders.h"
#include "json.h"
#include "store/folder.h"

enum { WAIT_S = 60, WAIT_MAX_S = 3600, ACCOUNT_TROUBLE = 1 };

typedef struct {
    gboolean send;
    gboolean json;
    int wait_s;
} CheckOptions;

static const Account *
find_account(const Settings *settings, const char *name)
{
    const Account *account = settings_account(settings, name);
    if (account != NULL)
        return account;
    fprintf(stderr, "postern: no account '%s' in %s", name, cli_settings_file);
    for (guint i = 0; i < settings->accounts->len; i++)
        fprintf(stderr, "%s %s", i == 0 ? "; there is" : ",",
                ((const Account *)settings->accounts->pdata[i])->name);
    fputc('\n', stderr);
    return NULL;
}

static void
check(const Settings *settings, const Account *account,
      const CheckOptions *options, Findings *findings)
{
    g_autoptr(ImapClient) client = account_check_login(account, findings);
    if (client != NULL && account_check_folders(client, account, findings) &&
        options->send)
        account_check_mail(client, settings, account, options->wait_s,
                           findings);
}

/* An object with the steps that were tried. */
static void
print_json(const Account *account, Findings *findings)
{
    cli_json_write(json_pack("{s:s, s:b, s:o}", "account", account->name,
                             "good", findings->status == EX_OK, "steps",
                             findings->steps));
}

static int
check_account(const char *name, const CheckOptions *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = settings_load(cli_settings_file, &error);
    if (settings == NULL)
        return cli_fail(error);
    const Account *account = find_account(settings, name);
    if (account == NULL)
        return CLI_NOT_FOUND;
    Findings findings = {options->json ? json_array() : NULL, CLI_GOOD};
    signal(SIGPIPE, SIG_IGN); /* a server that hangs up is told of */
    check(settings, account, options, &findings);
    if (options->json)
        print_json(account, &findings);
    return findings.status;
}

static int
account_check(int argc, char **argv)
{
    CheckOptions choice = {.wait_s = WAIT_S};
    const GOptionEntry options[] = {
        {"send", 's', 0, G_OPTION_ARG_NONE, &choice.send,
         "send a test mail, and wait for it", NULL},
        {"wait", 'w', 0, G_OPTION_ARG_INT, &choice.wait_s,
         "how long to wait for it (60)", "SECONDS"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &choice.json, "one object", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "account check [--send [--wait SECONDS]] [--json] NAME",
        "Try an IMAP account, step by step: its secret, the connection, the\n"
        "certificate, what the server can, the login, each watched folder. No\n"
        "mail is read or touched. With --send a mail to the first address of\n"
        "each queue goes through the relay and must turn up in a folder.",
        "EXAMPLES\n  postern account check office\n"
        "  postern account check --send office\n\n"
        "Exit status: 0 all is good, 78 the settings are wrong, 69 the server\n"
        "refuses, 75 something cannot be reached now or did not arrive,\n"
        "1 no such account.",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc != 2)
        return cli_usage("account check", "one NAME is needed");
    if (choice.wait_s < 1 || choice.wait_s > WAIT_MAX_S)
        return cli_usage("account check", "--wait takes 1 to 3600 seconds");
    return check_account(argv[1], &choice);
}

/* ---- what the database knows ---- */

/* The columns of the list; the first four are not the database's. */
static const char *const list_names[] = {
    "account",  "folder",     "queue",  "state",  "last_success",
    "silent_s", "waiting",    "parked", "struck", "next_try_s",
    "holder",   "last_error", NULL};
static const InspectType list_types[] = {
    INSPECT_TEXT,   INSPECT_TEXT,   INSPECT_TEXT,   INSPECT_TEXT,
    INSPECT_TEXT,   INSPECT_NUMBER, INSPECT_NUMBER, INSPECT_NUMBER,
    INSPECT_NUMBER, INSPECT_NUMBER, INSPECT_TEXT,   INSPECT_TEXT};

enum { LIST_KNOWN = 4 };

static const char *
add_folder(InspectTable *list, const InspectTable *known,
           const Account *account, const WatchedFolder *folder,
           int64_t silence_s)
{
    const char *cells[G_N_ELEMENTS(list_names)] = {NULL};
    int row = folders_row(known, account, folder);
    const char *state = folders_state(known, row, silence_s);
    cells[0] = account->name;
    cells[1] = folder->folder;
    cells[2] = folder->queue;
    cells[3] = state;
    for (guint i = LIST_KNOWN; row >= 0 && i < list->n_columns; i++) {
        const char *value = inspect_get(known, (guint)row, list_names[i]);
        cells[i] = *value != '\0' ? value : NULL;
    }
    inspect_table_add(list, cells);
    return state;
}

/* ret_trouble: something wants a person. */
static InspectTable *
list_folders(Txn *txn, const Settings *settings, bool *ret_trouble,
             GError **error)
{
    static const char *const bad[] = {"never", "refused", "silent", NULL};
    const Account *account;
    const WatchedFolder *folder;
    g_autoptr(InspectTable) known =
        inspect_ask(txn, INSPECT_FOLDERS, NULL, error);
    if (known == NULL)
        return NULL;
    *ret_trouble = false;
    InspectTable *list = inspect_table_new(list_names, list_types);
    for (int i = 0; settings_watched(settings, i, &account, &folder); i++) {
        const char *state = add_folder(list, known, account, folder,
                                       settings->limits.folder_silence_s);
        *ret_trouble |= g_strv_contains(bad, state) ||
                        g_ascii_strtoll(inspect_get(list, (guint)i, "parked"),
                                        NULL, 10) > 0;
    }
    return list;
}

static int
show_folders(bool json)
{
    static const char *const columns[] = {
        "account", "folder",     "queue",  "state",      "silent_s", "waiting",
        "parked",  "next_try_s", "holder", "last_error", NULL};
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    bool trouble;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    g_autoptr(InspectTable) list =
        txn != NULL ? list_folders(txn, cli.settings, &trouble, &error) : NULL;
    if (list == NULL)
        return cli_fail(error);
    if (json)
        cli_print_json(list);
    else
        cli_print_table(list, columns);
    return trouble ? ACCOUNT_TROUBLE : CLI_GOOD;
}

static int
account_list(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "an array of objects", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "account list [--json]",
        "List the folders that are watched, from whatever machine, and how it\n"
        "goes: seconds since the last success, mails that wait, mails that\n"
        "could not be taken, who reads it.",
        "EXAMPLES\n  postern account list\n\n"
        "Exit status: 0 all is well, 1 a folder is silent or refused, was\n"
        "never looked into, or mails in it need a person.",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc != 1)
        return cli_usage("account list", "it takes no argument");
    return show_folders(json);
}

static int
account_left(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "an array of objects", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "account left [--json] [NAME]",
        "List mails that could not be taken out of their folders, and why.\n"
        "They are where they were; parked ones are not tried again.",
        "EXAMPLES\n  postern account left office", options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc > 2)
        return cli_usage("account left", "at most one NAME");
    static const char *const columns[] = {
        "account", "folder", "uid",      "octets", "strikes",
        "state",   "since",  "next_try", "reason", NULL};
    const char *const arguments[] = {argc == 2 ? argv[1] : "", NULL};
    return cli_show(INSPECT_LEFT, arguments, columns, json, NULL);
}

static int
account_retry(int argc, char **argv)
{
    static const CliHelp help = {
        "account retry NAME",
        "Try the mails again that could not be taken out of an account's\n"
        "folders, with no strikes against them.",
        "EXAMPLES\n  postern account retry office", NULL};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc != 2)
        return cli_usage("account retry", "one NAME is needed");
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    int64_t count;
    if (!cli_open(&cli, &error))
        return cli_fail(error);
    if (find_account(cli.settings, argv[1]) == NULL)
        return CLI_NOT_FOUND;
    g_autoptr(Txn) txn = store_begin(cli.desk->store, &error);
    if (txn == NULL || !folder_left_retry(txn, argv[1], &count, &error) ||
        !txn_commit(txn, &error))
        return cli_fail(error);
    printf("%" G_GINT64_FORMAT " to be tried again\n", count);
    return CLI_GOOD;
}

int
cmd_account(int argc, char **argv)
{
    static const CliCommand commands[] = {
        {"list", account_list, "the folders that are watched, and how it goes"},
        {"left", account_left, "mails that could not be taken"},
        {"retry", account_retry, "try those again"},
        {"check", account_check, "try one, from the secret to its folders"},
        {NULL, NULL, NULL}};
    return cli_dispatch("postern account", commands, argc, argv);
}
