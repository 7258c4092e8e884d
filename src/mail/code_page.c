#include "mail/code_page.h"

#include <glib.h>

char *
code_page_charset(uint32_t code_page)
{
    static const struct {
        uint32_t code_page;
        const char *charset;
    } others[] = {
        {0, "windows-1252"},    {20127, "us-ascii"},    {20866, "koi8-r"},
        {21866, "koi8-u"},      {20932, "euc-jp"},      {51932, "euc-jp"},
        {50220, "iso-2022-jp"}, {50221, "iso-2022-jp"}, {50222, "iso-2022-jp"},
        {51949, "euc-kr"},      {52936, "hz-gb-2312"},  {54936, "gb18030"},
        {65000, "utf-7"},       {65001, "utf-8"},       {1200, "utf-16le"},
        {1201, "utf-16be"},     {10000, "macintosh"},   {38598, "iso-8859-8-i"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (others[i].code_page == code_page)
            return g_strdup(others[i].charset);
    if (code_page > 28590 && code_page <= 28606)
        return g_strdup_printf("iso-8859-%u", code_page - 28590);
    if (code_page == 874 || (code_page >= 1250 && code_page <= 1258))
        return g_strdup_printf("windows-%u", code_page);
    return g_strdup_printf("cp%u", code_page);
}
