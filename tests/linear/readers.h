/* Each reader of foreign text, and where a text comes to it. */
#ifndef TESTS_LINEAR_READERS_H
#define TESTS_LINEAR_READERS_H

#include "measure.h"

/* In one text with nothing but the piece between `before` and `after`. */
#define WITHIN(name_, before_, after_, work_)                                  \
    {                                                                          \
        .name = name_, .before = before_, .after = after_, .work = work_       \
    }
/* In a header field: its line ends are folds. */
#define FOLDED(name_, before_, after_, work_)                                  \
    {                                                                          \
        .name = name_, .before = before_, .after = after_, .work = work_,      \
        .is_field = true                                                       \
    }
/* In lines of about `bytes`, which is just below what a reader looks at. */
#define LINES(name_, before_, work_, bytes, begin, end)                        \
    {                                                                          \
        .name = name_, .before = before_, .after = "", .work = work_,          \
        .line_bytes = bytes, .line_begin = begin, .line_end = end              \
    }

/* A whole mail, with the piece somewhere in it. */
extern const LinearReader linear_mails[];
extern const size_t linear_mails_count;

/* One reader alone, which may be given more than a mail would give it. */
extern const LinearReader linear_parts[];
extern const size_t linear_parts_count;

#endif
