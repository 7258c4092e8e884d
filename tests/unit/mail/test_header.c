/* The pre-scan: header fields and parts, under limits, in linear time. */
#include "mail/header.h"

#include <string.h>

#include "mail/defect.h"
#include "mail/entity.h"
#include "support.h"

static const MailLimits tight = {
    .header_field_bytes = 20,
    .header_bytes = 200,
    .header_fields = 4,
};

static const MailLimits few = {
    .header_field_bytes = 100,
    .header_bytes = 200,
    .header_fields = 4,
    .depth = 2,
    .parts = 4,
};

/* "Name=value;" for each field, then "|" and the body. */
static char *
shown(const char *text)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(Header) header = header_read(
        text, strlen(text), &mail_limits_default, NULL, NULL, defects);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < header->fields->len; i++) {
        const HeaderField *field =
            &g_array_index(header->fields, HeaderField, i);
        g_string_append_printf(out, "%.*s=%.*s;", (int)field->name_length,
                               field->name, (int)field->value_length,
                               field->value);
    }
    g_string_append_printf(out, "|%s", text + header->length);
    return g_string_free(out, FALSE);
}

static const struct {
    const char *text;
    const char *expected;
} headers[] = {
    {"A: 1\nB: 2\n\nbody", "A= 1;B= 2;|body"},
    {"A: 1\r\nB: 2\r\n\r\nbody", "A= 1;B= 2;|body"},
    {"A: 1\n 2\n\t3\nB: 4\n\n", "A= 1\n 2\n\t3;B= 4;|"},
    {"A: 1\n \nB: 2\n\nx", "A= 1\n ;B= 2;|x"},
    {"A : 1\n\nx", "A= 1;|x"},
    {"A:\n\nx", "A=;|x"},
    {"A: 1", "A= 1;|"},
    {"A: 1\nB", "A= 1;|B"},
    {"", "|"},
    {"\nx", "|x"},
    {"no header here\nat all\n", "|no header here\nat all\n"},
    {"From bob Thu May 1\nA: 1\n\nx", "A= 1;|x"},
    {"A: 1\n>From me\nSubject: 2\n\nx", "A= 1;Subject= 2;|x"},
    {"A: 1\nrubbish\nmore of it\nSubject: 2\n\nx", "A= 1;Subject= 2;|x"},
    {"A: 1\nrubbish\n folded\nSubject: 2\n\nx", "A= 1;Subject= 2;|x"},
    {"A: 1\nGr\xC3\xB6\xC3\x9F\x65: 2\nB: 3\n\nx", "A= 1;B= 3;|x"},
    /* A delimiter ends the header if the header names it. */
    {"Content-Type: multipart/mixed; boundary=b\nA: 1\n--b\nSubject: 2\n\nx",
     "Content-Type= multipart/mixed; boundary=b;A= 1;|--b\nSubject: 2\n\nx"},
    {"Content-Type: multipart/mixed; boundary=\"b c\"\n \n--b c\nSubject: 2\n",
     "Content-Type= multipart/mixed; boundary=\"b c\"\n ;|"
     "--b c\nSubject: 2\n"},
    {"A: 1\n--b\nContent-Type: multipart/mixed; boundary=b\n--c\nSubject: "
     "2\n\nx",
     "A= 1;Content-Type= multipart/mixed; boundary=b;Subject= 2;|x"},
    /* A wrong name over folded lines is no text. */
    {"A: 1\nB C: 2\n 3\n\t4\n\nx", "A= 1;|x"},
    {"A: 1\nB C: 2\n 3\nB C: 4\n 5\nD: 6\n\nx", "A= 1;D= 6;|x"},
    {"A: 1\nB C: 2\n\nx", "A= 1;|B C: 2\n\nx"},
    {"A: 1\nB C: 2\n 3\nD\n\nx", "A= 1;|B C: 2\n 3\nD\n\nx"},
    {"A: 1\nbody without an empty line\nNote: this\n\nx",
     "A= 1;|body without an empty line\nNote: this\n\nx"},
    {" A: 1\nB: 2\n\nx", "A= 1;B= 2;|x"},
    {": 1\nA: 2\n\nx", "|: 1\nA: 2\n\nx"},
    {"Ä: 1\n\nx", "|Ä: 1\n\nx"},
};

START_TEST(fields_are_read)
{
    g_autofree char *got = shown(headers[_i].text);
    ck_assert_str_eq(got, headers[_i].expected);
}
END_TEST

START_TEST(the_first_of_duplicates_counts)
{
    const char *text = "Subject: one\nsubject: two\n\n";
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(Header) header = header_read(
        text, strlen(text), &mail_limits_default, NULL, NULL, defects);
    g_autofree char *subject = header_text(header, "SUBJECT");
    ck_assert_str_eq(subject, "one");
    ck_assert_uint_eq(header_count(header, "Subject"), 2);
    ck_assert_ptr_null(header_find(header, "Subjec"));
}
END_TEST

/* From each line on, and twice, as who reads all headers of a text may. */
START_TEST(a_search_goes_on_where_the_last_one_ended)
{
    g_autofree char *far =
        support_repeat("a:\nb c\n", "d e\n", 5000, "Subject: f\n\ng:\nh\ni\n");
    const char *const texts[] = {
        "a:\nb\nc:\nd\nX-e: f\ng\n\nh:\ni\nj\n\nSubject: k\nl\n",
        "a:\nb\n\na:\nb\nFrom: c\n", far};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GPtrArray) defects = g_ptr_array_new();
        size_t length = strlen(texts[i]), next;
        HeaderSearch search = {NULL, NULL, HEADER_SEARCH_GOES_ON};
        for (size_t offset = 0; offset < length; offset = next) {
            const char *text = texts[i] + offset;
            g_autoptr(Header) alone =
                header_read(text, length - offset, &mail_limits_default, NULL,
                            NULL, defects);
            g_autoptr(Header) header =
                header_read_next(text, length - offset, &mail_limits_default,
                                 &search, NULL, NULL, defects);
            ck_assert_uint_eq(header->length, alone->length);
            ck_assert_uint_eq(header->fields->len, alone->fields->len);
            next = header_next_line(texts[i], length, offset);
        }
    }
}
END_TEST

static bool
has(const GPtrArray *defects, const char *slug)
{
    for (guint i = 0; i < defects->len; i++)
        if (strcmp(defects->pdata[i], slug) == 0)
            return true;
    return false;
}

/* Each limit from both sides: what fits is silent, one more is a defect. */
static const struct {
    const char *text;
    const char *defect; /* NULL: none */
    guint fields;
} limits[] = {
    {"A: 3456789012345678901\n\n", NULL, 1},
    {"A: 34567890123456789012\n\n", DEFECT_HEADER_FIELD_LONG, 1},
    {"A: 1\nB: 2\nC: 3\nD: 4\n\n", NULL, 4},
    {"A: 1\nB: 2\nC: 3\nD: 4\nE: 5\n\n", DEFECT_HEADER_FIELDS, 4},
    {"A: 345678901234567\n 345678901234567\n\n", DEFECT_HEADER_FIELD_LONG, 1},
};

START_TEST(header_limits_hold)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    const char *text = limits[_i].text;
    g_autoptr(Header) header =
        header_read(text, strlen(text), &tight, NULL, NULL, defects);
    ck_assert_uint_eq(header->fields->len, limits[_i].fields);
    ck_assert_uint_eq(defects->len, limits[_i].defect != NULL);
    if (limits[_i].defect != NULL)
        ck_assert(has(defects, limits[_i].defect));
    for (guint i = 0; i < header->fields->len; i++)
        ck_assert_uint_le(
            g_array_index(header->fields, HeaderField, i).value_length,
            tight.header_field_bytes);
    ck_assert_uint_eq(header->length, strlen(text));
}
END_TEST

START_TEST(a_header_is_cut_at_its_size)
{
    g_autofree char *text = support_repeat("X: 1\n", "A: 3\n", 5, "\nbody");
    static const MailLimits small = {
        .header_field_bytes = 100, .header_bytes = 10, .header_fields = 100};
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autoptr(Header) header =
        header_read(text, strlen(text), &small, NULL, NULL, defects);
    ck_assert(has(defects, DEFECT_HEADER_LONG));
    ck_assert_uint_lt(header->fields->len, 6);
    ck_assert_str_eq(text + header->length, "body");
}
END_TEST

/* The tree as "type[body]" with two spaces a level. */
static char *
tree(const char *text, const MailLimits *with, GPtrArray *defects)
{
    g_autoptr(GPtrArray) entities =
        entity_scan(text, strlen(text), with, defects);
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < entities->len; i++) {
        const Entity *entity = entities->pdata[i];
        ck_assert_uint_le(entity->parent, i);
        for (size_t j = 0; j < entity->depth; j++)
            g_string_append(out, "  ");
        g_string_append_printf(out, "%s", entity->type->word);
        if (entity->children == 0)
            g_string_append_printf(out, "[%.*s]", (int)entity->length,
                                   entity->body);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

#define MIXED(boundary)                                                        \
    "Content-Type: multipart/mixed; boundary=\"" boundary "\"\n\n"
#define HTML "Content-Type: text/html\n\n"

static const struct {
    const char *text;
    const char *expected;
    const char *defect; /* NULL: none is asked for */
} trees[] = {
    {"A: 1\n\nhello", "text/plain[hello]\n", NULL},
    {MIXED("b") "pre\n--b\n\none\n--b\n" HTML "two\n--b--\npost",
     "multipart/mixed\n  text/plain[one]\n  text/html[two]\n", NULL},
    {MIXED("b") "--b\r\n\r\none\r\n--b--\r\n",
     "multipart/mixed\n  text/plain[one]\n", NULL},
    {MIXED("b") "--b  \n\none\n--b-- \n",
     "multipart/mixed\n  text/plain[one]\n", NULL},
    {MIXED("b") "--b\n\none\n--b-->\nmore",
     "multipart/mixed\n  text/plain[one]\n", NULL},
    {MIXED("b") "--b\n\none\n--bc\n--b--\n",
     "multipart/mixed\n  text/plain[one\n--bc]\n", NULL},
    /* M33 never closed, M34 closed first, M38 only a preamble, M39 no parts */
    {MIXED("b") "--b\n\none\n", "multipart/mixed\n  text/plain[one\n]\n",
     DEFECT_UNCLOSED},
    {MIXED("b") "--b--\n--b\n\none\n--b--\n",
     "multipart/mixed\n  text/plain[one]\n", NULL},
    {MIXED("b") "hello\n", "multipart/mixed[hello\n]\n", DEFECT_NO_PARTS},
    {MIXED("b"), "multipart/mixed[]\n", DEFECT_NO_PARTS},
    {MIXED("b") "--b\n--b\n\ntwo\n--b--\n",
     "multipart/mixed\n  text/plain[]\n  text/plain[two]\n", NULL},
    /* M32 no boundary named: the one that is used is found. */
    {"Content-Type: multipart/mixed\n\n--x1\n" HTML "one\n--x1--\n",
     "multipart/mixed\n  text/html[one]\n", DEFECT_NO_BOUNDARY},
    {"Content-Type: multipart/mixed\n\nhello\n", "multipart/mixed[hello\n]\n",
     DEFECT_NO_BOUNDARY},
    {MIXED("b") "--b\nX: y\nContent-Type: multipart/x\n\n"
                "--b\nX: y\nContent-Type: multipart/x\n\n"
                "--cc\n" HTML "one\n--cc--\n--b--\n",
     "multipart/mixed\n  multipart/x[]\n  multipart/x\n    text/html[one]\n",
     DEFECT_NO_BOUNDARY},
    {"Content-Type: text\n\nhello", "text/plain[hello]\n", NULL},
    {"Content-Type: \n\nhello", "text/plain[hello]\n", NULL},
    {"Content-Type: text/html\nContent-Type: text/plain\n\nhello",
     "text/html[hello]\n", NULL},
    /* M35 one boundary begins another, M36 the same one twice. */
    {MIXED("b") "--b\n" MIXED("bb") "--bb\n\none\n--bb--\n--b\n\ntwo\n--b--\n",
     "multipart/mixed\n  multipart/mixed\n    text/plain[one]\n"
     "  text/plain[two]\n",
     NULL},
    {MIXED("b") "--b\n" MIXED("b") "--b\n\none\n--b--\n--b\n\ntwo\n--b--\n",
     "multipart/mixed\n  multipart/mixed\n    text/plain[one]\n"
     "  text/plain[two]\n",
     NULL},
    /* An inner multipart ends where the outer goes on. */
    {MIXED("a") "--a\n" MIXED("b") "--b\n\none\n--a\n\ntwo\n--a--\n",
     "multipart/mixed\n  multipart/mixed\n    text/plain[one]\n"
     "  text/plain[two]\n",
     DEFECT_UNCLOSED},
    /* An attached message is a leaf. */
    {MIXED("a") "--a\nContent-Type: message/rfc822\n\n" MIXED(
         "b") "--b\n\none\n--b--\n--a--\n",
     "multipart/mixed\n  message/rfc822[" MIXED("b") "--b\n\none\n--b--]\n",
     NULL},
    {"Content-Type: multipart/digest; boundary=d\n\n--d\n\nA: 1\n\nx\n--d--\n",
     "multipart/digest\n  message/rfc822[A: 1\n\nx]\n", NULL},
    /* A part whose header runs into the next boundary. */
    {MIXED("b") "--b\nX: 1\n--b\n\ntwo\n--b--\n",
     "multipart/mixed\n  text/plain[]\n  text/plain[two]\n", NULL},
};

START_TEST(parts_are_found)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autofree char *got = tree(trees[_i].text, &mail_limits_default, defects);
    ck_assert_str_eq(got, trees[_i].expected);
    if (trees[_i].defect != NULL)
        ck_assert(has(defects, trees[_i].defect));
    else
        ck_assert_uint_eq(defects->len, 0);
}
END_TEST

START_TEST(parts_are_counted)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new(), some = g_ptr_array_new();
    g_autofree char *three =
        support_repeat("Content-Type: multipart/mixed; boundary=b\n\n",
                       "--b\n\nx\n", 3, "--b--\n");
    g_autofree char *four =
        support_repeat("Content-Type: multipart/mixed; boundary=b\n\n",
                       "--b\n\nx\n", 4, "--b--\n");
    g_autofree char *whole = tree(three, &few, none);
    ck_assert_uint_eq(none->len, 0);
    g_autofree char *cut = tree(four, &few, some);
    ck_assert(has(some, DEFECT_PARTS));
    ck_assert_str_eq(cut, whole);
}
END_TEST

START_TEST(depth_is_counted)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new(), some = g_ptr_array_new();
    const char *two = MIXED("a") "--a\n" MIXED("b") "--b\n\nx\n--b--\n--a--\n";
    g_free(tree(two, &few, none));
    ck_assert_uint_eq(none->len, 0);
    const char *three = MIXED("a") "--a\n" MIXED("b") "--b\n" MIXED(
        "c") "--c\n\nx\n--c--\n--b--\n--a--\n";
    g_autofree char *cut = tree(three, &few, some);
    ck_assert(has(some, DEFECT_DEPTH));
    ck_assert_ptr_nonnull(strstr(cut, "multipart/mixed[--c"));
}
END_TEST

/* M37 */
START_TEST(a_boundary_may_be_long)
{
    g_autofree char *boundary = support_repeat("", "long", 500, "");
    g_autofree char *text = g_strdup_printf(
        "Content-Type: multipart/mixed; boundary=\"%s\"\n\n--%s\n\none\n"
        "--%s--\n",
        boundary, boundary, boundary);
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_autofree char *got = tree(text, &mail_limits_default, defects);
    ck_assert_str_eq(got, "multipart/mixed\n  text/plain[one]\n");
}
END_TEST

static void
scan(const char *text, size_t length)
{
    g_autoptr(GPtrArray) defects = g_ptr_array_new();
    g_ptr_array_unref(entity_scan(text, length, &mail_limits_default, defects));
}

#define NESTED "Content-Type: multipart/mixed; boundary=b\n\n"

/* A28-A31, M22, M26, M27, M37 and what else a structure may be made of. */
static const struct {
    const char *before;
    const char *piece;
    size_t count;
} hostile[] = {
    {"", "Received: x\n", 200000},
    {"Subject: ", "x", 4000000},
    {"Subject: x\n", " folded\n", 400000},
    {"Subject: x\n", "rubbish\n", 400000},
    {"Subject: x\n", "rubbish\nX-Y: z\n", 200000},
    {"Subject: x\n", "a b: c\n d\n", 200000},
    {"Subject: x\n", "\xC3\xA9: c\n", 200000},
    {"Content-Type: a/b; boundary=c\n", "--d\nX-Y: z\n", 200000},
    {"", "no colon", 500000},
    {NESTED, "--b\n\n\n", 400000},
    {NESTED, "--b\n" NESTED, 50000},
    {NESTED, "--b--\n", 400000},
    {NESTED "--b\n\n", "--\n", 800000},
    {"Content-Type: multipart/mixed\n\n", "--x\n", 800000},
    {"", "Content-Type: multipart/mixed\n\n--x\nContent-Type: a/b\n\n", 40000},
    {"", "\n", 4000000},
    {"", "\r\n", 2000000},
};

START_TEST(hostile_structures_cost_their_length)
{
    support_grows_linearly(scan, hostile[_i].before, hostile[_i].piece,
                           hostile[_i].count, "");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, fields_are_read, 0, G_N_ELEMENTS(headers));
    tcase_add_test(tests, the_first_of_duplicates_counts);
    tcase_add_test(tests, a_search_goes_on_where_the_last_one_ended);
    tcase_add_loop_test(tests, header_limits_hold, 0, G_N_ELEMENTS(limits));
    tcase_add_test(tests, a_header_is_cut_at_its_size);
    tcase_add_loop_test(tests, parts_are_found, 0, G_N_ELEMENTS(trees));
    tcase_add_test(tests, parts_are_counted);
    tcase_add_test(tests, depth_is_counted);
    tcase_add_test(tests, a_boundary_may_be_long);
    tcase_add_loop_test(tests, hostile_structures_cost_their_length, 0,
                        G_N_ELEMENTS(hostile));
}

int
main(void)
{
    return support_run("header", add);
}
