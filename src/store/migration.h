/* The files of sql/migrations, in order. Private to the room. */
#ifndef STORE_MIGRATION_H
#define STORE_MIGRATION_H

typedef struct {
    int version;
    const char *name; /* NULL ends the table */
    const char *sql;
} Migration;

extern const Migration migrations[];

#endif
