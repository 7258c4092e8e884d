/*
 * The mails of the benchmark. Each follows from a seed and its number alone:
 * the same everywhere, in any order, and nobody's mail.
 *
 *   sizes      median 6 KB, mean 24 KB, tail to 1 MB (a table of quantiles)
 *   shapes     plain; HTML; both; with one to three attachments
 *   languages  eight; of those that are not English a third of the mails are
 *              in a charset older than UTF-8; 7bit, 8bit, quoted-printable and
 *              base64
 *   threads    every fifth answers an earlier mail of the same writer, with
 *              In-Reply-To and References; all other writers are distinct
 */
#ifndef BENCH_MAILS_H
#define BENCH_MAILS_H

#include <glib.h>
#include <stdint.h>

typedef struct {
    char *sender;   /* envelope sender, the address in From */
    GString *bytes; /* the mail, CRLF */
} BenchMail;

BenchMail *bench_mail_new(uint64_t seed, uint64_t index);
void bench_mail_free(BenchMail *mail);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BenchMail, bench_mail_free)

#endif
