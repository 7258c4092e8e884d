/* What parser.c and parser_child.c say to each other, over three descriptors.
 * Both are the same program: numbers go as they are. */
#ifndef SANDBOX_FORM_H
#define SANDBOX_FORM_H

#include "sandbox/parser.h"

enum {
    FD_REQUEST = 3, /* the child reads, */
    FD_ANSWER,      /* and writes, */
    FD_TRAY         /* and sees what mail there is */
};

/* The first that the parent says. */
typedef struct {
    uint64_t memory_bytes;
    uint64_t cpu_s; /* in all its life */
    uint64_t tray_bytes;
} ParserSetup;

/* And the answer to it. */
typedef struct {
    uint32_t is_ready;
    uint32_t is_confined;
} ParserHello;

/* In the tray lie the envelope sender, without NUL, and then the mail. The
 * answer is its length as uint64_t, and a form. */
typedef struct {
    uint64_t mail_bytes;
    uint64_t sender_bytes;
    uint32_t knows_sender;
    uint32_t mode; /* ParserMode */
    MailLimits limits;
} ParserRequest;

#endif
