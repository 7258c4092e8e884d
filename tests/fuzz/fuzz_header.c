/* The value of a header field, as everything that one may be. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "mail/address.h"
#include "mail/content.h"
#include "mail/msgid.h"
#include "mail/subject.h"
#include "mail/transfer.h"
#include "mail/words.h"

static void
read_addresses(const char *value, size_t length)
{
    bool more;
    g_autoptr(GPtrArray) list = address_list_parse(value, length, 5, &more);
    g_assert(list->len <= 5);
    for (guint i = 0; i < list->len; i++) {
        const Address *address = list->pdata[i];
        g_assert(*address->addr_spec != '\0');
        g_assert(strlen(address->addr_spec) <= ADDRESS_MAX_BYTES);
        g_assert(text_is_valid(address->name, strlen(address->name)));
        g_assert(strpbrk(address->name, "\r\n") == NULL);
        g_autofree char *key = address_key(address->addr_spec);
        g_autofree char *ascii = address_to_ascii(address->addr_spec);
        g_autofree char *detail = NULL;
        g_autofree char *plain =
            address_without_detail(address->addr_spec, '+', &detail);
        g_assert(key != NULL && plain != NULL);
        g_assert(ascii == NULL || address_is_ascii(ascii));
    }
}

static void
read_content(const char *value, size_t length)
{
    g_autoptr(Content) content = content_parse(value, length);
    g_assert(content->names->len == content->values->len);
    for (guint i = 0; i < content->values->len; i++) {
        const char *text = content->values->pdata[i];
        g_assert(text_is_valid(text, strlen(text)));
    }
    content_parameter(content, "boundary");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *value = (const char *)data;
    read_addresses(value, size);
    read_content(value, size);
    transfer_parse(value, size);
    g_autofree char *words = words_decode(value, size);
    g_assert(text_is_valid(words, strlen(words)));
    g_assert(strpbrk(words, "\r\n") == NULL);
    subject_kind(words);
    subject_base(words);
    g_autofree char *repaired = text_repair(value, size);
    g_autofree char *id = msgid_parse(repaired);
    g_assert(id == NULL || strpbrk(id, "\r\n<>") == NULL);
    g_autoptr(GPtrArray) ids = msgid_list_parse(repaired);
    for (guint i = 0; i < ids->len; i++)
        g_assert(strpbrk(ids->pdata[i], "\r\n<>") == NULL);
    return 0;
}
