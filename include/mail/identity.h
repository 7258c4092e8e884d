/*
 * Which bytes of a mail say that it is the same mail again. Two keys, two
 * needs: the source digest answers "is this the same hand-over again?", the
 * content digest "is this the same mail by another way?". Pure: these functions
 * choose the bytes; whoever has a hash function hashes them.
 */
#ifndef MAIL_IDENTITY_H
#define MAIL_IDENTITY_H

#include <glib.h>
#include <stdbool.h>

/*
 * The offset behind the leading lines that differ between attempts of an MTA:
 * Return-Path, Delivered-To, X-Original-To and an mbox "From " line, in any
 * order, folded lines included. The list is frozen: stored keys depend on it.
 */
size_t identity_source_offset(const char *bytes, size_t length);

/*
 * The envelope sender as the last server wrote it down: the first Return-Path
 * of the header (RFC 5321 4.4), without brackets; "" is the null reverse-path.
 * NULL if there is none, or none that could be one. At most 64 KiB of header
 * are looked through, so far as fields begin there.
 */
char *identity_return_path(const char *bytes, size_t length);

/*
 * Call `feed` with the pieces that make the content digest: every header field
 * but trace and filter fields (Received, Return-Path, Delivered-To,
 * X-Original-To, Authentication-Results, ARC-*, DKIM-Signature, X-Spam-*, ...:
 * the table is in identity.c), then the body. Line ends are fed as they are
 * but a CR before LF is left out, so that LMTP and pipe agree. Trailing empty
 * lines are not fed.
 * Returns: false if the header has no Message-ID. What was fed means nothing
 * then: two alarms of a script that sets no id may differ in nothing but trace
 * fields, and are two mails.
 */
bool identity_content_feed(const char *bytes, size_t length,
                           void (*feed)(void *context, const char *piece,
                                        size_t piece_length),
                           void *context);

#endif
