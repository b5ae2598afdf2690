/* The individuals over two objectives each: one picture for two objectives, a triangle of pictures
 * for more. */
#include <math.h>

#include "client/plots/plots_internal.h"

enum { MOST_DOMINATED = 3000, MOST_FRONT = 2000 }; /* more points would only make files large */

struct range {
    double low, high;
};

static void widen(struct range *range, double value) {
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

static void add_row(struct plots__series *series, const struct dse_msg_individual *individual,
                    int n_objectives) {
    struct dse_buf row = {0};
    for (int i = 0; i < n_objectives; i++)
        dse_buf_printf(&row, "%s%.10g", i > 0 ? "\t" : "", individual->objectives[i]);
    plots__row(series, "%s\t%lld.%lld", dse_buf_text(&row), (long long)individual->generation,
               (long long)individual->slot);
    dse_buf_fini(&row);
}

static const char *columns_of(struct plots__drawing *drawing) {
    struct dse_buf text = {0};
    for (int i = 0; i < drawing->sweep->n_objectives; i++)
        dse_buf_printf(&text, "%s\t", drawing->sweep->objectives[i].metric);
    dse_buf_puts(&text, "individual");
    const char *columns = dse_arena_strdup(&drawing->arena, dse_buf_text(&text));
    dse_buf_fini(&text);
    return columns != NULL ? columns : "individual";
}

static int fill_series(struct plots__drawing *drawing, struct range ranges[]) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    const char *columns = columns_of(drawing);
    struct plots__series *dominated = plots__series_new(drawing, "dominated", columns);
    struct plots__series *front = plots__series_new(drawing, "front", columns);
    int done = 0, members = 0, every = sweep->n_individuals / MOST_DOMINATED + 1;
    for (int i = 0; i < sweep->n_individuals; i++)
        members += plots__is_done(&sweep->individuals[i]) && sweep->individuals[i].in_front;
    int every_member = members / MOST_FRONT + 1;
    for (int i = 0; i < sweep->n_individuals; i++) {
        const struct dse_msg_individual *one = &sweep->individuals[i];
        if (!plots__is_done(one))
            continue;
        if (i % (one->in_front ? every_member : every) == 0)
            add_row(one->in_front ? front : dominated, one, sweep->n_objectives);
        for (int k = 0; k < sweep->n_objectives && (one->in_front || members == 0); k++)
            widen(&ranges[k], one->objectives[k]);
        done++;
    }
    if (sweep->baseline != NULL && plots__is_done(sweep->baseline)) {
        struct plots__series *float32 = plots__series_new(drawing, "float32", columns);
        add_row(float32, sweep->baseline, sweep->n_objectives);
        for (int k = 0; k < sweep->n_objectives; k++)
            widen(&ranges[k], sweep->baseline->objectives[k]);
    }
    return done;
}

/* 1, 2 or 5 times a power of ten: some three steps fill the span, so that labels stay apart. */
static double step_of(double span) {
    double rough = span / 3, power = pow(10, floor(log10(rough))), ratio = rough / power;
    return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

/* The front and float32 fill the picture; of the dominated, those around them are seen. */
static void put_range(struct dse_buf *out, char axis, const struct range *range) {
    double margin = 0.1 * (range->high - range->low);
    if (!(margin > 0))
        dse_buf_printf(out, "set %crange [*:*]\nset %ctics autofreq\n", axis, axis);
    else if (plots__is_logarithmic(range->low, range->high))
        dse_buf_printf(out, "set %crange [%.10g:%.10g]\nset %ctics autofreq\n", axis,
                       range->low / 1.3, range->high * 1.3, axis);
    else
        dse_buf_printf(out, "set %crange [%.10g:%.10g]\nset %ctics %.10g\n", axis,
                       range->low - margin, range->high + margin, axis,
                       step_of(range->high - range->low));
}

/* x and y are labelled where the picture stands alone or at the rim. */
static void draw_pair(struct plots__drawing *drawing, int x, int y, const struct range ranges[]) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    struct dse_buf *out = &drawing->commands;
    dse_buf_puts(out, "unset logscale\nset format '%g'\n");
    plots__scale_axis(drawing, 'x', ranges[x].low, ranges[x].high);
    plots__scale_axis(drawing, 'y', ranges[y].low, ranges[y].high);
    put_range(out, 'x', &ranges[x]);
    put_range(out, 'y', &ranges[y]);
    int n = sweep->n_objectives;
    if (n == 2)
        dse_buf_printf(out, "set xlabel \"%s\"\nset ylabel \"%s\"\n",
                       plots__axis_label(drawing, &sweep->objectives[x]),
                       plots__axis_label(drawing, &sweep->objectives[y]));
    else
        dse_buf_printf(out, "set xlabel \"%s\" font SMALL\nset ylabel \"%s\" font SMALL\n",
                       y == n - 1 ? plots__label(drawing, sweep->objectives[x].metric) : "",
                       x == 0 ? plots__label(drawing, sweep->objectives[y].metric) : "");
    dse_buf_puts(out, "plot ");
    static const struct {
        const char *title, *style;
    } styles[] = {
        {"dominated", "pt 7 ps 0.35 lc rgb '" PLOTS__GREY "'"},
        {"front", "pt 7 ps 0.45 lc rgb '" PLOTS__BLUE "'"},
        {"float32", "pt 9 ps 1.4 lc rgb '" PLOTS__ORANGE "'"},
    };
    const char *comma = "";
    for (int s = 0; s < drawing->n_series && s < (int)(sizeof styles / sizeof styles[0]); s++) {
        if (drawing->series[s].n == 0)
            continue;
        dse_buf_printf(out, "%s$%s using %d:%d with points %s title '%s'", comma,
                       drawing->series[s].name, x + 1, y + 1, styles[s].style, styles[s].title);
        comma = ", ";
    }
    dse_buf_puts(out, "\n");
}

/* Row y of the triangle has the pairs (0, y) .. (y - 1, y). */
static void draw_triangle(struct plots__drawing *drawing, const struct range ranges[]) {
    int n = drawing->sweep->n_objectives;
    struct dse_buf *out = &drawing->commands;
    dse_buf_printf(out,
                   "set multiplot\nset size %.4f,%.4f\nset tics font SMALL\n"
                   "set lmargin 8.5\nset rmargin 1.5\nset bmargin 3\nset tmargin 0.5\n",
                   1.0 / (n - 1), 0.93 / (n - 1));
    for (int y = 1; y < n; y++)
        for (int x = 0; x < y; x++) {
            dse_buf_printf(out, "set origin %.4f,%.4f\n", (double)x / (n - 1),
                           0.93 * (n - 1 - y) / (n - 1));
            dse_buf_puts(out, x == 0 && y == 1 ? "set key at screen 0.98,0.98 right top vertical\n"
                                               : "unset key\n");
            draw_pair(drawing, x, y, ranges);
        }
    dse_buf_puts(out, "unset multiplot\n");
}

enum dse_status plots__make_front(struct plots__drawing *drawing, struct dse_err *err) {
    enum { MOST_OBJECTIVES = 8 };
    struct range ranges[MOST_OBJECTIVES];
    int n = drawing->sweep->n_objectives;
    if (n < 2 || n > MOST_OBJECTIVES)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it needs two to %d objectives; this sweep has %d",
                 (int)MOST_OBJECTIVES, n);
    for (int k = 0; k < n; k++)
        ranges[k] = (struct range){INFINITY, -INFINITY};
    if (fill_series(drawing, ranges) == 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "no individual has a result yet");
    if (n == 2)
        draw_pair(drawing, 0, 1, ranges);
    else
        draw_triangle(drawing, ranges);
    return DSE_OK;
}
