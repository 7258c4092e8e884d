/* What libetpan gets to read of what an IMAP server says. */
#include <check.h>
#include <string.h>

#include "../../../src/transport/imap_guard.h"

#define X16(x) x x x x x x x x x x x x x x x x
#define HELLO "* OK hi\r\n"
#define GREAT "18446744073709551615" /* of 64 bits, the last one */

typedef struct {
    const char *said; /* behind a greeting */
    const char *read; /* NULL: the connection ends */
    const char *why;
} Answer;

/* ---- what ends with text ---- */

static const Answer texts[] = {
    {"* OK done\r\n", "* OK done\r\n", NULL},
    {"* no way\r\n* Bad one\r\n", "* NO way\r\n* BAD one\r\n", NULL},
    {"* BYE bye\r\n", "* BYE bye\r\n", NULL},
    {"12 OK done\r\n", "12 OK done\r\n", NULL},
    {"12 ok\r\n", "12 OK \r\n", NULL},
    {"  12   NO \t sorry\n", "12 NO sorry\r\n", NULL},
    {"12 NO gr\xC3\xBC\xC3\x9F \xFF\x01\r\n",
     "12 NO gr\xC3\xBC\xC3\x9F \xFF\x01\r\n", NULL},
    {"* OK it is 5\" wide (( {12}\r\n", "* OK it is 5\" wide (( {12}\r\n",
     NULL},
    {"* OK 1 FETCH (BODY[] {3}\r\n", "* OK 1 FETCH (BODY[] {3}\r\n", NULL},
    {"* OK a\rb\r\n", "* OK ab\r\n", NULL},
    {"+ idling\r\n", "+ idling\r\n", NULL},
    {"+\r\n", "+ \r\n", NULL},
    {"+ \r\n", "+ \r\n", NULL},
    {"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n", NULL},
    {"+idling\r\n", "+ \r\n", NULL},
    {"+[UIDNEXT 7] x\r\n", "+ 7] x\r\n", NULL},
    {"* OK \r \r[UIDNEXT 7]\r\n", "* OK [UIDNEXT 7]\r\n", NULL},
    {"+ {12}\r\n", "+ {12}\r\n", NULL},
    {"\r\n\r\n* OK done\r\n \r\n", "* OK done\r\n", NULL},
    {"12 BYE done\r\n", NULL, "no answer"},
    {"12 FETCH (UID 1)\r\n", NULL, "no answer"},
    {"12\r\n", NULL, "no answer"},
    {"A12 OK done\r\n", NULL, "no answer"},
    {"*OK done\r\n", NULL, "no answer"},
    {"(* OK done)\r\n", NULL, "no answer"},
    {"{3}\r\nabc\r\n", NULL, "no answer"},
    {"\"abc\"\r\n", NULL, "no answer"},
    {"<html>\r\n", NULL, "no answer"},
};

/* ---- codes in front of it ---- */

#define CODE(code, read)                                                       \
    {                                                                          \
        "* OK " code "\r\n", "* OK " read "\r\n", NULL                         \
    }
#define INERT(code)                                                            \
    {                                                                          \
        "* OK " code "\r\n", "* OK \001" code "\r\n", NULL                     \
    }

static const Answer codes[] = {
    CODE("[UIDVALIDITY 7] is it", "[UIDVALIDITY 7] is it"),
    CODE("[uidvalidity  4294967295 ]", "[UIDVALIDITY 4294967295]"),
    INERT("[UIDVALIDITY 4294967296]"),
    INERT("[UIDVALIDITY]"),
    INERT("[UIDVALIDITY -7]"),
    INERT("[UIDVALIDITY 7 8]"),
    CODE("[UIDNEXT 12]", "[UIDNEXT 12]"),
    CODE("[HIGHESTMODSEQ " GREAT "]", "[HIGHESTMODSEQ " GREAT "]"),
    INERT("[HIGHESTMODSEQ 18446744073709551616]"),
    INERT("[HIGHESTMODSEQ 99999999999999999999999999]"),
    CODE("[NOMODSEQ] none", "[NOMODSEQ] none"),
    CODE("[READ-ONLY]", "[READ-ONLY]"),
    CODE("[Read-Write]x", "[READ-WRITE]x"),
    INERT("[READ-WRITE x]"),
    CODE("[PERMANENTFLAGS (\\Seen \\* $Junk)] x", "[PERMANENTFLAGS (\\*)] x"),
    CODE("[PERMANENTFLAGS ( a  b )]", "[PERMANENTFLAGS (\\Seen)]"),
    CODE("[PERMANENTFLAGS ()]", "[PERMANENTFLAGS (\\Seen)]"),
    CODE("[PERMANENTFLAGS (\"\\\\*\" % {3})]", "[PERMANENTFLAGS (\\Seen)]"),
    INERT("[PERMANENTFLAGS (* 5 EXISTS"),
    INERT("[PERMANENTFLAGS (* 5 EXISTS]"),
    INERT("[PERMANENTFLAGS (a (\\*))] x"),
    INERT("[PERMANENTFLAGS]"),
    INERT("[PERMANENTFLAGS (]"),
    CODE("[COPYUID 9 10:11,13 1:3]", "[COPYUID 9 10:11,13 1:3]"),
    CODE("[COPYUID 9  13:10 4:1 ]", "[COPYUID 9 13:10 4:1]"),
    INERT("[COPYUID 9 1 ]"),
    INERT("[COPYUID 9 1: 2]"),
    INERT("[COPYUID 9 1, 2]"),
    INERT("[COPYUID 9 1:* 1:3]"),
    INERT("[COPYUID 9 1 4294967296]"),
    INERT("[ALERT] change it"),
    INERT("[BADCHARSET (A B)] x"),
    INERT("[CAPABILITY IMAP4rev1 IDLE] x"),
    INERT("[APPENDUID 7 12] x"),
    INERT("[X-UNKNOWN (\"a]b\" {3})] x"),
    INERT("[UNSEEN"),
    INERT("["),
    INERT("[]"),
    INERT("[[UIDNEXT 7]]"),
    {"12 OK [READ-ONLY] done\r\n", "12 OK [READ-ONLY] done\r\n", NULL},
    {"12 NO [INUSE] later\r\n", "12 NO \001[INUSE] later\r\n", NULL},
    {"* NO [UIDVALIDITY 7] no\r\n", "* NO \001[UIDVALIDITY 7] no\r\n", NULL},
    {"* BYE [UIDVALIDITY 7] no\r\n", "* BYE \001[UIDVALIDITY 7] no\r\n", NULL},
    {"+ [UIDVALIDITY 7]\r\n", "+ \001[UIDVALIDITY 7]\r\n", NULL},
};

/* ---- what is found in a folder ---- */

static const Answer found[] = {
    {"* 3 EXISTS\r\n* 0 recent\r\n", "* 3 EXISTS\r\n* 0 RECENT\r\n", NULL},
    {"*  3  EXISTS  x \r\n", "* 3 EXISTS\r\n", NULL},
    {"* 4294967295 EXISTS\r\n", "* 4294967295 EXISTS\r\n", NULL},
    {"* 4294967296 EXISTS\r\n", NULL, "does not fit"},
    {"* -1 EXISTS\r\n", NULL, "does not fit"},
    {"* EXISTS\r\n* 1 2 EXISTS\r\n* 1 OK x\r\n", "", NULL},
    {"* SEARCH\r\n", "* SEARCH\r\n", NULL},
    {"* search  2 84 882 \r\n", "* SEARCH 2 84 882\r\n", NULL},
    {"* SEARCH 2 4294967295 (MODSEQ " GREAT ")\r\n",
     "* SEARCH 2 4294967295\r\n", NULL},
    {"* SEARCH 4294967296\r\n", NULL, "does not fit"},
    {"* SEARCH 1:3\r\n", NULL, "number"},
    {"* SEARCH 1 {3}\r\nabc\r\n", NULL, "number"},
    {"* SEARCH 1 \"2\"\r\n", NULL, "number"},
    {"* SEARCH (MODSEQ 5\r\n", NULL, "do not close"},
    {"* SEARCH 1)\r\n", NULL, "do not open"},
    {"* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE\r\n",
     "* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE\r\n", NULL},
    {"* CAPABILITY AUTH= PLAIN a% (IDLE) {3}\r\nabc \"x\" X=1\r\n",
     "* CAPABILITY PLAIN X=1\r\n", NULL},
    {"* CAPABILITY\r\n* CAPABILITY gr\xC3\xBC\xC3\x9F\r\n", "", NULL},
    {"* LIST (\\HasNoChildren) \"/\" \"INBOX\"\r\n",
     "* LIST () NIL \"INBOX\"\r\n", NULL},
    {"* list (\\Marked \\noselect) NIL a/b\r\n",
     "* LIST (\\Noselect) NIL \"a/b\"\r\n", NULL},
    {"* LIST (\\NonExistent) \".\" {8}\r\n\"a\\(b) {\r\n",
     "* LIST (\\Noselect) NIL \"\\\"a\\\\(b) {\"\r\n", NULL},
    {"* LIST () \"\\\\\" \"a\\\"b\\\\c\\d\" (\"CHILDINFO\" (\"X\"))\r\n",
     "* LIST () NIL \"a\\\"b\\\\c\\\\d\"\r\n", NULL},
    {"* LIST () {1+}\r\n/ ~{0}\r\n\r\n", "* LIST () NIL \"\"\r\n", NULL},
    {"* LIST (\"a\" {1}\r\n( x) \"/\" \"((((((((((((((((((\"\r\n",
     "* LIST () NIL \"((((((((((((((((((\"\r\n", NULL},
    {"* LIST \"/\" a\r\n", NULL, "without flags"},
    {"* LIST () \"/\"\r\n", NULL, "without a name"},
    {"* LIST () (a) b\r\n", NULL, "without a name"},
    {"* LIST ()\r\n", NULL, "without a name"},
    {"* LIST (a\r\n", NULL, "do not close"},
    {"* LIST () \"/\" \"a\r\n", NULL, "does not end"},
    {"* LIST () \"/\" \"a\\\r\n", NULL, "does not end"},
    {"* LIST () \"/\" {3}\r\na\nb\r\n", "", NULL},
};

/* ---- FETCH ---- */

static const Answer fetched[] = {
    {"* 12 FETCH (UID 4 RFC822.SIZE 9)\r\n",
     "* 12 FETCH (UID 4 RFC822.SIZE 9)\r\n", NULL},
    {"* 12 fetch ( rfc822.size  9 uid 4 )\r\n",
     "* 12 FETCH (RFC822.SIZE 9 UID 4)\r\n", NULL},
    {"* 12 FETCH (FLAGS (\\Seen $Forwarded) UID 4 MODSEQ (123))\r\n",
     "* 12 FETCH (UID 4 MODSEQ (123))\r\n", NULL},
    {"* 12 FETCH (FLAGS (\\Seen))\r\n* 12 FETCH ()\r\n", "", NULL},
    {"* 12 FETCH (X-GM-LABELS (\"a(b\" {1}\r\n) c) X-GM-MSGID 12 UID 4 "
     "INTERNALDATE \"1-Jan-2020 00:00:00 +0000\" X NIL Y)\r\n",
     "* 12 FETCH (UID 4)\r\n", NULL},
    {"* 12 FETCH (ENVELOPE (\"a\" ((NIL NIL \"b\" \"c\"))) BODY (\"TEXT\") "
     "UID 4)\r\n",
     "* 12 FETCH (UID 4)\r\n", NULL},
    {"* -1 FETCH (UID 4)\r\n* 4294967296 FETCH (UID 4)\r\n",
     "* 0 FETCH (UID 4)\r\n* 0 FETCH (UID 4)\r\n", NULL},
    {"* 1 FETCH (UID 4294967295)\r\n", "* 1 FETCH (UID 4294967295)\r\n", NULL},
    {"* 1 FETCH (UID 4294967296)\r\n", NULL, "does not fit"},
    {"* 1 FETCH (UID (4))\r\n", NULL, "number"},
    {"* 1 FETCH (UID)\r\n", NULL, "number"},
    {"* 1 FETCH (UID NIL)\r\n", NULL, "number"},
    {"* 1 FETCH (UID \"4\")\r\n", NULL, "number"},
    {"* 1 FETCH (UID 4 RFC822.SIZE " GREAT "0)\r\n",
     "* 1 FETCH (UID 4 RFC822.SIZE 4294967295)\r\n", NULL},
    {"* 1 FETCH (RFC822.SIZE -4)\r\n", NULL, "number"},
    {"* 1 FETCH (MODSEQ ( " GREAT " ) UID 4)\r\n",
     "* 1 FETCH (MODSEQ (" GREAT ") UID 4)\r\n", NULL},
    {"* 1 FETCH (MODSEQ 5)\r\n", NULL, "number"},
    {"* 1 FETCH (MODSEQ ((5)))\r\n", NULL, "number"},
    {"* 1 FETCH (MODSEQ (x))\r\n", NULL, "number"},
    {"* 1 FETCH UID 4\r\n", NULL, "without items"},
    {"* 1 FETCH\r\n", NULL, "without items"},
    {"* 1 FETCH ((UID 4))\r\n", NULL, "without a name"},
    {"* 1 FETCH (UID 4\r\n", NULL, "do not close"},
    {"* 1 FETCH (UID 4))\r\n", NULL, "do not open"},
    {"* 1 FETCH (UID 4) x (y) {1}\r\n) z\r\n", "* 1 FETCH (UID 4)\r\n", NULL},
    {"* 1 FETCH (BODYSTRUCTURE (" X16("(") "\r\n", NULL, "nested"},
    {"* 1 FETCH (A {17}\r\n" X16("(") "()\r\n* 2 EXISTS\r\n", "* 2 EXISTS\r\n",
     NULL},
    {"* 1 FETCH (A {16}\r\n" X16("(") "()\r\n", NULL, "without a name"},
    {"* 1 FETCH (A {3} B {x} C {3}x D {} E \"{3}\" UID 4)\r\n", NULL,
     "without a name"},
    {"* 1 FETCH (A {3} UID 4 C \"{3}\" D {3 })\r\n", "* 1 FETCH (UID 4)\r\n",
     NULL},
};

/* ---- mails, which are asked for ---- */

static const Answer mails[] = {
    {"* 1 FETCH (UID 4 BODY[] {5}\r\n()\r\n\" FLAGS ())\r\n* 2 EXISTS\r\n",
     "* 1 FETCH (UID 4 BODY[] {5}\r\n()\r\n\")\r\n* 2 EXISTS\r\n", NULL},
    {"* 1 FETCH (body[]<0> {3+}\nabc uid 4)\n",
     "* 1 FETCH (BODY[] {3}\r\nabc UID 4)\r\n", NULL},
    {"* 1 FETCH (BODY[] ~{ 3 } \r\nabc)\r\n",
     "* 1 FETCH (BODY[] {3}\r\nabc)\r\n", NULL},
    {"* 1 FETCH (BODY[]{3}\r\nabcUID 4)\r\n",
     "* 1 FETCH (BODY[] {3}\r\nabc UID 4)\r\n", NULL},
    {"* 1 FETCH (BODY[] {0}\r\n)\r\n", "* 1 FETCH (BODY[] {0}\r\n)\r\n", NULL},
    {"* 1 FETCH (BODY[] nil)\r\n", "* 1 FETCH (BODY[] NIL)\r\n", NULL},
    {"* 1 FETCH (BODY[] \"a\\\"c\")\r\n", "* 1 FETCH (BODY[] {3}\r\na\"c)\r\n",
     NULL},
    {"* 1 FETCH (BODY[] \"\")\r\n", "* 1 FETCH (BODY[] {0}\r\n)\r\n", NULL},
    {"* 1 FETCH (BODY[] {4294967295}\r\n", "* 1 FETCH (BODY[] {4294967295}\r\n",
     NULL},
    {"* 1 FETCH (BODY[] {4294967296}\r\n", NULL, "4 GiB"},
    {"* 1 FETCH (A {99999999999999999999999999999}\r\n", NULL, "4 GiB"},
    {"* 1 FETCH (BODY[] abc)\r\n", NULL, "no string"},
    {"* 1 FETCH (BODY[])\r\n", NULL, "no string"},
    {"* 1 FETCH (BODY[] {-1}\r\n)\r\n", NULL, "no string"},
    {"* 1 FETCH (BODY[HEADER] {3}\r\nabc)\r\n", NULL, "a part"},
    {"* 1 FETCH (BODY[]<2> {3}\r\nabc)\r\n", NULL, "a part"},
    {"* 1 FETCH (BODY[HEADER.FIELDS (DATE)] {3}\r\nabc)\r\n", NULL, "a part"},
};

static const Answer not_asked[] = {
    {"* 1 FETCH (UID 4 BODY[] {3}\r\nabc)\r\n", NULL, "nobody asked for"},
    {"* 1 FETCH (RFC822 {3}\r\nabc)\r\n", "", NULL},
};

/* ---- what is left out ---- */

static const Answer others[] = {
    {"* FLAGS (\\Seen \\Answered)\r\n* 3 EXPUNGE\r\n", "", NULL},
    {"* METADATA \"INBOX\" (/shared/comment {5}\r\n(* OK)\r\n* 1 EXISTS\r\n",
     "* 1 EXISTS\r\n", NULL},
    {"* VANISHED (EARLIER) 41,43:116\r\n* ESEARCH (TAG \"5\") UID ALL 1:3\r\n"
     "* STATUS a (MESSAGES 3)\r\n* ID NIL\r\n* NAMESPACE ((\"\" \"/\")) NIL NIL"
     "\r\n* ENABLED CONDSTORE\r\n* QUOTA \"\" (STORAGE 1 2)\r\n",
     "", NULL},
    {"* XWARNING 5\" )) ((\r\n* 1 EXISTS\r\n", "* 1 EXISTS\r\n", NULL},
    {"* OKAY {3}\r\n\"\"\"\r\n*\r\n* \r\n* (\r\n* {1}\r\n\"\r\n", "", NULL},
};

typedef struct {
    const char *greeting, *read, *why;
} Greeting;

static const Greeting greetings[] = {
    {"* OK hello\r\n", "* OK hello\r\n", NULL},
    {"* PREAUTH hello\r\n", "* PREAUTH hello\r\n", NULL},
    {"* BYE too many\r\n", "* BYE too many\r\n", NULL},
    {"* OK [PERMANENTFLAGS (a)] hello\r\n",
     "* OK \001[PERMANENTFLAGS (a)] hello\r\n", NULL},
    {"* OK [CAPABILITY IMAP4rev1] hello\r\n* OK [UIDNEXT 7] x\r\n",
     "* OK \001[CAPABILITY IMAP4rev1] hello\r\n* OK [UIDNEXT 7] x\r\n", NULL},
    {"\r\n* X\r\n* OK [UIDNEXT 7]\r\n", "* OK \001[UIDNEXT 7]\r\n", NULL},
    {"220 mx.example (ESMTP) {3}\r\n",
     "\001"
     "220 mx.example (ESMTP) {3}\r\n",
     NULL},
    {"1 OK [PERMANENTFLAGS (*\r\n",
     "\001"
     "1 OK [PERMANENTFLAGS (*\r\n",
     NULL},
    {"SSH-2.0-OpenSSH\r\n", "\001SSH-2.0-OpenSSH \r\n", NULL},
    {"+OK POP3\r\n", "\001+OK POP3\r\n", NULL},
    {"(\r\n", NULL, "no answer"},
    {"* SEARCH\r\n", NULL, "greeting that is none"},
};

/* All at once, and byte by byte. */
static void
check_pass(const char *said, bool asked, const char *read, const char *why)
{
    for (int piece = 0; piece < 2; piece++) {
        ImapGuard guard = {.mails = asked};
        g_autoptr(GString) passed = g_string_new(NULL);
        const char *got = NULL;
        size_t step = piece == 0 ? strlen(said) : 1;
        for (const char *p = said; *p != '\0' && got == NULL; p += step)
            got = imap_guard_pass(&guard, p, step, passed);
        ck_assert_msg((got == NULL) == (read != NULL), "%s: %s", said, got);
        ck_assert_msg(got == NULL || strstr(got, why) != NULL, "%s: %s", said,
                      got);
        ck_assert_msg(got != NULL || strcmp(passed->str, read) == 0, "%s: %s",
                      said, passed->str);
    }
}

static void
check_answer(const Answer *row, bool asked)
{
    g_autofree char *said = g_strconcat(HELLO, row->said, NULL);
    g_autofree char *read =
        row->read != NULL ? g_strconcat(HELLO, row->read, NULL) : NULL;
    check_pass(said, asked, read, row->why);
}

static const struct {
    const Answer *rows;
    size_t n;
    bool asked;
} tables[] = {
    {texts, G_N_ELEMENTS(texts), false},
    {codes, G_N_ELEMENTS(codes), false},
    {found, G_N_ELEMENTS(found), false},
    {fetched, G_N_ELEMENTS(fetched), true},
    {mails, G_N_ELEMENTS(mails), true},
    {not_asked, G_N_ELEMENTS(not_asked), false},
    {others, G_N_ELEMENTS(others), false},
};

START_TEST(libetpan_reads_what_the_grammar_has)
{
    for (size_t i = 0; i < tables[_i].n; i++)
        check_answer(&tables[_i].rows[i], tables[_i].asked);
}
END_TEST

START_TEST(a_greeting_is_text)
{
    const Greeting *row = &greetings[_i];
    check_pass(row->greeting, false, row->read, row->why);
}
END_TEST

START_TEST(octets_of_no_text_do_no_harm)
{
    static const char said[] =
        "* OK a\0b [\r\n* NO \0[UIDNEXT 7]\r\n* OK [UIDNEXT\0 7]\r\n* SEARCH\0 "
        "1\r\n"
        "* CAPABILITY \0 \0a b\0\r\n* 1 FETCH (UID\0 1 BODY[] \"\0\")\r\n";
    static const char read[] =
        "* OK a?b [\r\n* NO ?[UIDNEXT 7]\r\n* OK \001[UIDNEXT? 7]\r\n"
        "* CAPABILITY ? ?a b?\r\n* 1 FETCH (BODY[] {1}\r\n\0)\r\n";
    ImapGuard guard = {.mails = true, .greeted = true};
    g_autoptr(GString) passed = g_string_new(NULL);
    ck_assert_ptr_null(imap_guard_pass(&guard, said, sizeof said - 1, passed));
    ck_assert_uint_eq(passed->len, sizeof read - 1);
    ck_assert_mem_eq(passed->str, read, sizeof read - 1);
}
END_TEST

/* ---- limits ---- */

typedef struct {
    const char *before, *repeated, *behind;
    int most;        /* so often it may be */
    const char *why; /* if once more; NULL: it is left out or becomes text */
} Limit;

static const Limit limits[] = {
    {"* X ", "(", "\r\n", IMAP_GUARD_DEPTH, "nested"},
    {"* SEARCH", " 1", "\r\n", IMAP_GUARD_WORDS - IMAP_GUARD_LINE_WORDS,
     "too many words"},
    {"* LIST () NIL ", "a", "\r\n", IMAP_GUARD_HELD, "too long"},
    {"* LIST () NIL \"", "a", "\"\r\n", IMAP_GUARD_HELD, "too long"},
    {"* 1 FETCH (BODY[] \"", "a", "\")\r\n", IMAP_GUARD_HELD, "too long"},
    {"* OK [UIDNEXT 7", " ", "]\r\n", IMAP_GUARD_HELD - 9, NULL},
};

START_TEST(limits_are_kept)
{
    const Limit *row = &limits[_i];
    for (int over = 0; over < 2; over++) {
        ImapGuard guard = {.mails = true, .greeted = true};
        g_autoptr(GString) said = g_string_new(row->before);
        g_autoptr(GString) passed = g_string_new(NULL);
        for (int i = 0; i < row->most + over; i++)
            g_string_append(said, row->repeated);
        g_string_append(said, row->behind);
        const char *why = imap_guard_pass(&guard, said->str, said->len, passed);
        ck_assert_msg((why != NULL) == (over == 1 && row->why != NULL),
                      "%s: %s", row->before, why);
        ck_assert_msg(why == NULL || strstr(why, row->why) != NULL, "%s: %s",
                      row->before, why);
        if (row->why == NULL)
            ck_assert_int_eq(strchr(passed->str, '\001') != NULL, over);
    }
}
END_TEST

START_TEST(a_folder_in_a_literal_has_the_limit_of_its_name)
{
    for (int over = 0; over < 2; over++) {
        ImapGuard guard = {.greeted = true};
        g_autoptr(GString) passed = g_string_new(NULL);
        g_autofree char *name =
            g_strnfill((gsize)(IMAP_GUARD_HELD + over), 'a');
        g_autofree char *said = g_strdup_printf("* LIST () NIL {%d}\r\n%s\r\n",
                                                IMAP_GUARD_HELD + over, name);
        const char *why = imap_guard_pass(&guard, said, strlen(said), passed);
        ck_assert_int_eq(why != NULL, over);
    }
}
END_TEST

/* The next answer has words of its own. */
static const char *
pass_often(ImapGuard *guard, const char *said, int times)
{
    const char *why = NULL;
    for (int i = 0; i < times && why == NULL; i++) {
        g_autoptr(GString) passed = g_string_new(NULL);
        why = imap_guard_pass(guard, said, strlen(said), passed);
    }
    return why;
}

START_TEST(words_are_counted_until_the_tagged_answer)
{
    enum { LINE = IMAP_GUARD_LINE_WORDS + 4 }; /* its end, and in the code 3 */
    static const char copied[] = "* OK [COPYUID 1 2 3]\r\n";
    ImapGuard guard = {.greeted = true};
    for (int answer = 0; answer < 2; answer++) {
        ck_assert_ptr_null(
            pass_often(&guard, copied, IMAP_GUARD_WORDS / LINE - 1));
        ck_assert_ptr_null(pass_often(&guard, "5 OK\r\n", 1));
    }
    ck_assert_ptr_nonnull(
        pass_often(&guard, copied, IMAP_GUARD_WORDS / LINE + 1));
}
END_TEST

START_TEST(what_is_left_out_has_no_limit)
{
    ImapGuard guard = {.greeted = true};
    ck_assert_ptr_null(pass_often(&guard, "* 1 FETCH (FLAGS (\\Seen))\r\n",
                                  IMAP_GUARD_WORDS + 1));
    ck_assert_ptr_null(pass_often(&guard, "* SEARCH (1 2)\r\n", 1));
    ck_assert_ptr_null(pass_often(&guard, "* X ", 1));
    ck_assert_ptr_null(pass_often(&guard, "a(b) ", IMAP_GUARD_WORDS + 1));
}
END_TEST

static const struct {
    const char *said;
    bool more;
} ends[] = {
    {"", false},
    {"5 OK begin\r\n", false},
    {"5 OK begin\r\n*", true},
    {"5 OK begin\r\n\r\n", true},
    {"5 OK begin\r\n* X\r\n", true},
    {"5 OK begin\r\n* X {5}\r\n5 OK", true},
    {"* OK begin\r\n", true},
};

START_TEST(what_comes_behind_a_tagged_answer_is_known)
{
    ImapGuard guard = {.greeted = true};
    g_autoptr(GString) passed = g_string_new(NULL);
    const char *said = ends[_i].said;
    ck_assert_ptr_null(imap_guard_pass(&guard, said, strlen(said), passed));
    ck_assert_int_eq(guard.more, ends[_i].more);
}
END_TEST

static Suite *
imap_guard_suite(void)
{
    Suite *suite = suite_create("imap_guard");
    TCase *tests = tcase_create("imap_guard");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, libetpan_reads_what_the_grammar_has, 0,
                        G_N_ELEMENTS(tables));
    tcase_add_loop_test(tests, a_greeting_is_text, 0, G_N_ELEMENTS(greetings));
    tcase_add_test(tests, octets_of_no_text_do_no_harm);
    tcase_add_loop_test(tests, limits_are_kept, 0, G_N_ELEMENTS(limits));
    tcase_add_test(tests, a_folder_in_a_literal_has_the_limit_of_its_name);
    tcase_add_test(tests, words_are_counted_until_the_tagged_answer);
    tcase_add_test(tests, what_is_left_out_has_no_limit);
    tcase_add_loop_test(tests, what_comes_behind_a_tagged_answer_is_known, 0,
                        G_N_ELEMENTS(ends));
    suite_add_tcase(suite, tests);
    return suite;
}

int
main(void)
{
    SRunner *runner = srunner_create(imap_guard_suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
