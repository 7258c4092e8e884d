/* transport/imap.h: how often a folder changed (RFC 7162). */
#include "etpan.h"

static uint64_t
modseq_of(const struct mailimap_msg_att_item *item)
{
    const struct mailimap_extension_data *data =
        item->att_data.att_extension_data;
    if (item->att_type != MAILIMAP_MSG_ATT_ITEM_EXTENSION || data == NULL ||
        data->ext_extension != &mailimap_extension_condstore ||
        data->ext_type != MAILIMAP_CONDSTORE_TYPE_FETCH_DATA)
        return 0;
    const struct mailimap_condstore_fetch_mod_resp *told = data->ext_data;
    return told != NULL ? told->cs_modseq_value : 0;
}

/* A folder that was opened without a MODSEQ has none. */
void
imap_note_modseq(ImapClient *client, const clist *answers)
{
    if (answers == NULL || client->highest_modseq == 0)
        return;
    for (clistiter *at = clist_begin(answers); at != NULL;
         at = clist_next(at)) {
        const struct mailimap_msg_att *answer = clist_content(at);
        for (clistiter *part = clist_begin(answer->att_list); part != NULL;
             part = clist_next(part))
            client->highest_modseq =
                MAX(client->highest_modseq, modseq_of(clist_content(part)));
    }
}

uint64_t
imap_highest_modseq(const ImapClient *client)
{
    return client->highest_modseq;
}
