/*
 * The one way to wait in a C test: for something that becomes so. It costs
 * nothing when it is so, and the deadline is for a test that fails, not for a
 * machine that is slow.
 */
#ifndef SUPPORT_AWAIT_H
#define SUPPORT_AWAIT_H

#include <stdbool.h>

/* Look until `is_so`; false: not within 50 s. */
bool await(bool (*is_so)(void *data), void *data);

#endif
