/*
 * The response codes that are used (RFC 3501 7.1, RFC 4315, RFC 7162). Private
 * to imap_guard.c.
 */
#ifndef TRANSPORT_IMAP_CODE_H
#define TRANSPORT_IMAP_CODE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Write `code`, which stood between "[" and "]", as libetpan may read it, and
 * count its words. False: it is not used, or malformed, and nothing is written.
 */
bool imap_code_write(const char *code, GString *written, size_t *words);

#endif
