/*
 * What keys.c says, for tests/check-docs:
 *   keys_dump --sample | --manual       the documents it makes
 *   keys_dump --keys                    BLOCK KEY DEFAULT, one a line
 *   keys_dump --template-directory      where this build looks for templates
 *   keys_dump --load FILE               the values it gives; 78 if it is
 * refused
 */
#include <stdio.h>
#include <string.h>

#include "settings/keys.h"

static void
print_keys(GString *out)
{
    size_t count = 0;
    const KeyBlock *blocks = keys_blocks(&count);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < blocks[i].count; k++) {
            const Key *key = &blocks[i].keys[k];
            g_autofree char *standard = keys_standard_text(key);
            g_string_append_printf(
                out, "%s\t%s\t%s\n",
                blocks[i].name[0] == '\0' ? "-" : blocks[i].name, key->name,
                standard == NULL ? "-" : standard);
        }
    }
}

static int
load(const char *file, GString *out)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = settings_load(file, &error);
    if (settings == NULL) {
        fprintf(stderr, "%s\n", error->message);
        return 78;
    }
    keys_print(settings, false, out);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    g_autoptr(GString) out = g_string_new(NULL);
    int status = 0;
    if (strcmp(what, "--sample") == 0)
        keys_sample(out);
    else if (strcmp(what, "--manual") == 0)
        keys_manual(out);
    else if (strcmp(what, "--keys") == 0)
        print_keys(out);
    else if (strcmp(what, "--template-directory") == 0)
        g_string_printf(
            out, "%s\n",
            keys_find(keys_block(""), "template_directory")->standard);
    else if (strcmp(what, "--load") == 0 && argc == 3)
        status = load(argv[2], out);
    else
        status = 64;
    fputs(out->str, stdout);
    return status;
}
