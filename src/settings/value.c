#include "value.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mail/address.h"

typedef struct {
    const char *name;
    int64_t factor;
} Unit;

/* Largest first: the first that divides a number prints it. */
static const Unit duration_units[] = {
    {"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}, {NULL, 0}};
static const Unit size_units[] = {{"GiB", 1024 * 1024 * 1024},
                                  {"MiB", 1024 * 1024},
                                  {"KiB", 1024},
                                  {"B", 1},
                                  {NULL, 0}};

ValueForm
value_form(KeyType type)
{
    switch (type) {
    case KEY_INTEGER:
        return FORM_NUMBER;
    case KEY_BOOL:
        return FORM_BOOL;
    case KEY_ADDRESSES:
    case KEY_ARGV:
        return FORM_LIST;
    case KEY_STRING:
    case KEY_NAME:
    case KEY_LANGUAGE:
    case KEY_ACCOUNT:
    case KEY_HOST:
    case KEY_PATH:
    case KEY_ADDRESS:
    case KEY_CONNINFO:
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_MODE:
    case KEY_DATE:
    case KEY_WORD:
        return FORM_TEXT;
    }
    g_assert_not_reached();
}

static const char *
skip_spaces(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Digits at *p; false on none or on more than 63 bits. Moves *p behind them. */
static bool
take_number(const char **p, int64_t *ret_number)
{
    const char *digits = *p;
    int64_t number = 0;
    for (; g_ascii_isdigit(**p); (*p)++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, **p - '0', &number))
            return false;
    *ret_number = number;
    return *p != digits;
}

static const Unit *
take_unit(const char **p, const Unit *units)
{
    size_t length = strspn(*p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz");
    for (; units->name != NULL; units++) {
        if (strlen(units->name) == length &&
            strncmp(units->name, *p, length) == 0) {
            *p += length;
            return units;
        }
    }
    return NULL;
}

/* "1h 30min": numbers with units, added up; "0" needs none. */
static bool
parse_amount(const char *text, const Unit *units, int64_t *ret_amount)
{
    int64_t amount = 0;
    const char *p = text;
    if (strcmp(text, "0") == 0) {
        *ret_amount = 0;
        return true;
    }
    do {
        int64_t number = 0;
        if (!take_number(&p, &number))
            return false;
        p = skip_spaces(p);
        const Unit *unit = take_unit(&p, units);
        if (unit == NULL ||
            __builtin_mul_overflow(number, unit->factor, &number) ||
            __builtin_add_overflow(amount, number, &amount))
            return false;
        p = skip_spaces(p);
    } while (*p != '\0');
    *ret_amount = amount;
    return true;
}

static char *
print_amount(int64_t amount, const Unit *unit)
{
    if (amount == 0)
        return g_strdup("0");
    while (amount % unit->factor != 0)
        unit++;
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", amount / unit->factor,
                           unit->name);
}

bool
value_duration_parse(const char *text, int64_t *ret_s)
{
    return parse_amount(text, duration_units, ret_s);
}

char *
value_duration_text(int64_t duration_s)
{
    return print_amount(duration_s, duration_units);
}

bool
value_size_parse(const char *text, int64_t *ret_bytes)
{
    return parse_amount(text, size_units, ret_bytes);
}

char *
value_size_text(int64_t bytes)
{
    return print_amount(bytes, size_units);
}

/* "0660": octal, with its leading 0 so that nobody takes it for decimal. */
static bool
parse_mode(const char *text, int64_t *ret_mode)
{
    size_t length = strlen(text);
    if (length < 2 || length > 5 || text[0] != '0' ||
        strspn(text, "01234567") != length)
        return false;
    *ret_mode = (int64_t)g_ascii_strtoull(text, NULL, 8);
    return true;
}

bool
value_date_parse(const char *text, int64_t *ret_s)
{
    int year, month, day, end = 0;
    *ret_s = 0;
    if (*text == '\0')
        return true;
    if (strspn(text, "0123456789-") != 10 ||
        sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 ||
        text[end] != '\0')
        return false;
    g_autoptr(GDateTime) date = g_date_time_new_utc(year, month, day, 0, 0, 0);
    /* No mail is older than that, and 0 is "all". */
    *ret_s = date == NULL ? -1 : g_date_time_to_unix(date);
    return *ret_s >= 0;
}

char *
value_date_text(int64_t date_s)
{
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(date_s);
    return date_s == 0 ? g_strdup("") : g_date_time_format(date, "%Y-%m-%d");
}

static bool
parse_word(const Key *key, const char *text, int64_t *ret_number)
{
    for (const KeyWord *word = key->words; word->name != NULL; word++) {
        if (strcmp(word->name, text) == 0) {
            *ret_number = word->value;
            return true;
        }
    }
    return false;
}

static void *
field(const Key *key, void *strukt)
{
    return (char *)strukt + key->offset;
}

static void
store_number(const Key *key, void *strukt, int64_t number)
{
    void *to = field(key, strukt);
    switch (key->width) {
    case sizeof(uint8_t):
        *(bool *)to = number != 0;
        return;
    case sizeof(uint16_t):
        *(uint16_t *)to = (uint16_t)number;
        return;
    case sizeof(uint32_t):
        *(uint32_t *)to = (uint32_t)number;
        return;
    case sizeof(int64_t):
        *(int64_t *)to = number;
        return;
    default:
        g_assert_not_reached(); /* a row of keys.c with a field of no number */
    }
}

int64_t
value_number(const Key *key, const void *strukt)
{
    const void *from = (const char *)strukt + key->offset;
    switch (key->width) {
    case sizeof(uint8_t):
        return *(const bool *)from;
    case sizeof(uint16_t):
        return *(const uint16_t *)from;
    case sizeof(uint32_t):
        return *(const uint32_t *)from;
    case sizeof(int64_t):
        return *(const int64_t *)from;
    default:
        g_assert_not_reached();
    }
}

const char *
value_text(const Key *key, const void *strukt)
{
    const void *from = (const char *)strukt + key->offset;
    return *(char *const *)from;
}

GStrv
value_list(const Key *key, const void *strukt)
{
    const void *from = (const char *)strukt + key->offset;
    return *(const GStrv *)from;
}

static void
store_text(const Key *key, void *strukt, const char *text)
{
    char **to = field(key, strukt);
    g_free(*to);
    *to = g_strdup(text);
}

static char *
out_of_range(const Key *key, const char *text)
{
    g_autofree char *range = keys_range_text(key);
    return g_strdup_printf("%s is out of range; write %s", text, range);
}

static bool
in_range(const Key *key, int64_t number)
{
    return (number >= key->min && number <= key->max) ||
           (key->or_zero && number == 0);
}

char *
value_set_number(const Key *key, void *strukt, int64_t number)
{
    if (!in_range(key, number)) {
        g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, number);
        return out_of_range(key, text);
    }
    store_number(key, strukt, number);
    return NULL;
}

void
value_set_bool(const Key *key, void *strukt, bool value)
{
    store_number(key, strukt, value);
}

static char *
no_such_word(const Key *key, const char *text)
{
    g_autofree char *words = keys_range_text(key);
    g_autofree char *shown = check_shown(text);
    return g_strdup_printf("'%s' is not known; write %s", shown, words);
}

static char *
no_such_amount(const Key *key, const char *text)
{
    g_autofree char *range = keys_range_text(key);
    g_autofree char *shown = check_shown(text);
    return g_strdup_printf("'%s' is not a %s; write %s", shown,
                           keys_type_text(key->type), range);
}

/* Texts that stand for a number. */
static char *
set_counted(const Key *key, void *strukt, const char *text, bool parsed,
            int64_t number)
{
    if (!parsed)
        return key->type == KEY_WORD ? no_such_word(key, text)
                                     : no_such_amount(key, text);
    if (key->type != KEY_WORD && key->type != KEY_DATE &&
        !in_range(key, number))
        return out_of_range(key, text);
    store_number(key, strukt, number);
    return NULL;
}

char *
value_set_text(const Key *key, void *strukt, const char *text)
{
    char *fault = NULL;
    int64_t number = 0;
    switch (key->type) {
    case KEY_DURATION: {
        bool parsed = value_duration_parse(text, &number);
        return set_counted(key, strukt, text, parsed, number);
    }
    case KEY_SIZE: {
        bool parsed = value_size_parse(text, &number);
        return set_counted(key, strukt, text, parsed, number);
    }
    case KEY_MODE: {
        bool parsed = parse_mode(text, &number);
        return set_counted(key, strukt, text, parsed, number);
    }
    case KEY_DATE: {
        bool parsed = value_date_parse(text, &number);
        return set_counted(key, strukt, text, parsed, number);
    }
    case KEY_WORD: {
        bool parsed = parse_word(key, text, &number);
        return set_counted(key, strukt, text, parsed, number);
    }
    case KEY_STRING:
    case KEY_NAME:
    case KEY_LANGUAGE:
    case KEY_ACCOUNT:
    case KEY_HOST:
    case KEY_PATH:
    case KEY_ADDRESS:
    case KEY_CONNINFO:
        fault = check_text(key, text);
        if (fault == NULL)
            store_text(key, strukt, text);
        return fault;
    case KEY_INTEGER:
    case KEY_BOOL:
    case KEY_ADDRESSES:
    case KEY_ARGV:
        break;
    }
    g_assert_not_reached(); /* value_form() says these are no texts */
}

/* The same address twice in one list is a slip. */
static char *
repeated(const char *const *texts, size_t index)
{
    g_autofree char *key = address_key(texts[index]);
    for (size_t i = 0; i < index; i++) {
        g_autofree char *other = address_key(texts[i]);
        if (strcmp(key, other) == 0)
            return g_strdup_printf("'%s' stands here twice; remove one",
                                   texts[index]);
    }
    return NULL;
}

char *
value_set_list(const Key *key, void *strukt, const char *const *texts,
               size_t count)
{
    if ((int64_t)count < key->min || (int64_t)count > key->max) {
        g_autofree char *range = keys_range_text(key);
        return g_strdup_printf("has %zu entries; write %s", count, range);
    }
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    for (size_t i = 0; i < count; i++) {
        char *fault = check_element(key, texts[i], i);
        if (fault == NULL && key->type == KEY_ADDRESSES)
            fault = repeated(texts, i);
        if (fault != NULL)
            return fault;
        g_strv_builder_add(list, texts[i]);
    }
    GStrv *to = field(key, strukt);
    g_strfreev(*to);
    *to = g_strv_builder_end(list);
    return NULL;
}

void
value_set_standard(const Key *key, void *strukt)
{
    char *fault = NULL;
    switch (value_form(key->type)) {
    case FORM_BOOL:
        value_set_bool(key, strukt, g_strcmp0(key->standard, "true") == 0);
        break;
    case FORM_NUMBER:
        fault = value_set_number(key, strukt,
                                 g_ascii_strtoll(key->standard, NULL, 10));
        break;
    case FORM_LIST: {
        GStrv *to = field(key, strukt);
        g_strfreev(*to);
        *to = g_new0(char *, 1);
        break;
    }
    case FORM_TEXT:
        if (key->standard == NULL)
            store_text(key, strukt, "");
        else
            fault = value_set_text(key, strukt, key->standard);
        break;
    }
    g_assert(fault == NULL); /* a default outside of its own range */
}

void
value_clear(const Key *key, void *strukt)
{
    switch (key->type) {
    case KEY_ADDRESSES:
    case KEY_ARGV:
        g_clear_pointer((GStrv *)field(key, strukt), g_strfreev);
        return;
    case KEY_STRING:
    case KEY_NAME:
    case KEY_LANGUAGE:
    case KEY_ACCOUNT:
    case KEY_HOST:
    case KEY_PATH:
    case KEY_ADDRESS:
    case KEY_CONNINFO:
        g_clear_pointer((char **)field(key, strukt), g_free);
        return;
    case KEY_INTEGER:
    case KEY_BOOL:
    case KEY_DURATION:
    case KEY_SIZE:
    case KEY_MODE:
    case KEY_DATE:
    case KEY_WORD:
        return;
    }
}
