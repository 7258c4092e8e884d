#include "mail/dsn.h"

#include <string.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/dsn_evidence.h"
#include "mail/dsn_text.h"
#include "mail/dsn_words.h"
#include "mail/entity.h"
#include "mail/words.h"

enum { STATUS_PART_MAX = 256 * 1024 }; /* bytes of a delivery-status part */

void
dsn_recipient_free(DsnRecipient *recipient)
{
    if (recipient == NULL)
        return;
    g_free(recipient->addr_spec);
    g_free(recipient->status);
    g_free(recipient);
}

/* The fields of one recipient (RFC 3464 2.3), as far as they came. */
typedef struct {
    char *final_address;
    char *original_address;
    char *action;
    char *status;
    char *diagnostic;
} Group;

static void
group_clear(Group *group)
{
    g_free(group->final_address);
    g_free(group->original_address);
    g_free(group->action);
    g_free(group->status);
    g_free(group->diagnostic);
    *group = (Group){0};
}

/* "rfc822; bob@example.org" (RFC 3464 2.3.1); NULL if that is no address. */
static char *
typed_address(const char *value)
{
    const char *semicolon = strchr(value, ';');
    const char *text = semicolon != NULL ? semicolon + 1 : value;
    g_autoptr(GPtrArray) list = address_list_parse(text, strlen(text), 1, NULL);
    return list->len > 0
               ? g_strdup(((const Address *)list->pdata[0])->addr_spec)
               : NULL;
}

typedef struct {
    Group group;
    GPtrArray *failed;
    size_t groups;   /* recipients reported on, */
    size_t failures; /* of them failed, named by an address or not */
} Reader;

/* The status the group states: of a vague one, what the server said. */
static char *
group_status(const Group *group)
{
    char *stated = group->status != NULL
                       ? dsn_words_status(group->status, strlen(group->status))
                       : NULL;
    if (stated != NULL && !g_str_has_suffix(stated, ".0.0"))
        return stated;
    char *said =
        group->diagnostic != NULL
            ? dsn_words_status(group->diagnostic, strlen(group->diagnostic))
            : NULL;
    if (said == NULL || (stated != NULL && g_str_has_suffix(said, ".0.0"))) {
        g_free(said);
        return stated != NULL ? stated : g_strdup("");
    }
    g_free(stated);
    return said;
}

static bool
is_action(const Group *group, const char *action)
{
    return group->action != NULL &&
           g_ascii_strncasecmp(group->action, action, strlen(action)) == 0;
}

/* True if the report says that this recipient has the mail. */
static bool
is_success(const Group *group)
{
    if (is_action(group, "failed") || is_action(group, "delayed"))
        return false;
    return is_action(group, "delivered") || is_action(group, "relayed") ||
           is_action(group, "expanded") ||
           (group->status != NULL && *group->status == '2');
}

static bool
is_permanent(const Group *group, const char *status)
{
    if (is_action(group, "delayed"))
        return false;
    if (*status != '\0')
        return *status == '5';
    char class = group->diagnostic != NULL
                     ? dsn_words_reply_class(group->diagnostic,
                                             strlen(group->diagnostic))
                     : '\0';
    return class != '4';
}

static void
add_failed(GPtrArray *failed, const char *addr_spec, char *status,
           bool permanent)
{
    bool known = failed->len >= DSN_RECIPIENTS_MAX;
    for (guint i = 0; i < failed->len && !known; i++)
        known = g_ascii_strcasecmp(
                    ((const DsnRecipient *)failed->pdata[i])->addr_spec,
                    addr_spec) == 0;
    if (known) {
        g_free(status);
        return;
    }
    DsnRecipient *recipient = g_new0(DsnRecipient, 1);
    recipient->addr_spec = g_strdup(addr_spec);
    recipient->status = status;
    recipient->permanent = permanent;
    g_ptr_array_add(failed, recipient);
}

/*
 * Whom the group is about: the final recipient, unless that is an address of a
 * host inside ("bob@server") and the one that was written to is known.
 */
static const char *
group_address(const Group *group)
{
    const char *final = group->final_address;
    const char *at = final != NULL ? strrchr(final, '@') : NULL;
    bool is_inside = at == NULL || strchr(at, '.') == NULL;
    return is_inside && group->original_address != NULL
               ? group->original_address
               : final;
}

static void
end_group(Reader *reader)
{
    Group *group = &reader->group;
    const char *address = group_address(group);
    if (group->action != NULL || group->status != NULL) {
        reader->groups++;
        reader->failures += !is_success(group);
    }
    if (address != NULL && !is_success(group)) {
        char *status = group_status(group);
        add_failed(reader->failed, address, status,
                   is_permanent(group, status));
    }
    group_clear(group);
}

/* Where a field's value goes; NULL for fields nobody asks for. */
static char **
slot_of(Group *group, const HeaderField *field)
{
    const struct {
        const char *name;
        char **value;
    } known[] = {
        {"Final-Recipient", &group->final_address},
        {"Original-Recipient", &group->original_address},
        {"Action", &group->action},
        {"Status", &group->status},
        {"Diagnostic-Code", &group->diagnostic},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (header_field_is(field, known[i].name))
            return known[i].value;
    return NULL;
}

/* A field that comes again belongs to the next recipient. */
static void
read_field(Reader *reader, const HeaderField *field)
{
    Group *group = &reader->group;
    char **slot = slot_of(group, field);
    if (slot == NULL)
        return;
    if (*slot != NULL)
        end_group(reader);
    g_autofree char *value = words_decode(field->value, field->value_length);
    bool is_address =
        slot == &group->final_address || slot == &group->original_address;
    *slot = is_address ? typed_address(value) : g_steal_pointer(&value);
}

/*
 * Read all groups of fields in `bytes`; empty lines are not relied on, some
 * reports have too few of them and others too many.
 */
static void
read_groups(Reader *reader, const char *bytes, size_t length)
{
    static const MailLimits limits = {.header_field_bytes = 4096,
                                      .header_bytes = STATUS_PART_MAX,
                                      .header_fields = 2000};
    g_autoptr(GPtrArray) ignored = g_ptr_array_new();
    HeaderSearch search = {NULL, NULL, HEADER_SEARCH_GOES_ON};
    size_t offset = 0;
    while (offset < length) {
        g_autoptr(Header) header =
            header_read_next(bytes + offset, length - offset, &limits, &search,
                             NULL, NULL, ignored);
        for (guint i = 0; i < header->fields->len; i++)
            read_field(reader, &g_array_index(header->fields, HeaderField, i));
        size_t next = offset + header->length;
        /* What is no field is stepped over line by line. */
        offset = next > offset ? next : header_next_line(bytes, length, offset);
        if (reader->group.final_address != NULL && header->fields->len > 0)
            end_group(reader);
    }
    end_group(reader);
}

/* True if there was a delivery-status part that says anything. */
static bool
read_status_parts(const DsnEvidence *evidence, Reader *reader)
{
    for (guint i = 0; i < evidence->entities->len; i++) {
        const Entity *entity = evidence->entities->pdata[i];
        if (!content_is(entity->type, "message/delivery-status") &&
            !content_is(entity->type, "message/global-delivery-status"))
            continue;
        g_autoptr(GByteArray) bytes = transfer_decode(
            entity->encoding, entity->body, entity->length, STATUS_PART_MAX);
        read_groups(reader, (const char *)bytes->data, bytes->len);
    }
    return reader->groups > 0;
}

/* Add a recipient about whom the report speaks only as a whole. */
static void
add_judged(GPtrArray *failed, const char *addr_spec, const char *report,
           size_t length)
{
    char *status = dsn_words_status(report, length);
    char class =
        status != NULL ? *status : dsn_words_reply_class(report, length);
    bool permanent =
        class != '\0' ? class == '5' : !dsn_words_tell_delay(report, length);
    add_failed(failed, addr_spec, status != NULL ? status : g_strdup(""),
               permanent);
}

/* The one recipient of the returned mail, if the report names nobody. */
static void
take_returned(const Header *returned, const char *report, size_t length,
              GPtrArray *failed)
{
    g_autoptr(GPtrArray) to = g_ptr_array_new_with_free_func(g_free);
    dsn_addresses(to, returned, "To");
    if (to->len == 1)
        add_judged(failed, to->pdata[0], report, length);
}

/* A user whom the mail system that reports names without its own domain. */
static void
take_lone_name(const Header *header, const char *report, size_t length,
               GPtrArray *failed)
{
    g_autoptr(GPtrArray) from = g_ptr_array_new_with_free_func(g_free);
    dsn_addresses(from, header, "From");
    g_autofree char *name = dsn_text_lone_name(report, length);
    if (name == NULL || from->len == 0)
        return;
    g_autofree char *spec =
        g_strconcat(name, strrchr(from->pdata[0], '@'), NULL);
    if (address_is_sendable(spec))
        add_judged(failed, spec, report, length);
}

/* The recipient `key` among those the report told of; NULL if not there. */
static DsnRecipient *
steal_known(GPtrArray *told, const char *key)
{
    for (guint i = 0; i < told->len; i++)
        if (g_ascii_strcasecmp(((DsnRecipient *)told->pdata[i])->addr_spec,
                               key) == 0)
            return g_ptr_array_steal_index(told, i);
    return NULL;
}

/* X-Failed-Recipients of Exim and Gmail says outright who failed. */
static void
keep_named(const Header *header, const char *report, size_t length,
           GPtrArray *failed)
{
    g_autoptr(GPtrArray) named = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) kept =
        g_ptr_array_new_with_free_func((GDestroyNotify)dsn_recipient_free);
    dsn_addresses(named, header, "X-Failed-Recipients");
    for (guint i = 0; i < named->len; i++) {
        DsnRecipient *told = steal_known(failed, named->pdata[i]);
        if (told != NULL)
            g_ptr_array_add(kept, told);
        else
            add_judged(kept, named->pdata[i], report, length);
    }
    if (kept->len == 0)
        return;
    g_ptr_array_set_size(failed, 0);
    while (kept->len > 0)
        g_ptr_array_add(failed, g_ptr_array_steal_index(kept, 0));
}

static bool
read_words(const DsnEvidence *evidence, GPtrArray *failed)
{
    const Entity *root = evidence->entities->pdata[0];
    const char *text = evidence->text;
    size_t length;
    if (!dsn_is_report(evidence, &length))
        return false;
    Reader reader = {.failed = failed};
    read_groups(&reader, text, length);
    if (failed->len == 0 && strstr(text, "Final-Recipient:") != NULL)
        read_groups(&reader, text, strlen(text));
    g_autoptr(Header) returned = dsn_returned_header(evidence, length);
    g_autoptr(GPtrArray) own = dsn_own_addresses(evidence, returned);
    if (failed->len == 0)
        dsn_text_recipients(text, length, own, failed);
    if (failed->len == 0)
        take_lone_name(root->header, text, length, failed);
    if (failed->len == 0) {
        /* Who wrote to themselves, it may be. */
        g_ptr_array_set_size(own, 0);
        dsn_text_recipients(text, length, own, failed);
    }
    if (header_find(root->header, "X-Failed-Recipients") != NULL)
        keep_named(root->header, text, length, failed);
    if (failed->len == 0)
        take_returned(returned, text, length, failed);
    return true;
}

/* Where the fields are vague, the words beside them may say more. */
static void
refine_statuses(const DsnEvidence *evidence, GPtrArray *failed)
{
    size_t length = dsn_text_report_length(evidence->text);
    g_autofree char *lower = g_ascii_strdown(evidence->text, (gssize)length);
    for (guint i = 0; i < failed->len; i++) {
        DsnRecipient *recipient = failed->pdata[i];
        if (*recipient->status != '\0' &&
            !g_str_has_suffix(recipient->status, ".0.0"))
            continue;
        char *said = dsn_text_status_of(lower, recipient->addr_spec);
        bool fits = said != NULL && !g_str_has_suffix(said, ".0.0") &&
                    (*said == '5') == recipient->permanent;
        if (fits) {
            g_free(recipient->status);
            recipient->status = said;
        } else {
            g_free(said);
        }
    }
}

/* The value of `"name": "value"` between `p` and `end`, quoted once or twice.
 */
static char *
json_value(const char *p, const char *end, const char *name)
{
    p = memmem(p, (size_t)(end - p), name, strlen(name));
    if (p == NULL)
        return NULL;
    p += strlen(name);
    while (p < end && strchr("\\\": \t\n", *p) != NULL)
        p++;
    size_t n = 0;
    while (p + n < end && strchr("\\\"\n", p[n]) == NULL)
        n++;
    return n > 0 ? g_strndup(p, n) : NULL;
}

/*
 * Amazon SES reports by SNS, whose mail is JSON: "bouncedRecipients":
 * [{"emailAddress": "bob@example.org", "status": "5.1.1"}].
 */
static bool
read_json(const DsnEvidence *evidence, GPtrArray *failed)
{
    const char *p = strstr(evidence->text, "\"bouncedRecipients");
    const char *end = p != NULL ? strchr(p, ']') : NULL;
    if (end == NULL || !dsn_is_from_machine(evidence))
        return false;
    const char *text = evidence->text;
    g_autofree char *type =
        json_value(text, text + strlen(text), "\"bounceType");
    bool is_passing = g_strcmp0(type, "Transient") == 0;
    while (p != NULL) {
        const char *next = memchr(p + 1, '{', (size_t)(end - p - 1));
        const char *stop = next != NULL ? next : end;
        g_autofree char *spec = json_value(p, stop, "emailAddress");
        g_autofree char *status = json_value(p, stop, "status");
        bool is_known = spec != NULL && address_is_sendable(spec);
        if (is_known && status != NULL)
            add_judged(failed, spec, status, strlen(status));
        else if (is_known)
            add_failed(failed, spec, g_strdup(""), !is_passing);
        p = next;
    }
    return failed->len > 0;
}

bool
dsn_read(const DsnEvidence *evidence, GPtrArray *failed)
{
    Reader reader = {.failed = failed};
    bool has_fields = read_status_parts(evidence, &reader);
    if (failed->len > 0) {
        refine_statuses(evidence, failed);
        return true;
    }
    if (has_fields && reader.failures == 0)
        return false; /* all went well */
    return read_json(evidence, failed) || read_words(evidence, failed);
}
