#include "sample.h"

#include <gmime/gmime.h>
#include <string.h>

/* ---- the desk ---- */

static GStrv
words(const char *joined)
{
    return g_strsplit(joined, " ", -1);
}

static Queue *
queue_new(const char *name, const char *addresses, const char *display_name,
          const char *language, const char *tag_prefix, const char *notify)
{
    Queue *queue = g_new0(Queue, 1);
    queue->name = g_strdup(name);
    queue->addresses = words(addresses);
    queue->display_name = g_strdup(display_name);
    queue->language = g_strdup(language);
    queue->templates = g_strdup("");
    queue->tag_prefix = g_strdup(tag_prefix);
    queue->acknowledge = true;
    queue->notify = words(notify);
    return queue;
}

static void
queue_free(gpointer data)
{
    Queue *queue = data;
    g_free(queue->name);
    g_strfreev(queue->addresses);
    g_free(queue->display_name);
    g_free(queue->language);
    g_free(queue->templates);
    g_free(queue->tag_prefix);
    g_strfreev(queue->notify);
    g_free(queue);
}

static GPtrArray *
queues_new(void)
{
    GPtrArray *queues = g_ptr_array_new_with_free_func(queue_free);
    g_ptr_array_add(
        queues, queue_new("support", "support@desk.example help@desk.example",
                          "Acme Support", "en", "",
                          "anna@agents.example ben@agents.example"));
    g_ptr_array_add(queues, queue_new("billing", "billing@desk.example",
                                      "Acme Billing", "it", "acme ", ""));
    Queue *robots =
        queue_new("robots", "robots@desk.example", "Acme Robots", "en", "", "");
    robots->acknowledge = false;
    g_ptr_array_add(queues, robots);
    return queues;
}

Sample *
sample_new(void)
{
    g_mime_init();
    Sample *sample = g_new0(Sample, 1);
    sample->budgets = (Budgets){.per_sender_10min = 3,
                                .per_sender_day = 10,
                                .breaker = 100,
                                .breaker_window_s = 600};
    sample->limits = mail_limits_default;
    sample->queues = queues_new();
    sample->keys =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    static const char newest[] = "the newest key, which is the one that signs";
    static const char before[] = "the key before, which still is good to read";
    g_ptr_array_add(sample->keys, g_bytes_new(newest, sizeof newest - 1));
    g_ptr_array_add(sample->keys, g_bytes_new(before, sizeof before - 1));
    sample->rules = (Rules){.queues = sample->queues,
                            .budgets = &sample->budgets,
                            .limits = &sample->limits,
                            .admin = "admin@desk.example",
                            .keys = sample->keys};
    return sample;
}

void
sample_free(Sample *sample)
{
    if (sample == NULL)
        return;
    g_ptr_array_unref(sample->queues);
    g_ptr_array_unref(sample->keys);
    g_free(sample);
}

Queue *
sample_queue(const Sample *sample, const char *name)
{
    for (guint i = 0; i < sample->queues->len; i++) {
        Queue *queue = sample->queues->pdata[i];
        if (strcmp(queue->name, name) == 0)
            return queue;
    }
    g_assert_not_reached();
}

/* ---- what flows ---- */

Mail *
sample_mail(const Sample *sample, const char *text, const char *envelope_sender)
{
    g_autoptr(GBytes) raw = g_bytes_new(text, strlen(text));
    return mail_parse(raw, envelope_sender, &sample->limits);
}

Delivery *
sample_delivery(const char *envelope_sender, const char *envelope_recipient)
{
    Delivery *delivery = g_new0(Delivery, 1);
    delivery->id = 77;
    delivery->key = g_strdup("lmtp/sample");
    delivery->transport = g_strdup("lmtp");
    delivery->envelope_sender = g_strdup(envelope_sender);
    delivery->envelope_recipient = g_strdup(envelope_recipient);
    delivery->queue = g_strdup("");
    delivery->mta_queue_id = g_strdup("");
    delivery->received_at_s = 1700000000;
    return delivery;
}

Ticket *
sample_ticket(int64_t id, const char *queue, TicketStatus status)
{
    Ticket *ticket = g_new0(Ticket, 1);
    ticket->id = id;
    ticket->queue = g_strdup(queue);
    ticket->status = status;
    ticket->subject = g_strdup("Printer");
    ticket->language = g_strdup("");
    ticket->requester = g_strdup("olena@customer.example");
    ticket->requester_name = g_strdup("Olena");
    ticket->reply_to = g_strdup("olena@customer.example");
    return ticket;
}

Candidate *
sample_candidate(Context *context, Ticket *ticket, Evidence evidence,
                 const char *id, bool is_party)
{
    Candidate *candidate = g_new0(Candidate, 1);
    candidate->ticket = ticket;
    candidate->evidence = evidence;
    candidate->id = g_strdup(id);
    candidate->is_party = is_party;
    g_ptr_array_add(context->candidates, candidate);
    return candidate;
}
