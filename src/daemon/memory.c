#include "memory.h"

#include <stdio.h>
#include <unistd.h>

int64_t
memory_private_bytes(void)
{
    long size, resident, shared; /* pages; see proc(5) */
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    int read = fscanf(file, "%ld %ld %ld", &size, &resident, &shared);
    fclose(file);
    return read == 3 ? (int64_t)(resident - shared) * sysconf(_SC_PAGESIZE) : 0;
}
