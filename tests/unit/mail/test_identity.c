/* Which bytes say that it is the same mail again. */
#include "mail/identity.h"

#include <string.h>

#include "support.h"

static const struct {
    const char *text;
    const char *rest; /* behind the offset */
} sources[] = {
    {"Subject: x\n\nbody", "Subject: x\n\nbody"},
    {"Return-Path: <a@x>\nSubject: x\n", "Subject: x\n"},
    {"From a@x Thu May 1\nReturn-Path: <a@x>\nDelivered-To: b@x\n"
     "X-Original-To: b@x\nSubject: x\n",
     "Subject: x\n"},
    {"return-path: <a@x>\r\nDELIVERED-TO: b@x\r\nSubject: x\r\n",
     "Subject: x\r\n"},
    {"Return-Path:\n <a@x>\n\t(folded)\nSubject: x\n", "Subject: x\n"},
    /* Only the leading lines: what comes later is the mail's own. */
    {"Subject: x\nReturn-Path: <a@x>\n", "Subject: x\nReturn-Path: <a@x>\n"},
    {"Return-Paths: x\n", "Return-Paths: x\n"},
    {"Received: x\n", "Received: x\n"},
    {" folded\n", " folded\n"},
    {"Return-Path: <a@x>", ""},
    {"", ""},
};

START_TEST(the_leading_lines_of_an_attempt_are_skipped)
{
    const char *text = sources[_i].text;
    size_t offset = identity_source_offset(text, strlen(text));
    ck_assert_str_eq(text + offset, sources[_i].rest);
}
END_TEST

static const struct {
    const char *text;
    const char *path; /* NULL: none that could be one */
} paths[] = {
    {"Return-Path: <a@x.example>\nSubject: x\n\n", "a@x.example"},
    {"return-path:<a@x.example>\r\n\r\n", "a@x.example"},
    {"Return-Path: a@x.example\n\n", "a@x.example"},
    {"Return-Path: <>\n\n", ""},
    {"Return-Path: < >\n\n", ""},
    {"Return-Path:\r\n\t<a@x.example>\r\n\r\n", "a@x.example"},
    {"Received: y\nReturn-Path: <a@x.example>\n\n", "a@x.example"},
    {"Return-Path: <a@x.example>\nReturn-Path: <b@x.example>\n\n",
     "a@x.example"},
    /* Two that are none, and what stands in the body. */
    {"Return-Path: \n\n", NULL},
    {"Return-Path: <a@x.example>, <b@x.example>\n\n", NULL},
    {"Return-Path: <a\nb@x.example>\n\n", NULL},
    {"Return-Paths: <a@x.example>\n\n", NULL},
    {"Subject: x\n\nReturn-Path: <a@x.example>\n", NULL},
    {"Subject: x\r\n\r\nReturn-Path: <a@x.example>\n", NULL},
    {"Return-Path", NULL},
    {"Return-Path: <a@x.example>", "a@x.example"},
    {"", NULL},
};

START_TEST(the_envelope_sender_is_what_the_last_server_wrote)
{
    g_autofree char *path =
        identity_return_path(paths[_i].text, strlen(paths[_i].text));
    ck_assert_pstr_eq(path, paths[_i].path);
}
END_TEST

/* It is looked for in 64 KiB. */
START_TEST(a_far_return_path_is_none)
{
    for (int more = 0; more < 2; more++) {
        g_autoptr(GString) text = g_string_new("X: ");
        while (text->len < (size_t)(65535 - 1 + more))
            g_string_append_c(text, 'x');
        g_string_append(text, "\nReturn-Path: <a@b.cd>\n\n");
        g_autofree char *path = identity_return_path(text->str, text->len);
        ck_assert_pstr_eq(path, more == 0 ? "a@b.cd" : NULL);
    }
}
END_TEST

static void
collect(void *context, const char *piece, size_t piece_length)
{
    g_string_append_len(context, piece, (gssize)piece_length);
}

static char *
content(const char *bytes, size_t length, bool *ret_has_identity)
{
    GString *fed = g_string_new(NULL);
    bool has_identity = identity_content_feed(bytes, length, collect, fed);
    if (ret_has_identity != NULL)
        *ret_has_identity = has_identity;
    return g_string_free(fed, FALSE);
}

#define ID "Message-ID: <1@x>\n"

static const struct {
    const char *text;
    const char *fed;
    bool has_identity;
} contents[] = {
    {ID "Subject: x\n\nbody\n", ID "Subject: x\n\nbody", true},
    {"Message-ID: <1@x>\r\nSubject: x\r\n\r\nbody\r\nmore\r\n",
     ID "Subject: x\n\nbody\nmore", true},
    /* What the road adds is left out, folded lines included. */
    {"Received: from a\n\tby b\nDKIM-Signature: v=1;\n x=y\n" ID
     "X-Spam-Status: No\nX-Spam: 1\nARC-Seal: z\nSubject: x\n\nbody",
     ID "Subject: x\n\nbody", true},
    {"From bob Thu May 1\nreturn-path: <>\n" ID "\nbody", ID "\nbody", true},
    {"X-Spamless: yes\n" ID "\nbody", "X-Spamless: yes\n" ID "\nbody", true},
    {"Subject: x\n\nbody", "Subject: x\n\nbody", false},
    {"Message-ID:\nSubject: x\n\nbody", "Message-ID:\nSubject: x\n\nbody",
     false},
    {"Message-ID: \n\nbody", "Message-ID: \n\nbody", false},
    {"message-id : <1@x>\n\nbody", "message-id : <1@x>\n\nbody", true},
    /* A lone CR is a byte like others. */
    {ID "\na\rb\r\nc\r", ID "\na\rb\nc", true},
    {ID "\nbody\n\n\r\n\n", ID "\nbody", true},
    {ID "\n Received: in the body\n", ID "\n Received: in the body", true},
    {ID, ID, true},
    {"", "", false},
    {"\n", "", false},
};

START_TEST(content_is_what_the_road_leaves_alone)
{
    bool has_identity;
    const char *text = contents[_i].text;
    g_autofree char *fed = content(text, strlen(text), &has_identity);
    ck_assert_str_eq(fed, contents[_i].fed);
    ck_assert_int_eq(has_identity, contents[_i].has_identity);
}
END_TEST

/* LMTP sends CRLF, a pipe LF: the same mail by two ways is the same mail. */
START_TEST(ways_with_other_line_ends_agree)
{
    const char *by_pipe = ID "Subject: x\n folded\n\none\n\ntwo\n";
    g_auto(GStrv) lines = g_strsplit(by_pipe, "\n", -1);
    g_autofree char *by_lmtp = g_strjoinv("\r\n", lines);
    g_autofree char *one = content(by_pipe, strlen(by_pipe), NULL);
    g_autofree char *other = content(by_lmtp, strlen(by_lmtp), NULL);
    ck_assert_str_eq(one, other);
}
END_TEST

static void
ignore(void *context, const char *piece, size_t piece_length)
{
    (void)piece;
    *(size_t *)context += piece_length;
}

static void
feed(const char *text, size_t length)
{
    size_t fed = 0;
    identity_content_feed(text, length, ignore, &fed);
    identity_source_offset(text, length);
}

static const char *const hostile[] = {
    "\r\n", "\r", "\n", "Return-Path: x\n", "Received: x\n", " x\n", "\n\n \r"};

START_TEST(hostile_mail_costs_its_length)
{
    support_grows_linearly(feed, "", hostile[_i], 500000, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, the_leading_lines_of_an_attempt_are_skipped, 0,
                        G_N_ELEMENTS(sources));
    tcase_add_loop_test(tests, content_is_what_the_road_leaves_alone, 0,
                        G_N_ELEMENTS(contents));
    tcase_add_loop_test(tests,
                        the_envelope_sender_is_what_the_last_server_wrote, 0,
                        G_N_ELEMENTS(paths));
    tcase_add_test(tests, a_far_return_path_is_none);
    tcase_add_test(tests, ways_with_other_line_ends_agree);
    tcase_add_loop_test(tests, hostile_mail_costs_its_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("identity", add);
}
