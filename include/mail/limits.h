/* What a mail may cost. What exceeds it stays in raw only. */
#ifndef MAIL_LIMITS_H
#define MAIL_LIMITS_H

#include <stddef.h>

typedef struct {
    size_t header_field_bytes; /* one header field; 32 KiB */
    size_t header_bytes;       /* all header fields of one entity; 512 KiB */
    size_t header_fields;      /* number of them; 5000 */
    size_t depth;              /* nested parts; 50 */
    size_t parts;              /* parts, and attachments, in all; 1000 */
    size_t addresses;          /* parsed of one field; 1000 */
    size_t text_bytes;         /* decoded text kept; 4 MiB */
    size_t tnef_bytes;         /* a winmail.dat that is opened; 32 MiB */
    size_t hops;               /* Received fields before it is a loop; 50 */
} MailLimits;

extern const MailLimits mail_limits_default;

#endif
