/* Whose client it is, whatever kind of socket it comes by. */
#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/lmtp_peer.h"

static const struct {
    int family;          /* of who listens */
    const char *address; /* likewise */
    int client_family;
    const char *client_address; /* what the client calls it */
} ways[] = {
    {AF_INET, "127.0.0.1", AF_INET, "127.0.0.1"},
    {AF_INET, "127.0.0.1", AF_INET6, "::ffff:127.0.0.1"},
    {AF_INET6, "::1", AF_INET6, "::1"},
};

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Name;

static socklen_t
fill(Name *name, int family, const char *address, in_port_t port)
{
    memset(name, 0, sizeof *name);
    name->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        name->v4.sin_port = port;
        ck_assert_int_eq(inet_pton(family, address, &name->v4.sin_addr), 1);
        return sizeof name->v4;
    }
    name->v6.sin6_port = port;
    ck_assert_int_eq(inet_pton(family, address, &name->v6.sin6_addr), 1);
    return sizeof name->v6;
}

/* Both ends of a connection; false where there is no IPv6. */
static bool
connect_both(int way, int *ret_client, int *ret_server)
{
    Name name;
    int listener = socket(ways[way].family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = fill(&name, ways[way].family, ways[way].address, 0);
    if (listener < 0 || bind(listener, &name.any, size) != 0) {
        close(listener);
        return false;
    }
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, &name.any, &size), 0);
    in_port_t port = name.v4.sin_port; /* in the same place in both */
    *ret_client =
        socket(ways[way].client_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size = fill(&name, ways[way].client_family, ways[way].client_address, port);
    ck_assert_int_eq(connect(*ret_client, &name.any, size), 0);
    *ret_server = accept(listener, NULL, NULL);
    ck_assert_int_ge(*ret_server, 0);
    close(listener);
    return true;
}

START_TEST(a_tcp_client_is_its_user_s)
{
    int client, server;
    uid_t uid = (uid_t)-1;
    if (!connect_both(_i, &client, &server))
        return;
    ck_assert(lmtp_peer_user(server, &uid));
    ck_assert_uint_eq(uid, getuid());
    close(client);
    close(server);
}
END_TEST

START_TEST(a_unix_client_is_its_user_s)
{
    int ends[2];
    uid_t uid = (uid_t)-1;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert(lmtp_peer_user(ends[0], &uid));
    ck_assert_uint_eq(uid, getuid());
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(what_is_no_connection_is_nobody_s)
{
    uid_t uid;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(!lmtp_peer_user(fd, &uid));
    close(fd);
    ck_assert(!lmtp_peer_user(-1, &uid));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("lmtp_peer");
    TCase *tests = tcase_create("lmtp_peer");
    tcase_add_loop_test(tests, a_tcp_client_is_its_user_s, 0,
                        sizeof ways / sizeof ways[0]);
    tcase_add_test(tests, a_unix_client_is_its_user_s);
    tcase_add_test(tests, what_is_no_connection_is_nobody_s);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
