/* Who or what wrote it? RFC 3834, RFC 3464, RFC 2369, and what peers learned. */
#ifndef MAIL_AUTOMATIC_H
#define MAIL_AUTOMATIC_H

#include <stdbool.h>

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

/* "normal", "auto", "list", "bounce". */
const char *automatic_class_name(AutomaticClass class);

#endif
