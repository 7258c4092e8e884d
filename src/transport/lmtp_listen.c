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

/* True if `path` is free now: nothing was there, or a socket without owner. */
static bool
clear_path(const struct sockaddr_un *address, GError **error)
{
    const char *path = address->sun_path;
    struct stat status;
    if (lstat(path, &status) != 0) {
        if (errno == ENOENT)
            return true;
        failure_set(error, FAILURE_CONFIG, "socket '%s': %s", path,
                    g_strerror(errno));
        return false;
    }
    if (!S_ISSOCK(status.st_mode)) {
        failure_set(error, FAILURE_CONFIG,
                    "socket '%s': something else has this name", path);
        return false;
    }
    int probe = new_socket(AF_UNIX, error);
    if (probe < 0)
        return false;
    int result =
        connect(probe, (const struct sockaddr *)address, sizeof *address);
    int why = result == 0 ? 0 : errno;
    close(probe);
    if (why == ECONNREFUSED && (unlink(path) == 0 || errno == ENOENT))
        return true;
    if (why == 0 || why == EAGAIN)
        failure_set(error, FAILURE_CONFIG,
                    "socket '%s': somebody else is listening there", path);
    else
        failure_set(error, FAILURE_CONFIG, "socket '%s' cannot be replaced: %s",
                    path, g_strerror(errno));
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

/*
 * Bound with no permission at all, then given away, then opened, and only then
 * listened on: nobody gets in before the settings say so.
 */
static bool
bind_path(int fd, const struct sockaddr_un *address, const Listener *listener,
          GError **error)
{
    uid_t uid;
    gid_t gid;
    if (!find_owner(listener, &uid, &gid, error))
        return false;
    mode_t mask = umask(0777);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address);
    umask(mask);
    if (result == 0) {
        if ((uid == (uid_t)-1 && gid == (gid_t)-1) ||
            chown(address->sun_path, uid, gid) == 0)
            if (chmod(address->sun_path, listener->mode) == 0)
                return true;
        int why = errno;
        unlink(address->sun_path);
        errno = why;
    }
    failure_set(error, FAILURE_CONFIG, "cannot make socket '%s': %s",
                address->sun_path, g_strerror(errno));
    return false;
}

static bool
bind_unix(const Listener *listener, int *ret_fd, GError **error)
{
    struct sockaddr_un address;
    if (!fill_address(listener->socket, &address, error) ||
        !clear_path(&address, error))
        return false;
    *ret_fd = new_socket(AF_UNIX, error);
    return *ret_fd >= 0 && bind_path(*ret_fd, &address, listener, error);
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
