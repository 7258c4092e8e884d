/* Waiting for mail: IDLE that goes on, and servers that have none. */
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../../src/transport/etpan.h" /* to make an IDLE old */
#include "base/failure.h"
#include "imap_peer.h"

#define WITHOUT_IDLE                                                           \
    GREET, CAPABILITY("1", "AUTH=PLAIN SASL-IR"),                              \
        {"2 AUTHENTICATE", "2 OK welcome\r\n"}, CAPABILITY("3", ""),           \
    {                                                                          \
        "4 SELECT INBOX\r\n", "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n"      \
                              "4 OK [READ-WRITE] done\r\n"                     \
    }
#define NOTHING_FOUND                                                          \
    {                                                                          \
        "5 UID SEARCH", "* SEARCH\r\n5 OK done\r\n"                            \
    }

/* Silence, until it is told that the client does not wait any more. */
#define IDLING                                                                 \
    {                                                                          \
        "DONE\r\n", PEER_CLOSE                                                 \
    }

typedef struct {
    Peer *peer;
    Account account;
    ImapFolder folder;
    ImapClient *client;
    GError *error;
} Scene;

static void
open_scene(Scene *scene, const PeerStep *steps, size_t n)
{
    scene->peer = peer_start(steps, n);
    scene->account = imap_peer_account(scene->peer);
    scene->client = imap_peer_client(&scene->account, &scene->folder);
    scene->error = NULL;
}

/* Returns what the server was told. */
static char *
close_scene(Scene *scene)
{
    imap_close(scene->client);
    g_clear_error(&scene->error);
    return peer_finish(scene->peer);
}

static void
search(Scene *scene)
{
    g_autoptr(GArray) uids = imap_search(scene->client, 10, 0, &scene->error);
    ck_assert_msg(uids != NULL, "%s",
                  scene->error != NULL ? scene->error->message : "");
}

static bool
wait_for_news(Scene *scene, int fd, int64_t timeout_s)
{
    bool news = false;
    bool good = imap_wait(scene->client, fd, timeout_s, &news, &scene->error);
    ck_assert_msg(good, "%s", good ? "" : scene->error->message);
    return news;
}

static size_t
count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)) != NULL; text += strlen(word))
        n++;
    return n;
}

START_TEST(idle_goes_on_from_call_to_call)
{
    static const PeerStep steps[] = {
        SELECTED,
        NOTHING_FOUND,
        {"6 IDLE\r\n", "* OK still\r\n+ idling\r\n* OK still here\r\n"},
        {"DONE\r\n", "* 3 EXISTS\r\n6 OK done\r\n"},
        {"7 UID SEARCH", "* SEARCH 12\r\n7 OK done\r\n"},
        SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(!wait_for_news(&scene, -1, 0));
    ck_assert(!wait_for_news(&scene, -1, 1));
    int bell[2];
    ck_assert_int_eq(pipe(bell), 0);
    ck_assert_int_eq(write(bell[1], "x", 1), 1);
    ck_assert(!wait_for_news(&scene, bell[0], 60));
    search(&scene);
    close(bell[0]);
    close(bell[1]);
    g_autofree char *said = close_scene(&scene);
    ck_assert_uint_eq(count(said, "IDLE\r\n"), 1);
    ck_assert_uint_eq(count(said, "DONE\r\n"), 1);
}
END_TEST

START_TEST(idle_wakes_for_a_mail)
{
    static const PeerStep steps[] = {SELECTED,
                                     NOTHING_FOUND,
                                     {"6 IDLE\r\n", "+ idling\r\n"},
                                     {NULL, "* 3 exists\r\n"},
                                     {"DONE\r\n", "6 OK done\r\n"},
                                     SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(wait_for_news(&scene, -1, 60));
    ck_assert(!wait_for_news(&scene, -1, 0));
    g_free(close_scene(&scene));
}
END_TEST

/* Nor is it waited for as if it were. */
START_TEST(what_is_left_out_is_no_news)
{
    static const PeerStep steps[] = {
        SELECTED,
        NOTHING_FOUND,
        {"6 IDLE\r\n", "+ idling\r\n"},
        {NULL,
         "* 1 FETCH (FLAGS (\\Seen))\r\n* METADATA INBOX /x\r\n\r\n* 3 EX"},
        {"DONE\r\n", "ISTS\r\n6 OK done\r\n"},
        SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(!wait_for_news(&scene, -1, 1));
    ck_assert(!wait_for_news(&scene, -1, 0));
    g_free(close_scene(&scene));
}
END_TEST

/* What a server tells before it idles it does not repeat. */
START_TEST(nothing_that_was_told_by_the_way_is_lost)
{
    static const PeerStep steps[] = {
        SELECTED,
        {"5 UID SEARCH", "* SEARCH\r\n* 3 EXISTS\r\n5 OK done\r\n"},
        {"6 IDLE\r\n", "+ idling\r\n"},
        {"DONE\r\n", "6 OK done\r\n"},
        {"7 UID SEARCH", "* SEARCH 12\r\n7 OK done\r\n"},
        {"8 UID STORE", "* 4 EXISTS\r\n8 OK done\r\n"},
        {"9 IDLE\r\n", "+ idling\r\n"},
        {"DONE\r\n", "9 OK done\r\n"},
        {"10 UID SEARCH", "* SEARCH 12 13\r\n10 OK done\r\n"},
        {"11 IDLE\r\n", "* 5 EXISTS\r\n+ idling\r\n"},
        IDLING};
    static const uint32_t uids[] = {12};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(wait_for_news(&scene, -1, 60));
    search(&scene);
    ck_assert(imap_mark(scene.client, uids, 1, "\\Seen", &scene.error));
    ck_assert(wait_for_news(&scene, -1, 60));
    search(&scene);
    ck_assert(wait_for_news(&scene, -1, 60));
    g_free(close_scene(&scene));
}
END_TEST

START_TEST(an_old_idle_is_begun_anew)
{
    static const PeerStep steps[] = {
        SELECTED,
        NOTHING_FOUND,
        {"6 IDLE\r\n", "+ idling\r\n"},
        {"DONE\r\n", "6 OK done\r\n"},
        {"7 IDLE\r\n", "+ idling\r\n* 3 EXISTS\r\n"},
        IDLING};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(!wait_for_news(&scene, -1, 0));
    scene.client->idle_since_ms -= (int64_t)24 * 60 * 1000;
    ck_assert(!wait_for_news(&scene, -1, 0));
    scene.client->idle_since_ms -= (int64_t)60 * 1000;
    ck_assert(wait_for_news(&scene, -1, 60));
    g_autofree char *said = close_scene(&scene);
    ck_assert_ptr_nonnull(strstr(said, "6 IDLE\r\nDONE\r\n7 IDLE\r\n"));
}
END_TEST

static void
ring(int signal_number)
{
    (void)signal_number;
}

/* It grows old while it is waited for: the wait itself looks up. */
START_TEST(an_idle_that_grows_old_meanwhile_is_begun_anew)
{
    static const PeerStep steps[] = {
        SELECTED,
        NOTHING_FOUND,
        {"6 IDLE\r\n", "+ idling\r\n"},
        {"DONE\r\n", "6 OK done\r\n"},
        {"7 IDLE\r\n", "+ idling\r\n* 3 EXISTS\r\n"},
        IDLING};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(!wait_for_news(&scene, -1, 0));
    scene.client->idle_since_ms -= (int64_t)25 * 60 * 1000 - 200;
    ck_assert(wait_for_news(&scene, -1, 60));
    g_free(close_scene(&scene));
}
END_TEST

typedef struct {
    const char *what;
    PeerStep last[2];
    const char *expected; /* in the message */
} End;

static const End ends[] = {
    {"BYE",
     {{"6 IDLE\r\n", "+ idling\r\n* BYE shutting down\r\n"}, SILENCE},
     "BYE shutting down"},
    {"an end", {{"6 IDLE\r\n", "+ idling\r\n"}, {NULL, PEER_CLOSE}}, "closed"},
    {"a reset",
     {{"6 IDLE\r\n", "+ idling\r\n"}, {NULL, PEER_RESET}},
     "waiting"},
    {"a line that does not end",
     {{"6 IDLE\r\n", "+ idling\r\n* OK still"}, SILENCE},
     "no answer in time"},
    {"no answer to IDLE", {{"6 IDLE\r\n", NULL}, SILENCE}, "no answer in time"},
    {"a mail that nobody asked for",
     {{"6 IDLE\r\n", "+ idling\r\n* 1 FETCH (BODY[] {3}\r\nabc)\r\n"}, SILENCE},
     "nobody asked for"},
    {"another folder of the same name",
     {{"6 IDLE\r\n", "+ idling\r\n* OK [UIDVALIDITY 8] new\r\n"}, IDLING},
     "UIDVALIDITY was 7 and is 8"},
};

START_TEST(an_end_of_idle_is_found_at_once)
{
    const End *row = &ends[_i];
    const PeerStep steps[] = {SELECTED, NOTHING_FOUND, row->last[0],
                              row->last[1]};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    if (strstr(row->expected, "no answer in time") != NULL)
        scene.account.timeout_s = IMAP_PEER_SHORT_S;
    bool news, good = true;
    /* What is told before the end is found by another call; a call that waits
     * for its own end waits longer than Check does. */
    while (good)
        good = imap_wait(scene.client, -1, 3600, &news, &scene.error);
    ck_assert_msg(failure_is(scene.error, FAILURE_TEMPORARY), "%s: %s",
                  row->what, scene.error->message);
    ck_assert_msg(strstr(scene.error->message, row->expected) != NULL, "%s: %s",
                  row->what, scene.error->message);
    g_free(close_scene(&scene));
}
END_TEST

START_TEST(a_chatterer_costs_a_budget)
{
    g_autoptr(GString) chatter = g_string_new("+ idling\r\n");
    while (chatter->len < 1024 * 1024)
        g_string_append(chatter, "* OK still here\r\n");
    const PeerStep steps[] = {
        SELECTED, NOTHING_FOUND, {"6 IDLE\r\n", chatter->str}, SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    bool news;
    ck_assert(!imap_wait(scene.client, -1, 60, &news, &scene.error));
    ck_assert_ptr_nonnull(strstr(scene.error->message, "too long"));
    g_free(close_scene(&scene));
}
END_TEST

/* It offers IDLE and refuses it, or has enough of it. */
static const PeerStep no_idles[][2] = {
    {{"6 IDLE\r\n", "6 NO not today\r\n"}, SILENCE},
    {{"6 IDLE\r\n", "6 BAD what?\r\n"}, SILENCE},
    {{"6 IDLE\r\n", "+ idling\r\n6 OK enough\r\n"}, SILENCE},
};

START_TEST(who_does_not_idle_is_not_asked_again)
{
    const PeerStep steps[] = {SELECTED, NOTHING_FOUND, no_idles[_i][0],
                              no_idles[_i][1]};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(imap_abilities(scene.client).idle);
    for (int i = 0; i < 3; i++)
        ck_assert(!wait_for_news(&scene, -1, i == 1));
    ck_assert(!imap_abilities(scene.client).idle);
    ck_assert(imap_is_alive(scene.client));
    g_autofree char *said = close_scene(&scene);
    ck_assert_uint_eq(count(said, "IDLE\r\n"), 1);
    ck_assert_uint_eq(count(said, "DONE\r\n"), 0);
}
END_TEST

START_TEST(without_idle_nothing_is_asked)
{
    static const PeerStep steps[] = {
        WITHOUT_IDLE, {"5 UID SEARCH", "* SEARCH\r\n5 OK done\r\n"}, SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    gint64 began_us = g_get_monotonic_time();
    ck_assert(!wait_for_news(&scene, -1, 1));
    ck_assert_int_ge((g_get_monotonic_time() - began_us) / 1000, 990);
    g_autofree char *said = close_scene(&scene);
    ck_assert_ptr_null(strstr(said, "IDLE"));
    ck_assert_ptr_null(strstr(said, "NOOP"));
}
END_TEST

START_TEST(without_idle_some_servers_tell)
{
    static const PeerStep steps[] = {
        WITHOUT_IDLE,
        {"5 UID SEARCH", "* SEARCH\r\n5 OK done\r\n* 3 EXISTS\r\n"},
        SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    ck_assert(wait_for_news(&scene, -1, 60));
    g_free(close_scene(&scene));
}
END_TEST

START_TEST(signals_do_not_end_the_waiting)
{
    static const PeerStep steps[] = {
        SELECTED, NOTHING_FOUND, {"6 IDLE\r\n", "+ idling\r\n"}, IDLING};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    search(&scene);
    struct sigaction action = {.sa_handler = ring}; /* no SA_RESTART */
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    gint64 began_us = g_get_monotonic_time();
    setitimer(ITIMER_REAL, &often, NULL);
    bool news = wait_for_news(&scene, -1, 1);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert(!news);
    ck_assert_int_ge((g_get_monotonic_time() - began_us) / 1000, 990);
    g_free(close_scene(&scene));
}
END_TEST

static int
option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

/* A peer that is gone without a word is noticed within two minutes (F26). */
START_TEST(the_kernel_looks_after_silent_peers)
{
    static const PeerStep steps[] = {SELECTED, SILENCE};
    Scene scene;
    open_scene(&scene, steps, G_N_ELEMENTS(steps));
    int fd = stream_fd(scene.client->stream);
    ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_le(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
                         option(fd, IPPROTO_TCP, TCP_KEEPINTVL) *
                             option(fd, IPPROTO_TCP, TCP_KEEPCNT),
                     120);
    g_free(close_scene(&scene));
}
END_TEST

static Suite *
imap_wait_suite(void)
{
    Suite *suite = suite_create("imap_wait");
    TCase *tests = tcase_create("imap_wait");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, idle_goes_on_from_call_to_call);
    tcase_add_test(tests, idle_wakes_for_a_mail);
    tcase_add_test(tests, what_is_left_out_is_no_news);
    tcase_add_test(tests, nothing_that_was_told_by_the_way_is_lost);
    tcase_add_test(tests, an_old_idle_is_begun_anew);
    tcase_add_test(tests, an_idle_that_grows_old_meanwhile_is_begun_anew);
    tcase_add_loop_test(tests, an_end_of_idle_is_found_at_once, 0,
                        G_N_ELEMENTS(ends));
    tcase_add_test(tests, a_chatterer_costs_a_budget);
    tcase_add_loop_test(tests, who_does_not_idle_is_not_asked_again, 0,
                        G_N_ELEMENTS(no_idles));
    tcase_add_test(tests, without_idle_nothing_is_asked);
    tcase_add_test(tests, without_idle_some_servers_tell);
    tcase_add_test(tests, signals_do_not_end_the_waiting);
    tcase_add_test(tests, the_kernel_looks_after_silent_peers);
    suite_add_tcase(suite, tests);
    return suite;
}

int
main(void)
{
    signal(SIGPIPE, SIG_IGN);
    SRunner *runner = srunner_create(imap_wait_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
