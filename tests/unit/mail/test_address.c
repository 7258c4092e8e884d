/* Addresses as they stand in From, To and Cc, and what may leave the house. */
#include "mail/address.h"

#include <string.h>

#include "support.h"

/* The list as "name|addr-spec" lines, the way a reader would write it down. */
static char *
listed(const char *value)
{
    g_autoptr(GPtrArray) list =
        address_list_parse(value, strlen(value), 1000, NULL);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++) {
        const Address *address = list->pdata[i];
        g_string_append_printf(text, "%s%s|%s", i > 0 ? "\n" : "",
                               address->name, address->addr_spec);
    }
    return g_string_free(text, FALSE);
}

static const struct {
    const char *value;
    const char *expected;
} lists[] = {
    {"bob@example.org", "|bob@example.org"},
    {" <bob@example.org>", "|bob@example.org"},
    {"Bob <bob@example.org>", "Bob|bob@example.org"},
    {"\"Builder, Bob\" <bob@example.org>", "Builder, Bob|bob@example.org"},
    {"Builder, Bob <bob@example.org>", "Builder, Bob|bob@example.org"},
    {"\"Bob \\\"B\\\" Builder\" <b@x.org>", "Bob \"B\" Builder|b@x.org"},
    {"bob@example.org (Bob Builder)", "Bob Builder|bob@example.org"},
    {"bob@example.org (Bob (B) Builder)", "Bob (B) Builder|bob@example.org"},
    {"a@x.org, b@x.org,c@x.org", "|a@x.org\n|b@x.org\n|c@x.org"},
    {"a@x.org; b@x.org", "|a@x.org\n|b@x.org"},
    {"Team: a@x.org, B <b@x.org>;, c@x.org", "|a@x.org\nB|b@x.org\n|c@x.org"},
    {"undisclosed-recipients:;", ""},
    {"", ""},
    {"<>", ""},
    {"postmaster", ""},
    {"Bob <bob>", ""},
    {"=?utf-8?Q?J=C3=BCrgen_Gro=C3=9F?= <j@x.org>", "Jürgen Groß|j@x.org"},
    {"\"=?utf-8?B?SsO8cmdlbg==?=\" <j@x.org>", "Jürgen|j@x.org"},
    {"=?utf-8?Q?Doe,_Jane?= <j@x.org>, k@x.org", "Doe, Jane|j@x.org\n|k@x.org"},
    {"<mailto:bob@example.org>", "|bob@example.org"},
    {"mailto:bob@example.org", "|bob@example.org"},
    /* as Outlook shows them */
    {"Bob Doe [mailto:bob@example.org]", "Bob Doe|bob@example.org"},
    {"Bob Doe [bob@example.org]", "Bob Doe|bob@example.org"},
    {"Bob <bob@[192.0.2.1]>", "Bob|bob@[192.0.2.1]"},
    /* an address in an address */
    {"Bob <Bob Doe <bob@example.org>>", "Bob|bob@example.org"},
    {"<\"Doe, Bob\" <bob@example.org>>", "Doe, Bob|bob@example.org"},
    {"'bob@example.org'", "|bob@example.org"},
    {"'Bob' <bob@example.org>", "Bob|bob@example.org"},
    {"Bob bob@example.org", "Bob|bob@example.org"},
    {"<@relay.org,@b.org:bob@example.org>", "|bob@example.org"},
    {"<<bob@example.org>>", "|bob@example.org"},
    {"bob @ example . org", "|bob@example.org"},
    {"\"a b\"@example.org", "|\"a b\"@example.org"},
    {"<\"a b\"@example.org>", "|\"a b\"@example.org"},
    {"Bob <bob@example.org", "Bob|bob@example.org"},
    {"Bob\r\n\t<bob@example.org>", "Bob|bob@example.org"},
    {"a@x.org <b@x.org>", "a@x.org|b@x.org"},
    {"A <a@x.org> B <b@x.org>", "A B b@x.org|a@x.org\n|b@x.org"},
    {"user@[IPv6:2001:db8::1]", "|user@[IPv6:2001:db8::1]"},
    {"Пошта <пошта@приклад.укр>", "Пошта|пошта@приклад.укр"},
    /* A15, A24: what a name could do to a header or to a screen. */
    {"=?utf-8?Q?x=0D=0ABcc:_v@x.org?= <a@b.org>", "x Bcc: v@x.org|a@b.org"},
    {"=?utf-8?Q?a=00b?= <a@b.org>", "a\xEF\xBF\xBD"
                                    "b|a@b.org"},
    {"\"\xE2\x80\xAEgpj.exe\" <a@b.org>", "gpj.exe|a@b.org"},
    /* Two words are not glued into an address nobody has (RFC 5322 3.4.1). */
    {"\"p@\" <a.org p@a.org>", "p@|a.org p@a.org"},
};

START_TEST(mailboxes_are_read)
{
    g_autofree char *got = listed(lists[_i].value);
    ck_assert_str_eq(got, lists[_i].expected);
}
END_TEST

START_TEST(a_list_is_cut_at_its_limit)
{
    bool more = true;
    const char *value = "a@x.org, b@x.org, c@x.org";
    g_autoptr(GPtrArray) all =
        address_list_parse(value, strlen(value), 3, &more);
    ck_assert_uint_eq(all->len, 3);
    ck_assert(!more);
    g_autoptr(GPtrArray) cut =
        address_list_parse(value, strlen(value), 2, &more);
    ck_assert_uint_eq(cut->len, 2);
    ck_assert(more);
}
END_TEST

START_TEST(a_too_long_address_is_none)
{
    g_autofree char *longest =
        support_repeat("", "a", ADDRESS_MAX_BYTES - strlen("@x.org"), "@x.org");
    g_autofree char *longer = g_strconcat("a", longest, NULL);
    g_autofree char *read = listed(longest), *left_out = listed(longer);
    ck_assert_uint_eq(strlen(read), ADDRESS_MAX_BYTES + 1);
    ck_assert_str_eq(left_out, "");
    ck_assert(address_is_sendable(longest));
    ck_assert(!address_is_sendable(longer));
}
END_TEST

static void
parse_list(const char *text, size_t length)
{
    g_ptr_array_unref(address_list_parse(text, length, 1000, NULL));
}

static const char *const hostile[] = {"g:",     "(",    "<",      "'",
                                      "\"",     ",",    "=?a?q?", "a@b <",
                                      "<a@b> ", "(a) ", "a:b@c:"};

START_TEST(hostile_lists_cost_their_length)
{
    support_grows_linearly(parse_list, "", hostile[_i], 200000, " <a@x.org>");
}
END_TEST

static const struct {
    const char *addr_spec;
    bool expected;
} sendables[] = {
    {"bob@example.org", true},
    {"bob+tag@example.org", true},
    {"o'brien@example.org", true},
    {"a..b.@docomo.example", true},
    {"\"quoted\"@example.org", true},
    {"bob@[192.0.2.1]", true},
    {"пошта@приклад.укр", true},
    {"bob", false},
    {"@example.org", false},
    {"bob@", false},
    {"", false},
    {"-bob@example.org", false},
    {"bob@-x.org", false},
    {"bo b@example.org", false},
    {"\"bo b\"@example.org", false},
    {"bob@exam ple.org", false},
    {"<bob@example.org>", false},
    {"bob@example.org>", false},
    {"bob@example.org\r\nRCPT TO:<evil@x.org>", false},
    {"\"a>\r\nRCPT TO:<evil@x\"@b.org", false},
    {"bob@example.org\n", false},
    {"bob\t@example.org", false},
    {"bob,eve@example.org", false},
    {"bob@example.org,eve@x.org", false},
    {"bob\x7F@example.org", false},
    {"bob@exa\xC2\xA0mple.org", false},
    {"bob\xFF@example.org", false},
};

START_TEST(only_safe_addresses_are_sendable)
{
    ck_assert_int_eq(address_is_sendable(sendables[_i].addr_spec),
                     sendables[_i].expected);
}
END_TEST

static const struct {
    const char *addr_spec;
    const char *ascii; /* NULL: cannot be written so */
} domains[] = {
    {"Bob@Example.org", "Bob@Example.org"},
    {"bob@приклад.укр", "bob@xn--80aikifvh.xn--j1amh"},
    {"bob@xn--80aikifvh.xn--j1amh", "bob@xn--80aikifvh.xn--j1amh"},
    {"пошта@приклад.укр", NULL},
    {"пошта@example.org", NULL},
    {"bo b@example.org", NULL},
    {"bob", NULL},
};

START_TEST(an_international_domain_has_a_form_in_ascii)
{
    g_autofree char *ascii = address_to_ascii(domains[_i].addr_spec);
    ck_assert_pstr_eq(ascii, domains[_i].ascii);
}
END_TEST

static const struct {
    const char *addr_spec;
    const char *plain;
    const char *detail; /* NULL: none */
} details[] = {
    {"support+t4k@x.org", "support@x.org", "t4k"},
    {"support+a+b@x.org", "support@x.org", "a+b"},
    {"support+@x.org", "support@x.org", ""},
    {"support@x.org", "support@x.org", NULL},
    {"+t@x.org", "+t@x.org", NULL},
    {"support@x+y.org", "support@x+y.org", NULL},
    {"nobody+x", "nobody+x", NULL},
};

START_TEST(the_detail_is_taken_out)
{
    char *detail = NULL;
    g_autofree char *plain =
        address_without_detail(details[_i].addr_spec, '+', &detail);
    ck_assert_str_eq(plain, details[_i].plain);
    ck_assert_pstr_eq(detail, details[_i].detail);
    g_free(detail);
    g_autofree char *again =
        address_without_detail(details[_i].addr_spec, '+', NULL);
    ck_assert_str_eq(again, plain);
}
END_TEST

/* A25: ASCII letters and nothing else are folded. */
START_TEST(the_key_folds_ascii_only)
{
    g_autofree char *key = address_key("Bob@EXAMPLE.org");
    ck_assert_str_eq(key, "bob@example.org");
    g_autofree char *kelvin = address_key("\xE2\x84\xAA@x.org");
    ck_assert_str_eq(kelvin, "\xE2\x84\xAA@x.org");
    g_autofree char *dotless = address_key("m\xC4\xB1ke@x.org");
    ck_assert_str_ne(dotless, "mike@x.org");
}
END_TEST

static const struct {
    const char *value;
    const char *shown; /* "name|address"; NULL: nothing */
} fields[] = {
    {"Bob Builder <bob>", "Bob Builder|bob"},
    {"\"Bob\" < bob >", "Bob|bob"},
    {"=?utf-8?Q?B=C3=B6b?= <bob>", "Böb|bob"},
    {"MAILER-DAEMON (Mail System)", "MAILER-DAEMON|"},
    {"bob", "bob|"},
    {"<bob>", "|bob"},
    {"Bob <bob", "Bob|"},
    {"\"", "\"|"},
    {" ", NULL},
    {"<>", NULL},
};

START_TEST(who_has_no_mailbox_is_shown)
{
    g_autoptr(Address) got =
        address_shown(fields[_i].value, strlen(fields[_i].value));
    g_autofree char *shown =
        got != NULL ? g_strdup_printf("%s|%s", got->name, got->addr_spec)
                    : NULL;
    ck_assert_pstr_eq(shown, fields[_i].shown);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, mailboxes_are_read, 0, G_N_ELEMENTS(lists));
    tcase_add_test(tests, a_list_is_cut_at_its_limit);
    tcase_add_test(tests, a_too_long_address_is_none);
    tcase_add_loop_test(tests, hostile_lists_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
    tcase_add_loop_test(tests, only_safe_addresses_are_sendable, 0,
                        G_N_ELEMENTS(sendables));
    tcase_add_loop_test(tests, an_international_domain_has_a_form_in_ascii, 0,
                        G_N_ELEMENTS(domains));
    tcase_add_loop_test(tests, the_detail_is_taken_out, 0,
                        G_N_ELEMENTS(details));
    tcase_add_test(tests, the_key_folds_ascii_only);
    tcase_add_loop_test(tests, who_has_no_mailbox_is_shown, 0,
                        G_N_ELEMENTS(fields));
}

int
main(void)
{
    return support_run("address", add);
}
