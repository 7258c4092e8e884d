#include "base/failpoint.h"

#ifdef POSTERN_FAILPOINTS

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static char *
file_of(const char *name)
{
    const char *directory = g_getenv("POSTERN_FAILPOINTS");
    return directory != NULL ? g_build_filename(directory, name, NULL) : NULL;
}

void
failpoint(const char *name)
{
    g_autofree char *path = file_of(name);
    if (path != NULL && unlink(path) == 0)
        kill(getpid(), SIGKILL);
}

static bool
says(const char *bytes, size_t length, const char *act)
{
    g_autofree char *line = g_strdup_printf("\nX-Failpoint: %s", act);
    return memmem(bytes, length, line, strlen(line)) != NULL;
}

void
failpoint_mail(const char *bytes, size_t length)
{
    volatile bool forever = true;
    if (says(bytes, length, "crash"))
        *(volatile int *)NULL = 1;
    while (forever && says(bytes, length, "spin"))
        ;
    while (forever && says(bytes, length, "eat"))
        memset(g_malloc(1024 * 1024), 1, 1024 * 1024);
}

void
failpoint_fetched(const char *bytes, size_t length)
{
    g_autofree char *path = file_of("watch.mail");
    if (path != NULL && access(path, F_OK) == 0 &&
        says(bytes, length, "fetched"))
        kill(getpid(), SIGKILL);
}

#else

typedef int failpoint_file_is_not_empty; /* ISO C wants a declaration */

#endif
