#include <string.h>

#include "mail/authres.h"
#include "support.h"

#define R "Received: from a by b; x\n"
#define AR "Authentication-Results: "

/* Server mx.example.net; its own Received is one field. */
static const struct {
    const char *header;
    const char *expected; /* dmarc spf dkim domain */
} rows[] = {
    {"From: a@b.example\n", "none none none "},
    {AR "mx.example.net; dmarc=pass header.from=b.example\n",
     "pass none none b.example"},
    {AR "MX.EXAMPLE.NET 1; DMARC=Pass HEADER.FROM=B.Example\n",
     "pass none none b.example"},
    {AR "mx.example.net;\n spf=pass smtp.mailfrom=x@b.example;\n"
        " dkim=pass (2048-bit key) header.d=b.example header.b=\"a=b;c\";\n"
        " dmarc=pass (p=none dis=none) header.from=b.example\n",
     "pass pass pass b.example"},
    {R AR "mx.example.net; dmarc=pass header.from=b.example\n",
     "pass none none b.example"},
    /* below what others wrote */
    {R R AR "mx.example.net; dmarc=pass header.from=b.example\n",
     "none none none "},
    {R "X: y\n" R AR "mx.example.net; dmarc=pass header.from=b.example\n",
     "none none none "},
    /* another's name, or nearly ours */
    {AR "mx.evil.example; dmarc=pass header.from=b.example\n",
     "none none none "},
    {AR "mx.example.net.evil.example; dmarc=pass header.from=b.example\n",
     "none none none "},
    {AR "xmx.example.net; dmarc=pass header.from=b.example\n",
     "none none none "},
    {AR "(mx.example.net;) evil.example; dmarc=pass header.from=b.example\n",
     "none none none "},
    {AR "\"mx.example.net\"; dmarc=pass header.from=b.example\n",
     "pass none none b.example"},
    /* another version */
    {AR "mx.example.net 2; dmarc=pass header.from=b.example\n",
     "none none none "},
    /* said in a comment or a string */
    {AR "mx.example.net; dmarc=fail (dmarc=pass header.from=b.example)\n",
     "fail none none "},
    {AR "mx.example.net; none (; dmarc=pass header.from=b.example)\n",
     "none none none "},
    {AR "mx.example.net; x=y reason=\"; dmarc=pass header.from=b.example\"\n",
     "none none none "},
    {AR
     "mx.example.net; x=y reason=\"a\\\"; dmarc=pass header.from=b.example\n",
     "none none none "},
    {AR "mx.example.net; (never closed ; dmarc=pass header.from=b.example\n",
     "none none none "},
    {AR "mx.example.net; none\n", "none none none "},
    {AR "mx.example.net\n", "none none none "},
    {AR "\n", "none none none "},
    {AR ";;;===((\n", "none none none "},
    /* worse than a pass */
    {AR "mx.example.net; dmarc=fail header.from=b.example\n" AR
        "mx.example.net; dmarc=pass header.from=b.example\n",
     "fail none none b.example"},
    {AR "mx.example.net; dmarc=pass header.from=b.example\n" AR
        "mx.example.net; dmarc=temperror header.from=b.example\n",
     "temperror none none b.example"},
    {AR "mx.example.net; dmarc=pass header.from=b.example;"
        " dmarc=pass header.from=c.example\n",
     "fail none none c.example"},
    {AR "mx.example.net; spf=softfail; spf=pass\n", "none fail none "},
    {AR "mx.example.net; dmarc=bestguesspass header.from=b.example\n",
     "none none none b.example"},
    {AR "mx.example.net; spf=neutral; dkim=policy\n", "none none none "},
    /* of several signatures one is enough */
    {AR "mx.example.net; dkim=fail header.d=x; dkim=pass header.d=y\n",
     "none none pass "},
    {AR "mx.example.net; dkim=pass header.d=x; dkim=fail header.d=y\n",
     "none none pass "},
    {AR "mx.example.net; dkim/1=pass; dmarc/1=fail\n", "fail none pass "},
    /* garbage ends it; what stood before holds */
    {AR "mx.example.net; spf=pass; dmarc pass; dkim=pass\n", "none pass none "},
};

static Authres *
read_text(const char *text, const char *id, size_t own_hops)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(Header) header = header_read(
        text, strlen(text), &mail_limits_default, NULL, NULL, defects);
    return authres_read(header, id, own_hops);
}

START_TEST(our_servers_word_counts)
{
    g_autoptr(Authres) authres =
        read_text(rows[_i].header, "mx.example.net", 1);
    g_autofree char *got = g_strdup_printf(
        "%s %s %s %s", authres_verdict_name(authres->dmarc),
        authres_verdict_name(authres->spf), authres_verdict_name(authres->dkim),
        authres->dmarc_domain);
    ck_assert_msg(strcmp(got, rows[_i].expected) == 0, "%s: %s",
                  rows[_i].header, got);
}
END_TEST

START_TEST(where_no_hop_is_ours_only_the_top_counts)
{
    static const char text[] = R AR "mx.example.net; spf=pass\n";
    g_autoptr(Authres) authres = read_text(text, "mx.example.net", 0);
    ck_assert_int_eq(authres->spf, AUTHRES_NONE);
}
END_TEST

static const struct {
    const char *addr_spec;
    bool confirmed;
} origins[] = {
    {"a@b.example", true},        {"a@B.EXAMPLE", true},
    {"a@x.b.example", false},     {"a@b.example.evil", false},
    {"\"a@b.example\"@c", false}, {"a@", false},
    {"b.example", false},
};

START_TEST(a_pass_is_for_one_domain)
{
    g_autoptr(Authres) authres =
        read_text(AR "mx.example.net; dmarc=pass header.from=b.example\n",
                  "mx.example.net", 0);
    ck_assert_int_eq(authres_confirms(authres, origins[_i].addr_spec),
                     origins[_i].confirmed);
    g_autoptr(Authres) failed =
        read_text(AR "mx.example.net; dmarc=fail header.from=b.example\n",
                  "mx.example.net", 0);
    ck_assert(!authres_confirms(failed, origins[_i].addr_spec));
}
END_TEST

static void
parse(const char *text, size_t length)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    MailLimits wide = mail_limits_default;
    wide.header_field_bytes = wide.header_bytes = length;
    g_autoptr(Header) header =
        header_read(text, length, &wide, NULL, NULL, defects);
    authres_free(authres_read(header, "mx.example.net", 1));
}

static const char *const hostile[] = {"(",        "\"", ";",  "a=b;",
                                      "a=b c=d ", "()", "\\", "="};

START_TEST(hostile_fields_cost_their_length)
{
    support_grows_linearly(parse, AR "mx.example.net; ", hostile[_i], 100000,
                           "\n\n");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, our_servers_word_counts, 0, G_N_ELEMENTS(rows));
    tcase_add_test(tests, where_no_hop_is_ours_only_the_top_counts);
    tcase_add_loop_test(tests, a_pass_is_for_one_domain, 0,
                        G_N_ELEMENTS(origins));
    tcase_add_loop_test(tests, hostile_fields_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("authres", add);
}
