/* Decisions made so: every effect, every verdict, and nothing by halves. */
#include "store/record.h"
#include "fixture.h"

#include <string.h>

/* ---- short words ---- */

/* Record `decision` about a mail that is accepted for it. Takes nothing. */
static Receipt *
record(Decision *decision, const char *text, const char *recipient)
{
    int64_t id = accept_text(text, recipient);
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(Delivery) delivery = NULL;
    must(delivery_read(txn, id, &delivery, &error), error);
    g_autoptr(Mail) mail = mail_parse(delivery->raw, delivery->envelope_sender,
                                      &fix.sample->limits);
    g_autoptr(GBytes) content = content_digest_of(delivery->raw);
    g_autoptr(Lookup) lookup =
        lookup_new(mail, delivery, content, &fix.sample->rules);
    Receipt *receipt =
        record_one(txn, delivery, mail, decision, lookup, &error);
    must(receipt != NULL, error);
    commit(txn);
    return receipt;
}

static Decision *
decision_for(Verdict verdict, const char *reason, int64_t ticket)
{
    Decision *decision = decision_new(sample_queue(fix.sample, "support"));
    decision->verdict = verdict;
    decision->reason = reason;
    decision->ticket = sample_ticket(ticket, "support", TICKET_OPEN);
    return decision;
}

/* A ticket with nothing in it but a message. */
static int64_t
make_first_ticket(void)
{
    g_autoptr(Decision) decision = decision_for(VERDICT_NEW, "test", 0);
    g_autoptr(Receipt) receipt =
        record(decision, OLENA_MAIL("first@x"), "support@desk.example");
    return receipt->ticket->id;
}

/* Record one effect on ticket 1, as of one more mail. */
static void
make_effect(Effect effect)
{
    static int count;
    g_autofree char *text = g_strdup_printf(
        "Message-ID: <effect%d@x>\nSubject: x\n\nText.\n", ++count);
    g_autoptr(Decision) decision = decision_for(VERDICT_JOIN, "test", 1);
    Effect *added =
        decision_add_effect(decision, effect.kind, effect.text, effect.name);
    added->status = effect.status;
    added->role = effect.role;
    added->cool_down_s = effect.cool_down_s;
    receipt_free(record(decision, text, "support@desk.example"));
}

/* ---- verdicts ---- */

#define WHOLE_MAIL                                                             \
    "From: =?utf-8?q?J=C3=BCrgen?= <J@Customer.example>\n"                     \
    "To: support@desk.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"         \
    "Date: Tue, 14 Nov 2023 22:13:20 +0000\n"                                  \
    "Message-ID: <own@x>\nIn-Reply-To: <parent@x>\n"                           \
    "References: <root@x> <parent@x>\nPrecedence: bulk\n"                      \
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nIt burns.\n"          \
    "\n> Does it?\n--b\nContent-Disposition: attachment; filename=a\n\nx\n"

START_TEST(a_new_ticket_has_everything_the_mail_says)
{
    g_autoptr(Decision) decision = decision_for(VERDICT_NEW, "no-evidence", 0);
    g_autoptr(Receipt) receipt =
        record(decision, WHOLE_MAIL, "support@desk.example");
    ck_assert_int_eq(receipt->ticket->id, 1);
    ck_assert_int_eq(receipt->message_id_no, 1);
    ck_assert_uint_eq(receipt->alarms->len, 0);
    assert_sql("1|support|open|Printer||olena@customer.example|Olena|"
               "olena@customer.example|NULL|NULL|NULL|t",
               "SELECT id, queue, status, subject, language, requester, "
               "requester_name, reply_to, linked_to, merged_into, closed_at, "
               "created_at = updated_at FROM ticket");
    assert_sql("1|1|mail|J@Customer.example|Jürgen|Grüße|own@x|"
               "{root@x,parent@x}|list|precedence|no-evidence|1",
               "SELECT id, ticket_id, kind, author, author_name, subject, "
               "message_id, reference_ids, class, class_reason, threaded_by, "
               "attachments FROM message");
    assert_sql(
        "1|1|a|text/plain|2|"
        "73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"
        "|f|",
        "SELECT message_id, position, name, type, octets, "
        "encode(digest, 'hex'), is_inline, content_id FROM attachment");
    assert_sql("It burns.|2023-11-14 22:13:20+00",
               "SELECT trim(E'\\n' FROM convert_from(substring(convert_to("
               "body, 'UTF8') FROM reply_start + 1 FOR reply_end - "
               "reply_start), 'UTF8')), header_date FROM message");
    assert_sql("t|t|t|{multipart-not-closed}",
               "SELECT m.raw_digest = d.raw_digest, "
               "length(m.content_digest) = 32, "
               "date_trunc('second', d.received_at) = m.received_at, m.defects "
               "FROM message m, delivery d");
    assert_sql("own@x|stored\nparent@x|seen\nroot@x|seen",
               "SELECT i.id, r.kind FROM reference r "
               "JOIN unnest('{own@x,parent@x,root@x}'::text[]) AS i (id) "
               "ON sha256(i.id::bytea) = r.id_digest ORDER BY 1");
    assert_sql("settled|no-evidence|1|1", "SELECT state, reason, ticket_id, "
                                          "message_id_no FROM delivery");
}
END_TEST

START_TEST(a_claim_is_remembered_with_the_ticket)
{
    make_first_ticket();
    g_autoptr(Decision) decision = decision_for(VERDICT_NEW, "test", 0);
    decision->linked_to = 1;
    receipt_free(record(decision, OLENA_MAIL("b@x"), "support@desk.example"));
    assert_sql("2|1", "SELECT id, linked_to FROM ticket WHERE id = 2");
}
END_TEST

START_TEST(an_answer_or_a_note_is_one_message_more)
{
    make_first_ticket();
    tell("UPDATE ticket SET updated_at = now() - interval '1 day'");
    g_autoptr(Decision) decision = decision_for(VERDICT_JOIN, "message-id", 1);
    g_autoptr(Receipt) receipt =
        record(decision, OLENA_MAIL("b@x"), "support@desk.example");
    ck_assert_int_eq(receipt->ticket->id, 1);
    ck_assert_int_eq(receipt->message_id_no, 2);
    assert_sql("1|t", "SELECT id, updated_at > created_at FROM ticket");
    decision->is_note = true;
    receipt_free(record(decision, OLENA_MAIL("c@x"), "support@desk.example"));
    assert_sql("1|mail|test\n1|mail|message-id\n1|note|message-id",
               "SELECT ticket_id, kind, threaded_by FROM message ORDER BY id");
}
END_TEST

START_TEST(a_known_mail_is_pointed_to_and_not_repeated)
{
    make_first_ticket();
    g_autoptr(Decision) decision =
        decision_for(VERDICT_KNOWN, "same-content", 1);
    decision->message_id_no = 1;
    decision_add_effect(decision, EFFECT_QUEUE, "billing", "");
    decision_add_effect(decision, EFFECT_EVENT, "same-mail-again", "billing");
    g_autoptr(Receipt) receipt =
        record(decision, OLENA_MAIL("first@x"), "billing@desk.example");
    ck_assert_int_eq(receipt->message_id_no, 1);
    assert_sql("settled|same-content|1|1",
               "SELECT state, reason, ticket_id, message_id_no FROM delivery "
               "WHERE id = 2");
    assert_sql("1|1", "SELECT (SELECT count(*) FROM message), "
                      "(SELECT count(*) FROM ticket)");
    assert_sql("1|billing", "SELECT ticket_id, queue FROM ticket_queue");
    assert_sql("same-mail-again|billing", "SELECT name, detail FROM event");
}
END_TEST

START_TEST(a_parked_mail_makes_nothing)
{
    g_autoptr(Decision) decision = decision_new(NULL);
    decision->verdict = VERDICT_PARK;
    decision->reason = "too-many-hops";
    g_autoptr(Receipt) receipt =
        record(decision, OLENA_MAIL("a@x"), "support@desk.example");
    ck_assert_ptr_null(receipt->ticket);
    ck_assert_int_eq(receipt->message_id_no, 0);
    assert_sql("parked|too-many-hops|NULL",
               "SELECT state, reason, ticket_id FROM delivery");
    assert_sql("0|0", "SELECT (SELECT count(*) FROM message), "
                      "(SELECT count(*) FROM ticket)");
}
END_TEST

START_TEST(ticket_numbers_have_no_gaps)
{
    make_first_ticket();
    g_autoptr(Decision) join = decision_for(VERDICT_JOIN, "test", 1);
    for (int i = 0; i < 3; i++) {
        g_autofree char *text = g_strdup_printf("Message-ID: <%d@x>\n\nx\n", i);
        receipt_free(record(join, text, "support@desk.example"));
    }
    g_autoptr(Decision) new = decision_for(VERDICT_NEW, "test", 0);
    g_autoptr(Receipt) receipt =
        record(new, OLENA_MAIL("b@x"), "support@desk.example");
    ck_assert_int_eq(receipt->ticket->id, 2);
}
END_TEST

START_TEST(what_is_not_committed_never_was)
{
    int64_t id = accept_text(OLENA_MAIL("a@x"), "support@desk.example");
    for (int i = 0; i < 2; i++) {
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) batch =
            delivery_lock_batch(txn, 1, DELIVERY_LARGE_BYTES, &error);
        must(batch != NULL && batch->len == 1, error);
        Delivery *delivery = batch->pdata[0];
        ck_assert_int_eq(delivery->id, id);
        g_autoptr(Mail) mail =
            mail_parse(delivery->raw, "a@x", &fix.sample->limits);
        g_autoptr(Lookup) lookup =
            lookup_new(mail, delivery, NULL, &fix.sample->rules);
        g_autoptr(Decision) decision = decision_for(VERDICT_NEW, "test", 0);
        decision_add_effect(decision, EFFECT_EVENT, "created", "test");
        g_autoptr(Receipt) receipt =
            record_one(txn, delivery, mail, decision, lookup, &error);
        must(receipt != NULL, error);
        assert_sql("0|0|0|waiting",
                   "SELECT (SELECT count(*) FROM ticket), "
                   "(SELECT count(*) FROM message), "
                   "(SELECT count(*) FROM event), state FROM delivery");
        if (i == 1)
            must(txn_commit(txn, &error), error);
        txn_free(txn);
    }
    assert_sql("1|1|1|settled", "SELECT (SELECT count(*) FROM ticket), "
                                "(SELECT count(*) FROM message), "
                                "(SELECT count(*) FROM event), state "
                                "FROM delivery");
}
END_TEST

/* ---- effects ---- */

START_TEST(a_status_is_set_and_the_time_of_closing_with_it)
{
    make_first_ticket();
    static const struct {
        TicketStatus status;
        const char *expected;
    } steps[] = {
        {TICKET_PENDING, "pending|t"}, {TICKET_CLOSED, "closed|f"},
        {TICKET_CLOSED, "closed|f"},   {TICKET_OPEN, "open|t"},
        {TICKET_CLOSED, "closed|f"},   {TICKET_PENDING, "pending|t"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        make_effect((Effect){.kind = EFFECT_STATUS, .status = steps[i].status});
        assert_sql(steps[i].expected,
                   "SELECT status, closed_at IS NULL FROM ticket");
    }
    tell("UPDATE ticket SET status = 'closed', closed_at = '2023-11-14Z'");
    make_effect((Effect){.kind = EFFECT_STATUS, .status = TICKET_CLOSED});
    assert_sql("2023-11-14 00:00:00+00", "SELECT closed_at FROM ticket");
}
END_TEST

static const struct {
    PartyRole before;
    PartyRole after;
    const char *role;
    const char *name; /* "Old" before, "New" after */
} roles[] = {
    {PARTY_CC, PARTY_CC, "cc", "Old"},
    {PARTY_CC, PARTY_PARTICIPANT, "participant", "New"},
    {PARTY_CC, PARTY_REQUESTER, "requester", "New"},
    {PARTY_CC, PARTY_AGENT, "agent", "New"},
    {PARTY_PARTICIPANT, PARTY_CC, "participant", "Old"},
    {PARTY_REQUESTER, PARTY_CC, "requester", "Old"},
    {PARTY_AGENT, PARTY_CC, "agent", "Old"},
    /* nobody becomes requester by answering, or stops being one */
    {PARTY_REQUESTER, PARTY_PARTICIPANT, "requester", "Old"},
    {PARTY_PARTICIPANT, PARTY_REQUESTER, "participant", "Old"},
    {PARTY_AGENT, PARTY_PARTICIPANT, "agent", "Old"},
};

static void
add_taras(const char *name, PartyRole role)
{
    make_effect((Effect){.kind = EFFECT_PARTY,
                         .text = (char *)"taras@x",
                         .name = (char *)(uintptr_t)name,
                         .role = role});
}

START_TEST(a_role_is_won_and_never_lost)
{
    make_first_ticket();
    add_taras("Old", roles[_i].before);
    add_taras("New", roles[_i].after);
    g_autofree char *expected =
        g_strdup_printf("1|taras@x|%s|%s", roles[_i].name, roles[_i].role);
    assert_sql(expected, "SELECT ticket_id, address, name, role FROM party");
}
END_TEST

START_TEST(a_name_is_not_replaced_by_nothing)
{
    make_first_ticket();
    add_taras("Taras", PARTY_CC);
    add_taras("", PARTY_PARTICIPANT);
    assert_sql("Taras|participant", "SELECT name, role FROM party");
}
END_TEST

START_TEST(a_ticket_is_known_to_other_queues_once)
{
    make_first_ticket();
    static const char *const queues[] = {"billing", "support", "billing"};
    for (size_t i = 0; i < G_N_ELEMENTS(queues); i++)
        make_effect((Effect){.kind = EFFECT_QUEUE, .text = (char *)queues[i]});
    assert_sql("1|billing", "SELECT ticket_id, queue FROM ticket_queue");
}
END_TEST

START_TEST(an_event_is_written_down)
{
    make_first_ticket();
    make_effect((Effect){.kind = EFFECT_EVENT,
                         .text = (char *)"joined",
                         .name = (char *)"it's \"evidence\""});
    assert_sql("1|joined||it's \"evidence\"|t",
               "SELECT ticket_id, name, actor, detail, "
               "at > now() - interval '1 minute' FROM event");
}
END_TEST

/* Is the admin to be told? */
static bool
alarm_rings(const char *name)
{
    static int count;
    g_autofree char *text =
        g_strdup_printf("Message-ID: <alarm%d@x>\n\nText.\n", ++count);
    g_autoptr(Decision) decision = decision_for(VERDICT_JOIN, "test", 1);
    decision_add_effect(decision, EFFECT_ALARM, name, "what")->cool_down_s =
        3600;
    g_autoptr(Receipt) receipt = record(decision, text, "support@desk.example");
    ck_assert_uint_le(receipt->alarms->len, 1);
    if (receipt->alarms->len == 1)
        ck_assert_str_eq(((Effect *)receipt->alarms->pdata[0])->text, name);
    return receipt->alarms->len == 1;
}

START_TEST(an_alarm_rings_once_and_again_after_a_while)
{
    make_first_ticket();
    ck_assert(alarm_rings("budget-breaker"));
    ck_assert(!alarm_rings("budget-breaker"));
    ck_assert(alarm_rings("budget-sender-day"));
    tell("UPDATE alarm SET raised_at = now() - interval '59 minutes'");
    ck_assert(!alarm_rings("budget-breaker"));
    tell("UPDATE alarm SET raised_at = now() - interval '61 minutes'");
    ck_assert(alarm_rings("budget-breaker"));
    ck_assert(!alarm_rings("budget-breaker"));
    assert_sql("budget-breaker|2\nbudget-sender-day|1",
               "SELECT name, times FROM alarm ORDER BY name");
}
END_TEST

/* ---- ids ---- */

static void
assert_kind(const char *id, const char *kind)
{
    assert_sql(kind,
               "SELECT kind FROM reference WHERE id_digest = "
               "sha256('%s') AND ticket_id = 1",
               id);
}

static void
add_own_id(int64_t ticket, const char *id)
{
    Txn *txn = begin(fix.store);
    store_add_own_id(txn, ticket, id);
    commit(txn);
}

START_TEST(an_id_rises_and_never_falls)
{
    make_first_ticket();
    g_autoptr(Decision) join = decision_for(VERDICT_JOIN, "test", 1);
    static const char *const texts[] = {
        "Message-ID: <a@x>\nReferences: <late@x> <ours@x>\n\nx\n",
        "Message-ID: <late@x>\n\nx\n",
        "Message-ID: <b@x>\nReferences: <late@x> <a@x> <ours@x>\n\nx\n",
    };
    receipt_free(record(join, texts[0], "support@desk.example"));
    assert_kind("a@x", "stored");
    assert_kind("late@x", "seen");
    assert_kind("ours@x", "seen");
    add_own_id(1, "ours@x");
    receipt_free(record(join, texts[1], "support@desk.example"));
    assert_kind("late@x", "stored");
    assert_kind("ours@x", "ours");
    receipt_free(record(join, texts[2], "support@desk.example"));
    assert_kind("late@x", "stored");
    assert_kind("a@x", "stored");
    assert_kind("ours@x", "ours");
    add_own_id(1, "ours@x");
    assert_kind("ours@x", "ours");
}
END_TEST

START_TEST(odd_ids_are_kept_letter_by_letter)
{
    make_first_ticket();
    static const char *const ids[] = {"a\"b@x", "a\\b@x", "a,b@x",     "{a}@x",
                                      "NULL",   "a'b@x",  "\\\"{},@x", "ї@x",
                                      "%s@x",   "$1@x",   "a;b@x",     "--@x"};
    g_autoptr(GString) text = g_string_new("Message-ID: <odd@x>\nReferences:");
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        g_string_append_printf(text, " <%s>\n", ids[i]);
    g_string_append(text, "\nText.\n");
    g_autoptr(Decision) join = decision_for(VERDICT_JOIN, "test", 1);
    receipt_free(record(join, text->str, "support@desk.example"));
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(Thread) thread = NULL;
    must(store_load_thread(txn, 1, &thread, &error), error);
    commit(txn);
    ck_assert_str_eq(thread->in_reply_to, "odd@x");
    ck_assert_uint_eq(thread->references->len, G_N_ELEMENTS(ids));
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        ck_assert_str_eq(thread->references->pdata[i], ids[i]);
}
END_TEST

START_TEST(a_long_id_fits_its_index)
{
    g_autofree char *local = g_strnfill(990, 'x');
    g_autofree char *text = g_strdup_printf(
        "Message-ID: <%s@x>\nReferences: <%sy@x>\n\nx\n", local, local);
    make_first_ticket();
    g_autoptr(Decision) join = decision_for(VERDICT_JOIN, "test", 1);
    receipt_free(record(join, text, "support@desk.example"));
    assert_sql("992", "SELECT length(message_id) FROM message WHERE id = 2");
    assert_sql("3", "SELECT count(*) FROM reference");
}
END_TEST

/* ---- hostile bytes ---- */

START_TEST(no_byte_of_a_mail_can_stop_it)
{
    static const char raw[] =
        "From: \"a\0\xFF\" <x\xFF@y.example>\nSubject: "
        "\0s\xC3\x28\xED\xA0\x80\n"
        "Message-ID: <m\xFE@x>\nReferences: <\xFF@x> <a\0b@x>\n"
        "To: \xFF\xFE <z\xFF@x>\nContent-Type: text/plain; charset=utf-8\n\n"
        "\0\xFF\xC0\xAF \xF4\x90\x80\x80 text \\u0000\n";
    g_autoptr(GBytes) bytes = g_bytes_new_static(raw, sizeof raw - 1);
    g_autoptr(Delivery) delivery = hand_over(bytes, "support@desk.example");
    g_autoptr(Receipt) receipt = process(accept_one(delivery));
    ck_assert_int_eq(receipt->ticket->id, 1);
    assert_sql("t", "SELECT body LIKE '%%text%%' FROM message");
    assert_sql("settled", "SELECT state FROM delivery");
}
END_TEST

START_TEST(text_that_is_no_utf8_never_reaches_a_column)
{
    make_first_ticket();
    static const char *const bad[] = {"\xFF", "caf\xE9", "\xED\xA0\x80",
                                      "\xC0\xAF"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        g_autoptr(Ticket) ticket = sample_ticket(1, "support", TICKET_OPEN);
        int64_t id;
        bool good = store_add_message(txn, ticket, false, "a@x", "Anna", bad[i],
                                      &id, &error) &&
                    txn_commit(txn, &error);
        ck_assert(!good);
        ck_assert(failure_is(error, FAILURE_PERMANENT));
        txn_free(txn);
    }
    assert_sql("1", "SELECT count(*) FROM message");
}
END_TEST

/* ---- answers of our own people ---- */

START_TEST(an_answer_knows_the_newest_mail_that_came_in)
{
    make_first_ticket();
    g_autoptr(Decision) join = decision_for(VERDICT_JOIN, "test", 1);
    receipt_free(record(join, "Message-ID: <b@x>\nReferences: <first@x>\n\nx\n",
                        "support@desk.example"));
    receipt_free(record(join, "Subject: x\n\nx\n", "support@desk.example"));
    join->is_note = true;
    receipt_free(
        record(join, "Message-ID: <note@x>\n\nx\n", "support@desk.example"));
    tell("UPDATE ticket SET language = 'uk', status = 'pending', "
         "reply_to = 'office@x'");
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    g_autoptr(Thread) thread = NULL;
    must(store_load_thread(txn, 1, &thread, &error), error);
    ck_assert_str_eq(thread->in_reply_to, "b@x");
    ck_assert_uint_eq(thread->references->len, 1);
    ck_assert_str_eq(thread->references->pdata[0], "first@x");
    const Ticket *ticket = thread->ticket;
    ck_assert_int_eq(ticket->id, 1);
    ck_assert_str_eq(ticket->queue, "support");
    ck_assert_int_eq(ticket->status, TICKET_PENDING);
    ck_assert_str_eq(ticket->subject, "Printer");
    ck_assert_str_eq(ticket->language, "uk");
    ck_assert_str_eq(ticket->requester, "olena@customer.example");
    ck_assert_str_eq(ticket->requester_name, "Olena");
    ck_assert_str_eq(ticket->reply_to, "office@x");
    /* Nobody else answers meanwhile. */
    assert_sql("", "SELECT id FROM ticket FOR UPDATE SKIP LOCKED");
    commit(txn);
    assert_sql("1", "SELECT id FROM ticket FOR UPDATE SKIP LOCKED");
}
END_TEST

START_TEST(a_ticket_that_is_not_there_is_no_error)
{
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    Thread *none = (Thread *)fix.store;
    must(store_load_thread(txn, 4711, &none, &error), error);
    ck_assert_ptr_null(none);
    bool found = true;
    must(store_set_status(txn, 4711, TICKET_CLOSED, "anna", &found, &error),
         error);
    ck_assert(!found);
    commit(txn);
    assert_sql("0", "SELECT count(*) FROM event");
}
END_TEST

START_TEST(replies_and_notes_are_messages_with_an_event)
{
    make_first_ticket();
    for (int is_note = 0; is_note < 2; is_note++) {
        g_autoptr(Ticket) ticket = sample_ticket(1, "support", TICKET_OPEN);
        Txn *txn = begin(fix.store);
        g_autoptr(GError) error = NULL;
        int64_t id = 0;
        must(store_add_message(txn, ticket, is_note != 0, "anna@agents.example",
                               "Anna", "Turn it off — щ.\n", &id, &error),
             error);
        ck_assert_int_eq(id, 2 + is_note);
        commit(txn);
    }
    assert_sql("reply|anna@agents.example|Anna|Printer|Turn it off — щ.\n|t|t\n"
               "note|anna@agents.example|Anna|Printer|Turn it off — щ.\n|t|t",
               "SELECT kind, author, author_name, subject, body, "
               "reply_end = octet_length(body), raw_digest IS NULL "
               "FROM message WHERE id > 1 ORDER BY id");
    assert_sql("replied|anna@agents.example\nnoted|anna@agents.example",
               "SELECT name, actor FROM event ORDER BY id");
}
END_TEST

START_TEST(a_status_set_by_hand_is_noted)
{
    make_first_ticket();
    Txn *txn = begin(fix.store);
    g_autoptr(GError) error = NULL;
    bool found = false;
    must(store_set_status(txn, 1, TICKET_CLOSED, "anna", &found, &error),
         error);
    ck_assert(found);
    commit(txn);
    assert_sql("closed|t", "SELECT status, closed_at <= now() FROM ticket");
    assert_sql("closed|anna|", "SELECT name, actor, detail FROM event");
}
END_TEST

void
add_record_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "record");
    tcase_add_test(tests, a_new_ticket_has_everything_the_mail_says);
    tcase_add_test(tests, a_claim_is_remembered_with_the_ticket);
    tcase_add_test(tests, an_answer_or_a_note_is_one_message_more);
    tcase_add_test(tests, a_known_mail_is_pointed_to_and_not_repeated);
    tcase_add_test(tests, a_parked_mail_makes_nothing);
    tcase_add_test(tests, ticket_numbers_have_no_gaps);
    tcase_add_test(tests, what_is_not_committed_never_was);
    tcase_add_test(tests, a_status_is_set_and_the_time_of_closing_with_it);
    tcase_add_loop_test(tests, a_role_is_won_and_never_lost, 0,
                        G_N_ELEMENTS(roles));
    tcase_add_test(tests, a_name_is_not_replaced_by_nothing);
    tcase_add_test(tests, a_ticket_is_known_to_other_queues_once);
    tcase_add_test(tests, an_event_is_written_down);
    tcase_add_test(tests, an_alarm_rings_once_and_again_after_a_while);
    tcase_add_test(tests, an_id_rises_and_never_falls);
    tcase_add_test(tests, odd_ids_are_kept_letter_by_letter);
    tcase_add_test(tests, a_long_id_fits_its_index);
    tcase_add_test(tests, no_byte_of_a_mail_can_stop_it);
    tcase_add_test(tests, text_that_is_no_utf8_never_reaches_a_column);
    tcase_add_test(tests, an_answer_knows_the_newest_mail_that_came_in);
    tcase_add_test(tests, a_ticket_that_is_not_there_is_no_error);
    tcase_add_test(tests, replies_and_notes_are_messages_with_an_event);
    tcase_add_test(tests, a_status_set_by_hand_is_noted);
}
