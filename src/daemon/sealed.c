#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static bool
write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += MAX(n, 0);
        length -= (size_t)MAX(n, 0);
    }
    return true;
}

int
sealed_new(const char *name, const void *bytes, size_t length)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 ||
        (write_all(fd, bytes, length) && fcntl(fd, F_ADD_SEALS, SEALS) == 0))
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* With its place given: all who have the file share where they read. */
static bool
read_all(int fd, char *bytes, size_t length)
{
    size_t got = 0;
    while (got < length) {
        ssize_t n = pread(fd, bytes + got, length - got, (off_t)got);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        got += (size_t)MAX(n, 0);
    }
    return true;
}

char *
sealed_read(int fd, size_t most, size_t *ret_length)
{
    struct stat status;
    /* A hardened kernel adds a seal of its own (vm.memfd_noexec). */
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) != 0 ||
        (size_t)status.st_size > most)
        return NULL;
    size_t length = (size_t)status.st_size;
    char *bytes = g_malloc0(length + 1);
    if (!read_all(fd, bytes, length)) {
        g_free(bytes);
        return NULL;
    }
    *ret_length = length;
    return bytes;
}
