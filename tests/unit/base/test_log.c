/* Log lines: one event a line, whatever strangers put into the values. */
#include <check.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* ---- what comes out on standard error ---- */

static int real_stderr = -1;
static int caught = -1;

static void
catch_begin(void)
{
    caught = memfd_create("log", MFD_CLOEXEC);
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(caught, STDERR_FILENO), 0);
}

static char *
catch_end(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    off_t length = lseek(caught, 0, SEEK_END);
    char *text = g_malloc0((gsize)length + 1);
    ck_assert_int_eq(pread(caught, text, (size_t)length, 0), length);
    close(caught);
    return text;
}

/* The one line that `field` makes, without what every line has. */
static char *
line_of(LogField field)
{
    static const char head[] = "<6>event=x ";
    catch_begin();
    log_info(event("x"), field);
    g_autofree char *text = catch_end();
    ck_assert(g_str_has_prefix(text, head));
    ck_assert(g_str_has_suffix(text, "\n"));
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
    return g_strndup(text + strlen(head), strlen(text) - strlen(head) - 1);
}

/* ---- values ---- */

static const struct {
    const char *value;
    const char *line;
} values[] = {
    {"plain", "k=plain"},
    {"a@b.example/7;c", "k=a@b.example/7;c"},
    {NULL, "k=-"},
    {"", "k=\"\""},
    {"two words", "k=\"two words\""},
    {"a=b", "k=\"a=b\""},
    {"say \"no\"", "k=\"say \\\"no\\\"\""},
    {"back\\slash", "k=\"back\\\\slash\""},
    /* a second line cannot be faked */
    {"x\n<3>event=fake", "k=\"x\\n<3>event=fake\""},
    {"x\r\ny", "k=\"x\\u000d\\ny\""},
    {"tab\there", "k=\"tab\\u0009here\""},
    {"\x1B[2Jgone", "k=\"\\u001b[2Jgone\""},
    {"del\x7F", "k=\"del\\u007f\""},
    /* letters stay readable, what turns text around does not */
    {"кіт", "k=\"кіт\""},
    {"a\xE2\x80\xAE"
     "b",
     "k=\"a\\u202eb\""},
    {"a\xE2\x80\xA8"
     "b",
     "k=\"a\\u2028b\""},
    {"a\xC2\x85"
     "b",
     "k=\"a\\u0085b\""},
    /* bytes that are no UTF-8 */
    {"caf\xE9", "k=\"caf\xEF\xBF\xBD\""},
    {"\xF0\x9F\x92", "k=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
};

START_TEST(a_value_stays_inside_its_field)
{
    g_autofree char *line = line_of(kv("k", values[_i].value));
    ck_assert_str_eq(line, values[_i].line);
}
END_TEST

START_TEST(numbers_are_written_whole)
{
    g_autofree char *least = line_of(kv_int("n", INT64_MIN));
    g_autofree char *most = line_of(kv_int("n", INT64_MAX));
    ck_assert_str_eq(least, "n=-9223372036854775808");
    ck_assert_str_eq(most, "n=9223372036854775807");
}
END_TEST

START_TEST(a_value_that_ends_like_a_priority_has_a_space_behind_it)
{
    catch_begin();
    log_info(event("x"), kv("sender", "<a@b>"), kv_int("n", 1));
    g_autofree char *text = catch_end();
    ck_assert_str_eq(text, "<6>event=x sender=<a@b> n=1\n");
}
END_TEST

/* ---- cuts ---- */

static char *
repeated(const char *piece, size_t times)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < times; i++)
        g_string_append(out, piece);
    return g_string_free(out, FALSE);
}

START_TEST(a_value_of_512_bytes_is_whole_and_a_longer_one_is_cut)
{
    g_autofree char *fits = repeated("a", 512);
    g_autofree char *longer = repeated("a", 513);
    g_autofree char *whole = line_of(kv("k", fits));
    g_autofree char *cut = line_of(kv("k", longer));
    g_autofree char *expected = g_strdup_printf("k=\"%s…\"", fits);
    ck_assert_str_eq(whole + 2, fits);
    ck_assert_str_eq(cut, expected);
}
END_TEST

START_TEST(a_cut_falls_between_characters)
{
    g_autofree char *value = repeated("щ", 300); /* 600 bytes */
    g_autofree char *line = line_of(kv("k", value));
    ck_assert(g_utf8_validate(line, -1, NULL));
    ck_assert_int_eq(g_utf8_strlen(line, -1), 2 + 1 + 256 + 2);
}
END_TEST

START_TEST(a_line_is_cut_too)
{
    g_autofree char *value = repeated("щ ", 200);
    catch_begin();
    log_info(event("x"), kv("a", value), kv("b", value), kv("c", value),
             kv("d", value), kv("e", value), kv("f", value), kv("g", value),
             kv("h", value), kv("i", value), kv("j", value));
    g_autofree char *text = catch_end();
    ck_assert_uint_le(strlen(text), 4097);
    ck_assert_uint_ge(strlen(text), 4090);
    ck_assert(g_utf8_validate(text, -1, NULL));
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

/* ---- levels ---- */

START_TEST(less_important_lines_are_left_out)
{
    catch_begin();
    log_debug(event("one"));
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug(event("two"));
    log_set_level(LOG_LEVEL_ERROR);
    log_warning(event("three"));
    log_error(event("four"));
    g_autofree char *text = catch_end();
    ck_assert_str_eq(text, "<7>event=two\n<3>event=four\n");
}
END_TEST

static const struct {
    const char *word;
    bool known;
    LogLevel level;
} words[] = {
    {"error", true, LOG_LEVEL_ERROR},   {"warning", true, LOG_LEVEL_WARNING},
    {"notice", true, LOG_LEVEL_NOTICE}, {"info", true, LOG_LEVEL_INFO},
    {"debug", true, LOG_LEVEL_DEBUG},   {"Info", false, LOG_LEVEL_NOTICE},
    {"", false, LOG_LEVEL_NOTICE},      {"6", false, LOG_LEVEL_NOTICE},
};

START_TEST(a_level_has_a_word)
{
    LogLevel level = LOG_LEVEL_NOTICE;
    ck_assert(log_level_parse(words[_i].word, &level) == words[_i].known);
    ck_assert_int_eq(level, words[_i].level);
}
END_TEST

/* ---- scopes ---- */

static void
inner(void)
{
    LOG_SCOPE(kv("delivery", "lmtp/a b"));
    LOG_SCOPE(kv_int("ticket", 7));
    log_notice(event("inside"), kv("k", "v"));
}

START_TEST(a_scope_is_on_every_line_until_it_is_left)
{
    catch_begin();
    log_open("processor:1");
    {
        LOG_SCOPE(kv("batch", "3"));
        inner();
        log_notice(event("between"));
    }
    log_notice(event("outside"));
    g_autofree char *text = catch_end();
    ck_assert_str_eq(text, "<5>event=inside worker=processor:1 batch=3 "
                           "delivery=\"lmtp/a b\" ticket=7 k=v\n"
                           "<5>event=between worker=processor:1 batch=3\n"
                           "<5>event=outside worker=processor:1\n");
}
END_TEST

static void
dive(int depth)
{
    LOG_SCOPE(kv_int("depth", depth));
    if (depth > 1)
        dive(depth - 1);
    else
        log_info(event("bottom"));
}

START_TEST(scopes_beyond_the_limit_are_forgotten_not_harmful)
{
    catch_begin();
    dive(40);
    log_info(event("top"));
    g_autofree char *text = catch_end();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    ck_assert(g_str_has_prefix(lines[0], "<6>event=bottom depth=40 depth=39"));
    ck_assert(g_str_has_suffix(lines[0], " depth=25"));
    ck_assert_str_eq(lines[1], "<6>event=top");
}
END_TEST

START_TEST(glib_warns_in_our_own_words)
{
    catch_begin();
    log_open("worker");
    g_log("GMime", G_LOG_LEVEL_WARNING, "odd\nthing");
    g_autofree char *text = catch_end();
    ck_assert_str_eq(text, "<4>event=library.warning worker=worker "
                           "library=GMime message=\"odd\\nthing\"\n");
}
END_TEST

START_TEST(in_a_file_a_line_begins_with_its_time)
{
    log_set_stamped(true);
    catch_begin();
    log_warning(event("x"));
    g_autofree char *text = catch_end();
    log_set_stamped(false);
    ck_assert_msg(
        g_regex_match_simple("^20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\."
                             "\\d{3}Z warning event=x\n$",
                             text, 0, 0),
        "it is: %s", text);
}
END_TEST

static char *
content_of(const char *path)
{
    char *text = NULL;
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

START_TEST(a_log_that_was_moved_is_opened_anew)
{
    g_autofree char *folder = g_dir_make_tmp("postern-log-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "log", NULL);
    g_autofree char *moved = g_build_filename(folder, "log.1", NULL);
    g_autofree char *link = g_build_filename(folder, "link", NULL);
    g_autofree char *fifo = g_build_filename(folder, "fifo", NULL);
    catch_begin();
    ck_assert(log_redirect(path));
    log_info(event("first"));
    ck_assert_int_eq(rename(path, moved), 0);
    log_info(event("second"));
    ck_assert(log_redirect(path));
    log_info(event("third"));
    ck_assert(!log_redirect(folder));
    ck_assert_int_eq(symlink(moved, link), 0);
    ck_assert(!log_redirect(link));
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    ck_assert(!log_redirect(fifo)); /* and does not wait for a reader */
    log_info(event("fourth"));
    ck_assert(log_redirect(NULL));
    log_info(event("fifth"));
    g_autofree char *caught_text = catch_end();
    g_autofree char *new = content_of(path);
    g_autofree char *old = content_of(moved);
    ck_assert_str_eq(old, "<6>event=first\n<6>event=second\n");
    ck_assert_str_eq(new, "<6>event=third\n<6>event=fourth\n");
    ck_assert_str_eq(caught_text, "<6>event=fifth\n");
    unlink(path);
    unlink(moved);
    unlink(link);
    unlink(fifo);
    rmdir(folder);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    tcase_add_loop_test(tests, a_value_stays_inside_its_field, 0,
                        G_N_ELEMENTS(values));
    tcase_add_test(tests, numbers_are_written_whole);
    tcase_add_test(tests,
                   a_value_that_ends_like_a_priority_has_a_space_behind_it);
    tcase_add_test(tests,
                   a_value_of_512_bytes_is_whole_and_a_longer_one_is_cut);
    tcase_add_test(tests, a_cut_falls_between_characters);
    tcase_add_test(tests, a_line_is_cut_too);
    tcase_add_test(tests, less_important_lines_are_left_out);
    tcase_add_loop_test(tests, a_level_has_a_word, 0, G_N_ELEMENTS(words));
    tcase_add_test(tests, a_scope_is_on_every_line_until_it_is_left);
    tcase_add_test(tests, scopes_beyond_the_limit_are_forgotten_not_harmful);
    tcase_add_test(tests, glib_warns_in_our_own_words);
    tcase_add_test(tests, in_a_file_a_line_begins_with_its_time);
    tcase_add_test(tests, a_log_that_was_moved_is_opened_anew);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
