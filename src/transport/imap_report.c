#include "imap_report.h"

#include "base/text.h"

static const char *const stages[] = {
    [IMAP_STAGE_RESOLVE] = "resolve", [IMAP_STAGE_CONNECT] = "connect",
    [IMAP_STAGE_TLS] = "tls",         [IMAP_STAGE_GREETING] = "greeting",
    [IMAP_STAGE_LOGIN] = "login",     [IMAP_STAGE_DONE] = "done",
};

const char *
imap_stage_name(ImapStage stage)
{
    return stages[stage];
}

static void
add_capability(GString *text, const struct mailimap_capability *capability)
{
    bool is_login = capability->cap_type == MAILIMAP_CAPABILITY_AUTH_TYPE;
    const char *word = is_login ? capability->cap_data.cap_auth_type
                                : capability->cap_data.cap_name;
    if (word != NULL)
        g_string_append_printf(text, "%s%s%s", text->len > 0 ? " " : "",
                               is_login ? "AUTH=" : "", word);
}

/* In the server's order; NULL: it was not asked. */
static char *
capabilities(const mailimap *imap)
{
    if (imap->imap_connection_info == NULL ||
        imap->imap_connection_info->imap_capability == NULL)
        return NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    const clist *list = imap->imap_connection_info->imap_capability->cap_list;
    for (clistiter *at = clist_begin(list); at != NULL; at = clist_next(at))
        add_capability(text, clist_content(at));
    g_autofree char *valid = text_repair(text->str, text->len);
    return text_one_line(valid);
}

void
imap_report_session(const ImapClient *client, ImapReport *report)
{
    report->capabilities = capabilities(client->imap);
    report->mechanism = client->mechanism;
}

void
imap_report_clear(ImapReport *report)
{
    stream_report_clear(&report->stream);
    g_free(report->capabilities);
    *report = (ImapReport){.stage = IMAP_STAGE_RESOLVE};
}
