/*
 * usage: parse PACK
 *
 * How much our reading of a mail costs beside GMime's own: parse the mails of a
 * pack with mail_parse(), and with GMime alone, which decodes every part to
 * nowhere. In turns of a hundred mails, so that whatever else the machine does
 * disturbs both alike. Prints mails and MiB a second of CPU: ours, then
 * GMime's.
 */
#include <gmime/gmime.h>
#include <stdio.h>
#include <time.h>

#include "mail/mail.h"
#include "pack.h"

enum { TURN = 100 };

static double
cpu_s(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static void
parse_ours(const PackMail *mail)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(mail->bytes, mail->length);
    mail_free(mail_parse(raw, mail->sender, &mail_limits_default));
}

static void
decode_part(GMimeObject *parent, GMimeObject *part, gpointer nowhere)
{
    (void)parent;
    if (!GMIME_IS_PART(part))
        return;
    GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
    if (content != NULL)
        g_mime_data_wrapper_write_to_stream(content, nowhere);
}

static void
parse_bare(const PackMail *mail)
{
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(mail->bytes, mail->length);
    GMimeStream *nowhere = g_mime_stream_null_new();
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    g_mime_message_foreach(message, decode_part, nowhere);
    g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(nowhere);
    g_object_unref(stream);
}

static double
turn(const Pack *pack, gsize from, void (*parse)(const PackMail *))
{
    double began_s = cpu_s();
    for (gsize i = from; i < from + TURN && i < pack->mails->len; i++)
        parse(pack_mail(pack, i));
    return cpu_s() - began_s;
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: parse PACK\n", stderr);
        return 2;
    }
    g_mime_init();
    g_autoptr(Pack) pack = pack_open(argv[1]);
    double ours_s = 0, bare_s = 0, mib = 0;
    for (gsize i = 0; i < pack->mails->len; i++)
        mib += (double)pack_mail(pack, i)->length / (1 << 20);
    turn(pack, 0, parse_ours); /* warm up */
    turn(pack, 0, parse_bare);
    for (gsize i = 0; i < pack->mails->len; i += TURN) {
        ours_s += turn(pack, i, parse_ours);
        bare_s += turn(pack, i, parse_bare);
    }
    printf("%.0f %.1f %.0f %.1f\n", pack->mails->len / ours_s, mib / ours_s,
           pack->mails->len / bare_s, mib / bare_s);
    return 0;
}
