/*
 * The daemon's side of the line: the LMTP connection (RFC 2033) and what its
 * replies mean to an MTA. One connection in a process. Doubt leaves with 75.
 */
#ifndef DELIVER_LMTP_CLIENT_H
#define DELIVER_LMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_LINE_BYTES 1024

typedef struct {
    int code;          /* 200 to 599; 0: none */
    char enhanced[16]; /* "5.1.1"; "" if none, or not of the code's class */
    char text[REPLY_LINE_BYTES];
} Reply;

/* What the daemon said it can do; we need the first. */
typedef struct {
    bool chunking;
    bool binarymime;
    bool smtputf8;
    bool xforward;
} Abilities;

/* Connect to the UNIX socket, greet, and ask what it can do. */
Abilities client_open(const char *socket_path);

/* Add to the commands that go out with the next client_flush(). */
void client_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same as xtext (RFC 3461 section 4). */
void client_say_xtext(const char *text);

/* Send what was said. */
void client_flush(void);

/* Send these bytes now. False: the daemon takes no more; its reply may say
 * why. */
bool client_send(const char *bytes, size_t length);

/* The next reply; of many lines, the last one's text. */
Reply client_reply(void);

/* True if it says yes. */
bool reply_is_good(const Reply *reply);

/*
 * The exit status for a refusal. Only what was decided about this mail is
 * final; a 5xx about the protocol (5.5.x) says that we are broken, and that can
 * heal.
 */
int reply_exit_status(const Reply *reply);

/* Hang up and leave with what the daemon said. */
void leave_by(const Reply *reply, const char *what) __attribute__((noreturn));

#endif
