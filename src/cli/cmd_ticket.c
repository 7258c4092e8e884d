#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.h"
#include "cli.h"
#include "commands.h"
#include "gateway/answer.h"
#include "json.h"
#include "store/record.h"

enum { LIST_DEFAULT = 30, TEXT_MAX_BYTES = 10 * 1024 * 1024 };

/* ---- list ---- */

static int
ticket_list(int argc, char **argv)
{
    g_autofree char *queue = NULL, *status = NULL;
    int limit = LIST_DEFAULT;
    gboolean json = FALSE;
    const GOptionEntry options[] = {
        {"queue", 'q', 0, G_OPTION_ARG_STRING, &queue, "only of this queue",
         "NAME"},
        {"status", 's', 0, G_OPTION_ARG_STRING, &status,
         "only open, pending or closed ones", "WORD"},
        {"limit", 'n', 0, G_OPTION_ARG_INT, &limit, "at most so many (30)",
         "N"},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "an array of objects", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {"ticket list [OPTION...]",
                          "List tickets, those touched last first.",
                          "EXAMPLES\n  postern ticket list --status open\n"
                          "  postern ticket list --json | jq '.[].ticket'",
                          options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    TicketStatus unused;
    if (status != NULL && !ticket_status_parse(status, &unused))
        return cli_usage("ticket list", "--status is open, pending or closed");
    g_autofree char *limit_text = g_strdup_printf("%d", MAX(limit, 1));
    const char *const arguments[] = {queue != NULL ? queue : "",
                                     status != NULL ? status : "", limit_text,
                                     NULL};
    static const char *const columns[] = {"ticket",  "status",    "queue",
                                          "updated", "requester", "messages",
                                          "subject", NULL};
    return cli_show(INSPECT_TICKETS, arguments, columns, json, NULL);
}

/* ---- show ---- */

typedef struct {
    InspectTable *ticket;
    InspectTable *messages;
    InspectTable *parties;
    InspectTable *events;
    InspectTable *mails;
} Shown;

static void
shown_clear(Shown *shown)
{
    inspect_table_free(shown->ticket);
    inspect_table_free(shown->messages);
    inspect_table_free(shown->parties);
    inspect_table_free(shown->events);
    inspect_table_free(shown->mails);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Shown, shown_clear)

static bool
load_shown(Txn *txn, const char *number, Shown *shown, GError **error)
{
    const char *const arguments[] = {number, NULL};
    return (shown->ticket =
                inspect_ask(txn, INSPECT_TICKET, arguments, error)) != NULL &&
           (shown->messages =
                inspect_ask(txn, INSPECT_MESSAGES, arguments, error)) != NULL &&
           (shown->parties =
                inspect_ask(txn, INSPECT_PARTIES, arguments, error)) != NULL &&
           (shown->events =
                inspect_ask(txn, INSPECT_EVENTS, arguments, error)) != NULL &&
           (shown->mails = inspect_ask(txn, INSPECT_TICKET_MAILS, arguments,
                                       error)) != NULL;
}

static void
print_shown_json(const Shown *shown)
{
    json_t *object = cli_json_row(shown->ticket, 0);
    json_object_set_new(object, "messages", cli_json_table(shown->messages));
    json_object_set_new(object, "parties", cli_json_table(shown->parties));
    json_object_set_new(object, "events", cli_json_table(shown->events));
    json_object_set_new(object, "outgoing", cli_json_table(shown->mails));
    cli_json_write(object);
}

/* The part the author wrote; all of it with --whole. */
static void
print_body(const InspectTable *messages, guint row, bool whole)
{
    const char *body = inspect_get(messages, row, "body");
    size_t length = strlen(body);
    gint64 start =
        g_ascii_strtoll(inspect_get(messages, row, "reply_start"), NULL, 10);
    gint64 end =
        g_ascii_strtoll(inspect_get(messages, row, "reply_end"), NULL, 10);
    if (whole || start < 0 || end <= start || (size_t)end > length) {
        start = 0;
        end = (gint64)length;
    }
    g_autofree char *part = g_strndup(body + start, (gsize)(end - start));
    g_strstrip(part);
    printf("\n%s\n", *part != '\0' ? part : "(no readable text)");
    if ((size_t)(end - start) + 1 < length)
        printf("\n(quoted text hidden; --whole shows it)\n");
}

static void
print_message(const InspectTable *messages, guint row, const char *ticket,
              bool whole)
{
    const char *name = inspect_get(messages, row, "author_name");
    const char *author = inspect_get(messages, row, "author");
    printf("\n--- %s %s, %s  %s%s<%s>", inspect_get(messages, row, "kind"),
           inspect_get(messages, row, "message"),
           inspect_get(messages, row, "received"), name,
           *name != '\0' ? " " : "", author);
    if (strcmp(inspect_get(messages, row, "class"), "normal") != 0)
        printf("  (%s: %s)", inspect_get(messages, row, "class"),
               inspect_get(messages, row, "class_reason"));
    putchar('\n');
    if (strcmp(inspect_get(messages, row, "attachments"), "0") != 0)
        printf("    %s attachment(s): postern ticket attachment %s %s\n",
               inspect_get(messages, row, "attachments"), ticket,
               inspect_get(messages, row, "message"));
    print_body(messages, row, whole);
}

static void
print_shown(const Shown *shown, bool whole)
{
    static const char *const party_columns[] = {"role", "address", "name",
                                                NULL};
    static const char *const event_columns[] = {"at", "event", "actor",
                                                "detail", NULL};
    static const char *const mail_columns[] = {
        "outgoing", "kind", "state", "recipients", "last_error", NULL};
    cli_print_fields(shown->ticket, 0);
    for (guint row = 0; row < shown->messages->rows->len; row++)
        print_message(shown->messages, row,
                      inspect_get(shown->ticket, 0, "ticket"), whole);
    putchar('\n');
    cli_print_table(shown->parties, party_columns);
    if (shown->mails->rows->len > 0) {
        putchar('\n');
        cli_print_table(shown->mails, mail_columns);
    }
    putchar('\n');
    cli_print_table(shown->events, event_columns);
}

static int
ticket_show(int argc, char **argv)
{
    gboolean json = FALSE, whole = FALSE;
    const GOptionEntry options[] = {
        {"whole", 'w', 0, G_OPTION_ARG_NONE, &whole, "quoted earlier mail too",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "one object", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "ticket show [OPTION...] NUMBER",
        "Show a ticket: what was said, who belongs to it, what was sent, and\n"
        "why it is as it is.",
        "EXAMPLES\n  postern ticket show 1042\n"
        "  postern ticket show --json 1042 | jq -r '.messages[0].body'",
        options};
    int end = cli_options(&help, &argc, &argv);
    int64_t number;
    if (end >= 0)
        return end;
    if (argc != 2 || !cli_number(argv[1], &number))
        return cli_usage("ticket show", "one ticket number is needed");
    g_auto(Cli) cli = {NULL, NULL};
    g_auto(Shown) shown = {NULL, NULL, NULL, NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL || !load_shown(txn, argv[1], &shown, &error))
        return cli_fail(error);
    if (shown.ticket->rows->len == 0)
        return cli_not_found("ticket", number);
    if (json)
        print_shown_json(&shown);
    else
        print_shown(&shown, whole);
    return CLI_GOOD;
}

/* ---- raw ---- */

static int
ticket_raw(int argc, char **argv)
{
    static const CliHelp help = {
        "ticket raw NUMBER MESSAGE",
        "Write the original of a message to standard output, byte for byte as\n"
        "it was accepted. `ticket show` tells the MESSAGE numbers.",
        "EXAMPLES\n  postern ticket raw 1042 2310 > mail.eml", NULL};
    int64_t number, message;
    bool found;
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc != 3 || !cli_number(argv[1], &number) ||
        !cli_number(argv[2], &message))
        return cli_usage("ticket raw", "a ticket and a message are needed");
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL ||
        !inspect_message_raw(txn, number, message, stdout, &found, &error))
        return cli_fail(error);
    if (!found)
        return cli_not_found("original of message", message);
    return fflush(stdout) == 0 ? CLI_GOOD : EX_IOERR;
}

/* ---- reply, note ---- */

/* The text of an answer: a file, or standard input. */
static char *
read_text(const char *file, GError **error)
{
    g_autofree char *bytes = NULL;
    gsize length = 0;
    if (file != NULL && strcmp(file, "-") != 0) {
        if (!g_file_get_contents(file, &bytes, &length, error))
            return NULL;
    } else {
        if (isatty(STDIN_FILENO))
            fputs("Write the text; end with Ctrl-D.\n", stderr);
        g_autoptr(GString) all = g_string_new(NULL);
        char piece[65536];
        size_t got;
        while ((got = fread(piece, 1, sizeof piece, stdin)) > 0 &&
               all->len <= TEXT_MAX_BYTES)
            g_string_append_len(all, piece, (gssize)got);
        length = all->len;
        bytes = g_memdup2(all->str, length + 1);
    }
    if (length > TEXT_MAX_BYTES) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "the text is larger than 10 MiB");
        return NULL;
    }
    g_autofree char *repaired = text_repair(bytes, length);
    char *text = text_many_lines(repaired);
    g_strstrip(text);
    return text;
}

typedef struct {
    const char *command;
    bool is_note;
    const char *synopsis;
    const char *summary;
    const char *description;
} AnswerCommand;

static int
record_answer(const AnswerWish *wish, const AnswerCommand *command)
{
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    bool found;
    if (!cli_open(&cli, &error) || !desk_load(cli.desk, &error) ||
        !answer_ticket(cli.desk, wish, &found, &error))
        return cli_fail(error);
    if (!found)
        return cli_not_found("ticket", wish->ticket_id);
    printf("%s to ticket %" G_GINT64_FORMAT " %s\n",
           command->is_note ? "note" : "reply", wish->ticket_id,
           command->is_note ? "recorded"
                            : "queued; postern outbox list shows "
                              "it on its way");
    return CLI_GOOD;
}

static int
ticket_answer(int argc, char **argv, const AnswerCommand *command)
{
    g_autofree char *agent = NULL, *address = NULL, *status = NULL;
    const GOptionEntry options[] = {
        {"agent", 'a', 0, G_OPTION_ARG_STRING, &agent,
         "who says it: shown as \"NAME via QUEUE\"", "NAME"},
        {"address", 0, 0, G_OPTION_ARG_STRING, &address,
         "that person's address, for the record", "ADDRESS"},
        {"status", 's', 0, G_OPTION_ARG_STRING, &status,
         command->is_note ? "the ticket's status afterwards (as it is)"
                          : "the ticket's status afterwards (pending)",
         "WORD"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {command->synopsis, command->summary,
                          command->description, options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    AnswerWish wish = {.is_note = command->is_note,
                       .agent_name = agent != NULL ? agent : "",
                       .agent_address = address != NULL ? address : "",
                       .moves = !command->is_note || status != NULL,
                       .status = TICKET_PENDING};
    if (argc < 2 || argc > 3 || !cli_number(argv[1], &wish.ticket_id))
        return cli_usage(command->command, "one ticket number is needed");
    if (status != NULL && !ticket_status_parse(status, &wish.status))
        return cli_usage(command->command,
                         "--status is open, pending or closed");
    g_autoptr(GError) error = NULL;
    g_autofree char *text = read_text(argv[2], &error);
    if (text == NULL)
        return cli_fail(error);
    if (*text == '\0')
        return cli_usage(command->command, "there is no text");
    wish.text = text;
    return record_answer(&wish, command);
}

static int
ticket_reply(int argc, char **argv)
{
    static const AnswerCommand command = {
        "ticket reply", false, "ticket reply [OPTION...] NUMBER [FILE]",
        "Answer the requester. The text comes from FILE or standard input and\n"
        "goes out from the queue's address, in the same conversation.",
        "EXAMPLES\n  echo 'Done, please try again.' | postern ticket reply -a "
        "Anna 1042\n  postern ticket reply --status closed 1042 answer.txt"};
    return ticket_answer(argc, argv, &command);
}

static int
ticket_note(int argc, char **argv)
{
    static const AnswerCommand command = {
        "ticket note", true, "ticket note [OPTION...] NUMBER [FILE]",
        "Record what only our own people may see. Nothing is sent.",
        "EXAMPLES\n  echo 'Called back, nobody there.' | postern ticket note "
        "-a "
        "Anna 1042"};
    return ticket_answer(argc, argv, &command);
}

/* ---- close, reopen ---- */

static int
set_status(int argc, char **argv, TicketStatus status, const CliHelp *help)
{
    int end = cli_options(help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc < 2)
        return cli_usage("ticket", "a ticket number is needed");
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    if (!cli_open(&cli, &error))
        return cli_fail(error);
    for (int i = 1; i < argc; i++) {
        int64_t number;
        bool found;
        if (!cli_number(argv[i], &number))
            return cli_usage("ticket", "that is no ticket number");
        g_autoptr(Txn) txn = store_begin(cli.desk->store, &error);
        if (txn == NULL ||
            !store_set_status(txn, number, status, "", &found, &error) ||
            !txn_commit(txn, &error))
            return cli_fail(error);
        if (!found)
            return cli_not_found("ticket", number);
        printf("ticket %" G_GINT64_FORMAT " is %s\n", number,
               ticket_status_name(status));
    }
    return CLI_GOOD;
}

static int
ticket_close(int argc, char **argv)
{
    static const CliHelp help = {
        "ticket close NUMBER...",
        "Close tickets. The requester is not told; an answer reopens.",
        "EXAMPLES\n  postern ticket close 1042 1043", NULL};
    return set_status(argc, argv, TICKET_CLOSED, &help);
}

static int
ticket_reopen(int argc, char **argv)
{
    static const CliHelp help = {
        "ticket reopen NUMBER...", "Open tickets again.",
        "EXAMPLES\n  postern ticket reopen 1042", NULL};
    return set_status(argc, argv, TICKET_OPEN, &help);
}

int
cmd_ticket(int argc, char **argv)
{
    static const CliCommand commands[] = {
        {"list", ticket_list, "tickets, those touched last first"},
        {"show", ticket_show, "one ticket with all that was said"},
        {"raw", ticket_raw, "the original of a message, byte for byte"},
        {"attachment", cmd_ticket_attachment, "what came with them"},
        {"reply", ticket_reply, "answer the requester"},
        {"note", ticket_note, "record what only our own people may see"},
        {"close", ticket_close, "close tickets"},
        {"reopen", ticket_reopen, "open tickets again"},
        {NULL, NULL, NULL}};
    return cli_dispatch("postern ticket", commands, argc, argv);
}
