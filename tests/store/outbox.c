/* What leaves: claimed by one, fenced once, settled recipient by recipient. */
#include "store/outbox.h"
#include "fixture.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

/* Two senders. */
#define MINE "11111111-1111-4111-8111-111111111111"
#define OTHERS "22222222-2222-4222-8222-222222222222"

enum { LEASE_S = 600, ALL = 100 };

/* ---- short words ---- */

static int64_t
queue_reply(const char *id, const char *recipients)
{
    return queue_outgoing(outgoing_new(OUTGOING_REPLY, 0, id, recipients));
}

/* What a sender gets, as "3 1 2". */
static char *
claim(const char *lease, int64_t limit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) ids = NULL;
    must(outbox_claim(fix.store, lease, LEASE_S, limit, &ids, &error), error);
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < ids->len; i++)
        g_string_append_printf(out, "%s%d", i > 0 ? " " : "",
                               (int)g_array_index(ids, int64_t, i));
    return g_strdup(out->str);
}

static void
assert_claim(const char *expected, const char *lease, int64_t limit)
{
    g_autofree char *got = claim(lease, limit);
    ck_assert_str_eq(got, expected);
}

static Claimed *
load(int64_t id, const char *lease)
{
    g_autoptr(GError) error = NULL;
    Claimed *claimed = NULL;
    must(outbox_load(fix.store, id, lease, &claimed, &error), error);
    return claimed;
}

static bool
settle_and_fence(const char *lease, const Settlement *settlement, int64_t id)
{
    g_autoptr(GError) error = NULL;
    bool fenced = true;
    must(outbox_settle_and_fence(fix.store, lease, settlement, id, LEASE_S,
                                 &fenced, &error),
         error);
    return fenced;
}

static bool
fence(const char *lease, int64_t id)
{
    return settle_and_fence(lease, NULL, id);
}

/* One recipient, settled. */
static void
settle_one(const char *lease, int64_t id, const char *state, int code)
{
    const RecipientOutcome outcome = {0, state, code, "", "said"};
    const Settlement settlement = {
        .id = id, .recipients = &outcome, .n = 1, .last_error = ""};
    settle_and_fence(lease, &settlement, 0);
}

static void
let_lapse(int64_t id)
{
    tell("UPDATE outgoing SET lease_until = now() - interval '1 second' "
         "WHERE id = %d",
         (int)id);
}

/* A ticket for events to be noted on. */
static int64_t
make_ticket(void)
{
    int64_t ticket;
    receive(OLENA_MAIL("m@x"), "support@desk.example", &ticket);
    tell("DELETE FROM event");
    return ticket;
}

/* ---- queueing ---- */

START_TEST(a_mail_is_queued_with_everything_it_needs)
{
    int64_t ticket = make_ticket();
    Outgoing *outgoing =
        outgoing_new(OUTGOING_REPLY, ticket, "reply.1@desk",
                     "Olena@Customer.example taras@customer.example");
    outgoing->message_id_no = 1;
    outgoing->delivery_id = 1;
    g_autofree char *hex = text_hex(g_bytes_get_data(outgoing->content, NULL),
                                    g_bytes_get_size(outgoing->content));
    queue_outgoing(outgoing);
    assert_sql("reply|queued|1|1|1|support@desk.example|reply.1@desk|NULL|0|0|"
               "t|NULL|NULL",
               "SELECT kind, state, ticket_id, message_id_no, delivery_id, "
               "envelope_sender, message_id, acknowledged, attempts, repeats, "
               "due_at <= now(), lease, settled_at FROM outgoing");
    assert_sql(hex, "SELECT encode(content, 'hex') FROM outgoing");
    assert_sql("0|Olena@Customer.example|waiting|0\n"
               "1|taras@customer.example|waiting|0",
               "SELECT position, addr_spec, state, code FROM "
               "outgoing_recipient ORDER BY position");
    assert_sql("ours", "SELECT kind FROM reference WHERE id_digest = "
                       "sha256('reply.1@desk')");
}
END_TEST

START_TEST(an_acknowledgement_counts_for_its_address)
{
    queue_outgoing(outgoing_new(OUTGOING_ACKNOWLEDGEMENT, 0, "ack.1@desk",
                                "Olena@Customer.EXAMPLE"));
    assert_sql("olena@customer.example", "SELECT acknowledged FROM outgoing");
    assert_sql("0", "SELECT count(*) FROM reference"); /* no ticket, no id */
}
END_TEST

START_TEST(a_delivery_is_acknowledged_once_whatever_happens)
{
    for (int i = 0; i < 2; i++) {
        g_autofree char *id = g_strdup_printf("ack.%d@desk", i);
        Outgoing *outgoing =
            outgoing_new(OUTGOING_ACKNOWLEDGEMENT, 0, id, "a@x");
        outgoing->delivery_id = 7;
        g_autoptr(GPtrArray) one =
            g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
        g_ptr_array_add(one, outgoing);
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        bool good = outbox_add(txn, one, &error) && txn_commit(txn, &error);
        ck_assert(good == (i == 0));
        txn_free(txn);
    }
    assert_sql("ack.0@desk", "SELECT message_id FROM outgoing");
}
END_TEST

/* ---- claiming ---- */

START_TEST(what_is_due_is_claimed_oldest_first)
{
    for (int i = 1; i <= 6; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    tell("UPDATE outgoing SET due_at = now() - interval '5 minutes' "
         "WHERE id IN (4, 2)");
    tell("UPDATE outgoing SET due_at = now() - interval '9 minutes' "
         "WHERE id = 6");
    tell("UPDATE outgoing SET due_at = now() + interval '1 second' "
         "WHERE id = 1");
    assert_claim("6 2 4", MINE, 3);
    assert_claim("3 5", OTHERS, 3);
    assert_claim("", MINE, 3);
    assert_sql("1|queued|NULL\n2|claimed|" MINE "\n3|claimed|" OTHERS
               "\n4|claimed|" MINE "\n5|claimed|" OTHERS "\n6|claimed|" MINE,
               "SELECT id, state, lease FROM outgoing ORDER BY id");
    assert_sql("t", "SELECT bool_and(lease_until BETWEEN now() + interval "
                    "'590 s' AND now() + interval '600 s') FROM outgoing "
                    "WHERE lease IS NOT NULL");
}
END_TEST

START_TEST(only_what_is_queued_is_claimed)
{
    static const char *const states[] = {"submitting", "sent", "failed",
                                         "unsure", "dropped"};
    queue_reply("r@desk", "a@x");
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        tell("UPDATE outgoing SET state = '%s', lease_until = now() - "
             "interval '1 day'",
             states[i]);
        assert_claim("", MINE, ALL);
    }
}
END_TEST

START_TEST(a_lease_that_ran_out_is_anothers)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    assert_claim("", OTHERS, ALL);
    let_lapse(id);
    assert_claim("1", OTHERS, ALL);
    ck_assert_ptr_null(load(id, MINE));
    ck_assert(!fence(MINE, id));
    g_autoptr(Claimed) claimed = load(id, OTHERS);
    ck_assert_ptr_nonnull(claimed);
    ck_assert(fence(OTHERS, id));
}
END_TEST

/* Claims until nothing is left, on a connection of its own; one byte a row. */
static void
claim_all(int pipe_end, int number)
{
    g_autoptr(Store) store = fixture_another();
    g_autofree char *lease =
        g_strdup_printf("%08d-0000-4000-8000-000000000000", number);
    for (;;) {
        g_autoptr(GArray) ids = NULL;
        if (!outbox_claim(store, lease, LEASE_S, 3, &ids, NULL))
            _exit(1);
        if (ids->len == 0)
            _exit(0);
        for (guint i = 0; i < ids->len; i++) {
            guint8 id = (guint8)g_array_index(ids, int64_t, i);
            if (write(pipe_end, &id, 1) != 1)
                _exit(1);
        }
    }
}

START_TEST(senders_at_once_never_share_a_row)
{
    enum { ROWS = 60, SENDERS = 4 };
    for (int i = 0; i < ROWS; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t senders[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = fork();
        if (senders[i] == 0)
            claim_all(ends[1], i);
    }
    for (int i = 0; i < SENDERS; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(senders[i], &status, 0), senders[i]);
        ck_assert_int_eq(status, 0);
    }
    close(ends[1]);
    bool seen[256] = {false};
    int count = 0;
    guint8 id;
    while (read(ends[0], &id, 1) == 1) {
        ck_assert(!seen[id]);
        seen[id] = true;
        count++;
    }
    close(ends[0]);
    ck_assert_int_eq(count, ROWS);
}
END_TEST

/* ---- loading ---- */

START_TEST(a_claimed_mail_is_loaded_with_whom_it_still_waits_for)
{
    int64_t ticket = make_ticket();
    int64_t id = queue_outgoing(
        outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x b@x c@x d@x"));
    tell("UPDATE outgoing_recipient SET state = 'sent' WHERE position = 0");
    tell("UPDATE outgoing_recipient SET state = 'failed' WHERE position = 2");
    tell("UPDATE outgoing SET attempts = 3, "
         "retry_since = now() - interval '77 seconds'");
    assert_claim("1", MINE, ALL);
    g_autoptr(Claimed) claimed = load(id, MINE);
    ck_assert_ptr_nonnull(claimed);
    ck_assert_int_eq(claimed->id, id);
    ck_assert_int_eq(claimed->attempts, 3);
    ck_assert_int_ge(claimed->age_s, 77);
    ck_assert_int_le(claimed->age_s, 97);
    ck_assert_uint_eq(claimed->positions->len, 2);
    ck_assert_int_eq(g_array_index(claimed->positions, int, 0), 1);
    ck_assert_int_eq(g_array_index(claimed->positions, int, 1), 3);
    const Outgoing *outgoing = claimed->outgoing;
    ck_assert_int_eq(outgoing->kind, OUTGOING_REPLY);
    ck_assert_int_eq(outgoing->ticket_id, ticket);
    ck_assert_str_eq(outgoing->envelope_sender, "support@desk.example");
    ck_assert_str_eq(outgoing->message_id, "r@desk");
    ck_assert_uint_eq(outgoing->recipients->len, 2);
    ck_assert_str_eq(outgoing->recipients->pdata[0], "b@x");
    ck_assert_str_eq(outgoing->recipients->pdata[1], "d@x");
    static const char content[] = "Message-ID: <r@desk>\r\n\r\nText.\r\n";
    g_autoptr(GBytes) expected =
        g_bytes_new_static(content, sizeof content - 1);
    ck_assert(g_bytes_equal(outgoing->content, expected));
}
END_TEST

START_TEST(what_is_gone_is_not_loaded)
{
    int64_t id = queue_reply("r@desk", "a@x");
    ck_assert_ptr_null(load(id, MINE)); /* not claimed */
    assert_claim("1", MINE, ALL);
    ck_assert_ptr_null(load(id, OTHERS));
    ck_assert_ptr_null(load(4711, MINE));
    tell("UPDATE outgoing SET content = NULL");
    ck_assert_ptr_null(load(id, MINE));
    tell("UPDATE outgoing SET content = 'x'");
    tell("UPDATE outgoing_recipient SET state = 'sent'");
    ck_assert_ptr_null(load(id, MINE));
}
END_TEST

/* ---- the fence ---- */

START_TEST(the_fence_is_raised_once_and_by_the_lease_alone)
{
    int64_t id = queue_reply("r@desk", "a@x");
    ck_assert(!fence(MINE, id)); /* not claimed */
    assert_claim("1", MINE, ALL);
    ck_assert(!fence(OTHERS, id));
    ck_assert(!fence(MINE, 4711));
    assert_sql("claimed", "SELECT state FROM outgoing");
    ck_assert(fence(MINE, id));
    assert_sql("submitting|" MINE, "SELECT state, lease FROM outgoing");
    ck_assert(!fence(MINE, id));
    assert_claim("", OTHERS, ALL);
}
END_TEST

START_TEST(a_lease_that_ran_out_raises_no_fence)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    let_lapse(id);
    ck_assert(!fence(MINE, id));
    assert_sql("claimed", "SELECT state FROM outgoing");
}
END_TEST

START_TEST(the_fence_gives_the_content_a_lease_of_its_own)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    tell("UPDATE outgoing SET lease_until = now() + interval '5 seconds'");
    ck_assert(fence(MINE, id));
    assert_sql("t", "SELECT lease_until > now() + interval '590 seconds' "
                    "FROM outgoing");
}
END_TEST

/* ---- settling ---- */

START_TEST(each_recipient_has_an_outcome_of_its_own)
{
    int64_t ticket = make_ticket();
    int64_t id = queue_outgoing(
        outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x b@x c@x"));
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    const RecipientOutcome first[] = {
        {0, "sent", 250, "2.0.0", "ok"},
        {1, "waiting", 450, "4.2.0", "later"},
        {2, "failed", 550, "5.1.1", "it's \"nobody\""},
    };
    const Settlement settlement = {.id = id,
                                   .recipients = first,
                                   .n = 3,
                                   .wait_s = 300,
                                   .last_error = "<c@x>: 550 nobody",
                                   .event = "send-failed",
                                   .refused = true};
    settle_and_fence(MINE, &settlement, 0);
    assert_sql("0|sent|250|2.0.0|ok|t\n1|waiting|450|4.2.0|later|t\n"
               "2|failed|550|5.1.1|it's \"nobody\"|t",
               "SELECT position, state, code, enhanced, reply, replied_at IS "
               "NOT NULL FROM outgoing_recipient ORDER BY position");
    assert_sql("queued|1|0|<c@x>: 550 nobody|NULL|NULL|t",
               "SELECT state, attempts, repeats, last_error, lease, "
               "settled_at, due_at BETWEEN now() + interval '295 seconds' "
               "AND now() + interval '300 seconds' FROM outgoing");
    assert_sql("1|send-failed|<c@x>: 550 nobody",
               "SELECT ticket_id, name, detail FROM event");

    /* The next round is about the one that waits. */
    tell("UPDATE outgoing SET due_at = now()");
    assert_claim("1", OTHERS, ALL);
    g_autoptr(Claimed) claimed = load(id, OTHERS);
    ck_assert_uint_eq(claimed->outgoing->recipients->len, 1);
    ck_assert_str_eq(claimed->outgoing->recipients->pdata[0], "b@x");
    ck_assert(fence(OTHERS, id));
    const RecipientOutcome second = {1, "sent", 250, "", "ok"};
    const Settlement last = {
        .id = id, .recipients = &second, .n = 1, .last_error = ""};
    settle_and_fence(OTHERS, &last, 0);
    assert_sql("failed|1|t", "SELECT state, attempts, settled_at IS NOT NULL "
                             "FROM outgoing");
    assert_sql("1", "SELECT count(*) FROM event");
}
END_TEST

static const struct {
    const char *first;
    const char *second;
    const char *state;
} ends[] = {
    {"sent", "sent", "sent"},        {"sent", "failed", "failed"},
    {"failed", "failed", "failed"},  {"sent", "unsure", "unsure"},
    {"unsure", "failed", "failed"},  {"sent", "waiting", "queued"},
    {"failed", "waiting", "queued"}, {"unsure", "waiting", "queued"},
};

START_TEST(the_state_of_a_mail_follows_from_its_recipients)
{
    int64_t id = queue_reply("r@desk", "a@x b@x");
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    const RecipientOutcome outcomes[] = {{0, ends[_i].first, 250, "", ""},
                                         {1, ends[_i].second, 250, "", ""}};
    const Settlement settlement = {
        .id = id, .recipients = outcomes, .n = 2, .last_error = ""};
    settle_and_fence(MINE, &settlement, 0);
    assert_sql(ends[_i].state, "SELECT state FROM outgoing");
    assert_sql(strcmp(ends[_i].state, "queued") == 0 ? "t" : "f",
               "SELECT settled_at IS NULL FROM outgoing");
}
END_TEST

START_TEST(one_commit_settles_a_mail_and_fences_the_next)
{
    int64_t first = queue_reply("r1@desk", "a@x");
    int64_t second = queue_reply("r2@desk", "a@x");
    assert_claim("1 2", MINE, ALL);
    ck_assert(fence(MINE, first));
    const RecipientOutcome outcome = {0, "sent", 250, "", "ok"};
    const Settlement settlement = {
        .id = first, .recipients = &outcome, .n = 1, .last_error = ""};
    ck_assert(settle_and_fence(MINE, &settlement, second));
    assert_sql("sent\nsubmitting", "SELECT state FROM outgoing ORDER BY id");
    assert_sql("t", "SELECT count(DISTINCT xmin::text) = 1 FROM outgoing");
}
END_TEST

START_TEST(a_settlement_counts_though_the_next_fence_is_lost)
{
    int64_t first = queue_reply("r1@desk", "a@x");
    int64_t second = queue_reply("r2@desk", "a@x");
    assert_claim("1 2", MINE, ALL);
    ck_assert(fence(MINE, first));
    tell("UPDATE outgoing SET lease = '%s' WHERE id = 2", OTHERS);
    const RecipientOutcome outcome = {0, "sent", 250, "", "ok"};
    const Settlement settlement = {
        .id = first, .recipients = &outcome, .n = 1, .last_error = ""};
    ck_assert(!settle_and_fence(MINE, &settlement, second));
    assert_sql("sent\nclaimed", "SELECT state FROM outgoing ORDER BY id");
}
END_TEST

START_TEST(a_sender_that_lost_a_row_changes_nothing_of_it)
{
    int64_t ticket = make_ticket();
    int64_t id =
        queue_outgoing(outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x"));
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    tell("UPDATE outgoing SET lease = '%s'", OTHERS);
    const RecipientOutcome outcome = {0, "failed", 550, "", "nobody"};
    const Settlement settlement = {.id = id,
                                   .recipients = &outcome,
                                   .n = 1,
                                   .last_error = "lost",
                                   .event = "send-failed",
                                   .refused = true};
    settle_and_fence(MINE, &settlement, 0);
    assert_sql("submitting|0||" OTHERS,
               "SELECT state, attempts, last_error, lease FROM outgoing");
    assert_sql("waiting|0", "SELECT state, code FROM outgoing_recipient");
    assert_sql("0", "SELECT count(*) FROM event");
}
END_TEST

START_TEST(a_settlement_that_is_repeated_counts_once)
{
    int64_t ticket = make_ticket();
    int64_t id = queue_outgoing(
        outgoing_new(OUTGOING_REPLY, ticket, "r@desk", "a@x b@x"));
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    const RecipientOutcome outcomes[] = {{0, "failed", 550, "", "nobody"},
                                         {1, "waiting", 450, "", "later"}};
    const Settlement settlement = {.id = id,
                                   .recipients = outcomes,
                                   .n = 2,
                                   .wait_s = 300,
                                   .last_error = "nobody",
                                   .event = "send-failed",
                                   .refused = true};
    settle_and_fence(MINE, &settlement, 0);
    settle_and_fence(MINE, &settlement, 0); /* the first answer was lost */
    assert_sql("queued|1", "SELECT state, attempts FROM outgoing");
    assert_sql("send-failed", "SELECT name FROM event");
}
END_TEST

START_TEST(what_may_go_out_twice_is_counted)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    const RecipientOutcome outcome = {0, "waiting", 0, "", ""};
    const Settlement settlement = {.id = id,
                                   .recipients = &outcome,
                                   .n = 1,
                                   .wait_s = 300,
                                   .last_error = "lost at the dot",
                                   .event = "send-repeated",
                                   .refused = true,
                                   .uncertain = true};
    settle_and_fence(MINE, &settlement, 0);
    assert_sql("queued|1|1", "SELECT state, attempts, repeats FROM outgoing");
    assert_sql("0", "SELECT count(*) FROM event"); /* it has no ticket */
}
END_TEST

/* ---- giving back ---- */

START_TEST(a_claim_is_given_back_with_what_was_not_sent)
{
    for (int i = 1; i <= 3; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_reply(id, "a@x");
    }
    assert_claim("1 2", MINE, 2);
    assert_claim("3", OTHERS, 2);
    ck_assert(fence(MINE, 2));
    g_autoptr(GError) error = NULL;
    must(outbox_release(fix.store, MINE, 60, "no relay", &error), error);
    assert_sql("1|queued|no relay|0|t\n2|queued|no relay|0|t\n"
               "3|claimed||0|f",
               "SELECT id, state, last_error, attempts, "
               "lease IS NULL AND due_at > now() + interval '55 seconds' "
               "FROM outgoing ORDER BY id");
}
END_TEST

/* ---- recovering ---- */

static void
recover(const char *lease, int64_t unsure, int64_t repeated)
{
    g_autoptr(GError) error = NULL;
    int64_t got_unsure = -1, got_repeated = -1;
    must(outbox_recover(fix.store, lease, &got_unsure, &got_repeated, &error),
         error);
    ck_assert_int_eq(got_unsure, unsure);
    ck_assert_int_eq(got_repeated, repeated);
}

static void
queue_every_kind(void)
{
    static const OutgoingKind kinds[] = {OUTGOING_ACKNOWLEDGEMENT,
                                         OUTGOING_REPLY, OUTGOING_NOTICE,
                                         OUTGOING_ADMIN};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *id = g_strdup_printf("r%zu@desk", i);
        queue_outgoing(outgoing_new(kinds[i], 0, id, "a@x"));
    }
}

START_TEST(what_died_behind_the_fence_is_unsure_or_repeated)
{
    queue_every_kind();
    assert_claim("1 2 3 4", MINE, ALL);
    for (int64_t id = 1; id <= 4; id++)
        ck_assert(fence(MINE, id));
    recover(NULL, 0, 0); /* their lease has not run out */
    for (int64_t id = 1; id <= 4; id++)
        let_lapse(id);
    recover(NULL, 1, 3);
    assert_sql("acknowledgement|unsure|0|t\nreply|queued|1|f\n"
               "notice|queued|1|f\nadmin|queued|1|f",
               "SELECT kind, state, repeats, settled_at IS NOT NULL "
               "FROM outgoing ORDER BY id");
    assert_sql("unsure\nwaiting\nwaiting\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY outgoing_id");
    assert_sql("t", "SELECT bool_and(lease IS NULL AND last_error <> '') "
                    "FROM outgoing");
    assert_claim("2 3 4", OTHERS, ALL);
    recover(NULL, 0, 0);
}
END_TEST

START_TEST(a_sender_known_to_be_dead_is_not_waited_for)
{
    queue_every_kind();
    queue_reply("r9@desk", "a@x");
    assert_claim("1 2 3 4", MINE, 4);
    assert_claim("5", OTHERS, 4);
    ck_assert(fence(MINE, 1));
    ck_assert(fence(MINE, 2));
    ck_assert(fence(OTHERS, 5));
    /* What it had only claimed did not go out: it is no repeat. */
    recover(MINE, 1, 1);
    assert_sql("1|unsure|0|\n2|queued|1|\n3|queued|0|\n4|queued|0|\n"
               "5|submitting|0|" OTHERS,
               "SELECT id, state, repeats, coalesce(lease::text, '') "
               "FROM outgoing ORDER BY id");
    assert_claim("2 3 4", OTHERS, ALL);
}
END_TEST

START_TEST(a_claim_that_lapsed_needs_no_recovery)
{
    queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    let_lapse(1);
    recover(NULL, 0, 0);
    assert_sql("claimed|0", "SELECT state, repeats FROM outgoing");
    assert_claim("1", OTHERS, ALL);
}
END_TEST

START_TEST(who_had_it_already_gets_it_no_second_time)
{
    int64_t id = queue_reply("r@desk", "a@x b@x");
    tell("UPDATE outgoing_recipient SET state = 'sent' WHERE position = 0");
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    recover(MINE, 0, 1);
    assert_sql("sent\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY position");
}
END_TEST

/* ---- giving up ---- */

static int64_t
expire(int64_t give_up_s)
{
    g_autoptr(GError) error = NULL;
    int64_t count = -1;
    must(outbox_expire(fix.store, give_up_s, &count, &error), error);
    return count;
}

START_TEST(what_is_too_old_has_failed_and_its_ticket_says_so)
{
    enum { DAYS_5 = 5 * 86400 };
    int64_t ticket = make_ticket();
    for (int i = 1; i <= 4; i++) {
        g_autofree char *id = g_strdup_printf("r%d@desk", i);
        queue_outgoing(outgoing_new(OUTGOING_REPLY, ticket, id, "a@x b@x"));
    }
    tell("UPDATE outgoing SET last_error = 'no relay', "
         "created_at = now() - interval '6 days', "
         "retry_since = now() - interval '6 days'");
    tell("UPDATE outgoing SET retry_since = now() - interval '4 days' "
         "WHERE id = 2");
    tell("UPDATE outgoing SET state = 'submitting' WHERE id = 3");
    tell("UPDATE outgoing SET state = 'sent' WHERE id = 4");
    tell("UPDATE outgoing_recipient SET state = 'sent' "
         "WHERE outgoing_id = 1 AND position = 0");
    ck_assert_int_eq(expire(DAYS_5), 1);
    ck_assert_int_eq(expire(DAYS_5), 0);
    assert_sql("1|failed|t\n2|queued|f\n3|submitting|f\n4|sent|f",
               "SELECT id, state, settled_at IS NOT NULL FROM outgoing "
               "ORDER BY id");
    assert_sql("sent\nfailed", "SELECT state FROM outgoing_recipient WHERE "
                               "outgoing_id = 1 ORDER BY position");
    assert_sql("1|send-expired|no relay",
               "SELECT ticket_id, name, detail FROM event");
}
END_TEST

START_TEST(a_wish_of_the_operators_starts_the_time_anew)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET retry_since = now() - interval '6 days'");
    ck_assert_int_eq(expire(5 * 86400), 1);
    g_autoptr(GError) error = NULL;
    bool done;
    must(outbox_retry(fix.store, 1, &done, &error), error);
    ck_assert(done);
    ck_assert_int_eq(expire(5 * 86400), 0);
    assert_claim("1", MINE, ALL);
}
END_TEST

START_TEST(the_next_due_time_is_known)
{
    g_autoptr(GError) error = NULL;
    int64_t wait_s = 0;
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_eq(wait_s, -1);
    queue_reply("r1@desk", "a@x");
    queue_reply("r2@desk", "a@x");
    tell("UPDATE outgoing SET due_at = now() + id * interval '100 seconds'");
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_ge(wait_s, 90);
    ck_assert_int_le(wait_s, 100);
    tell("UPDATE outgoing SET due_at = now() - interval '1 day' WHERE id = 2");
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_eq(wait_s, 0);
    tell("UPDATE outgoing SET state = 'sent'");
    must(outbox_next_due(fix.store, &wait_s, &error), error);
    ck_assert_int_eq(wait_s, -1);
}
END_TEST

/* ---- by hand ---- */

static const struct {
    const char *state;
    bool can_retry;
    bool can_drop;
} states[] = {
    {"queued", true, true},       {"claimed", false, false},
    {"submitting", false, false}, {"sent", false, false},
    {"failed", true, true},       {"unsure", true, true},
    {"dropped", true, false},
};

START_TEST(a_mail_is_tried_again_in_the_right_states)
{
    queue_reply("r@desk", "a@x b@x c@x");
    tell("UPDATE outgoing SET state = '%s', settled_at = now(), "
         "due_at = now() + interval '1 hour'",
         states[_i].state);
    tell("UPDATE outgoing_recipient SET state = "
         "('{sent,failed,waiting}'::text[])[position + 1]");
    g_autoptr(GError) error = NULL;
    bool done;
    must(outbox_retry(fix.store, 1, &done, &error), error);
    ck_assert(done == states[_i].can_retry);
    if (done)
        assert_sql("queued|NULL|t",
                   "SELECT state, settled_at, due_at <= now() FROM outgoing");
    else
        assert_sql(states[_i].state, "SELECT state FROM outgoing");
    assert_sql(done ? "sent\nwaiting\nwaiting" : "sent\nfailed\nwaiting",
               "SELECT state FROM outgoing_recipient ORDER BY position");
}
END_TEST

START_TEST(a_mail_is_dropped_in_the_right_states)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET state = '%s'", states[_i].state);
    g_autoptr(GError) error = NULL;
    bool done;
    must(outbox_drop(fix.store, 1, &done, &error), error);
    ck_assert(done == states[_i].can_drop);
    assert_sql(done ? "dropped" : states[_i].state,
               "SELECT state FROM outgoing");
    if (done)
        assert_claim("", MINE, ALL);
}
END_TEST

START_TEST(what_has_no_content_any_more_cannot_be_tried_again)
{
    queue_reply("r@desk", "a@x");
    tell("UPDATE outgoing SET state = 'failed', content = NULL");
    tell("UPDATE outgoing_recipient SET state = 'failed'");
    g_autoptr(GError) error = NULL;
    bool done = true;
    must(outbox_retry(fix.store, 1, &done, &error), error);
    ck_assert(!done);
    must(outbox_retry(fix.store, 4711, &done, &error), error);
    ck_assert(!done);
    must(outbox_drop(fix.store, 4711, &done, &error), error);
    ck_assert(!done);
    assert_sql("failed|failed", "SELECT o.state, r.state FROM outgoing o, "
                                "outgoing_recipient r");
}
END_TEST

START_TEST(a_mail_may_be_sent_to_all_that_are_left)
{
    int64_t id = queue_reply("r@desk", "a@x");
    assert_claim("1", MINE, ALL);
    ck_assert(fence(MINE, id));
    settle_one(MINE, id, "sent", 250);
    assert_sql("sent|0|t", "SELECT state, attempts, settled_at IS NOT NULL "
                           "FROM outgoing");
    assert_claim("", OTHERS, ALL);
}
END_TEST

void
add_outbox_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "outbox");
    tcase_add_test(tests, a_mail_is_queued_with_everything_it_needs);
    tcase_add_test(tests, an_acknowledgement_counts_for_its_address);
    tcase_add_test(tests, a_delivery_is_acknowledged_once_whatever_happens);
    tcase_add_test(tests, what_is_due_is_claimed_oldest_first);
    tcase_add_test(tests, only_what_is_queued_is_claimed);
    tcase_add_test(tests, a_lease_that_ran_out_is_anothers);
    tcase_add_test(tests, senders_at_once_never_share_a_row);
    tcase_add_test(tests,
                   a_claimed_mail_is_loaded_with_whom_it_still_waits_for);
    tcase_add_test(tests, what_is_gone_is_not_loaded);
    tcase_add_test(tests, the_fence_is_raised_once_and_by_the_lease_alone);
    tcase_add_test(tests, a_lease_that_ran_out_raises_no_fence);
    tcase_add_test(tests, the_fence_gives_the_content_a_lease_of_its_own);
    tcase_add_test(tests, each_recipient_has_an_outcome_of_its_own);
    tcase_add_loop_test(tests, the_state_of_a_mail_follows_from_its_recipients,
                        0, G_N_ELEMENTS(ends));
    tcase_add_test(tests, one_commit_settles_a_mail_and_fences_the_next);
    tcase_add_test(tests, a_settlement_counts_though_the_next_fence_is_lost);
    tcase_add_test(tests, a_sender_that_lost_a_row_changes_nothing_of_it);
    tcase_add_test(tests, a_settlement_that_is_repeated_counts_once);
    tcase_add_test(tests, what_may_go_out_twice_is_counted);
    tcase_add_test(tests, a_claim_is_given_back_with_what_was_not_sent);
    tcase_add_test(tests, what_died_behind_the_fence_is_unsure_or_repeated);
    tcase_add_test(tests, a_sender_known_to_be_dead_is_not_waited_for);
    tcase_add_test(tests, a_claim_that_lapsed_needs_no_recovery);
    tcase_add_test(tests, who_had_it_already_gets_it_no_second_time);
    tcase_add_test(tests, what_is_too_old_has_failed_and_its_ticket_says_so);
    tcase_add_test(tests, a_wish_of_the_operators_starts_the_time_anew);
    tcase_add_test(tests, the_next_due_time_is_known);
    tcase_add_loop_test(tests, a_mail_is_tried_again_in_the_right_states, 0,
                        G_N_ELEMENTS(states));
    tcase_add_loop_test(tests, a_mail_is_dropped_in_the_right_states, 0,
                        G_N_ELEMENTS(states));
    tcase_add_test(tests, what_has_no_content_any_more_cannot_be_tried_again);
    tcase_add_test(tests, a_mail_may_be_sent_to_all_that_are_left);
}
