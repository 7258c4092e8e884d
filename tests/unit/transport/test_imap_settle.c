/* What becomes of a mail: marked, moved, deleted, or left alone. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "imap_peer.h"

/* After the login it says that it can do these. */
#define ABLE(abilities)                                                        \
    GREET, CAPABILITY("1", "AUTH=PLAIN SASL-IR"),                              \
        {"2 AUTHENTICATE", "2 OK welcome\r\n"}, CAPABILITY("3", abilities),    \
    {                                                                          \
        "4 SELECT INBOX\r\n", "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n"      \
                              "4 OK [READ-WRITE] done\r\n"                     \
    }

typedef struct {
    const char *what;
    PeerStep steps[9];
    int64_t moved;         /* -2: a failure */
    const char *forbidden; /* never said */
    FailureCode code;
    const char *expected; /* in its message */
} Move;

/* UIDs 10, 11 and 13 are moved to "Done". */
static const Move moves[] = {
    {"MOVE, and the server says what it did",
     {ABLE("MOVE UIDPLUS"),
      {"5 UID MOVE 10:11,13 Done\r\n",
       "* OK [COPYUID 9 10:11,13 1:3] done\r\n* 1 EXPUNGE\r\n5 OK moved\r\n"},
      SILENCE},
     3,
     "EXPUNGE",
     0,
     NULL},
    {"one of them was gone",
     {ABLE("MOVE UIDPLUS"),
      {"5 UID MOVE", "5 OK [COPYUID 9 13,10 1,2] done\r\n"},
      SILENCE},
     2,
     "EXPUNGE",
     0,
     NULL},
    {"an answer for mails that nobody asked for",
     {ABLE("MOVE UIDPLUS"),
      {"5 UID MOVE", "5 OK [COPYUID 9 1:10,500 1:11] done\r\n"},
      SILENCE},
     1,
     "EXPUNGE",
     0,
     NULL},
    {"an answer for none of them",
     {ABLE("UIDPLUS"),
      {"5 UID COPY", "5 OK [COPYUID 9 7 1] done\r\n"},
      SILENCE},
     0,
     "STORE",
     0,
     NULL},
    {"a range backwards",
     {ABLE("MOVE UIDPLUS"),
      {"5 UID MOVE", "5 OK [COPYUID 9 13:10 4:1] done\r\n"},
      SILENCE},
     3,
     "EXPUNGE",
     0,
     NULL},
    {"MOVE, and the server does not say",
     {ABLE("MOVE"), {"5 UID MOVE", "5 OK moved\r\n"}, SILENCE},
     -1,
     "EXPUNGE",
     0,
     NULL},
    {"COPY, and only what was copied is deleted",
     {ABLE("UIDPLUS"),
      {"5 UID COPY 10:11,13 Done\r\n", "5 OK [COPYUID 9 11,13 1:2] done\r\n"},
      {"6 UID STORE 11,13 +FLAGS.SILENT (\\Deleted)\r\n", "6 OK done\r\n"},
      {"7 UID EXPUNGE 11,13\r\n", "* 2 EXPUNGE\r\n7 OK done\r\n"},
      SILENCE},
     2,
     " EXPUNGE 10",
     0,
     NULL},
    {"without UIDPLUS others' deleted mail stays",
     {ABLE(""),
      {"5 UID COPY 10:11,13 Done\r\n", "5 OK done\r\n"},
      {"6 UID STORE 10:11,13 +FLAGS.SILENT (\\Deleted)\r\n", "6 OK done\r\n"},
      SILENCE},
     -1,
     "EXPUNGE",
     0,
     NULL},
    {"no such folder",
     {ABLE("MOVE UIDPLUS"),
      {"5 UID MOVE",
       "* 3 EXISTS\r\n5 NO [TRYCREATE] Mailbox doesn't exist: Done\r\n"},
      SILENCE},
     -2,
     "EXPUNGE",
     FAILURE_PERMANENT,
     "moving to 'Done': NO [TRYCREATE] Mailbox doesn't exist: Done"},
    {"no room there, and nothing is deleted here",
     {ABLE("UIDPLUS"),
      {"5 UID COPY", "5 NO [OVERQUOTA] Quota exceeded\r\n"},
      SILENCE},
     -2,
     "STORE",
     FAILURE_PERMANENT,
     "[OVERQUOTA] Quota exceeded"},
    {"not now",
     {ABLE("MOVE UIDPLUS"), {"5 UID MOVE", "5 NO [inuse] locked\r\n"}, SILENCE},
     -2,
     "EXPUNGE",
     FAILURE_TEMPORARY,
     "locked"},
    {"the folder was made anew while it was copied",
     {ABLE("UIDPLUS"),
      {"5 UID COPY",
       "* OK [UIDVALIDITY 8] new\r\n5 OK [COPYUID 9 10 1] done\r\n"},
      SILENCE},
     -2,
     "STORE",
     FAILURE_TEMPORARY,
     "UIDVALIDITY was 7 and is 8"},
    {"an end in the middle",
     {ABLE("MOVE UIDPLUS"), {"5 UID MOVE", PEER_CLOSE}},
     -2,
     "EXPUNGE",
     FAILURE_TEMPORARY,
     "closed"},
};

START_TEST(what_was_moved_is_what_the_server_says)
{
    const Move *row = &moves[_i];
    Peer *peer = peer_start(row->steps, G_N_ELEMENTS(row->steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    static const uint32_t uids[] = {10, 11, 13};
    g_autoptr(GError) error = NULL;
    int64_t moved = -7;
    bool good = imap_move(client, uids, 3, "Done", &moved, &error);
    ck_assert_msg(good == (row->moved != -2), "%s: %s", row->what,
                  error != NULL ? error->message : "");
    ck_assert_msg(moved == (good ? row->moved : -7), "%s: %d", row->what,
                  (int)moved);
    if (!good) {
        ck_assert_msg(failure_is(error, row->code), "%s: %s", row->what,
                      error->message);
        ck_assert_msg(strstr(error->message, row->expected) != NULL, "%s: %s",
                      row->what, error->message);
    }
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    ck_assert_msg(strstr(said, row->forbidden) == NULL, "%s: %s", row->what,
                  said);
}
END_TEST

/* ---- a folder that is another one under the same name (F22) ---- */

typedef bool (*Act)(ImapClient *client, GError **error);

static const uint32_t ten[] = {10};

static bool
mark(ImapClient *client, GError **error)
{
    return imap_mark(client, ten, 1, "\\Seen", error);
}

static bool
remove_mail(ImapClient *client, GError **error)
{
    return imap_delete(client, ten, 1, error);
}

static bool
carry(ImapClient *client, GError **error)
{
    int64_t moved;
    return imap_move(client, ten, 1, "Done", &moved, error);
}

static const Act acts[] = {mark, remove_mail, carry};

/* The news may stand in any answer, or come while nothing is asked. */
static const PeerStep made_anew[][2] = {
    {{"5 UID SEARCH",
      "* SEARCH 10\r\n* OK [UIDVALIDITY 8] new\r\n5 OK done\r\n"},
     SILENCE},
    {{"5 UID SEARCH", "* SEARCH 10\r\n5 OK [UIDVALIDITY 8] done\r\n"}, SILENCE},
};

START_TEST(nothing_is_done_by_old_uids)
{
    const PeerStep *anew = made_anew[_i / (int)G_N_ELEMENTS(acts)];
    Act act = acts[_i % (int)G_N_ELEMENTS(acts)];
    const PeerStep steps[] = {ABLE("MOVE UIDPLUS"), anew[0], anew[1]};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;
    ck_assert_ptr_null(imap_search(client, 10, 0, &error));
    ck_assert(!act(client, &again));
    ck_assert(failure_is(again, FAILURE_TEMPORARY));
    ck_assert_ptr_nonnull(strstr(again->message, "UIDVALIDITY"));
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    ck_assert_ptr_null(strstr(said, "UID STORE"));
    ck_assert_ptr_null(strstr(said, "UID MOVE"));
    ck_assert_ptr_null(strstr(said, "UID EXPUNGE"));
}
END_TEST

START_TEST(opened_again_it_is_a_folder_as_any)
{
    static const PeerStep steps[] = {
        ABLE(""),
        {"5 UID SEARCH", "* OK [UIDVALIDITY 8] new\r\n5 OK done\r\n"},
        {"6 SELECT INBOX\r\n", "* 1 EXISTS\r\n* OK [UIDVALIDITY 8] ok\r\n"
                               "6 OK [READ-WRITE] done\r\n"},
        {"7 UID STORE 10 +FLAGS.SILENT (\\Seen)\r\n", "7 OK done\r\n"},
        SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) again = NULL;
    ck_assert_ptr_null(imap_search(client, 10, 0, &error));
    ck_assert(imap_select(client, "INBOX", true, &folder, &again));
    ck_assert_uint_eq(folder.uid_validity, 8);
    ck_assert(mark(client, &again));
    imap_close(client);
    g_free(peer_finish(peer));
}
END_TEST

START_TEST(of_nothing_nothing_is_said)
{
    static const PeerStep steps[] = {ABLE("MOVE UIDPLUS"), SILENCE};
    Peer *peer = peer_start(steps, G_N_ELEMENTS(steps));
    Account account = imap_peer_account(peer);
    ImapFolder folder;
    ImapClient *client = imap_peer_client(&account, &folder);
    g_autoptr(GError) error = NULL;
    int64_t moved = -7;
    ck_assert(imap_mark(client, NULL, 0, "\\Seen", &error));
    ck_assert(imap_delete(client, NULL, 0, &error));
    ck_assert(imap_move(client, NULL, 0, "Done", &moved, &error));
    ck_assert_int_eq(moved, 0);
    g_autoptr(GArray) sizes = imap_sizes(client, NULL, 0, &error);
    ck_assert_uint_eq(sizes->len, 0);
    ck_assert(imap_fetch(client, NULL, 0, "/tmp", 1024, NULL, NULL, &error));
    imap_close(client);
    g_autofree char *said = peer_finish(peer);
    ck_assert_ptr_null(strstr(said, "UID"));
}
END_TEST

static Suite *
imap_settle_suite(void)
{
    Suite *suite = suite_create("imap_settle");
    TCase *tests = tcase_create("imap_settle");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, what_was_moved_is_what_the_server_says, 0,
                        G_N_ELEMENTS(moves));
    tcase_add_loop_test(tests, nothing_is_done_by_old_uids, 0,
                        G_N_ELEMENTS(acts) * G_N_ELEMENTS(made_anew));
    tcase_add_test(tests, opened_again_it_is_a_folder_as_any);
    tcase_add_test(tests, of_nothing_nothing_is_said);
    suite_add_tcase(suite, tests);
    return suite;
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    SRunner *runner = srunner_create(imap_settle_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
