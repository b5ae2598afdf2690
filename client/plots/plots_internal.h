/* plots, inside: tables of numbers, and gnuplot's words about them. */
#ifndef DSE_CLIENT_PLOTS_INTERNAL_H
#define DSE_CLIENT_PLOTS_INTERNAL_H

#include "client/plots/plots.h"

enum { PLOTS__SERIES_MAX = 24 };

/* Colours by meaning. */
#define PLOTS__BLUE   "#0072B2"
#define PLOTS__ORANGE "#D55E00"
#define PLOTS__GREEN  "#009E73"
#define PLOTS__PURPLE "#CC79A7"
#define PLOTS__YELLOW "#E69F00"
#define PLOTS__SKY    "#56B4E9"
#define PLOTS__GREY   "#B0B0B0"
#define PLOTS__PALETTE \
    { PLOTS__BLUE, PLOTS__ORANGE, PLOTS__GREEN, PLOTS__PURPLE, PLOTS__YELLOW, PLOTS__SKY }

/* A table of numbers: gnuplot's data block of that name, a part of the CSV. */
struct plots__series {
    const char *name;    /* a word */
    const char *columns; /* names separated by tabs */
    struct dse_buf rows; /* lines of columns separated by tabs */
    int n;               /* rows */
};

/* A plot being made. */
struct plots__drawing {
    const char *name; /* of the plot */
    const struct dse_plots_sweep *sweep;
    enum dse_plot_format format;
    struct plots__series series[PLOTS__SERIES_MAX];
    int n_series;
    struct dse_buf commands; /* of gnuplot, after the data */
    struct dse_arena arena;
};

/* Starts a series; NULL when there are too many. The name is borrowed. */
struct plots__series *plots__series_new(struct plots__drawing *drawing, const char *name,
                                        const char *columns);
/* Ends a row: the text is that of its columns. */
void plots__row(struct plots__series *series, const char *fmt, ...) DSE_PRINTF(2, 3);
/* A name of the user's for labels and columns: no tab, quote or other sign that gnuplot or TeX
 * would take as its own. Never NULL. */
const char *plots__label(struct plots__drawing *drawing, const char *text);
/* "accuracy clean (share)" */
const char *plots__axis_label(struct plots__drawing *drawing,
                              const struct dse_msg_objective *objective);
/* Is such an axis logarithmic? */
bool plots__is_logarithmic(double low, double high);
/* Logarithm where values are positive and span a factor of 20; SI prefixes where they are large. */
void plots__scale_axis(struct plots__drawing *drawing, char axis, double low, double high);
/* "12.3", or "float32"; never NULL. */
const char *plots__name_of(struct plots__drawing *drawing, const struct dse_msg_individual *one);
/* Has it got objectives? */
bool plots__is_done(const struct dse_msg_individual *individual);
/* Is every constraint kept? */
bool plots__is_feasible(const struct dse_msg_individual *individual);

/* Fills series and commands. UNSUPPORTED says why there is nothing to draw. */
#define X(name, help)                                                               \
    DSE_MUST_USE enum dse_status plots__make_##name(struct plots__drawing *drawing, \
                                                    struct dse_err *err);
DSE_PLOT_TABLE(X)
#undef X

/* Runs gnuplot on a script. */
DSE_MUST_USE enum dse_status plots__run_gnuplot(const struct dse_buf *script, struct dse_err *err);

#endif
