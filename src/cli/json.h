/* Rows as JSON, for the commands that put several tables into one object. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <jansson.h>

#include "store/inspect.h"

json_t *cli_json_row(const InspectTable *table, guint row);
json_t *cli_json_table(const InspectTable *table);
/* To standard output, indented; takes the reference. */
void cli_json_write(json_t *value);

#endif
