/* usage: malformed_mails DIRECTORY     the mails of malformed.h, as files
 *
 * NUMBER-ROW.eml each. */
#include <stdio.h>

#include "malformed.h"

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: malformed_mails DIRECTORY\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < malformed_count; i++) {
        g_autoptr(GBytes) mail = malformed_bytes(&malformed[i]);
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_strdup_printf(
            "%s/%03" G_GSIZE_FORMAT "-%s.eml", argv[1], i, malformed[i].row);
        gsize length;
        const char *bytes = g_bytes_get_data(mail, &length);
        if (!g_file_set_contents(path, length > 0 ? bytes : "", (gssize)length,
                                 &error)) {
            fprintf(stderr, "%s\n", error->message);
            return 2;
        }
    }
    return 0;
}
