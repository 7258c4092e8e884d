/* Mails to a relay that says all it may say, and to some that are none. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "await.h"
#include "base/failure.h"
#include "peer.h"
#include "transport/smtp.h"

#define GREET                                                                  \
    {                                                                          \
        NULL, "220 relay.example ESMTP\r\n"                                    \
    }
#define EHLO                                                                   \
    {                                                                          \
        "EHLO desk.example\r\n",                                               \
            "250-relay.example\r\n250-PIPELINING\r\n250-SIZE 5000\r\n"         \
            "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"                      \
    }
#define PLAIN_EHLO                                                             \
    {                                                                          \
        "EHLO desk.example\r\n", "250 relay.example\r\n"                       \
    }
#define CONTENT "Subject: x\r\n\r\n.dots\r\n..\r\nhello\r\n"
#define STUFFED "Subject: x\r\n\r\n..dots\r\n...\r\nhello\r\n.\r\n"

/* Half a minute for each answer: a busy machine is no silent relay. Who is
 * silent on purpose is not waited for so long. */
enum { SHORT_S = 1 };

static Relay
relay_at(uint16_t port)
{
    return (Relay){.host = "127.0.0.1",
                   .port = port,
                   .tls = TLS_OFF,
                   .ca_file = "",
                   .helo_name = "desk.example",
                   .user = "",
                   .timeout_s = 30};
}

/* A mail to the recipients named, separated by blanks. */
static Outgoing *
mail_to(const char *sender, const char *recipients, const char *content)
{
    Outgoing *outgoing = g_new0(Outgoing, 1);
    outgoing->envelope_sender = g_strdup(sender);
    outgoing->recipients = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) names = g_strsplit(recipients, " ", -1);
    for (size_t i = 0; names[i] != NULL; i++)
        g_ptr_array_add(outgoing->recipients, g_strdup(names[i]));
    outgoing->message_id = g_strdup("1@desk.example");
    outgoing->content = g_bytes_new(content, strlen(content));
    return outgoing;
}

static void
mail_done(Outgoing *outgoing)
{
    g_free(outgoing->envelope_sender);
    g_ptr_array_unref(outgoing->recipients);
    g_free(outgoing->message_id);
    g_bytes_unref(outgoing->content);
    g_free(outgoing);
}

/* "250/2.0.0 550/5.1.1": what became of each recipient. */
static char *
summary(const SmtpOutcome *outcome)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < outcome->n; i++)
        g_string_append_printf(
            out, "%s%d%s%s", i > 0 ? " " : "", outcome->replies[i].code,
            outcome->replies[i].code == 0 ||
                    *outcome->replies[i].enhanced == '\0'
                ? ""
                : "/",
            outcome->replies[i].code == 0 ? "" : outcome->replies[i].enhanced);
    return g_string_free(out, FALSE);
}

/*
 * Submit one mail; returns the summary, or "temporary: ...", "uncertain: ..."
 * (the message without its head) when the connection was lost.
 */
static char *
submit(SmtpClient *client, const Outgoing *outgoing)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(SmtpOutcome) outcome = smtp_begin(client, outgoing, &error);
    if (outcome != NULL && outcome->accepted > 0)
        smtp_content(client, outgoing, outcome, &error);
    if (error == NULL)
        return summary(outcome);
    const char *what = strchr(error->message, ',');
    return g_strconcat(failure_is(error, FAILURE_UNCERTAIN)   ? "uncertain"
                       : failure_is(error, FAILURE_TEMPORARY) ? "temporary"
                                                              : "?",
                       what == NULL ? error->message : what, NULL);
}

#define MAX_STEPS 10

typedef struct {
    const char *name;
    PeerStep steps[MAX_STEPS];
    const char *sender;
    const char *recipients;
    const char *outcome;
    bool alive; /* behind it */
} Row;

#define NO "the peer has closed the connection"

static const Row rows[] = {
    {"one flight for the envelope, one for the content",
     {GREET,
      EHLO,
      {"MAIL FROM:<a@x> SIZE=32\r\nRCPT TO:<b@y>\r\n",
       "250 2.1.0 ok\r\n250 2.1.5 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "250 2.0.0 kept\r\n"},
      {"QUIT\r\n", "221 2.0.0 bye\r\n"}},
     "a@x",
     "b@y",
     "250/2.0.0",
     true},
    {"without PIPELINING one after the other",
     {GREET,
      PLAIN_EHLO,
      {"MAIL FROM:<a@x>\r\n", "250 ok\r\n"},
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n"},
      {"RCPT TO:<c@y>\r\n", "251 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "250 kept\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y c@y",
     "250 250",
     true},
    {"HELO where EHLO is not known",
     {GREET,
      {"EHLO desk.example\r\n", "502 what\r\n"},
      {"HELO desk.example\r\n", "250 hi\r\n"},
      {"MAIL FROM:<>\r\n", "250 ok\r\n"},
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "250 kept\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "",
     "b@y",
     "250",
     true},
    {"one of three is refused (P13)",
     {GREET,
      EHLO,
      {"RCPT TO:<d@y>\r\n",
       "250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 who\r\n250 2.1.5 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "250 2.0.0 kept\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y c@y d@y",
     "250/2.0.0 550/5.1.1 250/2.0.0",
     true},
    {"all are refused: no DATA",
     {GREET,
      EHLO,
      {"RCPT TO:<c@y>\r\n",
       "250 2.1.0 ok\r\n450 4.2.0 grey\r\n550 5.1.1 who\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y c@y",
     "450/4.2.0 550/5.1.1",
     true},
    {"the sender is refused: that is for all",
     {GREET,
      EHLO,
      {"RCPT TO:<c@y>\r\n", "550 5.7.1 no\r\n503 5.5.1 no\r\n503 5.5.1 no\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y c@y",
     "550/5.7.1 550/5.7.1",
     true},
    {"without PIPELINING no RCPT behind a refused MAIL",
     {GREET,
      PLAIN_EHLO,
      {"MAIL FROM:<a@x>\r\n", "451 4.3.0 no\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y",
     "451/4.3.0",
     true},
    {"DATA is refused",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "451 4.3.0 not now\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y",
     "451/4.3.0",
     true},
    {"the dot is refused for good",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "554 5.7.1 spam\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     "a@x",
     "b@y",
     "554/5.7.1",
     true},
    {"421 to MAIL",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "421 4.3.2 bye\r\n"},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "421/4.3.2",
     false},
    {"421 to the second RCPT undoes the first, not a refusal",
     {GREET,
      EHLO,
      {"RCPT TO:<e@y>\r\n",
       "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n421 4.3.2 bye\r\n"},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y c@y d@y e@y",
     "421/4.3.2 550/5.1.1 421/4.3.2 421/4.3.2",
     false},
    {"421 to DATA",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "421 4.3.2 bye\r\n"},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "421/4.3.2",
     false},
    {"421 to the dot",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "421 4.3.2 bye\r\n"},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "421/4.3.2",
     false},
    {"lost before MAIL is answered",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", NULL}, {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "temporary, MAIL: " NO,
     false},
    {"lost before RCPT is answered",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", "250 ok\r\n"}, {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "temporary, RCPT: " NO,
     false},
    {"lost before DATA is answered",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", NULL},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "temporary, DATA: " NO,
     false},
    {"lost behind the dot",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, NULL},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "uncertain, final dot: " NO,
     false},
    {"reset behind the dot",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, NULL},
      {NULL, PEER_RESET}},
     "a@x",
     "b@y",
     "uncertain, final dot: Connection reset by peer",
     false},
    {"half a reply to the dot is none (F37)",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "250"},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "uncertain, final dot: " NO,
     false},
    {"nor is one that announces more",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "250-kept\r\n"},
      {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "uncertain, final dot: " NO,
     false},
    {"half a reply to RCPT",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", "250 ok\r\n250"}, {NULL, PEER_CLOSE}},
     "a@x",
     "b@y",
     "temporary, RCPT: " NO,
     false},
    {"nonsense instead of a reply",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", "250 ok\r\nfine!\x1b\r\n"}},
     "a@x",
     "b@y",
     "temporary, RCPT: \"fine!\" is no reply",
     false},
    {"a code that is none",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", "25 ok\r\n"}},
     "a@x",
     "b@y",
     "temporary, MAIL: \"25 ok\" is no reply",
     false},
    {"a number too many",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", "2500 ok\r\n"}},
     "a@x",
     "b@y",
     "temporary, MAIL: \"2500 ok\" is no reply",
     false},
    {"nonsense behind the dot",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "yes\r\n"}},
     "a@x",
     "b@y",
     "uncertain, final dot: \"yes\" is no reply",
     false},
    {"one 354 after the other",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "354 go\r\n"},
      {STUFFED, "354 go\r\n"}},
     "a@x",
     "b@y",
     "uncertain, final dot: no final reply",
     false},
    {"250 to DATA",
     {GREET,
      EHLO,
      {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
      {"DATA\r\n", "250 ok\r\n"}},
     "a@x",
     "b@y",
     "temporary, DATA: it was not understood",
     false},
    {"silence",
     {GREET, EHLO, {"RCPT TO:<b@y>\r\n", "250 ok\r\n"}, {NULL, PEER_STALL}},
     "a@x",
     "b@y",
     "temporary, RCPT: no answer in time",
     false},
    {"a byte now and then (F28)",
     {GREET,
      EHLO,
      {NULL, PEER_DRIP},
      {"RCPT TO:<b@y>\r\n", "250-this goes on and on and on and on and on"}},
     "a@x",
     "b@y",
     "temporary, MAIL: no answer in time",
     false},
};

START_TEST(what_the_relay_says_is_what_becomes_of_the_mail)
{
    const Row *row = &rows[_i];
    Peer *peer = peer_start(row->steps, MAX_STEPS);
    Relay relay = relay_at(peer_port(peer));
    g_autoptr(GError) error = NULL;
    SmtpClient *client = smtp_open(&relay, NULL, &error);
    ck_assert_msg(client != NULL, "%s: %s", row->name,
                  error == NULL ? "" : error->message);
    if (strstr(row->outcome, "no answer in time") != NULL)
        relay.timeout_s = SHORT_S;
    Outgoing *outgoing = mail_to(row->sender, row->recipients, CONTENT);
    g_autofree char *outcome = submit(client, outgoing);
    ck_assert_msg(g_strcmp0(outcome, row->outcome) == 0, "%s: %s", row->name,
                  outcome);
    ck_assert_msg(smtp_is_alive(client) == row->alive, "%s", row->name);
    smtp_close(client);
    g_autofree char *received = peer_finish(peer);
    ck_assert_msg(g_str_has_suffix(received, "QUIT\r\n") == row->alive, "%s",
                  row->name);
    mail_done(outgoing);
}
END_TEST

static const struct {
    const char *name;
    PeerStep steps[4];
    const char *message; /* in it */
} openings[] = {
    {"greeting 554", {{NULL, "554 5.7.1 go away\r\n"}}, "554 go away"},
    {"greeting 421", {{NULL, "421 busy\r\n"}, {NULL, PEER_CLOSE}}, "421 busy"},
    {"no greeting", {{NULL, PEER_CLOSE}}, "greeting: " NO},
    {"half a greeting", {{NULL, "220"}, {NULL, PEER_CLOSE}}, "greeting: " NO},
    {"silence", {{NULL, PEER_STALL}}, "greeting: no answer in time"},
    {"something else", {{NULL, "+OK POP3\r\n"}}, "\"+OK POP3\" is no reply"},
    {"EHLO 421",
     {GREET,
      {"EHLO desk.example\r\n", "421 4.3.2 bye\r\n"},
      {NULL, PEER_CLOSE}},
     "EHLO: 421 bye"},
    {"lost at EHLO",
     {GREET, {"EHLO desk.example\r\n", NULL}, {NULL, PEER_CLOSE}},
     "EHLO: " NO},
    {"neither EHLO nor HELO",
     {GREET,
      {"EHLO desk.example\r\n", "502 no\r\n"},
      {"HELO desk.example\r\n", "504 no\r\n"}},
     "HELO: 504 no"},
};

START_TEST(a_relay_that_is_not_ready_is_temporary)
{
    Peer *peer = peer_start(openings[_i].steps, 4);
    Relay relay = relay_at(peer_port(peer));
    if (strstr(openings[_i].message, "no answer in time") != NULL)
        relay.timeout_s = SHORT_S;
    g_autoptr(GError) error = NULL;
    SmtpClient *client = smtp_open(&relay, NULL, &error);
    ck_assert_ptr_null(client);
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    g_autofree char *where =
        g_strdup_printf("127.0.0.1 port %u, ", (unsigned)relay.port);
    ck_assert_msg(g_str_has_prefix(error->message, where), "%s: %s",
                  openings[_i].name, error->message);
    ck_assert_msg(strstr(error->message, openings[_i].message) != NULL,
                  "%s: %s", openings[_i].name, error->message);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(nobody_there_is_temporary)
{
    /* Ours, so that nobody else listens there meanwhile; nor do we. */
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    getsockname(fd, (struct sockaddr *)&address, &length);
    Relay relay = relay_at(ntohs(address.sin_port));
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(smtp_open(&relay, NULL, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(
        strstr(error->message, "cannot connect to 127.0.0.1"));
    g_clear_error(&error);
    relay.host = "no-such-host.invalid";
    ck_assert_ptr_null(smtp_open(&relay, NULL, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(error->message, "no-such-host.invalid"));
    close(fd);
}
END_TEST

/* Everything that we refuse ourselves; the relay must not hear of it. */
static const struct {
    const char *name;
    const char *sender;
    const char *recipients;
    const char *content;
    const char *outcome;
} refusals[] = {
    {"a recipient with a command in it", "a@x", "b@y>\r\nRCPT", CONTENT,
     "553/5.1.3"},
    {"no address", "a@x", "b", CONTENT, "553/5.1.3"},
    {"a sender with a command in it", "a@x>\r\nDATA", "b@y c@y", CONTENT,
     "553/5.1.7 553/5.1.7"},
    {"a recipient beyond ASCII", "a@x", "\xC3\xBC@y", CONTENT, "553/5.6.7"},
    {"a sender beyond ASCII", "\xC3\xBC@x", "b@y", CONTENT, "553/5.6.7"},
    {"bare LF", "a@x", "b@y", "a\nb\r\n", "554/5.6.0"},
    {"bare LF at the start", "a@x", "b@y", "\nb\r\n", "554/5.6.0"},
    {"bare CR", "a@x", "b@y", "a\rb\r\n", "554/5.6.0"},
    {"a CR at the end", "a@x", "b@y", "a\r\nb\r", "554/5.6.0"},
    {"two CR", "a@x", "b@y", "a\r\r\n", "554/5.6.0"},
    {"a smuggled dot", "a@x", "b@y", "a\r\n\n.\r\nMAIL\r\n", "554/5.6.0"},
};

START_TEST(what_must_not_go_out_does_not)
{
    static const PeerStep steps[] = {
        GREET, PLAIN_EHLO, {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    ck_assert_ptr_nonnull(client);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        Outgoing *outgoing = mail_to(refusals[i].sender, refusals[i].recipients,
                                     refusals[i].content);
        g_autofree char *outcome = submit(client, outgoing);
        ck_assert_msg(g_strcmp0(outcome, refusals[i].outcome) == 0, "%s: %s",
                      refusals[i].name, outcome);
        mail_done(outgoing);
    }
    smtp_close(client);
    g_autofree char *received = peer_finish(peer);
    ck_assert_str_eq(received, "EHLO desk.example\r\nQUIT\r\n");
}
END_TEST

static Outgoing *
mail_of(const char *bytes, size_t length)
{
    Outgoing *outgoing = mail_to("a@x", "b@y", "");
    g_bytes_unref(outgoing->content);
    outgoing->content = g_bytes_new(bytes, length);
    return outgoing;
}

START_TEST(limits_of_content_are_kept_on_both_sides)
{
    static const PeerStep steps[] = {
        GREET,
        EHLO, /* SIZE 5000, 8BITMIME */
        {"RCPT TO:<b@y>\r\n", "250 ok\r\n450 4.0.0 no\r\n"},
        {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n450 4.0.0 no\r\n"},
        {"BODY=8BITMIME\r\nRCPT TO:<b@y>\r\n",
         "250 ok\r\n250 ok\r\n450 4.0.0 no\r\n"},
        {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    ck_assert_ptr_nonnull(client);
    g_autofree char *line = g_strnfill(999, 'x');
    g_autoptr(GString) large = g_string_new(NULL);
    while (large->len < 4998)
        g_string_append(large, "x\r\n");
    g_string_append(large, "\r\n");
    ck_assert_uint_eq(large->len, 5000);
    g_autoptr(GString) longest = g_string_new_len(line, 998);
    g_string_append(longest, "\r\n");
    const struct {
        const char *bytes;
        size_t length;
        const char *outcome;
    } sides[] = {
        {large->str, 5000, "450/4.0.0"},   /* as large as SIZE */
        {longest->str, 1000, "450/4.0.0"}, /* 998 and CR LF */
        {"\xC3\xA9\r\n", 4, "450/4.0.0"},  /* 8BITMIME is there */
        {line, 999, "554/5.6.0"},          {"a\0b\r\n", 5, "554/5.6.0"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sides); i++) {
        Outgoing *outgoing = mail_of(sides[i].bytes, sides[i].length);
        g_autofree char *outcome = submit(client, outgoing);
        ck_assert_msg(g_strcmp0(outcome, sides[i].outcome) == 0, "%zu: %s", i,
                      outcome);
        mail_done(outgoing);
    }
    g_string_append(large, "\r\n");
    Outgoing *outgoing = mail_of(large->str, large->len);
    g_autofree char *outcome = submit(client, outgoing);
    ck_assert_str_eq(outcome, "552/5.3.4");
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(content_beyond_ascii_needs_8bitmime)
{
    static const PeerStep steps[] = {
        GREET, PLAIN_EHLO, {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_of("\xC3\xA9\r\n", 4);
    g_autofree char *outcome = submit(client, outgoing);
    ck_assert_str_eq(outcome, "554/5.6.3");
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(addresses_beyond_ascii_go_where_smtputf8_is)
{
    static const PeerStep steps[] = {
        GREET,
        {"EHLO desk.example\r\n", "250-r\r\n250 SMTPUTF8\r\n"},
        {"MAIL FROM:<a@x> SMTPUTF8\r\n", "250 ok\r\n"},
        {"RCPT TO:<\xC3\xBC@y>\r\n", "550 5.1.1 no\r\n"},
        {"RSET\r\n", "250 ok\r\n"},
        {"MAIL FROM:<a@x>\r\n", "550 5.7.1 no\r\n"},
        {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_to("a@x", "\xC3\xBC@y", CONTENT);
    g_autofree char *outcome = submit(client, outgoing);
    ck_assert_str_eq(outcome, "550/5.1.1");
    Outgoing *ascii = mail_to("a@x", "u@y", CONTENT);
    g_autofree char *second = submit(client, ascii);
    ck_assert_str_eq(second, "550/5.7.1");
    mail_done(outgoing);
    mail_done(ascii);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(a_connection_is_used_again)
{
    static const PeerStep steps[] = {
        GREET,
        EHLO,
        {"MAIL FROM:<a@x> SIZE=32\r\nRCPT TO:<b@y>\r\n",
         "250 ok\r\n250 ok\r\n"},
        {"DATA\r\n", "354 go\r\n"},
        {STUFFED, "250 2.0.0 one\r\n"},
        /* All refused: the transaction is left open ... */
        {"MAIL FROM:<a@x> SIZE=32\r\nRCPT TO:<c@y>\r\n",
         "250 ok\r\n550 5.1.1 no\r\n"},
        /* ... and reset with the next. */
        {"RSET\r\nMAIL FROM:<a@x> SIZE=32\r\nRCPT TO:<d@y>\r\n",
         "250 reset\r\n250 ok\r\n250 ok\r\n"},
        {"DATA\r\n", "354 go\r\n"},
        {STUFFED, "250 2.0.0 two\r\n"},
        {"QUIT\r\n", "221 bye\r\n"}};
    static const char *const expected[] = {"250/2.0.0", "550/5.1.1",
                                           "250/2.0.0"};
    static const char *const recipients[] = {"b@y", "c@y", "d@y"};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        Outgoing *outgoing = mail_to("a@x", recipients[i], CONTENT);
        ck_assert(smtp_is_alive(client));
        g_autofree char *outcome = submit(client, outgoing);
        ck_assert_str_eq(outcome, expected[i]);
        mail_done(outgoing);
    }
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

static bool
is_dead(void *client)
{
    return !smtp_is_alive(client);
}

START_TEST(a_kept_connection_that_was_closed_is_noticed)
{
    static const PeerStep closing[] = {
        GREET,
        {"EHLO desk.example\r\n", "250 relay.example\r\n"},
        {NULL, PEER_CLOSE}};
    static const PeerStep warning[] = {
        GREET, PLAIN_EHLO, {NULL, "421 4.4.2 idle\r\n"}, {NULL, PEER_STALL}};
    for (int i = 0; i < 2; i++) {
        Peer *peer = i == 0 ? peer_start(closing, 3) : peer_start(warning, 4);
        Relay relay = relay_at(peer_port(peer));
        SmtpClient *client = smtp_open(&relay, NULL, NULL);
        ck_assert_ptr_nonnull(client);
        ck_assert(await(is_dead, client));
        /* The 421 is not taken for an answer to MAIL. */
        Outgoing *outgoing = mail_to("a@x", "b@y", CONTENT);
        g_autofree char *outcome = submit(client, outgoing);
        ck_assert_str_eq(outcome,
                         "temporary, MAIL: the relay has taken its leave");
        mail_done(outgoing);
        smtp_close(client);
        g_free(peer_finish(peer));
    }
}
END_TEST

START_TEST(nothing_is_to_be_sent_after_all)
{
    static const PeerStep steps[] = {
        GREET,
        EHLO,
        {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
        {"RSET\r\n", "250 ok\r\n"},
        {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_to("a@x", "b@y", CONTENT);
    g_autoptr(SmtpOutcome) outcome = smtp_begin(client, outgoing, NULL);
    ck_assert_uint_eq(outcome->accepted, 1);
    ck_assert_int_eq(outcome->replies[0].code, 0);
    ck_assert(smtp_reset(client, NULL));
    ck_assert(smtp_is_alive(client));
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(many_recipients_come_in_flights)
{
    /* 120 recipients: 50, 50, 20, and the relay answers flight by flight. */
    g_autoptr(GString) recipients = g_string_new("r0@y");
    for (int i = 1; i < 120; i++)
        g_string_append_printf(recipients, " r%d@y", i);
    g_autoptr(GString) fifty = g_string_new(NULL);
    for (int i = 0; i < 50; i++)
        g_string_append(fifty, "250 ok\r\n");
    g_autofree char *first = g_strconcat("250 ok\r\n", fifty->str, NULL);
    const PeerStep steps[] = {GREET,
                              EHLO,
                              {"RCPT TO:<r49@y>\r\n", first},
                              {"RCPT TO:<r99@y>\r\n", fifty->str},
                              {"RCPT TO:<r119@y>\r\n", fifty->str + 30 * 8},
                              {"DATA\r\n", "354 go\r\n"},
                              {STUFFED, "250 2.0.0 ok\r\n"},
                              {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_to("a@x", recipients->str, CONTENT);
    g_autoptr(SmtpOutcome) outcome = smtp_begin(client, outgoing, NULL);
    ck_assert_uint_eq(outcome->accepted, 120);
    ck_assert(smtp_content(client, outgoing, outcome, NULL));
    for (size_t i = 0; i < 120; i++)
        ck_assert_int_eq(outcome->replies[i].code, 250);
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

/* The first reply to RCPT, for a relay that answers `text`. */
static SmtpReply
reply_to(const char *text)
{
    const PeerStep steps[] = {GREET,
                              PLAIN_EHLO,
                              {"MAIL FROM:<a@x>\r\n", text},
                              {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_to("a@x", "b@y", CONTENT);
    SmtpReply reply = {0, NULL, NULL};
    SmtpOutcome *outcome = smtp_begin(client, outgoing, NULL);
    if (outcome != NULL) {
        reply = outcome->replies[0];
        outcome->replies[0] = (SmtpReply){0, NULL, NULL};
        smtp_outcome_free(outcome);
    }
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
    return reply;
}

START_TEST(a_reply_is_shown_as_one_safe_line)
{
    static const struct {
        const char *said;
        int code;
        const char *enhanced;
        const char *text;
    } replies[] = {
        {"550 5.1.1 who?\r\n", 550, "5.1.1", "who?"},
        {"550 who?\r\n", 550, "", "who?"},
        {"550 4.1.1 who?\r\n", 550, "", "4.1.1 who?"},
        {"550 5.1 who?\r\n", 550, "", "5.1 who?"},
        {"550 5.1.1\r\n", 550, "5.1.1", ""},
        {"550\r\n", 550, "", ""},
        {"550 \r\n", 550, "", ""},
        {"550 5.1.1 who?\n", 550, "5.1.1", "who?"},
        {"550-5.7.1 no\r\n550-5.7.1 mail\r\n550 5.7.1 today\r\n", 550, "5.7.1",
         "no mail today"},
        {"450-one\r\n550 two\r\n", 550, "", "one two"},
        {"554 \x1b[31mred\x07 \xFF\xE2\x80\xAE.\r\n", 554, "",
         "[31mred \xEF\xBF\xBD."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(replies); i++) {
        SmtpReply reply = reply_to(replies[i].said);
        ck_assert_int_eq(reply.code, replies[i].code);
        ck_assert_str_eq(reply.enhanced, replies[i].enhanced);
        ck_assert_str_eq(reply.text, replies[i].text);
        smtp_reply_clear(&reply);
    }
}
END_TEST

START_TEST(an_endless_reply_is_bounded)
{
    g_autoptr(GString) many = g_string_new(NULL);
    while (many->len < 200000)
        g_string_append(many, "550-5.7.1 \xC3\xA9t\xC3\xA9 and so on\r\n");
    g_string_append(many, "550 5.7.1 end\r\n");
    SmtpReply reply = reply_to(many->str);
    ck_assert_int_eq(reply.code, 550);
    ck_assert_str_eq(reply.enhanced, "5.7.1");
    ck_assert_uint_le(strlen(reply.text), 500);
    ck_assert_uint_gt(strlen(reply.text), 490);
    ck_assert(g_utf8_validate(reply.text, -1, NULL));
    smtp_reply_clear(&reply);

    g_string_truncate(many, 0);
    while (many->len < 1000000)
        g_string_append(many, "550-endless\r\n");
    reply = reply_to(many->str);
    ck_assert_int_eq(reply.code, 0);

    g_autofree char *line = g_strnfill(1000000, '5');
    reply = reply_to(line);
    ck_assert_int_eq(reply.code, 0);
}
END_TEST

/* Content of about `bytes` bytes with a dot at many places. */
static GString *
dotted(size_t bytes)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; text->len < bytes; i++) {
        for (int k = 0; k < i % 3; k++)
            g_string_append_c(text, '.');
        g_string_append_printf(text, "%.*s\r\n", i % 61,
                               "abcdefghijklmnopqrstuvwxyz.bcdefghijklmnopqrst"
                               "uvwxyz.bcdefghij");
    }
    return text;
}

START_TEST(dots_are_stuffed_wherever_pieces_meet)
{
    for (size_t bytes = 65530; bytes < 65550; bytes++) {
        g_autoptr(GString) content = dotted(bytes);
        static const PeerStep steps[] = {GREET,
                                         PLAIN_EHLO,
                                         {"MAIL", "250 ok\r\n"},
                                         {"RCPT", "250 ok\r\n"},
                                         {"DATA\r\n", "354 go\r\n"},
                                         {"\r\n.\r\n", "250 2.0.0 ok\r\n"},
                                         {"QUIT\r\n", "221 bye\r\n"}};
        Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
        Relay relay = relay_at(peer_port(peer));
        SmtpClient *client = smtp_open(&relay, NULL, NULL);
        Outgoing *outgoing = mail_of(content->str, content->len);
        g_autofree char *outcome = submit(client, outgoing);
        ck_assert_str_eq(outcome, "250/2.0.0");
        mail_done(outgoing);
        smtp_close(client);
        g_autofree char *received = peer_finish(peer);
        /* Take the dots off again, line by line. */
        char *start = strstr(received, "DATA\r\n") + 6;
        char *end = strstr(start, "\r\n.\r\n") + 2;
        g_autoptr(GString) back = g_string_new(NULL);
        for (char *line = start; line < end;) {
            char *next = strstr(line, "\r\n") + 2;
            line += *line == '.';
            g_string_append_len(back, line, next - line);
            line = next;
        }
        ck_assert_uint_eq(back->len, content->len);
        ck_assert_str_eq(back->str, content->str);
    }
}
END_TEST

START_TEST(content_without_a_last_line_end_gets_one)
{
    static const PeerStep steps[] = {
        GREET,
        EHLO,
        {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
        {"DATA\r\n", "354 go\r\n"},
        {"a\r\nb\r\n.\r\n", "250 2.0.0 ok\r\n"},
        {"RCPT TO:<b@y>\r\n", "250 ok\r\n250 ok\r\n"},
        {"DATA\r\n", "354 go\r\n"},
        {".\r\n", "250 2.0.0 ok\r\n"},
        {"QUIT\r\n", "221 bye\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    static const char *const contents[] = {"a\r\nb", ""};
    for (size_t i = 0; i < 2; i++) {
        Outgoing *outgoing = mail_of(contents[i], strlen(contents[i]));
        g_autofree char *outcome = submit(client, outgoing);
        ck_assert_str_eq(outcome, "250/2.0.0");
        mail_done(outgoing);
    }
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(a_loss_amid_the_content_is_no_uncertainty)
{
    /* The relay never gets the dot: it cannot have taken the mail. */
    static const PeerStep steps[] = {GREET,
                                     PLAIN_EHLO,
                                     {"MAIL", "250 ok\r\n"},
                                     {"RCPT", "250 ok\r\n"},
                                     {"DATA\r\n", "354 go\r\n"},
                                     {"abc", NULL},
                                     {NULL, PEER_RESET}};
    g_autoptr(GString) content = dotted(20000000);
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_of(content->str, content->len);
    g_autofree char *outcome = submit(client, outgoing);
    ck_assert_msg(g_str_has_prefix(outcome, "temporary, content: "), "%s",
                  outcome);
    ck_assert(!smtp_is_alive(client));
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

static void
on_alarm(int number)
{
    (void)number;
}

START_TEST(signals_do_not_disturb)
{
    static const PeerStep steps[] = {GREET,
                                     PLAIN_EHLO,
                                     {"MAIL", "250 ok\r\n"},
                                     {"RCPT", "250 ok\r\n"},
                                     {"DATA\r\n", "354 go\r\n"},
                                     {NULL, PEER_DRIP},
                                     {"\r\n.\r\n", "250 2.0.0 ok\r\n"},
                                     {"QUIT\r\n", "221 bye\r\n"}};
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval kilohertz = {{0, 1000}, {0, 1000}};
    struct itimerval off = {{0, 0}, {0, 0}};
    g_autoptr(GString) content = dotted(5000000);
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &kilohertz, NULL);
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    Outgoing *outgoing = mail_of(content->str, content->len);
    g_autofree char *outcome = submit(client, outgoing);
    setitimer(ITIMER_REAL, &off, NULL);
    ck_assert_str_eq(outcome, "250/2.0.0");
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(high_descriptors_are_like_others)
{
    static const PeerStep steps[] = {
        GREET, PLAIN_EHLO, {"MAIL", "550 5.7.1 no\r\n"}, {"QUIT", "221 bye"}};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = MIN(limit.rlim_max, 4096);
    setrlimit(RLIMIT_NOFILE, &limit);
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    int fd = 0; /* use up what comes before 2000, or all there is but few */
    while (fd >= 0 && fd < MIN(2000, (int)limit.rlim_cur - 20))
        fd = dup(STDERR_FILENO);
    SmtpClient *client = smtp_open(&relay, NULL, NULL);
    ck_assert_ptr_nonnull(client);
    Outgoing *outgoing = mail_to("a@x", "b@y", CONTENT);
    g_autofree char *outcome = submit(client, outgoing);
    ck_assert_str_eq(outcome, "550/5.7.1");
    mail_done(outgoing);
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

/* Logging in; the peer is on loopback, where no TLS is needed. */
static const struct {
    const char *name;
    PeerStep steps[6];
    const char *message; /* NULL: it works */
} logins[] = {
    {"PLAIN",
     {GREET,
      {"EHLO desk.example\r\n", "250-r\r\n250 AUTH LOGIN PLAIN\r\n"},
      {"AUTH PLAIN AGFubmEAc2VjcmV0\r\n", "235 2.7.0 ok\r\n"},
      {"QUIT\r\n", "221 bye\r\n"}},
     NULL},
    {"LOGIN",
     {GREET,
      {"EHLO desk.example\r\n", "250-r\r\n250 AUTH=LOGIN\r\n"},
      {"AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"},
      {"YW5uYQ==\r\n", "334 UGFzc3dvcmQ6\r\n"},
      {"c2VjcmV0\r\n", "235 2.7.0 ok\r\n"}},
     NULL},
    {"a wrong password",
     {GREET,
      {"EHLO desk.example\r\n", "250-r\r\n250 AUTH PLAIN\r\n"},
      {"AUTH PLAIN ", "535 5.7.8 no\r\n"}},
     "login as 'anna' refused: 535 no"},
    {"questions without end",
     {GREET,
      {"EHLO desk.example\r\n", "250-r\r\n250 AUTH LOGIN\r\n"},
      {"AUTH LOGIN\r\n", "334 YQ==\r\n"},
      {"YW5uYQ==\r\n", "334 YQ==\r\n"},
      {"c2VjcmV0\r\n", "334 YQ==\r\n"}},
     "login as 'anna' refused: 334 YQ=="},
    {"a question to PLAIN",
     {GREET,
      {"EHLO desk.example\r\n", "250-r\r\n250 AUTH PLAIN\r\n"},
      {"AUTH PLAIN ", "334 YQ==\r\n"}},
     "login as 'anna' refused: 334 YQ=="},
    {"nothing we speak",
     {GREET, {"EHLO desk.example\r\n", "250-r\r\n250 AUTH GSSAPI\r\n"}},
     "neither AUTH PLAIN nor AUTH LOGIN"},
    {"lost at it",
     {GREET,
      {"EHLO desk.example\r\n", "250-r\r\n250 AUTH PLAIN\r\n"},
      {"AUTH PLAIN ", NULL},
      {NULL, PEER_CLOSE}},
     "login as 'anna': " NO},
};

START_TEST(logins_work_or_say_why_not)
{
    Peer *peer = peer_start(logins[_i].steps, 6);
    Relay relay = relay_at(peer_port(peer));
    relay.user = "anna";
    g_autoptr(GError) error = NULL;
    SmtpClient *client = smtp_open(&relay, "secret", &error);
    if (logins[_i].message == NULL) {
        ck_assert_msg(client != NULL, "%s: %s", logins[_i].name,
                      error == NULL ? "" : error->message);
    } else {
        ck_assert_ptr_null(client);
        ck_assert(failure_is(error, FAILURE_TEMPORARY));
        ck_assert_msg(strstr(error->message, logins[_i].message) != NULL,
                      "%s: %s", logins[_i].name, error->message);
        ck_assert_ptr_null(strstr(error->message, "secret"));
    }
    smtp_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(starttls_that_is_not_offered_fails_closed)
{
    static const PeerStep steps[] = {GREET, PLAIN_EHLO};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    relay.tls = TLS_STARTTLS;
    relay.user = "anna";
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(smtp_open(&relay, "secret", &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(error->message, "offers no STARTTLS"));
    g_autofree char *received = peer_finish(peer);
    ck_assert_str_eq(received, "EHLO desk.example\r\n");
}
END_TEST

START_TEST(words_behind_the_answer_to_starttls_are_not_believed)
{
    static const PeerStep steps[] = {
        GREET,
        {"EHLO desk.example\r\n", "250-r\r\n250 STARTTLS\r\n"},
        {"STARTTLS\r\n", "220 go\r\n250-r\r\n250 AUTH PLAIN\r\n"},
        {NULL, PEER_STALL}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Relay relay = relay_at(peer_port(peer));
    relay.tls = TLS_STARTTLS;
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(smtp_open(&relay, NULL, &error));
    ck_assert(failure_is(error, FAILURE_TEMPORARY));
    ck_assert_msg(strstr(error->message, "went on talking") != NULL, "%s",
                  error->message);
    g_free(peer_finish(peer));
}
END_TEST

int
main(void)
{
    TCase *mail = tcase_create("mail");
    tcase_set_timeout(mail, 60);
    tcase_add_loop_test(mail, what_the_relay_says_is_what_becomes_of_the_mail,
                        0, G_N_ELEMENTS(rows));
    tcase_add_test(mail, what_must_not_go_out_does_not);
    tcase_add_test(mail, limits_of_content_are_kept_on_both_sides);
    tcase_add_test(mail, content_beyond_ascii_needs_8bitmime);
    tcase_add_test(mail, addresses_beyond_ascii_go_where_smtputf8_is);
    tcase_add_test(mail, a_connection_is_used_again);
    tcase_add_test(mail, a_kept_connection_that_was_closed_is_noticed);
    tcase_add_test(mail, nothing_is_to_be_sent_after_all);
    tcase_add_test(mail, many_recipients_come_in_flights);
    tcase_add_test(mail, a_reply_is_shown_as_one_safe_line);
    tcase_add_test(mail, an_endless_reply_is_bounded);
    tcase_add_test(mail, dots_are_stuffed_wherever_pieces_meet);
    tcase_add_test(mail, content_without_a_last_line_end_gets_one);
    tcase_add_test(mail, a_loss_amid_the_content_is_no_uncertainty);
    tcase_add_test(mail, signals_do_not_disturb);
    tcase_add_test(mail, high_descriptors_are_like_others);
    TCase *opening = tcase_create("open");
    tcase_set_timeout(opening, 60);
    tcase_add_loop_test(opening, a_relay_that_is_not_ready_is_temporary, 0,
                        G_N_ELEMENTS(openings));
    tcase_add_test(opening, nobody_there_is_temporary);
    tcase_add_loop_test(opening, logins_work_or_say_why_not, 0,
                        G_N_ELEMENTS(logins));
    tcase_add_test(opening, starttls_that_is_not_offered_fails_closed);
    tcase_add_test(opening,
                   words_behind_the_answer_to_starttls_are_not_believed);
    Suite *suite = suite_create("smtp");
    suite_add_tcase(suite, mail);
    suite_add_tcase(suite, opening);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
