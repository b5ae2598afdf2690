/* What pareto diff prints: tables, or one line of JSON. */
#include "client/diff.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- JSON ---- */

static void put_real(double value, struct dse_buf *out) {
    if (isfinite(value))
        dse_buf_printf(out, "%.17g", value);
    else
        dse_buf_puts(out, "null");
}

static void put_pair(const char *name, const double values[2], struct dse_buf *out) {
    dse_buf_printf(out, ",\"%s\":[", name);
    put_real(values[0], out);
    dse_buf_puts(out, ",");
    put_real(values[1], out);
    dse_buf_puts(out, "]");
}

static void put_text(const char *text, struct dse_buf *out) {
    if (text == NULL)
        dse_buf_puts(out, "null");
    else
        dse_console_json_string(out, text);
}

static void put_item(const struct client__diff_item *item, int n_objectives, struct dse_buf *out) {
    dse_buf_printf(out, "{\"generation\":%" PRId64 ",\"slot\":%" PRId64 ",\"objectives\":[",
                   item->generation, item->slot);
    for (int j = 0; j < n_objectives; j++) {
        dse_buf_puts(out, j > 0 ? "," : "");
        put_real(item->objectives[j], out);
    }
    dse_buf_puts(out, "]");
}

static void put_keys(const struct client__diff *diff, struct dse_buf *out) {
    dse_buf_puts(out, ",\"workload\":[");
    for (int i = 0; i < diff->n_keys; i++) {
        dse_buf_printf(out, "%s{\"key\":", i > 0 ? "," : "");
        put_text(diff->keys[i].key, out);
        dse_buf_puts(out, ",\"values\":[");
        put_text(diff->keys[i].values[0], out);
        dse_buf_puts(out, ",");
        put_text(diff->keys[i].values[1], out);
        dse_buf_puts(out, "]}");
    }
    dse_buf_printf(out, "],\"comparable\":%s", diff->comparable ? "true" : "false");
}

static void put_only(const struct client__diff *diff, int side, struct dse_buf *out) {
    bool first = true;
    dse_buf_puts(out, side == 0 ? ",\"only\":[[" : "],[");
    for (int i = 0; i < diff->sides[side].n_front; i++) {
        const struct client__diff_item *member = diff->sides[side].front[i];
        if (client__diff_is_shared(diff, side, member))
            continue;
        dse_buf_puts(out, first ? "" : ",");
        put_item(member, diff->sides[side].n_objectives, out);
        dse_buf_puts(out, ",\"genome\":");
        put_text(member->genome, out);
        dse_buf_puts(out, "}");
        first = false;
    }
}

static void put_genomes(const struct client__diff *diff, struct dse_buf *out) {
    bool first = true;
    dse_buf_printf(out, "]],\"equal_genomes\":%d,\"differing\":[", diff->n_pairs);
    for (int i = 0; i < diff->n_pairs; i++) {
        if (!diff->pairs[i].differs)
            continue;
        dse_buf_printf(out, "%s{\"genome\":", first ? "" : ",");
        put_text(diff->pairs[i].items[0]->genome, out);
        dse_buf_puts(out, ",\"individuals\":[");
        for (int s = 0; s < 2; s++) {
            dse_buf_puts(out, s > 0 ? "," : "");
            put_item(diff->pairs[i].items[s], diff->sides[s].n_objectives, out);
            dse_buf_puts(out, "}");
        }
        dse_buf_puts(out, "]}");
        first = false;
    }
    dse_buf_puts(out, "]");
}

enum dse_status client__diff_print_json(const struct client__diff *diff, struct dse_err *err) {
    struct dse_buf out = {0};
    enum dse_status status = DSE_OK;
    dse_buf_puts(&out, "{\"sweeps\":[");
    for (int s = 0; status == DSE_OK && s < 2; s++) {
        dse_buf_puts(&out, s > 0 ? "," : "");
        status = dse_record_encode(DSE_RECORD_sweep, diff->sides[s].sweep, &out, err);
    }
    dse_buf_puts(&out, "]");
    put_keys(diff, &out);
    if (diff->comparable) {
        put_pair("hypervolume", diff->numbers.hypervolume, &out);
        put_pair("coverage", diff->numbers.coverage, &out);
        dse_buf_puts(&out, ",\"reference\":[");
        for (int j = 0; j < diff->sides[0].n_objectives; j++) {
            dse_buf_puts(&out, j > 0 ? "," : "");
            put_real(diff->numbers.reference[j], &out);
        }
        dse_buf_puts(&out, "]");
        put_only(diff, 0, &out);
        put_only(diff, 1, &out);
        put_genomes(diff, &out);
    }
    dse_buf_puts(&out, "}\n");
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}

/* ---- tables ---- */

enum { ROWS_MAX = 12 }; /* of a list; --json has all */

static enum dse_status print_table(struct client *c, const struct dse_console_table *table,
                                   struct dse_buf *out) {
    dse_console_table_print(table, dse_console_terminal_width(1), &c->style, out);
    return DSE_OK;
}

static const char *share_text(struct dse_arena *arena, double value, double factor,
                              const char *unit) {
    return isfinite(value) ? dse_console_printf(arena, "%.2f%s", factor * value, unit) : "-";
}

static void set_summary(struct client *c, const struct client__diff *diff, int side,
                        struct dse_console_table *table) {
    struct dse_arena *arena = &c->arena;
    const struct client__diff_side *of = &diff->sides[side];
    int column = side + 1, row = 0;
    dse_console_table_set(table, row++, column, dse_console_clean(arena, of->sweep->name));
    dse_console_table_set(table, row++, column, dse_console_clean(arena, of->sweep->state));
    dse_console_table_set(table, row++, column, dse_console_count_text(arena, of->n));
    dse_console_table_set(table, row++, column, dse_console_count_text(arena, of->n_front));
    if (!diff->comparable)
        return;
    dse_console_table_set(table, row++, column, dse_console_count_text(arena, of->n_only));
    dse_console_table_set(table, row++, column,
                          isfinite(diff->numbers.hypervolume[side])
                              ? dse_console_printf(arena, "%.6f", diff->numbers.hypervolume[side])
                              : "-");
    dse_console_table_set(table, row, column,
                          share_text(arena, diff->numbers.coverage[side], 100, " %"));
}

static enum dse_status print_summary(struct client *c, const struct client__diff *diff,
                                     struct dse_buf *out, struct dse_err *err) {
    static const char *const labels[] = {"name",        "state",       "individuals",    "front",
                                         "in it alone", "hypervolume", "covers of other"};
    enum { PLAIN = 4, ALL = 7 };
    struct dse_console_column columns[] = {
        {.header = "", .is_left = true}, {.may_shrink = true}, {.may_shrink = true}};
    struct dse_console_table table;
    int n_rows = diff->comparable ? ALL : PLAIN;
    for (int s = 0; s < 2; s++)
        columns[s + 1].header =
            dse_console_printf(&c->arena, "sweep %lld", (long long)diff->sides[s].sweep->sweep);
    DSE_TRY(dse_console_table_init(&table, columns, 3, n_rows, &c->arena, err));
    for (int i = 0; i < n_rows; i++)
        dse_console_table_set(&table, i, 0, labels[i]);
    set_summary(c, diff, 0, &table);
    set_summary(c, diff, 1, &table);
    return print_table(c, &table, out);
}

static enum dse_status print_keys(struct client *c, const struct client__diff *diff,
                                  struct dse_buf *out, struct dse_err *err) {
    struct dse_console_column columns[] = {
        {.header = "key", .is_left = true},
        {.is_left = true, .may_shrink = true},
        {.is_left = true, .may_shrink = true},
    };
    struct dse_console_table table;
    if (diff->n_keys == 0) {
        dse_buf_puts(out, "\nThe workloads are equal.\n");
        return DSE_OK;
    }
    dse_buf_puts(out, "\nWhere the workloads differ:\n\n");
    for (int s = 0; s < 2; s++)
        columns[s + 1].header =
            dse_console_printf(&c->arena, "sweep %lld", (long long)diff->sides[s].sweep->sweep);
    DSE_TRY(dse_console_table_init(&table, columns, 3, diff->n_keys, &c->arena, err));
    for (int i = 0; i < diff->n_keys; i++) {
        dse_console_table_set(&table, i, 0, dse_console_clean(&c->arena, diff->keys[i].key));
        for (int s = 0; s < 2; s++)
            dse_console_table_set(&table, i, s + 1,
                                  diff->keys[i].values[s] == NULL
                                      ? "-"
                                      : dse_console_clean(&c->arena, diff->keys[i].values[s]));
    }
    return print_table(c, &table, out);
}

/* How the objectives of the members are shown. */
static void choose_measures(struct client *c, const struct client__diff *diff,
                            struct client__measure *measures) {
    for (int j = 0; j < diff->sides[0].n_objectives; j++) {
        double largest = 0;
        for (int s = 0; s < 2; s++)
            for (int i = 0; i < diff->sides[s].n_front; i++)
                largest = fmax(largest, fabs(diff->sides[s].front[i]->objectives[j]));
        measures[j] = client__measure_of(&c->arena, &diff->sides[0].objectives[j], largest);
    }
}

static void set_item(struct client *c, const struct client__measure *measures, int n,
                     const struct client__diff_item *item, struct dse_console_table *table,
                     int row) {
    dse_console_table_set(table, row, 0,
                          client__individual_name(&c->arena, item->generation, item->slot));
    for (int j = 0; j < n; j++)
        dse_console_table_set(table, row, j + 1,
                              client__measure_text(&c->arena, &measures[j], item->objectives[j]));
}

static void say_rest(struct client *c, int n, int shown, struct dse_buf *out) {
    if (n > shown)
        dse_buf_printf(out, "... and %s more; --json has all\n",
                       dse_console_count_text(&c->arena, n - shown));
}

static enum dse_status init_items(struct client *c, const struct client__measure *measures, int n,
                                  const char *first, int n_rows, struct dse_console_table *table,
                                  struct dse_err *err) {
    struct dse_console_column columns[DSE_COMPARE_OBJECTIVES_MAX + 2] = {{.header = first}};
    for (int j = 0; j < n; j++)
        columns[j + 1] = (struct dse_console_column){.header = measures[j].header, .drop_order = j};
    return dse_console_table_init(table, columns, n + 1, n_rows, &c->arena, err);
}

static enum dse_status print_only(struct client *c, const struct client__diff *diff, int side,
                                  const struct client__measure *measures, struct dse_buf *out,
                                  struct dse_err *err) {
    const struct client__diff_side *of = &diff->sides[side];
    int shown = of->n_only < ROWS_MAX ? of->n_only : ROWS_MAX, row = 0;
    struct dse_console_table table;
    if (of->n_only == 0)
        return DSE_OK;
    dse_buf_printf(out, "\nOnly in the front of sweep %lld:\n\n", (long long)of->sweep->sweep);
    DSE_TRY(init_items(c, measures, of->n_objectives, "id", shown, &table, err));
    for (int i = 0; i < of->n_front && row < shown; i++)
        if (!client__diff_is_shared(diff, side, of->front[i]))
            set_item(c, measures, of->n_objectives, of->front[i], &table, row++);
    DSE_TRY(print_table(c, &table, out));
    say_rest(c, of->n_only, shown, out);
    return DSE_OK;
}

static enum dse_status print_genomes(struct client *c, const struct client__diff *diff,
                                     const struct client__measure *measures, struct dse_buf *out,
                                     struct dse_err *err) {
    int shown = diff->n_differing < ROWS_MAX ? diff->n_differing : ROWS_MAX, row = 0;
    struct dse_console_table table;
    dse_buf_printf(out, "\nEqual genomes: %s, ", dse_console_count_text(&c->arena, diff->n_pairs));
    if (diff->n_differing == 0) {
        dse_buf_puts(out, "all with equal figures.\n");
        return DSE_OK;
    }
    dse_buf_printf(out, "%s of them with other figures (each in both sweeps):\n\n",
                   dse_console_count_text(&c->arena, diff->n_differing));
    DSE_TRY(init_items(c, measures, diff->sides[0].n_objectives, "id", 2 * shown, &table, err));
    for (int i = 0; i < diff->n_pairs && row < 2 * shown; i++)
        for (int s = 0; diff->pairs[i].differs && s < 2; s++)
            set_item(c, measures, diff->sides[0].n_objectives, diff->pairs[i].items[s], &table,
                     row++);
    DSE_TRY(print_table(c, &table, out));
    say_rest(c, diff->n_differing, shown, out);
    return DSE_OK;
}

static enum dse_status print_figures(struct client *c, const struct client__diff *diff,
                                     struct dse_buf *out, struct dse_err *err) {
    struct client__measure measures[DSE_COMPARE_OBJECTIVES_MAX];
    if (!diff->comparable) {
        dse_buf_puts(out, "\nTheir objectives differ: no figures can be compared.\n");
        return DSE_OK;
    }
    choose_measures(c, diff, measures);
    DSE_TRY(print_only(c, diff, 0, measures, out, err));
    DSE_TRY(print_only(c, diff, 1, measures, out, err));
    return print_genomes(c, diff, measures, out, err);
}

enum dse_status client__diff_print(struct client *c, const struct client__diff *diff,
                                   struct dse_err *err) {
    struct dse_buf out = {0};
    enum dse_status status = print_summary(c, diff, &out, err);
    if (status == DSE_OK)
        status = print_keys(c, diff, &out, err);
    if (status == DSE_OK)
        status = print_figures(c, diff, &out, err);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}
