/* The listening half of transport/lmtp_server.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"
#include "loopback.h"
#include "transport/lmtp_server.h"

#define BACKLOG 128

static int
new_socket(int family, GError **error)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        failure_set(error, FAILURE_CONFIG, "cannot make a socket: %s",
                    g_strerror(errno));
    return fd;
}

static bool
fill_address(const char *path, struct sockaddr_un *ret_address, GError **error)
{
    memset(ret_address, 0, sizeof *ret_address);
    ret_address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof ret_address->sun_path) {
        failure_set(error, FAILURE_CONFIG,
                    "socket '%s': the path is longer than %zu bytes", path,
                    sizeof ret_address->sun_path - 1);
        return false;
    }
    memcpy(ret_address->sun_path, path, strlen(path));
    return true;
}

/*
 * Who makes or removes the file. In a folder that only somebody else may write
 * to, such as Postfix's private/, it is root as well, if the folders above are
 * root's alone: then it is this folder, and in it we make a socket, which is no
 * other's by is_fresh(), and remove a name.
 */
static ServiceTurn
act_in_folder_of(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *foreign = service_foreign_folder(folder);
    struct stat status;
    if (foreign == NULL && lstat(folder, &status) == 0 &&
        S_ISDIR(status.st_mode) && status.st_uid != service_uid() &&
        (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return (ServiceTurn){false};
    return service_act_at(path);
}

/* The file itself, whatever it is; -1 with errno. */
static int
open_node(const char *path)
{
    SERVICE_TURN(act_in_folder_of(path));
    return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* 0: somebody listens there; else errno. Root may ask whoever the socket
 * belongs to, and asks by the file itself. */
static int
probe(int node)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d",
               node);
    int result = connect(fd, (const struct sockaddr *)&address, sizeof address);
    int why = result == 0 ? 0 : errno;
    close(fd);
    return why;
}

/* Takes `node`. True if nothing is at `path` any more. */
static bool
clear_node(int node, const char *path, GError **error)
{
    struct stat status;
    bool is_socket = fstat(node, &status) == 0 && S_ISSOCK(status.st_mode);
    int why = is_socket ? probe(node) : 0;
    close(node);
    if (why == ECONNREFUSED) {
        if (lmtp_server_remove(path) || errno == ENOENT)
            return true;
        why = errno;
    }
    if (!is_socket)
        failure_set(error, FAILURE_CONFIG,
                    "socket '%s': something else has this name", path);
    else if (why == 0 || why == EAGAIN)
        failure_set(error, FAILURE_CONFIG,
                    "socket '%s': somebody else is listening there", path);
    else
        failure_set(error, FAILURE_CONFIG, "socket '%s' cannot be replaced: %s",
                    path, g_strerror(why));
    return false;
}

/* True if `path` is free now: nothing was there, or a socket without owner. */
static bool
clear_path(const char *path, GError **error)
{
    int node = open_node(path);
    if (node >= 0)
        return clear_node(node, path, error);
    if (errno == ENOENT)
        return true;
    failure_set(error, FAILURE_CONFIG, "socket '%s': %s", path,
                g_strerror(errno));
    return false;
}

static bool
find_owner(const Listener *listener, uid_t *ret_uid, gid_t *ret_gid,
           GError **error)
{
    *ret_uid = (uid_t)-1;
    *ret_gid = (gid_t)-1;
    if (*listener->owner != '\0') {
        const struct passwd *user = getpwnam(listener->owner);
        if (user == NULL) {
            failure_set(error, FAILURE_CONFIG, "socket '%s': no user '%s'",
                        listener->socket, listener->owner);
            return false;
        }
        *ret_uid = user->pw_uid;
    }
    if (*listener->group != '\0') {
        const struct group *group = getgrnam(listener->group);
        if (group == NULL) {
            failure_set(error, FAILURE_CONFIG, "socket '%s': no group '%s'",
                        listener->socket, listener->group);
            return false;
        }
        *ret_gid = group->gr_gid;
    }
    return true;
}

static bool
cannot_make(const char *path, const char *why, GError **error)
{
    failure_set(error, FAILURE_CONFIG, "cannot make socket '%s': %s", path,
                why);
    return false;
}

/* What was just bound, and not what somebody else may have put in its place: a
 * socket of ours that nobody has any permission for. */
static bool
is_fresh(int node, uid_t maker)
{
    struct stat status;
    return fstat(node, &status) == 0 && S_ISSOCK(status.st_mode) &&
           (status.st_mode & 07777) == 0 && status.st_uid == maker;
}

/* Bind with no permission at all. Returns: the file itself (O_PATH), -1 on
 * error. */
static int
bind_closed(int fd, const struct sockaddr_un *address, GError **error)
{
    const char *path = address->sun_path;
    mode_t mask = umask(0777);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
    umask(mask);
    int node = result == 0 ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (node >= 0 && is_fresh(node, geteuid()))
        return node;
    cannot_make(path,
                node >= 0 ? "somebody has put something else in its place"
                          : service_strerror(errno),
                error);
    if (node >= 0)
        close(node);
    return -1;
}

/* By the file itself: who may write to the folder could make the name another
 * file's. There is no call that changes a mode by such a descriptor. */
static bool
give_away(int node, uid_t uid, gid_t gid, mode_t mode)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", node);
    return ((uid == (uid_t)-1 && gid == (gid_t)-1) ||
            fchownat(node, "", uid, gid, AT_EMPTY_PATH) == 0) &&
           chmod(name, mode) == 0;
}

static int
make_closed(const struct sockaddr_un *address, int *ret_fd, GError **error)
{
    SERVICE_TURN(act_in_folder_of(address->sun_path));
    *ret_fd = new_socket(AF_UNIX, error);
    return *ret_fd >= 0 ? bind_closed(*ret_fd, address, error) : -1;
}

/*
 * Bound with no permission at all, then given away, then opened, and only then
 * listened on: nobody gets in before the settings say so.
 */
static bool
bind_unix(const Listener *listener, int *ret_fd, GError **error)
{
    struct sockaddr_un address;
    uid_t uid;
    gid_t gid;
    if (!fill_address(listener->socket, &address, error) ||
        !find_owner(listener, &uid, &gid, error) ||
        !clear_path(listener->socket, error))
        return false;
    int node = make_closed(&address, ret_fd, error);
    if (node < 0)
        return false;
    bool good = give_away(node, uid, gid, listener->mode);
    int why = errno;
    close(node);
    if (good)
        return true;
    lmtp_server_remove(listener->socket);
    return cannot_make(listener->socket, g_strerror(why), error);
}

static bool
listen_unix(const Listener *listener, int *ret_fd, GError **error)
{
    if (!bind_unix(listener, ret_fd, error))
        return false;
    if (listen(*ret_fd, BACKLOG) == 0)
        return true;
    failure_set(error, FAILURE_CONFIG, "cannot listen: %s", g_strerror(errno));
    return false;
}

bool
lmtp_server_remove(const char *path)
{
    SERVICE_TURN(act_in_folder_of(path));
    return unlink(path) == 0;
}

int
lmtp_server_listen(const Listener *listener, GError **error)
{
    int fd = -1;
    if (*listener->socket == '\0')
        return loopback_listen(listener->host, listener->port, "listener",
                               "LMTP knows no login", error);
    if (listen_unix(listener, &fd, error))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}
