#include "mail/subject.h"

#include <glib.h>
#include <string.h>

enum { PREFIX_MAX_BYTES = 40 };

static const struct {
    const char *word; /* lower case */
    SubjectKind kind;
} prefixes[] = {
    {"re", SUBJECT_REPLY},
    {"aw", SUBJECT_REPLY},
    {"antw", SUBJECT_REPLY},
    {"antwort", SUBJECT_REPLY},
    {"r", SUBJECT_REPLY},
    {"rif", SUBJECT_REPLY},
    {"ris", SUBJECT_REPLY},
    {"réf", SUBJECT_REPLY},
    {"ref", SUBJECT_REPLY},
    {"rép", SUBJECT_REPLY},
    {"res", SUBJECT_REPLY},
    {"resp", SUBJECT_REPLY},
    {"sv", SUBJECT_REPLY},
    {"vs", SUBJECT_REPLY},
    {"odp", SUBJECT_REPLY},
    {"atb", SUBJECT_REPLY},
    {"ats", SUBJECT_REPLY},
    {"vá", SUBJECT_REPLY},
    {"ynt", SUBJECT_REPLY},
    {"ynt.", SUBJECT_REPLY},
    {"cev", SUBJECT_REPLY},
    {"odg", SUBJECT_REPLY},
    {"отг", SUBJECT_REPLY},
    {"bls", SUBJECT_REPLY},
    {"balas", SUBJECT_REPLY},
    {"răspuns", SUBJECT_REPLY},
    {"απ", SUBJECT_REPLY},
    {"σχετ", SUBJECT_REPLY},
    {"відп", SUBJECT_REPLY},
    {"відповідь", SUBJECT_REPLY},
    {"на", SUBJECT_REPLY},
    {"отв", SUBJECT_REPLY},
    {"ответ", SUBJECT_REPLY},
    {"ha", SUBJECT_REPLY},
    {"תשובה", SUBJECT_REPLY},
    {"رد", SUBJECT_REPLY},
    {"回复", SUBJECT_REPLY},
    {"答复", SUBJECT_REPLY},
    {"回覆", SUBJECT_REPLY},
    {"返信", SUBJECT_REPLY},
    {"回信", SUBJECT_REPLY},
    {"회신", SUBJECT_REPLY},
    {"답장", SUBJECT_REPLY},
    {"fw", SUBJECT_FORWARD},
    {"fwd", SUBJECT_FORWARD},
    {"wg", SUBJECT_FORWARD},
    {"i", SUBJECT_FORWARD},
    {"inoltro", SUBJECT_FORWARD},
    {"tr", SUBJECT_FORWARD},
    {"rv", SUBJECT_FORWARD},
    {"enc", SUBJECT_FORWARD},
    {"doorst", SUBJECT_FORWARD},
    {"vb", SUBJECT_FORWARD},
    {"vl", SUBJECT_FORWARD},
    {"pd", SUBJECT_FORWARD},
    {"továbbítás", SUBJECT_FORWARD},
    {"ilt", SUBJECT_FORWARD},
    {"i̇lt", SUBJECT_FORWARD}, /* "İLT" in lower case has a second dot */
    {"trs", SUBJECT_FORWARD},
    {"přeposláno", SUBJECT_FORWARD},
    {"reenv", SUBJECT_FORWARD},
    {"прп", SUBJECT_FORWARD},
    {"πρθ", SUBJECT_FORWARD},
    {"пер", SUBJECT_FORWARD},
    {"переслано", SUBJECT_FORWARD},
    {"הועבר", SUBJECT_FORWARD},
    {"转发", SUBJECT_FORWARD},
    {"轉寄", SUBJECT_FORWARD},
    {"轉發", SUBJECT_FORWARD},
    {"転送", SUBJECT_FORWARD},
    {"전달", SUBJECT_FORWARD},
};

const char *
subject_prefix_at(size_t index)
{
    return index < G_N_ELEMENTS(prefixes) ? prefixes[index].word : NULL;
}

/* Length of ":" or its wide sister; 0 if `p` is at none. */
static size_t
colon_length(const char *p)
{
    static const char wide[] = "\xEF\xBC\x9A";
    return *p == ':' ? 1 : strncmp(p, wide, 3) == 0 ? 3 : 0;
}

static SubjectKind
word_kind(const char *word, size_t length)
{
    g_autofree char *lower = g_utf8_strdown(word, (gssize)length);
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (strcmp(prefixes[i].word, lower) == 0)
            return prefixes[i].kind;
    return SUBJECT_NEW;
}

/* Step over one prefix; SUBJECT_NEW if there is none. */
static SubjectKind
take_prefix(const char **position)
{
    const char *start = *position + strspn(*position, " \t");
    size_t length = 0;
    while (length < PREFIX_MAX_BYTES && start[length] != '\0' &&
           strchr(" \t([^:", start[length]) == NULL &&
           colon_length(start + length) == 0)
        length++;
    SubjectKind kind = length > 0 ? word_kind(start, length) : SUBJECT_NEW;
    const char *p =
        start + length + strspn(start + length, " \t([^0123456789])");
    size_t colon = colon_length(p);
    if (kind == SUBJECT_NEW || colon == 0)
        return SUBJECT_NEW;
    p += colon;
    *position = p + strspn(p, " \t");
    return kind;
}

SubjectKind
subject_kind(const char *subject)
{
    return take_prefix(&subject);
}

const char *
subject_base(const char *subject)
{
    while (take_prefix(&subject) != SUBJECT_NEW)
        ;
    return subject + strspn(subject, " \t");
}
