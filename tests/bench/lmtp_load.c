/*
 * usage: lmtp_load SOCKET|127.0.0.1:PORT RECIPIENT CONNECTIONS PACK
 *
 * Hand the mails of a pack to an LMTP server as an MTA that keeps its
 * connections: so many processes, each with one connection and every so-manieth
 * mail; MAIL, RCPT and DATA in one flight, the content in the next together
 * with the commands of the mail that follows (RFC 2920). Prints the number of
 * mails that were answered 250 after the content, and the seconds it took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pack.h"
#include "wire.h"

typedef struct {
    const char *socket_path;
    const char *recipient;
    gsize connections;
    const Pack *pack;
} Load;

static void
append_envelope(GString *out, const Load *load, const PackMail *mail)
{
    g_string_append_printf(
        out, "MAIL FROM:<%s> BODY=8BITMIME\r\nRCPT TO:<%s>\r\nDATA\r\n",
        mail->sender, load->recipient);
}

static void
append_content(GString *out, const PackMail *mail)
{
    const char *at = mail->bytes, *end = at + mail->length;
    if (*at == '.')
        g_string_append_c(out, '.');
    while (at < end) {
        const char *dot = memmem(at, (gsize)(end - at), "\r\n.", 3);
        const char *stop = dot != NULL ? dot + 3 : end;
        g_string_append_len(out, at, stop - at);
        if (dot != NULL)
            g_string_append_c(out, '.');
        at = stop;
    }
    g_string_append(out, ".\r\n");
}

static void
converse(const Load *load, gsize from)
{
    Wire *wire = g_new(Wire, 1);
    /* A port is an MTA's. */
    bool is_smtp = wire_is_loopback(load->socket_path);
    g_autoptr(GString) out =
        g_string_new(is_smtp ? "EHLO bench.test\r\n" : "LHLO bench.test\r\n");
    wire_open(wire, load->socket_path);
    wire_reply(wire);
    wire_send(wire, out);
    wire_reply(wire);
    g_string_truncate(out, 0);
    gsize count = load->pack->mails->len;
    if (from < count)
        append_envelope(out, load, pack_mail(load->pack, from));
    wire_send(wire, out);
    for (gsize i = from; i < count; i += load->connections) {
        for (int replies = 0; replies < 3; replies++)
            wire_reply(wire);
        g_string_truncate(out, 0);
        append_content(out, pack_mail(load->pack, i));
        if (i + load->connections < count)
            append_envelope(out, load,
                            pack_mail(load->pack, i + load->connections));
        wire_send(wire, out);
        wire_reply(wire);
    }
    wire_close(wire);
    g_free(wire);
}

static void
run(const Load *load)
{
    for (gsize i = 0; i < load->connections; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            perror("fork");
            exit(1);
        }
        if (pid == 0) {
            converse(load, i);
            exit(0);
        }
    }
    for (gsize i = 0; i < load->connections; i++) {
        int status;
        if (wait(&status) < 0 || status != 0) {
            fputs("a connection failed\n", stderr);
            exit(1);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: lmtp_load SOCKET|127.0.0.1:PORT RECIPIENT CONNECTIONS "
              "PACK\n",
              stderr);
        return 2;
    }
    g_autoptr(Pack) pack = pack_open(argv[4]);
    Load load = {argv[1], argv[2], (gsize)g_ascii_strtoull(argv[3], NULL, 10),
                 pack};
    if (load.connections == 0)
        return 2;
    gint64 began_us = g_get_monotonic_time();
    run(&load);
    /* A client that was refused anything has ended us. */
    printf("%u %.3f\n", pack->mails->len,
           (double)(g_get_monotonic_time() - began_us) / 1e6);
    return 0;
}
