#include "small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/service.h"

void
small_file_clear(SmallFile *file)
{
    if (file->bytes != NULL)
        explicit_bzero(file->bytes, file->length);
    g_clear_pointer(&file->bytes, g_free);
    file->length = 0;
}

static bool
refuse(GError **error, const char *path, const char *fault)
{
    failure_set(error, FAILURE_CONFIG, "%s: %s", path, fault);
    return false;
}

/* Without blocking: somebody may have put a pipe in its place. */
static int
open_regular(const char *path, struct stat *ret_status, GError **error)
{
    SERVICE_TURN(service_act_at(path));
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        refuse(error, path,
               errno == ELOOP ? "is a symbolic link; name the file itself"
                              : service_strerror(errno));
        return -1;
    }
    if (fstat(fd, ret_status) != 0 || !S_ISREG(ret_status->st_mode)) {
        refuse(error, path, "is not a regular file");
        close(fd);
        return -1;
    }
    return fd;
}

/* Up to `size` bytes; fewer at the end of the file, -1 on an error. */
static ssize_t
read_fully(int fd, char *buffer, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t n = read(fd, buffer + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

bool
small_file_read(const char *path, size_t max_bytes, SmallFile *ret_file,
                GError **error)
{
    struct stat status;
    int fd = open_regular(path, &status, error);
    if (fd < 0)
        return false;
    char *bytes = g_malloc0(max_bytes + 2);
    ssize_t length = read_fully(fd, bytes, max_bytes + 1);
    int failed = errno;
    close(fd);
    if (length < 0 || (size_t)length > max_bytes) {
        explicit_bzero(bytes, max_bytes + 1);
        g_free(bytes);
        return refuse(error, path,
                      length < 0 ? g_strerror(failed) : "is too large");
    }
    *ret_file = (SmallFile){bytes, (size_t)length, status.st_uid,
                            status.st_mode & 07777};
    return true;
}

bool
small_file_judge(const char *path, uid_t owner, mode_t mode, uid_t service,
                 GError **error)
{
    if (owner != 0 && owner != geteuid() && owner != service)
        failure_set(error, FAILURE_CONFIG,
                    "%s: belongs to user %u, neither root nor the service; "
                    "run chown root %s",
                    path, (unsigned)owner, path);
    else if ((mode & S_IRWXO) != 0)
        failure_set(error, FAILURE_CONFIG,
                    "%s: is open to every user; run chmod o= %s", path, path);
    else if ((mode & S_IWGRP) != 0)
        failure_set(error, FAILURE_CONFIG,
                    "%s: can be changed by its group; run chmod g-w %s", path,
                    path);
    else
        return true;
    return false;
}
