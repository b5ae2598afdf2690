/* The command line of pareto-model, its man page, completion and help. */
#include "evaluator/model/model.h"
#include "tests/lib/documents.h"

static void man_page_completion_and_help_are_complete(void **state) {
    (void)state;
    check_documents(&model__program, "evaluator/model/pareto-model.1");
    check_completions(&model__program);
}

static void help_fits_80_columns(void **state) {
    (void)state;
    for (int i = 0; i <= model__program.n_commands; i++)
        check_help_width(&model__program, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(man_page_completion_and_help_are_complete),
        cmocka_unit_test(help_fits_80_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
