/* Who or what wrote it? RFC 3834, RFC 3464, RFC 2369, and what peers learned.
 */
#ifndef MAIL_AUTOMATIC_H
#define MAIL_AUTOMATIC_H

#include <stdbool.h>

#include "mail/address.h"
#include "mail/header.h"

typedef enum {
    AUTOMATIC_NONE,  /* a person may have written it: "normal" */
    AUTOMATIC_AUTO,  /* a machine, in answer or on its own */
    AUTOMATIC_LIST,  /* mailing list or bulk mail */
    AUTOMATIC_BOUNCE /* a report of failed or delayed delivery */
} AutomaticClass;

typedef struct {
    AutomaticClass class;
    const char *reason; /* stable slug of the rule that decided; "" for NONE */
    bool suppress_acknowledgement; /* X-Auto-Response-Suppress alone: a person
                                      wrote, yet we keep silent */
} Automatic;

/* What the judgement rests on; all borrowed. */
typedef struct {
    const Header *header;        /* of the mail itself */
    const char *envelope_sender; /* NULL if unknown; "" is the null one */
    const char *subject;         /* decoded; "" if none */
    const Address *originator;   /* NULL if none */
    const char *report_type;     /* of a multipart/report, else NULL */
} AutomaticEvidence;

/*
 * Judge by header, subject and envelope: the union of what peers recognise.
 * Delivery reports are recognised by dsn.h before this is asked; here mail
 * from nobody (null reverse-path) is "auto".
 */
Automatic automatic_judge(const AutomaticEvidence *evidence);

/* The static string of a reason by that name, "" included; NULL if no rule has
 * it. */
const char *automatic_reason_find(const char *name);

/* "normal", "auto", "list", "bounce". */
const char *automatic_class_name(AutomaticClass class);

#endif
