/* A process gives up what it does not need, for good. */
#ifndef SANDBOX_CONFINE_H
#define SANDBOX_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before it is executed: they count for a new program only. */
void confine_stack(void);

/* No file can be opened, made or removed, by landlock(7); where the kernel has
 * it not, confine_calls() has to do. */
void confine_files(void);

/* Address space, computing time, files, processes, cores: setrlimit(2). */
void confine_resources(size_t memory_bytes, uint64_t cpu_s);

/*
 * From now on the kernel kills this process for any call but to compute, to
 * take memory that cannot be executed, to read `in` and to write `out`:
 * seccomp(2). False: this kernel cannot.
 */
bool confine_calls(int in, int out);

#endif
