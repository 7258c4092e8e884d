#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "account_check.h"
#include "cli.h"
#include "commands.h"
#include "json.h"

enum { WAIT_S = 60, WAIT_MAX_S = 3600 };

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

int
cmd_account(int argc, char **argv)
{
    static const CliCommand commands[] = {
        {"check", account_check, "try one, from the secret to its folders"},
        {NULL, NULL, NULL}};
    return cli_dispatch("postern account", commands, argc, argv);
}
