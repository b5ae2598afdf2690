/* Exit heads, from a description. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/graph/graph.h"
#include "evaluator/graph/surgery.h"

enum { LARGEST_NUMBER = 1 << 16, NAME_ROOM = 256, STEP_ROOM = 64 };

struct head {
    struct dse_onnx *model;
    char name[NAME_ROOM];
    const char *value;      /* made last */
    struct dse_shape shape; /* of it */
    bool is_flat;
    uint64_t seed;
    struct dse_err *err;
};

/* ---- nodes ---- */

/* "NAME/what", not taken yet; NULL without memory. */
static const char *part_name(struct head *head, const char *what) {
    struct dse_buf wish = {0};
    const char *name = NULL;
    dse_buf_printf(&wish, "%s/%s", head->name, what);
    if (!wish.failed)
        name = dse_onnx_new_name(head->model, wish.data);
    dse_buf_fini(&wish);
    return name;
}

/* A node on the last value and up to two constants (NULL: none); *node is its index. */
static enum dse_status add_node(struct head *head, const char *op, const char *weights,
                                const char *bias, int *node) {
    const char *inputs[] = {head->value, weights, bias};
    const char *name = part_name(head, op);
    if (name == NULL)
        DSE_FAIL(head->err, DSE_NO_MEMORY, "no memory for a head");
    struct dse_onnx_node added = {
        .name = name,
        .op = op,
        .inputs = inputs,
        .n_inputs = weights == NULL ? 1
                    : bias == NULL  ? 2
                                    : 3,
        .outputs = &name,
        .n_outputs = 1,
    };
    dse_onnx_append_node(head->model, &added);
    DSE_TRY(dse_onnx_status(head->model, head->err));
    *node = dse_onnx_n_nodes(head->model) - 1;
    head->value = name;
    return DSE_OK;
}

/* Weights by He's rule (He et al., "Delving deep into rectifiers", ICCV 2015): normal with variance
 * 2 / inputs of a sum. dims[1..] are those inputs. */
static enum dse_status add_parameters(struct head *head, int rank, const int64_t *dims,
                                      const char **weights, const char **bias) {
    size_t per_sum = 1;
    for (int i = 1; i < rank; i++)
        per_sum *= (size_t)dims[i];
    size_t n = per_sum * (size_t)dims[0];
    float *values = dse_alloc(n, sizeof *values);
    float *zeros = dse_alloc((size_t)dims[0], sizeof *zeros);
    enum dse_status status = DSE_OK;
    *weights = part_name(head, "weight");
    *bias = part_name(head, "bias");
    if (values == NULL || zeros == NULL || *weights == NULL || *bias == NULL) {
        status = dse_err_set(head->err, DSE_NO_MEMORY, "no memory for a head");
    } else {
        struct dse_rng rng;
        double deviation = sqrt(2.0 / (double)per_sum);
        dse_rng_init(&rng, head->seed, DSE_RNG_INIT, (uint32_t)dse_onnx_n_constants(head->model),
                     0);
        for (size_t i = 0; i < n; i++)
            values[i] = (float)(deviation * dse_rng_normal(&rng));
        dse_onnx_add_constant(head->model, *weights, DSE_ONNX_FLOAT, rank, dims, values);
        dse_onnx_add_constant(head->model, *bias, DSE_ONNX_FLOAT, 1, dims, zeros);
        status = dse_onnx_status(head->model, head->err);
    }
    dse_free(values);
    dse_free(zeros);
    return status;
}

/* ---- steps ---- */

struct step {
    const char *text;
    int channels, kernel, stride;
};

static enum dse_status check_map(const struct head *head, const struct step *step) {
    if (head->is_flat)
        DSE_FAIL(head->err, DSE_INVALID, "step '%s': nothing but relu and dense follows dense",
                 step->text);
    return DSE_OK;
}

static enum dse_status set_window(struct head *head, const struct step *step, int node, int pad) {
    const int64_t kernel[] = {step->kernel, step->kernel};
    const int64_t strides[] = {step->stride, step->stride};
    const int64_t pads[] = {pad, pad, pad, pad};
    struct dse_shape *shape = &head->shape;
    if (shape->h + 2 * pad < step->kernel || shape->w + 2 * pad < step->kernel)
        DSE_FAIL(head->err, DSE_INVALID, "step '%s': the map has only %d x %d pixels", step->text,
                 shape->h, shape->w);
    dse_onnx_set_ints(head->model, node, "kernel_shape", kernel, 2);
    dse_onnx_set_ints(head->model, node, "pads", pads, 4);
    dse_onnx_set_ints(head->model, node, "strides", strides, 2);
    shape->h = (shape->h + 2 * pad - step->kernel) / step->stride + 1;
    shape->w = (shape->w + 2 * pad - step->kernel) / step->stride + 1;
    return DSE_OK;
}

static enum dse_status add_conv(struct head *head, const struct step *step) {
    const int64_t dims[] = {step->channels, head->shape.c, step->kernel, step->kernel};
    const char *weights = NULL, *bias = NULL;
    int node;
    DSE_TRY(check_map(head, step));
    DSE_TRY(add_parameters(head, 4, dims, &weights, &bias));
    DSE_TRY(add_node(head, "Conv", weights, bias, &node));
    head->shape.c = step->channels;
    return set_window(head, step, node, step->kernel / 2);
}

static enum dse_status add_pool(struct head *head, const struct step *step, const char *op) {
    int node;
    DSE_TRY(check_map(head, step));
    DSE_TRY(add_node(head, op, NULL, NULL, &node));
    return set_window(head, step, node, 0);
}

static enum dse_status add_max(struct head *head, const struct step *step) {
    return add_pool(head, step, "MaxPool");
}

static enum dse_status add_average(struct head *head, const struct step *step) {
    return add_pool(head, step, "AveragePool");
}

static enum dse_status add_global(struct head *head, const struct step *step) {
    int node;
    DSE_TRY(check_map(head, step));
    head->shape.h = head->shape.w = 1;
    return add_node(head, "GlobalAveragePool", NULL, NULL, &node);
}

static enum dse_status add_relu(struct head *head, const struct step *step) {
    int node;
    (void)step;
    return add_node(head, "Relu", NULL, NULL, &node);
}

static enum dse_status add_dense(struct head *head, const struct step *step) {
    const int64_t dims[] = {step->channels, (int64_t)dse_shape_size(head->shape)};
    const char *weights = NULL, *bias = NULL;
    int node;
    if (!head->is_flat)
        DSE_TRY(add_node(head, "Flatten", NULL, NULL, &node));
    DSE_TRY(add_parameters(head, 2, dims, &weights, &bias));
    DSE_TRY(add_node(head, "Gemm", weights, bias, &node));
    dse_onnx_set_int(head->model, node, "transB", 1);
    head->shape = (struct dse_shape){1, 1, step->channels};
    head->is_flat = true;
    return DSE_OK;
}

/* What stands behind "=": C channels, K a window, S a stride. */
static const struct rule {
    const char *name;
    bool has_channels, has_window;
    const char *form;
    enum dse_status (*add)(struct head *head, const struct step *step);
} rules[] = {
    {"conv", true, true, "conv=CxK or conv=CxK/S", add_conv},
    {"relu", false, false, "relu", add_relu},
    {"max", false, true, "max=K or max=K/S", add_max},
    {"avg", false, true, "avg=K or avg=K/S", add_average},
    {"global", false, false, "global", add_global},
    {"dense", true, false, "dense=C", add_dense},
};
enum { N_RULES = sizeof rules / sizeof rules[0] };

/* ---- reading ---- */

static bool read_number(const char **at, int *number) {
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    long value = strtol(*at, &end, 10);
    if (value < 1 || value > LARGEST_NUMBER)
        return false;
    *number = (int)value;
    *at = end;
    return true;
}

static bool skip_char(const char **at, char c) {
    if (**at != c)
        return false;
    ++*at;
    return true;
}

/* The numbers of a step, `at` behind its name. */
static bool read_numbers(const struct rule *rule, const char *at, struct step *step) {
    step->stride = 0;
    if (!rule->has_channels && !rule->has_window)
        return *at == '\0';
    if (!skip_char(&at, '='))
        return false;
    if (rule->has_channels && !read_number(&at, &step->channels))
        return false;
    if (rule->has_channels && rule->has_window && !skip_char(&at, 'x'))
        return false;
    if (rule->has_window && !read_number(&at, &step->kernel))
        return false;
    if (rule->has_window && skip_char(&at, '/') && !read_number(&at, &step->stride))
        return false;
    if (step->stride == 0) /* convolutions keep the size, poolings do not overlap */
        step->stride = rule->has_channels ? 1 : step->kernel;
    return *at == '\0';
}

static enum dse_status add_step(struct head *head, const char *text) {
    struct step step = {.text = text};
    for (int i = 0; i < N_RULES; i++) {
        size_t length = strlen(rules[i].name);
        if (strncmp(text, rules[i].name, length) != 0 ||
            (text[length] != '=' && text[length] != '\0'))
            continue;
        if (!read_numbers(&rules[i], text + length, &step))
            DSE_FAIL(head->err, DSE_INVALID, "step '%s' is not of the form %s", text,
                     rules[i].form);
        return rules[i].add(head, &step);
    }
    DSE_FAIL(head->err, DSE_INVALID,
             "step '%s' is not known; steps are conv=CxK/S, relu, max=K/S, avg=K/S, global, "
             "dense=C",
             text);
}

static enum dse_status add_steps(struct head *head, const char *steps) {
    const char *at = steps;
    for (;;) {
        char text[STEP_ROOM];
        size_t length = strcspn(at, ",");
        if (length >= sizeof text)
            DSE_FAIL(head->err, DSE_INVALID, "step '%.60s…' is too long", at);
        memcpy(text, at, length);
        text[length] = '\0';
        DSE_TRY(add_step(head, text));
        if (at[length] == '\0')
            return DSE_OK;
        at += length + 1;
    }
}

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
static enum dse_status measure_place(struct head *head) {
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
static enum dse_status split(struct head *head, const char *description, char *place, size_t room,
                             const char **steps) {
    const char *at = strchr(description, '@');
    const char *colon = strrchr(description, ':');
    if (at == NULL || colon == NULL || colon < at || at == description || colon == at + 1)
        DSE_FAIL(head->err, DSE_INVALID, "expected NAME@PLACE:STEP,STEP,…");
    size_t name_length = (size_t)(at - description), place_length = (size_t)(colon - at - 1);
    if (name_length >= sizeof head->name || place_length >= room)
        DSE_FAIL(head->err, DSE_INVALID, "names of more than %d bytes", NAME_ROOM - 1);
    memcpy(head->name, description, name_length);
    head->name[name_length] = '\0';
    memcpy(place, at + 1, place_length);
    place[place_length] = '\0';
    *steps = colon + 1;
    return DSE_OK;
}

static enum dse_status check_names(struct head *head, const char *place) {
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

static enum dse_status add_head(struct head *head, const char *description) {
    char place[NAME_ROOM];
    const char *steps;
    DSE_TRY(split(head, description, place, sizeof place, &steps));
    DSE_TRY(check_names(head, place));
    DSE_TRY(measure_place(head));
    DSE_TRY(add_steps(head, steps));
    if (!head->is_flat)
        DSE_FAIL(head->err, DSE_INVALID, "a head ends with dense=CLASSES");
    const int64_t dims[] = {DSE_ONNX_DYNAMIC, head->shape.c};
    struct dse_onnx *model = head->model;
    dse_onnx_insert_output(model, dse_onnx_n_outputs(model) - 1, head->name, 2, dims);
    dse_onnx_set_node_output(model, dse_onnx_n_nodes(model) - 1, 0, head->name);
    return dse_onnx_status(model, head->err);
}

enum dse_status dse_surgery_add_head(struct dse_onnx *model, const char *description, uint64_t seed,
                                     struct dse_err *err) {
    struct head head = {.model = model, .seed = seed, .err = err};
    enum dse_status status = add_head(&head, description);
    if (status != DSE_OK)
        dse_err_prefix(err, "head '%s'", description);
    return status;
}
