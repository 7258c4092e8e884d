/*
 * The one error domain. The code tells the caller what to do next, the message
 * tells a person what happened; which library met it is nobody's business.
 */
#ifndef BASE_FAILURE_H
#define BASE_FAILURE_H

#include <glib.h>

typedef enum {
    FAILURE_TEMPORARY, /* again later: 4xx, EX_TEMPFAIL */
    FAILURE_PERMANENT, /* never: 5xx, EX_DATAERR, parked */
    FAILURE_CONFIG,    /* an operator must act: EX_CONFIG, no restart */
    FAILURE_UNCERTAIN  /* perhaps done: COMMIT or final "." unanswered */
} FailureCode;

#define FAILURE (failure_quark())

GQuark failure_quark(void);

/* Shorthands of g_set_error(error, FAILURE, FAILURE_..., format, ...). */
void failure_set(GError **error, FailureCode code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* True if `error` is ours and carries `code`; false for NULL. */
gboolean failure_is(const GError *error, FailureCode code);

/* The sysexits(3) status for `error`: 75, 65, 78; anything foreign is 75. */
int failure_exit_status(const GError *error);

#endif
