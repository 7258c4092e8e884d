/*
 * Memory that runs out: loaded before a program (LD_PRELOAD) it lets calls of
 * malloc(3) and its kin fail. The environment says which:
 *
 *   FAIL_MALLOC_AT=N       the n-th, once
 *   FAIL_MALLOC_ONE_IN=N   one in N, by chance
 *   FAIL_MALLOC_FROM=NAME  only those made by a library with this in its name
 *   FAIL_MALLOC_COUNT=1    none; how many there were is said in the end
 *
 * Compiled by preload_build(); a sanitizer has its own malloc().
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What glibc keeps for who replaces them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *old, size_t size);

static long fail_at, one_in, calls;
static unsigned chance;
static const char *from;

__attribute__((constructor)) static void
begin(void)
{
    const char *at = getenv("FAIL_MALLOC_AT"),
               *in = getenv("FAIL_MALLOC_ONE_IN");
    fail_at = at != NULL ? atol(at) : 0;
    one_in = in != NULL ? atol(in) : 0;
    chance = (unsigned)getpid();
    from = getenv("FAIL_MALLOC_FROM");
    calls = 0;
}

__attribute__((destructor)) static void
end(void)
{
    if (getenv("FAIL_MALLOC_COUNT") != NULL)
        dprintf(STDERR_FILENO, "%ld calls\n", calls);
}

static bool
fails(const void *caller)
{
    Dl_info library;
    if (from != NULL && (dladdr(caller, &library) == 0 ||
                         strstr(library.dli_fname, from) == NULL))
        return false;
    bool now = ++calls == fail_at;
    if (one_in > 0) {
        chance = chance * 1103515245 + 12345;
        now |= (chance >> 8) % (unsigned)one_in == 0;
    }
    if (now)
        errno = ENOMEM;
    return now;
}

void *
malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t number, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL
                                              : __libc_calloc(number, size);
}

void *
realloc(void *old, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL
                                              : __libc_realloc(old, size);
}
