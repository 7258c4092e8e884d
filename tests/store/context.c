#include "fixture.h"
void
add_context_tests(Suite *suite)
{
    (void)suite;
}
