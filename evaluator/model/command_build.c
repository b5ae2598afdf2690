/* build: networks from nothing. */
#include <stdio.h>
#include <string.h>

#include "evaluator/graph/surgery.h"
#include "evaluator/model/model.h"
#include "evaluator/model/networks.h"

enum { DEFAULT_CLASSES = 10, DEFAULT_SEED = 1, LARGEST_EXTENT = 4096 };

static const struct network {
    const char *name;
    struct dse_shape input;
    const char *steps, *exit_steps, *help;
} networks[] = {
#define X(name, rows, columns, channels, steps, exit_steps, help) \
    {name, {rows, columns, channels}, steps, exit_steps, help},
#include "evaluator/model/networks.def"
#undef X
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

static enum dse_status find_network(const char *name, struct network *network,
                                    struct dse_err *err) {
    const char *names[NETWORKS];
    char list[512];
    if (strchr(name, '=') != NULL) { /* a description, for images as of CIFAR */
        *network =
            (struct network){"own", {32, 32, 3}, name, "global,dense=CLASSES", "as described"};
        return DSE_OK;
    }
    for (int i = 0; i < NETWORKS; i++) {
        names[i] = networks[i].name;
        if (strcmp(names[i], name) == 0) {
            *network = networks[i];
            return DSE_OK;
        }
    }
    const char *near = dse_word_nearest(name, names, NETWORKS);
    DSE_FAIL(err, DSE_NOT_FOUND, "no network '%s'%s%s%s; there are %s, or steps (see --help)", name,
             near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
             near == NULL ? "" : "'?", dse_words_join(names, NETWORKS, list, sizeof list));
}

/* "HxWxC" */
static enum dse_status read_shape(const char *text, struct dse_shape *shape, struct dse_err *err) {
    struct dse_shape s;
    int end = 0;
    if (sscanf(text, "%dx%dx%d%n", &s.h, &s.w, &s.c, &end) != 3 || text[end] != '\0' || s.h < 1 ||
        s.w < 1 || s.c < 1 || s.h > LARGEST_EXTENT || s.w > LARGEST_EXTENT || s.c > 4)
        DSE_FAIL(err, DSE_USAGE, "--input '%s': expected ROWSxCOLUMNSxCHANNELS, as 32x32x3", text);
    *shape = s;
    return DSE_OK;
}

/* Of every exit, with the semicolons between. */
static enum dse_status write_exit_steps(struct model *m, const char *exit_steps,
                                        const struct model__network_wish *wish, struct dse_buf *out,
                                        struct dse_err *err) {
    char *copy = dse_arena_strdup(&m->arena, exit_steps), *rest = NULL;
    if (copy == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a network");
    for (char *one = strtok_r(copy, ";", &rest); one != NULL; one = strtok_r(NULL, ";", &rest)) {
        struct dse_buf text = {0};
        enum dse_status status = model__network_text(one, wish, &text, err);
        dse_buf_puts(out, out->size > 0 ? ";" : "");
        dse_buf_puts(out, dse_buf_text(&text));
        dse_buf_fini(&text);
        DSE_TRY(status);
    }
    return dse_buf_status(out, err);
}

static enum dse_status build(struct model *m, struct network *network, struct dse_buf *steps,
                             struct dse_buf *exit_steps, struct dse_onnx **onnx,
                             struct dse_err *err) {
    bool branchy = strncmp(network->name, "b-", 2) == 0 || strcmp(network->name, "own") == 0;
    struct model__network_wish wish = {
        .classes =
            model__given(m, MODEL_OPTION_classes) ? (int)m->options.classes : DEFAULT_CLASSES,
        .width = model__given(m, MODEL_OPTION_width) ? m->options.width : 1.0,
        .exits = model__given(m, MODEL_OPTION_exits) ? (int)m->options.exits
                 : branchy                           ? 0
                                                     : 1,
    };
    uint64_t seed = model__given(m, MODEL_OPTION_seed) ? (uint64_t)m->options.seed : DEFAULT_SEED;
    if (m->options.input != NULL)
        DSE_TRY(read_shape(m->options.input, &network->input, err));
    DSE_TRY(model__network_text(network->steps, &wish, steps, err));
    wish.exits = 0;
    DSE_TRY(write_exit_steps(m, network->exit_steps, &wish, exit_steps, err));
    return dse_surgery_new_network(network->input, steps->data, exit_steps->data, seed, onnx, err);
}

enum dse_status model__command_build(struct model *m, struct dse_err *err) {
    struct network network;
    struct dse_buf steps = {0}, exit_steps = {0};
    struct dse_onnx *onnx = NULL;
    DSE_TRY(find_network(m->line.operands[0], &network, err));
    enum dse_status status = build(m, &network, &steps, &exit_steps, &onnx, err);
    if (status == DSE_OK)
        status = model__finish(m, onnx, m->line.operands[1],
                               dse_console_printf(&m->arena, "%s (%s)", network.name, network.help),
                               err);
    dse_onnx_free(onnx);
    dse_buf_fini(&steps);
    dse_buf_fini(&exit_steps);
    return status;
}
