#include "fixture.h"
void
add_outbox_tests(Suite *suite)
{
    (void)suite;
}
