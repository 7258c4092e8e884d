#include "peer.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "await.h"

struct Peer {
    pid_t pid;
    uint16_t port;
    int record; /* what was received, a file without a name */
};

const char PEER_CLOSE[] = "close";
const char PEER_RESET[] = "reset";
const char PEER_STALL[] = "stall";
const char PEER_DRIP[] = "drip";

static void
send_text(int fd, const char *text, bool drip)
{
    size_t length = strlen(text);
    size_t piece = drip ? 1 : length;
    for (size_t i = 0; i < length; i += piece) {
        if (send(fd, text + i, piece, MSG_NOSIGNAL) < 0)
            return;
        if (drip)
            poll(NULL, 0, 100); /* it drips */
    }
}

/* Read until `await` was seen behind `start`. False: the client left. */
static bool
read_until(int fd, int record, GString *received, size_t *start,
           const char *await)
{
    const char *hit = NULL;
    while (await != NULL) {
        hit = g_strstr_len(received->str + *start,
                           (gssize)(received->len - *start), await);
        if (hit != NULL)
            break;
        char buffer[65536];
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0)
            return false;
        g_string_append_len(received, buffer, n);
        if (write(record, buffer, (size_t)n) != n)
            abort();
    }
    if (hit != NULL)
        *start = (size_t)(hit - received->str) + strlen(await);
    return true;
}

static void
play(int fd, int record, const PeerStep *steps, size_t n)
{
    GString *received = g_string_new(NULL);
    size_t start = 0;
    bool drip = false;
    for (size_t i = 0; i < n; i++) {
        const char *text = steps[i].send;
        if (!read_until(fd, record, received, &start, steps[i].await))
            break;
        if (text == PEER_CLOSE)
            break;
        if (text == PEER_STALL) {
            struct pollfd gone = {fd, POLLRDHUP, 0}; /* the client is */
            poll(&gone, 1, 60000);
        } else if (text == PEER_RESET) {
            struct linger at_once = {1, 0};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            break;
        } else if (text == PEER_DRIP) {
            drip = true;
        } else if (text != NULL) {
            send_text(fd, text, drip);
        }
    }
    close(fd);
}

Peer *
peer_start(const PeerStep *steps, size_t n)
{
    Peer *peer = g_new0(Peer, 1);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(listener, 5), 0);
    getsockname(listener, (struct sockaddr *)&address, &length);
    peer->port = ntohs(address.sin_port);
    peer->record = memfd_create("received", MFD_CLOEXEC);
    ck_assert_int_ge(peer->record, 0);
    peer->pid = fork();
    ck_assert_int_ge(peer->pid, 0);
    if (peer->pid == 0) {
        int fd = accept(listener, NULL, NULL);
        close(listener);
        if (fd >= 0)
            play(fd, peer->record, steps, n);
        _exit(0);
    }
    close(listener);
    return peer;
}

uint16_t
peer_port(const Peer *peer)
{
    return peer->port;
}

static bool
has_left(void *data)
{
    const Peer *peer = data;
    return waitpid(peer->pid, NULL, WNOHANG) != 0;
}

char *
peer_finish(Peer *peer)
{
    /* It may just be writing down the last words: give it time. */
    if (!await(has_left, peer)) {
        kill(peer->pid, SIGKILL);
        waitpid(peer->pid, NULL, 0);
    }
    off_t size = lseek(peer->record, 0, SEEK_END);
    char *text = g_malloc0((gsize)size + 1);
    ck_assert_int_eq(pread(peer->record, text, (size_t)size, 0), size);
    close(peer->record);
    g_free(peer);
    return text;
}
