/* A large mail's way into raw_mail. Private to the room. */
#ifndef STORE_DELIVERY_LARGE_H
#define STORE_DELIVERY_LARGE_H

#include "store/pg.h"

/* Copy it there unless it is there. Inside a transaction, with nothing queued
 * that is not answered. */
bool delivery_add_large(Pg *pg, GBytes *digest, GBytes *raw, GError **error);

#endif
