#include "store/record.h"

#include <string.h>

#include "base/failure.h"
#include "store/delivery.h"
#include "store/txn.h"

/* ---- numbers ---- */

static bool
draw_ids(Txn *txn, bool new_ticket, int64_t *ret_ticket, int64_t *ret_message,
         GError **error)
{
    g_autoptr(PGresult) row = txn_query(
        txn, ST_ids_next, PARAMS(p_text(new_ticket ? "true" : "false")), error);
    if (row == NULL)
        return false;
    if (new_ticket)
        *ret_ticket = pg_int(row, 0, 0);
    *ret_message = pg_int(row, 0, 1);
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
send_message(Txn *txn, int64_t id, const Delivery *delivery, const Mail *mail,
             const Decision *decision, const Lookup *lookup, int64_t ticket_id,
             GError **error)
{
    g_autoptr(GPtrArray) chain = chain_of(mail);
    g_autofree char *references = array_text(chain);
    g_autofree char *defects = array_text(mail->defects);
    gsize raw_length, content_length = 0;
    const void *raw = g_bytes_get_data(delivery->raw_digest, &raw_length);
    const void *content =
        lookup->content_digest != NULL
            ? g_bytes_get_data(lookup->content_digest, &content_length)
            : NULL;
    const Address *author = mail->originator;
    const char *addr_spec = author != NULL ? author->addr_spec : "";
    const char *name = author != NULL ? author->name : "";
    const char *class = automatic_class_name(mail->automatic.class);
    if (decision->verdict == VERDICT_COMPLETE)
        return pg_send(
            txn_pg(txn), ST_message_replace,
            PARAMS(p_int(id), p_text(addr_spec), p_text(name),
                   p_text(mail->subject), p_text(mail->message_id),
                   p_text(references), p_text(mail->text),
                   p_int((int64_t)mail->reply_start),
                   p_int((int64_t)mail->reply_end), p_text(class),
                   p_text(mail->automatic.reason), p_text(defects),
                   p_int(mail->attachments->len), p_bytes(raw, raw_length),
                   p_bytes(content, content_length), p_int(mail->date_s)),
            false, error);
    return pg_send(
        txn_pg(txn), ST_message_add,
        PARAMS(p_int(id), p_int(ticket_id),
               p_text(decision->is_note ? "note" : "mail"), p_text(addr_spec),
               p_text(name), p_text(mail->subject), p_text(mail->message_id),
               p_text(references), p_text(mail->text),
               p_int((int64_t)mail->reply_start),
               p_int((int64_t)mail->reply_end), p_text(class),
               p_text(mail->automatic.reason), p_text(decision->reason),
               p_text(defects), p_int(mail->attachments->len),
               p_bytes(raw, raw_length), p_bytes(content, content_length),
               p_int(mail->date_s), p_int(delivery->received_at_s)),
        false, error);
}

static bool
send_ids(Txn *txn, int64_t ticket_id, const GPtrArray *ids, const char *kind,
         GError **error)
{
    if (ids->len == 0)
        return true;
    g_autofree char *literal = array_text(ids);
    return pg_send(txn_pg(txn), ST_reference_add,
                   PARAMS(p_int(ticket_id), p_text(literal), p_text(kind)),
                   false, error);
}

/* Its own id and every id it names find the ticket from now on. */
static bool
send_references(Txn *txn, const Mail *mail, int64_t ticket_id, GError **error)
{
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    if (mail->message_id != NULL)
        g_ptr_array_add(own, mail->message_id);
    g_autoptr(GPtrArray) chain = chain_of(mail);
    return send_ids(txn, ticket_id, own, "stored", error) &&
           send_ids(txn, ticket_id, chain, "seen", error);
}

/* ---- the ticket ---- */

static bool
send_ticket(Txn *txn, const Decision *decision, int64_t id, GError **error)
{
    const Ticket *ticket = decision->ticket;
    return pg_send(txn_pg(txn), ST_ticket_add,
                   PARAMS(p_int(id), p_text(ticket->queue),
                          p_text(ticket->subject), p_text(ticket->language),
                          p_text(ticket->requester),
                          p_text(ticket->requester_name),
                          p_text(ticket->reply_to), p_int(decision->linked_to)),
                   false, error);
}

static bool
send_event(Txn *txn, int64_t ticket_id, const char *name, const char *actor,
           const char *detail, GError **error)
{
    return pg_send(
        txn_pg(txn), ST_event_add,
        PARAMS(p_int(ticket_id), p_text(name), p_text(actor), p_text(detail)),
        false, error);
}

static bool
send_touch(Txn *txn, int64_t ticket_id, const char *status, GError **error)
{
    return pg_send(txn_pg(txn), ST_ticket_touch,
                   PARAMS(p_int(ticket_id), p_text(status)), false, error);
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
        return send_touch(txn, ticket_id, ticket_status_name(effect->status),
                          error);
    case EFFECT_PARTY:
        return pg_send(txn_pg(txn), ST_party_add,
                       PARAMS(p_int(ticket_id), p_text(effect->text),
                              p_text(effect->name),
                              p_text(party_role_name(effect->role))),
                       false, error);
    case EFFECT_QUEUE:
        return pg_send(txn_pg(txn), ST_ticket_queue_add,
                       PARAMS(p_int(ticket_id), p_text(effect->text)), false,
                       error);
    case EFFECT_EVENT:
        return send_event(txn, ticket_id, effect->text, "", effect->name,
                          error);
    case EFFECT_ALARM:
        return raise_alarm(txn, effect, receipt, error);
    }
    g_assert_not_reached();
}

/* ---- the decision ---- */

static bool
record_mail(Txn *txn, const Delivery *delivery, const Mail *mail,
            const Decision *decision, const Lookup *lookup, Receipt *receipt,
            GError **error)
{
    bool is_new = decision->verdict == VERDICT_NEW;
    if (decision->verdict == VERDICT_KNOWN)
        return true;
    if (decision->verdict != VERDICT_COMPLETE &&
        !draw_ids(txn, is_new, &receipt->ticket->id, &receipt->message_id_no,
                  error))
        return false;
    int64_t ticket_id = receipt->ticket->id;
    return (is_new ? send_ticket(txn, decision, ticket_id, error)
                   : send_touch(txn, ticket_id, "", error)) &&
           send_message(txn, receipt->message_id_no, delivery, mail, decision,
                        lookup, ticket_id, error) &&
           send_references(txn, mail, ticket_id, error);
}

Receipt *
store_record(Txn *txn, const Delivery *delivery, const Mail *mail,
             const Decision *decision, const Lookup *lookup, GError **error)
{
    g_autoptr(Receipt) receipt = g_new0(Receipt, 1);
    receipt->alarms = g_ptr_array_new();
    if (decision->verdict == VERDICT_PARK) {
        bool parked;
        return delivery_park(txn, delivery->id, decision->reason, &parked,
                             error)
                   ? g_steal_pointer(&receipt)
                   : NULL;
    }
    receipt->ticket = ticket_copy(decision->ticket);
    receipt->message_id_no = decision->message_id_no;
    if (!record_mail(txn, delivery, mail, decision, lookup, receipt, error))
        return NULL;
    for (guint i = 0; i < decision->effects->len; i++)
        if (!record_effect(txn, decision->effects->pdata[i], receipt, error))
            return NULL;
    if (!delivery_settle(txn, delivery, decision->reason, receipt->ticket->id,
                         receipt->message_id_no, error))
        return NULL;
    return g_steal_pointer(&receipt);
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
    int64_t id, unused;
    if (!draw_ids(txn, false, &unused, &id, error))
        return false;
    const char *kind = is_note ? "note" : "reply";
    *ret_id = id;
    return pg_send(txn_pg(txn), ST_message_add,
                   PARAMS(p_int(id), p_int(ticket->id), p_text(kind),
                          p_text(author), p_text(author_name),
                          p_text(ticket->subject), p_null(), p_text("{}"),
                          p_text(text), p_int(0), p_int((int64_t)strlen(text)),
                          p_text("normal"), p_text(""), p_text("command"),
                          p_text("{}"), p_int(0), p_null(), p_null(), p_int(0),
                          p_int(g_get_real_time() / G_USEC_PER_SEC)),
                   false, error) &&
           send_touch(txn, ticket->id, "", error) &&
           send_event(txn, ticket->id, is_note ? "noted" : "replied", author,
                      "", error);
}

bool
store_add_own_ids(Txn *txn, int64_t ticket_id, const GPtrArray *ids,
                  GError **error)
{
    return send_ids(txn, ticket_id, ids, "ours", error);
}

bool
store_set_status(Txn *txn, int64_t ticket_id, TicketStatus status,
                 const char *actor, bool *ret_found, GError **error)
{
    const char *name = ticket_status_name(status);
    g_autoptr(PGresult) row = txn_query(
        txn, ST_ticket_touch, PARAMS(p_int(ticket_id), p_text(name)), error);
    if (row == NULL)
        return false;
    *ret_found = PQntuples(row) > 0;
    return !*ret_found || send_event(txn, ticket_id, name, actor, "", error);
}
