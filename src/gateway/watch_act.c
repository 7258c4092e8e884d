/* gateway/watch.h: what is done with a mail once it is accepted. */
#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "watch_inside.h"

enum { AGAIN_BATCH = 100 };

/* Moving a mail that is not there is answered OK, and so may be moving one that
 * stays: only what has gone was moved, by us or by others (tests/README F25).
 */
static bool
move(Watch *watch, const uint32_t *uids, size_t n, GError **error)
{
    int64_t moved;
    if (!imap_move(watch->client, uids, n, watch->with.folder->move_to, &moved,
                   error))
        return false;
    if (moved == (int64_t)n || !imap_abilities(watch->client).uidplus)
        return true;
    g_autoptr(GArray) still = imap_sizes(watch->client, uids, n, error);
    if (still == NULL)
        return false;
    if (still->len > 0)
        failure_set(error, FAILURE_PERMANENT,
                    "%u mails stay, though the server says that it moved them",
                    still->len);
    return still->len == 0;
}

static bool
act(Watch *watch, const uint32_t *uids, size_t n, GError **error)
{
    const WatchedFolder *folder = watch->with.folder;
    switch (folder->after) {
    case AFTER_KEEP:
        return true;
    case AFTER_SEEN:
        return imap_mark(watch->client, uids, n, "\\Seen", error);
    case AFTER_KEYWORD:
        return imap_mark(watch->client, uids, n, folder->keyword, error);
    case AFTER_MOVE:
        return move(watch, uids, n, error);
    case AFTER_DELETE:
        return imap_delete(watch->client, uids, n, error);
    }
    g_assert_not_reached();
}

/* Once for each reason. */
static void
say_failed(Watch *watch, const GError *failure)
{
    if (g_strcmp0(watch->action_said, failure->message) == 0)
        return;
    log_warning(event("folder.action-failed"), kv("reason", failure->message));
    g_free(watch->action_said);
    watch->action_said = g_strdup(failure->message);
}

/* The mail is safe; that it cannot be flagged or moved is said, and it is not
 * tried again with each mail that comes (tests/README F23). */
static bool
act_or_say(Watch *watch, const uint32_t *uids, size_t n, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (watch->action_failed || watch->selected.read_only || n == 0 ||
        act(watch, uids, n, &failure))
        return true;
    if (!imap_is_alive(watch->client)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return watch_drop(watch);
    }
    watch->action_failed = true;
    say_failed(watch, failure);
    return true;
}

/* A folder that is for reading only just now may be opened to us later. */
static bool
is_closed_to_us(const Watch *watch)
{
    return watch->with.folder->after != AFTER_KEEP && watch->selected.read_only;
}

bool
watch_act(Watch *watch, const GArray *uids, GError **error)
{
    bool behind = watch->action_failed || is_closed_to_us(watch);
    if (!act_or_say(watch, (const uint32_t *)(void *)uids->data, uids->len,
                    error))
        return false;
    FAILPOINT("watch.acted");
    if (!behind && !watch->action_failed)
        watch->position.acted_uid = watch->position.last_uid;
    return true;
}

/* Those of `uids` that are accepted: nothing else is ever moved or deleted. */
static GArray *
accepted_of(const Watch *watch, const uint32_t *uids, guint n, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autofree bool *accepted = g_new0(bool, MAX(n, 1));
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(keys, watch_source_key(watch, uids[i]));
    if (!folder_accepted(watch->with.desk->store, keys, accepted, error))
        return NULL;
    GArray *chosen = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (guint i = 0; i < n; i++)
        if (accepted[i])
            g_array_append_val(chosen, uids[i]);
    return chosen;
}

static bool
act_on_range(Watch *watch, const GArray *uids, GError **error)
{
    const uint32_t *all = (const uint32_t *)(void *)uids->data;
    for (guint i = 0; i < uids->len && all[i] <= watch->position.last_uid &&
                      !watch->action_failed;
         i += AGAIN_BATCH) {
        guint n = MIN(uids->len - i, (guint)AGAIN_BATCH);
        while (n > 0 && all[i + n - 1] > watch->position.last_uid)
            n--;
        g_autoptr(GArray) chosen = accepted_of(watch, all + i, n, error);
        if (chosen == NULL ||
            !act_or_say(watch, (const uint32_t *)(void *)chosen->data,
                        chosen->len, error))
            return false;
        watch_breathe(watch);
    }
    return true;
}

bool
watch_act_again(Watch *watch, GError **error)
{
    FolderPosition *at = &watch->position;
    watch->action_failed = false;
    if (watch->with.folder->after == AFTER_KEEP || watch->selected.read_only ||
        at->acted_uid >= at->last_uid)
        return true;
    g_autoptr(GArray) uids =
        imap_search(watch->client, at->acted_uid + 1, 0, error);
    if (uids == NULL || !act_on_range(watch, uids, error))
        return false;
    if (!watch->action_failed)
        at->acted_uid = at->last_uid;
    return true;
}
