/* What the search found, beside what was found when evaluated again. */
#include <math.h>
#include <string.h>

#include "client/client.h"

const char *client__estimate_text(struct client *c, const struct client__measure *measure,
                                  const struct dse_msg_estimate *estimate) {
    struct dse_arena *arena = &c->arena;
    if (estimate == NULL)
        return "-";
    const char *value = client__measure_text(arena, measure, estimate->value);
    if (estimate->images == 0 || !isfinite(estimate->low))
        return value;
    return dse_console_printf(arena, "%s (%s .. %s)", value,
                              client__measure_text(arena, measure, estimate->low),
                              client__measure_text(arena, measure, estimate->high));
}

/* Two rows: of the search, and of its newest look. Nothing where there was none. */
enum { ROWS_OF_ONE = 2, COLUMN_SWEEP = 1, FIRST_OBJECTIVE = 2 };

static int count_rows(const struct dse_msg_front *front) {
    int n = front->baseline != NULL && front->baseline->again_n > 0;
    for (int i = 0; i < front->members_n; i++)
        n += front->members[i].again_n > 0;
    return n * ROWS_OF_ONE;
}

static void fill(struct client *c, struct dse_console_table *table, int *row, int64_t sweep,
                 const struct dse_msg_individual *one, const struct client__measure *measures,
                 int n) {
    struct dse_arena *arena = &c->arena;
    if (one == NULL || one->again_n == 0)
        return;
    const struct dse_msg_second_look *look = &one->again[one->again_n - 1];
    const struct {
        int64_t sweep;
        const struct dse_msg_estimate *estimates;
        int n;
    } rows[ROWS_OF_ONE] = {{sweep, one->estimates, one->estimates_n},
                           {look->sweep, look->estimates, look->estimates_n}};
    const char *id = client__individual_name(arena, one->generation, one->slot);
    for (int k = 0; k < ROWS_OF_ONE; k++, (*row)++) {
        dse_console_table_set(table, *row, 0, k == 0 ? id : "again");
        dse_console_table_set(table, *row, COLUMN_SWEEP,
                              dse_console_printf(arena, "%lld", (long long)rows[k].sweep));
        for (int i = 0; i < n; i++)
            dse_console_table_set(
                table, *row, FIRST_OBJECTIVE + i,
                client__estimate_text(c, &measures[i],
                                      i < rows[k].n ? &rows[k].estimates[i] : NULL));
    }
}

enum dse_status client__print_again(struct client *c, const struct dse_msg_front *front,
                                    const struct client__measure *measures, int n,
                                    struct dse_buf *out, struct dse_err *err) {
    struct dse_console_column columns[DSE_CONSOLE_COLUMNS_MAX] = {
        {.header = "id"}, {.header = "in\nsweep", .drop_order = n + 1}};
    struct dse_console_table table;
    int rows = count_rows(front), row = 0;
    int64_t sweep = front->sweep->sweep;
    for (int i = 0; i < n; i++)
        columns[FIRST_OBJECTIVE + i] =
            (struct dse_console_column){.header = measures[i].header, .drop_order = i};
    if (rows == 0) {
        dse_buf_puts(out, "Nobody was evaluated again; pareto reevaluate does it.\n");
        return DSE_OK;
    }
    DSE_TRY(dse_console_table_init(&table, columns, FIRST_OBJECTIVE + n, rows, &c->arena, err));
    fill(c, &table, &row, sweep, front->baseline, measures, n);
    for (int i = 0; i < front->members_n; i++)
        fill(c, &table, &row, sweep, &front->members[i], measures, n);
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, out);
    return DSE_OK;
}

void client__print_looks(struct client *c, const struct dse_msg_individual *individual,
                         struct dse_buf *out) {
    struct dse_arena *arena = &c->arena;
    for (int i = 0; i < individual->again_n; i++) {
        const struct dse_msg_second_look *look = &individual->again[i];
        dse_buf_printf(out, "\nevaluated again as sweep %lld, on %s images a cell of %s\n",
                       (long long)look->sweep, dse_console_count_text(arena, look->images),
                       dse_console_clean(arena, look->data));
        for (int k = 0; k < look->estimates_n && k < individual->objective_names_n; k++) {
            struct client__measure measure = client__measure_of(
                arena, &individual->objective_names[k], look->estimates[k].value);
            dse_buf_printf(out, "%-32s  %12s\n", measure.label,
                           client__estimate_text(c, &measure, &look->estimates[k]));
        }
    }
}
