#include "finding.h"

#include <stdio.h>
#include <sysexits.h>

static const char *const marks[] = {[FINDING_OK] = "ok   ",
                                    [FINDING_WARNING] = "WARN ",
                                    [FINDING_FAIL] = "FAIL "};
static const char *const words[] = {[FINDING_OK] = "ok",
                                    [FINDING_WARNING] = "warning",
                                    [FINDING_FAIL] = "fail"};

static void
print(FindingKind kind, const char *step, const char *text, const char *advice)
{
    printf("%s %s: %s\n", marks[kind], step, text);
    g_auto(GStrv) lines = g_strsplit(advice != NULL ? advice : "", "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++)
        printf("      %s\n", lines[i]);
    fflush(stdout); /* the next step may take its time */
}

static void
add(Findings *findings, FindingKind kind, const char *step, const char *text,
    const char *advice)
{
    if (findings->steps == NULL)
        print(kind, step, text, advice);
    else
        json_array_append_new(findings->steps,
                              json_pack("{s:s, s:s, s:s, s:s?}", "step", step,
                                        "result", words[kind], "text", text,
                                        "advice", advice));
}

void
finding_add(Findings *findings, FindingKind kind, const char *step,
            const char *advice, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add(findings, kind, step, text, advice);
}

/* What only a person can mend weighs more than what may heal by itself. */
static int
worse(int status, int other)
{
    static const int weights[] = {EX_CONFIG, EX_UNAVAILABLE, EX_DATAERR};
    for (size_t i = 0; i < G_N_ELEMENTS(weights); i++)
        if (status == weights[i] || other == weights[i])
            return weights[i];
    return status != EX_OK ? status : other;
}

void
finding_fail(Findings *findings, int status, const char *step,
             const char *advice, const GError *error)
{
    add(findings, FINDING_FAIL, step, error->message, advice);
    findings->status = worse(findings->status, status);
}
