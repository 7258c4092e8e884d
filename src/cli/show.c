/* Tables for people and JSON for scripts, from the same rows. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "cli.h"
#include "json.h"

enum { COLUMNS_MAX = 24, WIDTH_MIN = 40, NO_TERMINAL = 0 };

/* ---- widths ---- */

/* Cells that a character takes on a terminal. */
static size_t
char_cells(gunichar c)
{
    if (g_unichar_iszerowidth(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}

static size_t
text_cells(const char *text)
{
    size_t cells = 0;
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
        cells += char_cells(g_utf8_get_char(p));
    return cells;
}

/* The prefix that fits, with an ellipsis where something was cut. */
static char *
text_fit(const char *text, size_t cells)
{
    if (text_cells(text) <= cells)
        return g_strdup(text);
    size_t used = 1; /* the ellipsis */
    const char *p = text;
    while (used + char_cells(g_utf8_get_char(p)) <= cells) {
        used += char_cells(g_utf8_get_char(p));
        p = g_utf8_next_char(p);
    }
    return g_strdup_printf("%.*s…", (int)(p - text), text);
}

/* Cells of a line; NO_TERMINAL where nobody looks. */
static size_t
terminal_cells(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return NO_TERMINAL;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return MAX(size.ws_col, WIDTH_MIN);
    return 80;
}

/* ---- tables ---- */

typedef struct {
    guint at; /* in the InspectTable */
    const char *name;
    bool is_number;
    bool is_whole; /* a number or a time: never cut */
    size_t cells;
} Column;

static guint
column_at(const InspectTable *table, const char *name)
{
    for (guint i = 0; i < table->n_columns; i++)
        if (strcmp(table->columns[i], name) == 0)
            return i;
    g_assert_not_reached(); /* a command asks for what its statement lacks */
}

static bool
is_time(const char *value)
{
    return strlen(value) == 20 && value[10] == 'T' && value[19] == 'Z';
}

/* As shown: one line, "-" for nothing, times without their letters. */
static char *
shown(const InspectTable *table, guint row, guint at)
{
    const char *value = inspect_cell(table, row, at);
    if (value == NULL || *value == '\0')
        return g_strdup("-");
    char *line = text_one_line(value);
    if (is_time(line)) {
        line[10] = ' ';
        line[16] = '\0';
    }
    return line;
}

static void
measure(const InspectTable *table, Column *columns, guint n)
{
    for (guint i = 0; i < n; i++) {
        columns[i].cells = text_cells(columns[i].name);
        for (guint row = 0; row < table->rows->len; row++) {
            const char *value = inspect_cell(table, row, columns[i].at);
            g_autofree char *text = shown(table, row, columns[i].at);
            columns[i].is_whole |= value != NULL && is_time(value);
            columns[i].cells = MAX(columns[i].cells, text_cells(text));
        }
    }
}

/* On a terminal the widest text gives way until all fits. */
static void
squeeze(Column *columns, guint n, size_t terminal)
{
    for (;;) {
        size_t all = 0;
        Column *widest = NULL;
        for (guint i = 0; i < n; i++) {
            all += columns[i].cells + (i > 0 ? 2 : 0);
            if (!columns[i].is_whole &&
                (widest == NULL || columns[i].cells >= widest->cells))
                widest = &columns[i];
        }
        if (all <= terminal || widest == NULL || widest->cells <= 8)
            return;
        size_t over = all - terminal;
        widest->cells -= MIN(over, MAX(widest->cells / 4, 1));
        widest->cells = MAX(widest->cells, 8);
    }
}

static void
print_cell(const char *text, const Column *column, bool last)
{
    g_autofree char *fit = text_fit(text, column->cells);
    int pad = (int)(column->cells - MIN(text_cells(fit), column->cells));
    if (column->is_number)
        printf("%*s%s", pad, "", fit);
    else
        printf("%s%*s", fit, last ? 0 : pad, "");
    fputs(last ? "\n" : "  ", stdout);
}

static void
print_head(const Column *columns, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_autofree char *head = g_ascii_strup(columns[i].name, -1);
        print_cell(g_strdelimit(head, "_", ' '), &columns[i], i + 1 == n);
    }
}

void
cli_print_table(const InspectTable *table, const char *const *names)
{
    Column columns[COLUMNS_MAX];
    guint n = 0;
    for (; names[n] != NULL; n++) {
        g_assert(n < COLUMNS_MAX);
        guint at = column_at(table, names[n]);
        bool is_number = table->types[at] == INSPECT_NUMBER;
        columns[n] = (Column){at, names[n], is_number, is_number, 0};
    }
    measure(table, columns, n);
    size_t terminal = terminal_cells();
    if (terminal != NO_TERMINAL)
        squeeze(columns, n, terminal);
    print_head(columns, n);
    for (guint row = 0; row < table->rows->len; row++) {
        for (guint i = 0; i < n; i++) {
            g_autofree char *text = shown(table, row, columns[i].at);
            print_cell(text, &columns[i], i + 1 == n);
        }
    }
}

void
cli_print_fields(const InspectTable *table, guint row)
{
    size_t widest = 0;
    for (guint i = 0; i < table->n_columns; i++)
        widest = MAX(widest, strlen(table->columns[i]));
    for (guint i = 0; i < table->n_columns; i++) {
        const char *value = inspect_cell(table, row, i);
        if (value == NULL || *value == '\0')
            continue;
        g_autofree char *line = text_one_line(value);
        g_autofree char *name = g_strdup(table->columns[i]);
        printf("%s:%*s %s\n", g_strdelimit(name, "_", ' '),
               (int)(widest - strlen(name)), "", line);
    }
}

/* ---- JSON ---- */

json_t *
cli_json_row(const InspectTable *table, guint row)
{
    json_t *object = json_object();
    for (guint i = 0; i < table->n_columns; i++) {
        const char *value = inspect_cell(table, row, i);
        json_t *member;
        if (value == NULL)
            member = json_null();
        else if (table->types[i] == INSPECT_NUMBER)
            member = json_integer(g_ascii_strtoll(value, NULL, 10));
        else if (table->types[i] == INSPECT_BOOLEAN)
            member = json_boolean(strcmp(value, "yes") == 0);
        else
            member = json_string(value);
        json_object_set_new(object, table->columns[i], member);
    }
    return object;
}

json_t *
cli_json_table(const InspectTable *table)
{
    json_t *array = json_array();
    for (guint row = 0; row < table->rows->len; row++)
        json_array_append_new(array, cli_json_row(table, row));
    return array;
}

void
cli_json_write(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(value);
}

void
cli_print_json(const InspectTable *table)
{
    cli_json_write(cli_json_table(table));
}
