/*
 * Named points at which a test build dies, as if the plug were pulled. When the
 * directory in POSTERN_FAILPOINTS holds a file of that name, it is removed and
 * the process kills itself: each file costs one life. Other builds have none.
 *
 * And mails that a test build dies of: "X-Failpoint: crash", "spin" or "eat" in
 * the header of one does that to whoever reads it; "X-Failpoint: fetched" kills
 * who fetches it, each time as long as there is a file "watch.mail".
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef POSTERN_FAILPOINTS
#include <stddef.h>
void failpoint(const char *name);
void failpoint_mail(const char *bytes, size_t length);
void failpoint_fetched(const char *bytes, size_t length);
#define FAILPOINT(name) failpoint(name)
#define FAILPOINT_MAIL(bytes, length) failpoint_mail(bytes, length)
#define FAILPOINT_FETCHED(bytes, length) failpoint_fetched(bytes, length)
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_MAIL(bytes, length) ((void)0)
#define FAILPOINT_FETCHED(bytes, length) ((void)0)
#endif

#endif
