/* A mail is read once, however many hand-overs name it; and not for ever kept.
 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/digest.h"
#include "reading.h"
#include "sample.h"

static Sample *sample;
static Readings *readings;

static void
set_up(void)
{
    sample = sample_new();
    readings = readings_new();
}

static void
tear_down(void)
{
    readings_free(readings);
    sample_free(sample);
}

/* A hand-over of a mail with that subject and so many octets of text. */
static Delivery *
hand_over(const char *sender, const char *subject, size_t octets)
{
    Delivery *delivery = g_new0(Delivery, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text, "Subject: %s\n\n", subject);
    for (size_t i = 0; i < octets; i++)
        g_string_append_c(text, 'x');
    delivery->envelope_sender = g_strdup(sender);
    delivery->raw = g_bytes_new(text->str, text->len);
    delivery->raw_digest = digest_raw(delivery->raw);
    return delivery;
}

static void
read_it(const Delivery *delivery)
{
    Mail *mail =
        mail_parse(delivery->raw, delivery->envelope_sender, &sample->limits);
    g_autoptr(Reading) reading =
        reading_new(delivery, delivery->envelope_sender, mail);
    readings_keep(readings, reading);
}

static void
assert_known(bool known, const char *sender, const char *subject, size_t octets)
{
    g_autoptr(Delivery) delivery = hand_over(sender, subject, octets);
    Reading *reading = readings_find(readings, delivery);
    ck_assert(known == (reading != NULL));
    if (reading == NULL)
        return;
    ck_assert_str_eq(reading->mail->subject, subject);
    reading_unref(reading);
}

START_TEST(the_same_bytes_of_the_same_sender_are_known)
{
    g_autoptr(Delivery) delivery = hand_over("a@x", "One", 3);
    read_it(delivery);
    assert_known(true, "a@x", "One", 3);
    assert_known(false, "a@x", "One", 4);
    assert_known(false, "b@x", "One", 3);
    assert_known(false, NULL, "One", 3);
    readings_forget(readings);
    assert_known(false, "a@x", "One", 3);
}
END_TEST

START_TEST(a_few_are_remembered)
{
    for (int i = 0; i <= READINGS_MAX; i++) {
        g_autofree char *subject = g_strdup_printf("%d", i);
        g_autoptr(Delivery) delivery = hand_over("a@x", subject, 3);
        read_it(delivery);
    }
    assert_known(false, "a@x", "0", 3);
    assert_known(true, "a@x", "1", 3);
}
END_TEST

START_TEST(of_large_ones_only_the_last)
{
    enum { LARGE = READINGS_BYTES / 2 };
    g_autoptr(Delivery) first = hand_over("a@x", "First", LARGE);
    g_autoptr(Delivery) second = hand_over("a@x", "Second", LARGE);
    read_it(first);
    assert_known(true, "a@x", "First", LARGE);
    read_it(second);
    assert_known(false, "a@x", "First", LARGE);
    assert_known(true, "a@x", "Second", LARGE);
}
END_TEST

/* What says that two hand-overs are one mail. */
static bool
is_same(const char *sender, const char *text, const char *other_sender,
        const char *other_text)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    g_autoptr(GBytes) other_raw = g_bytes_new(other_text, strlen(other_text));
    g_autoptr(GBytes) digest = digest_content(raw, sender);
    g_autoptr(GBytes) other = digest_content(other_raw, other_sender);
    return g_bytes_equal(digest, other);
}

START_TEST(a_mail_with_an_id_is_the_same_by_any_way)
{
    ck_assert(is_same("a@x", "Message-ID: <1@x>\n\nText.\n", "b@x",
                      "Received: by y\nMessage-ID: <1@x>\n\nText.\n"));
    ck_assert(!is_same("a@x", "Message-ID: <1@x>\n\nText.\n", "a@x",
                       "Message-ID: <2@x>\n\nText.\n"));
}
END_TEST

START_TEST(a_mail_without_one_is_the_same_as_its_copies_for_others)
{
    static const char mail[] = "Subject: Disk full\n\nText.\n";
    ck_assert(is_same("a@x", mail, "A@X", mail));
    ck_assert(is_same("a@x", "Delivered-To: one@desk\nSubject: x\n\nText.\n",
                      "a@x", "Delivered-To: two@desk\nSubject: x\n\nText.\n"));
    /* Another alarm of the same script, and what anybody may write. */
    ck_assert(!is_same("a@x", "Received: by y; 10:00\nSubject: x\n\nText.\n",
                       "a@x", "Received: by y; 10:05\nSubject: x\n\nText.\n"));
    ck_assert(!is_same("a@x", "", "b@x", ""));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("reading");
    TCase *tests = tcase_create("reading");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_same_bytes_of_the_same_sender_are_known);
    tcase_add_test(tests, a_few_are_remembered);
    tcase_add_test(tests, of_large_ones_only_the_last);
    tcase_add_test(tests, a_mail_with_an_id_is_the_same_by_any_way);
    tcase_add_test(tests,
                   a_mail_without_one_is_the_same_as_its_copies_for_others);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
