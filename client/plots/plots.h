/* plots: pictures of a sweep, drawn by gnuplot from what the daemon has answered; the same data as
 * CSV. Nothing here talks to the daemon.
 *
 * Colours are those of Okabe and Ito ("Color universal design", 2008), which colour-blind readers
 * tell apart; marks differ in shape, too. Sizes are those of one column of a paper. */
#ifndef DSE_CLIENT_PLOTS_H
#define DSE_CLIENT_PLOTS_H

#include "base/base.h"
#include "protocol/protocol.h"

enum { DSE_PLOTS_CHOSEN_MAX = 6 };

/* What is drawn. Everything is borrowed. */
struct dse_plots_sweep {
    const char *title;
    const struct dse_msg_objective *objectives;
    int n_objectives;
    const char *const *layers;
    int n_layers;
    /* In the order of their birth; those without a result are left out by the plots. */
    const struct dse_msg_individual *individuals;
    int n_individuals;
    const struct dse_msg_individual *baseline; /* NULL: none */
    /* Individuals with cells and bits, for plots of single ones. */
    const struct dse_msg_individual *chosen[DSE_PLOTS_CHOSEN_MAX];
    int n_chosen;
};

/* X(name, help). File plot_<name>.c makes it. */
#define DSE_PLOT_TABLE(X)                                                            \
    X(front, "individuals over two objectives each: front, dominated ones, float32") \
    X(hypervolume, "volume that the front dominates, against individuals evaluated") \
    X(bits, "bits of every layer: inputs upwards, weights downwards")                \
    X(severity, "accuracy and calibration error against severity, 0 to 5")           \
    X(corruptions, "accuracy on every corruption and severity of one individual")    \
    X(reliability, "accuracy against confidence, clean and corrupted")               \
    X(exits, "where images leave, and accuracy against MACs up to there")            \
    X(parallel, "all objectives side by side, a line an individual")                 \
    X(violation, "constraint violation against individuals evaluated")
enum dse_plot {
#define X(name, help) DSE_PLOT_##name,
    DSE_PLOT_TABLE(X)
#undef X
        DSE_PLOT_COUNT
};
const char *dse_plot_name(enum dse_plot plot);
const char *dse_plot_help(enum dse_plot plot);
/* By name; false when unknown. */
bool dse_plot_find(const char *name, enum dse_plot *plot);

/* X(name, extension of files, terminal of gnuplot with its settings, size of small letters) */
#define DSE_PLOT_FORMATS(X)                                                                        \
    X(svg, "svg", "svg size 640,450 dynamic background '#ffffff' font 'sans-serif,15' lw 1.2", 11) \
    X(png, "png", "pngcairo size 1280,900 font 'sans,24' lw 2.4 pointscale 2", 17)                 \
    X(pdf, "pdf", "pdfcairo size 8.6cm,6.05cm font 'sans,8' lw 1.2 pointscale 0.6", 6)             \
    X(tikz, "tex", "tikz size 8.6cm,6.05cm pointscale 0.6", 6)                                     \
    X(csv, "csv", "", 0)
enum dse_plot_format {
#define X(name, extension, terminal, small) DSE_PLOT_FORMAT_##name,
    DSE_PLOT_FORMATS(X)
#undef X
        DSE_PLOT_FORMAT_COUNT
};
/* By name; false when unknown. */
bool dse_plot_format_find(const char *name, enum dse_plot_format *format);
const char *dse_plot_extension(enum dse_plot_format format);

/* Draws into a file, which appears under its name when it is whole. UNSUPPORTED when the plot has
 * nothing to show of this sweep (says why) or gnuplot is not installed; FAILED with what gnuplot
 * said. */
DSE_MUST_USE enum dse_status dse_plots_draw(enum dse_plot plot, enum dse_plot_format format,
                                            const struct dse_plots_sweep *sweep, const char *path,
                                            struct dse_err *err);

#endif
