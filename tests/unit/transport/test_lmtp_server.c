/*
 * The sockets around the LMTP session: real ones, with clients of all kinds.
 * The server is built with LMTP_RATE_FREE_S=1 and LMTP_STOP_S=5.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/failure.h"
#include "transport/lmtp_server.h"

#define HELLO "LHLO c\r\n"
#define ENVELOPE "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"

/* What the server hands on. */
typedef struct {
    GString *raw; /* of the last mail */
    int mails;
    bool stop_in_mail; /* stopping() is true once MAIL was accepted */
    bool stopping;
    int asked; /* how often stopping() was true, atomic */
    bool stressed;
} Desk;

static void
desk_recipient(void *context, const LmtpRecipient *recipient,
               LmtpReply *ret_reply)
{
    Desk *desk = context;
    (void)recipient;
    if (desk->stop_in_mail)
        desk->stopping = true;
    *ret_reply = (LmtpReply){250, "2.1.5", "ok"};
}

static void
desk_mail(void *context, const LmtpEnvelope *envelope, GBytes *raw,
          LmtpReply *ret_replies)
{
    Desk *desk = context;
    gsize length = 0;
    const char *bytes = g_bytes_get_data(raw, &length);
    g_string_truncate(desk->raw, 0);
    g_string_append_len(desk->raw, bytes, (gssize)length);
    desk->mails++;
    for (guint i = 0; i < envelope->recipients->len; i++)
        ret_replies[i] = (LmtpReply){250, "2.0.0", "stored"};
}

static bool
desk_stopping(void *context)
{
    Desk *desk = context;
    if (desk->stopping)
        g_atomic_int_inc(&desk->asked);
    return desk->stopping;
}

static bool
desk_stressed(void *context)
{
    return ((Desk *)context)->stressed;
}

static const LmtpServerHandlers handlers = {desk_recipient, desk_mail,
                                            desk_stopping, desk_stressed};

/* A client in a thread of its own. */
typedef struct {
    int fd;
    const char *input;
    size_t length;
    size_t step;       /* bytes at a time; 0: all */
    int pause_ms;      /* before each piece but the first ... */
    int *until_asked;  /* ... or until this is two; NULL: not */
    bool leaves;       /* closes at once, and reads nothing ... */
    const char *await; /* ... but for what comes up to this */
    bool waits;        /* says nothing more, but stays */
    GString *output;
} Client;

static void *
run_client(void *data)
{
    Client *client = data;
    size_t step = client->step == 0 ? client->length : client->step;
    for (size_t i = 0; i < client->length; i += step) {
        size_t n = MIN(step, client->length - i);
        if (i > 0 && client->pause_ms > 0)
            g_usleep((gulong)client->pause_ms * 1000); /* a slow client */
        while (i > 0 && client->until_asked != NULL &&
               g_atomic_int_get(client->until_asked) < 2)
            g_usleep(10000); /* until the server has looked again */
        size_t sent = 0;
        while (sent < n) {
            ssize_t k = send(client->fd, client->input + i + sent, n - sent,
                             MSG_NOSIGNAL);
            if (k < 0)
                break;
            sent += (size_t)k;
        }
        if (sent < n)
            break;
    }
    if (!client->waits && !client->leaves)
        shutdown(client->fd, SHUT_WR);
    char buffer[64];
    while (!client->leaves ||
           (client->await != NULL &&
            strstr(client->output->str, client->await) == NULL)) {
        ssize_t n = recv(client->fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            break;
        g_string_append_len(client->output, buffer, n);
    }
    close(client->fd);
    return NULL;
}

enum { FOR_EVER_S = 3600 }; /* longer than Check waits for a test */

static Limits
limits_for_tests(void)
{
    return (Limits){.mail_bytes = 10000000,
                    .memory_bytes = 1000,
                    .recipients = 10,
                    .command_line_bytes = 1000,
                    .errors = 5,
                    .idle_s = 20,
                    .stress_idle_s = 1};
}

/* Let `client` talk to a server; returns the seconds it took. */
static double
converse(Client *client, Desk *desk, const Limits *limits, const char *spool)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    client->fd = pair[0];
    client->output = g_string_new(NULL);
    desk->raw = g_string_new(NULL);
    gint64 start = g_get_monotonic_time();
    GThread *thread = g_thread_new("client", run_client, client);
    lmtp_server_serve(pair[1], "desk.example", limits, spool, &handlers, desk);
    double seconds = (double)(g_get_monotonic_time() - start) / 1e6;
    g_thread_join(thread);
    ck_assert_int_eq(fcntl(pair[1], F_GETFD), -1); /* it was closed */
    return seconds;
}

static void
done(Client *client, Desk *desk)
{
    g_string_free(client->output, TRUE);
    g_string_free(desk->raw, TRUE);
}

static char *
scratch_directory(void)
{
    char *path = g_strdup("/tmp/lmtp-XXXXXX");
    ck_assert_ptr_nonnull(g_mkdtemp(path));
    return path;
}

static void
ck_assert_ends(const GString *output, const char *suffix)
{
    ck_assert_msg(g_str_has_suffix(output->str, suffix), "got %s, expected %s",
                  output->str, suffix);
}

/* HELLO, ENVELOPE and a BDAT of `content`. */
static GString *
chunked(const char *content, size_t length)
{
    GString *input = g_string_new(HELLO ENVELOPE);
    g_string_append_printf(input, "BDAT %zu LAST\r\n", length);
    return g_string_append_len(input, content, (gssize)length);
}

START_TEST(a_mail_comes_through)
{
    Desk desk = {0};
    Limits limits = limits_for_tests();
    const char input[] = HELLO ENVELOPE "DATA\r\nhi\r\n.\r\nQUIT\r\n";
    Client client = {.input = input, .length = sizeof input - 1};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_int_eq(desk.mails, 1);
    ck_assert_str_eq(desk.raw->str, "hi\r\n");
    ck_assert(g_str_has_prefix(client.output->str,
                               "220 desk.example LMTP Postern\r\n"));
    ck_assert_ends(client.output, "250 2.0.0 stored\r\n221 2.0.0 bye\r\n");
    done(&client, &desk);
}
END_TEST

START_TEST(memory_and_spool_file_give_the_same_bytes)
{
    g_autofree char *spool = scratch_directory();
    Limits limits = limits_for_tests();
    static const size_t sizes[] = {0, 1, 999, 1000, 1001, 70000, 3000000};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *content = g_malloc(sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            content[k] = (char)(k * 7 + k / 251);
        g_autoptr(GString) input = chunked(content, sizes[i]);
        Client client = {.input = input->str, .length = input->len};
        Desk desk = {0};
        converse(&client, &desk, &limits, spool);
        ck_assert_int_eq(desk.mails, 1);
        ck_assert_uint_eq(desk.raw->len, sizes[i]);
        ck_assert(memcmp(desk.raw->str, content, sizes[i]) == 0);
        done(&client, &desk);
    }
    ck_assert_int_eq(g_rmdir(spool), 0); /* nothing was left behind */
}
END_TEST

START_TEST(no_room_is_temporary_and_the_session_goes_on)
{
    Limits limits = limits_for_tests();
    g_autofree char *content = g_strnfill(5000, 'x');
    g_autoptr(GString) input = chunked(content, 5000);
    g_string_append(input, ENVELOPE "BDAT 2 LAST\r\nok");
    Client client = {.input = input->str, .length = input->len};
    Desk desk = {0};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_ptr_nonnull(strstr(client.output->str, "\r\n452 4.3.1 "));
    ck_assert_ends(client.output, "250 2.0.0 stored\r\n");
    ck_assert_int_eq(desk.mails, 1);
    ck_assert_str_eq(desk.raw->str, "ok");
    done(&client, &desk);
}
END_TEST

START_TEST(half_a_mail_is_none)
{
    static const char *const inputs[] = {
        HELLO ENVELOPE "DATA\r\nhalf of it", HELLO ENVELOPE "DATA\r\na\r\n.\r",
        HELLO ENVELOPE "DATA\r\na\r\n.", HELLO ENVELOPE "BDAT 5 LAST\r\nhalf",
        HELLO ENVELOPE "BDAT 4\r\nhalf"};
    Limits limits = limits_for_tests();
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        for (int leaves = 0; leaves < 2; leaves++) {
            Client client = {.input = inputs[i],
                             .length = strlen(inputs[i]),
                             .leaves = leaves == 1};
            Desk desk = {0};
            converse(&client, &desk, &limits, "/nonexistent");
            ck_assert_int_eq(desk.mails, 0);
            done(&client, &desk);
        }
    }
}
END_TEST

START_TEST(who_leaves_behind_the_dot_has_handed_over)
{
    /* And we survive writing to nobody. */
    Limits limits = limits_for_tests();
    const char input[] = HELLO ENVELOPE "DATA\r\nhi\r\n.\r\n";
    Client client = {.input = input,
                     .length = sizeof input - 1,
                     .leaves = true,
                     .await = "220 "};
    Desk desk = {0};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_int_eq(desk.mails, 1);
    done(&client, &desk);
}
END_TEST

START_TEST(silence_ends_the_session)
{
    Limits limits = limits_for_tests();
    limits.idle_s = 1;
    static const char *const inputs[] = {"", HELLO, "NOOP", HELLO ENVELOPE,
                                         HELLO ENVELOPE "DATA\r\nx"};
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        Client client = {
            .input = inputs[i], .length = strlen(inputs[i]), .waits = true};
        Desk desk = {0};
        double seconds = converse(&client, &desk, &limits, "/nonexistent");
        ck_assert_ends(client.output, "\r\n421 4.4.2 waited too long\r\n");
        ck_assert(seconds > 0.9);
        ck_assert_int_eq(desk.mails, 0);
        done(&client, &desk);
    }
}
END_TEST

START_TEST(under_stress_silence_ends_sooner)
{
    Limits limits = limits_for_tests();
    limits.idle_s = FOR_EVER_S;
    Client client = {.input = HELLO, .length = strlen(HELLO), .waits = true};
    Desk desk = {.stressed = true};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_ends(client.output, "421 4.4.2 waited too long\r\n");
    done(&client, &desk);
}
END_TEST

START_TEST(drops_of_a_command_buy_no_time)
{
    Limits limits = limits_for_tests();
    limits.idle_s = 1;
    g_autofree char *input = g_strnfill(30, 'x');
    Client client = {.input = input, .length = 30, .step = 1, .pause_ms = 300};
    Desk desk = {0};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_ends(client.output, "421 4.4.2 waited too long\r\n");
    done(&client, &desk);
}
END_TEST

START_TEST(drops_of_content_are_too_slow)
{
    Limits limits = limits_for_tests();
    g_autoptr(GString) input = g_string_new(HELLO ENVELOPE "DATA\r\n");
    size_t head = input->len;
    g_string_append(input, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    Client client = {.input = input->str,
                     .length = input->len,
                     .step = head / 3,
                     .pause_ms = 500};
    Desk desk = {0};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_ends(client.output, "421 4.4.2 the mail comes too slowly\r\n");
    done(&client, &desk);
}
END_TEST

START_TEST(a_brisk_trickle_is_a_mail)
{
    /* Far above the minimal rate, for longer than the free time. */
    Limits limits = limits_for_tests();
    g_autofree char *spool = scratch_directory();
    g_autofree char *content = g_strnfill(75000, 'x');
    g_autoptr(GString) input = chunked(content, 75000);
    Client client = {.input = input->str,
                     .length = input->len,
                     .step = 3000,
                     .pause_ms = 100};
    Desk desk = {0};
    double seconds = converse(&client, &desk, &limits, spool);
    ck_assert_ends(client.output, "250 2.0.0 stored\r\n");
    ck_assert(seconds > 2);
    done(&client, &desk);
    ck_assert_int_eq(g_rmdir(spool), 0);
}
END_TEST

/* Ten KiB a second: enough while nobody waits, and not while others do. */
START_TEST(under_stress_a_trickle_ends_sooner)
{
    for (int stressed = 0; stressed <= 1; stressed++) {
        Limits limits = limits_for_tests();
        limits.stress_idle_s = FOR_EVER_S;
        g_autofree char *spool = scratch_directory();
        g_autofree char *content = g_strnfill(50000, 'x');
        g_autoptr(GString) input = chunked(content, 50000);
        Client client = {.input = input->str,
                         .length = input->len,
                         .step = 1000,
                         .pause_ms = 100};
        Desk desk = {.stressed = stressed};
        converse(&client, &desk, &limits, spool);
        ck_assert_ends(client.output,
                       stressed ? "421 4.4.2 the mail comes too slowly\r\n"
                                : "250 2.0.0 stored\r\n");
        done(&client, &desk);
        ck_assert_int_eq(g_rmdir(spool), 0);
    }
}
END_TEST

START_TEST(stopping_ends_an_idle_session)
{
    Limits limits = limits_for_tests();
    limits.idle_s = FOR_EVER_S;
    Client client = {.input = HELLO, .length = strlen(HELLO), .waits = true};
    Desk desk = {.stopping = true};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_ends(client.output, "421 4.3.2 shutting down, try again\r\n");
    done(&client, &desk);
}
END_TEST

/* The beginning of a mail that does not come too slowly for twenty seconds. */
static GString *
brisk_beginning(void)
{
    GString *input = g_string_new(HELLO ENVELOPE "DATA\r\n");
    while (input->len < 25000)
        g_string_append(input, "a line and a line and a line and a line\r\n");
    return input;
}

START_TEST(stopping_lets_a_mail_finish)
{
    Limits limits = limits_for_tests();
    limits.memory_bytes = 100000;
    g_autoptr(GString) input = brisk_beginning();
    size_t first = input->len;
    g_string_append(input, ".\r\n");
    Client client = {.input = input->str,
                     .length = input->len,
                     .step = first,
                     .waits = true};
    Desk desk = {.stop_in_mail = true};
    client.until_asked = &desk.asked;
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_int_eq(desk.mails, 1);
    ck_assert_ends(client.output, "250 2.0.0 stored\r\n"
                                  "421 4.3.2 shutting down, try again\r\n");
    done(&client, &desk);
}
END_TEST

START_TEST(stopping_does_not_wait_for_ever)
{
    Limits limits = limits_for_tests();
    limits.memory_bytes = 100000;
    g_autoptr(GString) input = brisk_beginning();
    limits.idle_s = FOR_EVER_S;
    Client client = {.input = input->str, .length = input->len, .waits = true};
    Desk desk = {.stop_in_mail = true};
    converse(&client, &desk, &limits, "/nonexistent");
    ck_assert_int_eq(desk.mails, 0);
    ck_assert_ends(client.output, "421 4.3.2 shutting down, try again\r\n");
    done(&client, &desk);
}
END_TEST

static void
on_alarm(int number)
{
    (void)number;
}

START_TEST(signals_do_not_disturb)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval kilohertz = {{0, 1000}, {0, 1000}};
    struct itimerval off = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    Limits limits = limits_for_tests();
    g_autofree char *spool = scratch_directory();
    g_autofree char *content = g_strnfill(3000000, 'x');
    g_autoptr(GString) input = chunked(content, 3000000);
    Client client = {.input = input->str,
                     .length = input->len,
                     .step = 100000,
                     .pause_ms = 20};
    Desk desk = {0};
    setitimer(ITIMER_REAL, &kilohertz, NULL);
    converse(&client, &desk, &limits, spool);
    setitimer(ITIMER_REAL, &off, NULL);
    ck_assert_int_eq(desk.mails, 1);
    ck_assert_uint_eq(desk.raw->len, 3000000);
    done(&client, &desk);
    g_rmdir(spool);
}
END_TEST

START_TEST(high_descriptors_are_like_others)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = MIN(limit.rlim_max, 4096);
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= 3000)
        return; /* not allowed here */
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                     0);
    ck_assert_int_eq(dup2(pair[1], 3000), 3000);
    close(pair[1]);
    const char input[] = HELLO ENVELOPE "DATA\r\nhi\r\n.\r\n";
    Client client = {.fd = pair[0],
                     .input = input,
                     .length = sizeof input - 1,
                     .output = g_string_new(NULL)};
    Desk desk = {.raw = g_string_new(NULL)};
    Limits limits = limits_for_tests();
    GThread *thread = g_thread_new("client", run_client, &client);
    lmtp_server_serve(3000, "desk.example", &limits, "/nonexistent", &handlers,
                      &desk);
    g_thread_join(thread);
    ck_assert_int_eq(desk.mails, 1);
    done(&client, &desk);
}
END_TEST

START_TEST(one_too_many_is_told_so)
{
    int pair[2];
    char buffer[200] = "";
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    lmtp_server_refuse(pair[1], "desk.example");
    ck_assert_int_gt(recv(pair[0], buffer, sizeof buffer - 1, 0), 0);
    ck_assert_str_eq(buffer, "421 4.3.2 desk.example has too many "
                             "connections, try again\r\n");
    close(pair[0]);
    /* And one that is gone already does no harm. */
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[0]);
    lmtp_server_refuse(pair[1], "desk.example");
}
END_TEST

/* Listening */

static char directory[] = "/tmp/listen-XXXXXX";
static char *path;

static void
make_directory(void)
{
    ck_assert_ptr_nonnull(g_mkdtemp(directory));
    path = g_build_filename(directory, "s", NULL);
}

static void
remove_directory(void)
{
    g_unlink(path);
    g_rmdir(directory);
    g_free(path);
}

static Listener
unix_listener(void)
{
    return (Listener){
        .socket = path, .owner = "", .group = "", .mode = 0660, .host = ""};
}

static bool
can_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool good = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return good;
}

static void
ck_assert_refused(const Listener *listener, const char *why)
{
    g_autoptr(GError) error = NULL;
    ck_assert_int_eq(lmtp_server_listen(listener, &error), -1);
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(strstr(error->message, why) != NULL, "%s", error->message);
}

START_TEST(a_socket_has_the_mode_that_was_asked_for)
{
    static const mode_t modes[] = {0600, 0660, 0666};
    umask(027);
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        Listener listener = unix_listener();
        listener.mode = modes[i];
        int fd = lmtp_server_listen(&listener, NULL);
        ck_assert_int_ge(fd, 0);
        struct stat status;
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, modes[i]);
        ck_assert(can_connect());
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_eq(accept(fd, NULL, NULL) < 0, 0);
        close(fd); /* the file stays: the next one finds it stale */
    }
    ck_assert_uint_eq(umask(0), 027);
}
END_TEST

START_TEST(owner_and_group_are_set)
{
    Listener listener = unix_listener();
    const struct passwd *me = getpwuid(geteuid());
    const struct group *mine = getgrgid(getegid());
    if (me == NULL || mine == NULL)
        return;
    g_autofree char *owner = g_strdup(me->pw_name);
    g_autofree char *group = g_strdup(mine->gr_name);
    listener.owner = owner;
    listener.group = group;
    int fd = lmtp_server_listen(&listener, NULL);
    ck_assert_int_ge(fd, 0);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_uid, geteuid());
    ck_assert_uint_eq(status.st_gid, getegid());
    close(fd);
    g_unlink(path);
    listener.owner = "no-such-user-here";
    ck_assert_refused(&listener, "no user 'no-such-user-here'");
    listener.owner = "";
    listener.group = "no-such-group-here";
    ck_assert_refused(&listener, "no group 'no-such-group-here'");
    ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST(a_socket_in_use_is_not_taken)
{
    Listener listener = unix_listener();
    int fd = lmtp_server_listen(&listener, NULL);
    ck_assert_int_ge(fd, 0);
    ck_assert_refused(&listener, "somebody else is listening");
    ck_assert(can_connect());
    close(fd);
    fd = lmtp_server_listen(&listener, NULL); /* stale now */
    ck_assert_int_ge(fd, 0);
    ck_assert(can_connect());
    close(fd);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
    Listener listener = unix_listener();
    ck_assert(g_file_set_contents(path, "precious", -1, NULL));
    ck_assert_refused(&listener, "something else has this name");
    g_autofree char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "precious");
    g_unlink(path);
    ck_assert_int_eq(symlink("/nonexistent/x", path), 0);
    ck_assert_refused(&listener, "something else has this name");
}
END_TEST

START_TEST(a_path_that_cannot_be_is_refused)
{
    Listener listener = unix_listener();
    g_autofree char *longer = g_strnfill(108, 'x');
    listener.socket = longer;
    ck_assert_refused(&listener, "longer than 107 bytes");
    listener.socket = "/nonexistent/directory/s";
    ck_assert_refused(&listener, "cannot make socket");
}
END_TEST

START_TEST(tcp_is_for_loopback_only)
{
    Listener listener = unix_listener();
    listener.socket = "";
    static const char *const hosts[] = {"0.0.0.0",    "::",        "192.0.2.1",
                                        "localhost",  "128.0.0.1", "",
                                        "2001:db8::1"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *host = g_strdup(hosts[i]);
        listener.host = host;
        ck_assert_refused(&listener, "only a loopback address");
    }
    listener.host = "127.0.0.1";
    int fd = lmtp_server_listen(&listener, NULL);
    ck_assert_int_ge(fd, 0);
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    ck_assert_uint_eq(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
    listener.port = ntohs(address.sin_port);
    ck_assert_refused(&listener, "cannot bind to 127.0.0.1 port");
    close(fd);
}
END_TEST

int
main(void)
{
    TCase *serve = tcase_create("serve");
    tcase_set_timeout(serve, 60);
    tcase_add_test(serve, a_mail_comes_through);
    tcase_add_test(serve, memory_and_spool_file_give_the_same_bytes);
    tcase_add_test(serve, no_room_is_temporary_and_the_session_goes_on);
    tcase_add_test(serve, half_a_mail_is_none);
    tcase_add_test(serve, who_leaves_behind_the_dot_has_handed_over);
    tcase_add_test(serve, silence_ends_the_session);
    tcase_add_test(serve, under_stress_silence_ends_sooner);
    tcase_add_test(serve, under_stress_a_trickle_ends_sooner);
    tcase_add_test(serve, drops_of_a_command_buy_no_time);
    tcase_add_test(serve, drops_of_content_are_too_slow);
    tcase_add_test(serve, a_brisk_trickle_is_a_mail);
    tcase_add_test(serve, stopping_ends_an_idle_session);
    tcase_add_test(serve, stopping_lets_a_mail_finish);
    tcase_add_test(serve, stopping_does_not_wait_for_ever);
    tcase_add_test(serve, signals_do_not_disturb);
    tcase_add_test(serve, high_descriptors_are_like_others);
    tcase_add_test(serve, one_too_many_is_told_so);
    TCase *listen_ = tcase_create("listen");
    tcase_add_checked_fixture(listen_, make_directory, remove_directory);
    tcase_add_test(listen_, a_socket_has_the_mode_that_was_asked_for);
    tcase_add_test(listen_, owner_and_group_are_set);
    tcase_add_test(listen_, a_socket_in_use_is_not_taken);
    tcase_add_test(listen_, what_is_no_socket_stays);
    tcase_add_test(listen_, a_path_that_cannot_be_is_refused);
    tcase_add_test(listen_, tcp_is_for_loopback_only);
    Suite *suite = suite_create("lmtp_server");
    suite_add_tcase(suite, serve);
    suite_add_tcase(suite, listen_);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
