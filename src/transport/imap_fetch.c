/* transport/imap.h: mail from the server, a batch at a time. */
#include <errno.h>
#include <string.h>

#include "etpan.h"
#include "spool.h"
#include "wait.h"

enum {
    ITEM_BYTES = 4096,   /* of an answer, besides the mail */
    SLOW_BYTES_S = 4096, /* who is slower than this is not waited for */
    SIZE_TOLERANCE = 2   /* Exchange tells what it stores, not what it sends */
};

/* The UID of an answer; 0 if it does not say. */
static uint32_t
uid_of(const struct mailimap_msg_att *answer)
{
    for (clistiter *at = clist_begin(answer->att_list); at != NULL;
         at = clist_next(at)) {
        const struct mailimap_msg_att_item *item = clist_content(at);
        if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC &&
            item->att_data.att_static->att_type == MAILIMAP_MSG_ATT_UID)
            return item->att_data.att_static->att_data.att_uid;
    }
    return 0;
}

/* Its place; n if nobody asked for it. */
static size_t
place_of(const ImapMessage *messages, size_t n, uint32_t uid)
{
    size_t i = 0;
    while (i < n && messages[i].uid != uid)
        i++;
    return i;
}

/* False: it did not succeed, and there are no answers. */
static bool
fetch(ImapClient *client, const uint32_t *uids, size_t n,
      struct mailimap_fetch_att *wanted, struct mailimap_fetch_att *more,
      clist **ret_answers)
{
    struct mailimap_fetch_type *type =
        mailimap_fetch_type_new_fetch_att_list_empty();
    mailimap_fetch_type_new_fetch_att_list_add(type,
                                               mailimap_fetch_att_new_uid());
    mailimap_fetch_type_new_fetch_att_list_add(type, wanted);
    if (more != NULL)
        mailimap_fetch_type_new_fetch_att_list_add(type, more);
    struct mailimap_set *set = etpan_set(client, uids, n);
    int result = set == NULL
                     ? MAILIMAP_ERROR_MEMORY
                     : mailimap_uid_fetch(client->imap, set, type, ret_answers);
    etpan_set_free(set);
    mailimap_fetch_type_free(type);
    return etpan_good(client, result);
}

/* ---- sizes ---- */

static bool
read_size(const struct mailimap_msg_att *answer, ImapMessage *message)
{
    bool known = false;
    message->uid = uid_of(answer);
    for (clistiter *at = clist_begin(answer->att_list); at != NULL;
         at = clist_next(at)) {
        const struct mailimap_msg_att_item *item = clist_content(at);
        if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC &&
            item->att_data.att_static->att_type ==
                MAILIMAP_MSG_ATT_RFC822_SIZE) {
            message->size = item->att_data.att_static->att_data.att_rfc822_size;
            known = true;
        }
    }
    return known && message->uid != 0;
}

static int
compare_messages(const void *a, const void *b)
{
    const ImapMessage *x = a, *y = b;
    return (x->uid > y->uid) - (x->uid < y->uid);
}

static bool
was_asked(const uint32_t *uids, size_t n, uint32_t uid)
{
    for (size_t i = 0; i < n; i++)
        if (uids[i] == uid)
            return true;
    return false;
}

GArray *
imap_sizes(ImapClient *client, const uint32_t *uids, size_t n, GError **error)
{
    clist *answers = NULL;
    n = MIN(n, IMAP_BATCH);
    GArray *messages = g_array_new(FALSE, FALSE, sizeof(ImapMessage));
    if (n == 0)
        return messages;
    etpan_begin(client, ETPAN_LIST_BYTES);
    bool good = fetch(
        client, uids, n, mailimap_fetch_att_new_rfc822_size(),
        client->highest_modseq > 0 ? mailimap_fetch_att_new_modseq() : NULL,
        &answers);
    if (!good) {
        etpan_fail(client, FAILURE_TEMPORARY, "UID FETCH", error);
        g_array_unref(messages);
        return NULL;
    }
    imap_note_modseq(client, answers);
    for (clistiter *at = clist_begin(answers); at != NULL;
         at = clist_next(at)) {
        ImapMessage message;
        if (read_size(clist_content(at), &message) &&
            was_asked(uids, n, message.uid))
            g_array_append_val(messages, message);
    }
    mailimap_fetch_list_free(answers);
    g_array_sort(messages, compare_messages);
    if (!etpan_same_folder(client, error))
        g_clear_pointer(&messages, g_array_unref);
    return messages;
}

/* ---- mails ---- */

void
imap_on_progress(ImapClient *client, bool (*progress)(void *context),
                 void *context)
{
    client->progress = progress;
    client->progress_context = context;
}

typedef struct {
    ImapClient *client;
    int64_t end_ms;      /* CLOCK_MONOTONIC: by then all must have come */
    Spool spool;         /* the body that is coming */
    const void *section; /* which it is; NULL: none has come */
    bool odd;            /* it is not what was asked for */
    bool nonsense;       /* the server cannot be believed */
    int no_room;         /* errno, where there is no room for it; else 0 */
    const ImapMessage *messages;
    bool *has_come; /* of each */
    size_t n;
    ImapMail mail;
    void *context;
    bool stopped;
} Fetching;

/* BODY[], not a part of it, and not from its middle on. */
static bool
is_whole(const struct mailimap_msg_att_body_section *section)
{
    return (section->sec_section == NULL ||
            section->sec_section->sec_spec == NULL) &&
           section->sec_origin_octet == 0;
}

/* As long for the next bytes as for any answer, but not beyond the end. */
static void
wait_for_more(const Fetching *fetching)
{
    const ImapClient *client = fetching->client;
    int64_t left_ms = MAX(fetching->end_ms - monotonic_ms(), 0);
    stream_set_deadline(client->stream, MIN(client->account->timeout_s,
                                            (left_ms + 999) / 1000));
}

/* What the spool has just failed with, which is never 0. */
static int
spool_errno(void)
{
    return errno != 0 ? errno : EIO;
}

static bool
on_body(int type, struct mailimap_msg_att_body_section *section,
        const char *bytes, size_t length, void *context)
{
    Fetching *fetching = context;
    const ImapClient *client = fetching->client;
    if (client->progress != NULL && !client->progress(client->progress_context))
        stream_give_up(client->stream, "we were asked to end");
    wait_for_more(fetching);
    if (type != MAILIMAP_MSG_ATT_BODY_SECTION)
        return true;
    if (section != fetching->section)
        fetching->odd = fetching->section != NULL || !is_whole(section);
    fetching->section = section;
    if (fetching->no_room == 0 && !fetching->stopped && !fetching->odd &&
        !spool_add(&fetching->spool, bytes, length))
        fetching->no_room = spool_errno();
    return true;
}

static void
take_mail(Fetching *fetching, size_t place)
{
    uint32_t uid = fetching->messages[place].uid;
    if (fetching->odd || fetching->has_come[place]) {
        fetching->nonsense = true;
        return;
    }
    fetching->has_come[place] = true;
    g_autoptr(GBytes) raw = spool_take(&fetching->spool);
    fetching->no_room = raw == NULL ? spool_errno() : 0;
    fetching->stopped =
        raw != NULL && !fetching->mail(fetching->context, uid, raw);
}

/* A body of no bytes never reaches on_body(). NIL is none: the mail is gone. */
static const void *
find_empty(const struct mailimap_msg_att *answer)
{
    for (clistiter *at = clist_begin(answer->att_list); at != NULL;
         at = clist_next(at)) {
        const struct mailimap_msg_att_item *item = clist_content(at);
        if (item->att_type != MAILIMAP_MSG_ATT_ITEM_STATIC ||
            item->att_data.att_static->att_type !=
                MAILIMAP_MSG_ATT_BODY_SECTION)
            continue;
        const struct mailimap_msg_att_body_section *section =
            item->att_data.att_static->att_data.att_body_section;
        if (section->sec_body_part != NULL && is_whole(section))
            return section;
    }
    return NULL;
}

/* An answer is whole: only now its UID is known for sure, which may stand
 * behind the body. */
static void
on_answer(struct mailimap_msg_att *answer, void *context)
{
    Fetching *fetching = context;
    uint32_t uid = uid_of(answer);
    size_t place = place_of(fetching->messages, fetching->n, uid);
    if (fetching->section == NULL)
        fetching->section = find_empty(answer);
    if (fetching->section != NULL && uid == 0)
        fetching->nonsense = true; /* a mail, but which? */
    else if (fetching->section != NULL && place < fetching->n &&
             fetching->no_room == 0 && !fetching->stopped)
        take_mail(fetching, place);
    spool_clear(&fetching->spool);
    fetching->section = NULL;
    fetching->odd = false;
}

static void
no_progress(size_t current, size_t maximum, void *context)
{
    (void)current;
    (void)maximum;
    (void)context;
}

/* libetpan hands out what comes only to who also watches its progress. */
static void
listen_to(ImapClient *client, Fetching *fetching)
{
    mailprogress_function *watch = fetching != NULL ? no_progress : NULL;
    mailimap_set_progress_callback(client->imap, watch, watch, fetching);
    mailimap_set_msg_body_handler(client->imap,
                                  fetching != NULL ? on_body : NULL, fetching);
    mailimap_set_msg_att_handler(client->imap,
                                 fetching != NULL ? on_answer : NULL, fetching);
    client->guard.mails = fetching != NULL;
}

/* Returns: by when it must have ended. */
static int64_t
begin_fetch(ImapClient *client, const ImapMessage *messages, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += messages[i].size;
    etpan_begin(client,
                ETPAN_ANSWER_BYTES + n * ITEM_BYTES + bytes * SIZE_TOLERANCE);
    int64_t most_s =
        client->account->timeout_s + (int64_t)(bytes / SLOW_BYTES_S);
    return monotonic_ms() + most_s * 1000;
}

bool
imap_fetch(ImapClient *client, const ImapMessage *messages, size_t n,
           const char *spool_directory, size_t memory_bytes, ImapMail mail,
           void *context, GError **error)
{
    Fetching fetching = {.client = client,
                         .messages = messages,
                         .n = n,
                         .mail = mail,
                         .context = context};
    g_autofree bool *has_come = g_new0(bool, MAX(n, 1));
    fetching.has_come = has_come;
    g_autofree uint32_t *uids = g_new(uint32_t, MAX(n, 1));
    clist *answers = NULL;
    if (n == 0)
        return true;
    for (size_t i = 0; i < n; i++)
        uids[i] = messages[i].uid;
    spool_init(&fetching.spool, spool_directory, memory_bytes);
    listen_to(client, &fetching);
    fetching.end_ms = begin_fetch(client, messages, n);
    bool good = fetch(
        client, uids, n,
        mailimap_fetch_att_new_body_peek_section(mailimap_section_new(NULL)),
        NULL, &answers);
    listen_to(client, NULL);
    spool_clear(&fetching.spool);
    if (good)
        mailimap_fetch_list_free(answers);
    else
        return etpan_fail(client, FAILURE_TEMPORARY, "UID FETCH", error);
    if (fetching.no_room != 0) {
        failure_set(error, FAILURE_CONFIG,
                    "account '%s': no room for a mail in %s: %s",
                    client->account->name, spool_directory,
                    g_strerror(fetching.no_room));
        return false;
    }
    if (fetching.nonsense) {
        failure_set(error, FAILURE_TEMPORARY,
                    "account '%s': the server sent mails that contradict each "
                    "other",
                    client->account->name);
        return false;
    }
    return !fetching.stopped && etpan_same_folder(client, error);
}
