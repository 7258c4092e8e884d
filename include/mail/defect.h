/* What was broken in a mail and repaired while it was read: stable slugs. */
#ifndef MAIL_DEFECT_H
#define MAIL_DEFECT_H

#include <glib.h>

#define DEFECT_EMPTY "empty"
#define DEFECT_NO_HEADER "no-header"
#define DEFECT_BARE_CR "bare-cr-lines"
#define DEFECT_HEADER_GARBAGE "header-garbage"
#define DEFECT_HEADER_UNENDED "header-unended"
#define DEFECT_HEADER_FIELD_LONG "header-field-too-long"
#define DEFECT_HEADER_LONG "header-too-long"
#define DEFECT_HEADER_FIELDS "too-many-header-fields"
#define DEFECT_DUPLICATE_FIELD "duplicate-field"
#define DEFECT_NO_FROM "no-from"
#define DEFECT_MANY_FROM "several-from"
#define DEFECT_ADDRESSES "too-many-addresses"
#define DEFECT_BAD_DATE "bad-date"
#define DEFECT_NO_BOUNDARY "multipart-without-boundary"
#define DEFECT_NO_PARTS "multipart-without-parts"
#define DEFECT_UNCLOSED "multipart-not-closed"
#define DEFECT_DEPTH "nested-too-deep"
#define DEFECT_PARTS "too-many-parts"
#define DEFECT_TNEF_BROKEN "tnef-broken"
#define DEFECT_TNEF_LARGE "tnef-too-large"
#define DEFECT_TEXT_LONG "text-too-long"
#define DEFECT_CHARSET "charset-repaired"
#define DEFECT_HOPS "too-many-hops"
#define DEFECT_NO_TEXT "no-readable-text"
#define DEFECT_PRESCANNED "only-pre-scanned"

/* Note `slug` (a static string) once. */
void defect_add(GPtrArray *defects, const char *slug);

/* The static string of a slug by that name; NULL if there is none. */
const char *defect_find(const char *name);

#endif
