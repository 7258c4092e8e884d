/*
 * What an IMAP server says: the client, with our own Stream replaced by the
 * bytes at hand, must live through whatever comes, the guard must see the same
 * however the bytes are cut, and libetpan must read nothing but what is listed
 * in `lines`. The first byte says which answer of an ordinary session the rest
 * stands in front of ("@" the greeting, "A" the first capabilities, ...), or
 * instead of ("`", "a", ...); 128 more, and the server is able to do little.
 */
#include <string.h>

#include "../../src/transport/imap_guard.h"
#include "fuzz.h"
#include "served.h"
#include "transport/imap.h"

/* ---- the stream ---- */

struct Stream {
    mailstream *mail;
    Served server;
    GString *read; /* all that libetpan could */
    StreamGuard guard;
    void *guard_context;
    const char *error; /* NULL: alive */
};

enum { ANSWERS = 15 }; /* of a session */

static const GString *said;
static const char *pauses[ANSWERS]; /* where an answer in it ends */

static bool
lets_pass(void *user, const char *bytes, size_t n, GString *passed)
{
    Stream *stream = user;
    size_t before = passed->len;
    if (stream->error == NULL)
        stream->error = stream->guard(stream->guard_context, bytes, n, passed);
    g_string_append_len(stream->read, passed->str + before,
                        (gssize)(passed->len - before));
    return stream->error == NULL;
}

Stream *
stream_open(const char *host, uint16_t port, int64_t timeout_s,
            StreamReport *ret_report, GError **error)
{
    (void)host;
    (void)port;
    (void)timeout_s;
    (void)ret_report;
    (void)error;
    Stream *stream = g_new0(Stream, 1);
    stream->read = g_string_new(NULL);
    stream->server = (Served){.next = said->str,
                              .left = said->len,
                              .guard = lets_pass,
                              .user = stream,

                              .pauses = pauses,
                              .n_pauses = ANSWERS};
    stream->mail = served_open(&stream->server);
    return stream;
}

static void check_read(const GString *read);

/* By then libetpan has closed its own. */
void
stream_close(Stream *stream)
{
    check_read(stream->read);
    g_string_free(stream->read, TRUE);
    served_clear(&stream->server);
    g_free(stream);
}

bool
stream_start_tls(Stream *stream, const char *host, const char *ca_file,
                 StreamReport *ret_report, GError **error)
{
    (void)stream;
    (void)host;
    (void)ca_file;
    (void)ret_report;
    (void)error;
    return true;
}

bool
stream_is_private(const Stream *stream)
{
    (void)stream;
    return true;
}

void
stream_set_deadline(Stream *stream, int64_t timeout_s)
{
    (void)stream;
    (void)timeout_s;
}

void
stream_set_budget(Stream *stream, size_t bytes)
{
    (void)stream;
    (void)bytes;
}

void
stream_set_guard(Stream *stream, StreamGuard guard, void *context)
{
    stream->guard = guard;
    stream->guard_context = context;
}

void *
stream_mailstream(Stream *stream)
{
    return stream->mail;
}

int
stream_fd(const Stream *stream)
{
    (void)stream;
    return -1;
}

const char *
stream_error(const Stream *stream)
{
    return stream->error != NULL ? stream->error : "";
}

bool
stream_is_dead(const Stream *stream)
{
    return stream->error != NULL;
}

void
stream_give_up(Stream *stream, const char *why)
{
    (void)why;
    if (stream->error == NULL)
        stream->error = "given up";
}

bool
stream_has_news(Stream *stream)
{
    return stream->error != NULL || served_has_more(&stream->server) ||
           stream->error != NULL;
}

void
stream_report_clear(StreamReport *report)
{
    (void)report;
}

/* ---- what libetpan may read ---- */

#define TEXT "[^\\r\\n\\x00]*"
#define NUMBER "[0-9]{1,10}"
#define LONG "[0-9]{1,20}"
#define SET NUMBER "(:" NUMBER ")?(," NUMBER "(:" NUMBER ")?)*"
#define CODE                                                                   \
    "\\[(READ-ONLY|READ-WRITE|NOMODSEQ|UIDNEXT " NUMBER "|UIDVALIDITY " NUMBER \
    "|HIGHESTMODSEQ " LONG                                                     \
    "|PERMANENTFLAGS \\(\\\\(\\*|Seen)\\)|COPYUID " NUMBER " " SET " " SET     \
    ")\\]"
#define INERT "([^\\[\\r\\n\\x00 \\t]" TEXT ")?" /* it begins with no code */
#define WORDS "(" CODE TEXT "|" INERT ")"
#define ITEM                                                                   \
    "(UID " NUMBER "|RFC822\\.SIZE " NUMBER "|MODSEQ \\(" LONG "\\)"           \
    "|BODY\\[\\] (NIL|\\{" NUMBER "\\}))"

static const char lines[] =
    "^(\\* OK " WORDS "|\\* (NO|BAD|BYE|PREAUTH) " INERT "|[0-9]+ OK " WORDS
    "|[0-9]+ (NO|BAD) " INERT "|\\+ " INERT "|\\* CAPABILITY( [!-~]+)+"
    "|\\* SEARCH( " NUMBER ")*"
    "|\\* " NUMBER " (EXISTS|RECENT)"
    "|\\* LIST \\((\\\\Noselect)?\\) NIL "
    "\"([^\"\\\\\\x00-\\x1F]|\\\\[\"\\\\])*\""
    "|\\x01[^\\r\\n\\x00]+"
    "|\\* " NUMBER " FETCH \\(" ITEM "( " ITEM ")*\\))\\r\\n$";

static const GRegex *
line_regex(void)
{
    static GRegex *regex;
    if (regex == NULL)
        regex = g_regex_new(
            lines, G_REGEX_RAW | G_REGEX_OPTIMIZE | G_REGEX_DOLLAR_ENDONLY, 0,
            NULL);
    g_assert(regex != NULL);
    return regex;
}

static bool
is_fetch(const char *line)
{
    size_t number = strspn(line + MIN(strlen(line), 2), "0123456789");
    return number > 0 && g_str_has_prefix(line, "* ") &&
           g_str_has_prefix(line + 2 + number, " FETCH (");
}

/* A line without the octets of its literals. Returns: behind it; NULL: it has
 * not ended. */
static const char *
take_line(const char *at, const char *end, GString *line)
{
    g_string_truncate(line, 0);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            return NULL;
        g_string_append_len(line, at, stop + 1 - at);
        at = stop + 1;
        const char *brace = strrchr(line->str, '{');
        if (brace == NULL || !is_fetch(line->str) ||
            !g_str_has_suffix(line->str, "}\r\n"))
            return at;
        uint64_t size = g_ascii_strtoull(brace + 1, NULL, 10);
        if (size > (uint64_t)(end - at))
            return NULL;
        at += size;
        g_string_truncate(line, line->len - 2);
    }
    return NULL;
}

static void
check_read(const GString *read)
{
    g_autoptr(GString) line = g_string_new(NULL);
    const char *end = read->str + read->len;
    const char *at = take_line(read->str, end, line);
    for (; at != NULL; at = take_line(at, end, line)) {
        bool known = g_regex_match_full(line_regex(), line->str,
                                        (gssize)line->len, 0, 0, NULL, NULL);
        g_autofree char *shown = g_strescape(line->str, NULL);
        if (!known)
            g_printerr("libetpan may read: %s\n", shown);
        g_assert(known);
    }
}

/* ---- an ordinary session ---- */

static const char *const sessions[2][ANSWERS] = {
    {"* OK hi\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n1 OK x\r\n", "+ \r\n",
     "2 OK x\r\n",
     "* CAPABILITY IMAP4rev1 IDLE MOVE UIDPLUS CONDSTORE\r\n3 OK x\r\n",
     "* LIST () \"/\" INBOX\r\n4 OK x\r\n",
     "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [HIGHESTMODSEQ 4] x\r\n5 OK "
     "x\r\n",
     "* SEARCH 10 11\r\n6 OK x\r\n",
     "* 1 FETCH (UID 10 RFC822.SIZE 3 MODSEQ (5))\r\n7 OK x\r\n",
     "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n8 OK x\r\n",
     "+ idling\r\n* 3 EXISTS\r\n", "9 OK x\r\n", "10 OK x\r\n",
     "* OK [COPYUID 9 10:11 1:2] x\r\n11 OK x\r\n", "* BYE x\r\n12 OK x\r\n"},
    /* LOGIN, no MODSEQ, no IDLE, COPY. */
    {"* OK hi\r\n", "* CAPABILITY IMAP4rev1 UIDPLUS\r\n1 OK x\r\n",
     "* OK x\r\n", "2 OK x\r\n", "* CAPABILITY IMAP4rev1 UIDPLUS\r\n3 OK x\r\n",
     "* LIST () \"/\" INBOX\r\n4 OK x\r\n",
     "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n5 OK [READ-WRITE] x\r\n",
     "* SEARCH 10 11\r\n6 OK x\r\n",
     "* 1 FETCH (UID 10 RFC822.SIZE 3)\r\n7 OK x\r\n",
     "* 1 FETCH (UID 10 BODY[] {3}\r\nabc)\r\n8 OK x\r\n", "9 OK x\r\n",
     "10 OK [COPYUID 9 10:11 1:2] x\r\n", "11 OK x\r\n",
     "* 1 EXPUNGE\r\n12 OK x\r\n", "* BYE x\r\n13 OK x\r\n"},
};

static bool
note_mail(void *context, uint32_t uid, GBytes *raw)
{
    (void)context;
    g_assert(uid == 10 || uid == 11);
    g_assert(raw != NULL);
    return true;
}

static void
use_folder(ImapClient *client)
{
    static const uint32_t uids[] = {10, 11};
    static const ImapMessage messages[] = {{10, 3}, {11, 2}};
    bool news;
    int64_t moved;
    g_autoptr(GArray) found = imap_search(client, 5, 0, NULL);
    if (found == NULL)
        return;
    for (guint i = 1; i < found->len; i++)
        g_assert(g_array_index(found, uint32_t, i - 1) <=
                 g_array_index(found, uint32_t, i));
    g_autoptr(GArray) sizes = imap_sizes(client, uids, 2, NULL);
    if (sizes != NULL &&
        imap_fetch(client, messages, 2, "/tmp", 1 << 20, note_mail, NULL,
                   NULL) &&
        imap_wait(client, -1, 0, &news, NULL) &&
        imap_mark(client, uids, 2, "\\Seen", NULL))
        imap_move(client, uids, 2, "Done", &moved, NULL);
}

static void
use_server(void)
{
    Account account = {.name = "a",
                       .host = "h",
                       .port = 143,
                       .tls = TLS_OFF,
                       .ca_file = "",
                       .user = "anna",
                       .mailbox = "",
                       .timeout_s = 1};
    ImapReport report;
    ImapFolder folder;
    g_autoptr(GError) error = NULL;
    ImapClient *client = imap_open(&account, "secret", &report, &error);
    if (client != NULL) {
        g_autoptr(GPtrArray) folders = imap_list(client, NULL);
        if (folders != NULL &&
            imap_select(client, "INBOX", true, &folder, NULL))
            use_folder(client);
    }
    imap_close(client);
    imap_report_clear(&report);
}

static void
cut_it(const char *bytes, size_t size)
{
    ImapGuard whole = {.mails = true}, single = {.mails = true};
    g_autoptr(GString) passed = g_string_new(NULL), also = g_string_new(NULL);
    const char *why = imap_guard_pass(&whole, bytes, size, passed);
    const char *too = NULL;
    for (size_t i = 0; i < size && too == NULL; i++)
        too = imap_guard_pass(&single, bytes + i, 1, also);
    g_assert(why == too); /* static texts */
    g_assert(g_string_equal(passed, also));
    check_read(passed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    cut_it((const char *)data + 1, size - 1);
    g_autoptr(GString) text = g_string_new(NULL);
    const char *const *answers = sessions[(data[0] & 0x80) != 0];
    bool instead = (data[0] & 0x20) != 0;
    size_t place = (data[0] & 0x1F) % ANSWERS;
    size_t ends[ANSWERS];
    for (size_t i = 0; i < ANSWERS; i++) {
        if (i == place)
            g_string_append_len(text, (const char *)data + 1,
                                (gssize)(size - 1));
        if (i != place || !instead)
            g_string_append(text, answers[i]);
        ends[i] = text->len;
    }
    for (size_t i = 0; i < ANSWERS; i++)
        pauses[i] = text->str + ends[i];
    said = text;
    use_server();
    return 0;
}
