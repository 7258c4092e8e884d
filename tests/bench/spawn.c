/*
 * usage: spawn COMMAND [ARG...] -- FILE...
 *
 * Run the command once for each file, with the file as its standard input, one
 * after the other. Prints how often, the median and the 95th percentile of the
 * time from start to end in milliseconds, and the largest resident set in KiB.
 *
 * The C library only, and nothing large in memory: the kernel counts what the
 * parent has as the child's until it has become the command.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Milliseconds; ends the program when the command fails. */
static double
run(char **command, const char *file, long *max_rss_kib)
{
    posix_spawn_file_actions_t actions;
    struct rusage usage;
    pid_t pid;
    int status;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, file, O_RDONLY, 0);
    double began_ms = now_ms();
    if (posix_spawn(&pid, command[0], &actions, NULL, command, environ) != 0 ||
        wait4(pid, &status, 0, &usage) < 0) {
        perror(command[0]);
        exit(1);
    }
    double took_ms = now_ms() - began_ms;
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0) {
        fprintf(stderr, "%s: exit %d on %s\n", command[0],
                WIFEXITED(status) ? WEXITSTATUS(status) : -1, file);
        exit(1);
    }
    if (usage.ru_maxrss > *max_rss_kib)
        *max_rss_kib = usage.ru_maxrss;
    return took_ms;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    int dashes = 1;
    while (dashes < argc && strcmp(argv[dashes], "--") != 0)
        dashes++;
    int files = argc - dashes - 1;
    if (dashes < 2 || files < 1) {
        fputs("usage: spawn COMMAND [ARG...] -- FILE...\n", stderr);
        return 2;
    }
    argv[dashes] = NULL;
    double *times_ms = calloc((size_t)files, sizeof *times_ms);
    if (times_ms == NULL)
        return 1;
    long max_rss_kib = 0;
    for (int i = 0; i < files; i++)
        times_ms[i] = run(argv + 1, argv[dashes + 1 + i], &max_rss_kib);
    qsort(times_ms, (size_t)files, sizeof *times_ms, compare);
    printf("%d %.3f %.3f %ld\n", files, times_ms[files / 2],
           times_ms[files * 95 / 100], max_rss_kib);
    free(times_ms);
    return 0;
}
