/* How sure individuals are, and what comes of it: accuracy against confidence, and where images
 * leave a network with early exits. */
#include <math.h>
#include <string.h>

#include "client/plots/plots_internal.h"

static const char *const palette[] = PLOTS__PALETTE;
enum {
    COLOURS = sizeof palette / sizeof palette[0],
    BINS_MOST = 64,
    FEWEST_IMAGES = 10 /* of a bin that is shown: fewer are noise */
};

/* ---- reliability ---- */

/* Images of all clean cells, or of all corrupted ones, by confidence. */
static bool add_bins(struct plots__drawing *drawing, const struct dse_msg_individual *one,
                     const char *block, bool clean) {
    double seen[BINS_MOST] = {0}, correct[BINS_MOST] = {0}, confidence[BINS_MOST] = {0}, all = 0;
    for (int i = 0; i < one->cells_n; i++) {
        const struct dse_msg_cell_result *cell = &one->cells[i];
        if ((strchr(cell->cell, ':') == NULL) != clean)
            continue;
        for (int b = 0; b < cell->bin_seen_n && b < cell->bin_correct_n &&
                        b < cell->bin_confidence_n && b < BINS_MOST;
             b++) {
            seen[b] += (double)cell->bin_seen[b];
            correct[b] += (double)cell->bin_correct[b];
            confidence[b] += (double)cell->bin_seen[b] * cell->bin_confidence[b];
            all += (double)cell->bin_seen[b];
        }
    }
    if (all == 0)
        return false;
    struct plots__series *series =
        plots__series_new(drawing, block, "confidence\taccuracy\timages\tindividual");
    for (int b = 0; b < BINS_MOST; b++)
        if (seen[b] >= FEWEST_IMAGES)
            plots__row(series, "%.6g\t%.6g\t%.0f\t%s", confidence[b] / seen[b],
                       correct[b] / seen[b], seen[b], plots__name_of(drawing, one));
    return true;
}

static int put_reliability_of(struct plots__drawing *drawing, bool clean) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    struct dse_buf *out = &drawing->commands;
    int shown = 0;
    dse_buf_printf(out,
                   "set title '%s' font SMALL offset 0,-0.8\nplot x with lines dt 2 lc rgb "
                   "'#404040' notitle",
                   clean ? "clean images" : "corrupted images");
    for (int i = -1; i < sweep->n_chosen; i++) {
        const struct dse_msg_individual *one = i < 0 ? sweep->baseline : sweep->chosen[i];
        const char *block =
            dse_arena_printf(&drawing->arena, "%s%d", clean ? "clean" : "corrupted", i + 1);
        if (one == NULL || block == NULL || !add_bins(drawing, one, block, clean))
            continue;
        dse_buf_printf(out, ", $%s using 1:2 with linespoints pt %d ps 0.5 lw 1 lc rgb '%s' ",
                       block, i < 0 ? 9 : 7, i < 0 ? "#404040" : palette[i % COLOURS]);
        dse_buf_printf(out, clean ? "notitle" : "title '%s'", plots__name_of(drawing, one));
        shown++;
    }
    dse_buf_puts(out, "\n");
    return shown;
}

enum dse_status plots__make_reliability(struct plots__drawing *drawing, struct dse_err *err) {
    struct dse_buf *out = &drawing->commands;
    if (drawing->sweep->n_chosen == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "no individual is chosen, and the front is empty");
    dse_buf_puts(out, "set multiplot\nset xrange [0:1]\nset yrange [0:1]\nset size square\n"
                      "set size 0.5,0.9\nset tics font SMALL\nset tics 0.2\n"
                      "set xlabel 'confidence'\nset ylabel 'accuracy'\nset lmargin 8\n"
                      "set rmargin 1\n"
                      "set key at screen 0.5,0.99 center top horizontal samplen 1 font SMALL\n"
                      "set origin 0.5,0\n");
    int shown = put_reliability_of(drawing, false);
    dse_buf_puts(out, "set origin 0,0\n");
    shown += put_reliability_of(drawing, true);
    dse_buf_puts(out, "unset multiplot\n");
    if (shown == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "its images are not known by confidence");
    return DSE_OK;
}

/* ---- exits ---- */

/* Multiply-accumulates of one pass for an image that leaves at the exit. */
static double macs_up_to(const struct dse_msg_individual *one, int exit) {
    double macs = 0;
    for (int l = 0; l < one->layers_n; l++)
        if (one->layers[l].exit <= exit)
            macs += (double)one->layers[l].macs;
    return macs;
}

static bool has_exits(const struct dse_msg_individual *one) {
    return one->exits != NULL && one->exits->exits_n > 1 && one->layers_n > 0;
}

/* Rows: an exit each; then -1, the images where they really leave. */
static void add_exits(struct plots__drawing *drawing, const struct dse_msg_individual *one,
                      int place) {
    const struct dse_msg_exits *exits = one->exits;
    double all = 0, right = 0, spent = 0;
    const char *block = dse_arena_printf(&drawing->arena, "exits%d", place);
    struct plots__series *series =
        plots__series_new(drawing, block != NULL ? block : "exits",
                          "exit\tleft\tmacs\taccuracy of all\taccuracy of them\tindividual");
    for (int e = 0; e < exits->exits_n; e++) {
        all += (double)exits->exits[e].left;
        right += (double)exits->exits[e].left_correct;
        spent += (double)exits->exits[e].left * macs_up_to(one, e);
    }
    for (int e = 0; e < exits->exits_n && all > 0; e++) {
        const struct dse_msg_exit_result *exit = &exits->exits[e];
        plots__row(series, "%d\t%.6g\t%.8g\t%.6g\t%.6g\t%s", e, (double)exit->left / all,
                   macs_up_to(one, e), (double)exit->correct / all,
                   exit->left > 0 ? (double)exit->left_correct / (double)exit->left : NAN,
                   plots__name_of(drawing, one));
    }
    if (all > 0)
        plots__row(series, "-1\t1\t%.8g\t%.6g\t%.6g\t%s", spent / all, right / all, right / all,
                   plots__name_of(drawing, one));
}

static void put_exit_panels(struct plots__drawing *drawing, const int *places, int n) {
    struct dse_buf *out = &drawing->commands;
    const struct dse_plots_sweep *sweep = drawing->sweep;
    double width = 0.8 / n;
    dse_buf_printf(
        out,
        "set origin 0,0\nset ylabel 'share of images'\nset xlabel 'exit'\n"
        "set xtics 1\nset xrange [-0.6:%d.6]\nset yrange [0:1.02]\nset style fill solid 0.7 noborder\nplot ",
        sweep->chosen[places[0]]->exits->exits_n - 1);
    for (int i = 0; i < n; i++)
        dse_buf_printf(out,
                       "$exits%d using ($1<0?NaN:$1+%.4f):2:(%.4f) with boxes lc rgb '%s' "
                       "title '%s'%s",
                       i, (i - (n - 1) / 2.0) * width, width * 0.9, palette[places[i] % COLOURS],
                       plots__name_of(drawing, sweep->chosen[places[i]]), i + 1 < n ? ", " : "\n");
    dse_buf_puts(
        out,
        "set origin 0.5,0\nset ylabel 'accuracy'\nset xlabel 'MACs of a pass'\n"
        "unset key\nset format x '%.0s%c'\nset xtics autofreq\nset xtics rotate by -40\nset rmargin 3.5\nset yrange [*:*]\n"
        "set xrange [0:*]\nset format y '%.2f'\nplot ");
    for (int i = 0; i < n; i++)
        dse_buf_printf(out,
                       "$exits%d using ($1<0?NaN:$3):4 with linespoints dt 2 pt 6 ps 0.7 lc rgb "
                       "'%s', $exits%d using ($1<0?$3:NaN):4 with points pt 7 ps 1.3 lc rgb '%s'%s",
                       i, palette[places[i] % COLOURS], i, palette[places[i] % COLOURS],
                       i + 1 < n ? ", " : "\n");
}

enum dse_status plots__make_exits(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    int places[DSE_PLOTS_CHOSEN_MAX], n = 0;
    for (int i = 0; i < sweep->n_chosen; i++)
        if (has_exits(sweep->chosen[i])) {
            add_exits(drawing, sweep->chosen[i], n);
            places[n++] = i;
        }
    if (n == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "no chosen individual has early exits");
    dse_buf_puts(&drawing->commands,
                 "set multiplot\nset size 0.5,0.88\nset tics font SMALL\nset lmargin 8\n"
                 "set rmargin 1\n"
                 "set key at screen 0.5,0.99 center top horizontal samplen 1 font SMALL\n");
    put_exit_panels(drawing, places, n);
    dse_buf_puts(&drawing->commands, "unset multiplot\n");
    return DSE_OK;
}
