#include "served.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

static ssize_t
low_read(mailstream_low *low, void *buffer, size_t count)
{
    Served *served = low->data;
    size_t n = MIN(count, served->left);
    if (n == 0)
        return -1;
    if (served->guard != NULL && !served->guard(served->user, served->next, n))
        return -1;
    memcpy(buffer, served->next, n);
    served->next += n;
    served->left -= n;
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
    return mailstream_new(mailstream_low_new(served, &driver), 256);
}
