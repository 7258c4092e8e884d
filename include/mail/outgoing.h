/* The parcel that leaves: an envelope and bytes that are ready for the wire. */
#ifndef MAIL_OUTGOING_H
#define MAIL_OUTGOING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    OUTGOING_ACKNOWLEDGEMENT, /* our own first answer: sent at most once */
    OUTGOING_REPLY,           /* a human's answer: sent at least once */
    OUTGOING_NOTICE,          /* tells the desk's own people: at least once */
    OUTGOING_ADMIN            /* tells the admin: at least once */
} OutgoingKind;

/* "acknowledgement", "reply", "notice", "admin". */
const char *outgoing_kind_name(OutgoingKind kind);
/* The reverse; false and untouched for any other word. */
bool outgoing_kind_parse(const char *name, OutgoingKind *ret_kind);

/* True if an uncertain end must not be repeated (at most once). */
bool outgoing_kind_is_once(OutgoingKind kind);

typedef struct {
    OutgoingKind kind;
    int64_t ticket_id;     /* 0: none */
    int64_t message_id_no; /* row of the message it carries or answers; 0 */
    int64_t delivery_id;   /* the mail it answers; 0 */
    char *envelope_sender; /* "" is the null reverse-path */
    GPtrArray *recipients; /* char* addr-specs, at least one */
    char *message_id;      /* no brackets; fixed for ever */
    GBytes *content;       /* RFC 5322, CRLF, 7-bit, lines <= 998 */
} Outgoing;

void outgoing_free(Outgoing *outgoing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outgoing, outgoing_free)

#endif
