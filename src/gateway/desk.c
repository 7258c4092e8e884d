#include "gateway/desk.h"

#include "base/log.h"
#include "base/service.h"
#include "gateway/template_files.h"
#include "reading.h"
#include "store/context.h"

Desk *
desk_new(const Settings *settings, const char *who)
{
    Desk *desk = g_new0(Desk, 1);
    desk->settings = settings;
    desk->store = store_new(&settings->database, who);
    desk->readings = readings_new();
    desk->rules = (Rules){
        .queues = settings->queues,
        .budgets = &settings->budgets,
        .limits = &settings->limits.mail,
        .admin = settings->admin,
    };
    return desk;
}

bool
desk_load_templates(Desk *desk, GError **error)
{
    g_autoptr(GPtrArray) sets = g_ptr_array_new();
    /* What they say goes out: it is nothing that only root can read. */
    SERVICE_TURN(service_act());
    for (guint i = 0; i < desk->settings->queues->len; i++) {
        const Queue *queue = desk->settings->queues->pdata[i];
        if (*queue->templates != '\0')
            g_ptr_array_add(sets, queue->templates);
    }
    g_ptr_array_add(sets, NULL);
    desk->templates =
        template_files_load(desk->settings->template_directory,
                            (const char *const *)sets->pdata, error);
    return desk->templates != NULL;
}

bool
desk_load_keys(Desk *desk, GError **error)
{
    g_autoptr(Txn) txn = store_begin_read_only(desk->store, error);
    if (txn == NULL)
        return false;
    desk->keys = store_load_keys(txn, error);
    desk->rules.keys = desk->keys;
    return desk->keys != NULL && txn_commit(txn, error);
}

bool
desk_load(Desk *desk, GError **error)
{
    return desk_load_templates(desk, error) && desk_load_keys(desk, error);
}

bool
desk_start_parser(Desk *desk, GError **error)
{
    const Limits *limits = &desk->settings->limits;
    const ParserOptions options = {.best_effort = desk->settings->sandbox ==
                                                  SANDBOX_BEST_EFFORT,
                                   .wall_s = limits->parse_s,
                                   .cpu_s = limits->parse_cpu_s,
                                   .memory_bytes = (size_t)limits->parse_bytes,
                                   .mails = (size_t)limits->parser_mails,
                                   .mail_bytes = (size_t)limits->mail_bytes};
    if (desk->parser == NULL)
        desk->parser = parser_new(&options);
    if (!parser_start(desk->parser, error))
        return false;
    if (!parser_is_confined(desk->parser))
        log_warning(event("parser.unconfined"),
                    kv("reason", "sandbox is best-effort, and this kernel has "
                                 "no seccomp filters"));
    return true;
}

Press
desk_press(const Desk *desk)
{
    return (Press){&desk->rules, desk->templates,
                   g_get_real_time() / G_USEC_PER_SEC};
}

void
desk_free(Desk *desk)
{
    if (desk == NULL)
        return;
    parser_free(desk->parser);
    readings_free(desk->readings);
    store_free(desk->store);
    template_set_free(desk->templates);
    g_clear_pointer(&desk->keys, g_ptr_array_unref);
    g_free(desk);
}
