/*
 * The pipe command: standard input to the daemon's LMTP socket, byte for byte.
 *
 * It holds no secret, parses no mail and links libc only. What it owes the MTA:
 * exit 0 only when the daemon has committed the mail,
 * 65/67/77 only when the daemon decided to refuse it, 75 for everything else,
 * long before the MTA's own time limit, which would be a bounce; and input read
 * to its end, because an early exit would count as success.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "leave.h"
#include "lmtp_client.h"

#ifndef POSTERN_LMTP_SOCKET
#define POSTERN_LMTP_SOCKET "/run/postern/lmtp.sock"
#endif

/* Two minutes are promised; pipe(8) itself gives up after 1000 s. */
#define DEADLINE_S 110
#define DEADLINE_MAX_S 900

#define ADDRESS_BYTES 1000
#define QUEUE_ID_BYTES 100
#define RECIPIENTS_MAX 1000

/* A chunk of content, with room before it for the command that announces it. */
#define HEAD_BYTES 64
#define CHUNK_BYTES ((size_t)256 * 1024)
static char buffer[HEAD_BYTES + CHUNK_BYTES];
static char *const chunk = buffer + HEAD_BYTES;

/* What is asked of us. */
static const char *socket_path = POSTERN_LMTP_SOCKET;
static const char *sender; /* NULL: nobody said */
static const char *queue_id = "";
static char no_queue[] = "";
static char *queue = no_queue;
static char *const *recipients;
static size_t recipient_count;
/* What an alias led to: tried when the one recipient is refused. */
static const char *alternative;

/* The conversation */

/*
 * Of several refusals, one that can heal rather than one that cannot: a
 * recipient that waits makes the others wait.
 */
static void
note_refusal(const Reply *reply, Reply *refusal)
{
    if (reply_is_good(reply))
        return;
    if (refusal->code == 0 || (reply_exit_status(refusal) != EX_TEMPFAIL &&
                               reply_exit_status(reply) == EX_TEMPFAIL))
        *refusal = *reply;
}

static bool
is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

static bool
is_envelope_ascii(void)
{
    bool ascii =
        is_ascii(sender) && (alternative == NULL || is_ascii(alternative));
    for (size_t i = 0; i < recipient_count; i++)
        ascii = ascii && is_ascii(recipients[i]);
    return ascii;
}

static void
say_recipient(const char *recipient)
{
    if (*queue == '\0')
        client_say("RCPT TO:<%s>\r\n", recipient);
    else
        client_say("RCPT TO:<%s> XQUEUE=%s\r\n", recipient, queue);
}

static void
say_who_we_are(void)
{
    client_say("XFORWARD PROTO=pipe");
    if (*queue_id != '\0') {
        client_say(" IDENT=");
        client_say_xtext(queue_id);
    }
    client_say("\r\n");
}

/* What the alias led to, asked after the address it began with was refused. */
static Reply
try_alternative(Reply reply)
{
    if (reply.code / 100 != 5 || alternative == NULL)
        return reply;
    say_recipient(alternative);
    client_flush();
    Reply second = client_reply();
    return reply_is_good(&second) ? second : reply;
}

/* Sender and recipients, in one flight; returns only if all were accepted. */
static void
say_envelope(const Abilities *abilities)
{
    if (abilities->xforward)
        say_who_we_are();
    client_say("MAIL FROM:<%s>%s%s\r\n", sender,
               abilities->binarymime ? " BODY=BINARYMIME" : "",
               abilities->smtputf8 && !is_envelope_ascii() ? " SMTPUTF8" : "");
    for (size_t i = 0; i < recipient_count; i++)
        say_recipient(recipients[i]);
    client_flush();

    if (abilities->xforward) {
        Reply reply = client_reply();
        if (!reply_is_good(&reply))
            leave_by(&reply, "queue id");
    }
    Reply reply = client_reply();
    if (!reply_is_good(&reply))
        leave_by(&reply, "sender");
    Reply refusal = {.code = 0};
    for (size_t i = 0; i < recipient_count; i++) {
        reply = try_alternative(client_reply());
        note_refusal(&reply, &refusal);
    }
    if (refusal.code != 0)
        leave_by(&refusal, "recipient");
}

/*
 * One reply for each recipient. If they differ the whole mail shall come again:
 * the daemon knows those that have it already.
 */
static void
settle(void)
{
    Reply refusal = {.code = 0};
    bool stored = false;
    for (size_t i = 0; i < recipient_count; i++) {
        Reply reply = client_reply();
        stored = stored || reply_is_good(&reply);
        note_refusal(&reply, &refusal);
    }
    if (refusal.code != 0 && stored)
        leave_for_now("some recipients have it, some do not: %d %s",
                      refusal.code, refusal.text);
    if (refusal.code != 0)
        leave_by(&refusal, "not stored");
}

/* Announce and send what is in `chunk`, in one piece. */
static bool
send_chunk(size_t length, bool last)
{
    char head[HEAD_BYTES];
    int n = snprintf(head, sizeof head, "BDAT %zu%s\r\n", length,
                     last ? " LAST" : "");
    char *start = chunk - n;
    memcpy(start, head, (size_t)n);
    return client_send(start, (size_t)n + length);
}

/* `length` bytes are in `chunk` already. */
static void
send_content(size_t length)
{
    while (!input_has_ended()) {
        bool sent = send_chunk(length, false);
        Reply reply = client_reply();
        if (!reply_is_good(&reply))
            leave_by(&reply, "not stored");
        if (!sent)
            leave_for_now("lost the connection to posternd");
        length = read_input(chunk, CHUNK_BYTES);
    }
    bool sent = send_chunk(length, true);
    settle();
    if (!sent)
        leave_for_now("posternd answered before it had all");
}

/* Arguments */

static void
print_help(void)
{
    printf(
        "usage: postern-deliver [OPTION]... [--] [RECIPIENT]...\n"
        "\n"
        "Hand the mail on standard input to the help desk: to posternd, which\n"
        "makes a ticket of it or adds it to one.\n"
        "\n"
        "  -f SENDER        envelope sender; empty or MAILER-DAEMON: a bounce\n"
        "  -i QUEUE_ID      what the MTA calls this mail\n"
        "  -q, --queue NAME put it into this queue, whatever the recipient is\n"
        "  -s SOCKET        where posternd listens; default\n"
        "                   %s\n"
        "  -t SECONDS       give up after this time; default %d\n"
        "      --help       print this and leave\n"
        "      --version    print the version and leave\n"
        "\n"
        "In Postfix' master.cf:\n"
        "  postern unix - n n - - pipe flags=q user=postern null_sender=\n"
        "    argv=/usr/bin/postern-deliver -f ${sender} -i ${queue_id}\n"
        "    -- ${recipient}\n"
        "and in main.cf: postern_destination_recipient_limit = 1\n"
        "\n"
        "In /etc/aliases or .forward, where the environment says the rest:\n"
        "  support: \"|/usr/bin/postern-deliver\"\n"
        "\n"
        "Exit status: 0 the mail is stored for good; 75 try again later, also\n"
        "after a mistake in these arguments, for no mail shall bounce for a\n"
        "typo; 67 no such recipient, 65 too large, 77 refused otherwise.\n"
        "See postern-deliver(1).\n",
        POSTERN_LMTP_SOCKET, DEADLINE_S);
}

static long
parse_seconds(const char *text)
{
    char *end = NULL;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || seconds < 1 ||
        seconds > DEADLINE_MAX_S)
        leave_for_now("-t takes 1 to %d seconds, not '%s'", DEADLINE_MAX_S,
                      text);
    return seconds;
}

static void
parse_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"queue", required_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:f:i:q:s:t:", options, NULL)) !=
           -1) {
        switch (option) {
        case 'f':
            sender = optarg;
            break;
        case 'i':
            queue_id = optarg;
            break;
        case 'q':
            queue = optarg;
            break;
        case 's':
            socket_path = optarg;
            break;
        case 't':
            set_deadline(parse_seconds(optarg));
            break;
        default:
            leave_for_now("%s '%s', see postern-deliver --help",
                          option == ':' ? "nothing follows" : "no such option",
                          argv[optind - 1]);
        }
    }
    recipients = argv + optind;
    recipient_count = (size_t)(argc - optind);
}

static void
check_address(const char *address, int status, const char *enhanced)
{
    bool bad = strlen(address) > ADDRESS_BYTES;
    for (const char *p = address; *p != '\0'; p++)
        bad = bad || (unsigned char)*p < ' ' || *p == 0x7F;
    if (bad)
        leave(status, enhanced, "no address looks like that: %.100s", address);
}

static void
check_envelope(void)
{
    if (*recipients[0] == '\0')
        leave_for_now("for whom is it? a RECIPIENT or --queue is missing");
    if (recipient_count > RECIPIENTS_MAX)
        leave_for_now("more than %d recipients", RECIPIENTS_MAX);
    check_address(sender, EX_NOPERM, "5.1.7");
    for (size_t i = 0; i < recipient_count; i++)
        check_address(recipients[i], EX_NOUSER, "5.1.3");
    if (alternative != NULL)
        check_address(alternative, EX_NOUSER, "5.1.3");
    for (const char *p = queue; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (*p >= '0' && *p <= '9') || strchr("-_.", *p) != NULL))
            leave_for_now("no queue has a name like '%s'", queue);
    if (strlen(queue_id) > QUEUE_ID_BYTES)
        leave_for_now("-i takes at most %d bytes", QUEUE_ID_BYTES);
}

/* What aliases and .forward leave to the environment (local(8)). */
static void
find_recipient(void)
{
    static char *only[1];
    char *original = getenv("ORIGINAL_RECIPIENT");
    char *final = getenv("RECIPIENT");
    only[0] = original != NULL && *original != '\0' ? original : final;
    if (final != NULL && *final != '\0' && strcmp(final, only[0]) != 0)
        alternative = final;
    if (only[0] == NULL || *only[0] == '\0')
        only[0] = queue; /* its name will do */
    recipients = only;
    recipient_count = 1;
}

static void
complete_envelope(void)
{
    if (sender == NULL)
        sender = getenv("SENDER");
    if (sender == NULL)
        leave_for_now("whose mail is it? -f SENDER is missing");
    if (strcasecmp(sender, "MAILER-DAEMON") == 0 || strcmp(sender, "<>") == 0)
        sender = "";
    if (recipient_count == 0)
        find_recipient();
    check_envelope();
}

int
main(int argc, char **argv)
{
    /* Alone only: exit 0 for a mail that comes along would lose it. */
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print_help();
        return EX_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("postern-deliver %s\n", POSTERN_VERSION);
        return EX_OK;
    }
    set_deadline(DEADLINE_S);
    settle_in();
    parse_options(argc, argv);
    complete_envelope();

    /* The head first: a slow mail shall not hold a worker from the start. */
    size_t length = read_input(chunk, CHUNK_BYTES);
    Abilities abilities = client_open(socket_path);
    say_envelope(&abilities);
    send_content(length);
    client_send("QUIT\r\n", 6); /* its answer tells us nothing new */
    return EX_OK;
}
