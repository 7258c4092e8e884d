/*
 * usage: smtp_probe [-c CAFILE] [-t off|starttls|tls] [-u USER -p PASSWORD]
 *                   [-n COUNT] [-s BYTES] HOST PORT RECIPIENT...
 *
 * Submit COUNT mails (1) of about BYTES bytes over one connection, with the
 * transport's own client, and print what became of each: "250/2.0.0 550/5.1.1",
 * or why there is no connection. For tests against real servers, and to
 * measure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "transport/smtp.h"

static const char *const failures[] = {
    [FAILURE_TEMPORARY] = "temporary",
    [FAILURE_PERMANENT] = "permanent",
    [FAILURE_CONFIG] = "config",
    [FAILURE_UNCERTAIN] = "uncertain",
};

static int
print_error(const GError *error)
{
    printf("%s: %s\n", failures[error->code], error->message);
    return EXIT_FAILURE;
}

static GBytes *
content_of(size_t bytes)
{
    GString *text = g_string_new("From: probe@desk.example\r\n"
                                 "Subject: probe\r\n\r\n");
    while (text->len < bytes)
        g_string_append(text, "A line of text as people write it, more or "
                              "less as long.\r\n");
    return g_string_free_to_bytes(text);
}

/* One mail; false when the connection is lost. */
static bool
submit(SmtpClient *client, const Outgoing *outgoing, GError **error)
{
    g_autoptr(SmtpOutcome) outcome = smtp_begin(client, outgoing, error);
    if (outcome == NULL || (outcome->accepted > 0 &&
                            !smtp_content(client, outgoing, outcome, error)))
        return false;
    for (size_t i = 0; i < outcome->n; i++)
        printf("%s%d/%s", i > 0 ? " " : "", outcome->replies[i].code,
               outcome->replies[i].enhanced);
    putchar('\n');
    return true;
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
    Relay relay = {.ca_file = "",
                   .helo_name = "desk.example",
                   .user = "",
                   .timeout_s = 30};
    const char *password = NULL;
    long count = 1;
    size_t bytes = 0;
    int option;
    while ((option = getopt(argc, argv, "c:n:p:s:t:u:w:")) != -1) {
        switch (option) {
        case 'c':
            relay.ca_file = optarg;
            break;
        case 'n':
            count = atol(optarg);
            break;
        case 'p':
            password = optarg;
            break;
        case 's':
            bytes = (size_t)atol(optarg);
            break;
        case 't':
            relay.tls = tls_mode(optarg);
            break;
        case 'u':
            relay.user = optarg;
            break;
        case 'w':
            relay.timeout_s = atol(optarg);
            break;
        default:
            return EXIT_FAILURE;
        }
    }
    if (argc - optind < 3) {
        fprintf(stderr, "usage: smtp_probe [OPTION]... HOST PORT RECIPIENT\n");
        return EXIT_FAILURE;
    }
    relay.host = argv[optind];
    relay.port = (uint16_t)atoi(argv[optind + 1]);
    g_autoptr(GPtrArray) recipients = g_ptr_array_new();
    for (int i = optind + 2; i < argc; i++)
        g_ptr_array_add(recipients, argv[i]);
    g_autoptr(GBytes) content = content_of(bytes);
    Outgoing outgoing = {.envelope_sender = (char[]){"probe@desk.example"},
                         .recipients = recipients,
                         .content = content};
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpClient) client = smtp_open(&relay, password, &error);
    if (client == NULL)
        return print_error(error);
    for (long i = 0; i < count; i++)
        if (!submit(client, &outgoing, &error))
            return print_error(error);
    return EXIT_SUCCESS;
}
