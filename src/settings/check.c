#include "check.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text.h"
#include "mail/address.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

char *
check_shown(const char *text)
{
    g_autofree char *valid = text_repair(text, strlen(text));
    g_autofree char *line = text_one_line(valid);
    return text_ellipsis(line, 60);
}

/* G63: libconfig hands out any bytes, so this is where they are judged. */
static const char *
bytes_fault(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return "is not valid UTF-8; save the file as UTF-8";
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
            return "holds a control character or line end; write one line of "
                   "plain text";
    }
    return NULL;
}

static bool
only(const char *text, const char *first, const char *rest)
{
    return text[0] != '\0' && strchr(first, text[0]) != NULL &&
           strspn(text, rest) == strlen(text);
}

static const char *
name_fault(const char *text)
{
    return only(text, LOWER DIGIT, LOWER DIGIT "-")
               ? NULL
               : "is not a name; use small letters, digits and hyphens";
}

static const char *
account_fault(const char *text)
{
    return only(text, LOWER UPPER DIGIT "_", LOWER UPPER DIGIT "_.-$")
               ? NULL
               : "is not the name of a user or group";
}

/* A folder's name too, so nothing but letters, digits and hyphens. */
static const char *
language_fault(const char *text)
{
    size_t letters = strspn(text, LOWER);
    bool good = (letters == 2 || letters == 3) &&
                strspn(text, LOWER DIGIT "-") == strlen(text) &&
                (text[letters] == '\0' || text[letters] == '-') &&
                strstr(text, "--") == NULL && !g_str_has_suffix(text, "-");
    return good ? NULL
                : "is not a language; write a small tag such as \"en\" or "
                  "\"pt-br\"";
}

static const char *
host_fault(const char *text)
{
    return only(text, LOWER UPPER DIGIT ":", LOWER UPPER DIGIT ".:-") &&
                   strstr(text, "..") == NULL
               ? NULL
               : "is not a host; write a name such as mail.example.org or an "
                 "address without brackets";
}

static const char *
path_fault(const char *text)
{
    if (text[0] != '/')
        return "is not an absolute path; begin with '/'";
    if (strstr(text, "/../") != NULL || g_str_has_suffix(text, "/.."))
        return "holds '..'; write the path without it";
    return NULL;
}

/* Narrower than the RFC: what a person writes here is a plain address. */
static const char *
address_fault(const char *text)
{
    const char *at = strchr(text, '@');
    if (at != NULL && strchr(at + 1, '@') != NULL)
        return "holds two '@'; is a comma missing?";
    if (at == NULL || at == text || !address_is_sendable(text) ||
        strpbrk(text, "\",;:()[]\\ ") != NULL || text[0] == '#' ||
        at[1] == '\0' || at[1] == '.' || strstr(at, "..") != NULL ||
        g_str_has_suffix(at, "."))
        return "is not an address; write name@domain alone";
    return NULL;
}

/* True if the keywords of a libpq string hold a password (STYLE.md 4). */
static bool
names_password(const char *text)
{
    static const char *const words[] = {"password", "sslpassword"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        const char *p = text;
        while ((p = strstr(p, words[i])) != NULL) {
            bool begins = p == text || strchr(" ?&", p[-1]) != NULL;
            p += strlen(words[i]);
            if (begins && p[strspn(p, " ")] == '=')
                return true;
        }
    }
    return false;
}

/* True for postgresql://user:password@host. */
static bool
uri_holds_password(const char *text)
{
    if (!g_str_has_prefix(text, "postgresql://") &&
        !g_str_has_prefix(text, "postgres://"))
        return false;
    const char *authority = strstr(text, "://") + 3;
    const char *end = authority + strcspn(authority, "/?");
    const char *at = memchr(authority, '@', (size_t)(end - authority));
    return at != NULL &&
           memchr(authority, ':', (size_t)(at - authority)) != NULL;
}

static const char *
conninfo_fault(const char *text)
{
    if (names_password(text) || uri_holds_password(text))
        return "holds a password; put it into a file of its own and write "
               "passfile=FILE (see PASSFILE in the PostgreSQL manual)";
    return NULL;
}

static const char *
type_fault(KeyType type, const char *text)
{
    switch (type) {
    case KEY_NAME:
        return name_fault(text);
    case KEY_LANGUAGE:
        return language_fault(text);
    case KEY_ACCOUNT:
        return account_fault(text);
    case KEY_HOST:
        return host_fault(text);
    case KEY_PATH:
        return path_fault(text);
    case KEY_ADDRESS:
    case KEY_ADDRESSES:
        return address_fault(text);
    case KEY_CONNINFO:
        return conninfo_fault(text);
    case KEY_STRING:
    case KEY_ARGV:
    case KEY_INTEGER:
    case KEY_BOOL:
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_MODE:
    case KEY_DATE:
    case KEY_WORD:
        return NULL;
    }
    g_assert_not_reached();
}

/* The password in a conninfo must not reach a log with the message. */
static char *
sentence(KeyType type, const char *text, const char *fault)
{
    if (fault == NULL)
        return NULL;
    if (type == KEY_CONNINFO)
        return g_strdup(fault);
    g_autofree char *shown = check_shown(text);
    return g_strdup_printf("'%s' %s", shown, fault);
}

char *
check_text(const Key *key, const char *text)
{
    const char *fault = bytes_fault(text);
    if (fault != NULL)
        return sentence(key->type, text, fault);
    size_t length = strlen(text);
    if (length == 0 && key->min == 0)
        return NULL;
    if (length == 0)
        return g_strdup("is empty; write a value");
    if ((int64_t)length > key->max)
        return g_strdup_printf(
            "is %zu bytes long; write at most %" G_GINT64_FORMAT, length,
            key->max);
    if ((int64_t)length < key->min)
        return g_strdup_printf("is too short; write at least %" G_GINT64_FORMAT
                               " letters",
                               key->min);
    return sentence(key->type, text, type_fault(key->type, text));
}

char *
check_element(const Key *key, const char *text, size_t index)
{
    const char *fault = bytes_fault(text);
    if (fault == NULL && strlen(text) > 4096)
        fault = "is longer than 4096 bytes";
    if (fault == NULL && key->type == KEY_ADDRESSES)
        fault = address_fault(text);
    if (fault == NULL && key->type == KEY_ARGV && index == 0)
        fault = path_fault(text);
    return sentence(key->type, text, fault);
}

bool
check_is_loopback(const char *host)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool
check_is_this_machine(const char *host)
{
    return g_ascii_strcasecmp(host, "localhost") == 0 ||
           check_is_loopback(host);
}
