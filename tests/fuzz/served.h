#ifndef POSTERN_TESTS_FUZZ_SERVED_H
#define POSTERN_TESTS_FUZZ_SERVED_H

/*
 * A server that says the bytes at hand and then no more, as a stream of
 * libetpan's; what the client writes is dropped.
 */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include <libetpan/mailstream.h>

typedef struct {
    const char *next;
    size_t left;
    /* If given: adds to `passed` what is read of these; false ends the stream.
     */
    bool (*guard)(void *user, const char *bytes, size_t n, GString *passed);
    void *user;
    const char *const *pauses; /* it says no more until that is waited for */
    size_t n_pauses;
    GString *passed; /* NULL: none yet */
} Served;

/* Owned: mailstream_close(). It reads from served as long as it is open. */
mailstream *served_open(Served *served);

/* There is something to read that comes by itself. */
bool served_has_more(Served *served);

/* Free what it holds. */
void served_clear(Served *served);

#endif
