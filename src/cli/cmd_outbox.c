#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli.h"
#include "commands.h"
#include "json.h"
#include "store/outbox.h"

enum { LIST_DEFAULT = 30 };

static int
outbox_list(int argc, char **argv)
{
    g_autofree char *state = NULL;
    int limit = LIST_DEFAULT;
    gboolean json = FALSE, everything = FALSE;
    const GOptionEntry options[] = {
        {"state", 's', 0, G_OPTION_ARG_STRING, &state,
         "only queued, sent, failed, unsure, ... ones", "WORD"},
        {"all", 'a', 0, G_OPTION_ARG_NONE, &everything,
         "also what was sent or dropped", NULL},
        {"limit", 'n', 0, G_OPTION_ARG_INT, &limit, "at most so many (30)",
         "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "an array of objects", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "outbox list [OPTION...]",
        "List mail that leaves, the newest first: what is unfinished, or all.",
        "EXAMPLES\n  postern outbox list\n"
        "  postern outbox list --state failed",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    static const char *const states[] = {"queued", "submitting", "sent", "failed",
                                         "unsure", "dropped", NULL};
    if (state != NULL && !g_strv_contains(states, state))
        return cli_usage("outbox list",
                         "--state is one of queued submitting sent "
                         "failed unsure dropped");
    g_autofree char *limit_text = g_strdup_printf("%d", MAX(limit, 1));
    const char *which = everything ? "" : "unfinished";
    const char *const arguments[] = {state != NULL ? state : which, limit_text,
                                     NULL};
    static const char *const columns[] = {"outgoing",   "state",      "kind",
                                          "ticket",     "attempts",   "due",
                                          "recipients", "last_error", NULL};
    return cli_show(INSPECT_OUTBOX, arguments, columns, json, NULL);
}

static void
print_outgoing(const InspectTable *outgoing, const InspectTable *recipients,
               bool json)
{
    static const char *const columns[] = {
        "recipient", "state", "code", "enhanced", "replied", "reply", NULL};
    if (json) {
        json_t *object = cli_json_row(outgoing, 0);
        json_object_set_new(object, "recipients", cli_json_table(recipients));
        cli_json_write(object);
        return;
    }
    cli_print_fields(outgoing, 0);
    putchar('\n');
    cli_print_table(recipients, columns);
}

static int
outbox_show(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "one object", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "outbox show [--json] ID",
        "Show one mail and what the relay said about each recipient.",
        "EXAMPLES\n  postern outbox show 7", options};
    int64_t number;
    int end = cli_options_number(&help, &argc, &argv, &number);
    if (end >= 0)
        return end;
    const char *const arguments[] = {argv[1], NULL};
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL)
        return cli_fail(error);
    g_autoptr(InspectTable) outgoing =
        inspect_ask(txn, INSPECT_OUTGOING, arguments, &error);
    if (outgoing == NULL)
        return cli_fail(error);
    g_autoptr(InspectTable) recipients =
        inspect_ask(txn, INSPECT_RECIPIENTS, arguments, &error);
    if (recipients == NULL)
        return cli_fail(error);
    if (outgoing->rows->len == 0)
        return cli_not_found("outgoing mail", number);
    print_outgoing(outgoing, recipients, json);
    return CLI_GOOD;
}

static int
outbox_raw(int argc, char **argv)
{
    static const CliHelp help = {
        "outbox raw ID", "Write the mail as it goes to the relay.",
        "EXAMPLES\n  postern outbox raw 7 | less", NULL};
    int64_t number;
    int end = cli_options_number(&help, &argc, &argv, &number);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) content = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL || !inspect_outgoing_content(txn, number, &content, &error))
        return cli_fail(error);
    if (content == NULL)
        return cli_not_found("outgoing mail with content", number);
    return cli_write_bytes(content);
}

/* retry and drop: the same but for what is done. */
static int
by_hand(int argc, char **argv, const CliHelp *help,
        bool (*act)(Store *, int64_t, bool *, GError **), const char *done_word,
        const char *wanted)
{
    int64_t number;
    int end = cli_options_number(help, &argc, &argv, &number);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    bool done;
    if (!cli_open(&cli, &error) || !act(cli.desk->store, number, &done, &error))
        return cli_fail(error);
    if (!done)
        return cli_not_found(wanted, number);
    printf("%" G_GINT64_FORMAT " %s\n", number, done_word);
    return CLI_GOOD;
}

static int
outbox_retry_command(int argc, char **argv)
{
    static const CliHelp help = {
        "outbox retry ID",
        "Try a mail again now, for the recipients that did not get it. For an\n"
        "unsure acknowledgement this may send it twice.",
        "EXAMPLES\n  postern outbox retry 7", NULL};
    return by_hand(argc, argv, &help, outbox_retry, "queued again",
                   "unfinished outgoing mail");
}

static int
outbox_drop_command(int argc, char **argv)
{
    static const CliHelp help = {
        "outbox drop ID", "Never send a mail that is not on its way yet.",
        "EXAMPLES\n  postern outbox drop 7", NULL};
    return by_hand(argc, argv, &help, outbox_drop, "dropped",
                   "unfinished outgoing mail");
}

int
cmd_outbox(int argc, char **argv)
{
    static const CliCommand commands[] = {
        {"list", outbox_list, "what is unfinished, or all"},
        {"show", outbox_show, "one mail and the relay's replies"},
        {"raw", outbox_raw, "the mail as it goes to the relay"},
        {"retry", outbox_retry_command, "try it again now"},
        {"drop", outbox_drop_command, "never send it"},
        {NULL, NULL, NULL}};
    return cli_dispatch("postern outbox", commands, argc, argv);
}
