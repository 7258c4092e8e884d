/* Files that hold settings and secrets (private to this room). */
#ifndef SETTINGS_SMALL_FILE_H
#define SETTINGS_SMALL_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* What was read and whose it was: both of the same open descriptor. */
typedef struct {
    char *bytes; /* ends with a NUL that is not counted */
    size_t length;
    uid_t owner;
    mode_t mode; /* permission bits */
} SmallFile;

/*
 * Read a regular file of at most `max_bytes`; a symbolic link, a pipe, a device
 * is refused. FAILURE_CONFIG names the path and what to do.
 */
bool small_file_read(const char *path, size_t max_bytes, SmallFile *ret_file,
                     GError **error);

/*
 * May it be trusted to hold what others must not see or change? It belongs to
 * root, to us or to `service`, others cannot read it and the group cannot write
 * it. FAILURE_CONFIG names the path and the command that puts it right.
 */
bool small_file_judge(const char *path, uid_t owner, mode_t mode, uid_t service,
                      GError **error);

/* Wipe and free the bytes. */
void small_file_clear(SmallFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SmallFile, small_file_clear)

#endif
