/*
 * Mail is read in a child process that can do nothing but compute: no file, no
 * socket, no other program; bounded memory, time and stack. What it answers is
 * checked as if an attacker had written it, for perhaps one has. It is used for
 * many mails and replaced now and then, and whenever a mail was too much for
 * it. All secrets stay with the caller.
 *
 * A mail goes over by a piece of memory that the child can only read, and back
 * come the bytes of mail_form.h through a pipe. The program that uses this is
 * started a second time, so its main() calls parser_child_run() first thing
 * when its only argument is PARSER_ARGUMENT. SIGPIPE must be ignored.
 */
#ifndef SANDBOX_PARSER_H
#define SANDBOX_PARSER_H

#include "mail/mail.h"

#define PARSER_ARGUMENT "--parser"

typedef struct {
    bool best_effort;    /* go on where the kernel cannot confine it */
    int64_t wall_s;      /* longest time for one mail, */
    int64_t cpu_s;       /* and how much of it computing */
    size_t memory_bytes; /* of the child's address space, the mail's besides */
    size_t mails;        /* then comes a fresh one */
    size_t mail_bytes;   /* room for a mail; grows if a larger one comes */
} ParserOptions;

typedef enum {
    PARSER_WHOLE,  /* mail_parse() */
    PARSER_PRESCAN /* prescan(), for a mail that has had its strikes */
} ParserMode;

enum { PARSER_START_S = 8 }; /* until one that is started must be there */

typedef struct Parser Parser;

/* Starts nothing yet. Owned by the caller. */
Parser *parser_new(const ParserOptions *options);

/*
 * Have a child ready. FAILURE_CONFIG: the kernel cannot confine it, and that
 * was not said to be good enough; FAILURE_TEMPORARY: it does not start now.
 */
bool parser_start(Parser *parser, GError **error);

/* True if the kernel confines the child that is running. */
bool parser_is_confined(const Parser *parser);

/*
 * Read `raw` as mail_parse() does. NULL, FAILURE_PERMANENT: the child died of
 * this mail, overstayed, did nothing for 5 s, or answered what is no mail; the
 * next call starts another. Else as parser_start().
 */
Mail *parser_read(Parser *parser, GBytes *raw, const char *envelope_sender,
                  const MailLimits *limits, ParserMode mode, GError **error);

/* The next mail has a child that has read no other, and that none has prepared
 * for it: what kills a mail's readers is then its own. */
void parser_renew(Parser *parser);

/* Ends the child. */
void parser_free(Parser *parser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Parser, parser_free)

/* ---- the other side ---- */

/* How the child reads; g_mime_init() has been called. */
typedef Mail *(*ParserFunction)(GBytes *raw, const char *envelope_sender,
                                const MailLimits *limits);

/* Be the child until the caller goes away. Returns: the exit status. */
int parser_child_run(ParserFunction read);

#endif
