#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli.h"
#include "commands.h"
#include "store/delivery.h"

enum { LIST_DEFAULT = 30 };

static int
delivery_list(int argc, char **argv)
{
    g_autofree char *state = NULL;
    int limit = LIST_DEFAULT;
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"state", 's', 0, G_OPTION_ARG_STRING, &state,
         "only waiting, settled, parked or dropped ones", "WORD"},
        {"limit", 'n', 0, G_OPTION_ARG_INT, &limit, "at most so many (30)",
         "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "an array of objects", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "delivery list [OPTION...]",
        "List hand-overs, the newest first. DUPLICATES counts how often the\n"
        "same hand-over came again and was recognised. RUBBISH is parked by\n"
        "its sender's doing: no operator need look.",
        "EXAMPLES\n  postern delivery list --state parked", options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    static const char *const states[] = {"waiting", "settled", "parked",
                                         "dropped", NULL};
    if (state != NULL && !g_strv_contains(states, state))
        return cli_usage("delivery list",
                         "--state is one of waiting settled parked dropped");
    g_autofree char *limit_text = g_strdup_printf("%d", MAX(limit, 1));
    const char *const arguments[] = {state != NULL ? state : "", limit_text,
                                     NULL};
    static const char *const columns[] = {
        "delivery", "state",  "received",   "transport", "sender", "recipient",
        "octets",   "ticket", "duplicates", "rubbish",   "reason", NULL};
    return cli_show(INSPECT_DELIVERIES, arguments, columns, json, NULL);
}

static int
delivery_show(int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry options[] = {{"json", 0, 0, G_OPTION_ARG_NONE, &json,
                                     "an array of one object", NULL},
                                    {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {"delivery show [--json] ID",
                          "Show one hand-over and what became of it.",
                          "EXAMPLES\n  postern delivery show 12", options};
    int64_t number;
    int end = cli_options_number(&help, &argc, &argv, &number);
    if (end >= 0)
        return end;
    const char *const arguments[] = {argv[1], NULL};
    guint rows = 0;
    int status = cli_show(INSPECT_DELIVERY, arguments, NULL, json, &rows);
    return status == CLI_GOOD && rows == 0 ? cli_not_found("delivery", number)
                                           : status;
}

static int
delivery_raw(int argc, char **argv)
{
    static const CliHelp help = {
        "delivery raw ID",
        "Write the mail to standard output, byte for byte as it was accepted.",
        "EXAMPLES\n  postern delivery raw 12 > mail.eml\n"
        "  postern delivery raw 12 | postern parse -",
        NULL};
    int64_t number;
    int end = cli_options_number(&help, &argc, &argv, &number);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Delivery) delivery = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL || !delivery_read(txn, number, &delivery, &error))
        return cli_fail(error);
    if (delivery == NULL)
        return cli_not_found("delivery", number);
    return cli_write_bytes(delivery->raw);
}

static int
delivery_retry_command(int argc, char **argv)
{
    gboolean all = FALSE;
    const GOptionEntry options[] = {
        {"all", 0, 0, G_OPTION_ARG_NONE, &all, "all that are parked", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "delivery retry ID | --all",
        "Process parked deliveries again, with no strikes against them; one "
        "that\n"
        "was dropped, too, by its number. What is to blame must be mended "
        "before:\n"
        "too-many-hops is parked again unless limits.hops is raised.",
        "EXAMPLES\n  postern delivery retry 12\n"
        "  postern delivery retry --all",
        options};
    int64_t number = 0, count;
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (all ? argc != 1 : argc != 2 || !cli_number(argv[1], &number))
        return cli_usage("delivery retry", "give one delivery number or --all");
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    if (!cli_open(&cli, &error))
        return cli_fail(error);
    g_autoptr(Txn) txn = store_begin(cli.desk->store, &error);
    if (txn == NULL || !delivery_retry(txn, number, &count, &error) ||
        !txn_commit(txn, &error))
        return cli_fail(error);
    if (count == 0 && !all)
        return cli_not_found("parked or dropped delivery", number);
    printf("%" G_GINT64_FORMAT " waiting again\n", count);
    return CLI_GOOD;
}

/* Each by itself: what was dropped before one that is not parked is dropped. */
static int
drop(const Cli *cli, int64_t id, int64_t *ret_count)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *note =
        g_strdup_printf("; dropped by %s", g_get_user_name());
    g_autofree char *text = g_utf8_make_valid(note, -1);
    g_autoptr(Txn) txn = store_begin(cli->desk->store, &error);
    if (txn == NULL || !delivery_drop(txn, id, text, ret_count, &error) ||
        !txn_commit(txn, &error))
        return cli_fail(error);
    return CLI_GOOD;
}

static int
drop_numbers(const Cli *cli, char **numbers)
{
    for (char **text = numbers; *text != NULL; text++) {
        int64_t number = 0, count;
        cli_number(*text, &number);
        int status = drop(cli, number, &count);
        if (status != CLI_GOOD)
            return status;
        if (count == 0)
            return cli_not_found("parked delivery", number);
        printf("%" G_GINT64_FORMAT " dropped\n", number);
    }
    return CLI_GOOD;
}

static int
drop_together(const Cli *cli, int64_t which)
{
    int64_t count;
    int status = drop(cli, which, &count);
    if (status == CLI_GOOD)
        printf("%" G_GINT64_FORMAT " dropped\n", count);
    return status;
}

/* All of them are numbers; there is one at least. */
static bool
are_numbers(char **texts)
{
    int64_t number;
    bool good = *texts != NULL;
    for (; good && *texts != NULL; texts++)
        good = cli_number(*texts, &number);
    return good;
}

static int
delivery_drop_command(int argc, char **argv)
{
    gboolean all = FALSE, rubbish = FALSE;
    const GOptionEntry options[] = {
        {"rubbish", 0, 0, G_OPTION_ARG_NONE, &rubbish,
         "all parked rubbish; see delivery list", NULL},
        {"all", 0, 0, G_OPTION_ARG_NONE, &all, "all that are parked", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "delivery drop ID... | --rubbish | --all",
        "Do without parked deliveries: they become no tickets. Until they are\n"
        "deleted, after retention.settled_delivery, retry brings them back.",
        "EXAMPLES\n  postern delivery drop 12 13\n"
        "  postern delivery drop --rubbish",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (all || rubbish ? argc != 1 || (all && rubbish) : !are_numbers(argv + 1))
        return cli_usage("delivery drop",
                         "give delivery numbers, --rubbish or --all");
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    if (!cli_open(&cli, &error))
        return cli_fail(error);
    if (all || rubbish)
        return drop_together(&cli,
                             all ? DELIVERY_DROP_ALL : DELIVERY_DROP_RUBBISH);
    return drop_numbers(&cli, argv + 1);
}

int
cmd_delivery(int argc, char **argv)
{
    static const CliCommand commands[] = {
        {"list", delivery_list, "hand-overs, the newest first"},
        {"show", delivery_show, "one hand-over and what became of it"},
        {"raw", delivery_raw, "the mail, byte for byte"},
        {"retry", delivery_retry_command, "process what is parked again"},
        {"drop", delivery_drop_command, "do without what is parked"},
        {NULL, NULL, NULL}};
    return cli_dispatch("postern delivery", commands, argc, argv);
}
