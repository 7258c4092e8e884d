/*
 * An IMAP server that does what it should, and many that do not. The client is
 * built with LOGIN_MIN_S=2.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/failure.h"
#include "imap_peer.h"

/* ---- login ---- */

typedef struct {
    const char *what;
    PeerStep steps[8];
    LoginKind login;
    const char *mailbox;
    int code;             /* of the failure; -1: it works */
    const char *expected; /* in the message */
} Login;

static const Login logins[] = {
    {"PLAIN at once", {LOGGED_IN}, LOGIN_PASSWORD, "", -1, NULL},
    {"PLAIN when asked",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN"),
      {"2 AUTHENTICATE PLAIN\r\n", "+ \r\n"},
      {"AGFubmEAc2VjcmV0\r\n", "2 OK welcome\r\n"},
      CAPABILITY("3", "")},
     LOGIN_PASSWORD,
     "",
     -1,
     NULL},
    {"another's mailbox",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE PLAIN aGVscABhbm5hAHNlY3JldA==\r\n", "2 OK yes\r\n"},
      CAPABILITY("3", "")},
     LOGIN_PASSWORD,
     "help",
     -1,
     NULL},
    {"LOGIN where there is nothing better",
     {GREET,
      CAPABILITY("1", ""),
      {"2 LOGIN ", "2 OK welcome\r\n"},
      CAPABILITY("3", "")},
     LOGIN_PASSWORD,
     "",
     -1,
     NULL},
    {"no login in clear",
     {GREET, CAPABILITY("1", "LOGINDISABLED STARTTLS")},
     LOGIN_PASSWORD,
     "",
     FAILURE_PERMANENT,
     "offers no login with a password"},
    {"OAUTHBEARER",
     {GREET,
      CAPABILITY("1", "AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR"),
      {"2 AUTHENTICATE OAUTHBEARER bixhPWFubmEsAWhvc3Q9", "2 OK yes\r\n"},
      CAPABILITY("3", "")},
     LOGIN_TOKEN,
     "",
     -1,
     NULL},
    {"XOAUTH2",
     {GREET,
      CAPABILITY("1", "AUTH=XOAUTH2 SASL-IR"),
      {"2 AUTHENTICATE XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHNlY3JldAEB\r\n",
       "2 OK yes\r\n"},
      CAPABILITY("3", "")},
     LOGIN_TOKEN,
     "",
     -1,
     NULL},
    {"a token that ran out: the challenge is answered",
     {GREET,
      CAPABILITY("1", "AUTH=OAUTHBEARER SASL-IR"),
      {"2 AUTHENTICATE OAUTHBEARER ", "+ eyJzdGF0dXMiOiJpbnZhbGlkIn0=\r\n"},
      {"AQ==\r\n", "2 NO [AUTHENTICATIONFAILED] token expired\r\n"}},
     LOGIN_TOKEN,
     "",
     FAILURE_PERMANENT,
     "token expired"},
    {"no token there",
     {GREET, CAPABILITY("1", "AUTH=PLAIN")},
     LOGIN_TOKEN,
     "",
     FAILURE_PERMANENT,
     "offers no login with a token"},
    {"a wrong password",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE", "2 NO [AUTHENTICATIONFAILED] Sorry.\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_PERMANENT,
     "[AUTHENTICATIONFAILED] Sorry."},
    {"a server in trouble, which is no wrong password",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE", "2 NO [UNAVAILABLE] no directory now\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "[UNAVAILABLE] no directory now"},
    {"a password that is too old, and an alert",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE",
       "* OK [ALERT] change it\r\n2 NO [EXPIRED] too old\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_PERMANENT,
     "login refused: NO [EXPIRED] too old"},
    {"a server that repeats what we said",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE", "2 NO no user for secret/AGFubmEAc2VjcmV0\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_PERMANENT,
     "login refused: NO no user for [...]/[...]"},
    {"a refusal that is an alert",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE", "2 NO [ALERT] log in with a browser\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_PERMANENT,
     "[ALERT] log in with a browser"},
    {"a challenge without end",
     {GREET,
      CAPABILITY("1", "AUTH=XOAUTH2 SASL-IR"),
      {"2 AUTHENTICATE", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"},
      {"\r\n", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"},
      {"2 LOGOUT", PEER_CLOSE}},
     LOGIN_TOKEN,
     "",
     FAILURE_TEMPORARY,
     "login: no answer in time"},
    {"a server that tells of no abilities",
     {GREET, {"1 CAPABILITY\r\n", "* CAPABILITY\r\n1 OK done\r\n"}, SILENCE},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "CAPABILITY: OK done"},
    {"PREAUTH",
     {{NULL, "* PREAUTH hello anna\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_PERMANENT,
     "PREAUTH"},
    {"BYE",
     {{NULL, "* BYE too many\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "too many"},
    {"another protocol",
     {{NULL, "220 mx.example ESMTP\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "greeting: 220 mx.example ESMTP"},
    {"nothing",
     {{NULL, PEER_STALL}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "no answer in time"},
    {"half a line",
     {{NULL, "* OK hel"}, {NULL, PEER_CLOSE}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "closed"},
    {"a byte every 100 ms",
     {{NULL, PEER_DRIP}, {NULL, "* OK hello, and welcome to this server\r\n"}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "no answer in time"},
    {"an end in the middle of the login",
     {GREET,
      CAPABILITY("1", "AUTH=PLAIN SASL-IR"),
      {"2 AUTHENTICATE", PEER_CLOSE}},
     LOGIN_PASSWORD,
     "",
     FAILURE_TEMPORARY,
     "closed"},
};

START_TEST(a_login_is_what_both_know)
{
    const Login *row = &logins[_i];
    Peer *peer = peer_start(row->steps, G_N_ELEMENTS(row->steps));
    Account account = imap_peer_account(peer);
    account.login = row->login;
    account.mailbox = (char *)(uintptr_t)row->mailbox;
    if (row->code != -1 && strstr(row->expected, "no answer in time") != NULL)
        account.timeout_s = IMAP_PEER_SHORT_S;
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_open(&account, "secret", NULL, &error);
    ck_assert_msg((client != NULL) == (row->code == -1), "%s: %s", row->what,
                  error != NULL ? error->message : "");
    if (client == NULL) {
        ck_assert_msg(failure_is(error, (FailureCode)row->code), "%s: %s",
                      row->what, error->message);
        ck_assert_msg(strstr(error->message, row->expected) != NULL, "%s: %s",
                      row->what, error->message);
        ck_assert_ptr_null(strstr(error->message, "secret"));
        ck_assert_ptr_null(strstr(error->message, "c2VjcmV0"));
    }
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(no_refusal_shows_a_quoted_password)
{
    static const PeerStep steps[] = {
        GREET,
        CAPABILITY("1", ""),
        {"2 LOGIN ", "2 NO what is LOGIN anna \"top\\\"se\\\\cret\"?\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(imap_open(&account, "top\"se\\cret", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "LOGIN anna \"[...]\"?"));
    ck_assert_ptr_null(strstr(error->message, "cret"));
    g_free(peer_finish(peer));
}
END_TEST

/* Even if it is left out, or has just begun. */
static const struct {
    const char *said, *expected;
} behind_starttls[] = {
    {"2 OK begin\r\n* CAPABILITY IMAP4rev1 X\r\n", "STARTTLS"},
    {"2 OK begin\r\n* METADATA x\r\n", "went on talking"},
    {"2 OK begin\r\n* META", "went on talking"},
};

START_TEST(text_behind_starttls_is_refused)
{
    const PeerStep steps[] = {GREET,
                              CAPABILITY("1", "STARTTLS AUTH=PLAIN"),
                              {"2 STARTTLS\r\n", behind_starttls[_i].said},
                              SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    account.tls = TLS_STARTTLS;
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(imap_open(&account, "secret", NULL, &error));
    ck_assert_msg(strstr(error->message, behind_starttls[_i].expected) != NULL,
                  "%s", error->message);
    g_autofree char *said = peer_finish(peer);
    ck_assert_ptr_null(strstr(said, "AUTHENTICATE"));
}
END_TEST

START_TEST(without_starttls_nothing_is_said)
{
    static const PeerStep steps[] = {GREET, CAPABILITY("1", "AUTH=PLAIN"),
                                     SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    account.tls = TLS_STARTTLS;
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(imap_open(&account, "secret", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "offers no STARTTLS"));
    g_autofree char *said = peer_finish(peer);
    ck_assert_ptr_null(strstr(said, "AUTHENTICATE"));
}
END_TEST

/* ---- mails ---- */

typedef struct {
    const char *what;
    PeerStep answer; /* to the FETCH of UIDs 10 and 11 */
    PeerStep then;
    bool good;
    const char *mails; /* what came */
} Fetch;

#define FETCH "5 UID FETCH 10:11 "

static const Fetch fetches[] = {
    {"two mails",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n"
             "* 2 FETCH (BODY[] {2}\r\nde UID 11)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=abc 11=de "},
    {"one of them is gone",
     {FETCH, "* 2 FETCH (UID 11 BODY[] {2}\r\nde)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "11=de "},
    {"both are gone", {FETCH, "5 OK nothing\r\n"}, SILENCE, true, ""},
    {"gone in between",
     {FETCH, "* 1 FETCH (UID 10 BODY[] NIL)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     ""},
    {"one that nobody asked for",
     {FETCH, "* 9 FETCH (UID 99 BODY[] {3}\r\nxyz)\r\n"
             "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=abc "},
    {"news in between",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n* 3 EXISTS\r\n"
             "* 1 FETCH (FLAGS (\\Seen))\r\n5 OK done\r\n"},
     SILENCE,
     true,
     "10=abc "},
    {"an end inside of a mail",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {300}\r\nabc"},
     {NULL, PEER_CLOSE},
     false,
     ""},
    {"a silence there",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {300}\r\nabc"},
     {NULL, PEER_STALL},
     false,
     ""},
    {"a reset there",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {300}\r\nabc"},
     {NULL, PEER_RESET},
     false,
     ""},
    {"BYE instead of the end",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n* BYE sorry\r\n"},
     {NULL, PEER_CLOSE},
     false,
     "10=abc "},
    {"NO in the end", {FETCH, "5 NO not now\r\n"}, SILENCE, false, ""},
    {"a mail of 4 GiB that never comes",
     {FETCH, "* 1 FETCH (UID 10 BODY[] {4294967295}\r\nabc"},
     {NULL, PEER_CLOSE},
     false,
     ""},
    /* libetpan would cut it to 10. */
    {"a number that does not fit",
     {FETCH, "* 1 FETCH (UID 4294967306 BODY[] {3}\r\nabc)\r\n5 OK done\r\n"},
     SILENCE,
     false,
     ""},
    {"garbage",
     {FETCH, "* 1 FETCH ((((((((\r\n5 OK done\r\n"},
     SILENCE,
     false,
     ""},
};

static bool
note_mail(void *context, uint32_t uid, GBytes *raw)
{
    GString *seen = context;
    gsize length;
    const char *bytes = g_bytes_get_data(raw, &length);
    g_string_append_printf(seen, "%u=%.*s ", uid, (int)length, bytes);
    return true;
}

START_TEST(mails_come_or_they_do_not)
{
    const Fetch *row = &fetches[_i];
    const PeerStep steps[] = {SELECTED, row->answer, row->then};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    ck_assert_uint_eq(folder.uid_validity, 7);
    ck_assert_uint_eq(folder.uid_next, 12);
    ck_assert(!folder.read_only);
    if (row->then.send == PEER_STALL)
        account.timeout_s = IMAP_PEER_SHORT_S;
    static const ImapMessage messages[] = {{10, 3}, {11, 2}};
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool good =
        imap_fetch(client, messages, 2, "/tmp", 1024, note_mail, seen, &error);
    ck_assert_msg(good == row->good, "%s: %s", row->what,
                  error != NULL ? error->message : "");
    ck_assert_msg(strcmp(seen->str, row->mails) == 0, "%s: %s", row->what,
                  seen->str);
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

/* An answer that never ends costs its budget and no more (G3, F29). */
static void
meets_its_budget(const char *piece)
{
    g_autoptr(GString) flood = g_string_new("* 1 FETCH (UID 10 ");
    while (flood->len < 32 * 1024 * 1024)
        g_string_append(flood, piece);
    const PeerStep steps[] = {SELECTED, {FETCH, flood->str}, SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    static const ImapMessage messages[] = {{10, 3}, {11, 2}};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    ck_assert(!imap_fetch(client, messages, 2, "/tmp", 1024, note_mail, seen,
                          &error));
    getrusage(RUSAGE_SELF, &after);
#if !defined(__SANITIZE_ADDRESS__)
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 4096); /* KiB */
#endif
    imap_close(client);
    g_free(peer_finish(peer));
}

static const char *const floods[] = {"x", "(", "\"", "FLAGS (\\Seen) ", "\r\n"};

START_TEST(an_endless_answer_costs_its_budget)
{
    meets_its_budget(floods[_i]);
}
END_TEST

START_TEST(a_search_gives_no_uid_below_the_first)
{
    static const PeerStep steps[] = {
        SELECTED,
        {"5 UID SEARCH UID 12:*\r\n", "* SEARCH 11\r\n5 OK done\r\n"},
        {"6 UID SEARCH UID 10:*", "* SEARCH 11 10 12\r\n6 OK done\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GArray) none = imap_search(client, 12, 0, &error);
    ck_assert_uint_eq(none->len, 0);
    g_autoptr(GArray) all = imap_search(client, 10, 86400, &error);
    ck_assert_uint_eq(all->len, 3);
    ck_assert_uint_eq(g_array_index(all, uint32_t, 0), 10);
    ck_assert_uint_eq(g_array_index(all, uint32_t, 2), 12);
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    ck_assert_ptr_nonnull(strstr(said, "SINCE 2-Jan-1970"));
}
END_TEST

START_TEST(sizes_are_of_what_was_asked)
{
    static const PeerStep steps[] = {
        SELECTED,
        {"5 UID FETCH 10:11,13 ",
         "* 2 FETCH (RFC822.SIZE 20 UID 11)\r\n"
         "* 1 FETCH (UID 10 RFC822.SIZE 10)\r\n"
         "* 9 FETCH (UID 99 RFC822.SIZE 10)\r\n"
         "* 3 FETCH (FLAGS (\\Seen))\r\n5 OK done\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_peer_client(&account, &folder);
    static const uint32_t uids[] = {10, 11, 13};
    g_autoptr(GArray) sizes = imap_sizes(client, uids, 3, &error);
    ck_assert_msg(sizes != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_uint_eq(sizes->len, 2);
    ck_assert_uint_eq(g_array_index(sizes, ImapMessage, 0).uid, 10);
    ck_assert_uint_eq(g_array_index(sizes, ImapMessage, 1).size, 20);
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

#define COUNTS_CHANGES(ability, code)                                          \
    GREET, CAPABILITY("1", "AUTH=PLAIN SASL-IR"),                              \
        {"2 AUTHENTICATE", "2 OK welcome\r\n"}, CAPABILITY("3", ability),      \
    {                                                                          \
        "4 SELECT INBOX",                                                      \
            "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [" code "] ok\r\n"  \
            "4 OK [READ-WRITE] done\r\n"                                       \
    }

/* RFC 7162: with CONDSTORE sizes and our own flags say how far the count of
 * changes is; where a folder has none, it is not asked for. */
static const struct {
    PeerStep steps[9];
    uint64_t at_first, with_sizes, with_flags;
} counts[] = {
    {{COUNTS_CHANGES("CONDSTORE", "HIGHESTMODSEQ 9223372036854775807"),
      {"5 UID FETCH 10 (UID RFC822.SIZE MODSEQ)",
       "* 1 FETCH (UID 10 RFC822.SIZE 10 MODSEQ (5))\r\n5 OK done\r\n"},
      {"6 UID STORE 10 +FLAGS",
       "* 1 FETCH (UID 10 MODSEQ (6))\r\n6 OK done\r\n"},
      SILENCE},
     INT64_MAX,
     INT64_MAX,
     INT64_MAX},
    {{COUNTS_CHANGES("CONDSTORE", "HIGHESTMODSEQ 4"),
      {"5 UID FETCH 10 (UID RFC822.SIZE MODSEQ)",
       "* 1 FETCH (UID 10 RFC822.SIZE 10 MODSEQ (5))\r\n5 OK done\r\n"},
      {"6 UID STORE 10 +FLAGS",
       "* 1 FETCH (UID 10 MODSEQ (6))\r\n6 OK done\r\n"},
      SILENCE},
     4,
     5,
     6},
    {{COUNTS_CHANGES("CONDSTORE", "NOMODSEQ"),
      {"5 UID FETCH 10 (UID RFC822.SIZE)",
       "* 1 FETCH (UID 10 RFC822.SIZE 10 MODSEQ (5))\r\n5 OK done\r\n"},
      {"6 UID STORE 10 +FLAGS", "6 OK done\r\n"},
      SILENCE},
     0,
     0,
     0},
    {{COUNTS_CHANGES("", "UIDNEXT 12"),
      {"5 UID FETCH 10 (UID RFC822.SIZE)",
       "* 1 FETCH (UID 10 RFC822.SIZE 10)\r\n5 OK done\r\n"},
      {"6 UID STORE 10 +FLAGS", "6 OK done\r\n"},
      SILENCE},
     0,
     0,
     0},
};

START_TEST(changes_are_counted_as_the_server_does)
{
    Peer *peer = peer_start(counts[_i].steps, G_N_ELEMENTS(counts[_i].steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_peer_client(&account, &folder);
    const uint32_t uid = 10;
    ck_assert_uint_eq(folder.highest_modseq, counts[_i].at_first);
    ck_assert_uint_eq(imap_highest_modseq(client), counts[_i].at_first);
    g_autoptr(GArray) sizes = imap_sizes(client, &uid, 1, &error);
    ck_assert_msg(sizes != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_uint_eq(sizes->len, 1);
    ck_assert_uint_eq(imap_highest_modseq(client), counts[_i].with_sizes);
    ck_assert(imap_mark(client, &uid, 1, "\\Seen", &error));
    ck_assert_uint_eq(imap_highest_modseq(client), counts[_i].with_flags);
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_refused)
{
    static const PeerStep steps[] = {
        LOGGED_IN,
        {"4 SELECT ", "4 NO [NONEXISTENT] no such folder\r\n"},
        {"5 SELECT ", "* 0 EXISTS\r\n5 OK [READ-ONLY] done\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;
    ImapClient *client = imap_open(&account, "secret", NULL, &error);
    ck_assert_ptr_nonnull(client);
    ImapFolder folder;
    ck_assert(!imap_select(client, "Gel\xC3\xB6scht", true, &folder, &error));
    ck_assert(failure_is(error, FAILURE_PERMANENT));
    ck_assert_ptr_nonnull(strstr(error->message, "no such folder"));
    ck_assert(!imap_select(client, "x", true, &folder, &again));
    ck_assert_ptr_nonnull(strstr(again->message, "UIDVALIDITY"));
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    ck_assert_ptr_nonnull(strstr(said, "Gel&APY-scht"));
}
END_TEST

static Suite *
imap_suite(void)
{
    Suite *suite = suite_create("imap");
    TCase *tests = tcase_create("imap");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_login_is_what_both_know, 0,
                        G_N_ELEMENTS(logins));
    tcase_add_test(tests, no_refusal_shows_a_quoted_password);
    tcase_add_loop_test(tests, text_behind_starttls_is_refused, 0,
                        G_N_ELEMENTS(behind_starttls));
    tcase_add_test(tests, without_starttls_nothing_is_said);
    tcase_add_loop_test(tests, mails_come_or_they_do_not, 0,
                        G_N_ELEMENTS(fetches));
    tcase_add_loop_test(tests, an_endless_answer_costs_its_budget, 0,
                        G_N_ELEMENTS(floods));
    tcase_add_test(tests, a_search_gives_no_uid_below_the_first);
    tcase_add_test(tests, sizes_are_of_what_was_asked);
    tcase_add_loop_test(tests, changes_are_counted_as_the_server_does, 0,
                        G_N_ELEMENTS(counts));
    tcase_add_test(tests, a_folder_that_is_not_there_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    SRunner *runner = srunner_create(imap_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
