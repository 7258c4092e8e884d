#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/failure.h"
#include "cli.h"
#include "commands.h"
#include "daemon/status.h"
#include "gateway/desk.h"
#include "store/schema.h"
#include "transport/smtp.h"

enum { CLOCK_WORKERS = 1 };

/* One thing that is tried; the steps after it are tried all the same. */
typedef struct {
    const char *what;
    bool (*run)(Cli *cli, GError **error);
} Step;

static bool
check_files(Cli *cli, GError **error)
{
    return settings_check_files(cli->settings, error);
}

static bool
check_templates(Cli *cli, GError **error)
{
    return desk_load_templates(cli->desk, error) &&
           template_set_check(cli->desk->templates, error);
}

/* As a processor of the daemon starts one. */
static bool
check_parser(Cli *cli, GError **error)
{
    signal(SIGPIPE, SIG_IGN);
    return desk_start_parser(cli->desk, error);
}

static bool
check_connection(Cli *cli, GError **error)
{
    return store_connect(cli->desk->store, error);
}

static bool
check_server(Cli *cli, GError **error)
{
    return schema_check_server(cli->desk->store, error);
}

/* One for each worker of the daemon at its busiest; a pooler has its own way of
 * sharing them. */
static bool
check_connections(Cli *cli, GError **error)
{
    const WorkerCounts *counts = &cli->settings->workers;
    int64_t wanted = (int64_t)lmtp_most(counts) + counts->processor +
                     counts->sender + CLOCK_WORKERS;
    for (guint i = 0; i < cli->settings->accounts->len; i++) {
        const Account *account = cli->settings->accounts->pdata[i];
        wanted += account->folders->len;
    }
    return !cli->settings->database.prepared ||
           schema_check_connections(cli->desk->store, wanted, error);
}

static bool
check_schema(Cli *cli, GError **error)
{
    return schema_check(cli->desk->store, error);
}

static bool
check_keys(Cli *cli, GError **error)
{
    return desk_load_keys(cli->desk, error);
}

static bool
check_relay(Cli *cli, GError **error)
{
    const Relay *relay = &cli->settings->relay;
    char *password = NULL;
    if (!settings_relay_password(relay, &password, error))
        return false;
    g_autoptr(SmtpClient) client = smtp_open(relay, password, error);
    settings_secret_free(password);
    return client != NULL;
}

static const Step steps[] = {
    {"files, users and permissions", check_files},
    {"templates, rendered with hostile values", check_templates},
    {"parser of mails, confined by the kernel", check_parser},
    {"database: connection", check_connection},
    {"database: fsync, full_page_writes, synchronous_commit, UTF8",
     check_server},
    {"database: connections for all workers (behind a pooler not counted)",
     check_connections},
    {"database: schema version", check_schema},
    {"database: signing keys", check_keys},
    {"relay: greeting, TLS, login", check_relay},
};

/* Servers are only asked by `postern account check`. */
static bool
check_secret(const Account *account, GError **error)
{
    int64_t lifetime_s;
    char *secret = NULL;
    bool good = settings_account_secret(account, &secret, &lifetime_s, error);
    settings_secret_free(secret);
    return good;
}

/* A wrong setting weighs more than a server that is down. */
static int
worse(int status, const GError *error)
{
    int now = failure_exit_status(error);
    return status == EX_CONFIG ? status : now;
}

static void
show(const char *what, const GError *error, int *status)
{
    if (error == NULL) {
        printf("ok    %s\n", what);
        return;
    }
    printf("FAIL  %s\n      %s\n", what, error->message);
    *status = worse(*status, error);
}

static int
run_steps(Cli *cli)
{
    int status = CLI_GOOD;
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        steps[i].run(cli, &error);
        show(steps[i].what, error, &status);
    }
    for (guint i = 0; i < cli->settings->accounts->len; i++) {
        const Account *account = cli->settings->accounts->pdata[i];
        g_autoptr(GError) error = NULL;
        g_autofree char *what = g_strdup_printf(
            "account %s: %s (no server was asked: postern account check %s)",
            account->name, account->login == LOGIN_TOKEN ? "token" : "password",
            account->name);
        check_secret(account, &error);
        show(what, error, &status);
    }
    return status;
}

int
cmd_check(int argc, char **argv)
{
    static const CliHelp help = {
        "check",
        "Try everything that the settings name: files, templates, database,\n"
        "relay, passwords and tokens of accounts. Nothing is changed and no "
        "mail is sent.",
        "Exit status: 0 all is good, 78 the settings are wrong, 75 something\n"
        "cannot be reached now.",
        NULL};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) failure = NULL;
    if (!cli_open(&cli, &failure))
        return cli_fail(failure);
    printf("ok    settings: %s\n", cli_settings_file);
    return run_steps(&cli);
}
