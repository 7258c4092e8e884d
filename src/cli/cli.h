/* What the commands share: settings, a desk, and how things are shown. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <glib.h>
#include <stdbool.h>

#include "gateway/desk.h"
#include "store/inspect.h"

/* Exit statuses beside those of sysexits(3). */
enum {
    CLI_GOOD = 0,
    CLI_NOT_FOUND = 1,  /* no such ticket, delivery, ... or not in that state */
    STATUS_WARNING = 1, /* of `postern status`, as monitoring wants them */
    STATUS_CRITICAL = 2,
    STATUS_UNKNOWN = 3
};

/* The settings file of -c, or the default. */
extern const char *cli_settings_file;

typedef struct {
    Settings *settings;
    Desk *desk;
} Cli;

/* Load the settings; no connection yet. */
bool cli_open(Cli *cli, GError **error);
/* The same, and a read-only transaction to look with; NULL on error. */
Txn *cli_open_read_only(Cli *cli, GError **error);
void cli_clear(Cli *cli);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cli, cli_clear)

/* "postern: MESSAGE" on standard error; returns the exit status for it. */
int cli_fail(const GError *error);
/* "postern: no WHAT NUMBER"; returns CLI_NOT_FOUND. */
int cli_not_found(const char *what, int64_t number);
/* "postern COMMAND: MESSAGE; see --help"; returns EX_USAGE. */
int cli_usage(const char *command, const char *message);

/* What a command takes, for its --help and its options. */
typedef struct {
    const char *synopsis;        /* "ticket show [--json] NUMBER" */
    const char *summary;         /* what it does */
    const char *description;     /* EXAMPLES and exit statuses */
    const GOptionEntry *options; /* may be NULL */
} CliHelp;

/*
 * Read options out of argv; argc and argv are left with the command word and
 * its arguments. Returns -1 to go on, else the exit status: help was asked for,
 * or an option is wrong.
 */
int cli_options(const CliHelp *help, int *argc, char ***argv);

/* One of a command's subcommands, or of all commands. */
typedef struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} CliCommand;

/* Run argv[1] of a table that ends with a NULL name; teach where it is not. */
int cli_dispatch(const char *program, const CliCommand *commands, int argc,
                 char **argv);

/* A number above 0 as an argument; false if it is none. */
bool cli_number(const char *argument, int64_t *ret_number);

/* cli_options() for a command that takes one number and nothing else. */
int cli_options_number(const CliHelp *help, int *argc, char ***argv,
                       int64_t *ret_number);

/* ---- showing ---- */

/* Columns of a table by name, NULL-terminated, as rows that line up. On a
 * terminal the last column is cut to fit. */
void cli_print_table(const InspectTable *table, const char *const *names);
/* "name: value" lines of one row, empty values left out. */
void cli_print_fields(const InspectTable *table, guint row);
/* All of it as JSON: an array of objects. */
void cli_print_json(const InspectTable *table);

/* Bytes to standard output as they are; returns the exit status. */
int cli_write_bytes(GBytes *bytes);

/*
 * Ask one question and show it. `columns` NULL: as fields; ret_rows may be
 * NULL.
 */
int cli_show(InspectQuestion question, const char *const *arguments,
             const char *const *columns, bool json, guint *ret_rows);

#endif
