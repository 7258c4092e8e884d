/*
 * Golden mails: NAME.eml is decided with what NAME.context says the store
 * knows, and the explanation is compared with NAME.expect, whole. TAP, one line
 * a mail. The desk is that of tests/support/sample.h; tests/README tells how a
 * case is added.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/explain.h"
#include "sample.h"

/* ---- what the store knows ---- */

typedef struct {
    int64_t ticket;
    Evidence kind;
    char *id;
} KnownId;

typedef struct {
    Delivery *delivery;
    GPtrArray *tickets;  /* Ticket* */
    GPtrArray *ids;      /* KnownId* */
    GHashTable *parties; /* "TICKET ADDRESS-KEY" */
    GHashTable *queues;  /* "TICKET QUEUE": further ones */
    int64_t known[2];    /* ticket and message of the same content */
    int64_t acknowledged[3];
} Knowledge;

static void
known_id_free(gpointer data)
{
    KnownId *known = data;
    g_free(known->id);
    g_free(known);
}

static Knowledge *
knowledge_new(void)
{
    Knowledge *knowledge = g_new0(Knowledge, 1);
    knowledge->delivery = sample_delivery("", "support@desk.example");
    knowledge->tickets =
        g_ptr_array_new_with_free_func((GDestroyNotify)ticket_free);
    knowledge->ids = g_ptr_array_new_with_free_func(known_id_free);
    knowledge->parties =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    knowledge->queues =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return knowledge;
}

static void
knowledge_free(Knowledge *knowledge)
{
    delivery_free(knowledge->delivery);
    g_ptr_array_unref(knowledge->tickets);
    g_ptr_array_unref(knowledge->ids);
    g_hash_table_unref(knowledge->parties);
    g_hash_table_unref(knowledge->queues);
    g_free(knowledge);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Knowledge, knowledge_free)

static Ticket *
find_ticket(const Knowledge *knowledge, int64_t id)
{
    for (guint i = 0; i < knowledge->tickets->len; i++) {
        Ticket *ticket = knowledge->tickets->pdata[i];
        if (ticket->id == id)
            return ticket;
    }
    return NULL;
}

/* ---- reading NAME.context: one function a key, words[0] is its value ---- */

static int64_t
number(const char *word)
{
    return g_ascii_strtoll(word, NULL, 10);
}

static void
set_text(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

static bool
read_mail_from(Knowledge *knowledge, char **words)
{
    bool is_null = strcmp(words[0], "<>") == 0;
    set_text(&knowledge->delivery->envelope_sender, is_null ? "" : words[0]);
    return true;
}

static bool
read_rcpt_to(Knowledge *knowledge, char **words)
{
    set_text(&knowledge->delivery->envelope_recipient, words[0]);
    return true;
}

static bool
read_to_queue(Knowledge *knowledge, char **words)
{
    set_text(&knowledge->delivery->queue, words[0]);
    return true;
}

static bool
read_completes(Knowledge *knowledge, char **words)
{
    knowledge->delivery->ticket_id = number(words[0]);
    knowledge->delivery->message_id_no = number(words[1]);
    return true;
}

static bool
read_ticket(Knowledge *knowledge, char **words)
{
    TicketStatus status;
    if (!ticket_status_parse(words[2], &status))
        return false;
    g_ptr_array_add(knowledge->tickets,
                    sample_ticket(number(words[0]), words[1], status));
    return true;
}

static bool
read_party(Knowledge *knowledge, char **words)
{
    g_autofree char *key = address_key(words[1]);
    g_hash_table_add(knowledge->parties,
                     g_strdup_printf("%s %s", words[0], key));
    return find_ticket(knowledge, number(words[0])) != NULL;
}

static bool
read_also_in(Knowledge *knowledge, char **words)
{
    g_hash_table_add(knowledge->queues,
                     g_strdup_printf("%s %s", words[0], words[1]));
    return find_ticket(knowledge, number(words[0])) != NULL;
}

static bool
read_id(Knowledge *knowledge, char **words)
{
    static const char *const kinds[] = {[EVIDENCE_OURS] = "ours",
                                        [EVIDENCE_STORED] = "stored",
                                        [EVIDENCE_SEEN] = "seen"};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(words[1], kinds[i]) != 0)
            continue;
        KnownId *known = g_new0(KnownId, 1);
        known->ticket = number(words[0]);
        known->kind = (Evidence)i;
        known->id = g_strdup(words[2]);
        g_ptr_array_add(knowledge->ids, known);
        return find_ticket(knowledge, known->ticket) != NULL;
    }
    return false;
}

static bool
read_known(Knowledge *knowledge, char **words)
{
    knowledge->known[0] = number(words[0]);
    knowledge->known[1] = number(words[1]);
    return find_ticket(knowledge, knowledge->known[0]) != NULL;
}

static bool
read_acknowledged(Knowledge *knowledge, char **words)
{
    for (size_t i = 0; i < G_N_ELEMENTS(knowledge->acknowledged); i++)
        knowledge->acknowledged[i] = number(words[i]);
    return true;
}

static const struct {
    const char *name;
    guint words;
    bool (*read)(Knowledge *knowledge, char **words);
} keys[] = {
    {"mail-from:", 1, read_mail_from}, {"rcpt-to:", 1, read_rcpt_to},
    {"to-queue:", 1, read_to_queue},   {"completes:", 2, read_completes},
    {"ticket:", 3, read_ticket},       {"party:", 2, read_party},
    {"also-in:", 2, read_also_in},     {"id:", 3, read_id},
    {"known:", 2, read_known},         {"acknowledged:", 3, read_acknowledged},
};

static bool
read_line(Knowledge *knowledge, const char *line)
{
    if (*line == '\0' || *line == '#')
        return true;
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (strcmp(words[0], keys[i].name) == 0)
            return g_strv_length(words) == keys[i].words + 1 &&
                   keys[i].read(knowledge, words + 1);
    return false;
}

/* NULL with a word about the line that makes no sense. */
static Knowledge *
read_context(const char *text, char **ret_fault)
{
    g_autoptr(Knowledge) knowledge = knowledge_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        if (read_line(knowledge, *line))
            continue;
        *ret_fault = g_strdup_printf("context: \"%s\"", *line);
        return NULL;
    }
    return g_steal_pointer(&knowledge);
}

/* ---- answering as the store would ---- */

static bool
is_party(const Knowledge *knowledge, int64_t ticket, const Lookup *lookup)
{
    g_autofree char *key = g_strdup_printf("%" G_GINT64_FORMAT " %s", ticket,
                                           lookup->originator_key);
    return g_hash_table_contains(knowledge->parties, key);
}

static bool
knows_queue(const Knowledge *knowledge, const Ticket *ticket,
            const Lookup *lookup)
{
    g_autofree char *key = g_strdup_printf("%" G_GINT64_FORMAT " %s",
                                           ticket->id, lookup->queue->name);
    return strcmp(ticket->queue, lookup->queue->name) == 0 ||
           g_hash_table_contains(knowledge->queues, key);
}

static void
add_candidate(Context *context, const Knowledge *knowledge,
              const Lookup *lookup, int64_t ticket, Evidence evidence,
              const char *id)
{
    sample_candidate(context, ticket_copy(find_ticket(knowledge, ticket)),
                     evidence, id, is_party(knowledge, ticket, lookup));
}

/* By kind, then in the order they were asked for. */
static void
answer_ids(Context *context, const Knowledge *knowledge, const Lookup *lookup)
{
    for (int kind = EVIDENCE_OURS; kind <= EVIDENCE_SEEN; kind++)
        for (guint asked = 0; asked < lookup->ids->len; asked++)
            for (guint i = 0; i < knowledge->ids->len; i++) {
                const KnownId *known = knowledge->ids->pdata[i];
                if ((int)known->kind == kind &&
                    strcmp(known->id, lookup->ids->pdata[asked]) == 0)
                    add_candidate(context, knowledge, lookup, known->ticket,
                                  known->kind, known->id);
            }
}

static Context *
answer(const Knowledge *knowledge, const Lookup *lookup)
{
    Context *context = context_new();
    answer_ids(context, knowledge, lookup);
    if (find_ticket(knowledge, lookup->tagged_ticket) != NULL)
        add_candidate(context, knowledge, lookup, lookup->tagged_ticket,
                      EVIDENCE_TAG, "");
    const Ticket *known = find_ticket(knowledge, knowledge->known[0]);
    if (known != NULL && lookup->queue != NULL) {
        context->known = ticket_copy(known);
        context->known_message = knowledge->known[1];
        context->known_to_queue = knows_queue(knowledge, known, lookup);
    }
    context->sender_10min = knowledge->acknowledged[0];
    context->sender_day = knowledge->acknowledged[1];
    context->all_in_window = knowledge->acknowledged[2];
    return context;
}

/* ---- one case ---- */

static char *
read_file(const char *directory, const char *name, const char *suffix,
          gsize *ret_length)
{
    g_autofree char *file = g_strconcat(name, suffix, NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, ret_length, NULL);
    return text;
}

/* Who handed it over, where the context says nothing: who wrote it. */
static void
complete_sender(Delivery *delivery, GBytes *raw, const char *context,
                const Sample *sample)
{
    if (g_str_has_prefix(context, "mail-from:") ||
        strstr(context, "\nmail-from:") != NULL)
        return;
    g_autoptr(Mail) mail = mail_parse(raw, NULL, &sample->limits);
    if (mail->originator != NULL)
        set_text(&delivery->envelope_sender, mail->originator->addr_spec);
}

static char *
explain(GBytes *raw, const Knowledge *knowledge, const Sample *sample)
{
    const Delivery *delivery = knowledge->delivery;
    g_autoptr(Mail) mail =
        mail_parse(raw, delivery->envelope_sender, &sample->limits);
    g_autoptr(Lookup) lookup = lookup_new(mail, delivery, NULL, &sample->rules);
    g_autoptr(Context) context = answer(knowledge, lookup);
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &sample->rules);
    return explain_text(mail, delivery, lookup, decision);
}

/* The explanation; NULL with a word about what is wrong with the case. */
static char *
run_case(const char *directory, const char *name, char **ret_fault)
{
    g_autoptr(Sample) sample = sample_new();
    gsize length = 0;
    char *mail = read_file(directory, name, ".eml", &length);
    g_autofree char *context = read_file(directory, name, ".context", NULL);
    g_autoptr(GBytes) raw = g_bytes_new_take(mail, length);
    if (mail == NULL || context == NULL) {
        *ret_fault = g_strdup("a file cannot be read");
        return NULL;
    }
    g_autoptr(Knowledge) knowledge = read_context(context, ret_fault);
    if (knowledge == NULL)
        return NULL;
    complete_sender(knowledge->delivery, raw, context, sample);
    return explain(raw, knowledge, sample);
}

/* Lines that are in one text only, as a diagnosis. */
static void
show_missing(const char *mark, const char *text, const char *other)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_auto(GStrv) others = g_strsplit(other, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
        if (!g_strv_contains((const char *const *)others, *line))
            printf("# %s %s\n", mark, *line);
}

static bool
check_case(const char *directory, const char *name, int number_of)
{
    g_autofree char *fault = NULL;
    g_autofree char *got = run_case(directory, name, &fault);
    g_autofree char *expected = read_file(directory, name, ".expect", NULL);
    bool same = got != NULL && g_strcmp0(got, expected) == 0;
    printf("%sok %d - %s\n", same ? "" : "not ", number_of, name);
    if (got == NULL)
        printf("# %s\n", fault);
    else if (!same) {
        show_missing("-", expected != NULL ? expected : "", got);
        show_missing("+", got, expected != NULL ? expected : "");
    }
    return same;
}

static bool
write_case(const char *directory, const char *name)
{
    g_autofree char *fault = NULL;
    g_autofree char *got = run_case(directory, name, &fault);
    g_autofree char *file = g_strconcat(name, ".expect", NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    if (got == NULL)
        printf("%s: %s\n", name, fault);
    return got != NULL && g_file_set_contents(path, got, -1, NULL);
}

/* ---- all of them ---- */

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
case_names(const char *directory)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *file;
    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL)
        if (g_str_has_suffix(file, ".eml"))
            g_ptr_array_add(names, g_strndup(file, strlen(file) - 4));
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* usage: golden [--write]: with it NAME.expect becomes what is said now. */
int
main(int argc, char **argv)
{
    const char *source = g_getenv("srcdir");
    g_autofree char *directory = g_build_filename(source != NULL ? source : ".",
                                                  "tests", "corpus", NULL);
    g_autoptr(GPtrArray) names = case_names(directory);
    bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
    bool good = names->len > 0;
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        bool done = write ? write_case(directory, name)
                          : check_case(directory, name, (int)i + 1);
        good = good && done;
    }
    if (!write)
        printf("1..%u\n", names->len);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
