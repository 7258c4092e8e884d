#include "tray.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MANY_BYTES = 1024 * 1024 };

const Tray tray_none = {-1, 0};

bool
tray_open(Tray *tray, size_t length)
{
    *tray = (Tray){memfd_create("postern-mail", MFD_CLOEXEC), length};
    if (tray->fd >= 0 && ftruncate(tray->fd, (off_t)length) == 0)
        return true;
    int why = errno;
    tray_close(tray);
    errno = why;
    return false;
}

bool
tray_put(const Tray *tray, size_t offset, const void *bytes, size_t length)
{
    const char *p = bytes;
    while (length > 0) {
        ssize_t n = pwrite(tray->fd, p, length, (off_t)offset);
        if (n < 0 && errno != EINTR)
            return false;
        p += MAX(n, 0);
        offset += (size_t)MAX(n, 0);
        length -= (size_t)MAX(n, 0);
    }
    return true;
}

int
tray_read_only(const Tray *tray)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", tray->fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void
tray_empty(const Tray *tray, size_t used)
{
    if (used >= MANY_BYTES)
        fallocate(tray->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  (off_t)tray->length);
}

void
tray_close(Tray *tray)
{
    if (tray->fd >= 0)
        close(tray->fd);
    *tray = tray_none;
}
