/*
 * What was read last. One mail may be handed over a thousand times, for as many
 * recipients; it is read once. Private to the room.
 */
#ifndef GATEWAY_READING_H
#define GATEWAY_READING_H

#include "gateway/desk.h"
#include "mail/delivery.h"
#include "mail/mail.h"

enum {
    READINGS_MAX = 8,                 /* mails that are remembered */
    READINGS_BYTES = 16 * 1024 * 1024 /* of them all; the last may be larger */
};

/* A mail as it was read, shared by the deliveries of the same bytes from the
 * same envelope sender; const from then on. */
typedef struct {
    gint refs;
    GBytes *raw_digest;
    char *envelope_sender; /* as handed over; NULL: not known */
    Mail *mail;
    GBytes *content_digest; /* see digest_content() */
} Reading;

/* Takes `mail`. */
Reading *reading_new(const Delivery *delivery, const char *envelope_sender,
                     Mail *mail);
Reading *reading_ref(Reading *reading);
void reading_unref(Reading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reading, reading_unref)

Readings *readings_new(void);
void readings_free(Readings *readings);

/* What was read of these bytes, from this sender; a reference, or NULL. */
Reading *readings_find(Readings *readings, const Delivery *delivery);
/* Remember it instead of the oldest ones. */
void readings_keep(Readings *readings, Reading *reading);
/* Nothing waits: what is remembered is only in the way. */
void readings_forget(Readings *readings);

#endif
