/* What is asked of the store, in which order, and what is locked for it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

static Sample *sample;
static Delivery *delivery;

static void
set_up(void)
{
    sample = sample_new();
    delivery =
        sample_delivery("Olena@Customer.example", "support@desk.example");
}

static void
tear_down(void)
{
    delivery_free(delivery);
    sample_free(sample);
}

static Lookup *
look_up(const char *header, GBytes *content_digest)
{
    g_autofree char *text = g_strdup_printf("%s\nText.\n", header);
    g_autoptr(Mail) mail = sample_mail(sample, text, delivery->envelope_sender);
    return lookup_new(mail, delivery, content_digest, &sample->rules);
}

/* "a@x b@x ..." */
static char *
ids_of(const Lookup *lookup)
{
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = 0; i < lookup->ids->len; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? " " : "",
                               (const char *)lookup->ids->pdata[i]);
    return g_strdup(out->str);
}

/* ---- ids ---- */

static const struct {
    const char *header;
    const char *ids;
} chains[] = {
    {"From: a@x\n", ""},
    {"Message-ID: <own@x>\n", "own@x"},
    /* what it answers, the chain from its newest end, then itself */
    {"Message-ID: <own@x>\nIn-Reply-To: <parent@x>\n"
     "References: <root@x> <older@x> <newer@x>\n",
     "parent@x newer@x older@x root@x own@x"},
    {"Message-ID: <own@x>\nIn-Reply-To: <parent@x>\n"
     "References: <root@x> <parent@x>\n",
     "parent@x root@x own@x"},
    {"In-Reply-To: <one@x> <two@x>\n", "one@x two@x"},
    /* four of those, for one that answers a hundred answers none */
    {"Message-ID: <own@x>\nReferences: <root@x>\n"
     "In-Reply-To: <1@x> <2@x> <3@x> <4@x> <5@x>\n",
     "1@x 2@x 3@x 4@x root@x own@x"},
    {"References: <a@x>\n", "a@x"},
    /* each once, itself too */
    {"Message-ID: <own@x>\nReferences: <own@x> <a@x>\n", "a@x own@x"},
};

START_TEST(ids_are_asked_for_strongest_first)
{
    g_autoptr(Lookup) lookup = look_up(chains[_i].header, NULL);
    g_autofree char *ids = ids_of(lookup);
    ck_assert_str_eq(ids, chains[_i].ids);
}
END_TEST

static char *
chain_header(size_t count)
{
    GString *out = g_string_new("Message-ID: <own@x>\nReferences:");
    for (size_t i = 1; i <= count; i++)
        g_string_append_printf(out, " <id%zu@x>\n", i);
    return g_string_free(out, FALSE);
}

START_TEST(of_too_many_ids_the_middle_is_left_out_and_root_and_own_stay)
{
    static const size_t counts[] = {LOOKUP_IDS_MAX - 1, LOOKUP_IDS_MAX,
                                    LOOKUP_IDS_MAX + 1, 190};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autofree char *header = chain_header(counts[i]);
        g_autofree char *newest = g_strdup_printf("id%zu@x", counts[i]);
        g_autoptr(Lookup) lookup = look_up(header, NULL);
        ck_assert_uint_eq(lookup->ids->len, LOOKUP_IDS_MAX);
        ck_assert_str_eq(lookup->ids->pdata[0], newest);
        ck_assert_str_eq(lookup->ids->pdata[LOOKUP_IDS_MAX - 2], "id1@x");
        ck_assert_str_eq(lookup->ids->pdata[LOOKUP_IDS_MAX - 1], "own@x");
    }
}
END_TEST

/* ---- keys ---- */

START_TEST(addresses_are_asked_for_by_their_keys)
{
    g_autoptr(Lookup) lookup =
        look_up("From: Olena <Olena.K@Customer.Example>\n", NULL);
    ck_assert_str_eq(lookup->originator_key, "olena.k@customer.example");
    ck_assert_str_eq(lookup->acknowledge_key, "olena@customer.example");
    ck_assert_str_eq(lookup->queue->name, "support");
    g_autoptr(Lookup) nobody = look_up("Subject: x\n", NULL);
    ck_assert_str_eq(nobody->originator_key, "");
}
END_TEST

static const struct {
    const char *recipient;
    const char *subject;
    int64_t ticket;
} tags[] = {
    {"support@desk.example", "Re: [#5] x", 5},
    {"support@desk.example", "Re: [acme #5] x", 0},
    {"billing@desk.example", "Re: [acme #5] x", 5},
    {"billing@desk.example", "Re: [#5] x", 0},
    {"nobody@desk.example", "Re: [#5] x", 0},
};

START_TEST(a_tag_counts_in_the_queue_it_was_written_to)
{
    g_free(delivery->envelope_recipient);
    delivery->envelope_recipient = g_strdup(tags[_i].recipient);
    g_autofree char *header =
        g_strdup_printf("Subject: %s\n", tags[_i].subject);
    g_autoptr(Lookup) lookup = look_up(header, NULL);
    ck_assert_int_eq(lookup->tagged_ticket, tags[_i].ticket);
}
END_TEST

/* ---- locks ---- */

static void
assert_sorted_once(const GArray *locks)
{
    for (guint i = 1; i < locks->len; i++)
        ck_assert_int_lt(g_array_index(locks, int64_t, i - 1),
                         g_array_index(locks, int64_t, i));
}

static bool
has_lock(const GArray *locks, int64_t key)
{
    for (guint i = 0; i < locks->len; i++)
        if (g_array_index(locks, int64_t, i) == key)
            return true;
    return false;
}

static size_t
shared_locks(const Lookup *a, const Lookup *b)
{
    size_t shared = 0;
    for (guint i = 0; i < a->locks->len; i++)
        shared += has_lock(b->locks, g_array_index(a->locks, int64_t, i));
    return shared;
}

START_TEST(locks_are_sorted_each_once_and_few)
{
    static const size_t counts[] = {0, 1, 5, 14, 15, 16, 50, 190};
    g_autoptr(GBytes) digest = g_bytes_new_static("digest", 6);
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autofree char *header = chain_header(counts[i]);
        g_autoptr(Lookup) lookup = look_up(header, digest);
        ck_assert_uint_eq(lookup->locks->len,
                          MIN(counts[i] + 3, (size_t)LOOKUP_LOCKS_MAX));
        assert_sorted_once(lookup->locks);
    }
}
END_TEST

START_TEST(two_that_may_meet_share_a_lock)
{
    g_autoptr(GBytes) digest = g_bytes_new_static("digest", 6);
    g_autoptr(GBytes) other_digest = g_bytes_new_static("DIGEST", 6);
    g_autoptr(Lookup) parent = look_up("Message-ID: <parent@x>\n", digest);
    g_autoptr(Lookup) answer = look_up(
        "Message-ID: <answer@x>\nIn-Reply-To: <parent@x>\n", other_digest);
    ck_assert_uint_eq(shared_locks(parent, answer), 2); /* sender and thread */

    g_free(delivery->envelope_sender);
    delivery->envelope_sender = g_strdup("colleague@customer.example");
    g_autoptr(Lookup) colleague =
        look_up("Message-ID: <c@x>\nReferences: <parent@x>\n", NULL);
    ck_assert_uint_eq(shared_locks(parent, colleague), 1);
    ck_assert_uint_eq(shared_locks(answer, colleague), 1);
    g_autoptr(Lookup) same = look_up("Message-ID: <d@x>\n", digest);
    ck_assert_uint_eq(shared_locks(parent, same), 1); /* the same content */
    g_autoptr(Lookup) stranger = look_up("Message-ID: <e@x>\n", other_digest);
    ck_assert_uint_eq(shared_locks(parent, stranger), 0);
}
END_TEST

START_TEST(sender_content_and_own_id_are_locked_before_the_chain)
{
    g_autoptr(GBytes) digest = g_bytes_new_static("digest", 6);
    g_autofree char *header = chain_header(190);
    g_autoptr(Lookup) crowded = look_up(header, digest);
    g_autoptr(Lookup) own = look_up("Message-ID: <own@x>\n", digest);
    ck_assert_uint_eq(own->locks->len, 3);
    ck_assert_uint_eq(shared_locks(own, crowded), 3);
}
END_TEST

START_TEST(kinds_of_locks_do_not_mix)
{
    /* An id that reads like the sender's address is another lock. */
    g_autoptr(GBytes) digest = g_bytes_new_static("olena@customer.example", 22);
    g_autoptr(Lookup) lookup =
        look_up("Message-ID: <olena@customer.example>\n", digest);
    ck_assert_uint_eq(lookup->locks->len, 3);
    assert_sorted_once(lookup->locks);
}
END_TEST

START_TEST(nothing_to_meet_over_needs_no_lock)
{
    g_free(delivery->envelope_sender);
    delivery->envelope_sender = g_strdup("");
    g_autoptr(Lookup) lookup = look_up("Subject: x\n", NULL);
    ck_assert_uint_eq(lookup->locks->len, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("lookup");
    TCase *tests = tcase_create("lookup");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, ids_are_asked_for_strongest_first, 0,
                        G_N_ELEMENTS(chains));
    tcase_add_test(
        tests, of_too_many_ids_the_middle_is_left_out_and_root_and_own_stay);
    tcase_add_test(tests, addresses_are_asked_for_by_their_keys);
    tcase_add_loop_test(tests, a_tag_counts_in_the_queue_it_was_written_to, 0,
                        G_N_ELEMENTS(tags));
    tcase_add_test(tests, locks_are_sorted_each_once_and_few);
    tcase_add_test(tests, two_that_may_meet_share_a_lock);
    tcase_add_test(tests,
                   sender_content_and_own_id_are_locked_before_the_chain);
    tcase_add_test(tests, kinds_of_locks_do_not_mix);
    tcase_add_test(tests, nothing_to_meet_over_needs_no_lock);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
