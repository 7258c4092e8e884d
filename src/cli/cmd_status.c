#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "daemon/status.h"
#include "gateway/folders.h"
#include "json.h"
#include "rates.h"

/* Seconds at which something that waits is worth a warning, and an alarm. */
enum {
    WAITING_WARNING_S = 60,
    WAITING_CRITICAL_S = 600,
    OVERDUE_WARNING_S = 300,
    OVERDUE_CRITICAL_S = 3600
};

enum { WATCH_S = 2, WATCH_MAX_S = 3600 };

/* The longest figure's name, as cli_print_fields() writes it. */
enum { LABEL_WIDTH = sizeof "acknowledgements failed 1day: " - 1 };

typedef struct {
    const InspectTable *figures;
    const FolderFigures *folders;
    const StatusPage *page; /* NULL: no daemon here */
    int status;
    GPtrArray *reasons; /* char*: why it is not good */
    bool has_rates;     /* since the look before */
    double rates[RATES];
} Report;

static int64_t
figure(const Report *report, const char *name)
{
    return g_ascii_strtoll(inspect_get(report->figures, 0, name), NULL, 10);
}

static void
judge(Report *report, int status, const char *format, int64_t number)
{
    report->status = MAX(report->status, status);
    GString *reason = g_string_new(NULL);
    g_string_printf(reason, "%" G_GINT64_FORMAT " %s", number, format);
    g_ptr_array_add(report->reasons, g_string_free(reason, FALSE));
}

static void
judge_age(Report *report, const char *name, int64_t warning_s,
          int64_t critical_s, const char *what)
{
    int64_t age_s = figure(report, name);
    if (age_s >= critical_s)
        judge(report, STATUS_CRITICAL, what, age_s);
    else if (age_s >= warning_s)
        judge(report, STATUS_WARNING, what, age_s);
}

static void
count_workers(const StatusPage *page, int64_t *ret_running, int64_t *ret_all)
{
    *ret_running = *ret_all = 0;
    for (size_t i = 0; i < STATUS_SLOTS; i++) {
        if (page->slots[i].role == WORKER_NONE)
            continue;
        (*ret_all)++;
        *ret_running += page->slots[i].pid != 0;
    }
}

static void
judge_folders(Report *report)
{
    const FolderFigures *folders = report->folders;
    if (folders->silent > 0)
        judge(report,
              folders->silent == folders->watched ? STATUS_CRITICAL
                                                  : STATUS_WARNING,
              "folders are not read: postern account list", folders->silent);
    if (folders->parked > 0)
        judge(report, STATUS_WARNING,
              "mails could not be taken from their folders: postern account "
              "left",
              folders->parked);
}

static void
judge_all(Report *report)
{
    int64_t running, all;
    judge_age(report, "oldest_waiting_s", WAITING_WARNING_S, WAITING_CRITICAL_S,
              "s since the oldest waiting mail came");
    judge_age(report, "overdue_s", OVERDUE_WARNING_S, OVERDUE_CRITICAL_S,
              "s since the oldest outgoing mail was due");
    if (figure(report, "parked") > 0)
        judge(report, STATUS_WARNING, "parked: postern delivery list -s parked",
              figure(report, "parked"));
    if (figure(report, "failed_1day") > 0)
        judge(report, STATUS_WARNING,
              "failed since yesterday: postern outbox list -s failed",
              figure(report, "failed_1day"));
    judge_folders(report);
    if (report->page == NULL) {
        judge(report, STATUS_CRITICAL, "daemons run on this machine", 0);
        return;
    }
    count_workers(report->page, &running, &all);
    if (running < all)
        judge(report, running == 0 ? STATUS_CRITICAL : STATUS_WARNING,
              "workers do not run", all - running);
}

static const char *
status_word(int status)
{
    static const char *const words[] = {"good", "warning", "critical"};
    return words[status];
}

/* ---- for people ---- */

static void
print_worker(const StatusSlot *slot)
{
    int64_t now_us = g_get_monotonic_time();
    g_autofree char *name =
        g_strdup_printf("%s:%d", worker_role_name(slot->role), slot->index);
    g_autofree char *doing =
        slot->pid == 0
            ? g_strdup(slot->looping ? "dies again and again" : "not running")
        : slot->busy_since_us == 0
            ? g_strdup("idle")
            : g_strdup_printf("busy for %" G_GINT64_FORMAT " s",
                              (now_us - slot->busy_since_us) / G_USEC_PER_SEC);
    printf("%-14s %7d  %9" G_GINT64_FORMAT "  %8" G_GINT64_FORMAT "  %s\n",
           name, slot->pid, slot->done, slot->restarts, doing);
}

static void
print_rates(const Report *report)
{
    for (int i = 0; report->has_rates && i < RATES; i++)
        printf("%-*s%.1f %s", i == 0 ? LABEL_WIDTH : 2,
               i == 0 ? "each second:" : ", ", report->rates[i], rates_name(i));
    if (report->has_rates)
        putchar('\n');
}

static void
print_folders(const FolderFigures *folders)
{
    if (folders->watched > 0)
        printf("%-*s%" G_GINT64_FORMAT " watched, %" G_GINT64_FORMAT
               " not read, %" G_GINT64_FORMAT " mails wait, %" G_GINT64_FORMAT
               " parked\n",
               LABEL_WIDTH, "folders:", folders->watched, folders->silent,
               folders->waiting, folders->parked);
}

static void
print_people(const Report *report)
{
    printf("%-*s%s\n", LABEL_WIDTH, "status:", status_word(report->status));
    for (guint i = 0; i < report->reasons->len; i++)
        printf("%-*s%s\n", LABEL_WIDTH, "",
               (const char *)report->reasons->pdata[i]);
    cli_print_fields(report->figures, 0);
    print_folders(report->folders);
    print_rates(report);
    if (report->page == NULL)
        return;
    printf("\n%-14s %7s  %9s  %8s  %s\n", "WORKER", "PID", "MAILS", "RESTARTS",
           "DOING");
    for (size_t i = 0; i < STATUS_SLOTS; i++)
        if (report->page->slots[i].role != WORKER_NONE)
            print_worker(&report->page->slots[i]);
}

/* ---- for scripts ---- */

static json_t *
json_workers(const StatusPage *page)
{
    json_t *workers = json_array();
    for (size_t i = 0; page != NULL && i < STATUS_SLOTS; i++) {
        const StatusSlot *slot = &page->slots[i];
        if (slot->role == WORKER_NONE)
            continue;
        json_array_append_new(
            workers,
            json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:b}", "role",
                      worker_role_name(slot->role), "index", slot->index, "pid",
                      (int)slot->pid, "mails", (json_int_t)slot->done,
                      "restarts", (json_int_t)slot->restarts, "memory_bytes",
                      (json_int_t)slot->memory_bytes, "busy",
                      slot->busy_since_us != 0));
    }
    return workers;
}

static json_t *
json_folders(const FolderFigures *folders)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I}", "watched", (json_int_t)folders->watched,
        "silent", (json_int_t)folders->silent, "waiting",
        (json_int_t)folders->waiting, "parked", (json_int_t)folders->parked);
}

/* null: there was no look before, or not at this daemon. */
static json_t *
json_rates(const Report *report)
{
    if (!report->has_rates)
        return json_null();
    json_t *rates = json_object();
    for (int i = 0; i < RATES; i++) {
        g_autofree char *name = g_strdup_printf("%s_per_s", rates_name(i));
        json_object_set_new(rates, g_strdelimit(name, " ", '_'),
                            json_real(report->rates[i]));
    }
    return rates;
}

static void
print_json(const Report *report)
{
    json_t *object = cli_json_row(report->figures, 0);
    json_t *reasons = json_array();
    for (guint i = 0; i < report->reasons->len; i++)
        json_array_append_new(reasons, json_string(report->reasons->pdata[i]));
    json_object_set_new(object, "status",
                        json_string(status_word(report->status)));
    json_object_set_new(object, "reasons", reasons);
    json_object_set_new(object, "workers", json_workers(report->page));
    json_object_set_new(object, "folders", json_folders(report->folders));
    json_object_set_new(object, "rates", json_rates(report));
    cli_json_write(object);
}

/* ---- looking ---- */

/* Ask, judge and print; the exit status. `before` is this look afterwards. */
static int
look(Cli *cli, bool json, RatesLook *before)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Txn) txn = store_begin_read_only(cli->desk->store, &error);
    g_autoptr(InspectTable) figures =
        txn != NULL ? inspect_ask(txn, INSPECT_STATUS, NULL, &error) : NULL;
    g_auto(FolderFigures) folders = {0};
    if (figures == NULL ||
        !folders_figures(txn, cli->settings, &folders, &error)) {
        cli_fail(error);
        return STATUS_UNKNOWN;
    }
    g_autoptr(GPtrArray) reasons = g_ptr_array_new_with_free_func(g_free);
    g_autofree StatusPage *page =
        status_page_read(cli->settings->run_directory, NULL);
    Report report = {.figures = figures,
                     .folders = &folders,
                     .page = page,
                     .status = CLI_GOOD,
                     .reasons = reasons};
    RatesLook now;
    rates_look(report.page, &now);
    report.has_rates = rates_between(before, &now, report.rates);
    *before = now;
    judge_all(&report);
    if (json)
        print_json(&report);
    else
        print_people(&report);
    return report.status;
}

/* Until a signal comes, or nobody reads any more. On a terminal each look takes
 * the place of the one before; elsewhere an empty line parts them. */
static int
watch(Cli *cli, bool json, int64_t every_s)
{
    bool terminal = !json && isatty(STDOUT_FILENO);
    RatesLook before = {0};
    int status;
    do {
        if (terminal)
            fputs("\033[H\033[J", stdout);
        status = look(cli, json, &before);
        if (!json && !terminal)
            putchar('\n');
        if (fflush(stdout) != 0)
            break;
        g_usleep((gulong)every_s * G_USEC_PER_SEC);
    } while (true);
    return status;
}

static int64_t watch_s; /* 0: look once. GLib hands nothing to a callback. */

/* A type of GLib's: GOptionArgFunc. `--watch` or `--watch=SECONDS`. */
static gboolean
read_watch(const char *option, const char *value, gpointer data, GError **error)
{
    char *end = NULL;
    (void)option;
    (void)data;
    watch_s = value == NULL ? WATCH_S : g_ascii_strtoll(value, &end, 10);
    if (watch_s >= 1 && watch_s <= WATCH_MAX_S &&
        (value == NULL || *end == '\0'))
        return TRUE;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--watch takes 1 to %d seconds", WATCH_MAX_S);
    return FALSE;
}

int
cmd_status(int argc, char **argv)
{
    gboolean json = FALSE;
    const union {
        GOptionArgFunc function;
        gpointer pointer; /* as GOptionEntry wants it */
    } watched = {read_watch};
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "one object a look", NULL},
        {"watch", 'w', G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK,
         watched.pointer, "look again each SECONDS (2)", "SECONDS"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    const CliHelp help = {
        "status [--json] [--watch[=SECONDS]]",
        "How the desk is doing: what waits and how long, what failed, and "
        "what\n"
        "the workers of this machine do. Watched, it also says what happened\n"
        "each second since the look before.",
        "Exit status, as monitoring expects: 0 good, 1 warning (mail waits "
        "over\n"
        "60 s, is 300 s overdue, is parked or failed, a worker is down,\n"
        "a folder is not read), 2 critical (600 s, 3600 s, no daemon, no "
        "folder), 3 unknown (no database). Parked rubbish is strangers' doing\n"
        "and worth no warning, nor are acknowledgements that failed.",
        options};
    int end = cli_options(&help, &argc, &argv);
    if (end >= 0)
        return end;
    g_auto(Cli) cli = {NULL, NULL};
    g_autoptr(GError) error = NULL;
    if (!cli_open(&cli, &error)) {
        cli_fail(error);
        return STATUS_UNKNOWN;
    }
    RatesLook first = {0};
    return watch_s > 0 ? watch(&cli, json, watch_s) : look(&cli, json, &first);
}
