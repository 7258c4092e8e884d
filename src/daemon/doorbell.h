/*
 * "Look now": an eventfd from those who make work to those who do it. A ring
 * may be lost or in vain; polling is the truth.
 */
#ifndef DAEMON_DOORBELL_H
#define DAEMON_DOORBELL_H

/* Close-on-exec, not blocking; -1 with errno. */
int doorbell_new(void);
void doorbell_ring(int doorbell);
/* Take all rings so far. */
void doorbell_answer(int doorbell);

#endif
