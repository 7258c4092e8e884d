#include <signal.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/failure.h"
#include "cli.h"
#include "commands.h"
#include "gateway/desk.h"
#include "store/schema.h"
#include "transport/smtp.h"

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
    {"database: schema version", check_schema},
    {"database: signing keys", check_keys},
    {"relay: greeting, TLS, login", check_relay},
};

/* A wrong setting weighs more than a server that is down. */
static int
worse(int status, const GError *error)
{
    int now = failure_exit_status(error);
    return status == EX_CONFIG ? status : now;
}

int
cmd_check(int argc, char **argv)
{
    static const CliHelp help = {
        "check",
        "Try everything that the settings name: files, templates, database,\n"
        "relay. Nothing is changed and no mail is sent.",
        "Exit status: 0 all is good, 78 the settings are wrong, 75 something\n"
        "cannot be reached now.",
        NULL};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) failure = NULL;
    int status = CLI_GOOD;
    if (!cli_open(&cli, &failure))
        return cli_fail(failure);
    printf("ok    settings: %s\n", cli_settings_file);
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        if (steps[i].run(&cli, &error)) {
            printf("ok    %s\n", steps[i].what);
            continue;
        }
        printf("FAIL  %s\n      %s\n", steps[i].what, error->message);
        status = worse(status, error);
    }
    return status;
}
