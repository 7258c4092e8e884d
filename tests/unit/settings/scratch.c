#include "scratch.h"

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"

char *
scratch_write(const char *bytes, size_t length, mode_t mode)
{
    g_autofree char *directory = g_dir_make_tmp("postern-test-XXXXXX", NULL);
    ck_assert_ptr_nonnull(directory);
    char *path = g_build_filename(directory, "postern.conf", NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

void
scratch_remove(char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    unlink(path);
    rmdir(directory);
    g_free(path);
}

Settings *
scratch_load(const char *text, GError **error)
{
    char *path = scratch_write(text, strlen(text), 0600);
    Settings *settings = settings_load(path, error);
    if (settings == NULL && error != NULL && *error != NULL)
        ck_assert_msg(g_str_has_prefix((*error)->message, path),
                      "no file in '%s'", (*error)->message);
    scratch_remove(path);
    return settings;
}

/* A required key of a block, left out if it is the one that is tried. */
static void
append_other(GString *text, const char *tried, const char *name,
             const char *value)
{
    if (strcmp(tried, name) != 0)
        g_string_append_printf(text, " %s = %s;", name, value);
}

/* An account with one folder; `extra` is within the one or the other. */
static void
append_account(GString *text, bool in_folder, const char *tried,
               const char *extra)
{
    const char *left_out = in_folder ? "" : tried;
    g_string_append(text, "accounts = ( {");
    append_other(text, left_out, "name", "\"office\"");
    append_other(text, left_out, "host", "\"imap.a.example\"");
    append_other(text, left_out, "user", "\"desk\"");
    /* One way to log in, no more. */
    if (!g_str_has_suffix(left_out, "_command"))
        append_other(text, left_out, "password_file", "\"/etc/secret\"");
    if (strcmp(left_out, "insecure_ok") != 0)
        append_other(text, left_out, "insecure_ok", "true");
    left_out = in_folder ? tried : "";
    g_string_append_printf(text, "%s folders = ( {", in_folder ? "" : extra);
    append_other(text, left_out, "folder", "\"INBOX\"");
    append_other(text, left_out, "queue", "\"support\"");
    if (strcmp(left_out, "move_to") == 0)
        append_other(text, left_out, "after", "\"move\"");
    if (strcmp(left_out, "after") == 0 && strstr(extra, "\"move\"") != NULL)
        append_other(text, left_out, "move_to", "\"Done\"");
    g_string_append_printf(text, "%s } ); } );\n", in_folder ? extra : "");
}

static void
append_block(GString *text, const char *block, const char *tried,
             const char *line)
{
    const char *extra = line == NULL ? "" : line;
    const char *left_out = line == NULL ? "" : tried;
    if (strcmp(block, "database") == 0) {
        g_string_append(text, "database = {");
        append_other(text, left_out, "conninfo", "\"dbname=postern\"");
        g_string_append_printf(text, "%s };\n", extra);
    } else if (strcmp(block, "queues") == 0) {
        g_string_append(text, "queues = ( {");
        append_other(text, left_out, "name", "\"support\"");
        append_other(text, left_out, "addresses", "[ \"support@a.example\" ]");
        g_string_append_printf(text, "%s } );\n", extra);
    } else if (strcmp(block, "listeners") == 0) {
        const char *place =
            strcmp(tried, "host") == 0 ? "" : " socket = \"/run/a.sock\";";
        if (strcmp(tried, "socket") == 0)
            place = "";
        g_string_append_printf(text, "listeners = ( {%s%s } );\n", place,
                               extra);
    } else if (g_str_has_prefix(block, "accounts")) {
        append_account(text, strcmp(block, "accounts") != 0, left_out, extra);
    } else if (block[0] == '\0') {
        g_string_append(text, extra);
    } else {
        g_string_append_printf(text, "%s = {%s };\n", block, extra);
    }
}

char *
scratch_text_with(const KeyBlock *block, const char *name, const char *value,
                  unsigned *ret_line)
{
    static const char *const needed[] = {"database", "queues"};
    g_autofree char *line = g_strdup_printf("\n%s = %s;\n", name, value);
    g_autoptr(GString) text = g_string_new("# one key\n");
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (strcmp(block->name, needed[i]) != 0)
            append_block(text, needed[i], name, NULL);
    append_block(text, block->name, name, line);
    const char *at = strstr(text->str, line) + 1;
    *ret_line = 1;
    for (const char *p = text->str; p < at; p++)
        *ret_line += *p == '\n';
    return g_string_free(g_steal_pointer(&text), FALSE);
}

Settings *
scratch_load_good(const char *text)
{
    g_autoptr(GError) error = NULL;
    Settings *settings = scratch_load(text, &error);
    ck_assert_msg(settings != NULL, "%s",
                  error == NULL ? "no error" : error->message);
    return settings;
}

char *
scratch_fault(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = scratch_load(text, &error);
    ck_assert_msg(settings == NULL, "this loads: %s", text);
    ck_assert_msg(failure_is(error, FAILURE_CONFIG), "%s", error->message);
    const char *name = strstr(error->message, "/postern.conf:");
    ck_assert_msg(name != NULL, "no file and line in '%s'", error->message);
    return g_strdup(name + strlen("/postern.conf:"));
}
