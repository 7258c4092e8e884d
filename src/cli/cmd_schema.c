#include <stdio.h>
#include <sysexits.h>

#include "cli.h"
#include "commands.h"
#include "store/schema.h"

static void
say_applied(void *context, const char *name)
{
    bool *any = context;
    *any = true;
    printf("applied %s\n", name);
}

static int
schema_apply_command(int argc, char **argv)
{
    static const CliHelp help = {
        "schema apply",
        "Bring the database's schema to this program's version. Safe to "
        "repeat;\n"
        "each step is one transaction; a newer or altered schema is refused.",
        "EXAMPLES\n  createdb -E UTF8 -T template0 postern && postern schema "
        "apply",
        NULL};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    bool any = false;
    if (!cli_open(&cli, &error) ||
        !schema_apply(cli.desk->store, say_applied, &any, &error))
        return cli_fail(error);
    if (!any)
        puts("nothing to apply");
    return CLI_GOOD;
}

static int
schema_check_command(int argc, char **argv)
{
    static const CliHelp help = {
        "schema check", "Does the database have exactly this program's schema?",
        "Exit status: 0 yes, 78 no, 75 it cannot be reached.", NULL};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    if (!cli_open(&cli, &error) || !schema_check(cli.desk->store, &error))
        return cli_fail(error);
    puts("the schema is this program's");
    return CLI_GOOD;
}

int
cmd_schema(int argc, char **argv)
{
    static const CliCommand commands[] = {
        {"apply", schema_apply_command, "bring the schema up to date"},
        {"check", schema_check_command, "is it this program's?"},
        {NULL, NULL, NULL}};
    return cli_dispatch("postern schema", commands, argc, argv);
}
