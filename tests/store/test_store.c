/* The store against a private PostgreSQL; run by store.sh. */
#include <stdlib.h>

#include "fixture.h"

int
main(void)
{
    Suite *suite = suite_create("store");
    add_preparation(suite);
    add_schema_tests(suite);
    add_delivery_tests(suite);
    add_part_tests(suite);
    add_folder_tests(suite);
    add_record_tests(suite);
    add_context_tests(suite);
    add_outbox_tests(suite);
    add_settle_tests(suite);
    add_inspect_tests(suite);
    if (g_getenv("STORE_TEST_POOL") == NULL) {
        add_connection_tests(suite);
        add_cost_tests(suite);
        add_doubt_tests(suite);
        add_server_tests(suite);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
