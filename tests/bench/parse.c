/*
 * usage: parse PACK
 *
 * How much our reading of a mail costs beside GMime's own: the mails of a pack
 * with mail_parse() in this process, the same through a confined child
 * (sandbox/parser.h), and with GMime alone, which decodes every part and makes
 * its text UTF-8, and throws it away. In turns of a hundred mails, so that
 * whatever else the machine does disturbs all alike. Prints mails and MiB a
 * second of CPU: ours, through the child (of both processes, its starts
 * included), and GMime's.
 *
 * usage: parse --large MIB
 *
 * What one mail of that size costs the child: prints the most private memory
 * it had while it read it, in KiB, and the milliseconds that took.
 *
 * usage: parse --bodies MIB
 *
 * How long a body of that size takes, with no limit to the text that is kept:
 * prints the milliseconds of CPU of the slowest of plain text, quotes, nothing
 * but introductions of quotes, and HTML.
 */
#include <gmime/gmime.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pack.h"
#include "sandbox/parser.h"

enum { TURN = 100, MIB = 1024 * 1024 };

static const ParserOptions options = {.best_effort = true,
                                      .wall_s = 60,
                                      .cpu_s = 30,
                                      .memory_bytes = 512UL * MIB,
                                      .mails = 500,
                                      .mail_bytes = 100UL * MIB};
static Parser *parser;

static double
cpu_s(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Of children that have ended. */
static double
children_cpu_s(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* ---- the three ways ---- */

static void
parse_ours(const PackMail *mail)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(mail->bytes, mail->length);
    mail_free(mail_parse(raw, mail->sender, &mail_limits_default));
}

static void
parse_in_child(const PackMail *mail)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) raw = g_bytes_new_static(mail->bytes, mail->length);
    g_autoptr(Mail) read = parser_read(
        parser, raw, mail->sender, &mail_limits_default, PARSER_WHOLE, &error);
    if (read == NULL) {
        fprintf(stderr, "parse: %s\n", error->message);
        exit(1);
    }
}

static void
decode_part(GMimeObject *parent, GMimeObject *part, gpointer nowhere)
{
    (void)parent;
    if (!GMIME_IS_PART(part))
        return;
    GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(part));
    if (content == NULL)
        return;
    const char *charset =
        GMIME_IS_TEXT_PART(part)
            ? g_mime_text_part_get_charset(GMIME_TEXT_PART(part))
            : NULL;
    GMimeFilter *to_utf8 =
        charset != NULL ? g_mime_filter_charset_new(charset, "UTF-8") : NULL;
    if (to_utf8 == NULL) {
        g_mime_data_wrapper_write_to_stream(content, nowhere);
        return;
    }
    GMimeStream *filtered = g_mime_stream_filter_new(nowhere);
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), to_utf8);
    g_mime_data_wrapper_write_to_stream(content, filtered);
    g_mime_stream_flush(filtered);
    g_object_unref(to_utf8);
    g_object_unref(filtered);
}

static void
parse_bare(const PackMail *mail)
{
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(mail->bytes, mail->length);
    GMimeStream *nowhere = g_mime_stream_null_new();
    GMimeParser *bare = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(bare, NULL);
    g_mime_message_foreach(message, decode_part, nowhere);
    g_object_unref(message);
    g_object_unref(bare);
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

static int
compare(const char *file)
{
    g_autoptr(Pack) pack = pack_open(file);
    double ours_s = 0, child_s = 0, bare_s = 0, mib = 0;
    for (gsize i = 0; i < pack->mails->len; i++)
        mib += (double)pack_mail(pack, i)->length / MIB;
    turn(pack, 0, parse_ours); /* warm up */
    turn(pack, 0, parse_bare);
    for (gsize i = 0; i < pack->mails->len; i += TURN) {
        ours_s += turn(pack, i, parse_ours);
        child_s += turn(pack, i, parse_in_child);
        bare_s += turn(pack, i, parse_bare);
    }
    g_clear_pointer(&parser, parser_free);
    child_s += children_cpu_s();
    printf("%.0f %.1f %.0f %.1f %.0f %.1f\n", pack->mails->len / ours_s,
           mib / ours_s, pack->mails->len / child_s, mib / child_s,
           pack->mails->len / bare_s, mib / bare_s);
    return 0;
}

/* ---- one large mail ---- */

static pid_t
child_of(pid_t parent)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/task/%d/children", (int)parent, (int)parent);
    g_autofree char *children = NULL;
    return g_file_get_contents(path, &children, NULL, NULL) ? atoi(children)
                                                            : 0;
}

static long
anonymous_kib(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
    g_autofree char *status = NULL;
    if (!g_file_get_contents(path, &status, NULL, NULL))
        return 0;
    const char *line = strstr(status, "RssAnon:");
    return line != NULL ? atol(line + strlen("RssAnon:")) : 0;
}

/* Look at it every millisecond until we are killed. */
static pid_t
watch(pid_t pid, volatile long *most_kib)
{
    pid_t watcher = fork();
    while (watcher == 0) {
        *most_kib = MAX(*most_kib, anonymous_kib(pid));
        g_usleep(1000); /* a sample */
    }
    return watcher;
}

static GBytes *
make_large(size_t mib)
{
    static const char line[] = "bm8gb25lIHJlYWRzIHRoaXMsIGl0IGlzIGEgbGFyZ2UgZ"
                               "mlsZSB0aGF0IHNvbWVib2R5IHNl\r\n";
    GByteArray *mail = g_byte_array_sized_new((guint)(mib * MIB));
    static const char start[] =
        "From: a@example.org\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        "Here it is.\r\n--b\r\n"
        "Content-Type: application/pdf; name=\"a.pdf\"\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n";
    g_byte_array_append(mail, (const guint8 *)start, sizeof start - 1);
    while (mail->len + sizeof line + 8 < mib * MIB)
        g_byte_array_append(mail, (const guint8 *)line, sizeof line - 1);
    g_byte_array_append(mail, (const guint8 *)"--b--\r\n", 7);
    return g_byte_array_free_to_bytes(mail);
}

static int
read_large(size_t mib)
{
    g_autoptr(GBytes) raw = make_large(mib);
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    const PackMail mail = {bytes, length, (char[]){""}};
    g_autoptr(GError) error = NULL;
    if (!parser_start(parser, &error)) {
        fprintf(stderr, "parse: %s\n", error->message);
        return 1;
    }
    pid_t child = child_of(getpid());
    volatile long *most_kib =
        mmap(NULL, sizeof *most_kib, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t watcher = watch(child, most_kib);
    gint64 began_us = g_get_monotonic_time();
    parse_in_child(&mail);
    gint64 took_us = g_get_monotonic_time() - began_us;
    long after_kib = anonymous_kib(child);
    kill(watcher, SIGKILL);
    waitpid(watcher, NULL, 0);
    printf("%ld %" G_GINT64_FORMAT "\n", MAX(*most_kib, after_kib),
           took_us / 1000);
    g_clear_pointer(&parser, parser_free);
    return 0;
}

/* ---- large bodies ---- */

static const struct {
    const char *header;
    const char *piece;
} bodies[] = {
    {"", "The quick brown fox jumps over the lazy dog, and back again.\n"},
    {"", "> The quick brown fox jumps\n>> over the lazy dog\n\nand back\n"},
    {"", "On Mon, 2 Mar 2026 at 10:00, Anna wrote\n"},
    {"", ">>>>>>>>"},
    {"", "From: Anna\nSent: Monday\n"},
    {"Content-Type: text/html\n",
     "<p>The quick <b>brown</b> fox &amp; <a href=\"http://example.org\">the"
     "</a><br>\n<blockquote>lazy</blockquote><td>dog\n"},
};

static int
read_bodies(size_t mib)
{
    double worst_s = 0;
    MailLimits limits = mail_limits_default;
    limits.text_bytes = (mib + 1) * MIB;
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        GString *mail = g_string_new("From: a@example.org\n");
        g_string_append(mail, bodies[i].header);
        g_string_append_c(mail, '\n');
        while (mail->len < mib * MIB)
            g_string_append(mail, bodies[i].piece);
        g_autoptr(GBytes) raw = g_string_free_to_bytes(mail);
        double began_s = cpu_s();
        mail_free(mail_parse(raw, "", &limits));
        worst_s = MAX(worst_s, cpu_s() - began_s);
    }
    printf("%.0f\n", worst_s * 1000);
    return 0;
}

int
main(int argc, char **argv)
{
    g_mime_init();
    if (argc == 2 && strcmp(argv[1], PARSER_ARGUMENT) == 0)
        return parser_child_run(mail_parse);
    signal(SIGPIPE, SIG_IGN);
    parser = parser_new(&options);
    if (argc == 2)
        return compare(argv[1]);
    if (argc == 3 && strcmp(argv[1], "--large") == 0)
        return read_large((size_t)atol(argv[2]));
    if (argc == 3 && strcmp(argv[1], "--bodies") == 0)
        return read_bodies((size_t)atol(argv[2]));
    fputs("usage: parse PACK\n       parse --large MIB\n"
          "       parse --bodies MIB\n",
          stderr);
    return 2;
}
