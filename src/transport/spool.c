#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Content comes line by line; it is written in pieces of this size. */
#define WRITE_BYTES ((size_t)256 * 1024)

void
spool_init(Spool *spool, const char *directory, size_t memory_bytes)
{
    spool->directory = directory;
    spool->memory_bytes = memory_bytes;
    spool->memory = NULL;
    spool->fd = -1;
}

void
spool_clear(Spool *spool)
{
    g_clear_pointer(&spool->memory, g_byte_array_unref);
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
}

/* A file that no crash can leave behind: it never has a name, or not for
 * long where the file system knows no O_TMPFILE. */
static int
open_unlinked(const char *directory)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    g_autofree char *path = g_build_filename(directory, "mail.XXXXXX", NULL);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static bool
write_out(Spool *spool)
{
    if (spool->fd < 0)
        spool->fd = open_unlinked(spool->directory);
    if (spool->fd < 0)
        return false;
    const guint8 *bytes = spool->memory->data;
    size_t left = spool->memory->len;
    while (left > 0) {
        ssize_t n = write(spool->fd, bytes, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        left -= (size_t)n;
    }
    g_byte_array_set_size(spool->memory, 0);
    return true;
}

bool
spool_add(Spool *spool, const char *bytes, size_t length)
{
    if (spool->memory == NULL)
        spool->memory = g_byte_array_new();
    g_byte_array_append(spool->memory, (const guint8 *)bytes, (guint)length);
    size_t room = spool->fd < 0 ? spool->memory_bytes : WRITE_BYTES;
    return spool->memory->len <= room || write_out(spool);
}

GBytes *
spool_take(Spool *spool)
{
    GBytes *bytes = NULL;
    if (spool->fd < 0) {
        bytes =
            spool->memory == NULL
                ? g_bytes_new_static("", 0)
                : g_byte_array_free_to_bytes(g_steal_pointer(&spool->memory));
    } else if (write_out(spool)) {
        GMappedFile *file = g_mapped_file_new_from_fd(spool->fd, FALSE, NULL);
        if (file != NULL) {
            bytes = g_mapped_file_get_bytes(file);
            g_mapped_file_unref(file);
        }
    }
    spool_clear(spool);
    return bytes;
}
