/* Workload files of the replaced explorer, from strangers. What is refused has a reason and a place
 * inside the file; what is made is one document that our own reader understands, up to values out
 * of bounds; and all memory must be back. */
#include <stdlib.h>
#include <string.h>

#include "workloads/workloads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer: something was accepted that cannot be trusted. */
static void must(bool holds) {
    if (!holds)
        abort();
}

static void must_be_sound(const struct dse_imported *imported) {
    static struct dse_workload_errors errors;
    struct dse_arena arena = {0};
    struct dse_workload workload;
    size_t length = strlen(imported->yaml);
    enum dse_status status = dse_workload_parse(imported->yaml, length, "made.yaml", "/", &arena,
                                                &workload, &errors, NULL);
    must(status == DSE_OK || status == DSE_INVALID);
    for (int i = 0; status == DSE_INVALID && i < errors.n; i++)
        must(strncmp(errors.items[i].text, "not YAML", strlen("not YAML")) != 0);
    for (int i = 0; i < imported->n_notes; i++)
        must(imported->notes[i].key != NULL && imported->notes[i].why[0] != '\0');
    dse_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct dse_arena arena = {0};
    struct dse_imported imported;
    struct dse_err err = {0};
    size_t live = dse_alloc_live();
    enum dse_status status =
        dse_workload_import((const char *)data, size, "old.yaml", &arena, &imported, &err);
    if (status == DSE_OK)
        must_be_sound(&imported);
    else
        must(err.text[0] != '\0' && err.code == status);
    dse_arena_fini(&arena);
    must(dse_alloc_live() == live);
    return 0;
}
