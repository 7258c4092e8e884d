#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "confine.h"
#include "form.h"
#include "mail/charset.h"
#include "mail/mail_form.h"
#include "mail/prescan.h"

/* ---- pipes ---- */

/* False: the parent is gone. */
static bool
read_all(void *to, size_t length)
{
    char *p = to;
    while (length > 0) {
        ssize_t n = read(FD_REQUEST, p, length);
        if (n <= 0)
            return false;
        p += n;
        length -= (size_t)n;
    }
    return true;
}

static bool
write_all(const void *from, size_t length)
{
    const char *p = from;
    while (length > 0) {
        ssize_t n = write(FD_ANSWER, p, length);
        if (n <= 0)
            return false;
        p += n;
        length -= (size_t)n;
    }
    return true;
}

/* ---- before the doors are closed ---- */

/*
 * iconv loads a converter from a file when it is first opened, and lets go of
 * it when nobody has it open: all are opened here and stay so.
 */
static void
open_converters(void)
{
    const char *name;
    for (size_t i = 0; (name = charset_converter_at(i)) != NULL; i++)
        g_iconv_open("UTF-8", name);
}

/* Whatever libraries set up when they are first used, they set up now. */
static void
warm_up(ParserFunction read)
{
    static const char sample[] =
        "From: =?iso-8859-1?Q?J=FCrgen?= <j@example.org>\n"
        "Subject: =?koi8-r?B?8NLJ18XU?=\n"
        "Date: Mon, 2 Mar 2026 10:00:00 +0200\n"
        "Message-ID: <1@example.org>\n"
        "Content-Type: multipart/mixed; boundary=b\n"
        "\n"
        "--b\nContent-Type: text/html\n\n<p>&eacute;&#233; \xE4\xF6\xFC\xE9\n"
        "--b\nContent-Type: image/png; name=\"a.png\"\n"
        "Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
        "--b\nContent-Disposition: attachment; filename*=utf-8''a.txt\n"
        "Content-Transfer-Encoding: quoted-printable\n\n=41=42\n--b--\n";
    open_converters();
    g_autoptr(GBytes) raw = g_bytes_new_static(sample, sizeof sample - 1);
    g_autoptr(Mail) mail = read(raw, "", &mail_limits_default);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    mail_free(mail_form_read(form->data, form->len, raw, &mail_limits_default));
}

/* GLib's warnings would be written where nothing may be written. */
static void
say_nothing(const char *domain, GLogLevelFlags level, const char *message,
            void *context)
{
    (void)domain;
    (void)level;
    (void)message;
    (void)context;
}

static const char *
prepare(ParserFunction read, const ParserSetup *setup)
{
    const char *tray =
        mmap(NULL, setup->tray_bytes, PROT_READ, MAP_SHARED, FD_TRAY, 0);
    if (tray == MAP_FAILED)
        return NULL;
    close(FD_TRAY);
    warm_up(read);
    g_log_set_default_handler(say_nothing, NULL);
    confine_files();
    confine_resources(setup->memory_bytes + setup->tray_bytes, setup->cpu_s);
    return tray;
}

/* ---- mails ---- */

static Mail *
read_mail(ParserFunction read, const ParserRequest *request, const char *tray)
{
    g_autofree char *sender =
        request->knows_sender ? g_strndup(tray, request->sender_bytes) : NULL;
    g_autoptr(GBytes) raw =
        g_bytes_new_static(tray + request->sender_bytes, request->mail_bytes);
    if (request->mode == PARSER_WHOLE)
        FAILPOINT_MAIL(tray + request->sender_bytes, request->mail_bytes);
    return request->mode == PARSER_PRESCAN
               ? prescan(raw, &request->limits)
               : read(raw, sender, &request->limits);
}

static bool
answer(ParserFunction read, const ParserRequest *request, const char *tray)
{
    g_autoptr(Mail) mail = read_mail(read, request, tray);
    g_autoptr(GByteArray) form = mail_form_write(mail);
    uint64_t length = form->len;
    /* One write for both, as long as it fits into the pipe. */
    g_byte_array_prepend(form, (const guint8 *)&length, sizeof length);
    return write_all(form->data, form->len);
}

int
parser_child_run(ParserFunction read)
{
    ParserSetup setup;
    ParserHello hello = {0, 0};
    if (!read_all(&setup, sizeof setup))
        return EX_USAGE; /* nobody there: started by hand */
    const char *tray = prepare(read, &setup);
    if (tray != NULL) {
        hello.is_ready = 1;
        hello.is_confined = confine_calls(FD_REQUEST, FD_ANSWER);
    }
    bool goes_on = write_all(&hello, sizeof hello) && tray != NULL;
    ParserRequest request;
    while (goes_on && read_all(&request, sizeof request))
        goes_on = answer(read, &request, tray);
    _exit(EX_OK);
}
