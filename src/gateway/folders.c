#include "gateway/folders.h"

#include <string.h>

static int64_t
number_at(const InspectTable *table, guint row, const char *column)
{
    return g_ascii_strtoll(inspect_get(table, row, column), NULL, 10);
}

int
folders_row(const InspectTable *table, const Account *account,
            const WatchedFolder *folder)
{
    for (guint row = 0; row < table->rows->len; row++)
        if (strcmp(inspect_get(table, row, "account"), account->name) == 0 &&
            strcmp(inspect_get(table, row, "folder"), folder->folder) == 0)
            return (int)row;
    return -1;
}

const char *
folders_state(const InspectTable *table, int row, int64_t silence_s)
{
    if (row < 0)
        return "never";
    guint at = (guint)row;
    if (number_at(table, at, "next_try_s") > 0)
        return "refused";
    if (number_at(table, at, "silent_s") > silence_s)
        return "silent";
    if (*inspect_get(table, at, "failing_since") != '\0')
        return "failing";
    if (*inspect_get(table, at, "holder") == '\0')
        return "unwatched";
    return number_at(table, at, "waiting") > 0 ? "behind" : "watching";
}

static void
count(const InspectTable *table, guint row, int64_t silence_s,
      FolderFigures *figures)
{
    const char *account = inspect_get(table, row, "account");
    const char *folder = inspect_get(table, row, "folder");
    const char *why = inspect_get(table, row, "last_error");
    int64_t silent_s = number_at(table, row, "silent_s");
    int64_t parked = number_at(table, row, "parked");
    figures->waiting += number_at(table, row, "waiting");
    figures->parked += parked;
    if (parked > 0)
        g_string_append_printf(figures->left,
                               "%s, folder %s: %" G_GINT64_FORMAT "\n", account,
                               folder, parked);
    if (silent_s <= silence_s)
        return;
    figures->silent++;
    g_string_append_printf(figures->reasons,
                           "%s, folder %s, for %" G_GINT64_FORMAT " min: %s\n",
                           account, folder, silent_s / 60,
                           *why != '\0' ? why : "no daemon looks into it");
}

bool
folders_figures(Txn *txn, const Settings *settings, FolderFigures *ret_figures,
                GError **error)
{
    const Account *account;
    const WatchedFolder *folder;
    *ret_figures = (FolderFigures){.reasons = g_string_new(NULL),
                                   .left = g_string_new(NULL)};
    g_autoptr(InspectTable) table =
        inspect_ask(txn, INSPECT_FOLDERS, NULL, error);
    if (table == NULL)
        return false;
    for (int i = 0; settings_watched(settings, i, &account, &folder); i++) {
        int row = folders_row(table, account, folder);
        ret_figures->watched++;
        if (row >= 0)
            count(table, (guint)row, settings->limits.folder_silence_s,
                  ret_figures);
    }
    return true;
}

void
folders_figures_clear(FolderFigures *figures)
{
    if (figures->reasons != NULL)
        g_string_free(figures->reasons, TRUE);
    if (figures->left != NULL)
        g_string_free(figures->left, TRUE);
    *figures = (FolderFigures){0};
}
