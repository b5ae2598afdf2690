/* Plots of all individuals as lines and points: objectives side by side, constraint violation. */
#include <math.h>

#include "client/plots/plots_internal.h"

enum { MOST_LINES = 80, MOST_OBJECTIVES = 8, MOST_POINTS = 2000 }; /* more lines are a blot */

/* ---- parallel coordinates ---- */

/* Every objective from its smallest (0) to its largest value (1). */
static void add_line(struct plots__series *series, const struct dse_msg_individual *one,
                     const double *low, const double *high, int n) {
    for (int k = 0; k < n; k++) {
        double span = high[k] - low[k];
        plots__row(series, "%d\t%.8g\t%.10g\t%.10g", k,
                   span > 0.0 ? (one->objectives[k] - low[k]) / span : 0.5, one->objectives[k],
                   one->objectives[0]);
    }
    if (series != NULL)
        dse_buf_puts(&series->rows, "\n"); /* a gap: the next line */
}

static int find_ranges(const struct dse_plots_sweep *sweep, double *low, double *high) {
    int done = 0;
    for (int k = 0; k < sweep->n_objectives; k++) {
        low[k] = INFINITY;
        high[k] = -INFINITY;
    }
    for (int i = 0; i < sweep->n_individuals; i++) {
        if (!plots__is_feasible(&sweep->individuals[i]))
            continue;
        for (int k = 0; k < sweep->n_objectives; k++) {
            low[k] = fmin(low[k], sweep->individuals[i].objectives[k]);
            high[k] = fmax(high[k], sweep->individuals[i].objectives[k]);
        }
        done++;
    }
    return done;
}

enum dse_status plots__make_parallel(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    double low[MOST_OBJECTIVES], high[MOST_OBJECTIVES];
    int n = sweep->n_objectives;
    struct dse_buf *out = &drawing->commands;
    if (n < 2 || n > MOST_OBJECTIVES)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it needs two to %d objectives; this sweep has %d",
                 (int)MOST_OBJECTIVES, n);
    int done = find_ranges(sweep, low, high), every = done / MOST_LINES + 1;
    if (done == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "no feasible individual has a result yet");
    int members = 0, met = 0;
    for (int i = 0; i < sweep->n_individuals; i++)
        members += plots__is_feasible(&sweep->individuals[i]) && sweep->individuals[i].in_front;
    int every_member = members / MOST_LINES + 1;
    static const char columns[] = "objective\tshare\tvalue\tfirst";
    struct plots__series *others = plots__series_new(drawing, "others", columns);
    struct plots__series *front = plots__series_new(drawing, "front", columns);
    for (int i = 0; i < sweep->n_individuals; i++) {
        const struct dse_msg_individual *one = &sweep->individuals[i];
        if (plots__is_feasible(one) && (one->in_front ? met++ % every_member == 0 : i % every == 0))
            add_line(one->in_front ? front : others, one, low, high, n);
    }
    dse_buf_puts(out,
                 "set ytics ('smallest' 0, 'largest' 1)\nset yrange [-0.15:1.15]\nset xtics (");
    for (int k = 0; k < n; k++)
        dse_buf_printf(out, "%s\"%s\" %d", k > 0 ? ", " : "",
                       plots__label(drawing, sweep->objectives[k].metric), k);
    dse_buf_printf(out, ")\nset xrange [-0.2:%d.2]\n", n - 1);
    for (int k = 0; k < n; k++)
        dse_buf_printf(out,
                       "set label '%.4g' at %d,-0.08 center font SMALL\n"
                       "set label '%.4g' at %d,1.08 center font SMALL\n",
                       low[k], k, high[k], k);
    dse_buf_printf(
        out,
        "unset colorbox\nset palette defined (0 '#440154', 0.35 '#3B528B', 0.7 '#21918C', 1 "
        "'#5EC962')\n"
        "plot %s$front using 1:2:4 with lines lw 1 lc palette title 'front'\n",
        others != NULL && others->n > 0 ? "$others using 1:2 with lines lw 0.4 lc rgb '" PLOTS__GREY
                                          "' title 'dominated', "
                                        : "");
    return DSE_OK;
}

/* ---- constraint violation ---- */

enum dse_status plots__make_violation(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    struct plots__series *points =
        plots__series_new(drawing, "violation", "individuals\tviolation\tfeasible");
    int infeasible = 0, done = 0, feasible = 0;
    int every = sweep->n_individuals / MOST_POINTS + 1; /* of those that keep the constraints */
    for (int i = 0; i < sweep->n_individuals; i++) {
        const struct dse_msg_individual *one = &sweep->individuals[i];
        if (!plots__is_done(one))
            continue;
        infeasible += one->violation > 0.0;
        feasible += !(one->violation > 0.0);
        done++;
        if (one->violation > 0.0 || i % every == 0)
            plots__row(points, "%d\t%.8g\t%.6g", i + 1, one->violation, (double)feasible / done);
    }
    if (infeasible == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "every individual keeps the constraints");
    dse_buf_puts(
        &drawing->commands,
        "set xlabel 'individuals evaluated'\nset ylabel 'constraint violation'\n"
        "set y2label 'share of feasible individuals'\nset y2tics\nset y2range [0:1.02]\n"
        "set border 11\n"
        "plot $violation using 1:($2>0?$2:NaN) with points pt 7 ps 0.4 lc rgb '" PLOTS__ORANGE
        "' title 'violation', $violation using 1:3 axes x1y2 with lines lw 2 lc rgb '" PLOTS__BLUE
        "' title 'feasible'\n");
    return DSE_OK;
}
