/* transport/imap.h: folders, what is in them, and what becomes of it. */
#include <string.h>
#include <time.h>

#include "etpan.h"

/* ---- folders ---- */

static bool
can_be_selected(const struct mailimap_mailbox_list *entry)
{
    return entry->mb_flag == NULL ||
           entry->mb_flag->mbf_type != MAILIMAP_MBX_LIST_FLAGS_SFLAG ||
           entry->mb_flag->mbf_sflag != MAILIMAP_MBX_LIST_SFLAG_NOSELECT;
}

GPtrArray *
imap_list(ImapClient *client, GError **error)
{
    clist *list = NULL;
    etpan_begin(client, ETPAN_LIST_BYTES);
    if (mailimap_list(client->imap, "", "*", &list) != MAILIMAP_NO_ERROR) {
        etpan_fail(client, FAILURE_TEMPORARY, "LIST", error);
        return NULL;
    }
    GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);
    for (clistiter *at = clist_begin(list); at != NULL; at = clist_next(at)) {
        const struct mailimap_mailbox_list *entry = clist_content(at);
        char *name = g_convert(entry->mb_name, -1, "UTF-8", "UTF-7-IMAP", NULL,
                               NULL, NULL);
        if (name != NULL && can_be_selected(entry))
            g_ptr_array_add(folders, name);
        else
            g_free(name);
    }
    mailimap_list_result_free(list);
    return folders;
}

static bool
keeps_new_keywords(const struct mailimap_selection_info *info)
{
    if (info->sel_perm_flags == NULL)
        return true; /* RFC 3501 7.1: said nothing, all may be changed */
    for (clistiter *at = clist_begin(info->sel_perm_flags); at != NULL;
         at = clist_next(at)) {
        const struct mailimap_flag_perm *flag = clist_content(at);
        if (flag->fl_type == MAILIMAP_FLAG_PERM_ALL)
            return true;
    }
    return false;
}

/* With CONDSTORE the server tells from here on how often the folder changed. */
static int
select_folder(ImapClient *client, const char *name, bool writable)
{
    client->highest_modseq = 0;
    if (client->abilities.condstore)
        return writable ? mailimap_select_condstore(client->imap, name,
                                                    &client->highest_modseq)
                        : mailimap_examine_condstore(client->imap, name,
                                                     &client->highest_modseq);
    return writable ? mailimap_select(client->imap, name)
                    : mailimap_examine(client->imap, name);
}

bool
imap_select(ImapClient *client, const char *folder, bool writable,
            ImapFolder *ret_folder, GError **error)
{
    g_autofree char *name = etpan_folder(folder);
    g_autofree char *what = g_strdup_printf("folder '%s'", folder);
    if (name == NULL) {
        failure_set(error, FAILURE_CONFIG, "%s: no name for a folder", what);
        return false;
    }
    etpan_begin(client, ETPAN_ANSWER_BYTES);
    int result = select_folder(client, name, writable);
    const struct mailimap_selection_info *info =
        client->imap->imap_selection_info;
    if (result != MAILIMAP_NO_ERROR || info == NULL)
        return etpan_fail(client, FAILURE_PERMANENT, what, error);
    *ret_folder = (ImapFolder){
        .uid_validity = info->sel_uidvalidity,
        .uid_next = info->sel_uidnext,
        .exists = info->sel_exists,
        .highest_modseq = client->highest_modseq,
        .read_only = !writable || info->sel_perm == MAILIMAP_MAILBOX_READONLY,
        .new_keywords = keeps_new_keywords(info)};
    client->uid_validity = info->sel_uidvalidity;
    if (client->uid_validity != 0)
        return true;
    failure_set(error, FAILURE_PERMANENT,
                "account '%s': folder '%s' has no UIDVALIDITY: what was read "
                "could not be told from what is new",
                client->account->name, folder);
    return false;
}

/* ---- what is there ---- */

static int
compare_uids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static struct mailimap_search_key *
search_key(uint32_t first, int64_t since_s)
{
    struct mailimap_search_key *uids =
        mailimap_search_key_new_uid(mailimap_set_new_interval(first, 0));
    if (since_s == 0)
        return uids;
    struct tm day;
    time_t since = (time_t)since_s;
    gmtime_r(&since, &day);
    struct mailimap_search_key *both = mailimap_search_key_new_multiple_empty();
    mailimap_search_key_multiple_add(both, uids);
    mailimap_search_key_multiple_add(
        both, mailimap_search_key_new_since(mailimap_date_new(
                  day.tm_mday, day.tm_mon + 1, day.tm_year + 1900)));
    return both;
}

/* `key` is freed. UIDs below `first` are left out. */
static GArray *
search(ImapClient *client, struct mailimap_search_key *key, uint32_t first,
       GError **error)
{
    clist *found = NULL;
    etpan_begin(client, ETPAN_LIST_BYTES);
    /* What is told from here on may be too late for what is found. */
    if (client->imap->imap_selection_info != NULL)
        imap_forget_news(client);
    int result = mailimap_uid_search(client->imap, NULL, key, &found);
    mailimap_search_key_free(key);
    if (result != MAILIMAP_NO_ERROR) {
        etpan_fail(client, FAILURE_TEMPORARY, "UID SEARCH", error);
        return NULL;
    }
    if (!etpan_same_folder(client, error)) {
        mailimap_search_result_free(found);
        return NULL;
    }
    GArray *uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (clistiter *at = clist_begin(found); at != NULL; at = clist_next(at)) {
        uint32_t uid = *(const uint32_t *)clist_content(at);
        if (uid >= first)
            g_array_append_val(uids, uid);
    }
    mailimap_search_result_free(found);
    g_array_sort(uids, compare_uids);
    return uids;
}

GArray *
imap_search(ImapClient *client, uint32_t first, int64_t since_s, GError **error)
{
    return search(client, search_key(first, since_s), first, error);
}

bool
imap_highest(ImapClient *client, uint32_t *ret_uid, GError **error)
{
    struct mailimap_search_key *last =
        mailimap_search_key_new_uid(mailimap_set_new_single(0));
    g_autoptr(GArray) uids = search(client, last, 1, error);
    if (uids == NULL)
        return false;
    *ret_uid = uids->len > 0 ? g_array_index(uids, uint32_t, uids->len - 1) : 0;
    return true;
}
