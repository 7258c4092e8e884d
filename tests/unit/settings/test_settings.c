/* Whole files: what they mean, and with which words they are refused. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "mail/mail.h"
#include "scratch.h"
#include "settings/keys.h"

#define DATABASE "database = { conninfo = \"dbname=postern\"; };\n"
#define QUEUES                                                                 \
    "queues = ( { name = \"a\"; addresses = [ \"a@example.org\" ]; } );\n"

START_TEST(two_lines_are_a_complete_file)
{
    g_autoptr(Settings) settings = scratch_load_good(SCRATCH_MINIMAL);
    ck_assert_str_eq(settings->database.conninfo, "dbname=postern");
    ck_assert(settings->database.prepared);
    const Queue *queue = settings_queue(settings, "support");
    ck_assert_ptr_nonnull(queue);
    ck_assert_str_eq(queue->addresses[0], "support@example.org");
    ck_assert_str_eq(queue->display_name, "support");
    ck_assert_str_eq(queue->tag_prefix, "");
    ck_assert_ptr_null(queue->notify[0]);
    ck_assert_ptr_null(settings_queue(settings, "Support"));
    ck_assert_uint_eq(settings->listeners->len, 1);
    const Listener *listener = settings->listeners->pdata[0];
    ck_assert_str_eq(listener->socket, "/run/postern/lmtp.sock");
    ck_assert_uint_eq(listener->mode, 0660);
    ck_assert_str_eq(settings->relay.host, "localhost");
    ck_assert_int_eq(settings->relay.tls, TLS_OFF);
    ck_assert_int_eq(settings->log_level, LOG_LEVEL_INFO);
    ck_assert_int_eq(settings->outbox.longest_retry_s, 4000);
}
END_TEST

START_TEST(the_limits_of_a_mail_are_those_of_the_parser)
{
    g_autoptr(Settings) settings = scratch_load_good(SCRATCH_MINIMAL);
    ck_assert_mem_eq(&settings->limits.mail, &mail_limits_default,
                     sizeof mail_limits_default);
}
END_TEST

static const char full[] =
    "user = \"postern\"; group = \"mail\"; admin = \"root@example.org\";\n"
    "log_level = \"debug\"; run_directory = \"/run/p\";\n"
    "database: { conninfo = \"host=a,b \" \"dbname=x\"; prepared = false;\n"
    "  timeout = \"1h\"; }\n"
    "queues = (\n"
    "  { name = \"a-1\"; addresses = [ \"A@x.org\", \"b+c@x.org\" ];\n"
    "    display_name = \"\\\"Q\\\" \\\\ Гурт\"; language = \"de-at\";\n"
    "    tag_prefix = \" acme \"; acknowledge = FALSE; templates = \"vip\";\n"
    "    notify = ( \"anna@x.org\" ); },\n"
    "  { name = \"b\"; addresses = [ \"b@x.org\" ]; } )\n"
    "listeners = ( { socket = \"/run/a\"; mode = \"0600\"; owner = \"p\"; },\n"
    "  { host = \"::1\"; port = 2424; } );\n"
    "relay = { host = \"mx.example.org\"; port = 587; user = \"u\";\n"
    "  password_command = [ \"/bin/echo\", \"a b\", \"$(x); `y`\", \"\" ]; };\n"
    "workers = { }; /* all of\n them */ limits = { mail_size = \"1KiB\"; };\n"
    "outbox = { first_retry = \"1min 30s\"; longest_retry = \"2h\"; };\n"
    "retention = { settled_delivery = \"0\"; } // for ever";

START_TEST(every_notation_of_the_file_means_what_it_says)
{
    g_autoptr(Settings) settings = scratch_load_good(full);
    ck_assert_str_eq(settings->database.conninfo, "host=a,b dbname=x");
    ck_assert(!settings->database.prepared);
    ck_assert_int_eq(settings->database.timeout_s, 3600);
    const Queue *queue = settings->queues->pdata[0];
    ck_assert_str_eq(queue->display_name, "\"Q\" \\ Гурт");
    ck_assert_str_eq(queue->tag_prefix, "acme ");
    ck_assert(!queue->acknowledge);
    ck_assert_str_eq(queue->notify[0], "anna@x.org");
    const Listener *listener = settings->listeners->pdata[1];
    ck_assert_str_eq(listener->socket, "");
    ck_assert_uint_eq(listener->port, 2424);
    ck_assert_int_eq(settings->relay.tls, TLS_STARTTLS);
    ck_assert_str_eq(settings->relay.password_command[2], "$(x); `y`");
    ck_assert_str_eq(settings->relay.password_command[3], "");
    ck_assert_int_eq(settings->limits.mail_bytes, 1024);
    ck_assert_int_eq(settings->outbox.first_retry_s, 90);
    ck_assert_int_eq(settings->retention.settled_delivery_s, 0);
    ck_assert_int_eq(settings->log_level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(what_is_printed_loads_to_the_same)
{
    const char *const texts[] = {SCRATCH_MINIMAL, full};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (int only_changed = 0; only_changed < 2; only_changed++) {
            g_autoptr(Settings) first = scratch_load_good(texts[i]);
            g_autoptr(GString) all = g_string_new(NULL);
            g_autoptr(GString) shown = g_string_new(NULL);
            g_autoptr(GString) again = g_string_new(NULL);
            keys_print(first, false, all);
            keys_print(first, only_changed == 1, shown);
            g_autoptr(Settings) second = scratch_load_good(shown->str);
            keys_print(second, false, again);
            ck_assert_str_eq(all->str, again->str);
        }
    }
}
END_TEST

START_TEST(the_documents_are_made_of_what_loads)
{
    g_autoptr(GString) sample = g_string_new(NULL);
    g_autoptr(GString) manual = g_string_new(NULL);
    keys_sample(sample);
    keys_manual(manual);
    g_autoptr(Settings) settings = scratch_load_good(sample->str);
    ck_assert_uint_eq(settings->queues->len, 1);
    ck_assert(g_str_has_prefix(manual->str, ".SH KEYS\n"));
}
END_TEST

START_TEST(an_empty_list_of_listeners_accepts_nothing_here)
{
    g_autoptr(Settings) settings =
        scratch_load_good(SCRATCH_MINIMAL "listeners = ( );");
    ck_assert_uint_eq(settings->listeners->len, 0);
}
END_TEST

START_TEST(the_default_listener_follows_the_run_directory)
{
    g_autoptr(Settings) settings =
        scratch_load_good(SCRATCH_MINIMAL "run_directory = \"/run/x\";");
    const Listener *listener = settings->listeners->pdata[0];
    ck_assert_str_eq(listener->socket, "/run/x/lmtp.sock");
}
END_TEST

START_TEST(tls_is_off_by_itself_only_towards_this_machine)
{
    static const struct {
        const char *relay;
        TlsMode tls;
    } rows[] = {
        {"", TLS_OFF},
        {"host = \"LOCALHOST\";", TLS_OFF},
        {"host = \"127.1.2.3\";", TLS_OFF},
        {"host = \"::1\";", TLS_OFF},
        {"host = \"localhost\"; tls = \"starttls\";", TLS_STARTTLS},
        {"host = \"localhost.example.org\";", TLS_STARTTLS},
        {"host = \"128.0.0.1\";", TLS_STARTTLS},
        {"host = \"mx.example.org\";", TLS_STARTTLS},
        {"host = \"mx.example.org\"; tls = \"off\";", TLS_OFF},
        {"host = \"mx.example.org\"; tls = \"tls\";", TLS_ALWAYS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strdup_printf(SCRATCH_MINIMAL "relay = { %s };", rows[i].relay);
        g_autoptr(Settings) settings = scratch_load_good(text);
        ck_assert_msg(settings->relay.tls == rows[i].tls, "%s", rows[i].relay);
    }
}
END_TEST

/* Each whole file, and how the message about it begins. */
static const struct {
    const char *text;
    const char *fault;
} refused[] = {
    /* missing */
    {"", "1: database.conninfo is missing; write for example conninfo"},
    {QUEUES "database = {\n};", "2: database.conninfo is missing"},
    {DATABASE, "1: there is no queue; write for example queues = ( {"},
    {DATABASE "queues = ( );", "2: there is no queue"},
    {DATABASE "queues = (\n{ name = \"a\"; } );",
     "3: queues.addresses is missing; write for example addresses = ["},
    {DATABASE "queues = ( { addresses = [ \"a@b.c\" ]; } );",
     "2: queues.name is missing"},
    /* unknown */
    {DATABASE QUEUES "colour = \"red\";",
     "3: unknown key 'colour'; postern.conf(5) lists all"},
    {DATABASE QUEUES "\n\nLog_level = \"info\";",
     "5: unknown key 'Log_level'; did you mean 'log_level'?"},
    {DATABASE QUEUES "reley = { };",
     "3: unknown key 'reley'; did you mean 'relay'?"},
    {DATABASE QUEUES "relay = { prot = 25; };",
     "3: unknown key 'relay.prot'; did you mean 'port'?"},
    {DATABASE "queues = ( {\nname = \"a\";\nadresses = [ \"a@b.c\" ]; } );",
     "4: unknown key 'queues.adresses'; did you mean 'addresses'?"},
    {DATABASE QUEUES "port = 25;", "3: unknown key 'port'"},
    /* blocks */
    {"database = 5;", "1: database: must be a block; write { ... }"},
    {DATABASE "queues = { };", "2: queues: must be a list of blocks; write "},
    {DATABASE "queues = [ \"a\" ];", "2: queues: must be a list of blocks"},
    {DATABASE "queues = (\n\"a\" );", "3: queues: must be a block"},
    {DATABASE QUEUES "relay = ( { } );", "3: relay: must be a block"},
    /* types, with an example of what to write */
    {DATABASE QUEUES "limits = { mail_size = 25; };",
     "3: limits.mail_size: must be a text in quotes; write for example "
     "mail_size = \"25MiB\";"},
    {DATABASE QUEUES "relay = { port = \"25\"; };",
     "3: relay.port: must be a number without quotes; write for example port "
     "= 25;"},
    {DATABASE QUEUES "listeners = ( { socket = \"/a\"; mode = 0660; } );",
     "3: listeners.mode: must be a text in quotes; write for example mode = "
     "\"0660\";"},
    {"database = { conninfo = \"a=b\"; prepared = \"yes\"; };",
     "1: database.prepared: must be true or false, without quotes"},
    {DATABASE "queues = ( { name = \"a\"; addresses = \"a@b.c\"; } );",
     "2: queues.addresses: must be a list of texts; write for example "
     "addresses = [ \"support@example.org\" ];"},
    /* numbers that libconfig would bend */
    {DATABASE QUEUES "relay = { port = 4294967321; };",
     "3: this number is too large"},
    {DATABASE QUEUES "relay = { port = 4294967321L; };",
     "3: this number is too large"},
    {DATABASE QUEUES "relay = { port = 0x100000019; };",
     "3: this number is too large"},
    {DATABASE QUEUES "relay = { port = -4294967321; };",
     "3: this number is too large"},
    {DATABASE QUEUES "relay = { port = -25; };",
     "3: relay.port: -25 is out of range; write 1 to 65535"},
    {DATABASE QUEUES "relay = { port = 65561L; };",
     "3: relay.port: 65561 is out of range"},
    /* durations, sizes, modes */
    {DATABASE QUEUES "relay = { timeout = \"5m\"; };",
     "3: relay.timeout: '5m' is not a duration; write 1s to 1h"},
    {DATABASE QUEUES "relay = { timeout = \"5\"; };", "3: relay.timeout: '5'"},
    {DATABASE QUEUES "relay = { timeout = \"\"; };", "3: relay.timeout: ''"},
    {DATABASE QUEUES "relay = { timeout = \"-5min\"; };", "3: relay.timeout:"},
    {DATABASE QUEUES "relay = { timeout = \"1.5h\"; };", "3: relay.timeout:"},
    {DATABASE QUEUES "relay = { timeout = \" 5min\"; };", "3: relay.timeout:"},
    {DATABASE QUEUES "relay = { timeout = \"5min,\"; };", "3: relay.timeout:"},
    {DATABASE QUEUES "relay = { timeout = \"5MIN\"; };", "3: relay.timeout:"},
    {DATABASE QUEUES "relay = { timeout = \"99999999999999999999s\"; };",
     "3: relay.timeout: '99999999999999999999s' is not a duration"},
    {DATABASE QUEUES "relay = { timeout = \"9223372036854775807d\"; };",
     "3: relay.timeout: '9223372036854775807d' is not a duration"},
    {DATABASE QUEUES
     "relay = { timeout = \"9223372036854775807s 9223372036854775807s\"; };",
     "3: relay.timeout:"},
    {DATABASE QUEUES "limits = { mail_size = \"25MB\"; };",
     "3: limits.mail_size: '25MB' is not a size; write 1KiB to 100MiB"},
    {DATABASE QUEUES "limits = { mail_size = \"101MiB\"; };",
     "3: limits.mail_size: 101MiB is out of range; write 1KiB to 100MiB"},
    {DATABASE QUEUES "retention = { settled_delivery = \"29d\"; };",
     "3: retention.settled_delivery: 29d is out of range; write 0, or 30d to"},
    {DATABASE QUEUES "listeners = ( { socket = \"/a\"; mode = \"660\"; } );",
     "3: listeners.mode: '660' is not a mode; write 0000 to 0777"},
    {DATABASE QUEUES "listeners = ( { socket = \"/a\"; mode = \"0689\"; } );",
     "3: listeners.mode: '0689' is not a mode"},
    {DATABASE QUEUES "listeners = ( { socket = \"/a\"; mode = \"01777\"; } );",
     "3: listeners.mode: 01777 is out of range"},
    /* addresses */
    {DATABASE "queues = ( { name = \"a\"; addresses = [ ]; } );",
     "2: queues.addresses: has 0 entries; write 1 to 100 addresses"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"support\" ]; } );",
     "2: queues.addresses: 'support' is not an address; write name@domain"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"A <a@b.c>\" ]; } );",
     "2: queues.addresses: 'A <a@b.c>' is not an address"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@\" ]; } );",
     "2: queues.addresses: 'a@' is not"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"@b.c\" ]; } );",
     "2: queues.addresses: '@b.c' is not"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"-a@b.c\" ]; } );",
     "2: queues.addresses: '-a@b.c' is not"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b..c\" ]; } );",
     "2: queues.addresses: 'a@b..c' is not"},
    {DATABASE
     "queues = ( { name = \"a\"; addresses = [ \"a@b.c,d@b.c\" ]; } );",
     "2: queues.addresses: 'a@b.c,d@b.c' holds two '@'; is a comma missing?"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\",\n"
              "\"A@B.C\" ]; } );",
     "2: queues.addresses: 'A@B.C' stands here twice; remove one"},
    {DATABASE QUEUES "admin = \"nobody\";", "3: admin: 'nobody' is not an"},
    /* names, hosts, paths, languages, accounts */
    {DATABASE "queues = ( { name = \"A b\"; addresses = [ \"a@b.c\" ]; } );",
     "2: queues.name: 'A b' is not a name; use small letters, digits and"},
    {DATABASE "queues = ( { name = \"-a\"; addresses = [ \"a@b.c\" ]; } );",
     "2: queues.name: '-a' is not a name"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\" ];\n"
              "templates = \"../etc\"; } );",
     "3: queues.templates: '../etc' is not a name"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\" ];\n"
              "language = \"English\"; } );",
     "3: queues.language: 'English' is not a language"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\" ];\n"
              "tag_prefix = \"a#\"; } );",
     "3: queues.tag_prefix: 'a#' holds one of [ ] #; write a plain word"},
    {DATABASE QUEUES "relay = { host = \"[::1]\"; };",
     "3: relay.host: '[::1]' is not a host"},
    {DATABASE QUEUES "relay = { host = \"-oProxy\"; };",
     "3: relay.host: '-oProxy' is not a host"},
    {DATABASE QUEUES "spool_directory = \"tmp\";",
     "3: spool_directory: 'tmp' is not an absolute path; begin with '/'"},
    {DATABASE QUEUES "spool_directory = \"/var/../etc\";",
     "3: spool_directory: '/var/../etc' holds '..'"},
    {DATABASE QUEUES "user = \"a b\";", "3: user: 'a b' is not the name of"},
    /* secrets */
    {"database = { conninfo = \"dbname=x password=tell\"; };" QUEUES,
     "1: database.conninfo: holds a password; put it into a file"},
    {"database = { conninfo = \"password  = 'tell'\"; };" QUEUES,
     "1: database.conninfo: holds a password"},
    {"database = { conninfo = \"postgresql://u:tell@h/db\"; };" QUEUES,
     "1: database.conninfo: holds a password"},
    {"database = { conninfo = \"postgres://h/db?user=u&password=tell\"; };",
     "1: database.conninfo: holds a password"},
    {DATABASE QUEUES "relay = { user = \"u\"; };",
     "3: relay.user: there is no password for it; add password_file or"},
    {DATABASE QUEUES "relay = { password_file = \"/a\"; };",
     "3: relay: there is a password but no user; add user"},
    {DATABASE QUEUES "relay = { user = \"u\"; password_file = \"/a\";\n"
                     "password_command = [ \"/a\" ]; };",
     "4: relay: give either password_file or password_command"},
    {DATABASE QUEUES "relay = { user = \"u\"; password_command = [ \"a\" ]; };",
     "3: relay.password_command: 'a' is not an absolute path"},
    {DATABASE QUEUES "relay = { host = \"mx.example.org\"; user = \"u\";\n"
                     "password_file = \"/a\"; tls = \"off\"; };",
     "4: relay.tls: \"off\" would send the password in the clear"},
    /* rules between keys */
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\" ]; },\n"
              "{ addresses = [ \"b@b.c\" ];\nname = \"a\"; } );",
     "4: queues.name: 'a' is the name of two queues; rename one"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\" ]; },\n"
              "{ name = \"b\";\naddresses = [ \"x@b.c\", \"A@b.C\" ]; } );",
     "4: queues.addresses: 'A@b.C' belongs to queue 'a' already"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\" ];\n"
              "notify = [ \"A+x@b.c\" ]; } );",
     "3: queues.notify: 'A+x@b.c' is an address of queue 'a', which would"},
    {DATABASE QUEUES "admin = \"a@example.org\";",
     "3: admin: 'a@example.org' is an address of queue 'a'"},
    {DATABASE QUEUES "listeners = (\n{ } );",
     "4: listeners: give either socket or host"},
    {DATABASE QUEUES
     "listeners = ( { socket = \"/a\"; host = \"127.0.0.1\"; } );",
     "3: listeners: give either socket or host"},
    {DATABASE QUEUES "listeners = ( { host = \"0.0.0.0\"; } );",
     "3: listeners.host: '0.0.0.0' is not a loopback address; write"},
    {DATABASE QUEUES "listeners = ( { host = \"localhost\"; } );",
     "3: listeners.host: 'localhost' is not a loopback address"},
    {DATABASE QUEUES "metrics = { host = \"0.0.0.0\"; };",
     "3: metrics.host: '0.0.0.0' is not a loopback address; write"},
    {DATABASE QUEUES "metrics = { host = \"localhost\"; };",
     "3: metrics.host: 'localhost' is not a loopback address"},
    {DATABASE QUEUES "listeners = ( { host = \"128.0.0.1\"; } );",
     "3: listeners.host: "},
    {DATABASE QUEUES
     "listeners = ( { socket = \"/a\"; },\n{ socket = \"/a\"; } );",
     "4: listeners: this is the same place as in an entry above"},
    {DATABASE QUEUES "listeners = ( { host = \"127.0.0.1\"; },\n"
                     "{ host = \"127.0.0.1\"; port = 24; } );",
     "4: listeners: this is the same place"},
    {DATABASE QUEUES "outbox = { longest_retry = \"4min\"; };",
     "3: outbox.longest_retry: is shorter than first_retry"},
    {DATABASE QUEUES "outbox = {\ngive_up = \"4min\"; };",
     "4: outbox.give_up: is shorter than first_retry"},
    {DATABASE QUEUES "limits = { header_size = \"16KiB\"; };",
     "3: limits.header_size: is smaller than header_field_size"},
    /* the notation itself */
    {DATABASE "queues = (", "3: syntax error"},
    {DATABASE "}\n", "2: syntax error"},
    {DATABASE QUEUES "user = \"a\"; user = \"b\";",
     "3: duplicate setting name"},
    {DATABASE "queues = ( { name = \"a\n\"; } );",
     "2: this text has no closing quote on its line"},
    {DATABASE "\n/* never", "3: the comment that begins here has no end"},
    {DATABASE "@include \"/etc/passwd\"\n",
     "2: @include is not supported; write everything into this file"},
    {DATABASE "  \t@include \"/etc/passwd\"\n", "2: @include is not"},
    {DATABASE "queues = ( { name = \"a\"; addresses = [ \"a@b.c\"\n\"d@b.c\" ]"
              "; } );",
     "3: a comma is missing between two texts of a list"},
    {DATABASE "queues = ( { name = \"a\"; addresses = ( \"a@b.c\" # no comma\n"
              "\"d@b.c\" ); } );",
     "3: a comma is missing between two texts of a list"},
    {"database = { conninfo = \"a\\x00b\"; };", "1: a text cannot hold \\x00"},
    {"database = { conninfo = \"a\xFF\"; };", "1: is not valid UTF-8"},
    {"a = ((((((((((((((((((1))))))))))))))))));",
     "1: too many brackets are open"},
};

START_TEST(a_bad_file_is_refused_with_its_line_and_what_to_do)
{
    const char *expected = refused[_i].fault;
    g_autofree char *fault = scratch_fault(refused[_i].text);
    ck_assert_msg(g_str_has_prefix(fault, expected),
                  "got  '%s'\nwant '%s'\nfor\n%s", fault, expected,
                  refused[_i].text);
    ck_assert_ptr_null(strstr(fault, "tell"));
}
END_TEST

START_TEST(what_only_looks_forbidden_is_allowed)
{
    static const char *const texts[] = {
        SCRATCH_MINIMAL "# @include \"/etc/passwd\"\n// 99999999999\n",
        SCRATCH_MINIMAL "/* @include \"x\n 12345678901 \"*/ user = \"a\";",
        SCRATCH_MINIMAL "user = \"a-99999999999\"; # \" ( ( (",
        "database = { conninfo = \"passfile=/a dbname=password\"; };" QUEUES,
        "database = { conninfo = \"postgresql://u@h:5432/db\"; };" QUEUES,
        "database = { conninfo = \"a = '\\\\\\x20' /* no comment */\"; "
        "};" QUEUES,
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        settings_free(scratch_load_good(texts[i]));
}
END_TEST

START_TEST(a_nul_byte_is_refused_with_its_line)
{
    static const char text[] = DATABASE "\n\0" QUEUES;
    char *path = scratch_write(text, sizeof text - 1, 0600);
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(settings_load(path, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_ptr_nonnull(strstr(error->message, ":3: holds a NUL byte"));
    scratch_remove(path);
}
END_TEST

static void
path_is_refused(const char *path, const char *words)
{
    g_autoptr(GError) error = NULL;
    ck_assert_ptr_null(settings_load(path, &error));
    ck_assert(failure_is(error, FAILURE_CONFIG));
    ck_assert_msg(g_str_has_prefix(error->message, path), "%s", error->message);
    ck_assert_msg(strstr(error->message, words) != NULL, "%s", error->message);
}

START_TEST(only_a_regular_file_of_sane_size_is_read)
{
    char *path = scratch_write(SCRATCH_MINIMAL, strlen(SCRATCH_MINIMAL), 0600);
    g_autofree char *other = g_strconcat(path, ".x", NULL);
    g_autofree char *directory = g_path_get_dirname(path);
    path_is_refused(other, "No such file");
    path_is_refused(directory, "is not a regular file");
    ck_assert_int_eq(symlink(path, other), 0);
    path_is_refused(other, "is a symbolic link; name the file itself");
    ck_assert_int_eq(unlink(other), 0);
    ck_assert_int_eq(mkfifo(other, 0600), 0);
    path_is_refused(other, "is not a regular file");
    ck_assert_int_eq(unlink(other), 0);
    g_autofree char *large = g_strnfill(1024 * 1024 + 1, '\n');
    ck_assert(g_file_set_contents(other, large, -1, NULL));
    path_is_refused(other, "is too large");
    ck_assert_int_eq(unlink(other), 0);
    scratch_remove(path);
}
END_TEST

START_TEST(any_bytes_are_refused_in_linear_time)
{
    static const char *const bits[] = {"(", "[", "{", "\"", "a=",  "/*",
                                       "#", "@", "9", "\\", "a={", "a=\"\";"};
    for (size_t i = 0; i < G_N_ELEMENTS(bits); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len < 1000000)
            g_string_append(text, bits[i]);
        g_autofree char *fault = scratch_fault(text->str);
        ck_assert_uint_lt(strlen(fault), 500);
    }
}
END_TEST

START_TEST(the_map_for_postfix_names_every_address)
{
    g_autoptr(Settings) settings = scratch_load_good(full);
    g_autoptr(GString) map = g_string_new(NULL);
    settings_postfix_map(settings, map);
    g_auto(GStrv) lines = g_strsplit(map->str, "\n", -1);
    g_autoptr(GString) data = g_string_new(NULL);
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (lines[i][0] == '#' || lines[i][0] == '\0')
            continue;
        g_auto(GStrv) words = g_strsplit_set(lines[i], " ", 2);
        g_string_append_printf(data, "%s=%s;", words[0], g_strchug(words[1]));
    }
    ck_assert_str_eq(data->str, "A@x.org=a-1;b+c@x.org=a-1;b@x.org=b;");
    ck_assert_ptr_nonnull(strstr(map->str, "recipient_delimiter = +"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("settings");
    TCase *good = tcase_create("good");
    tcase_add_test(good, two_lines_are_a_complete_file);
    tcase_add_test(good, the_limits_of_a_mail_are_those_of_the_parser);
    tcase_add_test(good, every_notation_of_the_file_means_what_it_says);
    tcase_add_test(good, what_is_printed_loads_to_the_same);
    tcase_add_test(good, the_documents_are_made_of_what_loads);
    tcase_add_test(good, an_empty_list_of_listeners_accepts_nothing_here);
    tcase_add_test(good, the_default_listener_follows_the_run_directory);
    tcase_add_test(good, tls_is_off_by_itself_only_towards_this_machine);
    tcase_add_test(good, what_only_looks_forbidden_is_allowed);
    tcase_add_test(good, the_map_for_postfix_names_every_address);
    suite_add_tcase(suite, good);
    TCase *bad = tcase_create("bad");
    tcase_set_timeout(bad, 30);
    tcase_add_loop_test(bad, a_bad_file_is_refused_with_its_line_and_what_to_do,
                        0, G_N_ELEMENTS(refused));
    tcase_add_test(bad, a_nul_byte_is_refused_with_its_line);
    tcase_add_test(bad, only_a_regular_file_of_sane_size_is_read);
    tcase_add_test(bad, any_bytes_are_refused_in_linear_time);
    suite_add_tcase(suite, bad);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
