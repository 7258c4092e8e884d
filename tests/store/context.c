/* What is known about a mail, and that two who ask at once agree. */
#include "store/context.h"
#include "fixture.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/outbox.h"
#include "store/record.h"
#include "store/schema.h"

/* ---- short words ---- */

/* The lookup of a mail to support, with its content if it has an id. */
static Lookup *
lookup_of(const char *text)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    g_autoptr(Mail) mail =
        mail_parse(raw, "olena@customer.example", &fix.sample->limits);
    g_autoptr(Delivery) delivery =
        sample_delivery("olena@customer.example", "support@desk.example");
    g_autoptr(GBytes) content = content_digest_of(raw);
    return lookup_new(mail, delivery, content, &fix.sample->rules);
}

static Context *
context_of(const char *text)
{
    g_autoptr(Lookup) lookup = lookup_of(text);
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    Context *context = context_load(txn, lookup, &error);
    must(context != NULL, error);
    commit(txn);
    return context;
}

/* "ticket evidence id party" a line. */
static char *
candidates_of(const char *text)
{
    g_autoptr(Context) context = context_of(text);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < context->candidates->len; i++) {
        const Candidate *candidate = context->candidates->pdata[i];
        g_string_append_printf(out, "%d %s %s%s\n", (int)candidate->ticket->id,
                               evidence_name(candidate->evidence),
                               candidate->id,
                               candidate->is_party ? " party" : "");
    }
    return g_string_free(out, FALSE);
}

static void
assert_candidates(const char *expected, const char *text)
{
    g_autofree char *got = candidates_of(text);
    ck_assert_str_eq(got, expected);
}

/* Tickets 1 ... count of queue support, without a mail. */
static void
make_tickets(int count)
{
    tell("INSERT INTO ticket (queue, subject, requester, reply_to, "
         "requester_name, language, status, updated_at) "
         "SELECT 'support', 'Printer', 'olena@customer.example', 'o@x', "
         "'Olena', 'uk', 'pending', now() FROM generate_series(1, %d)",
         count);
}

static void
make_id(int ticket, const char *kind, const char *id)
{
    tell("INSERT INTO reference VALUES (sha256('%s'), %d, '%s')", id, ticket,
         kind);
}

static void
make_party(int ticket, const char *address)
{
    tell("INSERT INTO party (ticket_id, address, role) "
         "VALUES (%d, '%s', 'participant')",
         ticket, address);
}

#define FROM_OLENA "From: Olena <Olena@Customer.EXAMPLE>\n"

/* ---- threads ---- */

START_TEST(nothing_is_known_of_a_first_mail)
{
    g_autoptr(Context) context = context_of(OLENA_MAIL("a@x"));
    ck_assert_uint_eq(context->candidates->len, 0);
    ck_assert_ptr_null(context->known);
    ck_assert_int_eq(context->known_message, 0);
    ck_assert_int_eq(context->sender_10min, 0);
    ck_assert_int_eq(context->sender_day, 0);
    ck_assert_int_eq(context->all_in_window, 0);
}
END_TEST

START_TEST(ones_own_tickets_go_first_then_what_we_wrote_came_and_was_named)
{
    make_tickets(5);
    make_id(1, "seen", "parent@x");
    make_id(2, "stored", "newer@x");
    make_id(3, "stored", "older@x");
    make_id(4, "ours", "root@x");
    make_id(5, "seen", "own@x");
    make_party(3, "olena@customer.example");
    make_party(5, "taras@customer.example");
    assert_candidates("3 message-id older@x party\n"
                      "4 own-message-id root@x\n"
                      "2 message-id newer@x\n"
                      "1 shared-ancestor parent@x\n"
                      "5 shared-ancestor own@x\n",
                      FROM_OLENA "Message-ID: <own@x>\n"
                                 "In-Reply-To: <parent@x>\n"
                                 "References: <root@x> <older@x> <newer@x>\n"
                                 "\nText.\n");
}
END_TEST

START_TEST(of_equal_evidence_the_ticket_that_moved_last_goes_first)
{
    make_tickets(3);
    for (int ticket = 1; ticket <= 3; ticket++)
        make_id(ticket, "stored", "a@x");
    tell("UPDATE ticket SET updated_at = now() + interval '1 hour' "
         "WHERE id = 2");
    assert_candidates("2 message-id a@x\n3 message-id a@x\n1 message-id a@x\n",
                      FROM_OLENA "References: <a@x>\n\nText.\n");
}
END_TEST

START_TEST(a_candidate_brings_its_ticket)
{
    make_tickets(1);
    make_id(1, "stored", "a@x");
    g_autoptr(Context) context =
        context_of(FROM_OLENA "References: <a@x>\n\nText.\n");
    const Candidate *candidate = context->candidates->pdata[0];
    const Ticket *ticket = candidate->ticket;
    ck_assert_int_eq(ticket->id, 1);
    ck_assert_str_eq(ticket->queue, "support");
    ck_assert_int_eq(ticket->status, TICKET_PENDING);
    ck_assert_str_eq(ticket->subject, "Printer");
    ck_assert_str_eq(ticket->language, "uk");
    ck_assert_str_eq(ticket->requester, "olena@customer.example");
    ck_assert_str_eq(ticket->requester_name, "Olena");
    ck_assert_str_eq(ticket->reply_to, "o@x");
}
END_TEST

START_TEST(a_merged_ticket_is_followed_to_where_it_went)
{
    make_tickets(2);
    make_id(1, "ours", "a@x");
    make_party(1, "olena@customer.example");
    make_party(2, "taras@customer.example");
    tell("UPDATE ticket SET merged_into = 2 WHERE id = 1");
    /* Who belongs to the one that is left, counts. */
    assert_candidates("2 own-message-id a@x\n2 subject-tag \n",
                      FROM_OLENA "References: <a@x>\nSubject: [#1]\n\nText.\n");
    assert_candidates("2 own-message-id a@x party\n2 subject-tag  party\n",
                      "From: Taras@customer.example\nReferences: <a@x>\n"
                      "Subject: [#1]\n\nText.\n");
}
END_TEST

START_TEST(a_tag_is_the_weakest_evidence)
{
    make_tickets(2);
    make_id(1, "seen", "a@x");
    make_party(2, "olena@customer.example");
    assert_candidates("1 shared-ancestor a@x\n2 subject-tag  party\n",
                      FROM_OLENA
                      "References: <a@x>\nSubject: Re: [#2] x\n\nText.\n");
    assert_candidates("", FROM_OLENA "Subject: Re: [#4711] x\n\nText.\n");
}
END_TEST

START_TEST(a_crowd_of_tickets_is_cut_and_hides_nobodys_own)
{
    make_tickets(60);
    tell("INSERT INTO reference SELECT sha256('a@x'), id, 'stored' "
         "FROM ticket");
    make_id(60, "seen", "b@x");
    make_party(60, "olena@customer.example");
    g_autoptr(Context) context =
        context_of(FROM_OLENA "References: <a@x> <b@x>\n\nText.\n");
    ck_assert_uint_eq(context->candidates->len, 9); /* eight of them know a@x */
    const Candidate *best = context->candidates->pdata[0];
    ck_assert_int_eq(best->ticket->id, 60);
}
END_TEST

START_TEST(who_names_an_id_later_hides_neither_who_had_it_nor_what_we_wrote)
{
    make_tickets(100);
    tell(
        "INSERT INTO reference SELECT sha256('a@x'), id, 'stored' FROM ticket");
    tell("INSERT INTO reference SELECT sha256('b@x'), id, "
         "CASE id WHEN 90 THEN 'ours' ELSE 'stored' END FROM ticket");
    make_party(1, "olena@customer.example");
    make_party(90, "taras@customer.example");
    g_autoptr(Context) own =
        context_of(FROM_OLENA "References: <a@x>\n\nText.\n");
    ck_assert_int_eq(((Candidate *)own->candidates->pdata[0])->ticket->id, 1);
    g_autoptr(Context) ours = context_of(
        "From: Taras@customer.example\nReferences: <b@x>\n\nText.\n");
    ck_assert_int_eq(((Candidate *)ours->candidates->pdata[0])->ticket->id, 90);
}
END_TEST

START_TEST(of_all_ids_of_a_mail_few_tickets_are_candidates)
{
    g_autoptr(GString) header = g_string_new(FROM_OLENA "References:");
    make_tickets(100);
    for (int i = 0; i < LOOKUP_IDS_MAX; i++) {
        tell("INSERT INTO reference SELECT sha256('%d@x'), id, 'stored' "
             "FROM ticket WHERE id %% %d = %d",
             i, LOOKUP_IDS_MAX, i);
        g_string_append_printf(header, " <%d@x>", i);
    }
    g_string_append(header, "\n\nText.\n");
    g_autoptr(Context) context = context_of(header->str);
    ck_assert_uint_eq(context->candidates->len, 20);
}
END_TEST

/* ---- the same content ---- */

START_TEST(the_same_content_is_known_with_its_ticket)
{
    receive(OLENA_MAIL("a@x"), "support@desk.example", NULL);
    g_autoptr(Context) context =
        context_of("Received: by another.way\n" OLENA_MAIL("a@x"));
    ck_assert_int_eq(context->known_message, 1);
    ck_assert_int_eq(context->known->id, 1);
    ck_assert_str_eq(context->known->queue, "support");
    ck_assert(context->known_to_queue);
    g_autoptr(Context) other = context_of(OLENA_MAIL("a@x") "And more.\n");
    ck_assert_ptr_null(other->known);
}
END_TEST

START_TEST(a_queue_that_does_not_know_it_yet_is_told_apart)
{
    int64_t ticket = 0, again = 0;
    receive(OLENA_MAIL("a@x"), "billing@desk.example", &ticket);
    g_autoptr(Context) context = context_of(OLENA_MAIL("a@x"));
    ck_assert(!context->known_to_queue);
    receive(OLENA_MAIL("a@x"), "support@desk.example", &again);
    ck_assert_int_eq(again, ticket);
    g_autoptr(Context) after = context_of(OLENA_MAIL("a@x"));
    ck_assert(after->known_to_queue);
    assert_sql("1|1", "SELECT (SELECT count(*) FROM ticket), "
                      "(SELECT count(*) FROM message)");
}
END_TEST

START_TEST(a_mail_without_an_id_is_never_the_same)
{
    for (int i = 0; i < 2; i++) {
        g_autoptr(GBytes) raw = g_bytes_new("Subject: disk full\n\nx\n", 22);
        g_autoptr(Delivery) delivery = hand_over(raw, "support@desk.example");
        g_free(delivery->key);
        delivery->key = g_strdup_printf("attempt %d", i);
        g_autoptr(Receipt) receipt = process(accept_one(delivery));
        ck_assert_int_eq(receipt->ticket->id, i + 1);
    }
}
END_TEST

/* ---- budgets ---- */

/* An acknowledgement to `address` that long ago. */
static void
make_acknowledgement(const char *address, const char *ago)
{
    static int count;
    tell("INSERT INTO outgoing (kind, envelope_sender, message_id, "
         "acknowledged, created_at) VALUES ('acknowledgement', '', 'a%d', "
         "'%s', now() - interval '%s')",
         ++count, address, ago);
}

START_TEST(acknowledgements_are_counted_by_address_and_time)
{
    static const char *const times[] = {"0", "9 minutes", "11 minutes",
                                        "23 hours", "25 hours"};
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
        make_acknowledgement("olena@customer.example", times[i]);
    make_acknowledgement("taras@customer.example", "1 minute");
    tell("INSERT INTO outgoing (kind, envelope_sender, message_id) "
         "VALUES ('reply', '', 'r')");
    g_autoptr(Context) context = context_of(OLENA_MAIL("a@x"));
    ck_assert_int_eq(context->sender_10min, 2);
    ck_assert_int_eq(context->sender_day, 4);
    ck_assert_int_eq(context->all_in_window, 3); /* of all, in 600 s */
}
END_TEST

START_TEST(the_breaker_counts_no_further_than_it_must)
{
    fix.sample->budgets.breaker = 5;
    fix.sample->budgets.breaker_window_s = 60;
    for (int i = 0; i < 9; i++)
        make_acknowledgement("a@x", i < 7 ? "30 seconds" : "90 seconds");
    g_autoptr(Context) context = context_of(OLENA_MAIL("a@x"));
    ck_assert_int_eq(context->all_in_window, 5);
}
END_TEST

START_TEST(far_from_the_breaker_a_count_serves_for_a_moment)
{
    static const struct {
        int64_t breaker;
        int64_t expected;
    } steps[] = {
        {8, 3}, /* counted */
        {8, 3}, /* below half of it: one more is not seen yet */
        {6, 5}, /* half of it: counted in each transaction */
        {6, 6},
    };
    make_acknowledgement("a@x", "30 seconds");
    make_acknowledgement("a@x", "30 seconds");
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        make_acknowledgement("a@x", "30 seconds");
        fix.sample->budgets.breaker = steps[i].breaker;
        g_autoptr(Context) context = context_of(OLENA_MAIL("a@x"));
        ck_assert_int_eq(context->all_in_window, steps[i].expected);
    }
}
END_TEST

START_TEST(within_a_batch_the_counts_go_on)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    for (int i = 0; i < 4; i++) {
        g_autoptr(Lookup) lookup = lookup_of(OLENA_MAIL("a@x"));
        g_autoptr(Context) context = context_load(txn, lookup, &error);
        must(context != NULL, error);
        ck_assert_int_eq(context->sender_10min, i);
        ck_assert_int_eq(context->sender_day, i);
        ck_assert_int_eq(context->all_in_window, i);
        g_autofree char *id = g_strdup_printf("ack%d@desk", i);
        g_autoptr(GPtrArray) one =
            g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
        g_ptr_array_add(one, outgoing_new(OUTGOING_ACKNOWLEDGEMENT, 0, id,
                                          "olena@customer.example"));
        outbox_add(txn, one);
    }
    commit(txn);
}
END_TEST

/* ---- locks ---- */

static void
take_locks(Txn *txn, const int64_t *keys, guint count)
{
    g_autoptr(GArray) locks = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_array_append_vals(locks, keys, count);
    g_autoptr(GError) error = NULL;
    must(store_lock_context(txn, locks, &error), error);
    for (guint i = 1; i < locks->len; i++)
        ck_assert_int_le(g_array_index(locks, int64_t, i - 1),
                         g_array_index(locks, int64_t, i));
}

START_TEST(locks_are_held_until_the_transaction_ends)
{
    static const int64_t keys[] = {7, INT64_MIN, INT64_MAX, 7, -1};
    Txn *txn = begin(fix.store);
    take_locks(txn, keys, G_N_ELEMENTS(keys));
    take_locks(txn, keys, 0); /* nothing to meet over */
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) all = store_load_keys(txn, &error);
    must(all != NULL, error); /* they have been taken by now */
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        assert_sql("f",
                   "SELECT pg_try_advisory_xact_lock(%" G_GINT64_FORMAT ")",
                   keys[i]);
    commit(txn);
    assert_sql("0", "SELECT count(*) FROM pg_locks "
                    "WHERE locktype = 'advisory'");
}
END_TEST

START_TEST(a_transaction_that_is_left_holds_nothing)
{
    static const int64_t keys[] = {1, 2, 3};
    Txn *txn = begin(fix.store);
    take_locks(txn, keys, G_N_ELEMENTS(keys));
    txn_free(txn);
    assert_sql("0", "SELECT count(*) FROM pg_locks "
                    "WHERE locktype = 'advisory'");
    g_autoptr(GError) error = NULL;
    must(schema_check(fix.store, &error), error);
    assert_sql("0", "SELECT count(*) FROM pg_stat_activity "
                    "WHERE backend_xmin IS NOT NULL AND pid <> "
                    "pg_backend_pid() AND backend_type = 'client backend' "
                    "AND datname = current_database()");
}
END_TEST

START_TEST(a_dry_run_takes_no_lock_and_writes_nothing)
{
    receive(OLENA_MAIL("a@x"), "support@desk.example", NULL);
    g_autoptr(Lookup) lookup = lookup_of(OLENA_MAIL("a@x"));
    g_autoptr(GError) error = NULL;
    Txn *txn = store_begin_read_only(fix.store, &error);
    must(txn != NULL, error);
    g_autoptr(Context) context = context_load(txn, lookup, &error);
    must(context != NULL, error);
    ck_assert_int_eq(context->known_message, 1);
    assert_sql("0", "SELECT count(*) FROM pg_locks "
                    "WHERE locktype = 'advisory'");
    bool parked;
    ck_assert(!delivery_park(txn, 1, "x", false, &parked, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "read-only"));
    txn_free(txn);
}
END_TEST

/* A processor of its own: the one delivery it gets, from look-up to commit. */
static void
process_next(void)
{
    g_autoptr(Store) store = fixture_another();
    g_autoptr(Txn) txn = store_begin(store, NULL);
    g_autoptr(GPtrArray) batch =
        delivery_lock_batch(txn, 1, DELIVERY_LARGE_BYTES, NULL);
    if (batch == NULL || batch->len != 1)
        _exit(1);
    Delivery *delivery = batch->pdata[0];
    g_autoptr(Mail) mail = mail_parse(delivery->raw, delivery->envelope_sender,
                                      &fix.sample->limits);
    g_autoptr(GBytes) content = content_digest_of(delivery->raw);
    g_autoptr(Lookup) lookup =
        lookup_new(mail, delivery, content, &fix.sample->rules);
    g_autoptr(Context) context = store_lock_context(txn, lookup->locks, NULL)
                                     ? context_load(txn, lookup, NULL)
                                     : NULL;
    if (context == NULL)
        _exit(2);
    g_usleep(20000); /* without locks the others look now, too */
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &fix.sample->rules);
    g_autoptr(Receipt) receipt =
        record_one(txn, delivery, mail, decision, lookup, NULL);
    _exit(receipt != NULL && txn_commit(txn, NULL) ? 0 : 3);
}

static const char *const threads[][3] = {
    /* a parent and two answers, in any order */
    {OLENA_MAIL("a@x"),
     FROM_OLENA "Message-ID: <b@x>\nIn-Reply-To: <a@x>\n\nAnd?\n",
     FROM_OLENA "Message-ID: <c@x>\nReferences: <a@x> <b@x>\n\nWell?\n"},
    {FROM_OLENA "Message-ID: <c@x>\nReferences: <a@x> <b@x>\n\nWell?\n",
     FROM_OLENA "Message-ID: <b@x>\nIn-Reply-To: <a@x>\n\nAnd?\n",
     OLENA_MAIL("a@x")},
    {FROM_OLENA "Message-ID: <b@x>\nIn-Reply-To: <a@x>\n\nAnd?\n",
     OLENA_MAIL("a@x"),
     FROM_OLENA "Message-ID: <c@x>\nReferences: <a@x> <b@x>\n\nWell?\n"},
    /* the same mail three times, by different ways */
    {OLENA_MAIL("a@x"), "Received: one\n" OLENA_MAIL("a@x"),
     "Received: two\n" OLENA_MAIL("a@x")},
};

START_TEST(processors_that_meet_on_a_thread_agree)
{
    enum { MAILS = 3 };
    pid_t children[MAILS];
    for (int i = 0; i < MAILS; i++)
        accept_text(threads[_i][i], "support@desk.example");
    for (int i = 0; i < MAILS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            process_next();
    }
    for (int i = 0; i < MAILS; i++) {
        int status = -1;
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_int_eq(status, 0);
    }
    assert_sql("1", "SELECT count(*) FROM ticket");
    assert_sql("3", "SELECT count(*) FROM delivery WHERE state = 'settled'");
}
END_TEST

/* ---- keys ---- */

START_TEST(the_newest_key_comes_first_and_the_one_before_with_it)
{
    tell("INSERT INTO signing_key (key) SELECT sha256(n::text::bytea) "
         "FROM generate_series(1, 3) AS n");
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) keys = store_load_keys(txn, &error);
    must(keys != NULL, error);
    commit(txn);
    g_autoptr(GBytes) newest_text = g_bytes_new_static("3", 1);
    g_autoptr(GBytes) newest = digest_of(newest_text);
    ck_assert_uint_eq(keys->len, 2);
    ck_assert(g_bytes_equal(keys->pdata[0], newest));
    tell("DELETE FROM signing_key WHERE id > "
         "(SELECT min(id) FROM signing_key)");
}
END_TEST

START_TEST(no_key_is_the_operators_affair)
{
    tell("CREATE TEMP TABLE saved AS SELECT * FROM signing_key");
    tell("DELETE FROM signing_key");
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(store_load_keys(txn, &error));
    txn_free(txn);
    tell("INSERT INTO signing_key SELECT * FROM saved");
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(error->message, "signing_key"));
}
END_TEST

void
add_context_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "context");
    tcase_add_test(tests, nothing_is_known_of_a_first_mail);
    tcase_add_test(
        tests, ones_own_tickets_go_first_then_what_we_wrote_came_and_was_named);
    tcase_add_test(tests,
                   of_equal_evidence_the_ticket_that_moved_last_goes_first);
    tcase_add_test(tests, a_candidate_brings_its_ticket);
    tcase_add_test(tests, a_merged_ticket_is_followed_to_where_it_went);
    tcase_add_test(tests, a_tag_is_the_weakest_evidence);
    tcase_add_test(tests, a_crowd_of_tickets_is_cut_and_hides_nobodys_own);
    tcase_add_test(
        tests,
        who_names_an_id_later_hides_neither_who_had_it_nor_what_we_wrote);
    tcase_add_test(tests, of_all_ids_of_a_mail_few_tickets_are_candidates);
    tcase_add_test(tests, the_same_content_is_known_with_its_ticket);
    tcase_add_test(tests, a_queue_that_does_not_know_it_yet_is_told_apart);
    tcase_add_test(tests, a_mail_without_an_id_is_never_the_same);
    tcase_add_test(tests, acknowledgements_are_counted_by_address_and_time);
    tcase_add_test(tests, the_breaker_counts_no_further_than_it_must);
    tcase_add_test(tests, far_from_the_breaker_a_count_serves_for_a_moment);
    tcase_add_test(tests, within_a_batch_the_counts_go_on);
    tcase_add_test(tests, locks_are_held_until_the_transaction_ends);
    tcase_add_test(tests, a_transaction_that_is_left_holds_nothing);
    tcase_add_test(tests, a_dry_run_takes_no_lock_and_writes_nothing);
    tcase_add_loop_test(tests, processors_that_meet_on_a_thread_agree, 0,
                        G_N_ELEMENTS(threads));
    tcase_add_test(tests,
                   the_newest_key_comes_first_and_the_one_before_with_it);
    tcase_add_test(tests, no_key_is_the_operators_affair);
}
