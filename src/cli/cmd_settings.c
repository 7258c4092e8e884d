#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli.h"
#include "commands.h"
#include "settings/keys.h"

/* What one key means. */
static int
describe(const char *path)
{
    const KeyBlock *block;
    const Key *key;
    if (!keys_find_path(path, &block, &key)) {
        fprintf(stderr, "postern: no key '%s'; postern.conf(5) lists all\n",
                path);
        return CLI_NOT_FOUND;
    }
    g_autoptr(GString) out = g_string_new(NULL);
    keys_reference(block, key, out);
    fputs(out->str, stdout);
    return CLI_GOOD;
}

int
cmd_settings(int argc, char **argv)
{
    gboolean changed = FALSE, map = FALSE, sample = FALSE;
    const GOptionEntry options[] = {
        {"changed", 0, 0, G_OPTION_ARG_NONE, &changed,
         "only what differs from the defaults", NULL},
        {"postfix-map", 0, 0, G_OPTION_ARG_NONE, &map,
         "the recipients as a table for Postfix", NULL},
        {"sample", 0, 0, G_OPTION_ARG_NONE, &sample,
         "a commented file to begin with", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "settings [OPTION...] [KEY]",
        "Show the settings in force, as a file; or what KEY means.",
        "EXAMPLES\n  postern settings --changed\n"
        "  postern settings relay.tls\n"
        "  postern settings --postfix-map > /etc/postfix/postern-recipients",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    g_autoptr(GString) out = g_string_new(NULL);
    if (argc == 2)
        return describe(argv[1]);
    if (argc > 2)
        return cli_usage("settings", "at most one KEY");
    if (sample) {
        keys_sample(out);
    } else {
        g_autoptr(GError) error = NULL;
        g_autoptr(Settings) settings = settings_load(cli_settings_file, &error);
        if (settings == NULL)
            return cli_fail(error);
        if (map)
            settings_postfix_map(settings, out);
        else
            keys_print(settings, changed, out);
    }
    fputs(out->str, stdout);
    return CLI_GOOD;
}
