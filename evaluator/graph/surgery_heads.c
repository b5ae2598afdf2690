/* Exit heads and whole networks, from descriptions. */
#include <stdio.h>
#include <string.h>

#include "evaluator/graph/surgery_steps.h"

enum { OPSET = 13 };

/* ---- the place ---- */

/* The value that is meant by its own name, or by that of the node that makes it. */
static const char *find_place(const struct dse_onnx *model, const char *name) {
    if (dse_onnx_find_producer(model, name) >= 0)
        for (int i = 0; i < dse_onnx_n_nodes(model); i++)
            for (int k = 0; k < dse_onnx_node(model, i).n_outputs; k++)
                if (strcmp(dse_onnx_node(model, i).outputs[k], name) == 0)
                    return dse_onnx_node(model, i).outputs[k];
    int node = dse_onnx_find_node(model, name);
    return node >= 0 && dse_onnx_node(model, node).n_outputs > 0
               ? dse_onnx_node(model, node).outputs[0]
               : NULL;
}

/* The shape of a value, as the engine's reader sees it: it becomes an output for a moment. */
static enum dse_status measure_place(struct graph__growth *head) {
    const int64_t dims[] = {DSE_ONNX_DYNAMIC, 1, 1, 1};
    struct dse_graph_options options = {.outputs = &head->value, .n_outputs = 1};
    struct dse_graph *graph = NULL;
    struct dse_buf bytes = {0};
    dse_onnx_insert_output(head->model, 0, head->value, 4, dims);
    enum dse_status status = dse_onnx_write(head->model, &bytes, head->err);
    if (status == DSE_OK) {
        status = dse_graph_read_onnx(bytes.data, bytes.size, "head", &options, &graph, head->err);
        dse_onnx_remove_output(head->model, 0);
    }
    if (status == DSE_OK)
        head->shape = graph->values[graph->output].shape;
    dse_graph_free(graph);
    dse_buf_fini(&bytes);
    return status;
}

/* Splits NAME@PLACE:STEPS; the place ends at the last colon. */
static enum dse_status split(struct graph__growth *head, const char *description, char *place,
                             size_t room, const char **steps) {
    const char *at = strchr(description, '@');
    const char *colon = strrchr(description, ':');
    if (at == NULL || colon == NULL || colon < at || at == description || colon == at + 1)
        DSE_FAIL(head->err, DSE_INVALID, "expected NAME@PLACE:STEP,STEP,…");
    size_t name_length = (size_t)(at - description), place_length = (size_t)(colon - at - 1);
    if (name_length >= sizeof head->name || place_length >= room)
        DSE_FAIL(head->err, DSE_INVALID, "names of more than %d bytes", GRAPH__NAME_ROOM - 1);
    memcpy(head->name, description, name_length);
    head->name[name_length] = '\0';
    memcpy(place, at + 1, place_length);
    place[place_length] = '\0';
    *steps = colon + 1;
    return DSE_OK;
}

static enum dse_status check_names(struct graph__growth *head, const char *place) {
    if (dse_onnx_n_outputs(head->model) == 0)
        DSE_FAIL(head->err, DSE_INVALID, "the model has no output");
    if (dse_onnx_has_value(head->model, head->name))
        DSE_FAIL(head->err, DSE_CONFLICT, "the model has a value '%s' already", head->name);
    head->value = find_place(head->model, place);
    if (head->value == NULL)
        DSE_FAIL(head->err, DSE_NOT_FOUND,
                 "no node and no value '%s' in the model; pareto-model inspect lists the nodes",
                 place);
    return DSE_OK;
}

static enum dse_status add_head(struct graph__growth *head, const char *description) {
    char place[GRAPH__NAME_ROOM];
    const char *steps;
    DSE_TRY(split(head, description, place, sizeof place, &steps));
    DSE_TRY(check_names(head, place));
    DSE_TRY(measure_place(head));
    DSE_TRY(graph__add_steps(head, steps));
    return graph__end_growth(head, dse_onnx_n_outputs(head->model) - 1);
}

enum dse_status dse_surgery_add_head(struct dse_onnx *model, const char *description, uint64_t seed,
                                     struct dse_err *err) {
    struct graph__growth head = {.model = model, .seed = seed, .err = err};
    enum dse_status status = add_head(&head, description);
    if (status != DSE_OK)
        dse_err_prefix(err, "head '%s'", description);
    return status;
}

/* ---- whole networks ---- */

/* Exits at the marks, in their order; the last output is the network's own. Their steps are
 * separated by semicolons; the last ones serve all exits that are left. */
static enum dse_status add_marked_exits(struct graph__growth *network, char *exit_steps) {
    for (int i = 0; i < network->n_marks; i++) {
        struct graph__growth exit = {
            .model = network->model, .seed = network->seed, .err = network->err};
        (void)snprintf(exit.name, sizeof exit.name, "exit%d", i);
        exit.value = network->marks[i];
        DSE_TRY(measure_place(&exit));
        char *end = strchr(exit_steps, ';');
        if (end != NULL)
            *end = '\0';
        DSE_TRY(graph__add_steps(&exit, exit_steps));
        DSE_TRY(graph__end_growth(&exit, i));
        if (end != NULL)
            exit_steps = end + 1;
    }
    return DSE_OK;
}

enum dse_status dse_surgery_new_network(struct dse_shape input, const char *steps,
                                        const char *exit_steps, uint64_t seed,
                                        struct dse_onnx **model, struct dse_err *err) {
    const int64_t dims[] = {DSE_ONNX_DYNAMIC, input.c, input.h, input.w};
    struct graph__growth network = {
        .name = "logits", .value = "input", .shape = input, .seed = seed, .err = err};
    enum dse_status status;
    char *exits = dse_strdup(exit_steps);
    if (exits == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a network");
    DSE_TRY_GOTO(status, dse_onnx_new("network", OPSET, &network.model, err), fail);
    dse_onnx_add_input(network.model, "input", 4, dims);
    DSE_TRY_GOTO(status, graph__add_steps(&network, steps), fail);
    DSE_TRY_GOTO(status, graph__end_growth(&network, 0), fail);
    DSE_TRY_GOTO(status, add_marked_exits(&network, exits), fail);
    dse_free(exits);
    *model = network.model;
    return DSE_OK;
fail:
    dse_free(exits);
    dse_onnx_free(network.model);
    return status;
}
