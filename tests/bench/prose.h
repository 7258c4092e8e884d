/* The words of a mail: as plain text, quoted, and as HTML. UTF-8, CRLF. */
#ifndef BENCH_PROSE_H
#define BENCH_PROSE_H

#include <glib.h>

#include "chance.h"
#include "tongue.h"

/* Each writes at least `octets`, in whole paragraphs. */
GString *prose_text(const Tongue *tongue, Chance *chance, gsize octets);
/* A few lines, and below them what was written before. */
GString *prose_answer(const Tongue *tongue, Chance *chance, gsize octets);
GString *prose_html(const Tongue *tongue, Chance *chance, gsize octets,
                    const char *charset);
/* A log file of a customer's machine. */
GString *prose_log(Chance *chance, gsize octets);

#endif
