#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <gmime/gmime.h>

#include "base/log.h"
#include "cli.h"
#include "cli/cmd_parse.h"
#include "commands.h"
#include "sandbox/parser.h"

static const CliCommand commands[] = {
    {"status", cmd_status, "how the desk is doing, for people and monitoring"},
    {"ticket", cmd_ticket, "list, show, raw, reply, note, close, reopen"},
    {"delivery", cmd_delivery, "what arrived: list, show, raw, retry"},
    {"outbox", cmd_outbox, "what leaves: list, show, raw, retry, drop"},
    {"account", cmd_account, "IMAP accounts: list, left, retry, check"},
    {"explain", cmd_explain, "what becomes of a mail, and why (a dry run)"},
    {"parse", cmd_parse, "what is read in a mail"},
    {"thread", cmd_thread, "how mails group into conversations"},
    {"check", cmd_check, "try everything the settings name"},
    {"settings", cmd_settings, "the settings in force, and what each means"},
    {"schema", cmd_schema, "apply or check the database's schema"},
    {NULL, NULL, NULL},
};

static const char about[] =
    "postern " POSTERN_VERSION ": a mail gateway for help desks\n"
    "\n"
    "  postern [-c FILE] COMMAND ...   settings from FILE (default\n"
    "                                  " SETTINGS_FILE ")\n"
    "  postern --version\n"
    "\n";

/* Take "-c FILE" that stands before the command. */
static int
take_settings_file(int argc, char **argv)
{
    if (argc >= 3 &&
        (strcmp(argv[1], "-c") == 0 || strcmp(argv[1], "--settings") == 0)) {
        cli_settings_file = argv[2];
        argv[2] = argv[0];
        return 2;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], PARSER_ARGUMENT) == 0) {
        g_mime_init(); /* by `postern check` */
        return parser_child_run(mail_parse);
    }
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_DFL); /* `postern ... | head` ends quietly */
    g_set_prgname("postern");
    log_open("postern");
    log_set_level(LOG_LEVEL_ERROR);
    g_mime_init();
    if (argc == 2 &&
        (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        puts("postern " POSTERN_VERSION);
        return EX_OK;
    }
    int taken = take_settings_file(argc, argv);
    if (argc - taken == 2 && (strcmp(argv[taken + 1], "--help") == 0 ||
                              strcmp(argv[taken + 1], "-h") == 0))
        fputs(about, stdout);
    return cli_dispatch("postern", commands, argc - taken, argv + taken);
}
