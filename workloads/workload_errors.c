/* The errors of one file, in order of their places. */
#include "workloads/workloads_internal.h"

#include <stdio.h>
#include <string.h>

static bool stands_before(const struct dse_err *a, const struct dse_err *b) {
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void dse_workload_add_error(struct dse_workload_errors *errors, const char *file,
                            struct dse_mark mark, const char *fmt, ...) {
    struct dse_err item = {.line = mark.line, .column = mark.column};
    workloads__copy_cut(file, item.file, sizeof item.file);
    va_list args;
    va_start(args, fmt);
    (void)dse_err_vset(&item, DSE_INVALID, fmt, args);
    va_end(args);

    int at = errors->n;
    while (at > 0 && stands_before(&item, &errors->items[at - 1]))
        at--;
    if (errors->n == DSE_WORKLOAD_ERRORS_MAX) {
        errors->dropped++;
        if (at == DSE_WORKLOAD_ERRORS_MAX)
            return;
        errors->n--;
    }
    memmove(&errors->items[at + 1], &errors->items[at],
            (size_t)(errors->n - at) * sizeof errors->items[0]);
    errors->items[at] = item;
    errors->n++;
}
