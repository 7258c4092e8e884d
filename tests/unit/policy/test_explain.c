/* The whole of a decision as text that does not change: `postern explain`. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy/explain.h"
#include "sample.h"

static Sample *sample;
static Context *context;

static void
set_up(void)
{
    sample = sample_new();
    context = context_new();
}

static void
tear_down(void)
{
    context_free(context);
    sample_free(sample);
}

static char *
explain(const char *text, const char *sender, const char *recipient)
{
    g_autoptr(Mail) mail = sample_mail(sample, text, sender);
    g_autoptr(Delivery) delivery = sample_delivery(sender, recipient);
    g_autoptr(Lookup) lookup = lookup_new(mail, delivery, NULL, &sample->rules);
    g_autoptr(Decision) decision =
        decide(mail, delivery, lookup, context, &sample->rules);
    return explain_text(mail, delivery, lookup, decision);
}

START_TEST(a_new_ticket_is_explained)
{
    sample_candidate(context, sample_ticket(7, "support", TICKET_OPEN),
                     EVIDENCE_TAG, "", false);
    context->sender_day = 10;
    g_autofree char *text =
        explain("From: Olena <Olena@customer.example>\nTo: "
                "support@desk.example, ivan@x.example\nSubject: Re: [#7] x\n"
                "Message-ID: <m@x>\nReferences: <a@x> <b@x>\n"
                "In-Reply-To: <b@x>\n\nText.\n",
                "olena@customer.example", "support+x@desk.example");
    ck_assert_str_eq(
        text, "from:          Olena@customer.example\n"
              "subject:       Re: [#7] x\n"
              "message-id:    m@x\n"
              "references:    a@x b@x\n"
              "in-reply-to:   b@x\n"
              "class:         normal\n"
              "defects:       -\n"
              "mail-from:     <olena@customer.example>\n"
              "rcpt-to:       support+x@desk.example\n"
              "queue:         support\n"
              "considered:    queue: support\n"
              "considered:    ticket 7 by subject-tag: sender is no party\n"
              "considered:    acknowledge: sender-day\n"
              "verdict:       new\n"
              "reason:        sender-is-no-party\n"
              "linked-to:     7\n"
              "acknowledge:   no (sender-day)\n"
              "notify:        anna@agents.example ben@agents.example\n"
              "effect:        party requester olena@customer.example\n"
              "effect:        party cc ivan@x.example\n"
              "effect:        event created sender-is-no-party\n"
              "effect:        event not-acknowledged sender-day\n"
              "effect:        alarm budget-sender-day\n");
}
END_TEST

START_TEST(a_note_is_explained)
{
    sample_candidate(context, sample_ticket(7, "support", TICKET_CLOSED),
                     EVIDENCE_OURS, "notice@desk.example", false);
    g_autofree char *text =
        explain("From: anna@agents.example\nSubject: x\n\nText.\n",
                "anna@agents.example", "billing@desk.example");
    ck_assert_ptr_nonnull(strstr(text, "verdict:       join\n"
                                       "reason:        own-message-id\n"
                                       "ticket:        7\n"
                                       "kind:          note\n"
                                       "acknowledge:   no (not-a-new-ticket)\n"
                                       "notify:        ben@agents.example\n"
                                       "effect:        event joined "
                                       "own-message-id\n"
                                       "effect:        queue billing\n"));
}
END_TEST

START_TEST(nothing_known_is_explained_too)
{
    g_autofree char *text = explain("", "", "nobody@desk.example");
    ck_assert_str_eq(text, "from:          -\n"
                           "subject:       -\n"
                           "message-id:    -\n"
                           "references:    -\n"
                           "in-reply-to:   -\n"
                           "class:         auto null-reverse-path\n"
                           "defects:       empty no-from no-readable-text\n"
                           "mail-from:     <>\n"
                           "rcpt-to:       nobody@desk.example\n"
                           "queue:         -\n"
                           "verdict:       park\n"
                           "reason:        no-queue-for-recipient\n"
                           "acknowledge:   no (parked)\n"
                           "notify:        -\n");
}
END_TEST

START_TEST(a_mail_cannot_write_lines_of_its_own)
{
    g_autofree char *text =
        explain("From: =?utf-8?q?a=0Averdict:_join?= <a@x.example>\n"
                "Subject: =?utf-8?q?s=0Averdict:=20join?=\n"
                "Message-ID: <m\rverdict: join@x>\n\nverdict: join\n",
                "a@x.example", "support@desk.example");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    size_t verdicts = 0;
    for (char **line = lines; *line != NULL; line++)
        verdicts += g_str_has_prefix(*line, "verdict:") ? 1 : 0;
    ck_assert_uint_eq(verdicts, 1);
    ck_assert_ptr_null(strchr(text, '\r'));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("explain");
    TCase *tests = tcase_create("explain");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_new_ticket_is_explained);
    tcase_add_test(tests, a_note_is_explained);
    tcase_add_test(tests, nothing_known_is_explained_too);
    tcase_add_test(tests, a_mail_cannot_write_lines_of_its_own);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
