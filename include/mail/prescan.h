/*
 * The least that can be read of a mail, for one that has killed its reader
 * again and again: no MIME, no charsets, no HTML, no library.
 */
#ifndef MAIL_PRESCAN_H
#define MAIL_PRESCAN_H

#include "mail/mail.h"

enum { PRESCAN_TEXT_BYTES = 64 * 1024 }; /* of the body that are shown */

/*
 * Subject and From as they stand there, ids, and the beginning of the undecoded
 * body as text; the defect "only-pre-scanned". It is not acknowledged: nobody
 * knows whether a person wrote it. Returns: a Mail as from mail_parse().
 */
Mail *prescan(GBytes *raw, const MailLimits *limits);

#endif
