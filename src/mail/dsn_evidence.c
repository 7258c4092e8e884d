#include "mail/dsn_evidence.h"

#include <string.h>

#include "mail/address.h"
#include "mail/dsn_text.h"
#include "mail/dsn_words.h"
#include "mail/entity.h"
#include "mail/subject.h"

static bool
has_status_part(const GPtrArray *entities)
{
    for (guint i = 0; i < entities->len; i++) {
        const Entity *entity = entities->pdata[i];
        if (content_is(entity->type, "message/delivery-status") ||
            content_is(entity->type, "message/global-delivery-status"))
            return true;
    }
    return false;
}

static bool
has_any(const char *lower, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(lower, words[i]) != NULL)
            return true;
    return false;
}

/* True if the local part of the From field is `name`. */
static bool
has_local_part(const char *from, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = from; (p = strstr(p, name)) != NULL; p++)
        if ((p == from || strchr("< \"", p[-1]) != NULL) &&
            (p[n] == '@' || p[n] == '\0' || strchr("> (", p[n]) != NULL))
            return true;
    return false;
}

/* Does a mail system speak? By the local part, or the null path. */
static bool
is_from_machine(const DsnEvidence *evidence, const char *from)
{
    static const char *const names[] = {"mailer-daemon", "mailerdaemon",
                                        "postmaster", "post_master", "mdaemon"};
    if (evidence->envelope_sender != NULL && *evidence->envelope_sender == '\0')
        return true;
    const Entity *root = evidence->entities->pdata[0];
    g_autofree char *path = header_text(root->header, "Return-Path");
    bool is_null = path != NULL && strcmp(path, "<>") == 0;
    /* Who forgot From may still be known to the MTA. */
    bool is_known = evidence->envelope_sender != NULL ||
                    (path != NULL && strchr(path, '@') != NULL);
    bool is_nobody = *from == '\0' || strcmp(from, "<>") == 0;
    if (is_null || (is_nobody && !is_known) ||
        strstr(from, "microsoftexchange") != NULL)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (has_local_part(from, names[i]))
            return true;
    return false;
}

/* Called like a mail system, as people who look after one may be, too. */
static bool
is_called_machine(const char *from)
{
    static const char *const names[] = {
        "mailer-daemon",        "mailerdaemon",  "mailer daemon",
        "mail delivery",        "mail.delivery", "maildelivery",
        "postmaster",           "post_master",   "mail administrator",
        "system administrator", "mail system",   "mdaemon",
        "mail router",          "mail server"};
    return has_any(from, names, G_N_ELEMENTS(names));
}

/* "From: mx.example.org", and nobody else is known either. */
static bool
is_only_a_name(const DsnEvidence *evidence, const char *from)
{
    const Entity *root = evidence->entities->pdata[0];
    return *from != '\0' && strchr(from, '@') == NULL &&
           evidence->envelope_sender == NULL &&
           header_find(root->header, "Return-Path") == NULL;
}

/* Somebody no one can answer; people who tell of a bounce are not meant. */
static bool
is_from_robot(const char *from)
{
    static const char *const names[] = {"no-reply",     "noreply",
                                        "no_reply",     "donotreply",
                                        "do-not-reply", "autoreply"};
    return has_any(from, names, G_N_ELEMENTS(names));
}

void
dsn_addresses(GPtrArray *own, const Header *header, const char *name)
{
    enum { OWN_MAX = 10 };
    const HeaderField *field = header_find(header, name);
    if (field == NULL)
        return;
    g_autoptr(GPtrArray) list =
        address_list_parse(field->value, field->value_length, OWN_MAX, NULL);
    for (guint i = 0; i < list->len; i++)
        g_ptr_array_add(
            own, address_key(((const Address *)list->pdata[i])->addr_spec));
}

/* Who wrote the report, to whom, and who wrote the mail that is returned. */
GPtrArray *
dsn_own_addresses(const DsnEvidence *evidence, const Header *returned)
{
    GPtrArray *own = g_ptr_array_new_with_free_func(g_free);
    const Entity *root = evidence->entities->pdata[0];
    dsn_addresses(own, root->header, "From");
    dsn_addresses(own, root->header, "To");
    dsn_addresses(own, root->header, "Reply-To");
    if (returned != NULL) {
        dsn_addresses(own, returned, "From");
        dsn_addresses(own, returned, "Return-Path");
        dsn_addresses(own, returned, "Reply-To");
    }
    return own;
}

/* The header of the returned mail: attached, or below the report. */
Header *
dsn_returned_header(const DsnEvidence *evidence, size_t report)
{
    g_autoptr(GPtrArray) ignored = g_ptr_array_new();
    for (guint i = 1; i < evidence->entities->len; i++) {
        const Entity *entity = evidence->entities->pdata[i];
        if (content_is(entity->type, "message/rfc822") ||
            content_is(entity->type, "text/rfc822-headers"))
            return header_read(entity->body, entity->length,
                               &mail_limits_default, NULL, NULL, ignored);
    }
    const char *text = evidence->text + report;
    if (header_name_length(text, strcspn(text, "\n")) == 0) {
        text += strcspn(text, "\n"); /* the line that separates */
        text += strspn(text, "\n");
    }
    return header_read(text, strlen(text), &mail_limits_default, NULL, NULL,
                       ignored);
}

/* True if a mail is returned: below the report, or as a part. */
static bool
has_returned(const DsnEvidence *evidence, size_t report)
{
    for (guint i = 1; i < evidence->entities->len; i++) {
        const Entity *entity = evidence->entities->pdata[i];
        if (content_is(entity->type, "message/rfc822") ||
            content_is(entity->type, "text/rfc822-headers"))
            return true;
    }
    return evidence->text[report] != '\0';
}

typedef enum {
    SPEAKER_PERSON, /* or a gateway with an ordinary address */
    SPEAKER_ROBOT,
    SPEAKER_CALLED, /* like a mail system, by a name */
    SPEAKER_MACHINE,
    SPEAKER_OUTRIGHT /* fields say that it is a report */
} Speaker;

/* By the header alone: most mail is from people, and its text is not read for
 * the words of mail systems. */
static Speaker
speaker_of(const DsnEvidence *evidence)
{
    const Entity *root = evidence->entities->pdata[0];
    if (header_find(root->header, "X-Failed-Recipients") != NULL ||
        has_status_part(evidence->entities))
        return SPEAKER_OUTRIGHT;
    g_autofree char *field = header_text(root->header, "From");
    g_autofree char *from = g_utf8_strdown(field != NULL ? field : "", -1);
    if (is_from_machine(evidence, from))
        return SPEAKER_MACHINE;
    if (is_called_machine(from) || is_only_a_name(evidence, from))
        return SPEAKER_CALLED;
    return is_from_robot(from) ? SPEAKER_ROBOT : SPEAKER_PERSON;
}

/* True if the returned mail was sent by whom the report is written to. */
static bool
returns_to_sender(const DsnEvidence *evidence, size_t report)
{
    static const char *const senders[] = {"From", "Sender", "Return-Path",
                                          "Errors-To"};
    const Entity *root = evidence->entities->pdata[0];
    g_autoptr(Header) returned = dsn_returned_header(evidence, report);
    g_autoptr(GPtrArray) to = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) from = g_ptr_array_new_with_free_func(g_free);
    dsn_addresses(to, root->header, "To");
    for (size_t i = 0; i < G_N_ELEMENTS(senders); i++)
        dsn_addresses(from, returned, senders[i]);
    for (guint i = 0; i < to->len; i++)
        for (guint j = 0; j < from->len; j++)
            if (strcmp(to->pdata[i], from->pdata[j]) == 0)
                return true;
    return false;
}

/*
 * True if the header is as bare as a program's: an address without a name, and
 * nothing that mail programs of people write.
 */
static bool
is_bare(const Header *header)
{
    static const char *const peoples[] = {"In-Reply-To", "References",
                                          "User-Agent", "X-Mailer"};
    for (size_t i = 0; i < G_N_ELEMENTS(peoples); i++)
        if (header_find(header, peoples[i]) != NULL)
            return false;
    const HeaderField *from = header_find(header, "From");
    g_autoptr(GPtrArray) list =
        address_list_parse(from != NULL ? from->value : "",
                           from != NULL ? from->value_length : 0, 1, NULL);
    return list->len == 1 && *((const Address *)list->pdata[0])->name == '\0';
}

/*
 * A filter or a gateway that has an ordinary address. People tell of a bounce
 * in the same words, so more must speak for it.
 */
static bool
is_report_of_gateway(const DsnEvidence *evidence, size_t report)
{
    const Entity *root = evidence->entities->pdata[0];
    if (returns_to_sender(evidence, report))
        return true;
    if (!is_bare(root->header))
        return false;
    g_autoptr(Header) returned = dsn_returned_header(evidence, report);
    g_autoptr(GPtrArray) own = dsn_own_addresses(evidence, returned);
    return dsn_text_names_recipient(evidence->text, report, own);
}

/* Is this a report at all? Said outright, or told in words by a mail system. */
bool
dsn_is_from_machine(const DsnEvidence *evidence)
{
    return speaker_of(evidence) != SPEAKER_PERSON;
}

bool
dsn_is_report(const DsnEvidence *evidence, size_t *ret_report)
{
    Speaker speaker = speaker_of(evidence);
    bool in_subject =
        dsn_words_tell_failure(evidence->subject, strlen(evidence->subject));
    /* The text of most mail is not read. */
    if (speaker == SPEAKER_PERSON &&
        (!in_subject || subject_kind(evidence->subject) == SUBJECT_FORWARD))
        return false;
    size_t report = dsn_text_report_length(evidence->text);
    *ret_report = report;
    if (speaker == SPEAKER_OUTRIGHT)
        return true;
    if (speaker == SPEAKER_ROBOT && !has_returned(evidence, report))
        return false;
    bool in_text = dsn_words_tell_failure(evidence->text, report);
    switch (speaker) {
    case SPEAKER_MACHINE:
        return in_subject || in_text;
    case SPEAKER_ROBOT:
    case SPEAKER_CALLED:
        return in_subject && in_text;
    default:
        return in_subject && in_text && is_report_of_gateway(evidence, report);
    }
}
