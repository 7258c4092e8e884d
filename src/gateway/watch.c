/* gateway/watch.h: lease, connection, and what is there. */
#include "gateway/watch.h"

#include <string.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/log.h"
#include "watch_inside.h"

enum {
    REFUSED_FIRST_S = 300, /* after a refusal; doubled ... */
    REFUSED_MAX_S = 3600,  /* ... up to this */
    TOKEN_MARGIN_S = 120,  /* a token is renewed before it ends */
    LOOK_ANYWAY_S = 1500,  /* though IDLE says nothing */
    ELSEWHERE_S = 10,      /* between two looks whether its holder is alive */
    VAIN_S = 1,            /* after news that were none */
    HELD_BACK_S = 1,       /* between two looks whether there is room again */
    MARGIN_S = 90          /* before who says nothing is overdue: a
                              token_command may take 60 */
};

static int64_t
now_us(void)
{
    return g_get_monotonic_time();
}

Watch *
watch_new(const WatchOptions *options)
{
    Watch *watch = g_new0(Watch, 1);
    watch->with = *options;
    watch->name = g_strdup_printf("%s/%s", options->account->name,
                                  options->folder->folder);
    watch->holder = g_strdup_printf("%s/%d", g_get_host_name(), (int)getpid());
    watch->pending = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    watch->sizes = g_array_new(FALSE, FALSE, sizeof(ImapMessage));
    watch->has_hand = options->hand.first != 0;
    watch->rest_unknown = true;
    return watch;
}

void
watch_forget(Watch *watch)
{
    watch->held = false;
    g_array_set_size(watch->pending, 0);
    g_array_set_size(watch->sizes, 0);
    watch->next = 0;
    watch->news = true;
    watch->rest_unknown = true;
}

bool
watch_drop(Watch *watch)
{
    g_clear_pointer(&watch->client, imap_close);
    return false;
}

static void
disconnect(Watch *watch)
{
    g_clear_pointer(&watch->client, imap_close);
    watch_forget(watch);
}

static int64_t
database_time_s(const Watch *watch)
{
    return watch->with.desk->settings->database.timeout_s * 5;
}

/* Nobody hears of us for as long as one answer of either server may take. */
static void
note_busy(Watch *watch)
{
    const Diary *diary = watch->with.diary;
    diary->busy(diary->context, 0,
                database_time_s(watch) + watch->with.account->timeout_s * 2 +
                    MARGIN_S);
}

/* ---- the lease ---- */

static bool
hold(Watch *watch, GError **error)
{
    bool held;
    FolderPosition position;
    if (!folder_hold(watch->with.desk->store, watch->with.account->name,
                     watch->with.folder->folder, watch->with.lease,
                     watch->holder, &position, &held, error))
        return false;
    watch->renewed_us = now_us();
    if (held && !watch->held)
        watch->position = position;
    watch->position.try_in_s = held ? position.try_in_s : 0;
    if (!held && !watch->was_elsewhere)
        log_info(event("folder.elsewhere"),
                 kv("reason", "another daemon reads this folder"));
    watch->was_elsewhere = !held;
    /* A connection from before belongs to the folder as it was then. */
    if (!held || (watch->client != NULL &&
                  watch->position.uid_validity != watch->selected.uid_validity))
        disconnect(watch);
    watch->held = held;
    return true;
}

static bool
report(Watch *watch, const FolderReport *report, GError **error)
{
    bool held, left_due;
    if (!folder_report(watch->with.desk->store, watch->position.id,
                       watch->with.lease, report, &held, &left_due, error))
        return false;
    watch->renewed_us = now_us();
    watch->news |= left_due;
    if (!held)
        disconnect(watch);
    return true;
}

/* Mails that are known of and not taken yet. */
static guint
count_waiting(const Watch *watch)
{
    return watch->sizes->len + watch->pending->len - watch->next;
}

static bool
report_well(Watch *watch, GError **error)
{
    watch_note_changes(watch);
    const FolderReport well = {"", (int64_t)count_waiting(watch), 0,
                               watch->position.acted_uid,
                               watch->position.highest_modseq};
    return report(watch, &well, error);
}

static bool
lease_is_due(const Watch *watch)
{
    return now_us() - watch->renewed_us > FOLDER_RENEW_S * G_USEC_PER_SEC;
}

void
watch_breathe(Watch *watch)
{
    g_autoptr(GError) failure = NULL;
    bool held;
    FolderPosition position;
    if (!lease_is_due(watch))
        return;
    note_busy(watch);
    watch->renewed_us = now_us();
    /* Whether it is still ours, the commit will say. */
    if (!folder_hold(watch->with.desk->store, watch->with.account->name,
                     watch->with.folder->folder, watch->with.lease,
                     watch->holder, &position, &held, &failure))
        log_notice(event("folder.lease-not-kept"),
                   kv("reason", failure->message));
}

/* Who is asked to end does not wait for the rest of a large mail. */
static bool
breathe(void *context)
{
    const Watch *watch = context;
    const Diary *diary = watch->with.diary;
    watch_breathe(context);
    return !diary->stopping(diary->context);
}

/* ---- the connection ---- */

/* A token from its command, unless the one we have is good for a while. */
static bool
have_secret(Watch *watch, bool fresh, GError **error)
{
    int64_t lifetime_s = 0;
    bool is_good =
        watch->secret != NULL && !fresh &&
        (watch->secret_until_us == 0 || now_us() < watch->secret_until_us);
    if (watch->with.password != NULL || is_good)
        return true;
    g_clear_pointer(&watch->secret, settings_secret_free);
    note_busy(watch);
    if (!settings_account_secret(watch->with.account, &watch->secret,
                                 &lifetime_s, error))
        return false;
    int64_t good_s = MAX(lifetime_s - TOKEN_MARGIN_S, lifetime_s / 2);
    watch->secret_until_us =
        lifetime_s > 0 ? now_us() + good_s * G_USEC_PER_SEC : 0;
    return true;
}

static ImapClient *
log_in(Watch *watch, GError **error)
{
    const char *secret =
        watch->with.password != NULL ? watch->with.password : watch->secret;
    note_busy(watch);
    return imap_open(watch->with.account, secret, NULL, error);
}

/* A token may end, or be taken back, before its time: once more with another.
 */
static bool
open_client(Watch *watch, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!have_secret(watch, false, error))
        return false;
    watch->client = log_in(watch, &failure);
    if (watch->client == NULL && watch->with.password == NULL &&
        failure_is(failure, FAILURE_PERMANENT)) {
        g_clear_error(&failure);
        if (!have_secret(watch, true, error))
            return false;
        watch->client = log_in(watch, &failure);
    }
    if (watch->client == NULL)
        g_propagate_error(error, g_steal_pointer(&failure));
    return watch->client != NULL;
}

/* Its count of changes is lower: numbers were given to other mails. */
static bool
went_back(const Watch *watch)
{
    uint64_t now = watch->selected.highest_modseq;
    return now != 0 && now < (uint64_t)watch->position.highest_modseq;
}

/*
 * Another UIDVALIDITY; or under the same one numbers that it gave out already
 * are yet to come, or were given to others. Both are so after a restore from a
 * backup.
 */
static bool
is_as_it_was(const Watch *watch)
{
    const ImapFolder *now = &watch->selected;
    const FolderPosition *was = &watch->position;
    return was->uid_validity == now->uid_validity &&
           (now->uid_next == 0 || now->uid_next > was->last_uid) &&
           !went_back(watch);
}

void
watch_note_changes(Watch *watch)
{
    if (watch->client == NULL)
        return;
    watch->position.highest_modseq =
        MAX(watch->position.highest_modseq,
            (int64_t)MIN(imap_highest_modseq(watch->client), INT64_MAX));
}

/* By the mails that are there, not by UIDNEXT: some servers say one that is too
 * high, and no mail below it would ever be looked for; or one that is too low.
 */
static bool
begin_generation(Watch *watch, GError **error)
{
    uint32_t highest;
    bool held;
    if (!imap_highest(watch->client, &highest, error))
        return false;
    if (watch->position.uid_validity == watch->selected.uid_validity &&
        !went_back(watch) && highest >= watch->position.last_uid)
        return true;
    if (watch->position.uid_validity != 0)
        log_warning(event("folder.resync"),
                    kv("reason", "the server made a new folder of it, or went "
                                 "back to an old one; its mails are compared "
                                 "with what is known"),
                    kv_int("mails", watch->selected.exists));
    const FolderBeginning beginning = {
        watch->selected.uid_validity, highest,
        (int64_t)MIN(watch->selected.highest_modseq, INT64_MAX)};
    if (!folder_begin(watch->with.desk->store, watch->with.lease, &beginning,
                      &watch->position, &held, error))
        return false;
    if (!held)
        disconnect(watch);
    return true;
}

static bool
wants_to_write(const Watch *watch)
{
    return watch->with.folder->after != AFTER_KEEP;
}

static bool
enter(Watch *watch, GError **error)
{
    const char *name = watch->with.folder->folder;
    if (!imap_select(watch->client, name, wants_to_write(watch),
                     &watch->selected, error))
        return false;
    log_info(event("folder.opened"), kv_int("mails", watch->selected.exists),
             kv_int("uid_validity", watch->selected.uid_validity),
             kv_int("last_uid", watch->position.last_uid),
             kv("idle", imap_abilities(watch->client).idle ? "yes" : "no"));
    if (wants_to_write(watch) && watch->selected.read_only)
        log_warning(event("folder.read-only"),
                    kv("reason", "mails are taken, but not flagged or moved"));
    g_clear_pointer(&watch->action_said, g_free);
    watch->action_failed = false;
    watch->news = true;
    imap_on_progress(watch->client, breathe, watch);
    return is_as_it_was(watch) || begin_generation(watch, error);
}

/* Did the folder or the login refuse us, or is it trouble that passes? */
static bool
is_refusal(const GError *failure)
{
    return failure_is(failure, FAILURE_PERMANENT) ||
           failure_is(failure, FAILURE_CONFIG);
}

/* Note what the server did to us, and let another machine try. */
static bool
fail(Watch *watch, const GError *failure, bool at_login, GError **error)
{
    g_autoptr(GError) second = NULL;
    int64_t refused_s = 0;
    note_busy(watch);
    if (is_refusal(failure)) {
        watch->refused_pause_s =
            CLAMP(watch->refused_pause_s * 2, REFUSED_FIRST_S, REFUSED_MAX_S);
        refused_s = watch->refused_pause_s;
    }
    watch->pause_s = refused_s;
    const FolderReport trouble = {failure->message, 0, at_login ? refused_s : 0,
                                  watch->position.acted_uid,
                                  watch->position.highest_modseq};
    if (watch->held &&
        (!report(watch, &trouble, &second) ||
         !folder_release(watch->with.desk->store, watch->position.id,
                         watch->with.lease, &second)))
        log_notice(event("folder.not-reported"), kv("reason", second->message));
    disconnect(watch);
    g_propagate_error(error, g_error_copy(failure));
    return false;
}

static bool
connect_folder(Watch *watch, GError **error)
{
    g_autoptr(GError) failure = NULL;
    note_busy(watch);
    watch->has_tried = true;
    if (!open_client(watch, &failure))
        return fail(watch, failure, true, error);
    note_busy(watch);
    if (!enter(watch, &failure))
        return fail(watch, failure, false, error);
    watch->refused_pause_s = 0;
    return true;
}

/* ---- what is there ---- */

static void
add_uids(GArray *to, const GArray *uids, uint32_t until)
{
    for (guint i = 0; i < uids->len; i++)
        if (g_array_index(uids, uint32_t, i) <= until)
            g_array_append_val(to, g_array_index(uids, uint32_t, i));
}

/* First what was there at the beginning, from the day on that is wanted; then
 * what came later, whatever day it says. */
static bool
search(Watch *watch, GArray *found, GError **error)
{
    const FolderPosition *at = &watch->position;
    int64_t since_s = watch->with.folder->since_s;
    if (at->last_uid == UINT32_MAX)
        return true;
    if (since_s != 0 && at->last_uid < at->resync_until) {
        g_autoptr(GArray) old =
            imap_search(watch->client, at->last_uid + 1, since_s, error);
        if (old == NULL)
            return false;
        add_uids(found, old, at->resync_until);
    }
    uint32_t first =
        since_s != 0 ? MAX(at->last_uid, at->resync_until) : at->last_uid;
    g_autoptr(GArray) uids = imap_search(watch->client, first + 1, 0, error);
    if (uids == NULL)
        return false;
    add_uids(found, uids, UINT32_MAX);
    return true;
}

/* What was accepted and is not flagged or moved: by who had the folder before
 * us, by ourselves when a COMMIT was not answered, or because the server would
 * not; by now there may be room again. */
static bool
act_on_rest(Watch *watch, GError **error)
{
    bool again = watch->action_failed && now_us() >= watch->look_at_us;
    if (!watch->rest_unknown && !again)
        return true;
    watch->rest_unknown = false;
    return watch_act_again(watch, error);
}

static bool
find_pending(Watch *watch, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GArray) left =
        folder_left_due(watch->with.desk->store, &watch->position,
                        watch->with.desk->settings->limits.mail_bytes, error);
    if (left == NULL)
        return false;
    g_array_set_size(watch->pending, 0);
    g_array_set_size(watch->sizes, 0);
    watch->next = 0;
    /* One above the position is found by the search as well. */
    add_uids(watch->pending, left, watch->position.last_uid);
    note_busy(watch);
    if (!act_on_rest(watch, &failure) ||
        !search(watch, watch->pending, &failure))
        return fail(watch, failure, false, error);
    watch->news = watch->told = false;
    bool has_idle = imap_abilities(watch->client).idle;
    int64_t look_s = has_idle ? LOOK_ANYWAY_S : watch->with.folder->poll_s;
    watch->look_at_us = now_us() + look_s * G_USEC_PER_SEC;
    return true;
}

static bool
may_connect(const Watch *watch, Watched *ret_watched)
{
    if (!watch->held)
        ret_watched->rest_s = ELSEWHERE_S;
    else if (watch->client == NULL && watch->has_tried)
        ret_watched->rest_s = MIN(watch->position.try_in_s, FOLDER_RENEW_S);
    return ret_watched->rest_s == 0;
}

/* Whose fault was it? After trouble with the database all is asked anew. */
static bool
fail_batch(Watch *watch, const GError *failure, GError **error)
{
    if (watch->client == NULL)
        return fail(watch, failure, false, error);
    watch_forget(watch);
    g_propagate_error(error, g_error_copy(failure));
    return false;
}

static bool
take(Watch *watch, Watched *ret_watched, GError **error)
{
    g_autoptr(GError) failure = NULL;
    bool has_room = true;
    if (count_waiting(watch) > 0 && !watch_has_room(watch, &has_room, error))
        return false;
    if (!has_room) {
        ret_watched->rest_s = HELD_BACK_S;
        return true;
    }
    if (!watch_take(watch, ret_watched, &failure))
        return fail_batch(watch, failure, error);
    watch->room -= (int64_t)ret_watched->accepted;
    return true;
}

bool
watch_look(Watch *watch, Watched *ret_watched, GError **error)
{
    LOG_SCOPE(kv("folder", watch->name));
    *ret_watched = (Watched){0};
    watch->pause_s = 0;
    note_busy(watch);
    bool rests = watch->client == NULL;
    if ((!watch->held || (rests && lease_is_due(watch))) && !hold(watch, error))
        return false;
    if (watch->held && !watch_answer_for_hand(watch, error))
        return false;
    if (!may_connect(watch, ret_watched))
        return true;
    if (watch->client == NULL && !connect_folder(watch, error))
        return false;
    bool is_due = watch->news || now_us() >= watch->look_at_us;
    bool told = watch->told;
    if (watch->held && watch->next == watch->pending->len && is_due &&
        !find_pending(watch, error))
        return false;
    /* A server that says EXISTS with each answer would have us search for ever.
     */
    if (told && !watch->told && watch->pending->len == 0)
        ret_watched->rest_s = VAIN_S;
    if (watch->held && !take(watch, ret_watched, error))
        return false;
    /* At the end of a look, and while there is more each time the lease asks.
     */
    return !watch->held || (ret_watched->more && !lease_is_due(watch)) ||
           !(is_due || lease_is_due(watch)) || report_well(watch, error);
}

/* A server may take back its offer of IDLE at any time. */
static int64_t
wait_s(Watch *watch)
{
    int64_t poll_us = watch->with.folder->poll_s * G_USEC_PER_SEC;
    if (!imap_abilities(watch->client).idle)
        watch->look_at_us = MIN(watch->look_at_us, now_us() + poll_us);
    int64_t left_s = (watch->look_at_us - now_us()) / G_USEC_PER_SEC + 1;
    return CLAMP(left_s, 1, FOLDER_RENEW_S);
}

bool
watch_wait(Watch *watch, int fd, GError **error)
{
    LOG_SCOPE(kv("folder", watch->name));
    g_autoptr(GError) failure = NULL;
    bool news = false;
    if (watch->client == NULL)
        return true;
    if (!imap_wait(watch->client, fd, wait_s(watch), &news, &failure))
        return fail(watch, failure, false, error);
    watch->news |= news;
    watch->told |= news;
    return true;
}

int64_t
watch_pause_s(const Watch *watch)
{
    return watch->pause_s;
}

void
watch_free(Watch *watch)
{
    if (watch == NULL)
        return;
    g_autoptr(GError) failure = NULL;
    if (watch->held &&
        !folder_release(watch->with.desk->store, watch->position.id,
                        watch->with.lease, &failure))
        log_notice(event("folder.not-released"),
                   kv("reason", failure->message));
    imap_close(watch->client);
    settings_secret_free(watch->secret);
    g_array_unref(watch->pending);
    g_array_unref(watch->sizes);
    g_free(watch->name);
    g_free(watch->holder);
    g_free(watch->action_said);
    g_free(watch);
}
