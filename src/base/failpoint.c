#include "base/failpoint.h"

#ifdef POSTERN_FAILPOINTS

#include <glib.h>
#include <signal.h>
#include <unistd.h>

void
failpoint(const char *name)
{
    const char *directory = g_getenv("POSTERN_FAILPOINTS");
    if (directory == NULL)
        return;
    g_autofree char *path = g_build_filename(directory, name, NULL);
    if (unlink(path) == 0)
        kill(getpid(), SIGKILL);
}

#else

typedef int failpoint_file_is_not_empty; /* ISO C wants a declaration */

#endif
