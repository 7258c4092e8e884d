#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/failure.h"
#include "base/service.h"

const char *cli_settings_file = SETTINGS_FILE;

bool
cli_open(Cli *cli, GError **error)
{
    cli->settings = settings_load(cli_settings_file, error);
    if (cli->settings == NULL ||
        !service_set(cli->settings->user, cli->settings->group, error))
        return false;
    cli->desk = desk_new(cli->settings, "postern");
    return true;
}

Txn *
cli_open_read_only(Cli *cli, GError **error)
{
    return cli_open(cli, error) ? store_begin_read_only(cli->desk->store, error)
                                : NULL;
}

void
cli_clear(Cli *cli)
{
    desk_free(cli->desk);
    settings_free(cli->settings);
}

int
cli_fail(const GError *error)
{
    fprintf(stderr, "postern: %s\n", error->message);
    return failure_exit_status(error);
}

int
cli_not_found(const char *what, int64_t number)
{
    fprintf(stderr, "postern: no %s %" G_GINT64_FORMAT "\n", what, number);
    return CLI_NOT_FOUND;
}

int
cli_usage(const char *command, const char *message)
{
    fprintf(stderr, "postern %s: %s; see postern %s --help\n", command, message,
            command);
    return EX_USAGE;
}

/* ---- options ---- */

static GOptionContext *
context_of(const CliHelp *help)
{
    /* GLib writes "Usage:" and the program's name itself. */
    GOptionContext *context = g_option_context_new(NULL);
    g_autofree char *summary =
        g_strdup_printf("  postern %s\n\n%s", help->synopsis, help->summary);
    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, help->description);
    if (help->options != NULL)
        g_option_context_add_main_entries(context, help->options, NULL);
    g_option_context_set_help_enabled(context, FALSE);
    return context;
}

/* GLib's text from our synopsis on: what precedes it names only the program. */
static void
print_help(GOptionContext *context, const CliHelp *help)
{
    g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
    g_autofree char *first = g_strdup_printf("  postern %s\n", help->synopsis);
    const char *synopsis = strstr(text, first);
    printf("Usage:\n%s", synopsis != NULL ? synopsis : text);
}

static bool
wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int
cli_options(const CliHelp *help, int *argc, char ***argv)
{
    g_autoptr(GOptionContext) context = context_of(help);
    g_autoptr(GError) error = NULL;
    if (wants_help(*argc, *argv)) {
        print_help(context, help);
        return EX_OK;
    }
    if (!g_option_context_parse(context, argc, argv, &error)) {
        fprintf(stderr, "postern: %s\nusage: postern %s\n", error->message,
                help->synopsis);
        return EX_USAGE;
    }
    /* "--" has done its work. */
    if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
        (*argv)[1] = (*argv)[0];
        (*argv)++;
        (*argc)--;
    }
    return -1;
}

bool
cli_number(const char *argument, int64_t *ret_number)
{
    char *end;
    int64_t number = g_ascii_strtoll(argument, &end, 10);
    if (end == argument || *end != '\0' || number <= 0 || number == G_MAXINT64)
        return false;
    *ret_number = number;
    return true;
}

int
cli_options_number(const CliHelp *help, int *argc, char ***argv,
                   int64_t *ret_number)
{
    int end = cli_options(help, argc, argv);
    if (end >= 0 || (*argc == 2 && cli_number((*argv)[1], ret_number)))
        return end;
    fprintf(stderr, "postern: one number is needed\nusage: postern %s\n",
            help->synopsis);
    return EX_USAGE;
}

/* ---- commands ---- */

static void
teach(const char *program, const CliCommand *commands, FILE *out)
{
    fprintf(out, "Usage: %s COMMAND [ARGUMENT...]\n\nCommands:\n", program);
    for (const CliCommand *command = commands; command->name != NULL; command++)
        fprintf(out, "  %-10s %s\n", command->name, command->help);
    fprintf(out, "\n\"%s COMMAND --help\" tells more.\n", program);
}

int
cli_dispatch(const char *program, const CliCommand *commands, int argc,
             char **argv)
{
    if (argc < 2) {
        teach(program, commands, stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        teach(program, commands, stdout);
        return EX_OK;
    }
    for (const CliCommand *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, argv[1]) == 0)
            return command->run(argc - 1, argv + 1);
    fprintf(stderr, "%s: unknown command '%s'\n\n", program, argv[1]);
    teach(program, commands, stderr);
    return EX_USAGE;
}

/* ---- output ---- */

int
cli_write_bytes(GBytes *bytes)
{
    gsize length;
    const void *start = g_bytes_get_data(bytes, &length);
    bool written = length == 0 || fwrite(start, 1, length, stdout) == length;
    return written && fflush(stdout) == 0 ? CLI_GOOD : EX_IOERR;
}

static void
print(const InspectTable *table, const char *const *columns, bool json)
{
    if (json)
        cli_print_json(table);
    else if (columns != NULL)
        cli_print_table(table, columns);
    else if (table->rows->len > 0)
        cli_print_fields(table, 0);
}

int
cli_show(InspectQuestion question, const char *const *arguments,
         const char *const *columns, bool json, guint *ret_rows)
{
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL)
        return cli_fail(error);
    g_autoptr(InspectTable) table =
        inspect_ask(txn, question, arguments, &error);
    if (table == NULL)
        return cli_fail(error);
    if (ret_rows != NULL)
        *ret_rows = table->rows->len;
    if (columns != NULL || table->rows->len > 0)
        print(table, columns, json);
    return CLI_GOOD;
}
