/* The questions of the command line: each is answered, empty or not. */
#include "store/inspect.h"
#include "fixture.h"

#include <string.h>

/* ---- short words ---- */

static InspectTable *
inspect(InspectQuestion question, const char *const *arguments)
{
    g_autoptr(GError) error = NULL;
    Txn *txn = store_begin_read_only(fix.store, &error);
    must(txn != NULL, error);
    InspectTable *table = inspect_ask(txn, question, arguments, &error);
    must(table != NULL, error);
    commit(txn);
    return table;
}

#define ARGUMENTS(...)                                                         \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

/* The named columns of all rows: "a|b" a row, NULL as "NULL". */
static char *
cells(const InspectTable *table, const char *names)
{
    g_auto(GStrv) wanted = g_strsplit(names, " ", -1);
    GString *out = g_string_new(NULL);
    for (guint row = 0; row < table->rows->len; row++) {
        g_string_append(out, row > 0 ? "\n" : "");
        for (guint i = 0; wanted[i] != NULL; i++) {
            guint column = 0;
            while (strcmp(table->columns[column], wanted[i]) != 0)
                column++;
            const char *cell = inspect_cell(table, row, column);
            ck_assert_str_eq(inspect_get(table, row, wanted[i]),
                             cell != NULL ? cell : "");
            g_string_append_printf(out, "%s%s", i > 0 ? "|" : "",
                                   cell != NULL ? cell : "NULL");
        }
    }
    return g_string_free(out, FALSE);
}

static void
assert_answer(InspectQuestion question, const char *const *arguments,
              const char *names, const char *expected)
{
    g_autoptr(InspectTable) table = inspect(question, arguments);
    g_autofree char *got = cells(table, names);
    ck_assert_str_eq(got, expected);
}

/* A folder that is read, by a daemon that was just heard of. */
static void
make_folder(void)
{
    tell("INSERT INTO folder (account, name, uid_validity, lease, lease_until,"
         " holder, looked_at) VALUES ('b', 'INBOX', 7, gen_random_uuid(), "
         "now() + interval '45 seconds', 'host/1', "
         "now() - interval '5 seconds')");
    tell("INSERT INTO folder (account, name) VALUES ('old', 'INBOX')");
    tell("INSERT INTO left_mail (folder_id, uid_validity, uid, octets, "
         "strikes, reason, parked_at) VALUES (1, 7, 11, 99, 3, 'odd', now()), "
         "(1, 7, 12, 98, 1, 'dark', NULL), (1, 6, 9, 97, 3, 'gone', now())");
}

/* Two tickets, one closed and linked; mail that waits, that was sent. */
static void
make_desk(void)
{
    receive("From: Olena <olena@customer.example>\nCc: taras@x\n"
            "Subject: Printer\nMessage-ID: <a@x>\n\nIt burns.\n",
            "support@desk.example", NULL);
    receive(OLENA_MAIL("b@x"), "billing@desk.example", NULL);
    accept_text(OLENA_MAIL("c@x"), "support@desk.example");
    accept_text(OLENA_MAIL("d@x"), "support@desk.example");
    tell("UPDATE ticket SET status = 'closed', closed_at = now(), "
         "linked_to = 1, updated_at = now() - interval '1 hour' WHERE id = 2");
    tell("UPDATE delivery SET state = 'parked', reason = 'odd' WHERE id = 4");
    queue_outgoing(outgoing_new(OUTGOING_REPLY, 1, "r1@desk", "a@x b@x"));
    queue_outgoing(outgoing_new(OUTGOING_NOTICE, 2, "r2@desk", "c@x"));
    tell("UPDATE outgoing SET state = 'sent', settled_at = now() "
         "WHERE id = 2");
    tell("INSERT INTO attachment SELECT 1, n, 'a' || n, 'a/b', n, '\\x00ff', "
         "n = 2, 'id' FROM generate_series(1, 2) AS n");
    make_folder();
}

/* ---- answers ---- */

static const struct {
    InspectQuestion question;
    const char *arguments[4];
} questions[] = {
    {INSPECT_STATUS, {NULL}},
    {INSPECT_TICKETS, {"", "", "10", NULL}},
    {INSPECT_TICKET, {"1", NULL}},
    {INSPECT_MESSAGES, {"1", NULL}},
    {INSPECT_ATTACHMENTS, {"1", "", NULL}},
    {INSPECT_PARTIES, {"1", NULL}},
    {INSPECT_EVENTS, {"1", NULL}},
    {INSPECT_TICKET_MAILS, {"1", NULL}},
    {INSPECT_DELIVERIES, {"", "10", NULL}},
    {INSPECT_DELIVERY, {"1", NULL}},
    {INSPECT_OUTBOX, {"", "10", NULL}},
    {INSPECT_OUTGOING, {"1", NULL}},
    {INSPECT_RECIPIENTS, {"1", NULL}},
    {INSPECT_FOLDERS, {NULL}},
    {INSPECT_LEFT, {"", NULL}},
};

START_TEST(each_question_has_an_answer)
{
    g_autoptr(InspectTable) empty =
        inspect(questions[_i].question, questions[_i].arguments);
    bool is_status = questions[_i].question == INSPECT_STATUS;
    ck_assert_uint_eq(empty->rows->len, is_status ? 1 : 0);
    make_desk();
    g_autoptr(InspectTable) full =
        inspect(questions[_i].question, questions[_i].arguments);
    ck_assert_uint_gt(full->rows->len, 0);
    ck_assert_uint_eq(full->n_columns, empty->n_columns);
    for (guint column = 0; column < full->n_columns; column++) {
        ck_assert_int_eq(full->types[column], empty->types[column]);
        for (guint row = 0; row < full->rows->len; row++) {
            const char *cell = inspect_cell(full, row, column);
            if (full->types[column] == INSPECT_NUMBER && cell != NULL)
                ck_assert_uint_eq(strspn(cell, "-0123456789"), strlen(cell));
            else if (cell != NULL)
                ck_assert(g_utf8_validate(cell, -1, NULL));
        }
    }
}
END_TEST

START_TEST(tickets_are_listed_by_queue_and_status)
{
    make_desk();
    assert_answer(INSPECT_TICKETS, ARGUMENTS("", "", "10"),
                  "ticket queue status requester subject messages",
                  "1|support|open|olena@customer.example|Printer|1\n"
                  "2|billing|closed|olena@customer.example|Printer|1");
    assert_answer(INSPECT_TICKETS, ARGUMENTS("billing", "", "10"), "ticket",
                  "2");
    assert_answer(INSPECT_TICKETS, ARGUMENTS("", "open", "10"), "ticket", "1");
    assert_answer(INSPECT_TICKETS, ARGUMENTS("billing", "open", "10"), "ticket",
                  "");
    assert_answer(INSPECT_TICKETS, ARGUMENTS("", "", "1"), "ticket", "1");
}
END_TEST

START_TEST(a_ticket_is_shown_with_all_that_belongs_to_it)
{
    make_desk();
    assert_answer(INSPECT_TICKET, ARGUMENTS("2"),
                  "ticket status linked_to merged_into also_in",
                  "2|closed|1|NULL|NULL");
    assert_answer(INSPECT_MESSAGES, ARGUMENTS("1"),
                  "message kind author message_id threaded_by body",
                  "1|mail|olena@customer.example|a@x|no-evidence|It burns.\n");
    assert_answer(INSPECT_PARTIES, ARGUMENTS("1"), "address name role",
                  "olena@customer.example|Olena|requester\ntaras@x||cc");
    assert_answer(INSPECT_EVENTS, ARGUMENTS("1"), "event actor detail",
                  "created||no-evidence\n"
                  "acknowledged||olena@customer.example");
    assert_answer(INSPECT_TICKET_MAILS, ARGUMENTS("1"),
                  "outgoing kind state recipients", "1|reply|queued|a@x b@x");
}
END_TEST

START_TEST(deliveries_are_listed_newest_first)
{
    make_desk();
    assert_answer(INSPECT_DELIVERIES, ARGUMENTS("", "10"),
                  "delivery state ticket rubbish reason",
                  "4|parked|NULL|no|odd\n3|waiting|NULL|no|\n"
                  "2|settled|2|no|no-evidence\n1|settled|1|no|no-evidence");
    assert_answer(INSPECT_DELIVERIES, ARGUMENTS("settled", "1"), "delivery",
                  "2");
    assert_answer(INSPECT_DELIVERY, ARGUMENTS("1"),
                  "delivery state recipient ticket message strikes",
                  "1|settled|support@desk.example|1|1|0");
}
END_TEST

START_TEST(the_outbox_is_listed_with_whom_it_is_for)
{
    make_desk();
    assert_answer(INSPECT_OUTBOX, ARGUMENTS("", "10"),
                  "outgoing kind state ticket recipients",
                  "2|notice|sent|2|c@x\n1|reply|queued|1|a@x b@x");
    assert_answer(INSPECT_OUTBOX, ARGUMENTS("unfinished", "10"), "outgoing",
                  "1");
    assert_answer(INSPECT_OUTBOX, ARGUMENTS("sent", "10"), "outgoing", "2");
    assert_answer(INSPECT_OUTGOING, ARGUMENTS("1"),
                  "outgoing kind sender message_id settled",
                  "1|reply|support@desk.example|r1@desk|NULL");
    assert_answer(INSPECT_RECIPIENTS, ARGUMENTS("1"), "recipient state code",
                  "a@x|waiting|0\nb@x|waiting|0");
}
END_TEST

START_TEST(the_status_counts_what_there_is)
{
    make_desk();
    assert_answer(INSPECT_STATUS, ARGUMENTS(NULL),
                  "waiting parked parked_rubbish queued sending "
                  "unfinished_tickets",
                  "1|1|0|1|0|1");
    tell("UPDATE delivery SET is_rubbish = true WHERE id = 4");
    assert_answer(INSPECT_STATUS, ARGUMENTS(NULL), "parked parked_rubbish",
                  "0|1");
    tell("INSERT INTO outgoing (kind, state, envelope_sender, message_id, "
         "settled_at) VALUES ('acknowledgement', 'failed', '', 'i', now()), "
         "('acknowledgement', 'failed', '', 'i', now()), "
         "('admin', 'failed', '', 'i', now())");
    assert_answer(INSPECT_STATUS, ARGUMENTS(NULL),
                  "failed_1day acknowledgements_failed_1day", "1|2");
    tell("UPDATE delivery SET received_at = now() - interval '90 seconds' "
         "WHERE id = 3");
    tell("UPDATE outgoing SET created_at = now() - interval '80 seconds', "
         "due_at = now() + interval '1 hour' WHERE id = 1");
    g_autoptr(InspectTable) table = inspect(INSPECT_STATUS, ARGUMENTS(NULL));
    int64_t waiting_s =
        g_ascii_strtoll(inspect_get(table, 0, "oldest_waiting_s"), NULL, 10);
    int64_t queued_s =
        g_ascii_strtoll(inspect_get(table, 0, "oldest_queued_s"), NULL, 10);
    ck_assert_int_ge(waiting_s, 90);
    ck_assert_int_le(waiting_s, 110);
    ck_assert_int_ge(queued_s, 80);
    ck_assert_int_le(queued_s, 100);
    ck_assert_str_eq(inspect_get(table, 0, "overdue_s"), "0");
}
END_TEST

START_TEST(a_folder_tells_how_it_goes)
{
    make_folder();
    assert_answer(INSPECT_FOLDERS, ARGUMENTS(NULL),
                  "account folder waiting parked struck next_try_s holder "
                  "failing_since last_error",
                  "b|INBOX|0|1|1|0|host/1|NULL|\nold|INBOX|0|0|0|0||NULL|");
    tell("UPDATE folder SET waiting = 4, last_error = 'no', lease_until = "
         "now(), looked_at = '2026-01-31 10:00Z', failing_since = "
         "'2026-01-31 10:01Z', next_try_at = now() + interval '1 hour' "
         "WHERE account = 'b'");
    assert_answer(INSPECT_FOLDERS, ARGUMENTS(NULL),
                  "last_success waiting holder failing_since last_error",
                  "2026-01-31T10:00:00Z|4||2026-01-31T10:01:00Z|no\n"
                  "NULL|0||NULL|");
    g_autoptr(InspectTable) table = inspect(INSPECT_FOLDERS, ARGUMENTS(NULL));
    int64_t next_s =
        g_ascii_strtoll(inspect_get(table, 0, "next_try_s"), NULL, 10);
    ck_assert_int_ge(next_s, 3580);
    ck_assert_int_le(next_s, 3600);
}
END_TEST

START_TEST(a_folder_is_silent_since_somebody_looked_or_began_to)
{
    make_folder();
    tell("UPDATE folder SET looked_at = now() - interval '100 seconds'");
    tell("UPDATE folder SET looked_at = NULL, created_at = now() - "
         "interval '200 seconds' WHERE account = 'old'");
    g_autoptr(InspectTable) table = inspect(INSPECT_FOLDERS, ARGUMENTS(NULL));
    for (guint row = 0; row < 2; row++) {
        int64_t silent_s =
            g_ascii_strtoll(inspect_get(table, row, "silent_s"), NULL, 10);
        ck_assert_int_ge(silent_s, 100 * (row + 1));
        ck_assert_int_le(silent_s, 100 * (row + 1) + 20);
    }
}
END_TEST

START_TEST(a_table_of_our_own_is_like_any_other)
{
    static const char *const names[] = {"a", "b", NULL};
    static const InspectType types[] = {INSPECT_TEXT, INSPECT_NUMBER};
    static const char *const rows[][2] = {{"x", "1"}, {NULL, NULL}};
    g_autoptr(InspectTable) table = inspect_table_new(names, types);
    inspect_table_add(table, rows[0]);
    inspect_table_add(table, rows[1]);
    g_autofree char *got = cells(table, "a b");
    ck_assert_str_eq(got, "x|1\nNULL|NULL");
    ck_assert_int_eq(table->types[1], INSPECT_NUMBER);
}
END_TEST

START_TEST(mails_that_were_left_are_those_of_this_generation)
{
    make_folder();
    assert_answer(INSPECT_LEFT, ARGUMENTS(""),
                  "account folder uid octets strikes state reason",
                  "b|INBOX|11|99|3|parked|odd\nb|INBOX|12|98|1|retrying|dark");
    assert_answer(INSPECT_LEFT, ARGUMENTS("b"), "uid", "11\n12");
    assert_answer(INSPECT_LEFT, ARGUMENTS("old"), "uid", "");
}
END_TEST

/* ---- bytes ---- */

START_TEST(a_mail_that_leaves_is_shown_byte_for_byte)
{
    make_desk();
    tell("UPDATE outgoing SET content = '\\x00ff0d0a' WHERE id = 1");
    tell("UPDATE outgoing SET content = NULL WHERE id = 2");
    g_autoptr(GError) error = NULL;
    Txn *txn = store_begin_read_only(fix.store, &error);
    must(txn != NULL, error);
    g_autoptr(GBytes) content = NULL;
    must(inspect_outgoing_content(txn, 1, &content, &error), error);
    g_autoptr(GBytes) expected = g_bytes_new_static("\0\xFF\r\n", 4);
    ck_assert(g_bytes_equal(content, expected));
    GBytes *none = content;
    must(inspect_outgoing_content(txn, 2, &none, &error), error);
    ck_assert_ptr_null(none);
    none = content;
    must(inspect_outgoing_content(txn, 4711, &none, &error), error);
    ck_assert_ptr_null(none);
    commit(txn);
}
END_TEST

START_TEST(the_original_of_a_message_is_there_without_its_delivery)
{
    make_desk();
    tell("DELETE FROM delivery");
    g_autoptr(GError) error = NULL;
    Txn *txn = store_begin_read_only(fix.store, &error);
    must(txn != NULL, error);
    FILE *file = tmpfile();
    bool found;
    must(inspect_message_raw(txn, 2, 2, file, &found, &error), error);
    ck_assert(found);
    static const char text[] = OLENA_MAIL("b@x");
    char got[sizeof text];
    rewind(file);
    ck_assert_uint_eq(fread(got, 1, sizeof got, file), sizeof text - 1);
    ck_assert_mem_eq(got, text, sizeof text - 1);
    must(inspect_message_raw(txn, 1, 2, file, &found, &error), error);
    ck_assert(!found); /* it is another ticket's */
    fclose(file);
    commit(txn);
}
END_TEST

/* At each side of where one piece ends and the next begins. */
START_TEST(an_original_comes_in_pieces)
{
    enum { PIECE_BYTES = 1024 * 1024 };
    static const int lengths[] = {0, PIECE_BYTES - 1, PIECE_BYTES,
                                  PIECE_BYTES + 1, 2 * PIECE_BYTES};
    make_desk();
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *sql = g_strdup_printf(
            "UPDATE raw_mail r SET bytes = substring(decode(repeat("
            "'00ff0d0a31', 500000), 'hex') FROM 1 FOR %d) FROM message m "
            "WHERE m.id = 2 AND r.digest = m.raw_digest",
            lengths[i]);
        tell("%s", sql);
        g_autoptr(GError) error = NULL;
        Txn *txn = store_begin_read_only(fix.store, &error);
        must(txn != NULL, error);
        FILE *file = tmpfile();
        bool found;
        must(inspect_message_raw(txn, 2, 2, file, &found, &error), error);
        commit(txn);
        ck_assert(found);
        ck_assert_int_eq(ftell(file), lengths[i]);
        rewind(file);
        for (int at = 0; at < lengths[i]; at++)
            ck_assert_int_eq(fgetc(file), "\0\xFF\r\n1"[at % 5] & 0xFF);
        fclose(file);
    }
}
END_TEST

START_TEST(attachments_are_listed_by_message)
{
    make_desk();
    assert_answer(INSPECT_ATTACHMENTS, ARGUMENTS("2", ""), "name", "");
    tell("INSERT INTO attachment VALUES (2, 1, 'b', 'a/b', 0, '', false, '')");
    assert_answer(INSPECT_ATTACHMENTS, ARGUMENTS("1", ""),
                  "message attachment name type octets inline sha256 "
                  "content_id",
                  "1|1|a1|a/b|1|no|00ff|id\n1|2|a2|a/b|2|yes|00ff|id");
    assert_answer(INSPECT_ATTACHMENTS, ARGUMENTS("2", "2"), "name", "b");
    assert_answer(INSPECT_ATTACHMENTS, ARGUMENTS("1", "2"), "name", "");
}
END_TEST

void
add_inspect_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "inspect");
    tcase_add_loop_test(tests, each_question_has_an_answer, 0,
                        G_N_ELEMENTS(questions));
    tcase_add_test(tests, tickets_are_listed_by_queue_and_status);
    tcase_add_test(tests, a_ticket_is_shown_with_all_that_belongs_to_it);
    tcase_add_test(tests, deliveries_are_listed_newest_first);
    tcase_add_test(tests, the_outbox_is_listed_with_whom_it_is_for);
    tcase_add_test(tests, the_status_counts_what_there_is);
    tcase_add_test(tests, a_folder_tells_how_it_goes);
    tcase_add_test(tests, a_folder_is_silent_since_somebody_looked_or_began_to);
    tcase_add_test(tests, a_table_of_our_own_is_like_any_other);
    tcase_add_test(tests, mails_that_were_left_are_those_of_this_generation);
    tcase_add_test(tests, a_mail_that_leaves_is_shown_byte_for_byte);
    tcase_add_test(tests, an_original_comes_in_pieces);
    tcase_add_test(tests, attachments_are_listed_by_message);
    tcase_add_test(tests,
                   the_original_of_a_message_is_there_without_its_delivery);
}
