/* A pipe that lost the end of a mail, and what its next attempt finds. */
#include "fixture.h"

#include <string.h>

#define BODY "Subject: x\n\nOne.\nTwo.\nThree.\n"

/* One hand-over; what is left out is as usual. */
typedef struct {
    const char *trace; /* leading lines of this attempt */
    const char *body;
    size_t length; /* of body that came through */
    const char *transport;
    const char *queue_id;
    const char *recipient;
} Attempt;

static const char *
or_usual(const char *value, const char *usual)
{
    return value != NULL ? value : usual;
}

/* "new 1", "duplicate 1", "completed 1". */
static char *
attempt(Attempt made)
{
    const char *trace = or_usual(made.trace, "");
    g_autofree char *body = g_strndup(or_usual(made.body, BODY), made.length);
    g_autofree char *text = g_strconcat(trace, body, NULL);
    g_autoptr(GBytes) raw = bytes_of(text);
    g_autoptr(GPtrArray) all = deliveries_new();
    Delivery *delivery = hand_over(raw, or_usual(made.recipient, "a@desk"));
    g_ptr_array_add(all, delivery);
    g_free(delivery->key);
    delivery->key =
        g_strdup_printf("key/%s/%s", delivery->envelope_recipient, body);
    g_free(delivery->transport);
    delivery->transport = g_strdup(or_usual(made.transport, "pipe"));
    g_free(delivery->mta_queue_id);
    delivery->mta_queue_id = g_strdup(or_usual(made.queue_id, "4SVkQ7"));
    g_autofree char *added = accept_all(all, strlen(trace));
    return g_strdup_printf("%s %d", added, (int)delivery->id);
}

static void
assert_attempt(const char *expected, Attempt made)
{
    g_autofree char *got = attempt(made);
    ck_assert_str_eq(got, expected);
}

enum { PART = 20, WHOLE = sizeof BODY - 1 };

static const struct {
    Attempt first;
    Attempt second;
    const char *outcome;
} attempts[] = {
    {{.length = PART}, {.length = WHOLE}, "completed 1"},
    {{.length = 0}, {.length = WHOLE}, "completed 1"},
    {{.length = WHOLE - 1}, {.length = WHOLE}, "completed 1"},
    {{.length = WHOLE}, {.length = WHOLE}, "duplicate 1"},
    /* a shorter one is no completion, and neither is another mail's */
    {{.length = WHOLE}, {.length = PART}, "new 2"},
    {{.length = PART}, {.length = WHOLE, .queue_id = "4SVkQ8"}, "new 2"},
    {{.length = PART}, {.length = WHOLE, .recipient = "b@desk"}, "new 2"},
    {{.length = PART, .queue_id = ""},
     {.length = WHOLE, .queue_id = ""},
     "new 2"},
    {{.length = PART},
     {.length = WHOLE, .body = "Subject: x\n\nTwo other lines.\nThree.\n"},
     "new 2"},
    /* LMTP says where a mail ends */
    {{.length = PART}, {.length = WHOLE, .transport = "lmtp"}, "new 2"},
    {{.length = PART, .transport = "lmtp"}, {.length = WHOLE}, "new 2"},
    /* the lines of the attempt itself do not count */
    {{.length = PART, .trace = "Delivered-To: a@desk\n"},
     {.length = WHOLE, .trace = "Return-Path: <x@y>\nDelivered-To: a@desk\n"},
     "completed 1"},
    {{.length = PART, .trace = "Return-Path: <x@y>\nDelivered-To: a@desk\n"},
     {.length = WHOLE},
     "completed 1"},
    {{.length = WHOLE, .trace = "Delivered-To: a@desk\n"},
     {.length = WHOLE},
     "duplicate 1"},
};

START_TEST(the_rest_of_a_cut_mail_takes_the_place_of_the_part)
{
    assert_attempt("new 1", attempts[_i].first);
    assert_attempt(attempts[_i].outcome, attempts[_i].second);
    bool completed = g_str_has_prefix(attempts[_i].outcome, "completed");
    assert_sql(completed ? "1" : "0", "SELECT sum(completed) FROM delivery");
    if (completed) /* and its own next attempt is a duplicate of it */
        assert_attempt("duplicate 1", attempts[_i].second);
}
END_TEST

START_TEST(a_mail_may_be_cut_more_than_once)
{
    assert_attempt("new 1", (Attempt){.length = 15});
    assert_attempt("completed 1", (Attempt){.length = 20});
    assert_attempt("completed 1", (Attempt){.length = WHOLE});
    assert_sql("1|2", "SELECT count(*), max(completed) FROM delivery");
}
END_TEST

START_TEST(two_parts_of_one_mail_do_not_keep_the_whole_out)
{
    assert_attempt("new 1", (Attempt){.length = 20});
    assert_attempt("new 2", (Attempt){.length = 15});
    assert_attempt("completed 1", (Attempt){.length = WHOLE});
    assert_attempt("duplicate 1", (Attempt){.length = WHOLE});
}
END_TEST

START_TEST(a_completed_one_is_processed_again_wherever_it_was)
{
    static const char *const states[] = {"waiting", "settled", "parked"};
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        tell("TRUNCATE delivery RESTART IDENTITY");
        assert_attempt("new 1", (Attempt){.length = 20});
        tell("UPDATE delivery SET state = '%s', reason = 'r', strikes = 2, "
             "settled_at = now()",
             states[i]);
        assert_attempt("completed 1", (Attempt){.length = WHOLE});
        assert_sql("waiting||0|NULL",
                   "SELECT state, reason, strikes, settled_at FROM delivery");
    }
}
END_TEST

START_TEST(a_large_mail_completes_too)
{
    g_autoptr(GBytes) whole = noise(2 * DELIVERY_LARGE_BYTES);
    static const size_t parts[] = {100, DELIVERY_LARGE_BYTES + 5,
                                   2 * DELIVERY_LARGE_BYTES};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(whole, 0, parts[i]);
        g_autoptr(GPtrArray) all = deliveries_new();
        Delivery *delivery = hand_over(part, "a@desk");
        g_free(delivery->transport);
        delivery->transport = g_strdup("pipe");
        g_free(delivery->mta_queue_id);
        delivery->mta_queue_id = g_strdup("4SVkQ7");
        g_ptr_array_add(all, delivery);
        g_autofree char *added = accept_all(all, 0);
        ck_assert_str_eq(added, i == 0 ? "new" : "completed");
    }
    assert_sql("t", "SELECT r.octets = 2 * 1024 * 1024 FROM delivery d "
                    "JOIN raw_mail r ON r.digest = d.raw_digest");
}
END_TEST

/* What came of a mail when first `part` and then all of it was handed in. */
static void
process_part_and_whole(const char *part, const char *whole)
{
    const char *const texts[] = {part, whole};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GBytes) raw = bytes_of(texts[i]);
        g_autoptr(Delivery) delivery = hand_over(raw, "support@desk.example");
        g_free(delivery->transport);
        delivery->transport = g_strdup("pipe");
        g_free(delivery->mta_queue_id);
        delivery->mta_queue_id = g_strdup("4SVkQ7");
        ck_assert_int_eq(accept_one(delivery), 1);
        g_autoptr(Receipt) receipt = process(1);
        ck_assert_int_eq(receipt->ticket->id, 1);
        ck_assert_int_eq(receipt->message_id_no, 1);
    }
}

START_TEST(the_whole_replaces_the_part_in_its_ticket)
{
    g_autofree char *part = g_strndup(OLENA_MAIL("m1@x"), 110);
    process_part_and_whole(part, OLENA_MAIL("m1@x") "And smokes.\n");
    assert_sql("1|1|It burns.\nAnd smokes.\n",
               "SELECT (SELECT count(*) FROM ticket), "
               "(SELECT count(*) FROM message), body FROM message");
    assert_sql("settled|whole-mail-after-a-part|1|1",
               "SELECT state, reason, ticket_id, message_id_no FROM delivery");
}
END_TEST

START_TEST(so_do_its_attachments)
{
    const char *whole = "From: olena@customer.example\nMessage-ID: <m1@x>\n"
                        "Content-Type: multipart/mixed; boundary=b\n\n"
                        "--b\nContent-Type: a/b; name=a\n\n12345\n"
                        "--b\nContent-Type: a/b; name=b\n\n6789\n--b--\n";
    g_autofree char *part =
        g_strndup(whole, (gsize)(strstr(whole, "345") - whole));
    process_part_and_whole(part, whole);
    assert_sql("1|1|a|5\n1|2|b|4", "SELECT message_id, position, name, octets "
                                   "FROM attachment ORDER BY position");
    assert_sql("2", "SELECT attachments FROM message");
}
END_TEST

START_TEST(a_whole_that_is_known_elsewhere_completes_all_the_same)
{
    /* The same mail to two queues; the pipe of the first was cut. */
    const char *whole = OLENA_MAIL("m1@x") "And smokes.\n";
    g_autofree char *part = g_strndup(whole, 110);
    const char *const texts[] = {part, whole, whole};
    static const char *const recipients[] = {
        "support@desk.example", "billing@desk.example", "support@desk.example"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GBytes) raw = bytes_of(texts[i]);
        g_autoptr(Delivery) delivery = hand_over(raw, recipients[i]);
        g_free(delivery->transport);
        delivery->transport = g_strdup("pipe");
        g_free(delivery->mta_queue_id);
        delivery->mta_queue_id = g_strdup("4SVkQ7");
        g_autoptr(Receipt) receipt = process(accept_one(delivery));
        ck_assert_int_eq(receipt->ticket->id, 1);
    }
    assert_sql("settled|1|1\nsettled|1|2",
               "SELECT state, ticket_id, message_id_no FROM delivery "
               "ORDER BY id");
    assert_sql("It burns.\nAnd smokes.\n|2",
               "SELECT body, count(*) FROM message GROUP BY body");
}
END_TEST

void
add_part_tests(Suite *suite)
{
    TCase *tests = fixture_case(suite, "part");
    tcase_add_loop_test(tests,
                        the_rest_of_a_cut_mail_takes_the_place_of_the_part, 0,
                        G_N_ELEMENTS(attempts));
    tcase_add_test(tests, a_mail_may_be_cut_more_than_once);
    tcase_add_test(tests, two_parts_of_one_mail_do_not_keep_the_whole_out);
    tcase_add_test(tests, a_completed_one_is_processed_again_wherever_it_was);
    tcase_add_test(tests, a_large_mail_completes_too);
    tcase_add_test(tests, the_whole_replaces_the_part_in_its_ticket);
    tcase_add_test(tests, so_do_its_attachments);
    tcase_add_test(tests,
                   a_whole_that_is_known_elsewhere_completes_all_the_same);
}
