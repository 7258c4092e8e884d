/*
 * What an IMAP server says: libetpan must live through whatever the guard lets
 * pass, and the guard must see the same however the bytes are cut.
 */
#include <libetpan/libetpan.h>

#include "../../src/transport/imap_guard.h"
#include "fuzz.h"
#include "served.h"

static bool
lets_pass(void *guard, const char *bytes, size_t n)
{
    return imap_guard_see(guard, bytes, n) == NULL;
}

static void
cut_it(const char *bytes, size_t size)
{
    ImapGuard whole = {.skip = 0}, single = {.skip = 0};
    const char *why = imap_guard_see(&whole, bytes, size);
    const char *also = NULL;
    for (size_t i = 0; i < size && also == NULL; i++)
        also = imap_guard_see(&single, bytes + i, 1);
    g_assert(why == also); /* static texts */
}

static void
search(mailimap *imap)
{
    clist *found = NULL;
    struct mailimap_search_key *key =
        mailimap_search_key_new_uid(mailimap_set_new_interval(1, 0));
    if (mailimap_uid_search(imap, NULL, key, &found) == MAILIMAP_NO_ERROR)
        mailimap_search_result_free(found);
    mailimap_search_key_free(key);
}

static void
fetch(mailimap *imap)
{
    clist *answers = NULL;
    struct mailimap_set *set = mailimap_set_new_interval(1, 20);
    struct mailimap_fetch_type *type = mailimap_fetch_type_new_fetch_att(
        mailimap_fetch_att_new_body_peek_section(mailimap_section_new(NULL)));
    if (mailimap_uid_fetch(imap, set, type, &answers) == MAILIMAP_NO_ERROR)
        mailimap_fetch_list_free(answers);
    mailimap_fetch_type_free(type);
    mailimap_set_free(set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ImapGuard guard = {.skip = 0};
    Served server = {(const char *)data, size, lets_pass, &guard};
    cut_it(server.next, size);
    mailimap *imap = mailimap_new(0, NULL);
    if (mailimap_connect(imap, served_open(&server)) ==
        MAILIMAP_NO_ERROR_NON_AUTHENTICATED) {
        imap->imap_state = MAILIMAP_STATE_AUTHENTICATED;
        uint64_t modseq = 0;
        mailimap_select_condstore(imap, "INBOX", &modseq);
        search(imap);
        fetch(imap);
    }
    mailimap_free(imap);
    return 0;
}
