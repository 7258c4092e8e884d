/*
 * How postern-deliver ends, and by when. Whatever goes wrong ends in leave():
 * input read to its end, one line for the MTA's log, the right status.
 */
#ifndef DELIVER_LEAVE_H
#define DELIVER_LEAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sysexits.h>

/* All waiting ends `seconds` from now; may be set again. */
void set_deadline(long seconds);

/* Wait for poll(2) `events`. False when time is up. */
bool wait_for(int fd, short events);

/* Do nothing for so long. False when time is up. */
bool pause_ms(int ms);

/*
 * Make the process fit for work, whatever it inherited: signals unblocked and
 * all of them "again later", descriptors 0-2 open. Leaves if there is no
 * standard input at all.
 */
void settle_in(void);

/* Standard input into `buffer`, until that is full or the input has ended.
 * Returns how much; leaves on a read error or when time is up. */
size_t read_input(char *buffer, size_t size);

/* True once read(2) itself has reported the end of the input. */
bool input_has_ended(void);

/*
 * Print "enhanced postern-deliver: text", one printable line, and exit with
 * `status`. pipe(8) lets a leading enhanced code override the status, so the
 * two must agree.
 */
void leave(int status, const char *enhanced, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* The usual end: nothing was decided, so the mail shall come again. */
#define leave_for_now(...) leave(EX_TEMPFAIL, "4.3.0", __VA_ARGS__)

#endif
