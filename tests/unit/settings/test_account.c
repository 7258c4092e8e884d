/* Accounts and their folders: what they mean, and how they are refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "scratch.h"

/* Pieces of an account that is right. */
#define LOGIN                                                                  \
    "host = \"imap.example.org\"; user = \"u\"; password_file = \"/p\";\n"
#define FOLDER "folder = \"INBOX\"; queue = \"support\";"
#define FOLDERS "folders = ( { " FOLDER " } );"
#define ACCOUNT "{ name = \"a\"; " LOGIN FOLDERS " }"

/* What stands in the list of accounts, from line 3 on, and the fault. */
static const struct {
    const char *accounts;
    const char *fault;
} refused[] = {
    /* names */
    {ACCOUNT ",\n{\nname = \"a\";" LOGIN FOLDERS " }",
     "6: accounts.name: 'a' is the name of two accounts; rename one"},
    /* where passwords would be read by everybody */
    {"{ name = \"a\";" LOGIN "tls = \"off\";\n" FOLDERS " }",
     "4: accounts.tls: \"off\" would send the password in the clear to "
     "'imap.example.org'; write \"tls\" or \"starttls\", or insecure_ok if "
     "you must"},
    /* one way to log in */
    {"{ name = \"a\"; host = \"h\";\nuser = \"u\";\n" FOLDERS " }",
     "4: accounts: 'a' has no password; give exactly one of password_file, "
     "password_command and token_command"},
    {"{ name = \"a\";" LOGIN "token_command = [ \"/t\" ];" FOLDERS " }",
     "3: accounts: 'a' has several passwords; give exactly one of"},
    {"{ name = \"a\";" LOGIN "password_command = [ \"/t\" ];" FOLDERS " }",
     "3: accounts: 'a' has several passwords"},
    {"{ name = \"a\"; host = \"h\"; user = \"u\"; password_command = [ \"/c\" "
     "]; token_command = [ \"/t\" ];" FOLDERS " }",
     "3: accounts: 'a' has several passwords"},
    /* folders */
    {"{ name = \"a\";" LOGIN "}",
     "3: accounts: 'a' watches no folder; write for example folders = ( {"},
    {"{ name = \"a\";" LOGIN "folders = ( ); }",
     "4: accounts: 'a' watches no folder"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER " },\n{ folder = "
     "\"Other\";\nqueue = \"sales\"; } ); }",
     "6: accounts.folders.queue: there is no queue 'sales'; name one of"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER " },\n{ " FOLDER " } ); }",
     "5: accounts.folders.folder: 'INBOX' stands here twice; remove one"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER " },\n{ folder = "
     "\"Inbox\"; queue = \"support\"; } ); }",
     "5: accounts.folders.folder: 'Inbox' stands here twice; remove one"},
    /* what becomes of the mail */
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER
     "\nafter = \"move\"; } ); }",
     "5: accounts.folders.move_to is missing; write for example move_to = "
     "\"Archive\";"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "\nmove_to = \"Done\"; } "
     "); }",
     "5: accounts.folders.move_to: is for after = \"move\"; write that, or "
     "remove this"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "after = \"seen\";\n"
     "move_to = \"Done\"; } ); }",
     "5: accounts.folders.move_to: is for after = \"move\""},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "after = \"move\";\n"
     "move_to = \"INBOX\"; } ); }",
     "5: accounts.folders.move_to: is the folder itself; its mail would come "
     "again and again"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "after = \"move\";\n"
     "move_to = \"inbox\"; } ); }",
     "5: accounts.folders.move_to: is the folder itself"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "after = \"move\";\n"
     "move_to = \"Done\"; }, { folder = \"Done\"; queue = \"support\"; "
     "after = \"move\"; move_to = \"INBOX\"; } ); }",
     "5: accounts.folders.move_to: 'Done' is watched itself; its mail would be "
     "taken once more"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "} ); },\n{ name = "
     "\"b\";" LOGIN "folders = (\n{ folder = \"Inbox\"; queue = \"support\"; "
     "} ); }",
     "7: accounts.folders.folder: 'Inbox' of this login is watched by account "
     "'a' already; remove one"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER
     "\nkeyword = \"two words\"; } ); }",
     "5: accounts.folders.keyword: 'two words' is no IMAP keyword; write "
     "letters and digits"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER
     "keyword = \"\\\\Seen\"; } ); }",
     "4: accounts.folders.keyword: '\\Seen' is no IMAP keyword"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER
     "keyword = \"na\xC3\xAFve\"; } ); }",
     "4: accounts.folders.keyword: 'na\xC3\xAFve' is no IMAP keyword"},
    /* lists within lists */
    {"{ name = \"a\";" LOGIN "folders = { " FOLDER " }; }",
     "4: accounts.folders: must be a list of blocks; write folders = ( {"},
    {"{ name = \"a\";" LOGIN "folders = \"INBOX\"; }",
     "4: accounts.folders: must be a list of blocks"},
    {"{ name = \"a\";" LOGIN "folders = ( \"INBOX\" ); }",
     "4: accounts.folders: must be a block; write ( { ... } )"},
    {"{ name = \"a\";" LOGIN "folders = ( {\nfoldr = \"INBOX\"; } ); }",
     "5: unknown key 'accounts.folders.foldr'; did you mean 'folder'?"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "\nbudget = 1; } ); }",
     "5: unknown key 'accounts.folders.budget'; postern.conf(5) lists all"},
    {"{ name = \"a\";" LOGIN "folders = ( {\nfolder = \"INBOX\"; } ); }",
     "4: accounts.folders.queue is missing; write for example queue = "},
    {"{ name = \"a\";" LOGIN "\nfolder = \"INBOX\"; }",
     "5: unknown key 'accounts.folder'; did you mean 'folders'?"},
    {"{ name = \"a\";" LOGIN "folders = ( { " FOLDER "\nfolders = ( ); } ); }",
     "5: unknown key 'accounts.folders.folders'; did you mean 'folder'?"},
};

START_TEST(a_bad_account_is_refused_with_its_line_and_what_to_do)
{
    g_autofree char *text = g_strdup_printf(
        SCRATCH_MINIMAL "accounts = ( %s );\n", refused[_i].accounts);
    g_autofree char *fault = scratch_fault(text);
    ck_assert_msg(g_str_has_prefix(fault, refused[_i].fault),
                  "got  '%s'\nwant '%s'\nfor\n%s", fault, refused[_i].fault,
                  text);
}
END_TEST

static Settings *
load_accounts(const char *accounts)
{
    g_autofree char *text =
        g_strdup_printf(SCRATCH_MINIMAL "accounts = ( %s );\n", accounts);
    return scratch_load_good(text);
}

START_TEST(the_lists_of_an_account_stand_in_its_block_only)
{
    g_autofree char *fault = scratch_fault(SCRATCH_MINIMAL FOLDERS);
    ck_assert_msg(g_str_has_prefix(fault, "3: unknown key 'folders'"), "%s",
                  fault);
}
END_TEST

START_TEST(the_port_follows_tls)
{
    static const struct {
        const char *lines;
        uint16_t port;
        TlsMode tls;
        bool insecure_ok;
    } rows[] = {
        {"host = \"h\";", 993, TLS_ALWAYS, false},
        {"host = \"h\"; tls = \"starttls\";", 143, TLS_STARTTLS, false},
        {"host = \"h\"; tls = \"off\"; insecure_ok = true;", 143, TLS_OFF,
         true},
        {"host = \"h\"; port = 1993;", 1993, TLS_ALWAYS, false},
        {"host = \"localhost\"; tls = \"off\";", 143, TLS_OFF, true},
        {"host = \"127.0.0.1\"; tls = \"off\"; port = 1143;", 1143, TLS_OFF,
         true},
        {"host = \"::1\"; tls = \"starttls\";", 143, TLS_STARTTLS, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "{ name = \"a\"; user = \"u\"; password_file = \"/p\"; %s " FOLDERS
            " }",
            rows[i].lines);
        g_autoptr(Settings) settings = load_accounts(text);
        const Account *account = settings_account(settings, "a");
        ck_assert_msg(account->port == rows[i].port, "%s", rows[i].lines);
        ck_assert_msg(account->tls == rows[i].tls, "%s", rows[i].lines);
        ck_assert_msg(account->insecure_ok == rows[i].insecure_ok, "%s",
                      rows[i].lines);
    }
}
END_TEST

/* Two accounts, three folders, every notation. */
static const char two[] =
    "{ name = \"a\"; " LOGIN "folders = ( { " FOLDER " }, { folder = "
    "\"Запит/Ž\"; queue = \"support\"; after = \"move\"; move_to = "
    "\"Done \\\"x\\\"\"; since = \"2024-02-29\"; poll = \"90s\"; } ); },\n"
    "{ name = \"b\"; host = \"imap.example.net\"; tls = \"starttls\"; user = "
    "\"u\"; mailbox = \"info@example.org\"; token_command = [ \"/t\", \"x y\" "
    "]; folders = ( { folder = \"INBOX\"; queue = \"support\"; after = "
    "\"keyword\"; keyword = \"$Taken\"; } ); }";

START_TEST(accounts_and_their_folders_are_found)
{
    g_autoptr(Settings) settings = load_accounts(two);
    const Account *a = settings_account(settings, "a");
    const Account *b = settings_account(settings, "b");
    ck_assert_ptr_null(settings_account(settings, "c"));
    ck_assert_int_eq(a->login, LOGIN_PASSWORD);
    ck_assert_int_eq(b->login, LOGIN_TOKEN);
    ck_assert_str_eq(b->mailbox, "info@example.org");
    ck_assert_uint_eq(a->folders->len, 2);
    const WatchedFolder *folder = a->folders->pdata[0];
    ck_assert_int_eq(folder->after, AFTER_SEEN);
    ck_assert_int_eq(folder->since_s, 0);
    ck_assert_int_eq(folder->poll_s, 60);
    folder = a->folders->pdata[1];
    ck_assert_str_eq(folder->folder, "Запит/Ž");
    ck_assert_str_eq(folder->move_to, "Done \"x\"");
    ck_assert_int_eq(folder->since_s, 1709164800);
    ck_assert_int_eq(folder->poll_s, 90);
    folder = b->folders->pdata[0];
    ck_assert_int_eq(folder->after, AFTER_KEYWORD);
    ck_assert_str_eq(folder->keyword, "$Taken");
}
END_TEST

START_TEST(watched_folders_are_counted_through_all_accounts)
{
    g_autoptr(Settings) settings = load_accounts(two);
    static const struct {
        const char *account, *folder;
    } wanted[] = {{"a", "INBOX"}, {"a", "Запит/Ž"}, {"b", "INBOX"}};
    const KeyBlock *block = keys_block("accounts.folders");
    const Account *account = NULL;
    const WatchedFolder *folder = NULL;
    ck_assert_int_eq(settings_watched_count(settings), 3);
    ck_assert_uint_eq(keys_struct_count(block, settings), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert(settings_watched(settings, i, &account, &folder));
        ck_assert_str_eq(account->name, wanted[i].account);
        ck_assert_str_eq(folder->folder, wanted[i].folder);
        ck_assert_ptr_eq(folder, keys_struct(block, settings, (size_t)i));
    }
    ck_assert(!settings_watched(settings, 3, &account, &folder));
    g_autoptr(Settings) none = scratch_load_good(SCRATCH_MINIMAL);
    ck_assert_int_eq(settings_watched_count(none), 0);
    ck_assert_uint_eq(keys_struct_count(block, none), 0);
    ck_assert(!settings_watched(none, 0, &account, &folder));
}
END_TEST

START_TEST(what_is_printed_of_accounts_loads_to_the_same)
{
    g_autoptr(Settings) first = load_accounts(two);
    g_autoptr(GString) all = g_string_new(NULL);
    keys_print(first, false, all);
    for (int only_changed = 0; only_changed < 2; only_changed++) {
        g_autoptr(GString) shown = g_string_new(NULL);
        g_autoptr(GString) again = g_string_new(NULL);
        keys_print(first, only_changed == 1, shown);
        ck_assert_int_eq(strstr(shown->str, "poll = \"1min\"") == NULL,
                         only_changed);
        g_autoptr(Settings) second = scratch_load_good(shown->str);
        ck_assert_int_eq(settings_watched_count(second), 3);
        keys_print(second, false, again);
        ck_assert_str_eq(all->str, again->str);
    }
}
END_TEST

/* One account that watches so many folders. */
static char *
many_folders(int count)
{
    GString *text = g_string_new(SCRATCH_MINIMAL);
    g_string_append(text, "accounts =\n( { name = \"a\"; " LOGIN "folders = (");
    for (int i = 0; i < count; i++)
        g_string_append_printf(text,
                               "%s{ folder = \"f%d\"; queue = \"support\"; }",
                               i == 0 ? "" : ",", i);
    g_string_append(text, "); } );\n");
    return g_string_free(text, FALSE);
}

START_TEST(a_hundred_folders_can_be_watched_and_no_more)
{
    g_autofree char *text = many_folders(WATCHED_FOLDERS_MAX);
    g_autoptr(Settings) settings = scratch_load_good(text);
    ck_assert_int_eq(settings_watched_count(settings), 100);
    g_autofree char *more = many_folders(WATCHED_FOLDERS_MAX + 1);
    g_autofree char *fault = scratch_fault(more);
    ck_assert_str_eq(fault, "3: accounts: 101 folders are watched, at most 100 "
                            "can be: each has a process of its own");
}
END_TEST

static const struct {
    const char *date;
    const char *shown; /* NULL: refused */
    int64_t unix_s;
} dates[] = {
    {"", "", 0},
    {"1970-01-01", "", 0},
    {"1970-01-02", "1970-01-02", 86400},
    {"2026-01-31", "2026-01-31", 1769817600},
    {"2024-02-29", "2024-02-29", 1709164800},
    {"2000-02-29", "2000-02-29", 951782400},
    {"9999-12-31", "9999-12-31", 253402214400},
    {"2025-02-29", NULL, 0},
    {"2100-02-29", NULL, 0},
    {"2026-02-30", NULL, 0},
    {"2026-04-31", NULL, 0},
    {"2026-00-10", NULL, 0},
    {"2026-13-10", NULL, 0},
    {"2026-10-00", NULL, 0},
    {"2026-10-32", NULL, 0},
    {"0000-01-01", NULL, 0},
    {"1969-12-31", NULL, 0},
    {"0001-01-01", NULL, 0},
    {"2026-1-1", NULL, 0},
    {"2026-1-31-", NULL, 0},
    {"2026--1-01", NULL, 0},
    {"2026-01--1", NULL, 0},
    {"-026-01-01", NULL, 0},
    {"02026-01-1", NULL, 0},
    {"20260-1-31", NULL, 0},
    {"2026-001-1", NULL, 0},
    {"31-01-2026", NULL, 0},
    {"2026-01-31 ", NULL, 0},
    {" 2026-01-31", NULL, 0},
    {"2026-01-31T00:00", NULL, 0},
    {"2026/01/31", NULL, 0},
    {"2026 01 31", NULL, 0},
    {"----------", NULL, 0},
    {"0", NULL, 0},
    {"yesterday", NULL, 0},
    {"99999999999999999999-01-01", NULL, 0},
};

START_TEST(a_date_is_a_day_that_there_was)
{
    const KeyBlock *block = keys_block("accounts.folders");
    const Key *since = keys_find(block, "since");
    g_autofree char *value = g_strdup_printf("\"%s\"", dates[_i].date);
    unsigned line = 0;
    g_autofree char *text = scratch_text_with(block, "since", value, &line);
    if (dates[_i].shown != NULL) {
        g_autoptr(Settings) settings = scratch_load_good(text);
        const WatchedFolder *folder = keys_struct(block, settings, 0);
        g_autofree char *shown = keys_value_text(since, folder);
        ck_assert_int_eq(folder->since_s, dates[_i].unix_s);
        g_autofree char *wanted = g_strdup_printf("\"%s\"", dates[_i].shown);
        ck_assert_str_eq(shown, wanted);
        return;
    }
    g_autofree char *fault = scratch_fault(text);
    g_autofree char *date = g_strstrip(g_strdup(dates[_i].date));
    g_autofree char *wanted = g_strdup_printf(
        "%u: accounts.folders.since: '%s' is not a date; write YYYY-MM-DD",
        line, date);
    ck_assert_msg(g_str_has_prefix(fault, wanted), "%s", fault);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("account");
    TCase *account = tcase_create("account");
    tcase_add_loop_test(account,
                        a_bad_account_is_refused_with_its_line_and_what_to_do,
                        0, G_N_ELEMENTS(refused));
    tcase_add_test(account, the_lists_of_an_account_stand_in_its_block_only);
    tcase_add_test(account, the_port_follows_tls);
    tcase_add_test(account, accounts_and_their_folders_are_found);
    tcase_add_test(account, watched_folders_are_counted_through_all_accounts);
    tcase_add_test(account, what_is_printed_of_accounts_loads_to_the_same);
    tcase_add_test(account, a_hundred_folders_can_be_watched_and_no_more);
    tcase_add_loop_test(account, a_date_is_a_day_that_there_was, 0,
                        G_N_ELEMENTS(dates));
    suite_add_tcase(suite, account);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
