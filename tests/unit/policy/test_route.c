/* Envelope recipient to queue, and whose addresses are ours. */
#include <check.h>
#include <stdlib.h>

#include "policy/route.h"
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

static const struct {
    const char *named;
    const char *recipient;
    const char *queue; /* NULL: not ours */
} roads[] = {
    {"", "support@desk.example", "support"},
    {"", "help@desk.example", "support"},
    {"", "billing@desk.example", "billing"},
    /* case */
    {"", "Support@DESK.Example", "support"},
    /* sub-addresses */
    {"", "support+t4k3y@desk.example", "support"},
    {"", "SUPPORT+T4K3Y@desk.example", "support"},
    {"", "support+a+b@desk.example", "support"},
    {"", "support+@desk.example", "support"},
    {"", "+support@desk.example", NULL},
    {"", "support-t4k3y@desk.example", NULL},
    /* not ours */
    {"", "sales@desk.example", NULL},
    {"", "support@desk.example.net", NULL},
    {"", "support@other.example", NULL},
    {"", "support", NULL},
    {"", "@desk.example", NULL},
    {"", "", NULL},
    /* no folding but ASCII's: these are other people's addresses */
    {"", "\xC5\xBFupport@desk.example", NULL},
    {"", "support@de\xC5\xBFk.example", NULL},
    /* a queue by name: whoever named it knows better than the address */
    {"billing", "support@desk.example", "billing"},
    {"billing", "somebody@else.example", "billing"},
    {"billing", "", "billing"},
    {"Billing", "billing@desk.example", NULL},
    {"nonsense", "support@desk.example", NULL},
};

START_TEST(a_recipient_leads_to_a_queue)
{
    const Queue *queue =
        route_find(sample->queues, roads[_i].named, roads[_i].recipient);
    ck_assert_pstr_eq(queue != NULL ? queue->name : NULL, roads[_i].queue);
    if (*roads[_i].named == '\0')
        ck_assert(rules_is_ours(&sample->rules, roads[_i].recipient) ==
                  (roads[_i].queue != NULL));
}
END_TEST

START_TEST(an_address_with_a_plus_of_its_own_goes_before_a_detail)
{
    Queue *billing = sample_queue(sample, "billing");
    g_strfreev(billing->addresses);
    billing->addresses = g_strsplit("support+money@desk.example", " ", -1);
    const Queue *money =
        route_find(sample->queues, "", "support+Money@desk.example");
    const Queue *other =
        route_find(sample->queues, "", "support+monkey@desk.example");
    ck_assert_str_eq(money->name, "billing");
    ck_assert_str_eq(other->name, "support");
}
END_TEST

START_TEST(who_is_told_of_a_queue_is_known_in_any_case)
{
    const Queue *support = sample_queue(sample, "support");
    const Queue *billing = sample_queue(sample, "billing");
    ck_assert(rules_is_notified(support, "anna@agents.example"));
    ck_assert(rules_is_notified(support, "Ben@Agents.Example"));
    ck_assert(!rules_is_notified(support, "carl@agents.example"));
    ck_assert(!rules_is_notified(support, ""));
    ck_assert(!rules_is_notified(billing, "anna@agents.example"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("route");
    TCase *tests = tcase_create("route");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_recipient_leads_to_a_queue, 0,
                        G_N_ELEMENTS(roads));
    tcase_add_test(tests,
                   an_address_with_a_plus_of_its_own_goes_before_a_detail);
    tcase_add_test(tests, who_is_told_of_a_queue_is_known_in_any_case);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
