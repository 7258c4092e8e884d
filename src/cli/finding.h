/* What a check found, step by step: shown at once, or as JSON at the end. */
#ifndef CLI_FINDING_H
#define CLI_FINDING_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef enum { FINDING_OK, FINDING_WARNING, FINDING_FAIL } FindingKind;

typedef struct {
    json_t *steps; /* NULL: shown to people */
    int status;    /* exit status so far: that of the worst */
} Findings;

/* `advice` is what to do about it; NULL: nothing. */
void finding_add(Findings *findings, FindingKind kind, const char *step,
                 const char *advice, const char *format, ...)
    G_GNUC_PRINTF(5, 6);

/* Something that is wrong, with the exit status that it means. */
void finding_fail(Findings *findings, int status, const char *step,
                  const char *advice, const GError *error);

#endif
