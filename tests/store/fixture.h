/*
 * What every test of the store stands on: an empty migrated database, a Store
 * on it, and an eye that looks at the tables by plain libpq, without any code
 * of ours. store.sh starts the server and says where in the environment:
 *
 *     STORE_TEST_CONNINFO   a database of ours, to be emptied at will
 *     STORE_TEST_ADMIN      the same server as its superuser
 *     STORE_TEST_PREPARED   0: as behind a transaction pooler
 *     STORE_TEST_POOL       the database through such a pooler: the tests that
 *                           must know the server's process are left out
 *     STORE_TEST_PROXY      conninfo through the proxy, and the file it obeys
 *     STORE_TEST_CONTROL
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <check.h>
#include <libpq-fe.h>
#include <sys/types.h>

#include "base/failure.h"
#include "mail/outgoing.h"
#include "policy/notice.h"
#include "sample.h"
#include "store/context.h"
#include "store/delivery.h"
#include "store/store.h"

typedef struct {
    DatabaseSettings settings; /* of `store` */
    Store *store;
    Sample *sample;
} Fixture;

extern Fixture fix;

/* Before and after each test. */
void fixture_set_up(void);
void fixture_tear_down(void);

/* Take back every ALTER SYSTEM and ALTER DATABASE, for a test may have failed
 * with one. */
void fixture_reset_server(void);

/* Another connection like fix.store. */
Store *fixture_another(void);

/* A test case with the two above, named as its file. */
TCase *fixture_case(Suite *suite, const char *name);

/* ---- the eye ---- */

/* What the server says, "a|b" a row, one a line, NULL as "NULL"; an error ends
 * the test. g_free() it. */
char *ask(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same as the superuser, in the database postgres. */
char *ask_admin(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Do it and forget the answer. */
void tell(const char *format, ...) G_GNUC_PRINTF(1, 2);
void tell_admin(const char *format, ...) G_GNUC_PRINTF(1, 2);

#define assert_sql(expected, ...)                                              \
    do {                                                                       \
        char *got_ = ask(__VA_ARGS__);                                         \
        ck_assert_str_eq(got_, expected);                                      \
        g_free(got_);                                                          \
    } while (0)

/* ---- short words for what must not fail ---- */

#define must(condition, error)                                                 \
    ck_assert_msg((condition), "%s: %s", #condition,                           \
                  (error) != NULL ? (error)->message : "no error")

Txn *begin(Store *store);
void commit(Txn *txn); /* and free */

/* ---- makers ---- */

/* The SHA-256 of bytes. */
GBytes *digest_of(GBytes *bytes);
/* What the same mail by another way is known by; NULL without Message-ID. */
GBytes *content_digest_of(GBytes *raw);

/* A hand-over of `raw`, by LMTP, with a source key of recipient and bytes. */
Delivery *hand_over(GBytes *raw, const char *recipient);

/* Accept one; its id. */
int64_t accept_one(Delivery *delivery);
/* Accept a mail written with LF, from its From, for `recipient`; its id. */
int64_t accept_text(const char *text, const char *recipient);

GBytes *bytes_of(const char *text);
/* Bytes that no encoding likes, the same every time. */
GBytes *noise(size_t length);
/* Delivery*, freed with it. */
GPtrArray *deliveries_new(void);
/* Accept for several at once; "new duplicate completed" of each. */
char *accept_all(GPtrArray *deliveries, size_t trace_octets);

/* Take the waiting delivery `id`, decide and record as the gateway does, less
 * the outgoing mail, and commit. */
Receipt *process(int64_t id);
/* The store's questions and records, for one mail. */
Context *context_load(Txn *txn, Lookup *lookup, GError **error);
Receipt *record_one(Txn *txn, const Delivery *delivery, const Mail *mail,
                    const Decision *decision, const Lookup *lookup,
                    GError **error);

/* Accept and process a mail; ret_ticket may be NULL. Returns the message. */
int64_t receive(const char *text, const char *recipient, int64_t *ret_ticket);

/* A mail that leaves, of `kind`, for recipients parted by spaces. */
Outgoing *outgoing_new(OutgoingKind kind, int64_t ticket, const char *id,
                       const char *recipients);

/* Queue it; its number. Takes it. */
int64_t queue_outgoing(Outgoing *outgoing);

#define OLENA_MAIL(id)                                                         \
    "From: Olena <olena@customer.example>\nTo: support@desk.example\n"         \
    "Subject: Printer\nMessage-ID: <" id ">\n\nIt burns.\n"

/* ---- connections ---- */

/* The server's process behind a store's connection. */
pid_t backend_of(Store *store);

/* Flights and transactions work. */
void assert_usable(Store *store);

/* Ticket 1; something in it that is there after a commit; how many are. */
void make_ticket(void);
bool leave_mark(Txn *txn, GError **error);
void assert_marks(const char *count);

/* ---- the suites, a file each ---- */

void add_preparation(Suite *suite); /* first of all: the schema */
void add_connection_tests(Suite *suite);
void add_cost_tests(Suite *suite);
void add_context_tests(Suite *suite);
void add_delivery_tests(Suite *suite);
void add_doubt_tests(Suite *suite);
void add_folder_tests(Suite *suite);
void add_inspect_tests(Suite *suite);
void add_outbox_tests(Suite *suite);
void add_part_tests(Suite *suite);
void add_record_tests(Suite *suite);
void add_schema_tests(Suite *suite);
void add_server_tests(Suite *suite);
void add_settle_tests(Suite *suite);

#endif
