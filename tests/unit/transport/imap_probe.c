/*
 * usage: imap_probe [-c CAFILE] [-t off|starttls|tls] [-u USER] [-m MAILBOX]
 *                   [-p PASSWORD | -k TOKEN] HOST PORT COMMAND...
 *
 * Log in with the transport's own client, do this, and print what came of it,
 * or why not. For tests against real servers, and to measure.
 *
 *   report                 what is known of the connection, even if it failed
 *   abilities              "idle move uidplus", what of these it can
 *   list                   a folder a line
 *   fetch FOLDER [SINCE]   each mail: UID, size, SHA-256; then their number
 *   drain FOLDER N         all mails in batches of N (2 MiB at most): how many
 * a second, and the most private memory in between mark FOLDER FLAG       all
 * mails move FOLDER TO         how many were, -1 if the server did not say
 *   move-last FOLDER TO    the newest alone
 *   delete FOLDER
 *   select FOLDER          "read-only" or "writable", and how many are in it
 *   wait FOLDER SECONDS    "waiting", then "news" or "quiet", and after how
 *                          many ms
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "transport/imap.h"

static const char *const failures[] = {
    [FAILURE_TEMPORARY] = "temporary",
    [FAILURE_PERMANENT] = "permanent",
    [FAILURE_CONFIG] = "config",
    [FAILURE_UNCERTAIN] = "uncertain",
};

static bool
print_mail(void *context, uint32_t uid, GBytes *raw)
{
    size_t *count = context;
    g_autofree char *digest =
        g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, raw);
    printf("%u %" G_GSIZE_FORMAT " %s\n", uid, g_bytes_get_size(raw), digest);
    ++*count;
    return true;
}

static bool
fetch(ImapClient *client, const GArray *uids, GError **error)
{
    size_t count = 0;
    for (guint i = 0; i < uids->len; i += IMAP_BATCH) {
        g_autoptr(GArray) sizes =
            imap_sizes(client, &g_array_index(uids, uint32_t, i),
                       MIN(uids->len - i, IMAP_BATCH), error);
        if (sizes == NULL ||
            !imap_fetch(client, &g_array_index(sizes, ImapMessage, 0),
                        sizes->len, "/tmp", 1024 * 1024, print_mail, &count,
                        error))
            return false;
    }
    printf("%" G_GSIZE_FORMAT " mails\n", count);
    return true;
}

/* ---- how fast, and with how much memory ---- */

typedef struct {
    size_t mails, pieces;
    long before_kib, most_kib;
} Drained;

static long
private_kib(void)
{
    g_autofree char *status = NULL;
    if (!g_file_get_contents("/proc/self/status", &status, NULL, NULL))
        return 0;
    const char *line = strstr(status, "RssAnon:");
    return line != NULL ? atol(line + strlen("RssAnon:")) : 0;
}

static bool
take_sample(void *context)
{
    Drained *drained = context;
    if (drained->pieces++ % 16 == 0)
        drained->most_kib = MAX(drained->most_kib, private_kib());
    return true;
}

static bool
count_mail(void *context, uint32_t uid, GBytes *raw)
{
    Drained *drained = context;
    (void)uid;
    (void)raw;
    drained->mails++;
    drained->pieces = 0;
    take_sample(drained);
    return true;
}

/* As many as are fetched together. */
static size_t
batch_of(const GArray *sizes, size_t from, size_t most)
{
    size_t n = 0, bytes = 0;
    while (from + n < sizes->len && n < most) {
        bytes += g_array_index(sizes, ImapMessage, from + n).size;
        if (n > 0 && bytes > 2 * 1024 * 1024)
            break;
        n++;
    }
    return n;
}

static bool
drain_some(ImapClient *client, const GArray *sizes, size_t most,
           Drained *drained, GError **error)
{
    for (size_t i = 0, n; i < sizes->len; i += n) {
        n = batch_of(sizes, i, most);
        if (!imap_fetch(client, &g_array_index(sizes, ImapMessage, i), n,
                        "/tmp", 1024 * 1024, count_mail, drained, error))
            return false;
    }
    return true;
}

static bool
drain(ImapClient *client, const GArray *uids, size_t most, GError **error)
{
    Drained drained = {.before_kib = private_kib()};
    imap_on_progress(client, take_sample, &drained);
    gint64 began_us = g_get_monotonic_time();
    bool good = true;
    for (guint i = 0; i < uids->len && good; i += IMAP_BATCH) {
        g_autoptr(GArray) sizes =
            imap_sizes(client, &g_array_index(uids, uint32_t, i),
                       MIN(uids->len - i, IMAP_BATCH), error);
        good =
            sizes != NULL && drain_some(client, sizes, most, &drained, error);
    }
    imap_on_progress(client, NULL, NULL);
    double took_s = (double)(g_get_monotonic_time() - began_us) / 1e6;
    if (good)
        printf("%zu mails, %.0f a second, %ld KiB and %ld more\n",
               drained.mails, (double)drained.mails / took_s,
               drained.before_kib, drained.most_kib - drained.before_kib);
    return good;
}

static bool
move(ImapClient *client, const GArray *uids, const char *to, GError **error)
{
    int64_t moved;
    if (!imap_move(client, &g_array_index(uids, uint32_t, 0), uids->len, to,
                   &moved, error))
        return false;
    printf("%" G_GINT64_FORMAT " moved\n", moved);
    return true;
}

static bool
wait_for_news(ImapClient *client, const char *seconds, GError **error)
{
    bool news;
    if (!imap_wait(client, -1, 0, &news, error))
        return false;
    puts("waiting");
    fflush(stdout);
    gint64 began_us = g_get_monotonic_time();
    if (!news && !imap_wait(client, -1, atoi(seconds), &news, error))
        return false;
    printf("%s %" G_GINT64_FORMAT "\n", news ? "news" : "quiet",
           (g_get_monotonic_time() - began_us) / 1000);
    return true;
}

static bool
in_folder(ImapClient *client, char **words, int n, GError **error)
{
    ImapFolder folder;
    if (!imap_select(client, words[1], strcmp(words[0], "fetch") != 0, &folder,
                     error))
        return false;
    if (strcmp(words[0], "select") == 0) {
        printf("%s %u\n", folder.read_only ? "read-only" : "writable",
               folder.exists);
        return true;
    }
    bool is_fetch = strcmp(words[0], "fetch") == 0;
    g_autoptr(GArray) uids =
        imap_search(client, 1, is_fetch && n > 2 ? atoll(words[2]) : 0, error);
    if (uids == NULL)
        return false;
    if (strcmp(words[0], "wait") == 0)
        return wait_for_news(client, words[2], error);
    const uint32_t *first = &g_array_index(uids, uint32_t, 0);
    if (is_fetch)
        return fetch(client, uids, error);
    if (strcmp(words[0], "drain") == 0)
        return drain(client, uids, (size_t)atoi(words[2]), error);
    if (strcmp(words[0], "mark") == 0)
        return imap_mark(client, first, uids->len, words[2], error);
    if (strcmp(words[0], "move-last") == 0 && uids->len > 1)
        g_array_remove_range(uids, 0, uids->len - 1);
    if (g_str_has_prefix(words[0], "move"))
        return move(client, uids, words[2], error);
    return imap_delete(client, first, uids->len, error);
}

static bool
obey(ImapClient *client, char **words, int n, GError **error)
{
    if (strcmp(words[0], "abilities") == 0) {
        ImapAbilities can = imap_abilities(client);
        printf("%s%s%s\n", can.idle ? "idle " : "", can.move ? "move " : "",
               can.uidplus ? "uidplus" : "");
        return true;
    }
    if (strcmp(words[0], "report") == 0)
        return true;
    if (strcmp(words[0], "list") != 0)
        return in_folder(client, words, n, error);
    g_autoptr(GPtrArray) folders = imap_list(client, error);
    for (guint i = 0; folders != NULL && i < folders->len; i++)
        puts(folders->pdata[i]);
    return folders != NULL;
}

static void
print_report(const ImapReport *report)
{
    const StreamReport *stream = &report->stream;
    const char *lines[][2] = {
        {"stage", imap_stage_name(report->stage)},
        {"address", stream->address},
        {"tls", stream->tls},
        {"subject", stream->subject},
        {"issuer", stream->issuer},
        {"names", stream->names},
        {"capabilities", report->capabilities},
        {"mechanism", report->mechanism},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (lines[i][1] != NULL)
            printf("%s: %s\n", lines[i][0], lines[i][1]);
    if (stream->not_after_s != 0)
        printf("days: %" G_GINT64_FORMAT "\n",
               (stream->not_after_s - g_get_real_time() / G_USEC_PER_SEC) /
                   86400);
}

static TlsMode
tls_mode(const char *word)
{
    if (strcmp(word, "off") == 0)
        return TLS_OFF;
    return strcmp(word, "tls") == 0 ? TLS_ALWAYS : TLS_STARTTLS;
}

int
main(int argc, char **argv)
{
    Account account = {.name = "probe",
                       .ca_file = (char[]){""},
                       .user = (char[]){"anna"},
                       .mailbox = (char[]){""},
                       .timeout_s = 30};
    const char *secret = "secret";
    int option;
    while ((option = getopt(argc, argv, "c:k:m:p:t:u:")) != -1) {
        switch (option) {
        case 'c':
            account.ca_file = optarg;
            break;
        case 'm':
            account.mailbox = optarg;
            break;
        case 't':
            account.tls = tls_mode(optarg);
            break;
        case 'u':
            account.user = optarg;
            break;
        case 'k':
            account.login = LOGIN_TOKEN;
            secret = optarg;
            break;
        case 'p':
            secret = optarg;
            break;
        default:
            return 2;
        }
    }
    if (argc - optind < 3)
        return 2;
    account.host = argv[optind];
    account.port = (uint16_t)atoi(argv[optind + 1]);
    g_autoptr(GError) error = NULL;
    ImapReport report;
    g_autoptr(ImapClient) client = imap_open(&account, secret, &report, &error);
    if (strcmp(argv[optind + 2], "report") == 0)
        print_report(&report);
    imap_report_clear(&report);
    if (client != NULL &&
        obey(client, argv + optind + 2, argc - optind - 2, &error))
        return EXIT_SUCCESS;
    printf("%s: %s\n", failures[error->code], error->message);
    return EXIT_FAILURE;
}
