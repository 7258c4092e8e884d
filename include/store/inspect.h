/* Read-only questions of the command line: tables of text, as they are. */
#ifndef STORE_INSPECT_H
#define STORE_INSPECT_H

#include <stdio.h>

#include "store/store.h"

typedef enum {
    INSPECT_STATUS,       /* one row of figures */
    INSPECT_TICKETS,      /* $1 queue or "", $2 status or "", $3 limit */
    INSPECT_TICKET,       /* $1 ticket */
    INSPECT_MESSAGES,     /* $1 ticket */
    INSPECT_ATTACHMENTS,  /* $1 ticket, $2 message or "" */
    INSPECT_PARTIES,      /* $1 ticket */
    INSPECT_EVENTS,       /* $1 ticket */
    INSPECT_TICKET_MAILS, /* $1 ticket: outgoing of it */
    INSPECT_DELIVERIES,   /* $1 state or "", $2 limit */
    INSPECT_DELIVERY,     /* $1 delivery */
    INSPECT_OUTBOX,       /* $1 state or "", $2 limit */
    INSPECT_OUTGOING,     /* $1 outgoing */
    INSPECT_RECIPIENTS,   /* $1 outgoing */
    INSPECT_FOLDERS,      /* IMAP folders that are or were watched */
    INSPECT_LEFT          /* $1 account or "" */
} InspectQuestion;

typedef enum {
    INSPECT_TEXT,
    INSPECT_NUMBER,
    INSPECT_BOOLEAN /* "yes" or "no" */
} InspectType;

typedef struct {
    guint n_columns;
    char **columns; /* names, as in the statement */
    InspectType *types;
    GPtrArray *rows; /* opaque: inspect_cell(), inspect_get() */
} InspectTable;

/* `arguments`: texts, NULL-terminated. */
InspectTable *inspect_ask(Txn *txn, InspectQuestion question,
                          const char *const *arguments, GError **error);

/* A table of our own making, to be shown like any other. `names` ends with NULL
 * and is copied, as are the cells of each row; they may be NULL. */
InspectTable *inspect_table_new(const char *const *names,
                                const InspectType *types);
void inspect_table_add(InspectTable *table, const char *const *cells);

/* The value of a cell; NULL for SQL's NULL. Borrowed. */
const char *inspect_cell(const InspectTable *table, guint row, guint column);

/* The value of a named column in a row; "" for NULL. Borrowed. */
const char *inspect_get(const InspectTable *table, guint row,
                        const char *column);

/* A stored mail, byte for byte; ret NULL: no such one. */
bool inspect_outgoing_content(Txn *txn, int64_t id, GBytes **ret_content,
                              GError **error);

/*
 * Write the original of a message of a ticket to `file`, a piece at a time: it
 * may be larger than our memory. ret_found false: no such one, or we wrote it
 * ourselves. FAILURE_TEMPORARY also if `file` takes no more.
 */
bool inspect_message_raw(Txn *txn, int64_t ticket_id, int64_t message_id_no,
                         FILE *file, bool *ret_found, GError **error);

void inspect_table_free(InspectTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(InspectTable, inspect_table_free)

#endif
