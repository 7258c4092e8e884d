/*
 * What an IMAP server says, rewritten before libetpan reads it. libetpan's
 * parser recurses, cuts numbers to 32 bits, frees what it does not have and
 * makes of two octets sixty-four; a list of what it must not meet has no end.
 * So this is a grammar of what it may meet (imap_grammar.c, imap_code.c), and
 * libetpan reads no octet that the guard has not written itself, but for the
 * inside of a mail and the text that ends a line:
 *
 *     * OK [CODE] text      NO, BAD, BYE, PREAUTH, tagged and "+" alike
 *     * CAPABILITY A B      * SEARCH 1 2       * 3 EXISTS       * 0 RECENT
 *     * LIST (\Noselect) NIL "name"
 *     * 1 FETCH (UID 4 RFC822.SIZE 9 MODSEQ (7) BODY[] {9}CRLF...)
 *
 * It rewrites, and does not just refuse, because servers say much that nobody
 * asked for, each in its own way: what is not used is left out (answers and
 * items of FETCH) or becomes text (codes), in whatever shape it comes, and what
 * is used has one shape only, whatever the server's. Thus there is also no
 * second opinion about where a literal begins. A connection ends where what is
 * used is malformed, beyond a limit, or goes on in a way that nobody can tell.
 *
 * It sees each octet once, keeps IMAP_GUARD_HELD of them, and does no I/O.
 * Private to transport.
 */
#ifndef TRANSPORT_IMAP_GUARD_H
#define TRANSPORT_IMAP_GUARD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IMAP_GUARD_DEPTH = 16,         /* of parentheses: what is asked for has 2 */
    IMAP_GUARD_WORDS = 500 * 1000, /* of an answer: libetpan makes 64 bytes of
                                      each */
    IMAP_GUARD_LINE_WORDS = 8,     /* that a line costs by itself */
    IMAP_GUARD_HELD = 8191, /* octets of a word, of a code such as the UIDs of
                               a hundred mails, of a quoted string */
};

/* What a line is made of, but for the text that may end it. */
typedef enum {
    IMAP_WORD,    /* in `held` */
    IMAP_STRING,  /* in `held` */
    IMAP_LITERAL, /* of `number` octets, to come: set `literal` */
    IMAP_OPEN,    /* `depth` counts it */
    IMAP_CLOSE,   /* `depth` does not */
    IMAP_END,
} ImapToken;

typedef struct ImapGuard ImapGuard;

/* What is expected next. NULL: that may come; else why not, a static text. */
typedef const char *(*ImapForm)(ImapGuard *guard, ImapToken token);

/* A zeroed one is at the beginning of a connection. */
struct ImapGuard {
    bool mails;   /* are asked for: else BODY[] ends the connection */
    bool greeted; /* its first line is over */
    bool more;    /* something has come behind the last tagged answer */
    size_t words; /* since then */

    /* Where it is in what comes. */
    enum {
        IMAP_AT_GAP,
        IMAP_IN_WORD,
        IMAP_IN_QUOTED,
        IMAP_IN_BRACE, /* "{12}", which may be a literal's */
        IMAP_AT_TEXT,  /* or at the code in front of it */
        IMAP_IN_CODE,
        IMAP_IN_TEXT,
    } at;
    bool escaped;    /* behind a backslash in a quoted string */
    uint64_t number; /* of the brace */
    bool digits;     /* it has some */
    bool closed;     /* it is over */
    uint64_t skip;   /* octets of a literal that are still to come */
    enum { IMAP_DROP, IMAP_PASS, IMAP_HOLD } literal; /* what becomes of them */
    char held[IMAP_GUARD_HELD + 1];
    size_t held_bytes;
    bool cut; /* there were more */

    /* Where it is in the grammar, of this line. */
    struct {
        ImapForm form;  /* NULL: at its beginning */
        unsigned depth; /* of open parentheses */
        unsigned step;  /* of the form */
        bool coded;     /* a code in it may pass as one */
        bool written;   /* some of it, to be read */
        bool counted;   /* "* 12" */
        uint64_t count;
        const char *word; /* what kind of answer it is */
        ImapForm item;    /* of FETCH: what takes its value */
        bool noselect;    /* of LIST */
    } line;
    GString *passed; /* while imap_guard_pass() runs */
};

/*
 * Add to `passed` what libetpan may read of these bytes, which may end
 * anywhere. NULL: go on. Else the connection must end; the static text says
 * why.
 */
const char *imap_guard_pass(ImapGuard *guard, const char *bytes, size_t length,
                            GString *passed);

#endif
