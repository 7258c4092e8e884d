#include "base/failure.h"

#include <stdarg.h>
#include <sysexits.h>

GQuark
failure_quark(void)
{
    return g_quark_from_static_string("postern-failure");
}

void
failure_set(GError **error, FailureCode code, const char *format, ...)
{
    if (error == NULL)
        return;
    va_list args;
    va_start(args, format);
    g_propagate_error(error,
                      g_error_new_valist(FAILURE, (gint)code, format, args));
    va_end(args);
}

gboolean
failure_is(const GError *error, FailureCode code)
{
    return g_error_matches(error, FAILURE, (gint)code);
}

int
failure_exit_status(const GError *error)
{
    if (error == NULL)
        return EX_OK;
    if (failure_is(error, FAILURE_CONFIG))
        return EX_CONFIG;
    if (failure_is(error, FAILURE_PERMANENT))
        return EX_DATAERR;
    return EX_TEMPFAIL;
}
