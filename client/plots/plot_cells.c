/* Accuracy on corrupted images: as boxes over the corruptions of each severity, and as a map of
 * corruptions and severities. */
#include <math.h>
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

/* ---- boxes ---- */

static bool has_severity(const struct dse_msg_individual *one, int severity) {
    size_t length;
    for (int i = 0; i < one->cells_n; i++)
        if (severity_of(one->cells[i].cell, &length) == severity)
            return true;
    return false;
}

/* Calibration error of a cell, from its images by confidence; NaN where they are not known. */
static double calibration_error(const struct dse_msg_cell_result *cell) {
    double sum = 0;
    for (int b = 0; b < cell->bin_seen_n; b++)
        sum += fabs((double)cell->bin_seen[b] * cell->bin_confidence[b] -
                    (double)cell->bin_correct[b]);
    return cell->bin_seen_n > 0 && cell->seen > 0 ? sum / (double)cell->seen : NAN;
}

static void add_cells(struct plots__drawing *drawing, const struct dse_msg_individual *one,
                      int place) {
    const char *block = dse_arena_printf(&drawing->arena, "boxes%d", place);
    struct plots__series *series = plots__series_new(drawing, block != NULL ? block : "boxes",
                                                     "severity\tcorruption\taccuracy\tece");
    for (int i = 0; i < one->cells_n; i++) {
        size_t length;
        int severity = severity_of(one->cells[i].cell, &length);
        plots__row(series, "%d\t%.*s\t%.8g\t%.8g", severity, (int)length,
                   plots__label(drawing, one->cells[i].cell), one->cells[i].accuracy,
                   calibration_error(&one->cells[i]));
    }
}

static void put_boxes(struct plots__drawing *drawing, const struct dse_msg_individual *one,
                      int place, int places, int column) {
    static const char *const palette[] = PLOTS__PALETTE;
    const char *colour = one->generation < 0
                             ? "#404040"
                             : palette[(places > drawing->sweep->n_chosen ? place - 1 : place) %
                                       (int)(sizeof palette / sizeof palette[0])];
    struct dse_buf *out = &drawing->commands;
    double width = 0.8 / places;
    bool named = column > 3;
    for (int severity = 0; severity <= SEVERITIES; severity++) {
        if (!has_severity(one, severity))
            continue;
        dse_buf_printf(out,
                       "$boxes%d using (%.4f):($1==%d?$%d:NaN):(%.4f) with boxplot lc rgb '%s' ",
                       place, severity + (place - (places - 1) / 2.0) * width, severity, column,
                       width * 0.85, colour);
        if (named)
            dse_buf_puts(out, "notitle, ");
        else
            dse_buf_printf(out, "title '%s', ", plots__name_of(drawing, one));
        named = true;
    }
}

enum { ACCURACY = 3, CALIBRATION_ERROR };

static void put_panel(struct plots__drawing *drawing, int column) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    const struct dse_msg_individual *baseline = sweep->baseline;
    bool with_baseline = baseline != NULL && baseline->cells_n > 0;
    int places = sweep->n_chosen + with_baseline;
    dse_buf_puts(&drawing->commands, "plot ");
    if (with_baseline)
        put_boxes(drawing, baseline, 0, places, column);
    for (int i = 0; i < sweep->n_chosen; i++)
        put_boxes(drawing, sweep->chosen[i], i + with_baseline, places, column);
    dse_buf_puts(&drawing->commands, "NaN notitle\n");
}

static bool has_calibration_error(const struct dse_plots_sweep *sweep) {
    return sweep->chosen[0]->cells[0].bin_seen_n > 0;
}

enum dse_status plots__make_severity(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    struct dse_buf *out = &drawing->commands;
    int place = 0;
    DSE_TRY(check_chosen(sweep, err));
    if (sweep->baseline != NULL && sweep->baseline->cells_n > 0)
        add_cells(drawing, sweep->baseline, place++);
    for (int i = 0; i < sweep->n_chosen; i++)
        add_cells(drawing, sweep->chosen[i], place++);
    dse_buf_puts(out, "set style boxplot outliers pointtype 7\nset style data boxplot\n"
                      "set style fill solid 0.35 border\nset pointsize 0.4\n"
                      "set xtics 0,1,5\nset xrange [-0.6:5.6]\nset ylabel 'accuracy'\n");
    bool both = has_calibration_error(sweep);
    if (both)
        dse_buf_puts(out, "set multiplot\nset lmargin 9\nset rmargin 2\nset origin 0,0.46\n"
                          "set size 1,0.54\nset format x ''\nset bmargin 0.8\n");
    else
        dse_buf_puts(out, "set xlabel 'severity of the corruption (0: clean)'\n");
    put_panel(drawing, ACCURACY);
    if (both) {
        dse_buf_puts(out, "set origin 0,0\nset size 1,0.46\nset format x '%.0f'\n"
                          "unset key\nset bmargin 3.2\nset tmargin 0.5\n"
                          "set xlabel 'severity of the corruption (0: clean)'\n"
                          "set ylabel 'calibration error'\n");
        put_panel(drawing, CALIBRATION_ERROR);
        dse_buf_puts(out, "unset multiplot\n");
    }
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
    int columns[SEVERITIES + 1], n_columns = 0;
    for (int severity = 1; severity <= SEVERITIES; severity++)
        columns[severity] = has_severity(one, severity) ? ++n_columns : 0;
    struct plots__series *map =
        plots__series_new(drawing, "map", "severity\trow\taccuracy\tcorruption\tcolumn");
    for (int i = 0; i < one->cells_n; i++) {
        size_t length;
        int severity = severity_of(one->cells[i].cell, &length);
        if (rows[i] >= 0)
            plots__row(map, "%d\t%d\t%.8g\t%.*s\t%d", severity, rows[i], one->cells[i].accuracy,
                       (int)length, plots__label(drawing, one->cells[i].cell), columns[severity]);
    }
    struct dse_buf *out = &drawing->commands;
    dse_buf_printf(out, "set title 'accuracy of %s'\nunset key\nset ytics (",
                   plots__name_of(drawing, one));
    for (int k = 0; k < n; k++)
        dse_buf_printf(out, "%s'%.*s' %d", k > 0 ? "," : "", (int)lengths[k],
                       plots__label(drawing, names[k]), k);
    dse_buf_puts(out, ")\nset xtics (");
    for (int severity = 1; severity <= SEVERITIES; severity++)
        if (columns[severity] > 0)
            dse_buf_printf(out, "'%d' %d,", severity, columns[severity]);
    dse_buf_printf(out,
                   ")\nset xlabel 'severity'\nset xrange [0.5:%d.5]\n"
                   "set yrange [%d.5:-0.5]\nunset grid\nset cbrange [0:1]\n"
                   "set palette defined (0 '#440154', 0.25 '#3B528B', 0.5 '#21918C', 0.75 "
                   "'#5EC962', 1 '#FDE725')\n"
                   "plot $map using 5:2:3 with image pixels, $map using 5:2:(sprintf('%%.2f',$3)):"
                   "($3>0.55?0x000000:0xFFFFFF) with labels font SMALL tc rgb variable\n",
                   n_columns, n - 1);
    return DSE_OK;
}
