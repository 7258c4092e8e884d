#include "mail/identity.h"

#include <string.h>

#include "mail/address.h"
#include "mail/header.h"

enum { PATH_LOOK_BYTES = 64 * 1024, PATH_FIELD_BYTES = 1024 };

/* Frozen: the keys of stored deliveries depend on this list. */
static const char *const attempt_fields[] = {"Return-Path", "Delivered-To",
                                             "X-Original-To"};

/*
 * What the road adds to a mail. A name that ends with "-" stands for all that
 * begin so. Frozen as well: stored content digests depend on it.
 */
static const char *const road_fields[] = {
    "Received",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Envelope-From",
    "X-Delivered-To",
    "X-Received",
    "Received-SPF",
    "Authentication-Results",
    "Authentication-Results-Original",
    "ARC-",
    "DKIM-Signature",
    "X-Google-DKIM-Signature",
    "DomainKey-Signature",
    "X-Spam",
    "X-Spam-",
    "X-Virus-",
    "X-Rspamd-",
    "X-Amavis-",
    "X-Forefront-",
    "X-Microsoft-Antispam",
    "X-Microsoft-Antispam-",
    "X-MS-Exchange-",
    "X-Gm-",
    "X-Google-",
    "X-Forwarded-",
    "Status",
    "X-Status",
    "X-UID",
    "X-Keywords",
    "X-Mozilla-",
    "Content-Length",
    "Lines",
};

static bool
is_listed(const char *name, size_t length, const char *const *list,
          size_t list_length)
{
    for (size_t i = 0; i < list_length; i++) {
        size_t n = strlen(list[i]);
        bool is_prefix = list[i][n - 1] == '-';
        if ((is_prefix ? length > n : length == n) &&
            g_ascii_strncasecmp(name, list[i], n) == 0)
            return true;
    }
    return false;
}

size_t
identity_source_offset(const char *bytes, size_t length)
{
    size_t offset = 0, next;
    bool in_listed = false;
    for (; offset < length; offset = next) {
        next = header_next_line(bytes, length, offset);
        const char *line = bytes + offset;
        size_t n = next - offset;
        if (*line == ' ' || *line == '\t') {
            if (!in_listed)
                break;
            continue;
        }
        in_listed = is_listed(line, header_name_length(line, n), attempt_fields,
                              G_N_ELEMENTS(attempt_fields)) ||
                    (n > 5 && memcmp(line, "From ", 5) == 0);
        if (!in_listed)
            break;
    }
    return offset;
}

typedef struct {
    void (*feed)(void *context, const char *piece, size_t piece_length);
    void *context;
} Feed;

/* Feed the bytes without each CR that stands before LF. */
static void
feed_lines(const Feed *feed, const char *bytes, size_t length)
{
    const char *end = bytes + length;
    while (bytes < end) {
        const char *cr = memchr(bytes, '\r', (size_t)(end - bytes));
        while (cr != NULL && !(cr + 1 < end && cr[1] == '\n'))
            cr = memchr(cr + 1, '\r', (size_t)(end - cr - 1));
        const char *stop = cr != NULL ? cr : end;
        if (stop > bytes)
            feed->feed(feed->context, bytes, (size_t)(stop - bytes));
        bytes = cr != NULL ? cr + 1 : end;
    }
}

static bool
has_value(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isspace(line[i]))
            return true;
    return false;
}

/* "<a@b>" or "a@b", comments and blanks around; NULL if it is neither. */
static char *
path_of(const char *value, size_t length)
{
    if (length > PATH_FIELD_BYTES)
        return NULL;
    g_autofree char *text = g_strndup(value, length);
    char *path = g_strstrip(text);
    size_t n = strlen(path);
    bool bracketed = n >= 2 && path[0] == '<' && path[n - 1] == '>';
    if (bracketed) {
        path[n - 1] = '\0';
        path = g_strstrip(path + 1);
    }
    bool is_path = address_is_sendable(path) || (bracketed && *path == '\0');
    return is_path ? g_strdup(path) : NULL;
}

char *
identity_return_path(const char *bytes, size_t length)
{
    static const char name[] = "Return-Path";
    size_t next;
    size_t looked = MIN(length, PATH_LOOK_BYTES);
    for (size_t offset = 0; offset < looked; offset = next) {
        next = header_next_line(bytes, length, offset);
        const char *line = bytes + offset;
        size_t n = next - offset;
        if (*line == '\n' || (*line == '\r' && n == 2))
            return NULL;
        size_t name_length = header_name_length(line, n);
        if (name_length != strlen(name) ||
            g_ascii_strncasecmp(line, name, name_length) != 0)
            continue;
        while (next < looked && (bytes[next] == ' ' || bytes[next] == '\t'))
            next = header_next_line(bytes, length, next);
        const char *colon = memchr(line, ':', n);
        return path_of(colon + 1, (size_t)(bytes + next - colon - 1));
    }
    return NULL;
}

bool
identity_content_feed(const char *bytes, size_t length,
                      void (*feed)(void *context, const char *piece,
                                   size_t piece_length),
                      void *context)
{
    const Feed to = {feed, context};
    bool has_message_id = false, in_road_field = false;
    size_t offset = 0, next;
    for (; offset < length; offset = next) {
        next = header_next_line(bytes, length, offset);
        const char *line = bytes + offset;
        size_t n = next - offset;
        if (*line == '\n' || (*line == '\r' && n == 2))
            break;
        if (*line != ' ' && *line != '\t') {
            size_t name = header_name_length(line, n);
            in_road_field =
                (offset == 0 && n > 5 && memcmp(line, "From ", 5) == 0) ||
                is_listed(line, name, road_fields, G_N_ELEMENTS(road_fields));
            if (name == strlen("Message-ID") &&
                g_ascii_strncasecmp(line, "Message-ID", name) == 0)
                has_message_id |= has_value(line + name + 1, n - name - 1);
        }
        if (!in_road_field)
            feed_lines(&to, line, n);
    }
    while (length > offset &&
           (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
        length--;
    feed_lines(&to, bytes + offset, length - offset);
    return has_message_id;
}
