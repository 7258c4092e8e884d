/*
 * Named points at which a test build dies, as if the plug were pulled. When the
 * directory in POSTERN_FAILPOINTS holds a file of that name, it is removed and
 * the process kills itself: each file costs one life. Other builds have none.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef POSTERN_FAILPOINTS
void failpoint(const char *name);
#define FAILPOINT(name) failpoint(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
