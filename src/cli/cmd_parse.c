#include "cli/cmd_parse.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "mail/header.h"
#include "mail/mail.h"

static const char parse_help[] =
    "Usage: postern parse [--json] FILE\n"
    "\n"
    "Show what Postern reads in a mail: subject, originator, the text and the\n"
    "part its writer wrote, attachments, and whether a person or a machine\n"
    "wrote it. FILE is one message as it arrived; \"-\" is standard input.\n"
    "Nothing is stored or sent, and no database is needed.\n"
    "\n"
    "  --json      one JSON object instead of text for people\n"
    "  -h, --help  show this help\n"
    "\n"
    "Exit status: 0 for any message, however damaged; 66 if FILE cannot be\n"
    "read; 64 for wrong arguments.\n";

static const char thread_help[] =
    "Usage: postern thread [--json] FILE...\n"
    "\n"
    "Group mails into conversations by Message-ID, In-Reply-To and "
    "References,\n"
    "as if they arrived one by one in the order given.\n"
    "\n"
    "  --json      one JSON object instead of text for people\n"
    "  -h, --help  show this help\n"
    "\n"
    "Exit status: 0 for any messages; 66 if a FILE cannot be read; 64 for\n"
    "wrong arguments.\n";

typedef struct {
    bool json;
    char **files; /* NULL-terminated, in argv */
} Arguments;

/* True if the command is to run; else *ret_status is its exit status. */
static bool
read_arguments(char **argv, const char *help, Arguments *arguments,
               int *ret_status)
{
    const char *command = argv[0];
    char **argument = argv + 1;
    for (; *argument != NULL && (*argument)[0] == '-' && (*argument)[1] != '\0';
         argument++) {
        if (strcmp(*argument, "--") == 0) {
            argument++;
            break;
        }
        if (strcmp(*argument, "-h") == 0 || strcmp(*argument, "--help") == 0) {
            fputs(help, stdout);
            *ret_status = EX_OK;
            return false;
        }
        if (strcmp(*argument, "--json") != 0) {
            fprintf(stderr, "postern %s: unknown option '%s'; see --help\n",
                    command, *argument);
            *ret_status = EX_USAGE;
            return false;
        }
        arguments->json = true;
    }
    arguments->files = argument;
    if (*argument != NULL)
        return true;
    fprintf(stderr, "postern %s: no file given; see --help\n", command);
    *ret_status = EX_USAGE;
    return false;
}

static GBytes *
read_standard_input(void)
{
    GByteArray *bytes = g_byte_array_new();
    guint8 chunk[16384];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
        g_byte_array_append(bytes, chunk, (guint)n);
    return g_byte_array_free_to_bytes(bytes);
}

/* NULL after a message on standard error. */
static Mail *
load_mail(const char *command, const char *file)
{
    g_autoptr(GBytes) raw = NULL;
    if (strcmp(file, "-") == 0) {
        raw = read_standard_input();
    } else {
        g_autoptr(GError) error = NULL;
        GMappedFile *mapped = g_mapped_file_new(file, FALSE, &error);
        if (mapped == NULL) {
            fprintf(stderr, "postern %s: %s\n", command, error->message);
            return NULL;
        }
        raw = g_mapped_file_get_bytes(mapped);
        g_mapped_file_unref(mapped);
    }
    return mail_parse(raw, NULL, &mail_limits_default);
}

static json_t *
json_ids(const GPtrArray *ids)
{
    json_t *array = json_array();
    for (guint i = 0; i < ids->len; i++)
        json_array_append_new(array, json_string(ids->pdata[i]));
    return array;
}

static json_t *
json_attachments(const GPtrArray *attachments)
{
    json_t *array = json_array();
    for (guint i = 0; i < attachments->len; i++) {
        const Attachment *attachment = attachments->pdata[i];
        json_array_append_new(
            array,
            json_pack("{s:s, s:I, s:s, s:b}", "name", attachment->name, "size",
                      (json_int_t)attachment->size, "type", attachment->type,
                      "inline", (int)attachment->is_inline));
    }
    return array;
}

/* null for everything but a bounce. */
static json_t *
json_bounce(const Mail *mail)
{
    if (mail->automatic.class != AUTOMATIC_BOUNCE)
        return json_null();
    json_t *recipients = json_array();
    for (guint i = 0; i < mail->failed->len; i++) {
        const DsnRecipient *failed = mail->failed->pdata[i];
        json_array_append_new(recipients, json_pack("{s:s, s:s, s:b}", "addr",
                                                    failed->addr_spec, "status",
                                                    failed->status, "permanent",
                                                    (int)failed->permanent));
    }
    return json_pack("{s:o}", "recipients", recipients);
}

/* The originator; of a mail that nobody can answer, what From shows. */
static Address *
shown_from(const Mail *mail)
{
    if (mail->originator != NULL)
        return address_new(mail->originator->name, mail->originator->addr_spec);
    gsize length;
    const char *bytes = g_bytes_get_data(mail->raw, &length);
    if (length == 0)
        return NULL;
    size_t before = header_preamble(bytes, length);
    g_autoptr(GPtrArray) ignored = g_ptr_array_new();
    g_autoptr(Header) header =
        header_read(bytes + before, length - before, &mail_limits_default, NULL,
                    NULL, ignored);
    const HeaderField *field = header_find(header, "From");
    return field != NULL ? address_shown(field->value, field->value_length)
                         : NULL;
}

static json_t *
json_mail(const Mail *mail)
{
    g_autoptr(Address) from = shown_from(mail);
    json_t *defects = json_ids(mail->defects);
    return json_pack(
        "{s:s, s:{s:s, s:s}, s:s, s:o, s:o, s:I, s:s, s:s, s:o, s:s, s:s, s:o,"
        " s:o}",
        "subject", mail->subject, "from", "name",
        from != NULL ? from->name : "", "addr",
        from != NULL ? from->addr_spec : "", "message_id",
        mail->message_id != NULL ? mail->message_id : "", "in_reply_to",
        json_ids(mail->in_reply_to), "references", json_ids(mail->references),
        "date", (json_int_t)mail->date_s, "text", mail->text, "reply",
        mail->reply, "attachments", json_attachments(mail->attachments),
        "class", automatic_class_name(mail->automatic.class), "reason",
        mail->automatic.reason, "bounce", json_bounce(mail), "defects",
        defects);
}

static void
print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

static void
print_date(const Mail *mail)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(mail->date_s);
    g_autofree char *shown =
        date != NULL ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S %z") : NULL;
    if (mail->date_s != 0 && shown != NULL)
        printf("Date         %s\n", shown);
}

static void
print_list(const char *title, const GPtrArray *words)
{
    for (guint i = 0; i < words->len; i++)
        printf("%-12s %s\n", i == 0 ? title : "",
               (const char *)words->pdata[i]);
}

/* The writer's part first; what surrounds it as a count of lines. */
static void
print_text(const Mail *mail)
{
    size_t hidden_lines = 0;
    for (const char *p = mail->text; *p != '\0'; p++)
        if (*p == '\n' && ((size_t)(p - mail->text) < mail->reply_start ||
                           (size_t)(p - mail->text) >= mail->reply_end))
            hidden_lines++;
    printf("\n%s\n", *mail->reply != '\0' ? mail->reply : "(no text)");
    if (hidden_lines > 0)
        printf("\n[%zu more lines: quoted history]\n", hidden_lines);
}

static void
print_mail(const Mail *mail)
{
    g_autoptr(Address) from = shown_from(mail);
    printf("Subject      %s\n",
           *mail->subject != '\0' ? mail->subject : "(none)");
    if (from != NULL)
        printf("From         %s%s<%s>%s\n", from->name,
               *from->name != '\0' ? " " : "", from->addr_spec,
               mail->originator == NULL ? " (nobody can be answered)" : "");
    else
        printf("From         (nobody)\n");
    print_date(mail);
    printf("Written by   %s%s%s%s\n",
           mail->automatic.class == AUTOMATIC_NONE ? "a person" : "",
           mail->automatic.class == AUTOMATIC_NONE
               ? ""
               : automatic_class_name(mail->automatic.class),
           *mail->automatic.reason != '\0' ? ": " : "", mail->automatic.reason);
    if (mail->message_id != NULL)
        printf("Message-ID   %s\n", mail->message_id);
    print_list("Answers", mail->in_reply_to);
    print_list("References", mail->references);
    for (guint i = 0; i < mail->failed->len; i++) {
        const DsnRecipient *failed = mail->failed->pdata[i];
        printf("Failed       <%s> %s %s\n", failed->addr_spec, failed->status,
               failed->permanent ? "for good" : "for now");
    }
    for (guint i = 0; i < mail->attachments->len; i++) {
        const Attachment *attachment = mail->attachments->pdata[i];
        printf("%-12s %s (%s, %zu bytes%s)\n", i == 0 ? "Attached" : "",
               *attachment->name != '\0' ? attachment->name : "(no name)",
               attachment->type, attachment->size,
               attachment->is_inline ? ", shown in the text" : "");
    }
    print_list("Repaired", mail->defects);
    print_text(mail);
}

int
cmd_parse(int argc, char **argv)
{
    (void)argc;
    Arguments arguments = {false, NULL};
    int status;
    if (!read_arguments(argv, parse_help, &arguments, &status))
        return status;
    if (arguments.files[1] != NULL) {
        fprintf(stderr, "postern parse: one file at a time; see --help\n");
        return EX_USAGE;
    }
    g_autoptr(Mail) mail = load_mail(argv[0], arguments.files[0]);
    if (mail == NULL)
        return EX_NOINPUT;
    if (arguments.json)
        print_json(json_mail(mail));
    else
        print_mail(mail);
    return EX_OK;
}

/* Conversations as they grow: every id of a mail points to its thread. */
typedef struct {
    GHashTable *thread_of_id; /* char* to index + 1 into threads */
    GPtrArray *threads;       /* GPtrArray* of borrowed file names */
} Threads;

static guint
find_thread(const Threads *threads, const GPtrArray *ids)
{
    for (guint i = ids->len; i-- > 0;) {
        gpointer thread =
            g_hash_table_lookup(threads->thread_of_id, ids->pdata[i]);
        if (thread != NULL)
            return GPOINTER_TO_UINT(thread);
    }
    return 0;
}

static void
index_ids(Threads *threads, const GPtrArray *ids, guint thread)
{
    for (guint i = 0; i < ids->len; i++)
        if (!g_hash_table_contains(threads->thread_of_id, ids->pdata[i]))
            g_hash_table_insert(threads->thread_of_id, g_strdup(ids->pdata[i]),
                                GUINT_TO_POINTER(thread));
}

/* A mail joins where the newest id it names is known; its own id counts last */
static void
add_to_threads(Threads *threads, const Mail *mail, char *name)
{
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    if (mail->message_id != NULL)
        g_ptr_array_add(own, mail->message_id);
    guint thread = find_thread(threads, mail->in_reply_to);
    if (thread == 0)
        thread = find_thread(threads, mail->references);
    if (thread == 0)
        thread = find_thread(threads, own);
    if (thread == 0) {
        g_ptr_array_add(threads->threads, g_ptr_array_new());
        thread = threads->threads->len;
    }
    g_ptr_array_add(threads->threads->pdata[thread - 1], name);
    index_ids(threads, own, thread);
    index_ids(threads, mail->in_reply_to, thread);
    index_ids(threads, mail->references, thread);
}

static void
print_threads(const Threads *threads, bool json)
{
    json_t *list = json_array();
    for (guint i = 0; i < threads->threads->len; i++) {
        const GPtrArray *names = threads->threads->pdata[i];
        json_t *thread = json_array();
        for (guint j = 0; j < names->len; j++) {
            const char *slash = strrchr(names->pdata[j], '/');
            const char *base = slash != NULL ? slash + 1 : names->pdata[j];
            json_array_append_new(thread, json_string(base));
            if (!json)
                printf("%s%s", j > 0 ? "  " : "", base);
        }
        if (!json)
            putchar('\n');
        json_array_append_new(list, thread);
    }
    if (json)
        print_json(json_pack("{s:o}", "threads", list));
    else
        json_decref(list);
}

int
cmd_thread(int argc, char **argv)
{
    (void)argc;
    Arguments arguments = {false, NULL};
    int status = EX_OK;
    if (!read_arguments(argv, thread_help, &arguments, &status))
        return status;
    Threads threads = {
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref)};
    for (char **file = arguments.files; *file != NULL; file++) {
        g_autoptr(Mail) mail = load_mail(argv[0], *file);
        if (mail == NULL)
            status = EX_NOINPUT;
        else
            add_to_threads(&threads, mail, *file);
    }
    if (status == EX_OK)
        print_threads(&threads, arguments.json);
    g_hash_table_unref(threads.thread_of_id);
    g_ptr_array_unref(threads.threads);
    return status;
}
