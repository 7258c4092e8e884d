#include <string.h>

#include "base/text.h"
#include "mail/mail_form.h"
#include "malformed.h"
#include "support.h"

START_TEST(a_malformed_mail_is_read)
{
    const Malformed *row = &malformed[_i];
    g_autoptr(GBytes) raw = malformed_bytes(row);
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &mail_limits_default);
    ck_assert_msg(text_is_valid(mail->text, strlen(mail->text)), "%s %s",
                  row->row, row->what);
    if (row->subject != NULL)
        ck_assert_msg(strcmp(mail->subject, row->subject) == 0, "%s %s: '%s'",
                      row->row, row->what, mail->subject);
    if (row->says != NULL)
        ck_assert_msg(strstr(mail->text, row->says) != NULL, "%s %s: '%.200s'",
                      row->row, row->what, mail->text);
    if (row->defect != NULL)
        ck_assert_msg(support_has_defect(mail, row->defect), "%s %s: no %s",
                      row->row, row->what, row->defect);
    /* What the other side of the sandbox would say to it. */
    g_autoptr(GByteArray) form = mail_form_write(mail);
    g_autoptr(Mail) again =
        mail_form_read(form->data, form->len, raw, &mail_limits_default);
    ck_assert_msg(again != NULL, "%s %s", row->row, row->what);
}
END_TEST

/* Whatever a network cut off, the rest is read (M59). */
START_TEST(a_mail_may_end_anywhere)
{
    const Malformed *row = &malformed[_i];
    g_autoptr(GBytes) raw = malformed_bytes(row);
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    for (gsize end = 0; end < MIN(length, 400); end++) {
        g_autofree char *exact = g_memdup2(bytes, end);
        g_autoptr(GBytes) cut = g_bytes_new_static(exact, end);
        g_autoptr(Mail) mail = mail_parse(cut, NULL, &mail_limits_default);
        ck_assert(text_is_valid(mail->text, strlen(mail->text)));
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, a_malformed_mail_is_read, 0,
                        (int)malformed_count);
    tcase_add_loop_test(tests, a_mail_may_end_anywhere, 0,
                        (int)malformed_count);
}

int
main(void)
{
    return support_run("malformed", add);
}
