/* Bits of every layer: those of its input upwards, those of its weights downwards; bars are the
 * mean over the chosen individuals, points the individuals. float32 counts as 32. */
#include <string.h>

#include "client/plots/plots_internal.h"

enum { FLOAT_BITS = 32, MOST_TICS = 40 };

static double bits_of(int64_t bits) {
    return bits == 0 ? FLOAT_BITS : (double)bits;
}

/* "/stage1/conv1/Conv" is "stage1/conv1" here. */
static const char *short_name(struct plots__drawing *drawing, const char *name) {
    static const char *const operators[] = {"/Conv", "/Gemm", "/MatMul"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        size_t tail = strlen(operators[i]);
        if (length > tail + 1 && strcmp(name + length - tail, operators[i]) == 0)
            length -= tail;
    }
    size_t first = name[0] == '/' && length > 1 ? 1 : 0;
    const char *cut = dse_arena_strndup(&drawing->arena, name + first, length - first);
    return plots__label(drawing, cut != NULL ? cut : name);
}

static void fill(struct plots__drawing *drawing) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    struct plots__series *means =
        plots__series_new(drawing, "means", "layer\tname\tinput bits\tweight bits");
    struct plots__series *points =
        plots__series_new(drawing, "points", "layer\tindividual\tinput bits\tweight bits");
    for (int l = 0; l < sweep->n_layers; l++) {
        double input = 0.0, weight = 0.0;
        for (int i = 0; i < sweep->n_chosen; i++) {
            const struct dse_msg_individual *one = sweep->chosen[i];
            input += bits_of(one->input_bits[l]) / sweep->n_chosen;
            weight += bits_of(one->weight_bits[l]) / sweep->n_chosen;
            plots__row(points, "%d\t%d\t%g\t%g", l + 1, i, bits_of(one->input_bits[l]),
                       bits_of(one->weight_bits[l]));
        }
        plots__row(means, "%d\t%s\t%g\t%g", l + 1, short_name(drawing, sweep->layers[l]), input,
                   weight);
    }
}

enum dse_status plots__make_bits(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    if (sweep->n_chosen == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "no individual is chosen, and the front is empty");
    for (int i = 0; i < sweep->n_chosen; i++)
        if (sweep->chosen[i]->input_bits_n != sweep->n_layers ||
            sweep->chosen[i]->weight_bits_n != sweep->n_layers || sweep->n_layers == 0)
            DSE_FAIL(err, DSE_UNSUPPORTED, "its individuals have no bits");
    fill(drawing);
    struct dse_buf *out = &drawing->commands;
    dse_buf_puts(
        out,
        "set ylabel 'bits: weights | inputs'\nset boxwidth 0.8\n"
        "set style fill solid 0.55 noborder\nset xzeroaxis lt 1 lc rgb '#404040'\nset offsets 0,0,0.4,0.4\n"
        "set format y '%.0f'\n"
        "set ytics ('16' -16, '12' -12, '8' -8, '4' -4, '0' 0, '4' 4, '8' 8, '12' 12, "
        "'16' 16, '32' 32, '32' -32)\n");
    if (sweep->n_layers <= MOST_TICS)
        dse_buf_puts(out, "set xtics rotate by -60 font SMALL\n");
    else
        dse_buf_puts(out, "set xlabel 'layer'\n");
    dse_buf_printf(out,
                   "set xrange [0.3:%d.7]\nplot $means using 1:3%s with boxes lc rgb '" PLOTS__BLUE
                   "' title 'inputs', $means using 1:(-$4) with boxes lc rgb '" PLOTS__ORANGE
                   "' title 'weights'",
                   sweep->n_layers, sweep->n_layers <= MOST_TICS ? ":xtic(2)" : "");
    if (sweep->n_chosen > 1)
        dse_buf_puts(out, ", $points using 1:3 with points pt 7 ps 0.35 lc rgb '#202020' title "
                          "'single individuals', $points using 1:(-$4) with points pt 7 ps 0.35 lc "
                          "rgb '#202020' notitle");
    dse_buf_puts(out, "\n");
    return DSE_OK;
}
