/* transport/imap.h: what becomes of a mail in its folder. */
#include <string.h>

#include "etpan.h"

/* UIDs of a folder that was made anew are other mails' (tests/README F22). */
static bool
begin(ImapClient *client, GError **error)
{
    etpan_begin(client, ETPAN_LIST_BYTES);
    return etpan_same_folder(client, error);
}

static bool
store(ImapClient *client, const uint32_t *uids, size_t n,
      struct mailimap_flag *flag, GError **error)
{
    struct mailimap_flag_list *flags = mailimap_flag_list_new_empty();
    mailimap_flag_list_add(flags, flag);
    struct mailimap_store_att_flags *change =
        mailimap_store_att_flags_new_add_flags_silent(flags);
    struct mailimap_set *set = etpan_set(client, uids, n);
    int result = set == NULL ? MAILIMAP_ERROR_MEMORY
                             : mailimap_uid_store(client->imap, set, change);
    mailimap_store_att_flags_free(change);
    etpan_set_free(set);
    if (!etpan_good(client, result))
        return etpan_fail(client, FAILURE_TEMPORARY, "UID STORE", error);
    if (client->imap->imap_response_info != NULL)
        imap_note_modseq(client,
                         client->imap->imap_response_info->rsp_fetch_list);
    return true;
}

/* libetpan sends a flag as it is: it must be an atom (RFC 3501 9). */
static bool
is_atom(const char *word)
{
    if (*word == '\0')
        return false;
    for (; *word != '\0'; word++)
        if (!g_ascii_isgraph(*word) || strchr("(){%*\"\\]", *word) != NULL)
            return false;
    return true;
}

bool
imap_mark(ImapClient *client, const uint32_t *uids, size_t n, const char *flag,
          GError **error)
{
    bool is_seen = g_ascii_strcasecmp(flag, "\\Seen") == 0;
    if (!is_seen && !is_atom(flag)) {
        failure_set(error, FAILURE_CONFIG, "'%s' is no keyword", flag);
        return false;
    }
    if (n == 0)
        return true;
    if (!begin(client, error))
        return false;
    struct mailimap_flag *mark =
        is_seen ? mailimap_flag_new_seen()
                : mailimap_flag_new_flag_keyword(strdup(flag));
    return store(client, uids, n, mark, error);
}

bool
imap_delete(ImapClient *client, const uint32_t *uids, size_t n, GError **error)
{
    if (n == 0)
        return true;
    if (!begin(client, error) ||
        !store(client, uids, n, mailimap_flag_new_deleted(), error))
        return false;
    if (!client->abilities.uidplus)
        return true;
    if (!begin(client, error))
        return false;
    struct mailimap_set *set = etpan_set(client, uids, n);
    int result = set == NULL ? MAILIMAP_ERROR_MEMORY
                             : mailimap_uid_expunge(client->imap, set);
    etpan_set_free(set);
    return etpan_good(client, result) ||
           etpan_fail(client, FAILURE_TEMPORARY, "UID EXPUNGE", error);
}

/* ---- moving ---- */

static bool
holds(const struct mailimap_set *set, uint32_t uid)
{
    for (clistiter *at = clist_begin(set->set_list); at != NULL;
         at = clist_next(at)) {
        const struct mailimap_set_item *item = clist_content(at);
        if (uid >= MIN(item->set_first, item->set_last) &&
            uid <= MAX(item->set_first, item->set_last))
            return true;
    }
    return false;
}

/*
 * COPYUID (RFC 4315 3) as those of `uids` that are at the other place now;
 * NULL: the server has not said.
 */
static GArray *
copied(const struct mailimap_set *source, const uint32_t *uids, size_t n)
{
    if (source == NULL)
        return NULL;
    GArray *there = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (size_t i = 0; i < n; i++)
        if (holds(source, uids[i]))
            g_array_append_val(there, uids[i]);
    return there;
}

/* MOVE, or COPY where there is none. ret_there: as copied(). */
static bool
carry(ImapClient *client, const uint32_t *uids, size_t n, const char *name,
      GArray **ret_there)
{
    uint32_t validity;
    struct mailimap_set *set = etpan_set(client, uids, n);
    struct mailimap_set *source = NULL, *target = NULL;
    if (set == NULL)
        return false;
    int result = client->abilities.move
                     ? mailimap_uidplus_uid_move(client->imap, set, name,
                                                 &validity, &source, &target)
                     : mailimap_uidplus_uid_copy(client->imap, set, name,
                                                 &validity, &source, &target);
    etpan_set_free(set);
    bool good = etpan_good(client, result);
    if (good)
        *ret_there = copied(source, uids, n);
    etpan_set_free(source);
    etpan_set_free(target);
    return good;
}

bool
imap_move(ImapClient *client, const uint32_t *uids, size_t n,
          const char *folder, int64_t *ret_moved, GError **error)
{
    g_autofree char *name = etpan_folder(folder);
    g_autofree char *what = g_strdup_printf("moving to '%s'", folder);
    g_autoptr(GArray) there = NULL;
    if (name == NULL) {
        failure_set(error, FAILURE_CONFIG, "%s: no name for a folder", what);
        return false;
    }
    if (n > 0 && !begin(client, error))
        return false;
    if (n > 0 && !carry(client, uids, n, name, &there))
        return etpan_fail(client, FAILURE_PERMANENT, what, error);
    bool known = there != NULL || n == 0;
    /* A mail that was not copied is not deleted either. */
    if (there != NULL) {
        uids = (const void *)there->data; /* NULL, if it is none of them */
        n = there->len;
    }
    if (!client->abilities.move && !imap_delete(client, uids, n, error))
        return false;
    *ret_moved = known ? (int64_t)n : -1;
    return true;
}
