/* IMAP servers that lie, break off or mean harm; and a world that disturbs. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/failure.h"
#include "imap_peer.h"

#define FETCH "5 UID FETCH 10:11 "
#define X16(x) x x x x x x x x x x x x x x x x

typedef struct {
    const char *what;
    PeerStep answer; /* to the FETCH of UIDs 10 and 11, of 3 and 2 bytes */
    PeerStep then;
    bool good;
    const char *mails;    /* what came */
    const char *expected; /* in the message; NULL: whatever */
    const char *flood;    /* in one line behind the answer; NULL: nothing */
} Fetch;

static const Fetch fetches[] = {
    {"BYE before a mail",
     {FETCH, "* BYE enough\r\n"},
     {NULL, PEER_CLOSE},
     false,
     "",
     NULL,
     NULL},
    {"BYE inside of a mail is its text",
     {FETCH,
      "* 1 FETCH (UID 10 BODY[] {14}\r\n* BYE enough\r\n)\r\n5 OK x\r\n"},
     SILENCE,
     true,
     "10=* BYE enough\r\n ",
     NULL,
     NULL},
    {"BYE, and then nothing",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n* BYE sorry\r\n"},
     {NULL, PEER_STALL},
     false,
     "10=abc ",
     "no answer in time",
     NULL},
    {"a byte now and then",
     {NULL, PEER_DRIP},
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n5 OK done\r\n"},
     false,
     "",
     "no answer in time",
     NULL},
    {"one mail, and then NO",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n5 NO that is all\r\n"},
     SILENCE,
     false,
     "10=abc ",
     "NO that is all",
     NULL},
    {"one mail, and then BAD",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n5 BAD what?\r\n"},
     SILENCE,
     false,
     "10=abc ",
     "BAD what?",
     NULL},
    {"the answer to another command",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n4 OK done\r\n"},
     SILENCE,
     false,
     "10=abc ",
     NULL,
     NULL},
    {"a mail that is larger than was said",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {1600}\r\n" X16(X16("abc"))
                 X16(X16("def")) X16("abcd") ")\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=" X16(X16("abc")) X16(X16("def")) X16("abcd") " ",
     NULL,
     NULL},
    {"one that is smaller",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {1}\r\na)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=a ",
     NULL,
     NULL},
    {"one that is much larger",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {200000}\r\n"},
     SILENCE,
     false,
     "",
     "too long",
     "0123456789"},
    {"an empty one",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {0}\r\n)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10= ",
     NULL,
     NULL},
    {"an empty one in quotes",
     {FETCH, "* 1 FETCH (BODY[] \"\" UID 10)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10= ",
     NULL,
     NULL},
    {"one that is gone",
     {FETCH, "* 1 FETCH (UID 10 BODY[] NIL)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "",
     NULL,
     NULL},
    {"one in quotes",
     {FETCH, "* 1 FETCH (UID 10 BODY[] \"a\\\"c\")\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=a\"c ",
     NULL,
     NULL},
    {"two mails for one UID",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n"
             "* 2 FETCH (UID 10 BODY[] {3}\r\ndef)\r\n5 OK done\r\n"},
     SILENCE,
     false,
     "10=abc ",
     "contradict",
     NULL},
    {"two bodies of one mail",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc BODY[] {3}\r\ndef)\r\n"
             "5 OK done\r\n"},
     SILENCE,
     false,
     "",
     "contradict",
     NULL},
    {"a part instead of all",
     {FETCH, "* 1 FETCH (UID 10 BODY[HEADER] {3}\r\nabc)\r\n5 OK done\r\n"},
     SILENCE,
     false,
     "",
     "contradict",
     NULL},
    {"the end instead of all",
     {FETCH, "* 1 FETCH (UID 10 BODY[]<2> {3}\r\nabc)\r\n5 OK done\r\n"},
     SILENCE,
     false,
     "",
     "contradict",
     NULL},
    {"a mail without a UID",
     {FETCH, "* 1 FETCH (BODY[] {3}\r\nabc)\r\n5 OK done\r\n"},
     SILENCE,
     false,
     "",
     "contradict",
     NULL},
    {"a server in lower case",
     {FETCH, "* 1 fetch (uid 10 body[] {3}\r\nabc)\r\n5 ok done\r\n"},
     SILENCE,
     true,
     "10=abc ",
     NULL,
     NULL},
    {"a structure that nobody asked for, and no end of it",
     {FETCH, "* 1 FETCH (UID 10 BODYSTRUCTURE "},
     SILENCE,
     false,
     "",
     "too deeply nested",
     "(((("},
    {"the same behind what looks like a literal",
     {FETCH, "* OK well {60000}\r\n* 1 FETCH (BODYSTRUCTURE "},
     SILENCE,
     false,
     "",
     "too deeply nested",
     "(((("},
    {"the same behind a quote that does not end",
     {FETCH, "* 1 FETCH (UID 10 BODY[] \"\r\n {60000}\r\n"
             "* 1 FETCH (BODYSTRUCTURE "},
     SILENCE,
     false,
     "",
     "quoted string that does not end",
     "(((("},
    {"a literal whose length libetpan would cut to 5",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {4294967301}\r\nabcde)\r\n5 OK x\r\n"},
     SILENCE,
     false,
     "",
     "more than 4 GiB",
     NULL},
    {"charsets that libetpan would free twice",
     {FETCH, "* NO [BADCHARSET (A B)] x\r\n* NO [BADCHARSET (A B)] x\r\n"
             "5 OK done\r\n"},
     SILENCE,
     true,
     "",
     NULL,
     NULL},
    {"flags that libetpan would free, and has none",
     {FETCH, "* OK [PERMANENTFLAGS (* 5 EXISTS\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "",
     NULL,
     NULL},
    {"an alert without words",
     {FETCH, "* OK [ALERT]\r\n* OK [ALERT] \r\n* OK [PARSE]\r\n5 OK\r\n"},
     SILENCE,
     true,
     "",
     NULL,
     NULL},
    {"answers that are not used",
     {FETCH, "* METADATA INBOX (/x {6}\r\n5 NO x)\r\n"
             "* 1 FETCH (FLAGS (\\Seen) UID 10 X-GM-MSGID 1 BODY[] {3+}\r\n"
             "abc ENVELOPE (\"x\"))\r\n* VANISHED 9\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=abc ",
     NULL,
     NULL},
    {"bytes of all kinds",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {6}\r\n\x80\xFF\x01\r\n\xC3)\r\n"
             "5 OK \xFF\x01 done\r\n"},
     SILENCE,
     true,
     "10=\x80\xFF\x01\r\n\xC3 ",
     NULL,
     NULL},
};

static bool
note_mail(void *context, uint32_t uid, GBytes *raw)
{
    GString *seen = context;
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    g_string_append_printf(seen, "%u=", uid);
    g_string_append_len(seen, bytes, (gssize)length);
    g_string_append_c(seen, ' ');
    return true;
}

static bool
fetch_two(ImapClient *client, GString *seen, GError **error)
{
    static const ImapMessage messages[] = {{10, 3}, {11, 2}};
    return imap_fetch(client, messages, 2, "/tmp", 1024, note_mail, seen,
                      error);
}

START_TEST(a_server_that_cannot_be_believed_is_not)
{
    const Fetch *row = &fetches[_i];
    PeerStep answer = row->answer;
    g_autoptr(GString) flood = g_string_new(answer.send);
    for (int i = 0; row->flood != NULL && i < 15000; i++)
        g_string_append(flood, row->flood);
    if (row->flood != NULL)
        answer.send = g_string_append(flood, "\r\n")->str;
    const PeerStep steps[] = {SELECTED, answer, row->then};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool silent = row->expected != NULL &&
                  strstr(row->expected, "no answer in time") != NULL;
    if (silent)
        account.timeout_s = IMAP_PEER_SHORT_S;
    bool good = fetch_two(client, seen, &error);
    ck_assert_msg(good == row->good, "%s: %s", row->what,
                  error != NULL ? error->message : "");
    ck_assert_msg(strcmp(seen->str, row->mails) == 0, "%s: %s", row->what,
                  seen->str);
    ck_assert_msg(good || failure_is(error, FAILURE_TEMPORARY), "%s",
                  row->what);
    ck_assert_msg(row->expected == NULL ||
                      strstr(error->message, row->expected) != NULL,
                  "%s: %s", row->what, good ? "" : error->message);
    /* All others are found out by what they say. */
    ck_assert_msg(good || silent ||
                      strstr(error->message, "no answer in time") == NULL,
                  "%s: %s", row->what, good ? "" : error->message);
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

/* It has hours for so many bytes; but once nothing comes any more, none. */
START_TEST(who_stops_in_a_large_mail_is_not_waited_for)
{
    static const ImapMessage large = {10, 40 * 1024 * 1024};
    const PeerStep steps[] = {
        SELECTED,
        {"5 UID FETCH 10 ",
         "* 1 FETCH (UID 10 BODY[] {41943040}\r\nthat is not all"},
        {NULL, PEER_STALL}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    account.timeout_s = IMAP_PEER_SHORT_S;
    ck_assert(
        !imap_fetch(client, &large, 1, "/tmp", 1024, note_mail, seen, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "no answer in time"));
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

/* As Dovecot does it to who has failed before. */
START_TEST(a_login_may_be_refused_later_than_other_commands)
{
    static const PeerStep steps[] = {
        GREET,
        CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
        {NULL, PEER_DRIP},
        {"2 AUTHENTICATE", "2 NO [AUTHENTICATIONFAILED] Sorry.\r\n"}};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    account.timeout_s = 3; /* the drops take longer */
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(imap_open(&account, "secret", NULL, &error));
    ck_assert_msg(failure_is(error, FAILURE_PERMANENT), "%s", error->message);
    ck_assert_ptr_nonnull(strstr(error->message, "Sorry."));
    g_free(peer_finish(peer));
}
END_TEST

/* ---- a world that disturbs ---- */

static void
ring(int signal_number)
{
    (void)signal_number;
}

START_TEST(a_thousand_signals_a_second_do_no_harm)
{
    enum { MAIL_BYTES = 20 * 1024 * 1024 };
    g_autoptr(GString) mail = g_string_new(NULL);
    g_string_append_printf(mail, "* 1 FETCH (UID 10 BODY[] {%d}\r\n",
                           MAIL_BYTES);
    for (int i = 0; i < MAIL_BYTES / 256; i++)
        g_string_append(mail, X16("0123456789012345"));
    g_string_append(mail, ")\r\n5 OK done\r\n");
    const PeerStep steps[] = {
        SELECTED, {"5 UID FETCH 10 ", mail->str}, SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    struct sigaction action = {.sa_handler = ring}; /* no SA_RESTART */
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    static const ImapMessage message = {10, MAIL_BYTES};
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool good = imap_fetch(client, &message, 1, "/tmp", 1024 * 1024, note_mail,
                           seen, &error);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_msg(good, "%s", good ? "" : error->message);
    ck_assert_uint_eq(seen->len, MAIL_BYTES + strlen("10= "));
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(more_than_1024_descriptors_are_no_trouble)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = MIN(limit.rlim_max, 2048);
    setrlimit(RLIMIT_NOFILE, &limit);
    ck_assert_uint_ge(limit.rlim_cur, 1100);
    int filler[1100], n = 0;
    do {
        filler[n] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
        ck_assert_int_ge(filler[n], 0);
    } while (filler[n++] <= 1030);
    static const PeerStep steps[] = {
        SELECTED,
        {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n5 OK done\r\n"},
        {"6 IDLE\r\n", "+ idling\r\n* 3 EXISTS\r\n"},
        {"DONE\r\n", "6 OK done\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    ck_assert(fetch_two(client, seen, &error));
    bool news = false;
    ck_assert(imap_wait(client, -1, 60, &news, &error));
    ck_assert(news);
    imap_close(client);
    g_free(peer_finish(peer));
    while (n > 0)
        close(filler[--n]);
}
END_TEST

/* ---- names and passwords ---- */

typedef struct {
    const char *user, *password;
    const char *said; /* NULL: nothing, and refused */
} Name;

static const Name names[] = {
    {"anna", "secret", "2 LOGIN anna secret\r\n"},
    {"a b", "\"quo\\ted\"", "2 LOGIN \"a b\" \"\\\"quo\\\\ted\\\"\"\r\n"},
    {"anna", "", "2 LOGIN anna \"\"\r\n"},
    {"anna", "x\r\n3 DELETE INBOX", NULL},
    {"anna\n3 DELETE INBOX", "x", NULL},
    {"anna", "gr\xC3\xBC\xC3\x9F", NULL}, /* it has no form in LOGIN */
};

START_TEST(a_password_is_never_a_command)
{
    const Name *row = &names[_i];
    const PeerStep steps[] = {
        GREET,
        CAPABILITY("1", "LITERAL+"),
        {row->said != NULL ? "2 LOGIN" : "2 LOGOUT", "2 OK welcome\r\n"},
        CAPABILITY("3", "UTF8=ACCEPT LITERAL-"),
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    account.user = (char *)(uintptr_t)row->user;
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_open(&account, row->password, NULL, &error);
    ck_assert((client != NULL) == (row->said != NULL));
    if (client == NULL)
        ck_assert(failure_is(error, FAILURE_PERMANENT));
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    if (row->said != NULL)
        ck_assert_ptr_nonnull(strstr(said, row->said));
    else
        ck_assert_str_eq(said, "1 CAPABILITY\r\n2 LOGOUT\r\n");
}
END_TEST

static const struct {
    const char *name, *said;
} folder_names[] = {
    {"Gel\xC3\xB6scht", "\"Gel&APY-scht\"\r\n"},
    {"R&D", "\"R&-D\"\r\n"},
    {"a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"\r\n"},
    {"\xD0\x9F\xD0\xBE\xD1\x88\xD1\x82\xD0\xB0", "\"&BB8EPgRIBEIEMA-\"\r\n"},
    {"x\r\n6 DELETE y", "\"x&AA0ACg-6 DELETE y\"\r\n"},
};

/* UTF8=ACCEPT is offered, but not enabled. */
START_TEST(a_folder_name_is_never_a_command)
{
    static const PeerStep steps[] = {
        GREET,
        CAPABILITY("1", "AUTH=PLAIN SASL-IR UTF8=ACCEPT LITERAL+"),
        {"2 AUTHENTICATE", "2 OK welcome\r\n"},
        CAPABILITY("3", "MOVE UTF8=ACCEPT LITERAL+"),
        {"4 SELECT ",
         "* 1 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n4 OK [READ-WRITE] done\r\n"},
        {"5 UID MOVE 10 ", "5 OK done\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_open(&account, "secret", NULL, &error);
    ck_assert_ptr_nonnull(client);
    static const uint32_t uids[] = {10};
    ImapFolder folder;
    int64_t moved;
    ck_assert(
        imap_select(client, folder_names[_i].name, true, &folder, &error));
    ck_assert(
        imap_move(client, uids, 1, folder_names[_i].name, &moved, &error));
    ck_assert(!imap_mark(client, uids, 1, "Two words", &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    g_autofree char *select =
        g_strconcat("4 SELECT ", folder_names[_i].said, NULL);
    g_autofree char *move =
        g_strconcat("5 UID MOVE 10 ", folder_names[_i].said, NULL);
    ck_assert_msg(strstr(said, select) != NULL, "%s", said);
    ck_assert_msg(strstr(said, move) != NULL, "%s", said);
    ck_assert_ptr_null(strstr(said, "Two"));
}
END_TEST

static Suite *
imap_hostile_suite(void)
{
    Suite *suite = suite_create("imap_hostile");
    TCase *tests = tcase_create("imap_hostile");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_server_that_cannot_be_believed_is_not, 0,
                        G_N_ELEMENTS(fetches));
    tcase_add_test(tests, who_stops_in_a_large_mail_is_not_waited_for);
    tcase_add_test(tests, a_login_may_be_refused_later_than_other_commands);
    tcase_add_test(tests, a_thousand_signals_a_second_do_no_harm);
    tcase_add_test(tests, more_than_1024_descriptors_are_no_trouble);
    tcase_add_loop_test(tests, a_password_is_never_a_command, 0,
                        G_N_ELEMENTS(names));
    tcase_add_loop_test(tests, a_folder_name_is_never_a_command, 0,
                        G_N_ELEMENTS(folder_names));
    suite_add_tcase(suite, tests);
    return suite;
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    SRunner *runner = srunner_create(imap_hostile_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
