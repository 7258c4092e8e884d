#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "cli.h"
#include "commands.h"
#include "gateway/process.h"
#include "store/delivery.h"

/* The mail of a file or of standard input, mapped or read. */
static GBytes *
read_mail(const char *file, GError **error)
{
    int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO)
                                    : open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        failure_set(error, FAILURE_PERMANENT, "cannot open '%s'", file);
        return NULL;
    }
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 piece[65536];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0)
        g_byte_array_append(bytes, piece, (guint)got);
    close(fd);
    if (got < 0) {
        failure_set(error, FAILURE_PERMANENT, "cannot read '%s'", file);
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

/* A file as if it were handed over now. */
static Delivery *
delivery_of_file(const Cli *cli, const char *file, const char *sender,
                 const char *recipient, GError **error)
{
    g_autoptr(GBytes) raw = read_mail(file, error);
    if (raw == NULL)
        return NULL;
    const Queue *first = cli->settings->queues->pdata[0];
    g_autoptr(Delivery) delivery = g_new0(Delivery, 1);
    delivery->key = g_strdup("dry-run");
    delivery->transport = g_strdup("pipe");
    delivery->envelope_recipient =
        g_strdup(recipient != NULL ? recipient : first->addresses[0]);
    delivery->queue = g_strdup("");
    delivery->mta_queue_id = g_strdup("");
    delivery->raw = g_bytes_ref(raw);
    if (sender != NULL) {
        delivery->envelope_sender = g_strdup(sender);
        return g_steal_pointer(&delivery);
    }
    g_autoptr(Mail) mail =
        parser_read(cli->desk->parser, raw, NULL, &cli->settings->limits.mail,
                    PARSER_WHOLE, error);
    if (mail == NULL)
        return NULL;
    delivery->envelope_sender =
        g_strdup(mail->originator != NULL ? mail->originator->addr_spec : "");
    return g_steal_pointer(&delivery);
}

static int
explain(Cli *cli, Txn *txn, Delivery *delivery)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = process_explain(cli->desk, txn, delivery, &error);
    if (text == NULL)
        return cli_fail(error);
    fputs(text, stdout);
    return CLI_GOOD;
}

/* Without a database the store knows nothing: no tickets, no budgets. */
static int
explain_alone(Cli *cli, const char *file, const char *sender,
              const char *recipient)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) keys =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_ptr_array_add(keys, g_bytes_new_static("dry-run", 7));
    g_autoptr(Delivery) delivery =
        delivery_of_file(cli, file, sender, recipient, &error);
    if (delivery == NULL)
        return cli_fail(error);
    cli->desk->rules.keys = keys;
    return explain(cli, NULL, delivery);
}

/* What was recorded about a delivery that is in its ticket. */
static int
tell(Txn *txn, const char *number, const Delivery *delivery)
{
    static const char *const columns[] = {"at", "event", "actor", "detail",
                                          NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *ticket =
        g_strdup_printf("%" G_GINT64_FORMAT, delivery->ticket_id);
    const char *const of_delivery[] = {number, NULL};
    const char *const of_ticket[] = {ticket, NULL};
    g_autoptr(InspectTable) row =
        inspect_ask(txn, INSPECT_DELIVERY, of_delivery, &error);
    g_autoptr(InspectTable) events =
        row != NULL ? inspect_ask(txn, INSPECT_EVENTS, of_ticket, &error)
                    : NULL;
    if (events == NULL)
        return cli_fail(error);
    cli_print_fields(row, 0);
    printf("\nWhat happened to ticket %s\n", ticket);
    cli_print_table(events, columns);
    return CLI_GOOD;
}

static int
explain_with_database(Cli *cli, const char *what, const char *sender,
                      const char *recipient)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Delivery) delivery = NULL;
    int64_t number;
    if (!desk_load_keys(cli->desk, &error))
        return cli_fail(error);
    g_autoptr(Txn) txn = store_begin_read_only(cli->desk->store, &error);
    if (txn == NULL)
        return cli_fail(error);
    if (!cli_number(what, &number)) {
        delivery = delivery_of_file(cli, what, sender, recipient, &error);
        return delivery != NULL ? explain(cli, txn, delivery) : cli_fail(error);
    }
    if (!delivery_read(txn, number, &delivery, &error))
        return cli_fail(error);
    if (delivery == NULL)
        return cli_not_found("delivery", number);
    return delivery->message_id_no != 0 ? tell(txn, what, delivery)
                                        : explain(cli, txn, delivery);
}

int
cmd_explain(int argc, char **argv)
{
    g_autofree char *sender = NULL, *recipient = NULL;
    gboolean alone = FALSE;
    const GOptionEntry options[] = {
        {"sender", 'f', 0, G_OPTION_ARG_STRING, &sender,
         "envelope sender of a FILE (default: its From)", "ADDRESS"},
        {"recipient", 'r', 0, G_OPTION_ARG_STRING, &recipient,
         "envelope recipient (default: the first queue's)", "ADDRESS"},
        {"no-database", 'n', 0, G_OPTION_ARG_NONE, &alone,
         "decide as if nothing were known", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "explain [OPTION...] FILE|ID",
        "What would become of a mail, and why? FILE is a mail (\"-\": "
        "standard\n"
        "input), ID a delivery. A dry run: nothing is stored or sent.",
        "EXAMPLES\n  postern explain mail.eml\n  postern explain 12\n"
        "  postern explain --no-database --sender a@example.org mail.eml",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc != 2)
        return cli_usage("explain", "one FILE or delivery number is needed");
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    /* It holds a database: who reads the mail must not. */
    signal(SIGPIPE, SIG_IGN);
    if (!cli_open(&cli, &error) || !desk_start_parser(cli.desk, &error))
        return cli_fail(error);
    return alone ? explain_alone(&cli, argv[1], sender, recipient)
                 : explain_with_database(&cli, argv[1], sender, recipient);
}
