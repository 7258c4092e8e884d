/*
 * Is a mail a report of failed delivery, and whose? What speaks for it: the
 * header, the mail that is returned, and the words. Private to dsn.c.
 */
#ifndef MAIL_DSN_EVIDENCE_H
#define MAIL_DSN_EVIDENCE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "mail/dsn.h"
#include "mail/header.h"

/*
 * Is this a report at all? Said outright by fields, or told in words by a mail
 * system; a person who tells of a bounce is not believed. ret_report is how
 * much of the text is the report.
 */
bool dsn_is_report(const DsnEvidence *evidence, size_t *ret_report);

/* True if a mail system, or somebody no one can answer, is who wrote. */
bool dsn_is_from_machine(const DsnEvidence *evidence);

/*
 * The header of the returned mail: attached, or below the report, which is the
 * first `report` bytes of the text. It borrows from `evidence`; never NULL.
 */
Header *dsn_returned_header(const DsnEvidence *evidence, size_t report);

/*
 * Who wrote the report, to whom, and who wrote the mail that is returned
 * (which may be NULL): keys of addresses (char*) that can hardly have failed.
 */
GPtrArray *dsn_own_addresses(const DsnEvidence *evidence,
                             const Header *returned);

/* Add the keys of the addresses of the field `name`, a few of them. */
void dsn_addresses(GPtrArray *keys, const Header *header, const char *name);

#endif
