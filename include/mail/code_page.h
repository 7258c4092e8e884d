/* Windows code pages, by which Outlook's formats name charsets. */
#ifndef MAIL_CODE_PAGE_H
#define MAIL_CODE_PAGE_H

#include <stdint.h>

/* The charset's name for charset.h, which may not know it. g_free() it. */
char *code_page_charset(uint32_t code_page);

#endif
