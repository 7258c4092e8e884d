/*
 * usage: make_forms DIRECTORY FILE...
 *
 * Seeds for fuzz_form: what the child answers for each mail.
 */
#include <gmime/gmime.h>
#include <stdio.h>

#include "mail/mail_form.h"

int
main(int argc, char **argv)
{
    g_mime_init();
    for (int i = 2; i < argc; i++) {
        g_autofree char *bytes = NULL;
        gsize length;
        if (!g_file_get_contents(argv[i], &bytes, &length, NULL))
            return 2;
        g_autoptr(GBytes) raw = g_bytes_new_static(bytes, length);
        g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
        g_autoptr(GByteArray) form = mail_form_write(mail);
        g_autofree char *path = g_strdup_printf("%s/form-%d", argv[1], i);
        if (!g_file_set_contents(path, (const char *)form->data, form->len,
                                 NULL))
            return 2;
    }
    return 0;
}
