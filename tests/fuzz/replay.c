/* usage: TARGET FILE...     the target, once for each file */
#include <stdio.h>

#include "fuzz.h"

int
main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *bytes = NULL;
        gsize length;
        if (!g_file_get_contents(argv[i], &bytes, &length, &error)) {
            fprintf(stderr, "%s\n", error->message);
            return 2;
        }
        /* A copy of just that length: a step beyond it is seen. */
        g_autofree guint8 *exact = g_memdup2(bytes, length);
        LLVMFuzzerTestOneInput(exact, length);
    }
    printf("%d files\n", argc - 1);
    return 0;
}
