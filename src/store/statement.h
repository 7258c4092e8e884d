/* The statements of sql/statements, by name. Private to the room. */
#ifndef STORE_STATEMENT_H
#define STORE_STATEMENT_H

#include "store/statements.h" /* generated: enum StatementName */

typedef struct {
    const char *name;
    const char *sql;
} StatementText;

extern const StatementText statement_texts[ST_COUNT];

#endif
