/* gateway/watch.h: a batch of mails, from the folder to the database. */
#include <string.h>

#include "base/failpoint.h"
#include "base/failure.h"
#include "base/log.h"
#include "gateway/digest.h"
#include "gateway/metrics.h"
#include "gateway/turn.h"
#include "mail/identity.h"
#include "watch_inside.h"

enum {
    BATCH_MAILS = 20,             /* in one commit */
    BATCH_BYTES = 2 * 1024 * 1024 /* the same; a larger one comes alone */
};

/* What is taken together. */
typedef struct {
    const ImapMessage *messages;
    guint n;
    GPtrArray *raws;       /* GBytes* as they came */
    GArray *uids;          /* uint32_t, of `raws` */
    GPtrArray *deliveries; /* Delivery*, of `raws` */
} Batch;

static void
batch_clear(Batch *batch)
{
    g_clear_pointer(&batch->raws, g_ptr_array_unref);
    g_clear_pointer(&batch->uids, g_array_unref);
    g_clear_pointer(&batch->deliveries, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Batch, batch_clear)

char *
watch_source_key(const Watch *watch, uint32_t uid)
{
    const FolderPosition *at = &watch->position;
    g_autofree char *generation = at->generation > 0
                                      ? g_strdup_printf("+%u", at->generation)
                                      : g_strdup("");
    return g_strdup_printf("imap/%s/%s/%u%s/%u", watch->with.account->name,
                           watch->with.folder->folder, at->uid_validity,
                           generation, uid);
}

/* ---- which ---- */

static const ImapMessage *
message_at(const Watch *watch, guint index)
{
    return &g_array_index(watch->sizes, ImapMessage, index);
}

static uint32_t
pending_at(const Watch *watch, guint index)
{
    return g_array_index(watch->pending, uint32_t, index);
}

/* How many of the next ones are asked for together. */
static guint
count_next(const Watch *watch)
{
    if (watch->next == watch->pending->len || watch->sizes->len > 0)
        return 0;
    return pending_at(watch, watch->next) <= watch->cautious_until
               ? 1
               : MIN(watch->pending->len - watch->next, (guint)IMAP_BATCH);
}

static bool
is_too_large(const Watch *watch, guint index)
{
    return message_at(watch, index)->size >
           (uint64_t)watch->with.desk->settings->limits.mail_bytes;
}

/* How many of those whose sizes are known come together: one that is above the
 * limit is alone. */
static guint
batch_length(const Watch *watch)
{
    guint most = message_at(watch, 0)->uid <= watch->cautious_until
                     ? 1
                     : MIN((guint)BATCH_MAILS, watch->sizes->len);
    int64_t bytes = 0;
    guint n = 0;
    for (; n < most; n++) {
        bytes += message_at(watch, n)->size;
        if (n > 0 && (bytes > BATCH_BYTES || is_too_large(watch, n)))
            break;
    }
    return n;
}

/* ---- fetching ---- */

/* The size that the server said. */
static uint32_t
promised(const Batch *batch, uint32_t uid)
{
    guint i = 0;
    while (i + 1 < batch->n && batch->messages[i].uid != uid)
        i++;
    return batch->messages[i].size;
}

static bool
take_mail(void *context, uint32_t uid, GBytes *raw)
{
    Batch *batch = context;
    for (guint i = 0; i < batch->uids->len; i++)
        if (g_array_index(batch->uids, uint32_t, i) == uid)
            return true; /* nobody asked for it twice */
    /* Sizes may be wrong, but not so wrong: it counts as not handed out. */
    if (g_bytes_get_size(raw) == 0 && promised(batch, uid) > 0)
        return true;
    g_ptr_array_add(batch->raws, g_bytes_ref(raw));
    g_array_append_val(batch->uids, uid);
    return true;
}

static bool
is_alone(const Watch *watch, const Batch *batch)
{
    return batch->n == 1 && batch->messages[0].uid <= watch->cautious_until;
}

/* NULL: it is over. */
static void
note_fetching(const Watch *watch, const Batch *batch)
{
    const Diary *diary = watch->with.diary;
    const FolderPosition *at = &watch->position;
    Fetching fetching = {0};
    if (batch != NULL)
        fetching = (Fetching){.folder = at->id,
                              .uid_validity = at->uid_validity,
                              .generation = at->generation,
                              .first = batch->messages[0].uid,
                              .last = batch->messages[batch->n - 1].uid,
                              .alone = is_alone(watch, batch)};
    diary->fetching(diary->context, &fetching);
}

static Delivery *
delivery_of(const Watch *watch, const Batch *batch, guint index)
{
    const Queue *queue =
        settings_queue(watch->with.desk->settings, watch->with.folder->queue);
    Delivery *delivery = g_new0(Delivery, 1);
    gsize length;
    delivery->raw = g_bytes_ref(batch->raws->pdata[index]);
    delivery->raw_digest = digest_raw(delivery->raw);
    const char *bytes = g_bytes_get_data(delivery->raw, &length);
    FAILPOINT_FETCHED(bytes, length);
    delivery->key =
        watch_source_key(watch, g_array_index(batch->uids, uint32_t, index));
    delivery->transport = g_strdup("imap");
    delivery->envelope_sender = identity_return_path(bytes, length);
    delivery->envelope_recipient = g_strdup(queue->addresses[0]);
    delivery->queue = g_strdup(queue->name);
    delivery->mta_queue_id = g_strdup("");
    return delivery;
}

static GPtrArray *
deliveries_of(const Watch *watch, const Batch *batch)
{
    const char *account = watch->with.account->name;
    int64_t now_us = g_get_real_time();
    GPtrArray *deliveries =
        g_ptr_array_new_with_free_func((GDestroyNotify)delivery_free);
    for (guint i = 0; i < batch->raws->len; i++) {
        Delivery *delivery = delivery_of(watch, batch, i);
        turn_take(delivery, account, now_us);
        g_ptr_array_add(deliveries, delivery);
    }
    return deliveries;
}

static bool
fetch(Watch *watch, Batch *batch, GError **error)
{
    const Settings *settings = watch->with.desk->settings;
    batch->raws = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    batch->uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    note_fetching(watch, batch);
    FAILPOINT("watch.fetching");
    bool good = imap_fetch(
        watch->client, batch->messages, batch->n, settings->spool_directory,
        (size_t)settings->limits.memory_bytes, take_mail, batch, error);
    /* We look at what stands in them only once they are all here. */
    if (good)
        batch->deliveries = deliveries_of(watch, batch);
    note_fetching(watch, NULL);
    return good;
}

/* ---- storing ---- */

/* Mails that were there when this generation of the folder was first seen may
 * be known: from another generation, or under another name of the account. */
static bool *
compared_of(const Watch *watch, const Batch *batch)
{
    bool *compared = g_new0(bool, MAX(batch->raws->len, 1));
    for (guint i = 0; i < batch->raws->len; i++)
        compared[i] = g_array_index(batch->uids, uint32_t, i) <=
                      watch->position.resync_until;
    return compared;
}

static void
log_left(const GArray *left)
{
    for (guint i = 0; i < left->len; i++) {
        const LeftMail *mail = &g_array_index(left, LeftMail, i);
        log_warning(event("mail.left"), kv_int("uid", mail->uid),
                    kv_int("octets", mail->octets),
                    kv_int("strikes", mail->strikes),
                    kv("parked", mail->parked ? "yes" : "no"),
                    kv("reason", mail->reason));
        metric_add(METRIC_LEFT, mail->parked ? LEFT_PARKED : LEFT_STRUCK, 1);
    }
}

static void
log_accepted(const GPtrArray *deliveries, const Added *added,
             Watched *ret_watched)
{
    for (guint i = 0; i < deliveries->len; i++) {
        const Delivery *delivery = deliveries->pdata[i];
        if (delivery->id == 0) {
            log_info(event("mail.known"), kv("delivery", delivery->key));
            continue;
        }
        log_info(event("mail.accepted"), kv("delivery", delivery->key),
                 kv_int("id", delivery->id),
                 kv("how", added[i] == ADDED_NEW ? "new" : "duplicate"),
                 kv("sender", delivery->envelope_sender),
                 kv("recipient", delivery->envelope_recipient),
                 kv_int("octets", (int64_t)g_bytes_get_size(delivery->raw)));
        metric_add(METRIC_ACCEPTED, (int)added[i], 1);
        ret_watched->accepted += added[i] == ADDED_NEW;
    }
}

/* Where the position is once everything up to the last of these is dealt with.
 * UIDs that were left before lie below it. */
static uint32_t
position_after(const Watch *watch, uint32_t last)
{
    uint32_t after = MAX(watch->position.last_uid, last);
    bool is_end = watch->sizes->len == 0 && watch->next == watch->pending->len;
    return is_end ? MAX(after, watch->position.resync_until) : after;
}

/* Commit, and say what came of it. Another may hold the folder by now: then
 * nothing was committed. */
static bool
commit(Watch *watch, FolderBatch *batch, Watched *ret_watched, GError **error)
{
    g_autofree Added *added = g_new0(Added, MAX(batch->deliveries->len, 1));
    int64_t began_us = g_get_monotonic_time();
    bool held;
    FAILPOINT("watch.fetched");
    watch_note_changes(watch);
    if (!folder_accept(watch->with.desk->store, watch->with.lease, batch,
                       &watch->position, added, &held, error))
        return false;
    FAILPOINT("watch.committed");
    if (!held) {
        watch_forget(watch);
        return true;
    }
    watch->renewed_us = g_get_monotonic_time();
    metric_observe_since(METRIC_ACCEPT_TIME, began_us);
    log_accepted(batch->deliveries, added, ret_watched);
    log_left(batch->left);
    return true;
}

/* ---- what could not be taken ---- */

static bool
leave(Watch *watch, const ImapMessage *message, bool struck, const char *reason,
      Watched *ret_watched, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GArray) left = g_array_new(FALSE, TRUE, sizeof(LeftMail));
    g_autoptr(GArray) cleared = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    const LeftMail mail = {.uid = message->uid,
                           .octets = message->size,
                           .struck = struck,
                           .reason = reason};
    g_array_append_val(left, mail);
    FolderBatch batch = {
        none, NULL, MAX(watch->position.last_uid, message->uid), left, cleared};
    return commit(watch, &batch, ret_watched, error);
}

static bool
is_there(Watch *watch, uint32_t uid, bool *ret_there, GError **error)
{
    g_autoptr(GArray) sizes = imap_sizes(watch->client, &uid, 1, error);
    *ret_there = sizes != NULL && sizes->len > 0;
    return sizes != NULL || watch_drop(watch);
}

/* The server said that all is said, and did not send it: is it gone? */
static bool
note_missing(Watch *watch, const Batch *batch, GArray *left, GError **error)
{
    for (guint i = 0; i < batch->n; i++) {
        const ImapMessage *message = &batch->messages[i];
        bool came = false, there;
        for (guint k = 0; k < batch->uids->len && !came; k++)
            came = g_array_index(batch->uids, uint32_t, k) == message->uid;
        if (came)
            continue;
        if (!is_there(watch, message->uid, &there, error))
            return false;
        if (!there) {
            log_info(event("mail.vanished"), kv_int("uid", message->uid));
            continue;
        }
        const LeftMail mail = {.uid = message->uid,
                               .octets = message->size,
                               .struck = true,
                               .reason = "the server does not hand it out"};
        g_array_append_val(left, mail);
    }
    return true;
}

/* ---- their sizes ---- */

/* It was about mails up to this one: met one by one, each answers for itself.
 */
static void
be_cautious(Watch *watch, uint32_t last)
{
    watch->cautious_until = MAX(watch->cautious_until, last);
}

/* As with fetching: a mail that is alone has a strike. */
static bool
sizes_failed(Watch *watch, guint n, const GError *failure, Watched *ret_watched,
             GError **error)
{
    g_autoptr(GError) second = NULL;
    uint32_t last = pending_at(watch, watch->next + n - 1);
    const ImapMessage message = {last, 0};
    bool was_alone = last <= watch->cautious_until;
    be_cautious(watch, last);
    if (was_alone &&
        !leave(watch, &message, true, failure->message, ret_watched, &second))
        log_notice(event("folder.not-reported"), kv("reason", second->message));
    g_propagate_error(error, g_error_copy(failure));
    return watch_drop(watch);
}

static bool
has_uid(const GArray *uids, uint32_t uid)
{
    for (guint i = 0; i < uids->len; i++)
        if (g_array_index(uids, uint32_t, i) == uid)
            return true;
    return false;
}

/* Those of the next `n` that have no size. */
static GArray *
without_size(const Watch *watch, guint n)
{
    GArray *uids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (guint i = watch->next, k = 0; i < watch->next + n; i++) {
        uint32_t uid = pending_at(watch, i);
        while (k < watch->sizes->len && message_at(watch, k)->uid < uid)
            k++;
        if (k == watch->sizes->len || message_at(watch, k)->uid != uid)
            g_array_append_val(uids, uid);
    }
    return uids;
}

/* Who has gone meanwhile has no size. Who has none and is found all the same is
 * left, for the position will move past it. */
static bool
leave_unsized(Watch *watch, guint n, Watched *ret_watched, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GArray) left = g_array_new(FALSE, TRUE, sizeof(LeftMail));
    g_autoptr(GArray) cleared = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GArray) uids = without_size(watch, n);
    if (uids->len == 0)
        return true;
    g_autoptr(GArray) there =
        imap_search(watch->client, g_array_index(uids, uint32_t, 0), 0, error);
    if (there == NULL)
        return watch_drop(watch);
    watch->news = true; /* of those the server told before, it has forgotten */
    for (guint i = 0; i < uids->len; i++) {
        const LeftMail mail = {.uid = g_array_index(uids, uint32_t, i),
                               .struck = true,
                               .reason = "the server does not say its size"};
        if (has_uid(there, mail.uid))
            g_array_append_val(left, mail);
    }
    FolderBatch batch = {none, NULL, watch->position.last_uid, left, cleared};
    return left->len == 0 || commit(watch, &batch, ret_watched, error);
}

static bool
ask_sizes(Watch *watch, guint n, Watched *ret_watched, GError **error)
{
    g_autoptr(GError) failure = NULL;
    GArray *sizes = imap_sizes(
        watch->client, &g_array_index(watch->pending, uint32_t, watch->next), n,
        &failure);
    if (sizes == NULL)
        return sizes_failed(watch, n, failure, ret_watched, error);
    g_array_unref(watch->sizes);
    watch->sizes = sizes;
    return leave_unsized(watch, n, ret_watched, error);
}

/* ---- the batch ---- */

static uint32_t
last_of(const Batch *batch)
{
    return batch->messages[batch->n - 1].uid;
}

/* A mail that is alone and on which the connection breaks has a strike. Is it
 * the connection? The next attempts will tell. */
static bool
fetch_failed(Watch *watch, const Batch *batch, const GError *failure,
             Watched *ret_watched, GError **error)
{
    g_autoptr(GError) second = NULL;
    const Diary *diary = watch->with.diary;
    if (diary->stopping(diary->context)) {
        g_propagate_error(error, g_error_copy(failure));
        return watch_drop(watch);
    }
    bool was_alone = is_alone(watch, batch);
    be_cautious(watch, last_of(batch));
    /* That there is no room on our side is not its doing. */
    if (was_alone && !failure_is(failure, FAILURE_CONFIG) &&
        !leave(watch, &batch->messages[0], true, failure->message, ret_watched,
               &second))
        log_notice(event("folder.not-reported"), kv("reason", second->message));
    g_propagate_error(error, g_error_copy(failure));
    return watch_drop(watch);
}

/* The database refuses a mail for ever: it stays in its folder. */
static bool
store_failed(Watch *watch, const Batch *batch, const GError *failure,
             Watched *ret_watched, GError **error)
{
    if (!failure_is(failure, FAILURE_PERMANENT)) {
        g_propagate_error(error, g_error_copy(failure));
        return false;
    }
    /* A strike: what is parked at once comes back with a higher limit. */
    if (batch->n == 1)
        return leave(watch, &batch->messages[0], true, failure->message,
                     ret_watched, error);
    be_cautious(watch, last_of(batch));
    g_propagate_error(error, g_error_copy(failure));
    return false;
}

/* A mail that was left before lies below those that are flagged or moved
 * already. Should we die now, it is found all the same. */
static void
note_unacted(Watch *watch, const Batch *batch)
{
    FolderPosition *at = &watch->position;
    at->acted_uid = MIN(at->acted_uid, batch->messages[0].uid - 1);
}

static bool
store(Watch *watch, Batch *batch, Watched *ret_watched, GError **error)
{
    g_autoptr(GArray) left = g_array_new(FALSE, TRUE, sizeof(LeftMail));
    g_autoptr(GError) failure = NULL;
    if (!note_missing(watch, batch, left, error))
        return false;
    g_autofree bool *compared = compared_of(watch, batch);
    FolderBatch row = {batch->deliveries, compared,
                       position_after(watch, last_of(batch)), left,
                       batch->uids};
    note_unacted(watch, batch);
    if (!commit(watch, &row, ret_watched, &failure))
        return store_failed(watch, batch, failure, ret_watched, error);
    return !watch->held || watch_act(watch, batch->uids, error);
}

static bool
take_batch(Watch *watch, Watched *ret_watched, GError **error)
{
    g_autoptr(GError) failure = NULL;
    bool too_large = is_too_large(watch, 0);
    guint n = too_large ? 1 : batch_length(watch);
    g_autofree ImapMessage *messages =
        g_memdup2(message_at(watch, 0), sizeof(ImapMessage) * n);
    g_auto(Batch) batch = {.messages = messages, .n = n};
    g_array_remove_range(watch->sizes, 0, n);
    if (too_large)
        return leave(watch, &messages[0], false, "larger than limits.mail_size",
                     ret_watched, error);
    return fetch(watch, &batch, &failure)
               ? store(watch, &batch, ret_watched, error)
               : fetch_failed(watch, &batch, failure, ret_watched, error);
}

bool
watch_answer_for_hand(Watch *watch, GError **error)
{
    const Fetching *hand = &watch->with.hand;
    const FolderPosition *at = &watch->position;
    Watched watched = {0};
    if (!watch->has_hand)
        return true;
    const ImapMessage message = {hand->first, 0};
    bool is_this = hand->folder == at->id &&
                   hand->uid_validity == at->uid_validity &&
                   hand->generation == at->generation;
    if (is_this && hand->alone &&
        !leave(watch, &message, true, "a worker died on it", &watched, error))
        return false;
    if (is_this)
        watch->cautious_until = hand->last;
    watch->has_hand = false;
    return true;
}

/* None of the last few that were asked for is there any more, or what was there
 * at the beginning is from before the day that counts: the position may stand
 * before where it belongs. It moves past nobody who is still to be asked for.
 */
static bool
close_gap(Watch *watch, guint asked, Watched *ret_watched, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GArray) left = g_array_new(FALSE, TRUE, sizeof(LeftMail));
    g_autoptr(GArray) gone = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    for (guint i = watch->next - asked; i < watch->next; i++)
        g_array_append_val(gone, g_array_index(watch->pending, uint32_t, i));
    uint32_t last = asked > 0 ? pending_at(watch, watch->next - 1) : 0;
    FolderBatch row = {none, NULL, position_after(watch, last), left, gone};
    if (last == 0 && row.last_uid == watch->position.last_uid)
        return true;
    return commit(watch, &row, ret_watched, error);
}

bool
watch_take(Watch *watch, Watched *ret_watched, GError **error)
{
    guint asked = count_next(watch);
    if (asked > 0 && !ask_sizes(watch, asked, ret_watched, error))
        return false;
    if (!watch->held)
        return true;
    watch->next += asked;
    bool good = watch->sizes->len > 0
                    ? take_batch(watch, ret_watched, error)
                    : close_gap(watch, asked, ret_watched, error);
    ret_watched->more =
        watch->sizes->len > 0 || watch->next < watch->pending->len;
    if (!ret_watched->more) {
        g_array_set_size(watch->pending, 0);
        watch->next = 0;
    }
    return good;
}
