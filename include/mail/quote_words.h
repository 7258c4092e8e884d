/*
 * The words by which mail programs introduce an earlier mail, in the languages
 * they speak: tables and nothing else, in lower case. Private to quote_line.c.
 */
#ifndef MAIL_QUOTE_WORDS_H
#define MAIL_QUOTE_WORDS_H

#include <stddef.h>

#include "mail/quote_line.h"

typedef struct {
    const char *const *words;
    size_t count;
} QuoteWords;

typedef struct {
    const char *name;
    QuoteField field;
} QuoteFieldName;

extern const QuoteWords quote_verbs;     /* "wrote": words of their own */
extern const QuoteWords quote_verbs_cjk; /* where no space sets words apart */
extern const QuoteWords quote_openings;  /* "on ": how a wrapped one begins */
extern const QuoteWords quote_originals; /* "original message" */
extern const QuoteWords quote_forwards;  /* "forwarded message" */
extern const QuoteWords quote_marks;     /* "reply above this line" */
extern const QuoteWords quote_closings;  /* "best regards" */
extern const QuoteWords quote_devices;   /* "sent from my ", a beginning */

extern const QuoteFieldName quote_field_names[]; /* "betreff" */
extern const size_t quote_field_names_count;

#endif
