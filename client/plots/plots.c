/* The table of plots; series, labels and scales; from a drawing to a file. */
#include "client/plots/plots.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/plots/plots_internal.h"

static const struct {
    const char *name, *help;
    enum dse_status (*make)(struct plots__drawing *drawing, struct dse_err *err);
} plots[] = {
#define X(name, help) {#name, help, plots__make_##name},
    DSE_PLOT_TABLE(X)
#undef X
};

static const struct {
    const char *name, *extension, *terminal;
    int small;
} formats[] = {
#define X(name, extension, terminal, small) {#name, extension, terminal, small},
    DSE_PLOT_FORMATS(X)
#undef X
};

const char *dse_plot_name(enum dse_plot plot) {
    return plots[plot].name;
}

const char *dse_plot_help(enum dse_plot plot) {
    return plots[plot].help;
}

bool dse_plot_find(const char *name, enum dse_plot *plot) {
    for (int i = 0; i < DSE_PLOT_COUNT; i++)
        if (strcmp(plots[i].name, name) == 0) {
            *plot = (enum dse_plot)i;
            return true;
        }
    return false;
}

bool dse_plot_format_find(const char *name, enum dse_plot_format *format) {
    for (int i = 0; i < DSE_PLOT_FORMAT_COUNT; i++)
        if (strcmp(formats[i].name, name) == 0) {
            *format = (enum dse_plot_format)i;
            return true;
        }
    return false;
}

const char *dse_plot_extension(enum dse_plot_format format) {
    return formats[format].extension;
}

/* ---- what the plots are made of ---- */

struct plots__series *plots__series_new(struct plots__drawing *drawing, const char *name,
                                        const char *columns) {
    if (drawing->n_series == PLOTS__SERIES_MAX)
        return NULL;
    struct plots__series *series = &drawing->series[drawing->n_series++];
    *series = (struct plots__series){.name = name, .columns = columns};
    return series;
}

void plots__row(struct plots__series *series, const char *fmt, ...) {
    char text[512];
    va_list args;
    if (series == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    dse_buf_puts(&series->rows, text);
    dse_buf_puts(&series->rows, "\n");
    series->n++;
}

const char *plots__label(struct plots__drawing *drawing, const char *text) {
    char *copy = dse_arena_strdup(&drawing->arena, text);
    for (char *at = copy; at != NULL && *at != '\0'; at++) {
        if (*at == '_')
            *at = ' ';
        if (iscntrl((unsigned char)*at) || strchr("\"'\\{}$%&#^~`", *at) != NULL)
            *at = '.';
    }
    return copy != NULL ? copy : "?";
}

const char *plots__axis_label(struct plots__drawing *drawing,
                              const struct dse_msg_objective *objective) {
    const char *label =
        dse_arena_printf(&drawing->arena, "%s (%s)", objective->metric, objective->unit);
    return plots__label(drawing, label != NULL ? label : objective->metric);
}

/* Values that span more than this are easier to tell apart by their logarithm. */
static const double LOGARITHMIC_SPAN = 20.0;

bool plots__is_logarithmic(double low, double high) {
    return low > 0.0 && high / low > LOGARITHMIC_SPAN;
}

void plots__scale_axis(struct plots__drawing *drawing, char axis, double low, double high) {
    bool logarithmic = plots__is_logarithmic(low, high);
    if (logarithmic)
        dse_buf_printf(&drawing->commands, "set logscale %c\n", axis);
    if (fmax(fabs(low), fabs(high)) >= 1e4)
        dse_buf_printf(&drawing->commands, "set format %c '%%.%ds%%c'\n", axis,
                       logarithmic ? 0 : 1);
}

const char *plots__name_of(struct plots__drawing *drawing, const struct dse_msg_individual *one) {
    const char *name = one->generation < 0
                           ? "float32"
                           : dse_arena_printf(&drawing->arena, "%lld.%lld",
                                              (long long)one->generation, (long long)one->slot);
    return name != NULL ? name : "?";
}

bool plots__is_done(const struct dse_msg_individual *individual) {
    return strcmp(individual->state, "done") == 0 && individual->objectives_n > 0;
}

bool plots__is_feasible(const struct dse_msg_individual *individual) {
    return plots__is_done(individual) && !(individual->violation > 0.0);
}

/* ---- CSV ---- */

/* Tabs to commas; a field with a comma gets quotes. */
static void put_csv_line(const char *series, const char *line, size_t length, struct dse_buf *out) {
    dse_buf_puts(out, series);
    for (const char *at = line, *end = line + length; at <= end;) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        size_t n = (size_t)((tab != NULL ? tab : end) - at);
        bool quoted = memchr(at, ',', n) != NULL;
        dse_buf_puts(out, quoted ? ",\"" : ",");
        dse_buf_append(out, at, n);
        dse_buf_puts(out, quoted ? "\"" : "");
        at += n + 1;
    }
    dse_buf_puts(out, "\n");
}

static void put_csv(const struct plots__drawing *drawing, struct dse_buf *out) {
    for (int s = 0; s < drawing->n_series; s++) {
        const struct plots__series *series = &drawing->series[s];
        put_csv_line("series", series->columns, strlen(series->columns), out);
        const char *at = dse_buf_text(&series->rows);
        for (const char *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
            put_csv_line(series->name, at, (size_t)(end - at), out);
    }
}

/* ---- gnuplot ---- */

static void put_blocks(const struct plots__drawing *drawing, struct dse_buf *out) {
    for (int s = 0; s < drawing->n_series; s++) {
        dse_buf_printf(out, "$%s << END_OF_BLOCK\n", drawing->series[s].name);
        dse_buf_puts(out, dse_buf_text(&drawing->series[s].rows));
        dse_buf_puts(out, "END_OF_BLOCK\n");
    }
}

/* A path in gnuplot's single quotes. */
static void put_quoted(const char *text, struct dse_buf *out) {
    dse_buf_puts(out, "'");
    for (; *text != '\0'; text++)
        dse_buf_append(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    dse_buf_puts(out, "'");
}

static void put_script(struct plots__drawing *drawing, const char *path, struct dse_buf *out) {
    dse_buf_puts(out, "set datafile separator \"\\t\"\n");
    put_blocks(drawing, out);
    dse_buf_printf(out, "set terminal %s", formats[drawing->format].terminal);
    if (drawing->format == DSE_PLOT_FORMAT_svg) /* so that several fit into one page */
        dse_buf_printf(out, " name '%s'", drawing->name);
    dse_buf_puts(out, "\n");
    dse_buf_printf(out, "SMALL = ',%d'\n", formats[drawing->format].small);
    dse_buf_puts(out, "set termoption noenhanced\nset output ");
    put_quoted(path, out);
    dse_buf_puts(out, "\nset border 3 lc rgb '#404040'\nset tics nomirror\n"
                      "set grid lc rgb '#E4E4E4' lt 1\n"
                      "set key outside top center horizontal samplen 1.5\n");
    dse_buf_puts(out, dse_buf_text(&drawing->commands));
    dse_buf_puts(out, "\nset output\n");
}

/* Can a file be made there? gnuplot's own words about it are no help. */
static enum dse_status check_place(struct plots__drawing *drawing, const char *path,
                                   struct dse_err *err) {
    const char *slash = strrchr(path, '/');
    const char *directory = slash == NULL ? "."
                            : slash == path
                                ? "/"
                                : dse_arena_strndup(&drawing->arena, path, (size_t)(slash - path));
    if (directory != NULL && access(directory, W_OK | X_OK) != 0)
        return dse_err_set_errno(err, directory);
    return DSE_OK;
}

static enum dse_status draw_file(struct plots__drawing *drawing, const char *path,
                                 struct dse_err *err) {
    struct dse_buf text = {0};
    enum dse_status status;
    if (drawing->format == DSE_PLOT_FORMAT_csv) {
        put_csv(drawing, &text);
        status = dse_buf_status(&text, err);
        if (status == DSE_OK)
            status = dse_file_replace(path, text.data, text.size, err);
    } else {
        const char *part = dse_arena_printf(&drawing->arena, "%s.%ld.part", path, (long)getpid());
        put_script(drawing, part != NULL ? part : path, &text);
        status = dse_buf_status(&text, err);
        if (status == DSE_OK)
            status = check_place(drawing, path, err);
        if (status == DSE_OK)
            status = plots__run_gnuplot(&text, err);
        if (status == DSE_OK && part != NULL && rename(part, path) != 0)
            status = dse_err_set_errno(err, path);
        if (status != DSE_OK && part != NULL)
            (void)unlink(part);
    }
    dse_buf_fini(&text);
    return status;
}

enum dse_status dse_plots_draw(enum dse_plot plot, enum dse_plot_format format,
                               const struct dse_plots_sweep *sweep, const char *path,
                               struct dse_err *err) {
    struct plots__drawing drawing = {.name = plots[plot].name, .sweep = sweep, .format = format};
    enum dse_status status = plots[plot].make(&drawing, err);
    if (status == DSE_OK)
        status = dse_buf_status(&drawing.commands, err);
    for (int s = 0; s < drawing.n_series && status == DSE_OK; s++)
        status = dse_buf_status(&drawing.series[s].rows, err);
    if (status == DSE_OK)
        status = draw_file(&drawing, path, err);
    for (int s = 0; s < drawing.n_series; s++)
        dse_buf_fini(&drawing.series[s].rows);
    dse_buf_fini(&drawing.commands);
    dse_arena_fini(&drawing.arena);
    return status == DSE_OK ? DSE_OK : dse_err_prefix(err, "plot %s", plots[plot].name);
}
