/* pareto front: the front as a table and as a plot. */
#include "client/client.h"

#include <math.h>
#include <string.h>

/* ---- how an objective is shown ---- */

/* "accuracy_clean" and "accuracy(clean)" over several lines, for a narrow column. */
static const char *header_of(struct dse_arena *arena, const char *metric, const char *unit,
                             const char *sense) {
    char name[128];
    size_t n = 0;
    for (const char *p = dse_console_clean(arena, metric); *p != '\0' && n + 2 < sizeof name; p++) {
        if (*p == '(' && n > 0)
            name[n++] = '\n';
        name[n++] = (char)(*p == '_' ? '\n' : *p);
    }
    name[n] = '\0';
    return dse_console_printf(arena, "%s\n%s%s%s", name, unit, unit[0] != '\0' ? ", " : "",
                              strcmp(sense, "maximize") == 0 ? "max" : "min");
}

/* The unit with a prefix: "G/image", "Mbit", "%". */
static const char *unit_text(struct dse_arena *arena, const char *unit, const char *prefix) {
    static const char per_image[] = " per image";
    size_t length = strlen(unit), tail = strlen(per_image);
    if (length > tail && strcmp(unit + length - tail, per_image) == 0)
        return dse_console_printf(arena, "%s/image", prefix);
    if (strcmp(unit, "bits") == 0)
        return dse_console_printf(arena, "%sbit", prefix);
    return dse_console_printf(arena, "%s%s%s", prefix, prefix[0] != '\0' ? " " : "",
                              dse_console_clean(arena, unit));
}

struct client__measure client__measure_of(struct dse_arena *arena,
                                          const struct dse_msg_objective *objective,
                                          double largest) {
    static const struct {
        double from;
        const char *prefix;
    } prefixes[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}, {0, ""}};
    /* A value without a unit may be of any size: more digits. */
    static const double many_digits = 1000; /* before the point: fewer behind it */
    bool is_small = objective->unit[0] == '\0' && !(fabs(largest) >= many_digits);
    struct client__measure measure = {.factor = 1, .decimals = is_small ? 4 : 2};
    const char *unit;
    if (strcmp(objective->unit, "share") == 0) {
        measure.factor = 100;
        unit = "%";
    } else {
        size_t i = 0;
        while (prefixes[i].from > 0 && !(fabs(largest) >= prefixes[i].from))
            i++;
        if (prefixes[i].from > 0)
            measure.factor = strcmp(prefixes[i].prefix, "k") == 0 ? 1e-3 : 1 / prefixes[i].from;
        unit = unit_text(arena, objective->unit, prefixes[i].prefix);
    }
    measure.header = header_of(arena, objective->metric, unit, objective->sense);
    measure.label = dse_console_printf(arena, "%s%s%s", dse_console_clean(arena, objective->metric),
                                       unit[0] != '\0' ? ", " : "", unit);
    return measure;
}

const char *client__measure_text(struct dse_arena *arena, const struct client__measure *measure,
                                 double value) {
    if (!isfinite(value))
        return "-";
    return dse_console_printf(arena, "%.*f", measure->decimals, value * measure->factor);
}

static double largest_of(const struct dse_msg_front *front, int objective) {
    double largest = 0;
    for (int i = 0; i < front->members_n; i++)
        if (objective < front->members[i].objectives_n)
            largest = fmax(largest, fabs(front->members[i].objectives[objective]));
    return largest;
}

/* ---- rows ---- */

enum { FIRST_OBJECTIVE = 1 };

/* What the columns of a table of the front are. */
struct front_columns {
    const struct client__measure *measures;
    int n; /* measures: a column each after the id */
    int traits[CLIENT__TRAITS], n_traits;
};

static void fill_row(struct client *c, struct dse_console_table *table, int row,
                     const struct dse_msg_individual *individual,
                     const struct front_columns *columns) {
    int first_trait = FIRST_OBJECTIVE + columns->n;
    dse_console_table_set(
        table, row, 0,
        client__individual_name(&c->arena, individual->generation, individual->slot));
    for (int i = 0; i < columns->n && i < individual->objectives_n; i++)
        dse_console_table_set(
            table, row, FIRST_OBJECTIVE + i,
            client__measure_text(&c->arena, &columns->measures[i], individual->objectives[i]));
    for (int i = 0; i < columns->n_traits; i++)
        dse_console_table_set(table, row, first_trait + i,
                              client__trait_text(c, columns->traits[i], individual));
}

/* As many as people still read, and as a plot of characters has places for. */
enum { USUAL_ROWS = 40, PLOT_POINTS = 1000 };

/* Rows of a table of n members. */
static int rows_of(const struct client *c, int n) {
    return c->options.all || n < USUAL_ROWS ? n : USUAL_ROWS;
}

/* Members of the front, of which these are some. */
static int64_t total_of(const struct dse_msg_front *front) {
    return front->total > front->members_n ? front->total : front->members_n;
}

/* The member in a row of a table that spreads its rows evenly, the first and the last included. */
static const struct dse_msg_individual *member_in_row(const struct dse_msg_front *front, int row,
                                                      int rows) {
    int last = front->members_n - 1;
    return &front->members[rows == 1 ? 0 : (int64_t)row * last / (rows - 1)];
}

static enum dse_status print_table(struct client *c, const struct dse_msg_front *front,
                                   const struct client__measure *measures, int n,
                                   struct dse_buf *out, struct dse_err *err) {
    struct dse_console_column columns[DSE_CONSOLE_COLUMNS_MAX] = {{.header = "id"}};
    struct dse_console_table table;
    int n_columns = FIRST_OBJECTIVE;
    for (int i = 0; i < n; i++, n_columns++)
        columns[n_columns] =
            (struct dse_console_column){.header = measures[i].header, .drop_order = i};
    struct front_columns shown = {.measures = measures, .n = n};
    shown.n_traits = client__traits_of(c, front, n + 1, &columns[n_columns], shown.traits);
    n_columns += shown.n_traits;
    int has_baseline = front->baseline != NULL, rows = rows_of(c, front->members_n);
    DSE_TRY(
        dse_console_table_init(&table, columns, n_columns, rows + has_baseline, &c->arena, err));
    if (has_baseline)
        fill_row(c, &table, 0, front->baseline, &shown);
    for (int i = 0; i < rows; i++)
        fill_row(c, &table, i + has_baseline, member_in_row(front, i, rows), &shown);
    dse_console_table_print(&table, dse_console_terminal_width(1), &c->style, out);
    if (rows < total_of(front))
        dse_buf_printf(out, "%d of %s members, spread over the front; --all prints them\n", rows,
                       dse_console_count_text(&c->arena, total_of(front)));
    return DSE_OK;
}

/* ---- plot ---- */

static int add_point(const struct dse_msg_individual *individual, int n, char mark,
                     const struct client__measure *measures, struct client__point *point) {
    if (individual == NULL || individual->objectives_n < n)
        return 0;
    *point = (struct client__point){.x = individual->objectives[n - 1] * measures[n - 1].factor,
                                    .y = individual->objectives[0] * measures[0].factor,
                                    .mark = mark};
    return 1;
}

/* The first objective over the last one. */
static enum dse_status print_plot(struct client *c, const struct dse_msg_front *front,
                                  const struct client__measure *measures, int n,
                                  struct dse_buf *out, struct dse_err *err) {
    enum { WIDTH_MAX = 76, HEIGHT = 14 };
    int width = dse_console_terminal_width(1);
    int n_points = 0;
    struct client__point *points =
        dse_arena_alloc(&c->arena, (size_t)front->members_n + 1, sizeof *points);
    if (points == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a plot");
    n_points += add_point(front->baseline, n, 'F', measures, &points[n_points]);
    for (int i = 0; i < front->members_n; i++)
        n_points += add_point(&front->members[i], n, '*', measures, &points[n_points]);
    struct client__plot plot = {
        .points = points,
        .n_points = n_points,
        .x = {measures[n - 1].label, measures[n - 1].decimals},
        .y = {measures[0].label, measures[0].decimals},
        .width = width < WIDTH_MAX ? width : WIDTH_MAX,
        .height = HEIGHT,
    };
    dse_buf_puts(out, "\n");
    client__plot_print(&plot, out);
    dse_buf_printf(out, "* front%s\n", front->baseline != NULL ? "   F float32" : "");
    return DSE_OK;
}

/* ---- the command ---- */

static bool wants_plot(const struct client *c) {
    return !c->options.reevaluated && (c->options.plot || dse_console_is_terminal(1));
}

static void print_heading(struct client *c, const struct dse_msg_front *front,
                          struct dse_buf *out) {
    const struct dse_msg_sweep *sweep = front->sweep;
    dse_buf_printf(out, "front of sweep %lld (%s, %s): %lld of %s individuals",
                   (long long)sweep->sweep, dse_console_clean(&c->arena, sweep->name),
                   dse_console_clean(&c->arena, sweep->state), (long long)total_of(front),
                   dse_console_count_text(&c->arena, sweep->individuals));
    if (!client__sweep_has_ended(sweep) && sweep->generation >= 0 &&
        sweep->generation < sweep->generations)
        dse_buf_printf(out, ", generation %lld/%lld", (long long)sweep->generation + 1,
                       (long long)sweep->generations);
    dse_buf_puts(out, "\n\n");
}

static enum dse_status print_front(struct client *c, const struct dse_msg_front *front,
                                   struct dse_buf *out, struct dse_err *err) {
    enum { OBJECTIVES_MAX = DSE_CONSOLE_COLUMNS_MAX - FIRST_OBJECTIVE - CLIENT__TRAITS };
    struct client__measure measures[OBJECTIVES_MAX];
    int n = front->objectives_n < OBJECTIVES_MAX ? front->objectives_n : OBJECTIVES_MAX;
    print_heading(c, front, out);
    for (int i = 0; i < n; i++)
        measures[i] = client__measure_of(&c->arena, &front->objectives[i], largest_of(front, i));
    if (c->options.reevaluated)
        DSE_TRY(client__print_again(c, front, measures, n, out, err));
    else if (front->members_n > 0 || front->baseline != NULL)
        DSE_TRY(print_table(c, front, measures, n, out, err));
    if (front->members_n == 0)
        dse_buf_puts(out, "The front is empty: no individual has been evaluated and is feasible "
                          "yet.\n");
    else if (n >= 2 && wants_plot(c))
        DSE_TRY(print_plot(c, front, measures, n, out, err));
    return DSE_OK;
}

/* The words of a list with commas between them. */
static enum dse_status split_list(const char *list, struct dse_arena *arena,
                                  const char *const **words, int *n, struct dse_err *err) {
    const char **found = dse_arena_alloc(arena, strlen(list) + 1, sizeof *found);
    int count = 0;
    for (const char *at = list; found != NULL; at++) {
        size_t length = strcspn(at, ",");
        found[count] = dse_arena_strndup(arena, at, length);
        if (found[count++] == NULL)
            break;
        at += length;
        if (*at == '\0') {
            *words = found;
            *n = count;
            return DSE_OK;
        }
    }
    DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a list");
}

enum dse_status client__front_of(struct client *c, int64_t sweep, struct dse_err *err) {
    struct dse_msg_front_query query = {
        .sweep = sweep, .estimates = c->options.json, .reevaluated = c->options.reevaluated};
    const struct dse_msg_front *front;
    struct dse_buf out = {0};
    if (c->options.objectives != NULL)
        DSE_TRY(split_list(c->options.objectives, &c->arena, &query.objectives, &query.objectives_n,
                           err));
    if (c->options.json)
        return client__put_front_json(c, query, err);
    if (!c->options.all && !c->options.reevaluated)
        query.spread = wants_plot(c) ? PLOT_POINTS : USUAL_ROWS;
    DSE_TRY(client__load_front(c, query, &front, err));
    enum dse_status status = print_front(c, front, &out, err);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}

enum dse_status client__command_front(struct client *c, struct dse_err *err) {
    int64_t sweep;
    DSE_TRY(client__connect(c, err));
    DSE_TRY(client__sweep_of(c, c->options.operands[0], &sweep, err));
    return client__front_of(c, sweep, err);
}
