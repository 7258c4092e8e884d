#include "fixture.h"
void
add_inspect_tests(Suite *suite)
{
    (void)suite;
}
