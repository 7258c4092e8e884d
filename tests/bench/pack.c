#include "pack.h"

#include <stdlib.h>
#include <string.h>

void
pack_write(FILE *file, const char *sender, const GString *bytes)
{
    fprintf(file, "MAIL %" G_GSIZE_FORMAT " %s\n", bytes->len, sender);
    fwrite(bytes->str, 1, bytes->len, file);
}

G_NORETURN static void
die(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(1);
}

/* One mail at `*at`; false if this is none. */
static bool
read_mail(const char **at, const char *end, PackMail *ret_mail)
{
    const char *newline = memchr(*at, '\n', (gsize)(end - *at));
    if (newline == NULL || newline - *at > 1000)
        return false;
    g_autofree char *line = g_strndup(*at, (gsize)(newline - *at));
    g_auto(GStrv) words = g_strsplit(line, " ", 3);
    if (g_strv_length(words) != 3 || strcmp(words[0], "MAIL") != 0)
        return false;
    guint64 length = g_ascii_strtoull(words[1], NULL, 10);
    if (length > (guint64)(end - newline - 1))
        return false;
    *ret_mail =
        (PackMail){newline + 1, (gsize)length, g_steal_pointer(&words[2])};
    *at = newline + 1 + length;
    return true;
}

static void
clear_mail(gpointer mail)
{
    g_free(((PackMail *)mail)->sender);
}

Pack *
pack_open(const char *path)
{
    g_autoptr(GError) error = NULL;
    Pack *pack = g_new0(Pack, 1);
    pack->file = g_mapped_file_new(path, FALSE, &error);
    if (pack->file == NULL)
        die(path, error->message);
    pack->mails = g_array_new(FALSE, FALSE, sizeof(PackMail));
    g_array_set_clear_func(pack->mails, clear_mail);
    const char *at = g_mapped_file_get_contents(pack->file);
    const char *end = at + g_mapped_file_get_length(pack->file);
    while (at < end) {
        PackMail mail;
        if (!read_mail(&at, end, &mail))
            die(path, "not a pack of mails");
        g_array_append_val(pack->mails, mail);
    }
    if (pack->mails->len == 0)
        die(path, "no mail in it");
    return pack;
}

const PackMail *
pack_mail(const Pack *pack, gsize index)
{
    g_assert(index < pack->mails->len);
    return &g_array_index(pack->mails, PackMail, index);
}

void
pack_close(Pack *pack)
{
    if (pack == NULL)
        return;
    g_array_unref(pack->mails);
    g_mapped_file_unref(pack->file);
    g_free(pack);
}
