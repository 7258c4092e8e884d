/* `postern ticket attachment`: what mails carry, listed and extracted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/text.h"
#include "cli.h"
#include "commands.h"

typedef struct {
    int64_t ticket;
    int64_t message;
    const char *which;  /* a number of the list, or a name in it */
    const char *output; /* a file; "-" or NULL: standard output */
    gboolean force;
} Wish;

/* ---- list ---- */

static int
list(const char *number, const char *message, gboolean json)
{
    static const char *const columns[] = {
        "message", "attachment", "octets", "inline", "type", "name", NULL};
    const char *const ticket_arguments[] = {number, NULL};
    const char *const arguments[] = {number, message, NULL};
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(InspectTable) ticket = NULL, table = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    if (txn == NULL ||
        (ticket = inspect_ask(txn, INSPECT_TICKET, ticket_arguments, &error)) ==
            NULL ||
        (table = inspect_ask(txn, INSPECT_ATTACHMENTS, arguments, &error)) ==
            NULL)
        return cli_fail(error);
    if (ticket->rows->len == 0)
        return cli_not_found("ticket", g_ascii_strtoll(arguments[0], NULL, 10));
    if (json)
        cli_print_json(table);
    else
        cli_print_table(table, columns);
    return CLI_GOOD;
}

/* ---- which one ---- */

/* The row of the attachment that is wished for; says why there is none. */
static bool
find_row(const InspectTable *table, const Wish *wish, guint *ret_row,
         GError **error)
{
    int64_t number;
    bool is_number = cli_number(wish->which, &number);
    guint found = 0;
    for (guint row = 0; row < table->rows->len; row++) {
        const char *value =
            inspect_get(table, row, is_number ? "attachment" : "name");
        if (strcmp(value, wish->which) != 0)
            continue;
        *ret_row = row;
        found++;
    }
    if (found > 1)
        failure_set(error, FAILURE_PERMANENT,
                    "%u attachments of that name; give the number", found);
    return found == 1;
}

static void
feed_nobody(void *context, const void *bytes, size_t length)
{
    (void)context, (void)bytes, (void)length;
}

/*
 * Where the recorded content is in the mail as we read it today: as a rule
 * where it was. Another version may have counted otherwise, so it is known by
 * its digest.
 */
static bool
find_content(GBytes *raw, const MailLimits *limits, const char *sha256,
             size_t recorded, size_t *ret_index)
{
    g_autoptr(GPtrArray) found =
        mail_attachment(raw, limits, SIZE_MAX, feed_nobody, NULL);
    for (size_t i = 0; i < found->len; i++) {
        size_t index = (recorded + i) % found->len;
        const Attachment *attachment = found->pdata[index];
        g_autofree char *digest =
            text_hex(attachment->digest, sizeof attachment->digest);
        if (strcmp(digest, sha256) != 0)
            continue;
        *ret_index = index;
        return true;
    }
    return false;
}

/* ---- the original ---- */

/*
 * The original, as pages of a file that has no name: an attachment of 100 MB
 * costs disk, not memory.
 */
static bool
load_raw(Txn *txn, const Wish *wish, GBytes **ret_raw, GError **error)
{
    FILE *file = tmpfile();
    if (file == NULL) {
        failure_set(error, FAILURE_TEMPORARY, "cannot make a file: %s",
                    g_strerror(errno));
        return false;
    }
    bool found = false;
    bool good = inspect_message_raw(txn, wish->ticket, wish->message, file,
                                    &found, error);
    g_autoptr(GMappedFile) pages = NULL;
    if (good && found && fflush(file) == 0)
        pages = g_mapped_file_new_from_fd(fileno(file), FALSE, NULL);
    fclose(file);
    *ret_raw = pages != NULL ? g_mapped_file_get_bytes(pages) : NULL;
    if (good && pages == NULL)
        failure_set(error, FAILURE_TEMPORARY, "cannot keep the original: %s",
                    g_strerror(errno));
    return pages != NULL;
}

/* ---- output ---- */

typedef struct {
    FILE *file;
    bool failed;
} Output;

static void
feed_output(void *context, const void *bytes, size_t length)
{
    Output *output = context;
    if (!output->failed)
        output->failed = fwrite(bytes, 1, length, output->file) != length;
}

static bool
is_standard(const Wish *wish)
{
    return wish->output == NULL || strcmp(wish->output, "-") == 0;
}

/* The name is the caller's: names in mails are never paths. NULL: it says why.
 */
static FILE *
open_output(const Wish *wish)
{
    if (is_standard(wish))
        return stdout;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
    int fd = open(wish->output, flags | (wish->force ? O_TRUNC : O_EXCL), 0666);
    if (fd < 0)
        fprintf(stderr, "postern: cannot write '%s': %s%s\n", wish->output,
                g_strerror(errno),
                errno == EEXIST ? "; --force overwrites it" : "");
    return fd >= 0 ? fdopen(fd, "wb") : NULL;
}

/* ---- extract ---- */

static int
write_content(const Wish *wish, GBytes *raw, const MailLimits *limits,
              size_t index)
{
    Output output = {open_output(wish), false};
    if (output.file == NULL)
        return EX_CANTCREAT;
    g_ptr_array_unref(
        mail_attachment(raw, limits, index, feed_output, &output));
    bool good = fflush(output.file) == 0 && !output.failed;
    int why = errno;
    if (!is_standard(wish) && fclose(output.file) != 0) {
        good = false;
        why = errno;
    }
    if (good)
        return CLI_GOOD;
    fprintf(stderr, "postern: cannot write: %s\n", g_strerror(why));
    return EX_IOERR;
}

static int
extract(const Wish *wish, char **argv)
{
    const char *const arguments[] = {argv[1], argv[2], NULL};
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(InspectTable) table = NULL;
    g_autoptr(GBytes) raw = NULL;
    g_autoptr(Txn) txn = cli_open_read_only(&cli, &error);
    guint row = 0;
    if (txn == NULL || (table = inspect_ask(txn, INSPECT_ATTACHMENTS, arguments,
                                            &error)) == NULL)
        return cli_fail(error);
    if (!find_row(table, wish, &row, &error)) {
        if (error != NULL)
            return cli_fail(error);
        fprintf(stderr, "postern: no attachment '%s' in message %s\n",
                wish->which, argv[2]);
        return CLI_NOT_FOUND;
    }
    if (!load_raw(txn, wish, &raw, &error))
        return cli_fail(error);
    const MailLimits *limits = &cli.desk->settings->limits.mail;
    const char *sha256 = inspect_get(table, row, "sha256");
    size_t index = row;
    if (!find_content(raw, limits, sha256, row, &index)) {
        fprintf(stderr, "postern: the original has no such content any more; "
                        "postern ticket raw has all of it\n");
        return EX_DATAERR;
    }
    return write_content(wish, raw, limits, index);
}

int
cmd_ticket_attachment(int argc, char **argv)
{
    static const char command[] = "ticket attachment";
    g_autofree char *output = NULL;
    gboolean json = FALSE;
    Wish wish = {.output = NULL};
    const GOptionEntry options[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
         "write to this file; - is standard output", "FILE"},
        {"force", 'f', 0, G_OPTION_ARG_NONE, &wish.force, "overwrite that file",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "the list, as an array", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "ticket attachment [OPTION...] NUMBER [MESSAGE [ATTACHMENT]]",
        "List the attachments of a ticket's messages, or extract one: by its\n"
        "number in the message, or by its name if no other has it. Names come\n"
        "from the mail and are only shown; where it is written you say.",
        "EXAMPLES\n  postern ticket attachment 1042\n"
        "  postern ticket attachment 1042 2310 1 --output invoice.pdf",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    if (argc < 2 || argc > 4 || !cli_number(argv[1], &wish.ticket) ||
        (argc > 2 && !cli_number(argv[2], &wish.message)))
        return cli_usage(command, "a ticket is needed, then a message");
    if (argc < 4)
        return output == NULL ? list(argv[1], argc == 3 ? argv[2] : "", json)
                              : cli_usage(command, "which attachment?");
    wish.which = argv[3];
    wish.output = output;
    if (json)
        return cli_usage(command, "--json is for the list");
    /* Bytes of strangers can do more to a terminal than be unreadable. */
    if (output == NULL && isatty(STDOUT_FILENO))
        return cli_usage(command, "not to a terminal: use --output FILE");
    return extract(&wish, argv);
}
