#include "lmtp_client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "leave.h"

#define REPLY_LINES 200

static int connection = -1;

/* Commands that wait for client_flush(). */
static char flight[8192];
static size_t flight_length;

static void
connect_to(const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(socket_path);
    if (length >= sizeof address.sun_path)
        leave_for_now("socket path is too long: %s", socket_path);
    memcpy(address.sun_path, socket_path, length);
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection < 0)
        leave_for_now("cannot make a socket: %s", strerror(errno));
    while (connect(connection, (const struct sockaddr *)&address,
                   sizeof address) != 0) {
        if (errno == EINTR)
            continue;
        /* EAGAIN: as many as the daemon lets wait are waiting already. */
        int why = errno;
        if (why != EAGAIN || !pause_ms(20))
            leave_for_now("cannot reach posternd at %s: %s", socket_path,
                          strerror(why));
    }
}

bool
client_send(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(connection, bytes, length, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            if (!wait_for(connection, POLLOUT))
                return false;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

void
client_flush(void)
{
    if (!client_send(flight, flight_length))
        leave_for_now("lost the connection to posternd");
    flight_length = 0;
}

void
client_say(const char *format, ...)
{
    if (flight_length > sizeof flight / 2)
        client_flush();
    va_list args;
    va_start(args, format);
    int n = vsnprintf(flight + flight_length, sizeof flight - flight_length,
                      format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof flight - flight_length)
        leave_for_now("a command is too long");
    flight_length += (size_t)n;
}

void
client_say_xtext(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c <= ' ' || c > '~' || c == '+' || c == '=')
            client_say("+%02X", c);
        else
            client_say("%c", c);
    }
}

/* Replies */

static char
receive_byte(void)
{
    static char buffer[4096];
    static size_t start;
    static size_t end;
    while (start == end) {
        ssize_t n = recv(connection, buffer, sizeof buffer, 0);
        if (n > 0) {
            start = 0;
            end = (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            if (!wait_for(connection, POLLIN))
                leave_for_now("posternd did not answer in time");
        } else if (n == 0 || errno != EINTR) {
            leave_for_now("posternd closed the connection");
        }
    }
    return buffer[start++];
}

static void leave_by_nonsense(void) __attribute__((noreturn));

static void
leave_by_nonsense(void)
{
    leave_for_now("what posternd answers is no LMTP");
}

static void
read_line(char line[REPLY_LINE_BYTES])
{
    size_t length = 0;
    for (;;) {
        char c = receive_byte();
        if (c == '\n')
            break;
        if (length + 1 == REPLY_LINE_BYTES || c == '\0')
            leave_by_nonsense();
        line[length++] = c;
    }
    if (length > 0 && line[length - 1] == '\r')
        length--;
    line[length] = '\0';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of "d.ddd.ddd" at the head of `text`, or 0. */
static size_t
enhanced_length(const char *text)
{
    if (!is_digit(text[0]) || text[1] != '.')
        return 0;
    size_t i = 2;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        while (digits < 3 && is_digit(text[i + digits]))
            digits++;
        i += digits;
        if (digits == 0 || (part == 0 && text[i++] != '.'))
            return 0;
    }
    return text[i] == ' ' || text[i] == '\0' ? i : 0;
}

/* One line of a reply. True if it is the last one. */
static bool
read_reply_line(Reply *reply)
{
    char line[REPLY_LINE_BYTES];
    read_line(line);
    if (line[0] < '2' || line[0] > '5' || !is_digit(line[1]) ||
        !is_digit(line[2]) || strchr("- ", line[3]) == NULL)
        leave_by_nonsense();
    reply->code =
        (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    const char *text = line[3] == '\0' ? "" : line + 4;
    size_t length = enhanced_length(text);
    reply->enhanced[0] = '\0';
    if (length > 0 && text[0] == line[0]) {
        memcpy(reply->enhanced, text, length);
        reply->enhanced[length] = '\0';
        text += length + (text[length] == ' ');
    }
    memcpy(reply->text, text, strlen(text) + 1);
    return line[3] != '-';
}

Reply
client_reply(void)
{
    Reply reply = {.code = 0};
    for (int i = 0; i < REPLY_LINES; i++)
        if (read_reply_line(&reply))
            return reply;
    leave_by_nonsense();
}

bool
reply_is_good(const Reply *reply)
{
    return reply->code / 100 == 2;
}

int
reply_exit_status(const Reply *reply)
{
    static const struct {
        const char *enhanced; /* or its beginning */
        int code;             /* counts where there is no enhanced code */
        int status;
    } rows[] = {
        {"5.1.", 550, EX_NOUSER},   {"5.1.", 551, EX_NOUSER},
        {"5.1.", 553, EX_NOUSER},   {"5.3.4", 552, EX_DATAERR},
        {"5.6.", 0, EX_DATAERR},    {"5.5.", 500, EX_TEMPFAIL},
        {"5.5.", 501, EX_TEMPFAIL}, {"5.5.", 502, EX_TEMPFAIL},
        {"5.5.", 503, EX_TEMPFAIL}, {"5.5.", 504, EX_TEMPFAIL},
    };
    if (reply->code / 100 != 5)
        return EX_TEMPFAIL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *enhanced = rows[i].enhanced;
        if (*reply->enhanced == '\0'
                ? reply->code == rows[i].code
                : strncmp(reply->enhanced, enhanced, strlen(enhanced)) == 0)
            return rows[i].status;
    }
    return EX_NOPERM;
}

void
leave_by(const Reply *reply, const char *what)
{
    int status = reply_exit_status(reply);
    const char *enhanced = reply->enhanced;
    if (status == EX_TEMPFAIL && *enhanced != '4')
        enhanced = "4.3.0";
    else if (*enhanced == '\0')
        enhanced = status == EX_NOUSER    ? "5.1.1"
                   : status == EX_DATAERR ? "5.3.4"
                                          : "5.7.1";
    shutdown(connection, SHUT_RDWR); /* reading our input may take a while */
    leave(status, enhanced, "%s: %d %s", what, reply->code, reply->text);
}

/* The beginning */

static void
note_ability(const Reply *line, Abilities *abilities)
{
    if (strcasecmp(line->text, "CHUNKING") == 0)
        abilities->chunking = true;
    else if (strcasecmp(line->text, "BINARYMIME") == 0)
        abilities->binarymime = true;
    else if (strcasecmp(line->text, "SMTPUTF8") == 0)
        abilities->smtputf8 = true;
    else if (strncasecmp(line->text, "XFORWARD ", 9) == 0)
        abilities->xforward = true;
}

Abilities
client_open(const char *socket_path)
{
    Abilities abilities = {false, false, false, false};
    connect_to(socket_path);
    Reply reply = client_reply();
    if (!reply_is_good(&reply))
        leave_for_now("posternd is busy: %d %s", reply.code, reply.text);
    client_say("LHLO postern-deliver\r\n");
    client_flush();
    bool last = false;
    for (int i = 0; i < REPLY_LINES && !last; i++) {
        last = read_reply_line(&reply);
        note_ability(&reply, &abilities);
    }
    if (!last || !reply_is_good(&reply) || !abilities.chunking)
        leave_for_now("%s is no socket of posternd's: %d %s", socket_path,
                      reply.code, reply.text);
    return abilities;
}
