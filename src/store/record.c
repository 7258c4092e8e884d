#include "store/record.h"

#include <string.h>

#include "base/failure.h"
#include "store/delivery.h"
#include "store/txn.h"

/* ---- numbers ---- */

/* Numbers for what is about to be recorded, all in one flight. */
static bool
draw_ids(Txn *txn, gsize n_tickets, gsize n_messages, GArray *ret_tickets,
         GArray *ret_messages, GError **error)
{
    if (n_tickets + n_messages == 0)
        return true;
    g_autoptr(PGresult) rows = txn_query(
        txn, ST_ids_next,
        PARAMS(p_int((int64_t)n_tickets), p_int((int64_t)n_messages)), error);
    if (rows == NULL)
        return false;
    for (int row = 0; row < PQntuples(rows); row++) {
        int64_t ticket = pg_int(rows, row, 0), message = pg_int(rows, row, 1);
        if (ticket != 0)
            g_array_append_val(ret_tickets, ticket);
        if (message != 0)
            g_array_append_val(ret_messages, message);
    }
    return true;
}

/* ---- the message ---- */

/* Everything the mail refers to, oldest first. */
static GPtrArray *
chain_of(const Mail *mail)
{
    GPtrArray *chain = g_ptr_array_new();
    for (guint i = 0; i < mail->references->len; i++)
        g_ptr_array_add(chain, mail->references->pdata[i]);
    for (guint i = 0; i < mail->in_reply_to->len; i++) {
        const char *id = mail->in_reply_to->pdata[i];
        if (!g_ptr_array_find_with_equal_func(chain, id, g_str_equal, NULL))
            g_ptr_array_add(chain, mail->in_reply_to->pdata[i]);
    }
    return chain;
}

static bool
send_message(Txn *txn, const Record *record, const Receipt *receipt,
             const GPtrArray *chain, GError **error)
{
    const Mail *mail = record->mail;
    const Decision *decision = record->decision;
    g_autofree char *references = array_text(chain);
    g_autofree char *defects = array_text(mail->defects);
    gsize raw_length, content_length = 0;
    const void *raw =
        g_bytes_get_data(record->delivery->raw_digest, &raw_length);
    const void *content =
        record->lookup->content_digest != NULL
            ? g_bytes_get_data(record->lookup->content_digest, &content_length)
            : NULL;
    const Address *author = mail->originator;
    const char *addr_spec = author != NULL ? author->addr_spec : "";
    const char *name = author != NULL ? author->name : "";
    const char *class = automatic_class_name(mail->automatic.class);
    if (decision->verdict == VERDICT_COMPLETE)
        return pg_send(
            txn_pg(txn), ST_message_replace,
            PARAMS(p_int(receipt->message_id_no), p_text(addr_spec),
                   p_text(name), p_text(mail->subject),
                   p_text(mail->message_id), p_text(references),
                   p_text(mail->text), p_int((int64_t)mail->reply_start),
                   p_int((int64_t)mail->reply_end), p_text(class),
                   p_text(mail->automatic.reason), p_text(defects),
                   p_int(mail->attachments->len), p_bytes(raw, raw_length),
                   p_bytes(content, content_length), p_int(mail->date_s)),
            false, error);
    txn_add(txn, ST_message_add,
            PARAMS(p_int(receipt->message_id_no), p_int(receipt->ticket->id),
                   p_text(decision->is_note ? "note" : "mail"),
                   p_text(addr_spec), p_text(name), p_text(mail->subject),
                   p_text(mail->message_id), p_text(references),
                   p_text(mail->text), p_int((int64_t)mail->reply_start),
                   p_int((int64_t)mail->reply_end), p_text(class),
                   p_text(mail->automatic.reason), p_text(decision->reason),
                   p_text(defects), p_int(mail->attachments->len),
                   p_bytes(raw, raw_length), p_bytes(content, content_length),
                   p_int(mail->date_s),
                   p_int(record->delivery->received_at_s)));
    return true;
}

static void
add_attachments(Txn *txn, const Mail *mail, int64_t message_id_no)
{
    for (guint i = 0; i < mail->attachments->len; i++) {
        const Attachment *attachment = mail->attachments->pdata[i];
        txn_add(txn, ST_attachment_add,
                PARAMS(p_int(message_id_no), p_int(i + 1),
                       p_text(attachment->name), p_text(attachment->type),
                       p_int((int64_t)attachment->size),
                       p_bytes(attachment->digest, sizeof attachment->digest),
                       p_int(attachment->is_inline),
                       p_text(attachment->content_id)));
    }
}

static void
add_reference(Txn *txn, int64_t ticket_id, const char *id, const char *kind)
{
    txn_add(txn, ST_reference_add,
            PARAMS(p_int(ticket_id), p_text(id), p_text(kind)));
}

/* Its own id and the ids that were asked for find the ticket from now on. */
static void
add_references(Txn *txn, const Mail *mail, const Lookup *lookup,
               int64_t ticket_id)
{
    for (guint i = 0; i < lookup->ids->len; i++) {
        const char *id = lookup->ids->pdata[i];
        bool own = g_strcmp0(id, mail->message_id) == 0;
        add_reference(txn, ticket_id, id, own ? "stored" : "seen");
    }
}

/* ---- the ticket ---- */

static void
add_ticket(Txn *txn, const Decision *decision, int64_t id)
{
    const Ticket *ticket = decision->ticket;
    txn_add(txn, ST_ticket_add,
            PARAMS(p_int(id), p_text(ticket->queue), p_text(ticket->subject),
                   p_text(ticket->language), p_text(ticket->requester),
                   p_text(ticket->requester_name), p_text(ticket->reply_to),
                   p_int(decision->linked_to)));
}

static void
add_event(Txn *txn, int64_t ticket_id, const char *name, const char *actor,
          const char *detail)
{
    txn_add(
        txn, ST_event_add,
        PARAMS(p_int(ticket_id), p_text(name), p_text(actor), p_text(detail)));
}

static void
touch(Txn *txn, int64_t ticket_id, const char *status)
{
    txn_add(txn, ST_ticket_touch, PARAMS(p_int(ticket_id), p_text(status)));
}

bool
store_raise_alarm(Txn *txn, const char *name, int64_t cool_down_s,
                  bool *ret_raised, GError **error)
{
    g_autoptr(PGresult) row = txn_query(
        txn, ST_alarm_raise, PARAMS(p_text(name), p_int(cool_down_s)), error);
    if (row == NULL)
        return false;
    *ret_raised = PQntuples(row) > 0;
    return true;
}

static bool
raise_alarm(Txn *txn, const Effect *effect, Receipt *receipt, GError **error)
{
    bool raised;
    if (!store_raise_alarm(txn, effect->text, effect->cool_down_s, &raised,
                           error))
        return false;
    if (raised)
        g_ptr_array_add(receipt->alarms, (gpointer)effect);
    return true;
}

static bool
record_effect(Txn *txn, const Effect *effect, Receipt *receipt, GError **error)
{
    int64_t ticket_id = receipt->ticket->id;
    switch (effect->kind) {
    case EFFECT_STATUS:
        touch(txn, ticket_id, ticket_status_name(effect->status));
        return true;
    case EFFECT_PARTY:
        txn_add(txn, ST_party_add,
                PARAMS(p_int(ticket_id), p_text(effect->text),
                       p_text(effect->name),
                       p_text(party_role_name(effect->role))));
        return true;
    case EFFECT_QUEUE:
        txn_add(txn, ST_ticket_queue_add,
                PARAMS(p_int(ticket_id), p_text(effect->text)));
        return true;
    case EFFECT_EVENT:
        add_event(txn, ticket_id, effect->text, "", effect->name);
        return true;
    case EFFECT_ALARM:
        return raise_alarm(txn, effect, receipt, error);
    }
    g_assert_not_reached();
}

/* ---- the decision ---- */

static bool
is_new_ticket(const Decision *decision)
{
    return decision->verdict == VERDICT_NEW;
}

static bool
is_new_message(const Decision *decision)
{
    return decision->verdict == VERDICT_NEW ||
           decision->verdict == VERDICT_JOIN;
}

static bool
record_mail(Txn *txn, const Record *record, const Receipt *receipt,
            GError **error)
{
    int64_t ticket_id = receipt->ticket->id;
    if (record->decision->verdict == VERDICT_KNOWN)
        return true;
    if (is_new_ticket(record->decision))
        add_ticket(txn, record->decision, ticket_id);
    else
        touch(txn, ticket_id, "");
    g_autoptr(GPtrArray) chain = chain_of(record->mail);
    if (!send_message(txn, record, receipt, chain, error))
        return false;
    add_attachments(txn, record->mail, receipt->message_id_no);
    add_references(txn, record->mail, record->lookup, ticket_id);
    return true;
}

static bool
record_one(Txn *txn, const Record *record, Receipt *receipt, GError **error)
{
    const Decision *decision = record->decision;
    if (decision->verdict == VERDICT_PARK) {
        bool parked;
        return delivery_park(txn, record->delivery->id, decision->reason,
                             decision->is_rubbish, &parked, error);
    }
    if (!record_mail(txn, record, receipt, error))
        return false;
    for (guint i = 0; i < decision->effects->len; i++)
        if (!record_effect(txn, decision->effects->pdata[i], receipt, error))
            return false;
    delivery_settle(txn, record->delivery, decision->reason,
                    receipt->ticket->id, receipt->message_id_no);
    return true;
}

/* A receipt for each record, numbered. */
static GPtrArray *
make_receipts(Txn *txn, const Record *records, gsize n, GError **error)
{
    g_autoptr(GPtrArray) receipts =
        g_ptr_array_new_with_free_func((GDestroyNotify)receipt_free);
    g_autoptr(GArray) tickets = g_array_new(FALSE, FALSE, sizeof(int64_t));
    g_autoptr(GArray) messages = g_array_new(FALSE, FALSE, sizeof(int64_t));
    gsize n_tickets = 0, n_messages = 0;
    for (gsize i = 0; i < n; i++) {
        n_tickets += is_new_ticket(records[i].decision);
        n_messages += is_new_message(records[i].decision);
    }
    if (!draw_ids(txn, n_tickets, n_messages, tickets, messages, error))
        return NULL;
    g_assert(tickets->len == n_tickets && messages->len == n_messages);
    n_tickets = n_messages = 0;
    for (gsize i = 0; i < n; i++) {
        const Decision *decision = records[i].decision;
        Receipt *receipt = g_new0(Receipt, 1);
        receipt->alarms = g_ptr_array_new();
        receipt->message_id_no = decision->message_id_no;
        if (decision->verdict != VERDICT_PARK)
            receipt->ticket = ticket_copy(decision->ticket);
        if (is_new_ticket(decision))
            receipt->ticket->id = g_array_index(tickets, int64_t, n_tickets++);
        if (is_new_message(decision))
            receipt->message_id_no =
                g_array_index(messages, int64_t, n_messages++);
        g_ptr_array_add(receipts, receipt);
    }
    return g_steal_pointer(&receipts);
}

GPtrArray *
store_record(Txn *txn, const Record *records, size_t n, GError **error)
{
    g_autoptr(GPtrArray) receipts = make_receipts(txn, records, n, error);
    if (receipts == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!record_one(txn, &records[i], receipts->pdata[i], error))
            return NULL;
    return g_steal_pointer(&receipts);
}

/* ---- answers of our own people ---- */

void
thread_free(Thread *thread)
{
    if (thread == NULL)
        return;
    ticket_free(thread->ticket);
    g_free(thread->in_reply_to);
    g_ptr_array_unref(thread->references);
    g_free(thread);
}

bool
store_load_thread(Txn *txn, int64_t ticket_id, Thread **ret_thread,
                  GError **error)
{
    g_autoptr(PGresult) row =
        txn_query(txn, ST_ticket_thread, PARAMS(p_int(ticket_id)), error);
    if (row == NULL)
        return false;
    *ret_thread = NULL;
    if (PQntuples(row) == 0)
        return true;
    Ticket *ticket = g_new0(Ticket, 1);
    ticket->id = pg_int(row, 0, 0);
    ticket->queue = g_strdup(pg_text(row, 0, 1));
    ticket_status_parse(pg_text(row, 0, 2), &ticket->status);
    ticket->subject = g_strdup(pg_text(row, 0, 3));
    ticket->language = g_strdup(pg_text(row, 0, 4));
    ticket->requester = g_strdup(pg_text(row, 0, 5));
    ticket->requester_name = g_strdup(pg_text(row, 0, 6));
    ticket->reply_to = g_strdup(pg_text(row, 0, 7));
    Thread *thread = g_new0(Thread, 1);
    thread->ticket = ticket;
    thread->in_reply_to = g_strdup(pg_text(row, 0, 8));
    thread->references = array_parse(pg_text(row, 0, 9));
    *ret_thread = thread;
    return true;
}

bool
store_add_message(Txn *txn, const Ticket *ticket, bool is_note,
                  const char *author, const char *author_name, const char *text,
                  int64_t *ret_id, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
    if (!draw_ids(txn, 0, 1, NULL, ids, error))
        return false;
    *ret_id = g_array_index(ids, int64_t, 0);
    txn_add(txn, ST_message_add,
            PARAMS(p_int(*ret_id), p_int(ticket->id),
                   p_text(is_note ? "note" : "reply"), p_text(author),
                   p_text(author_name), p_text(ticket->subject), p_text(NULL),
                   p_text("{}"), p_text(text), p_int(0),
                   p_int((int64_t)strlen(text)), p_text("normal"), p_text(""),
                   p_text("command"), p_text("{}"), p_int(0), p_bytes(NULL, 0),
                   p_bytes(NULL, 0), p_int(0),
                   p_int(g_get_real_time() / G_USEC_PER_SEC)));
    touch(txn, ticket->id, "");
    add_event(txn, ticket->id, is_note ? "noted" : "replied", author, "");
    return true;
}

void
store_add_own_id(Txn *txn, int64_t ticket_id, const char *id)
{
    add_reference(txn, ticket_id, id, "ours");
}

bool
store_set_status(Txn *txn, int64_t ticket_id, TicketStatus status,
                 const char *actor, bool *ret_found, GError **error)
{
    const char *name = ticket_status_name(status);
    g_autoptr(PGresult) row =
        txn_query(txn, ST_ticket_set_status,
                  PARAMS(p_int(ticket_id), p_text(name)), error);
    if (row == NULL)
        return false;
    *ret_found = PQntuples(row) > 0;
    if (*ret_found)
        add_event(txn, ticket_id, name, actor, "");
    return true;
}
