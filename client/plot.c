/* pareto plot: pictures of a sweep. */
#include <string.h>

#include "client/album.h"

/* What is asked for. */
struct order {
    struct client__album album;
    enum dse_plot_format format;
    bool wanted[DSE_PLOT_COUNT];
    bool named; /* were plots named? Else those that have nothing to show are passed over */
    const char *sweep;
};

/* ---- the command line ---- */

static enum dse_status read_kind(struct order *order, const char *word, struct dse_err *err) {
    const char *names[DSE_PLOT_COUNT];
    char list[256];
    enum dse_plot plot;
    if (dse_plot_find(word, &plot)) {
        order->wanted[plot] = order->named = true;
        return DSE_OK;
    }
    for (int i = 0; i < DSE_PLOT_COUNT; i++)
        names[i] = dse_plot_name((enum dse_plot)i);
    const char *near = dse_word_nearest(word, names, DSE_PLOT_COUNT);
    DSE_FAIL(err, DSE_USAGE, "no plot \"%.40s\"%s%s%s; plots are %s", word,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
             near != NULL ? "\"?" : "", dse_words_join(names, DSE_PLOT_COUNT, list, sizeof list));
}

static enum dse_status read_operands(struct order *order, struct dse_err *err) {
    const struct client__options *o = &order->album.c->options;
    int first = 0;
    int64_t id;
    order->format = DSE_PLOT_FORMAT_svg;
    if (o->format != NULL && !dse_plot_format_find(o->format, &order->format))
        DSE_FAIL(err, DSE_USAGE, "--format: \"%.40s\" is not one of: svg png pdf tikz csv",
                 o->format);
    if (o->n_operands > 0 && client__parse_id(o->operands[0], &id, NULL) == DSE_OK)
        order->sweep = o->operands[first++];
    for (int i = first; i < o->n_operands; i++)
        DSE_TRY(read_kind(order, o->operands[i], err));
    for (int i = 0; i < DSE_PLOT_COUNT; i++)
        order->wanted[i] = order->wanted[i] || !order->named;
    return DSE_OK;
}

/* ---- pictures ---- */

static enum dse_status draw(struct order *order, enum dse_plot plot, struct dse_buf *out,
                            struct dse_err *err) {
    struct client *c = order->album.c;
    const char *path = dse_console_printf(&c->arena, "%s/%s.%s", order->album.directory,
                                          dse_plot_name(plot), dse_plot_extension(order->format));
    struct dse_err why = {0};
    enum dse_status status = dse_plots_draw(plot, order->format, &order->album.data, path, &why);
    if (status == DSE_UNSUPPORTED && !order->named && strstr(why.text, "gnuplot") == NULL)
        return DSE_OK;
    if (status != DSE_OK)
        DSE_FAIL(err, status, "%s", why.text);
    if (c->options.json) {
        dse_buf_puts(out, out->size > 0 ? "," : "");
        dse_console_json_string(out, path);
    } else {
        dse_buf_printf(out, "%s\n", dse_console_clean(&c->arena, path));
    }
    return DSE_OK;
}

enum dse_status client__command_plot(struct client *c, struct dse_err *err) {
    struct order order = {.album.c = c};
    struct dse_buf paths = {0}, out = {0};
    DSE_TRY(read_operands(&order, err));
    DSE_TRY(client__album_load(&order.album, order.sweep, err));
    DSE_TRY(client__album_directory(&order.album, c->options.output, err));
    enum dse_status status = DSE_OK;
    for (int i = 0; i < DSE_PLOT_COUNT && status == DSE_OK; i++)
        if (order.wanted[i])
            status = draw(&order, (enum dse_plot)i, &paths, err);
    if (c->options.json)
        dse_buf_printf(&out, "{\"files\":[%s]}\n", dse_buf_text(&paths));
    else
        dse_buf_puts(&out, dse_buf_text(&paths));
    dse_buf_fini(&paths);
    if (status == DSE_OK)
        return dse_console_put(&out, err);
    dse_buf_fini(&out);
    return status;
}
