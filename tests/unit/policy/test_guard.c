/* Whom we acknowledge and whom never: RFC 3834. */
#include <check.h>
#include <stdlib.h>

#include "policy/guard.h"
#include "sample.h"

static Sample *sample;

static void
set_up(void)
{
    sample = sample_new();
}

static void
tear_down(void)
{
    sample_free(sample);
}

/* The guard's word about a mail with this header; NULL: acknowledge it. */
static const char *
word(const char *header, const char *sender, const char *recipient,
     const Context *context, bool *ret_alarm)
{
    g_autofree char *text = g_strdup_printf("%s\nText.\n", header);
    g_autoptr(Mail) mail = sample_mail(sample, text, sender);
    g_autoptr(Delivery) delivery = sample_delivery(sender, recipient);
    g_autoptr(Lookup) lookup = lookup_new(mail, delivery, NULL, &sample->rules);
    return guard_acknowledge(mail, delivery, lookup, context, &sample->rules,
                             ret_alarm);
}

#define PERSON "From: Olena <olena@customer.example>\nSubject: Printer\n"
#define SENDER "olena@customer.example"
#define SUPPORT "support@desk.example"

/* ---- reasons ---- */

static const struct {
    const char *header;
    const char *sender;
    const char *recipient;
    const char *why; /* NULL: acknowledged */
} mails[] = {
    {PERSON, SENDER, SUPPORT, NULL},
    {PERSON "Auto-Submitted: no\n", SENDER, SUPPORT, NULL},
    {PERSON, SENDER, "robots@desk.example", "queue-says-no"},
    /* machines, by what they say */
    {PERSON "Auto-Submitted: auto-replied\n", SENDER, SUPPORT, "auto"},
    {PERSON "Precedence: bulk\n", SENDER, SUPPORT, "list"},
    {PERSON "List-Id: <list.example>\n", SENDER, SUPPORT, "list"},
    {PERSON "X-Postern-Loop: postern\n", SENDER, SUPPORT, "auto"},
    {PERSON "X-Auto-Response-Suppress: OOF, AutoReply\n", SENDER, SUPPORT,
     "suppressed-by-sender"},
    {"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to "
     "Sender\nContent-Type: multipart/report; report-type=delivery-status; "
     "boundary=b\n",
     "", SUPPORT, "bounce"},
    /* nobody to write to */
    {PERSON, "", SUPPORT, "auto"},
    {PERSON, "olena", SUPPORT, "address-not-sendable"},
    {PERSON, "-olena@customer.example", SUPPORT, "address-not-sendable"},
    {PERSON, "a b@customer.example", SUPPORT, "address-not-sendable"},
    {PERSON, "олена@customer.example", SUPPORT, "address-not-sendable"},
    {PERSON, "olena@пошта.укр", SUPPORT, NULL},
    /* machines, by their addresses */
    {PERSON, "mailer-daemon@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "Postmaster@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "root@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "noreply@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "no-reply-7@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "bounce+x=y@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "bounces-x@customer.example", SUPPORT, "address-of-a-machine"},
    {PERSON, "rooter@customer.example", SUPPORT, NULL},
    {PERSON, "bouncer@customer.example", SUPPORT, NULL},
    {PERSON, "abused@customer.example", SUPPORT, NULL},
    {"From: root@customer.example\nSubject: Printer\n", SENDER, SUPPORT,
     "from-a-machine"},
    /* ourselves, in any dress */
    {PERSON, "support@desk.example", SUPPORT, "own-address"},
    {PERSON, "HELP+x@desk.example", SUPPORT, "own-address"},
    {PERSON, "billing@desk.example", SUPPORT, "own-address"},
    {"From: support@desk.example\nSubject: Printer\n", SENDER, SUPPORT,
     "from-a-machine"},
    {"From: Billing+t4k@Desk.example\nSubject: Printer\n", SENDER, SUPPORT,
     "from-a-machine"},
    /* somebody must be asked for, but need not be named */
    {"Subject: Printer\n", SENDER, SUPPORT, NULL},
};

START_TEST(only_what_a_person_may_have_written_is_acknowledged)
{
    g_autoptr(Context) nothing = context_new();
    bool alarm = true;
    const char *why = word(mails[_i].header, mails[_i].sender,
                           mails[_i].recipient, nothing, &alarm);
    ck_assert_pstr_eq(why, mails[_i].why);
    ck_assert(!alarm);
}
END_TEST

/* ---- budgets ---- */

static const struct {
    int64_t sender_10min;
    int64_t sender_day;
    int64_t all_in_window;
    const char *why;
} spent[] = {
    {0, 0, 0, NULL},
    {2, 9, 99, NULL},
    {3, 3, 3, "sender-10min"},
    {4, 4, 4, "sender-10min"},
    {2, 10, 10, "sender-day"},
    {0, 11, 11, "sender-day"},
    {0, 0, 100, "breaker"},
    {2, 9, 101, "breaker"},
    {3, 10, 100, "sender-10min"},
};

START_TEST(a_spent_budget_is_silence_and_an_alarm)
{
    g_autoptr(Context) context = context_new();
    context->sender_10min = spent[_i].sender_10min;
    context->sender_day = spent[_i].sender_day;
    context->all_in_window = spent[_i].all_in_window;
    bool alarm;
    const char *why = word(PERSON, SENDER, SUPPORT, context, &alarm);
    ck_assert_pstr_eq(why, spent[_i].why);
    ck_assert(alarm == (spent[_i].why != NULL));
}
END_TEST

START_TEST(who_gets_nothing_anyway_spends_no_budget_and_no_alarm)
{
    g_autoptr(Context) context = context_new();
    context->sender_10min = context->sender_day = context->all_in_window = 999;
    bool alarm = true;
    ck_assert_str_eq(
        word(PERSON "Precedence: bulk\n", SENDER, SUPPORT, context, &alarm),
        "list");
    ck_assert(!alarm);
    alarm = true;
    ck_assert_str_eq(
        word(PERSON, SENDER, "robots@desk.example", context, &alarm),
        "queue-says-no");
    ck_assert(!alarm);
}
END_TEST

START_TEST(a_budget_of_nothing_is_silence)
{
    g_autoptr(Context) context = context_new();
    sample->budgets.per_sender_10min = 0;
    bool alarm;
    ck_assert_str_eq(word(PERSON, SENDER, SUPPORT, context, &alarm),
                     "sender-10min");
}
END_TEST

static const struct {
    const char *addr_spec;
    const char *key;
} mailboxes[] = {
    {"Olena@Customer.example", "olena@customer.example"},
    {"olena+one@customer.example", "olena@customer.example"},
    {"OLENA+two+three@customer.example", "olena@customer.example"},
    {"olena@пошта.укр", "olena@xn--80a1acn3a.xn--j1amh"},
    {"olena+x@xn--80a1acn3a.xn--j1amh", "olena@xn--80a1acn3a.xn--j1amh"},
    {"not an address", "not an address"},
    {"", ""},
};

START_TEST(all_addresses_of_a_mailbox_share_its_budget)
{
    g_autofree char *key = guard_budget_key(mailboxes[_i].addr_spec);
    ck_assert_str_eq(key, mailboxes[_i].key);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("guard");
    TCase *tests = tcase_create("guard");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests,
                        only_what_a_person_may_have_written_is_acknowledged, 0,
                        G_N_ELEMENTS(mails));
    tcase_add_loop_test(tests, a_spent_budget_is_silence_and_an_alarm, 0,
                        G_N_ELEMENTS(spent));
    tcase_add_test(tests,
                   who_gets_nothing_anyway_spends_no_budget_and_no_alarm);
    tcase_add_test(tests, a_budget_of_nothing_is_silence);
    tcase_add_loop_test(tests, all_addresses_of_a_mailbox_share_its_budget, 0,
                        G_N_ELEMENTS(mailboxes));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
