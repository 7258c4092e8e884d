/* Start ourselves again as a worker, with just the descriptors it needs. */
#ifndef DAEMON_SPAWN_H
#define DAEMON_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

/* The supervisor's own numbers; -1: /dev/null. */
typedef struct {
    int status_page;
    int bell_processor;
    int bell_sender;
    int settings;
    int password;
    const int *listeners;
    size_t n_listeners;
} SpawnDescriptors;

/* The child's pid, or -1 with errno. */
pid_t spawn_worker(const char *name, const char *settings_file,
                   const SpawnDescriptors *descriptors);

#endif
