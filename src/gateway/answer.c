#include "gateway/answer.h"

#include "store/outbox.h"
#include "store/record.h"

static bool
queue_reply(Txn *txn, const Desk *desk, const AnswerWish *wish,
            const Thread *thread, int64_t message_id_no, GError **error)
{
    const Press press = desk_press(desk);
    const Answer answer = {
        .ticket = thread->ticket,
        .message_id_no = message_id_no,
        .agent_name = wish->agent_name,
        .text = wish->text,
        .in_reply_to = thread->in_reply_to,
        .references = thread->references,
    };
    Outgoing *reply = notice_compose_reply(&answer, &press, error);
    if (reply == NULL)
        return false;
    g_autoptr(GPtrArray) outgoing =
        g_ptr_array_new_with_free_func((GDestroyNotify)outgoing_free);
    g_ptr_array_add(outgoing, reply);
    outbox_add(txn, outgoing);
    return true;
}

bool
answer_ticket(Desk *desk, const AnswerWish *wish, bool *ret_found,
              GError **error)
{
    g_autoptr(Txn) txn = store_begin(desk->store, error);
    g_autoptr(Thread) thread = NULL;
    if (txn == NULL || !store_load_thread(txn, wish->ticket_id, &thread, error))
        return false;
    *ret_found = thread != NULL;
    if (thread == NULL)
        return true;
    int64_t message_id_no;
    if (!store_add_message(txn, thread->ticket, wish->is_note,
                           wish->agent_address, wish->agent_name, wish->text,
                           &message_id_no, error))
        return false;
    if (!wish->is_note &&
        !queue_reply(txn, desk, wish, thread, message_id_no, error))
        return false;
    bool found;
    if (wish->moves && wish->status != thread->ticket->status &&
        !store_set_status(txn, wish->ticket_id, wish->status, wish->agent_name,
                          &found, error))
        return false;
    return txn_commit(txn, error);
}
