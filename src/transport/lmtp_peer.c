#include "transport/lmtp_peer.h"

#include <glib.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { TABLE_LINES_MAX = 100000 }; /* then it is not worth the time */

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
} Name;

/* As the kernel's table writes it: 32-bit words of the address as they are in
 * memory, a colon, the port, in hexadecimal. IPv4 may stand in the other table
 * in its IPv6 form. */
static void
write_name(const Name *name, bool as_v6, char *ret_text, size_t size)
{
    uint32_t words[4] = {0, 0, htonl(0xFFFF), 0};
    in_port_t port = name->v4.sin_port;
    if (name->any.sa_family == AF_INET6) {
        memcpy(words, &name->v6.sin6_addr, sizeof words);
        port = name->v6.sin6_port;
    } else {
        words[3] = name->v4.sin_addr.s_addr;
    }
    if (as_v6)
        g_snprintf(ret_text, size, "%08X%08X%08X%08X:%04X", words[0], words[1],
                   words[2], words[3], ntohs(port));
    else
        g_snprintf(ret_text, size, "%08X:%04X", words[3], ntohs(port));
}

/* The user of the line that has these two ends, seen from the client. */
static bool
find_line(const char *table, const char *client, const char *us, uid_t *ret_uid)
{
    FILE *file = fopen(table, "re");
    char line[512], local[64], remote[64];
    bool found = false;
    for (int n = 0; file != NULL && n < TABLE_LINES_MAX && !found &&
                    fgets(line, sizeof line, file) != NULL;
         n++) {
        unsigned uid;
        found = sscanf(line, " %*[^ ] %63s %63s %*s %*s %*s %*s %u", local,
                       remote, &uid) == 3 &&
                strcmp(local, client) == 0 && strcmp(remote, us) == 0;
        if (found)
            *ret_uid = uid;
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static bool
find_tcp(const Name *peer, const Name *own, uid_t *ret_uid)
{
    static const char *const tables[] = {"/proc/self/net/tcp",
                                         "/proc/self/net/tcp6"};
    bool is_v6 = peer->any.sa_family == AF_INET6;
    for (int as_v6 = is_v6; as_v6 <= 1; as_v6++) {
        char client[64], us[64];
        write_name(peer, as_v6 != 0, client, sizeof client);
        write_name(own, as_v6 != 0, us, sizeof us);
        if (find_line(tables[as_v6], client, us, ret_uid))
            return true;
    }
    return false;
}

bool
lmtp_peer_user(int fd, uid_t *ret_uid)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    Name own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    if (getsockname(fd, &own.any, &own_size) != 0)
        return false;
    if (own.any.sa_family == AF_UNIX) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
            return false;
        *ret_uid = credentials.uid;
        return true;
    }
    return getpeername(fd, &peer.any, &peer_size) == 0 &&
           find_tcp(&peer, &own, ret_uid);
}
