#include "mail/authres.h"

#include <string.h>

enum {
    TOKEN_MAX_BYTES = 255, /* a domain; longer tokens say nothing */
    RESULTS_MAX = 100      /* of one field */
};

/* ---- tokens: RFC 8601 2.2, RFC 2045 5.1 ---- */

typedef struct {
    const char *p;
    const char *end;
    char text[TOKEN_MAX_BYTES + 1]; /* the token read last, lower case */
} Scanner;

/* Behind a comment, which may hold others; at the end if it never closes. */
static const char *
skip_comment(const char *p, const char *end)
{
    size_t depth = 0;
    for (; p < end; p++) {
        if (*p == '\\' && p + 1 < end)
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
    }
    return end;
}

static void
skip_space(Scanner *scanner)
{
    while (scanner->p < scanner->end) {
        if (*scanner->p == '(')
            scanner->p = skip_comment(scanner->p, scanner->end);
        else if (g_ascii_isspace(*scanner->p))
            scanner->p++;
        else
            return;
    }
}

/* Take the next byte if it is `c`. */
static bool
take(Scanner *scanner, char c)
{
    skip_space(scanner);
    if (scanner->p == scanner->end || *scanner->p != c)
        return false;
    scanner->p++;
    return true;
}

/* A byte of a token; too many of them leave it empty, which fits nothing. */
static void
put(Scanner *scanner, size_t *length, char c)
{
    if (*length < TOKEN_MAX_BYTES)
        scanner->text[*length] = g_ascii_tolower(c);
    ++*length;
}

static void
read_quoted(Scanner *scanner, size_t *length)
{
    for (scanner->p++; scanner->p < scanner->end && *scanner->p != '"';
         scanner->p++) {
        if (*scanner->p == '\\' && scanner->p + 1 < scanner->end)
            scanner->p++;
        put(scanner, length, *scanner->p);
    }
    if (scanner->p < scanner->end)
        scanner->p++;
}

/* A token or a quoted string, into scanner->text. False: there is none. */
static bool
read_token(Scanner *scanner)
{
    size_t length = 0;
    skip_space(scanner);
    const char *start = scanner->p;
    if (start < scanner->end && *start == '"')
        read_quoted(scanner, &length);
    else
        for (; scanner->p<scanner->end && * scanner->p> ' ' &&
               strchr("()\";=", *scanner->p) == NULL;
             scanner->p++)
            put(scanner, &length, *scanner->p);
    scanner->text[length <= TOKEN_MAX_BYTES ? length : 0] = '\0';
    return scanner->p > start;
}

/* ---- results ---- */

static AuthresVerdict
verdict_of(const char *word)
{
    static const struct {
        const char *word;
        AuthresVerdict verdict;
    } words[] = {
        {"pass", AUTHRES_PASS},           {"fail", AUTHRES_FAIL},
        {"softfail", AUTHRES_FAIL},       {"hardfail", AUTHRES_FAIL},
        {"temperror", AUTHRES_TEMPERROR}, {"permerror", AUTHRES_TEMPERROR},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].verdict;
    return AUTHRES_NONE;
}

/* NONE says nothing; of two that say something, anything beats a pass. */
static AuthresVerdict
worse(AuthresVerdict a, AuthresVerdict b)
{
    if (a == AUTHRES_NONE || b == AUTHRES_NONE)
        return MAX(a, b);
    if (a == AUTHRES_FAIL || b == AUTHRES_FAIL)
        return AUTHRES_FAIL;
    return MAX(a, b);
}

static void
note(Authres *authres, const char *method, AuthresVerdict verdict,
     const char *from)
{
    if (strcmp(method, "spf") == 0) {
        authres->spf = worse(authres->spf, verdict);
    } else if (strcmp(method, "dkim") == 0) {
        if (authres->dkim != AUTHRES_PASS && verdict != AUTHRES_NONE)
            authres->dkim = verdict;
    } else if (strcmp(method, "dmarc") == 0) {
        /* Two that pass for different domains confirm neither. */
        if (verdict == AUTHRES_PASS && authres->dmarc == AUTHRES_PASS &&
            strcmp(authres->dmarc_domain, from) != 0)
            verdict = AUTHRES_FAIL;
        authres->dmarc = worse(authres->dmarc, verdict);
        g_free(authres->dmarc_domain);
        authres->dmarc_domain = g_strdup(from);
    }
}

/* "name=value" or "name/version=value"; ret_name as scanner->text is. */
static bool
read_pair(Scanner *scanner, char *ret_name)
{
    if (!read_token(scanner))
        return false;
    memcpy(ret_name, scanner->text, sizeof scanner->text);
    char *slash = strchr(ret_name, '/');
    if (slash != NULL)
        *slash = '\0';
    return take(scanner, '=') && read_token(scanner);
}

/* "dmarc=pass (comment) header.from=example.org", up to ";". False: the field
 * is broken, and nothing behind that counts. */
static bool
read_result(Scanner *scanner, Authres *authres)
{
    char method[TOKEN_MAX_BYTES + 1], name[TOKEN_MAX_BYTES + 1];
    g_autofree char *from = g_strdup("");
    if (!read_pair(scanner, method))
        return false;
    AuthresVerdict verdict = verdict_of(scanner->text);
    for (skip_space(scanner); scanner->p < scanner->end && *scanner->p != ';';
         skip_space(scanner)) {
        if (!read_pair(scanner, name))
            return false;
        if (strcmp(name, "header.from") == 0) {
            g_free(from);
            from = g_strdup(scanner->text);
        }
    }
    note(authres, method, verdict, from);
    return true;
}

/* "mx.example.org 1; result; result". */
static void
read_field(const HeaderField *field, const char *authserv_id, Authres *authres)
{
    Scanner scanner = {field->value, field->value + field->value_length, ""};
    if (!read_token(&scanner) ||
        g_ascii_strcasecmp(scanner.text, authserv_id) != 0)
        return;
    skip_space(&scanner);
    if (scanner.p < scanner.end && g_ascii_isdigit(*scanner.p) &&
        (!read_token(&scanner) || strcmp(scanner.text, "1") != 0))
        return; /* a version that we do not know */
    for (size_t i = 0; i < RESULTS_MAX && take(&scanner, ';'); i++) {
        skip_space(&scanner);
        if (scanner.p == scanner.end || !read_result(&scanner, authres))
            return;
    }
}

Authres *
authres_read(const Header *header, const char *authserv_id, size_t own_hops)
{
    size_t hops = 0;
    Authres *authres = g_new0(Authres, 1);
    authres->dmarc_domain = g_strdup("");
    for (guint i = 0; i < header->fields->len; i++) {
        const HeaderField *field =
            &g_array_index(header->fields, HeaderField, i);
        if (header_field_is(field, "Received") && hops++ == own_hops)
            break;
        if (header_field_is(field, "Authentication-Results"))
            read_field(field, authserv_id, authres);
    }
    return authres;
}

void
authres_free(Authres *authres)
{
    if (authres == NULL)
        return;
    g_free(authres->dmarc_domain);
    g_free(authres);
}

bool
authres_confirms(const Authres *authres, const char *addr_spec)
{
    const char *at = strrchr(addr_spec, '@');
    return authres->dmarc == AUTHRES_PASS && at != NULL && at[1] != '\0' &&
           g_ascii_strcasecmp(at + 1, authres->dmarc_domain) == 0;
}

const char *
authres_verdict_name(AuthresVerdict verdict)
{
    static const char *const names[] = {
        [AUTHRES_NONE] = "none",
        [AUTHRES_PASS] = "pass",
        [AUTHRES_FAIL] = "fail",
        [AUTHRES_TEMPERROR] = "temperror",
    };
    return names[verdict];
}
