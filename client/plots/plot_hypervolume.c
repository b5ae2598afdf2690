/* The volume that the front dominates against the number of individuals evaluated, as a share of
 * the volume at the end. The reference point is the worst value of each objective among all
 * feasible individuals and the float32 network. */
#include <math.h>
#include <string.h>

#include "client/plots/plots_internal.h"
#include "search/search.h"

enum { CURVE_POINTS = 200, MOST_OBJECTIVES = 4 };

/* The front while individuals arrive. */
struct growth {
    struct dse_space space;
    struct dse_archive *archive;
    double *points; /* room for all individuals */
    double reference[MOST_OBJECTIVES];
};

static void describe_space(const struct dse_plots_sweep *sweep, struct dse_space *space) {
    *space = (struct dse_space){.n_objectives = sweep->n_objectives};
    for (int i = 0; i < sweep->n_objectives; i++)
        space->objectives[i].sense =
            strcmp(sweep->objectives[i].sense, "maximize") == 0 ? DSE_MAXIMIZE : DSE_MINIMIZE;
}

static void worsen(struct growth *growth, const double *objectives) {
    for (int k = 0; k < growth->space.n_objectives; k++) {
        bool maximize = growth->space.objectives[k].sense == DSE_MAXIMIZE;
        bool worse =
            maximize ? objectives[k] < growth->reference[k] : objectives[k] > growth->reference[k];
        if (worse)
            growth->reference[k] = objectives[k];
    }
}

static void find_reference(const struct dse_plots_sweep *sweep, struct growth *growth) {
    for (int k = 0; k < sweep->n_objectives; k++)
        growth->reference[k] =
            growth->space.objectives[k].sense == DSE_MAXIMIZE ? INFINITY : -INFINITY;
    for (int i = 0; i < sweep->n_individuals; i++)
        if (plots__is_feasible(&sweep->individuals[i]))
            worsen(growth, sweep->individuals[i].objectives);
    if (sweep->baseline != NULL && plots__is_done(sweep->baseline))
        worsen(growth, sweep->baseline->objectives);
}

static enum dse_status measure_volume(const struct growth *growth, double *volume,
                                      struct dse_err *err) {
    dse_archive_points(growth->archive, growth->points);
    return dse_search_hypervolume(&growth->space, growth->points, dse_archive_size(growth->archive),
                                  growth->reference, volume, err);
}

static enum dse_status fill_curve(struct plots__drawing *drawing, struct growth *growth,
                                  double *volumes, int *at, int *n_points, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    int every = (sweep->n_individuals + CURVE_POINTS - 1) / CURVE_POINTS;
    struct dse_archive_change change;
    for (int i = 0; i < sweep->n_individuals; i++) {
        if (plots__is_feasible(&sweep->individuals[i]))
            DSE_TRY(dse_archive_offer(growth->archive, sweep->individuals[i].objectives, i, &change,
                                      err));
        if ((i + 1) % every != 0 && i + 1 != sweep->n_individuals)
            continue;
        DSE_TRY(measure_volume(growth, &volumes[*n_points], err));
        at[(*n_points)++] = i + 1;
    }
    return DSE_OK;
}

static enum dse_status follow_growth(struct plots__drawing *drawing, struct growth *growth,
                                     double *volumes, int *at, int *n_points, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    growth->points = dse_arena_alloc(
        &drawing->arena, (size_t)(sweep->n_individuals + 1) * (size_t)sweep->n_objectives,
        sizeof *growth->points);
    if (growth->points == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %d individuals", sweep->n_individuals);
    DSE_TRY(dse_archive_new(&growth->space, NULL, NULL, &growth->archive, err));
    enum dse_status status = fill_curve(drawing, growth, volumes, at, n_points, err);
    dse_archive_free(growth->archive);
    return status;
}

enum dse_status plots__make_hypervolume(struct plots__drawing *drawing, struct dse_err *err) {
    const struct dse_plots_sweep *sweep = drawing->sweep;
    struct growth growth = {0};
    double volumes[CURVE_POINTS + 1];
    int at[CURVE_POINTS + 1], n = 0;
    if (sweep->n_objectives > MOST_OBJECTIVES)
        DSE_FAIL(err, DSE_UNSUPPORTED, "it is drawn for up to %d objectives; this sweep has %d",
                 (int)MOST_OBJECTIVES, sweep->n_objectives);
    describe_space(sweep, &growth.space);
    find_reference(sweep, &growth);
    DSE_TRY(follow_growth(drawing, &growth, volumes, at, &n, err));
    if (n == 0 || !(volumes[n - 1] > 0.0))
        DSE_FAIL(err, DSE_UNSUPPORTED, "no individual is better than the worst of every objective");
    struct plots__series *curve =
        plots__series_new(drawing, "hypervolume", "individuals\tshare\tvolume");
    for (int i = 0; i < n; i++)
        plots__row(curve, "%d\t%.8g\t%.10g", at[i], volumes[i] / volumes[n - 1], volumes[i]);
    dse_buf_puts(&drawing->commands,
                 "set xlabel 'individuals evaluated'\n"
                 "set ylabel 'hypervolume (share of the last)'\nset yrange [*:1.01]\nunset key\n"
                 "plot $hypervolume using 1:2 with lines lw 2 lc rgb '" PLOTS__BLUE "'\n");
    return DSE_OK;
}
