#include "imap_token.h"

#include <stdarg.h>
#include <string.h>

const char imap_token_no_number[] = "a number that is none, or does not fit";

bool
imap_token_is(const ImapGuard *guard, const char *word)
{
    return g_ascii_strcasecmp(guard->held, word) == 0;
}

bool
imap_token_read(const char *word, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t length = strspn(word, "0123456789");
    if (length == 0 || word[length] != '\0')
        return false;
    for (; *word != '\0'; word++) {
        uint64_t digit = (uint64_t)(*word - '0');
        number = number > (UINT64_MAX - digit) / 10 ? UINT64_MAX
                                                    : number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

bool
imap_token_number(const ImapGuard *guard, ImapToken token, uint64_t most,
                  uint64_t *ret_number)
{
    return token == IMAP_WORD && imap_token_read(guard->held, ret_number) &&
           *ret_number <= most;
}

void
imap_token_put(const ImapGuard *guard, const char *text)
{
    g_string_append(guard->passed, text);
}

void
imap_token_putf(const ImapGuard *guard, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append_vprintf(guard->passed, format, args);
    va_end(args);
}
