#include "fixture.h"
void
add_record_tests(Suite *suite)
{
    (void)suite;
}
