/*
 * Header fields as slices of the raw mail (RFC 5322 2.2), read in one linear
 * pass under limits before any library sees a byte of them.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include <glib.h>
#include <stdbool.h>

#include "mail/limits.h"

typedef struct {
    const char *name; /* borrowed from raw, as is the value */
    size_t name_length;
    const char *value; /* still folded; no final line end */
    size_t value_length;
} HeaderField;

typedef struct {
    GArray *fields; /* HeaderField, in order */
    size_t length;  /* bytes up to the body, the empty line included */
} Header;

/* True for a line (without its end) that closes an enclosing multipart. */
typedef bool (*HeaderStop)(const void *context, const char *line,
                           size_t length);

/*
 * Read the header at the start of `bytes`. It ends with an empty line, where
 * `stop` says so, or where the text stops looking like a header; a field above
 * a limit is cut, further ones are left out, both named in `defects`.
 * `stop` may be NULL. Returns: a Header that borrows `bytes`, never NULL.
 */
Header *header_read(const char *bytes, size_t length, const MailLimits *limits,
                    HeaderStop stop, const void *context, GPtrArray *defects);
void header_free(Header *header);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Header, header_free)

/*
 * What was found in search of a usual field below a line that is none. Whoever
 * reads several headers of one text hands on the same one, zeroed at first, or
 * each of them would search the same lines again.
 */
typedef struct {
    const char *from; /* searched from here */
    const char *to;   /* up to this line, which is */
    enum {
        HEADER_SEARCH_GOES_ON, /* neither: the search was given up here, */
        HEADER_SEARCH_FIELD,   /* a usual field, */
        HEADER_SEARCH_EMPTY    /* or empty */
    } found;
} HeaderSearch;

/* The same, of a text of which other headers were read. */
Header *header_read_next(const char *bytes, size_t length,
                         const MailLimits *limits, HeaderSearch *search,
                         HeaderStop stop, const void *context,
                         GPtrArray *defects);

/*
 * Length of what stands before the header and does not belong to it: empty
 * lines, or one line that is no field. 0 unless usual fields follow.
 */
size_t header_preamble(const char *bytes, size_t length);

/*
 * The field called `name` (any case); of several the first counts, as it does
 * for the software that judged the mail before us. NULL if there is none.
 */
const HeaderField *header_find(const Header *header, const char *name);

/* How many fields are called `name`. */
size_t header_count(const Header *header, const char *name);

/* True if the field is called `name`, in any case. */
bool header_field_is(const HeaderField *field, const char *name);

/* The value of the first `name`, decoded to one line; NULL if none. */
char *header_text(const Header *header, const char *name);

/* Length of the name if the line is "Name:" or "Name :", else 0. */
size_t header_name_length(const char *line, size_t length);

/*
 * The offset behind the line that starts at `offset`; at most `length`. A line
 * ends with LF.
 */
size_t header_next_line(const char *bytes, size_t length, size_t offset);

#endif
