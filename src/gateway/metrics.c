#include "gateway/metrics.h"

#include <string.h>

#include "metrics_buckets.h"

/* ---- what there is ---- */

/* A label: its name, then what it can be. */
#define LABEL(word, ...)                                                       \
    .label = (word), .values = (const char *const[])                           \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }
#define ROLES                                                                  \
    LABEL("role", "lmtp", "processor", "sender", "clock", "metrics", "imap")

/* Names and units as Prometheus wants them; help is also the manual's. */
static const MetricRow rows[METRIC_COUNT] = {
    [METRIC_ACCEPTED] = {"accepted_total", METRIC_COUNTER,
                         LABEL("how", "new", "duplicate", "completed"),
                         "Hand-overs answered 250: a mail counts once for "
                         "each recipient."},
    [METRIC_REFUSED] = {"refused_total", METRIC_COUNTER,
                        LABEL("reason", "address", "queue", "database", "busy"),
                        "Hand-overs not answered 250: recipients that are "
                        "none of ours (550), mail that the database would not "
                        "take (451), clients when no worker was free (421)."},
    [METRIC_ACCEPT_TIME] = {.name = "accept_seconds",
                            .type = METRIC_TIMES,
                            .help = "From the last octet of a mail to its "
                                    "commit."},
    [METRIC_LEFT] = {"left_total", METRIC_COUNTER,
                     LABEL("how", "struck", "parked"),
                     "Mails that could not be taken from a folder and stay in "
                     "it: to be tried again, or parked there."},
    [METRIC_PROCESSED] = {"processed_total", METRIC_COUNTER,
                          LABEL("verdict", "new", "join", "known", "complete",
                                "park"),
                          "Hand-overs that became something, by what was "
                          "decided."},
    [METRIC_PROCESS_TIME] = {.name = "process_wait_seconds",
                             .type = METRIC_TIMES,
                             .help = "From the commit of a hand-over to the "
                                     "commit of its ticket."},
    [METRIC_PROCESS_BATCH] = {.name = "process_batch_mails",
                              .type = METRIC_SIZES,
                              .help = "Hand-overs in one transaction of a "
                                      "processor."},
    [METRIC_STRIKES] = {.name = "strikes_total",
                        .type = METRIC_COUNTER,
                        .help = "Workers that died or overstayed on a mail."},
    [METRIC_POSTPONED] = {.name = "postponed_total",
                          .type = METRIC_COUNTER,
                          .help = "Mails that the database would not take "
                                  "although it took others."},
    [METRIC_CLAIMED] = {.name = "claimed_total",
                        .type = METRIC_COUNTER,
                        .help = "Outgoing mails that a sender took in hand."},
    [METRIC_CLAIM_BATCH] = {.name = "claim_batch_mails",
                            .type = METRIC_SIZES,
                            .help = "Outgoing mails in one claim of a "
                                    "sender."},
    [METRIC_BEGUN] = {.name = "begun_total",
                      .type = METRIC_COUNTER,
                      .help = "Outgoing mails whose content was about to "
                              "leave."},
    [METRIC_LEASE_LOST] = {.name = "lease_lost_total",
                           .type = METRIC_COUNTER,
                           .help = "Outgoing mails that were another sender's "
                                   "when they were about to leave."},
    [METRIC_RECIPIENTS] = {"recipients_total", METRIC_COUNTER,
                           LABEL("state", "sent", "deferred", "failed",
                                 "unsure"),
                           "Settled attempts to send, one for each "
                           "recipient."},
    [METRIC_SEND_TIME] = {.name = "send_wait_seconds",
                          .type = METRIC_TIMES,
                          .help = "From the commit that queued a mail to the "
                                  "relay's 250."},
    [METRIC_REPEATED] = {.name = "repeated_total",
                         .type = METRIC_COUNTER,
                         .help = "Outgoing mails that may be sent more than "
                                 "once, since nobody knows whether they had "
                                 "left."},
    [METRIC_EXPIRED] = {.name = "expired_total",
                        .type = METRIC_COUNTER,
                        .help = "Outgoing mails that were given up after "
                                "outbox.give_up."},
    [METRIC_RELAY_LOST] = {.name = "relay_lost_total",
                           .type = METRIC_COUNTER,
                           .help = "Connections to the relay that broke while "
                                   "a content was on its way."},
    [METRIC_FIGURES_AT] = {.name = "figures_timestamp_seconds",
                           .type = METRIC_GAUGE,
                           .help = "When the database last told the clock "
                                   "worker what follows, as Unix time; 0: "
                                   "never. It stands still while the "
                                   "database is away."},
    [METRIC_WAITING] = {.name = "deliveries_waiting",
                        .type = METRIC_GAUGE,
                        .help = "Hand-overs that wait to be processed."},
    [METRIC_WAITING_AGE] = {.name = "oldest_waiting_seconds",
                            .type = METRIC_GAUGE,
                            .help = "The age of the oldest of them."},
    [METRIC_PARKED] = {.name = "deliveries_parked",
                       .type = METRIC_GAUGE,
                       .help = "Hand-overs that need a person."},
    [METRIC_PARKED_RUBBISH] = {.name = "deliveries_parked_rubbish",
                               .type = METRIC_GAUGE,
                               .help = "Hand-overs of which nothing could "
                                       "become, by their senders' doing. They "
                                       "need nobody."},
    [METRIC_QUEUED] = {.name = "outgoing_queued",
                       .type = METRIC_GAUGE,
                       .help = "Outgoing mails that wait."},
    [METRIC_QUEUED_AGE] = {.name = "oldest_queued_seconds",
                           .type = METRIC_GAUGE,
                           .help = "The age of the oldest of them."},
    [METRIC_OVERDUE] = {.name = "overdue_seconds",
                        .type = METRIC_GAUGE,
                        .help = "How long the oldest of them has been due."},
    [METRIC_SENDING] = {.name = "outgoing_sending",
                        .type = METRIC_GAUGE,
                        .help = "Outgoing mails in the hands of senders."},
    [METRIC_FAILED] = {.name = "outgoing_failed_1day",
                       .type = METRIC_GAUGE,
                       .help = "Outgoing mails that failed for good within "
                               "the last day, but for acknowledgements."},
    [METRIC_FAILED_ACKNOWLEDGEMENTS] =
        {.name = "acknowledgements_failed_1day",
         .type = METRIC_GAUGE,
         .help = "Acknowledgements that failed for good within the last day: "
                 "whom a stranger names as the sender need not exist."},
    [METRIC_UNSURE] = {.name = "outgoing_unsure_1day",
                       .type = METRIC_GAUGE,
                       .help = "Acknowledgements of the last day that "
                               "perhaps did not arrive."},
    [METRIC_TICKETS] = {.name = "tickets_unfinished",
                        .type = METRIC_GAUGE,
                        .help = "Tickets that are not closed."},
    [METRIC_FOLDERS] = {.name = "folders",
                        .type = METRIC_GAUGE,
                        .help = "IMAP folders that the settings want to be "
                                "watched."},
    [METRIC_FOLDERS_SILENT] = {.name = "folders_silent",
                               .type = METRIC_GAUGE,
                               .help = "Those that nobody could look into for "
                                       "longer than limits.folder_silence."},
    [METRIC_FOLDERS_WAITING] = {.name = "folder_mails_waiting",
                                .type = METRIC_GAUGE,
                                .help = "Mails in folders that are not "
                                        "accepted yet, as of the last look."},
    [METRIC_LEFT_PARKED] = {.name = "left_mails_parked",
                            .type = METRIC_GAUGE,
                            .help = "Mails in folders that could not be taken "
                                    "and need a person."},
    [METRIC_WORKERS] = {"workers", METRIC_GAUGE, ROLES, "Workers that run."},
    [METRIC_WORKERS_WANTED] = {"workers_wanted", METRIC_GAUGE, ROLES,
                               "Workers that should run."},
    [METRIC_WORKERS_BUSY] = {"workers_busy", METRIC_GAUGE, ROLES,
                             "Workers that have something in hand."},
    [METRIC_RESTARTS] = {"worker_restarts_total", METRIC_COUNTER, ROLES,
                         "Workers that died and were replaced."},
    [METRIC_MEMORY] = {"worker_memory_bytes", METRIC_GAUGE, ROLES,
                       "Memory that the workers of a role share with nobody, "
                       "as each of them noted it last."},
    [METRIC_LMTP_LIMIT] = {"lmtp_workers_limit", METRIC_GAUGE,
                           LABEL("bound", "least", "most"),
                           "Between which numbers there are lmtp workers."},
    [METRIC_STARTED_AT] = {.name = "start_time_seconds",
                           .type = METRIC_GAUGE,
                           .help = "When the daemon was started, as Unix "
                                   "time; all counters began then."},
    [METRIC_VERSION] = {"build_info", METRIC_GAUGE,
                        LABEL("version", POSTERN_VERSION),
                        "1; the label says which Postern it is."},
};

const MetricRow *
metrics_row(Metric metric)
{
    return &rows[metric];
}

/* ---- counting ---- */

/* Of a process that shares nothing: a command, a test. */
static int64_t own_cells[METRICS_CELLS];
static int64_t *cells_in_use = own_cells;

void
metrics_use(int64_t *cells)
{
    cells_in_use = cells;
}

static int64_t *
cell(Metric metric, int label)
{
    g_assert(label >= 0 && label < METRIC_CELLS);
    return &cells_in_use[(int)metric * METRIC_CELLS + label];
}

void
metric_add(Metric metric, int label, int64_t number)
{
    __atomic_fetch_add(cell(metric, label), number, __ATOMIC_RELAXED);
}

void
metric_set(Metric metric, int label, int64_t number)
{
    __atomic_store_n(cell(metric, label), number, __ATOMIC_RELAXED);
}

void
metric_observe(Metric metric, int64_t number)
{
    const int64_t *bounds = metrics_bounds(rows[metric].type);
    int bucket = 0;
    number = MAX(number, 0);
    while (bucket < METRICS_BOUNDS && number > bounds[bucket])
        bucket++;
    metric_add(metric, bucket, 1);
    metric_add(metric, METRICS_SUM, number);
}

void
metric_observe_since(Metric metric, int64_t began_us)
{
    metric_observe(metric, g_get_monotonic_time() - began_us);
}

int64_t
metrics_get(const int64_t *cells, Metric metric, int label)
{
    return __atomic_load_n(&cells[(int)metric * METRIC_CELLS + label],
                           __ATOMIC_RELAXED);
}

int64_t
metrics_observed(const int64_t *cells, Metric metric)
{
    int64_t count = 0;
    for (int bucket = 0; bucket <= METRICS_BOUNDS; bucket++)
        count += metrics_get(cells, metric, bucket);
    return count;
}
