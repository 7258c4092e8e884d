#include "fixture.h"
void
add_connection_tests(Suite *suite)
{
    (void)suite;
}
