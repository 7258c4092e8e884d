#include "served.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 256 };

/* How much comes at once. */
static size_t
piece(const Served *served)
{
    size_t n = MIN(served->left, PIECE_BYTES);
    for (size_t i = 0; i < served->n_pauses; i++) {
        const char *pause = served->pauses[i];
        if (pause > served->next && pause < served->next + n)
            n = (size_t)(pause - served->next);
    }
    return n;
}

static bool
is_pausing(const Served *served)
{
    for (size_t i = 0; i < served->n_pauses; i++)
        if (served->pauses[i] == served->next)
            return true;
    return false;
}

/* False: there is no more. */
static bool
hear(Served *served)
{
    size_t n = piece(served);
    const char *bytes = served->next;
    if (n == 0)
        return false;
    served->next += n;
    served->left -= n;
    if (served->guard == NULL) {
        g_string_append_len(served->passed, bytes, (gssize)n);
        return true;
    }
    bool good = served->guard(served->user, bytes, n, served->passed);
    if (!good) {
        g_string_truncate(served->passed, 0);
        served->left = 0;
    }
    return good;
}

bool
served_has_more(Served *served)
{
    while (served->passed->len == 0)
        if (is_pausing(served) || !hear(served))
            return false;
    return true;
}

static ssize_t
low_read(mailstream_low *low, void *buffer, size_t count)
{
    Served *served = low->data;
    while (served->passed->len == 0)
        if (!hear(served))
            return -1;
    size_t n = MIN(count, served->passed->len);
    memcpy(buffer, served->passed->str, n);
    g_string_erase(served->passed, 0, (gssize)n);
    return (ssize_t)n;
}

static ssize_t
low_write(mailstream_low *low, const void *buffer, size_t count)
{
    (void)low;
    (void)buffer;
    return (ssize_t)count;
}

static int
low_close(mailstream_low *low)
{
    (void)low;
    return 0;
}

static int
low_get_fd(mailstream_low *low)
{
    (void)low;
    return -1;
}

static void
low_free(mailstream_low *low)
{
    free(low);
}

static mailstream_low_driver driver = {.mailstream_read = low_read,
                                       .mailstream_write = low_write,
                                       .mailstream_close = low_close,
                                       .mailstream_get_fd = low_get_fd,
                                       .mailstream_free = low_free};

mailstream *
served_open(Served *served)
{
    served->passed = g_string_new(NULL);
    return mailstream_new(mailstream_low_new(served, &driver), PIECE_BYTES);
}

void
served_clear(Served *served)
{
    g_string_free(served->passed, TRUE);
}
