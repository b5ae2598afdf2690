/* Workload files of strangers. Errors must have texts and stand inside the file; what is accepted
 * must read back, from what is printed, as the same workload; and all memory must be back. */
#include <stdlib.h>
#include <string.h>

#include "workloads/workloads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer: something was accepted that cannot be trusted. */
static void must(bool holds) {
    if (!holds)
        abort();
}

static int count_lines(const char *text, size_t size) {
    int lines = 2; /* libyaml ends the last line if the text does not */
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n' || text[i] == '\r' || (unsigned char)text[i] >= 0x80;
    return lines;
}

/* Lines end with other characters, too (U+0085, U+2028): those count above, at worst too often. */
static void must_have_sound_errors(const struct dse_workload_errors *errors, int lines) {
    must(errors->n > 0 && errors->n <= DSE_WORKLOAD_ERRORS_MAX);
    for (int i = 0; i < errors->n; i++)
        must(errors->items[i].text[0] != '\0' && errors->items[i].line <= lines);
}

static void must_read_back(const struct dse_workload *workload) {
    struct dse_arena arena = {0};
    struct dse_buf first = {0}, second = {0};
    struct dse_workload again;
    must(dse_workload_print(workload, &first, NULL) == DSE_OK);
    must(dse_workload_parse_stored(first.data, first.size, "printed", "/", &arena, &again, NULL) ==
         DSE_OK);
    must(dse_workload_print(&again, &second, NULL) == DSE_OK);
    must(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    dse_buf_fini(&first);
    dse_buf_fini(&second);
    dse_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct dse_workload_errors errors;
    const char *text = (const char *)data;
    size_t live = dse_alloc_live();
    struct dse_arena arena = {0};
    struct dse_workload workload;
    struct dse_err err = {0};
    enum dse_status status = dse_workload_parse(text, size, "fuzz.yaml", DSE_SAMPLES_DIR, &arena,
                                                &workload, &errors, &err);
    if (status == DSE_OK)
        must_read_back(&workload);
    else
        must_have_sound_errors(&errors, count_lines(text, size));
    dse_arena_fini(&arena);
    must(dse_alloc_live() == live);
    return 0;
}
