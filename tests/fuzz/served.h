#ifndef POSTERN_TESTS_FUZZ_SERVED_H
#define POSTERN_TESTS_FUZZ_SERVED_H

/*
 * A server that says the bytes at hand and then no more, as a stream of
 * libetpan's; what the client writes is dropped.
 */
#include <stdbool.h>
#include <stddef.h>

#include <libetpan/mailstream.h>

typedef struct {
    const char *next;
    size_t left;
    /* If given: sees what is about to be read; false ends the stream. */
    bool (*guard)(void *user, const char *bytes, size_t n);
    void *user;
} Served;

/* Owned: mailstream_close(). It reads from served as long as it is open. */
mailstream *served_open(Served *served);

#endif
