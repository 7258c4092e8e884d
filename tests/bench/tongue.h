/* What people write: a few sentences and names in each language. */
#ifndef BENCH_TONGUE_H
#define BENCH_TONGUE_H

#include <stddef.h>

enum { TONGUE_SENTENCES = 10, TONGUE_NAMES = 5, TONGUE_SUBJECTS = 4 };

typedef struct {
    const char *language;
    unsigned share;          /* in a hundred writers */
    const char *charsets[4]; /* before UTF-8; NULL ends them; none: ASCII */
    const char *given[TONGUE_NAMES];
    const char *family[TONGUE_NAMES];
    const char *subjects[TONGUE_SUBJECTS];
    const char *sentences[TONGUE_SENTENCES];
    const char *wrote; /* what a mail program puts before quoted text */
} Tongue;

/* Shares add up to 100. */
extern const Tongue tongues[];
extern const size_t tongue_count;

#endif
