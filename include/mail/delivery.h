/* The parcel that arrives: an envelope and bytes, as accepted. */
#ifndef MAIL_DELIVERY_H
#define MAIL_DELIVERY_H

#include <glib.h>
#include <stdint.h>

typedef struct {
    int64_t id;               /* 0 before it is stored */
    char *key;                /* source key: the same on every attempt */
    char *transport;          /* "lmtp", "pipe" or "imap" */
    char *envelope_sender;    /* "" is the null reverse-path; NULL: unknown
                                 until the mail is read */
    char *envelope_recipient; /* as given, one a delivery */
    char *queue;              /* named by the hand-over; "" = by recipient */
    char *mta_queue_id;       /* of the MTA that handed it over; "" */
    GBytes *raw;              /* byte for byte; NULL while still unread */
    GBytes *raw_digest;       /* SHA-256 of raw; NULL before it is stored */
    int64_t received_at_s;    /* Unix seconds, database clock */
    int64_t waited_us;        /* from then until it was read */
    int64_t turn_us;          /* when it is taken: the lowest first */
    int strikes;              /* workers that died or overstayed on it */
    int64_t message_id_no;    /* the message it became before, when it is
                                 processed again; 0 */
    int64_t ticket_id;        /* likewise */
} Delivery;

void delivery_free(Delivery *delivery);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Delivery, delivery_free)

#endif
