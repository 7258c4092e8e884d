/* Message-ID, References, In-Reply-To. */
#include "mail/msgid.h"

#include <string.h>

#include "support.h"

static const struct {
    const char *value;
    const char *expected; /* joined by spaces */
} lists[] = {
    {"<a@x> <b@x>", "a@x b@x"},
    {"<a@x><b@x>", "a@x b@x"},
    {"<a@x> junk <b@x>\r\n <a@x>", "a@x b@x"},
    {"<a@x>\r\n\t<b@x>", "a@x b@x"},
    {"", ""},
    {"   ", ""},
    {"<>", ""},
    {"< a@x >", "a@x"},
    {"<a@x", "a@x"},
    {"<a@x <b@x>", "b@x"},
    {"(comment (nested)) <a@x>", "a@x"},
    {"(open <a@x>", "a@x"},
    {"Your message of \"Thu, 1 May 2020\" <a@x>", "a@x"},
    {"Message from bob@example.org of 1 May", ""},
    {"a@x", "a@x"},
    {" a@x\r\n", "a@x"},
    {"no id at all", ""},
    {"<a b@x>", "a b@x"},
    /* folded in the middle; several without brackets */
    {"<long@\r\n x> <b@x>", "long@x b@x"},
    {"<\n a@x\n >", "a@x"},
    {"a@x\r\n b@y", "a@x b@y"},
    {"a@x and b@y", ""},
    {"a@x, b@y", ""},
    {"<a\x01@x>", "a @x"},
    {"<\xFF@x>", "\xEF\xBF\xBD@x"},
    {"<%s%n@x>", "%s%n@x"},
};

START_TEST(ids_are_listed)
{
    g_autoptr(GPtrArray) ids = msgid_list_parse(lists[_i].value);
    g_ptr_array_add(ids, NULL);
    g_autofree char *joined = g_strjoinv(" ", (char **)ids->pdata);
    ck_assert_str_eq(joined, lists[_i].expected);
}
END_TEST

static const struct {
    const char *value;
    const char *expected; /* NULL: none */
} singles[] = {
    {"<a@x>", "a@x"}, {"<a@x> <b@x>", "a@x"},
    {"a@x", "a@x"},   {"a@x (added by y)", "a@x"},
    {"hello", NULL},  {"", NULL},
    {"<>", NULL},     {"  \r\n <a@x>", "a@x"},
};

START_TEST(one_id_is_found)
{
    g_autofree char *id = msgid_parse(singles[_i].value);
    ck_assert_pstr_eq(id, singles[_i].expected);
}
END_TEST

START_TEST(a_too_long_id_is_left_out)
{
    g_autofree char *longest = support_repeat("<", "a", MSGID_MAX_BYTES, ">");
    g_autofree char *longer =
        support_repeat("<", "a", MSGID_MAX_BYTES + 1, ">");
    g_autofree char *kept = msgid_parse(longest);
    ck_assert_ptr_nonnull(kept);
    ck_assert_uint_eq(strlen(kept), MSGID_MAX_BYTES);
    g_autofree char *left_out = msgid_parse(longer);
    ck_assert_ptr_null(left_out);
}
END_TEST

/* The first id is the root of the thread, the last ones are the parents. */
START_TEST(of_too_many_the_first_and_newest_stay)
{
    g_autoptr(GString) value = g_string_new(NULL);
    for (int i = 0; i < MSGID_LIST_MAX + 50; i++)
        g_string_append_printf(value, "<%d@x> ", i);
    g_autoptr(GPtrArray) ids = msgid_list_parse(value->str);
    ck_assert_uint_eq(ids->len, MSGID_LIST_MAX);
    ck_assert_str_eq(ids->pdata[0], "0@x");
    ck_assert_str_eq(ids->pdata[1], "51@x");
    ck_assert_str_eq(ids->pdata[ids->len - 1], "249@x");
}
END_TEST

static void
parse_ids(const char *text, size_t length)
{
    (void)length;
    g_ptr_array_unref(msgid_list_parse(text));
}

static const char *const hostile[] = {"<",       ">",  "(",  "<a@x>",
                                      "<a@x> (", "\"", "<(", "a@x "};

START_TEST(hostile_ids_cost_their_length)
{
    support_grows_linearly(parse_ids, "", hostile[_i], 200000, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, ids_are_listed, 0, G_N_ELEMENTS(lists));
    tcase_add_loop_test(tests, one_id_is_found, 0, G_N_ELEMENTS(singles));
    tcase_add_test(tests, a_too_long_id_is_left_out);
    tcase_add_test(tests, of_too_many_the_first_and_newest_stay);
    tcase_add_loop_test(tests, hostile_ids_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("msgid", add);
}
