/* Accuracy on corrupted images: as boxes over the corruptions of each severity, and as a map of
 * corruptions and severities. */
#include <stdlib.h>
#include <string.h>

#include "client/plots/plots_internal.h"

enum { SEVERITIES = 5 };

/* "fog:3" taken apart; severity 0 and the name itself for "clean". */
static int severity_of(const char *cell, size_t *name_length) {
    const char *colon = strrchr(cell, ':');
    *name_length = colon == NULL ? strlen(cell) : (size_t)(colon - cell);
    return colon == NULL ? 0 : atoi(colon + 1);
}

static bool has_corruptions(const struct dse_msg_individual *one) {
    for (int i = 0; i < one->cells_n; i++)
        if (strchr(one->cells[i].cell, ':') != NULL)
            return true;
    return false;
}

static enum dse_status check_chosen(const struct dse_plots_sweep *sweep, struct dse_err *err) {
    if (sweep->n_chosen == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "no individual is chosen, and the front is empty");
    if (!has_corruptions(sweep->chosen[0]))
        DSE_FAIL(err, DSE_UNSUPPORTED, "the sweep has no corrupted images");
    return DSE_OK;
}

static const char *name_of(struct plots__drawing *drawing, const struct dse_msg_individual *one) {
    const char *name = one->generation < 0
                           ? "float32"
                           : dse_arena_printf(&drawing->arena, "%lld.%lld",
                                              (long long)one->generation, (long long)one->slot);
    return name != NULL ? name : "?";
}

/* ---- boxes ---- */

static bool has_severity(const struct dse_msg_individual *one, int severity) {
    size_t length;
    for (int i = 0; i < one->cells_n; i++)
        if (severity_of(one->cells[i].cell, &length) == severity)
            return true;
    return false;
}

static void put_boxes(struct plots__drawing *drawing, const struct dse_msg_individual *one,
                      int place, int places, const char *colour) {
    struct dse_buf *out = &drawing->commands;
    const char *block = dse_arena_printf(&drawing->arena, "boxes%d", place);
    struct plots__series *series = plots__series_new(drawing, block != NULL ? block : "boxes",
                                                     "severity\tcorruption\taccuracy");
    for (int i = 0; i < one->cells_n; i++) {
        size_t length;
        int severity = severity_of(one->cells[i].cell, &length);
        plots__row(series, "%d\t%.*s\t%.8g", severity, (int)length,
                   plots__label(drawing, one->cells[i].cell), one->cells[i].accuracy);
    }
    double width = 0.8 / places;
    bool named = false;
    for (int severity = 0; severity <= SEVERITIES; severity++) {
        if (!has_severity(one, severity))
            continue;
        dse_buf_printf(
            out, "%s$boxes%d using (%.4f):($1==%d?$3:NaN):(%.4f) with boxplot lc rgb '%s' ",
            place == 0 && !named ? "plot " : ", ", place,
            severity + (place - (places - 1) / 2.0) * width, severity, width * 0.85, colour);
        if (named)
            dse_buf_puts(out, "notitle");
        else
            dse_buf_printf(out, "title '%s'", name_of(drawing, one));
        named = true;
    }
}

enum dse_status plots__make_severity(struct plots__drawing *drawing, struct dse_err *err) {
    static const char *const palette[] = PLOTS__PALETTE;
    const struct dse_plots_sweep *sweep = drawing->sweep;
    const struct dse_msg_individual *baseline = sweep->baseline;
    DSE_TRY(check_chosen(sweep, err));
    bool with_baseline = baseline != NULL && baseline->cells_n > 0;
    int places = sweep->n_chosen + with_baseline;
    dse_buf_puts(&drawing->commands,
                 "set xlabel 'severity of the corruption (0: clean)'\nset ylabel 'accuracy'\n"
                 "set style boxplot outliers pointtype 7\nset style data boxplot\n"
                 "set style fill solid 0.35 border\nset pointsize 0.6\n"
                 "set xtics 0,1,5\nset xrange [-0.6:5.6]\n");
    if (with_baseline)
        put_boxes(drawing, baseline, 0, places, "#404040");
    for (int i = 0; i < sweep->n_chosen; i++)
        put_boxes(drawing, sweep->chosen[i], i + with_baseline, places,
                  palette[i % (int)(sizeof palette / sizeof palette[0])]);
    dse_buf_puts(&drawing->commands, "\n");
    return DSE_OK;
}

/* ---- the map ---- */

enum { CORRUPTIONS_MAX = 64 };

/* Names in the order of their first cell; fills rows[cell]. */
static int list_corruptions(const struct dse_msg_individual *one, const char *names[],
                            size_t lengths[], int *rows) {
    int n = 0;
    for (int i = 0; i < one->cells_n; i++) {
        size_t length;
        rows[i] = -1;
        if (severity_of(one->cells[i].cell, &length) == 0)
            continue;
        for (int k = 0; k < n && rows[i] < 0; k++)
            if (lengths[k] == length && strncmp(names[k], one->cells[i].cell, length) == 0)
                rows[i] = k;
        if (rows[i] < 0 && n < CORRUPTIONS_MAX) {
            names[n] = one->cells[i].cell;
            lengths[n] = length;
            rows[i] = n++;
        }
    }
    return n;
}

enum dse_status plots__make_corruptions(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    const char *names[CORRUPTIONS_MAX];
    size_t lengths[CORRUPTIONS_MAX];
    DSE_TRY(check_chosen(sweep, err));
    const struct dse_msg_individual *one = sweep->chosen[0];
    int *rows = dse_arena_alloc(&drawing->arena, (size_t)one->cells_n, sizeof *rows);
    if (rows == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d cells", one->cells_n);
    int n = list_corruptions(one, names, lengths, rows);
    struct plots__series *map =
        plots__series_new(drawing, "map", "severity\trow\taccuracy\tcorruption");
    for (int i = 0; i < one->cells_n; i++) {
        size_t length;
        int severity = severity_of(one->cells[i].cell, &length);
        if (rows[i] >= 0)
            plots__row(map, "%d\t%d\t%.8g\t%.*s", severity, rows[i], one->cells[i].accuracy,
                       (int)length, plots__label(drawing, one->cells[i].cell));
    }
    struct dse_buf *out = &drawing->commands;
    dse_buf_printf(out, "set title 'accuracy of %s'\nunset key\nset ytics (",
                   name_of(drawing, one));
    for (int k = 0; k < n; k++)
        dse_buf_printf(out, "%s'%.*s' %d", k > 0 ? "," : "", (int)lengths[k],
                       plots__label(drawing, names[k]), k);
    dse_buf_printf(out,
                   ")\nset xtics 1,1,5\nset xlabel 'severity'\nset xrange [0.5:5.5]\n"
                   "set yrange [%d.5:-0.5]\nunset grid\nset cbrange [0:1]\n"
                   "set palette defined (0 '#440154', 0.25 '#3B528B', 0.5 '#21918C', 0.75 "
                   "'#5EC962', 1 '#FDE725')\n"
                   "plot $map using 1:2:3 with image pixels, $map using 1:2:(sprintf('%%.2f',$3)):"
                   "($3>0.6?0x000000:0xFFFFFF) with labels font SMALL tc rgb variable\n",
                   n - 1);
    return DSE_OK;
}
