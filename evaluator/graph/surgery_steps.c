/* Steps of networks and heads: what a word like conv=16x3 adds to a model. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/graph/surgery_steps.h"

enum { LARGEST_NUMBER = 1 << 16, STEP_ROOM = 64 };

/* ---- nodes ---- */

/* "NAME/what", not taken yet; NULL without memory. */
static const char *part_name(struct graph__growth *growth, const char *what) {
    struct dse_buf wish = {0};
    const char *name = NULL;
    dse_buf_printf(&wish, "%s/%s", growth->name, what);
    if (!wish.failed)
        name = dse_onnx_new_name(growth->model, wish.data);
    dse_buf_fini(&wish);
    return name;
}

/* A node on the last value and up to two constants (NULL: none); *node is its index. */
static enum dse_status add_node(struct graph__growth *growth, const char *op, const char *weights,
                                const char *bias, int *node) {
    const char *inputs[] = {growth->value, weights, bias};
    const char *name = part_name(growth, op);
    if (name == NULL)
        DSE_FAIL(growth->err, DSE_NO_MEMORY, "no memory for a network");
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
    dse_onnx_append_node(growth->model, &added);
    DSE_TRY(dse_onnx_status(growth->model, growth->err));
    *node = dse_onnx_n_nodes(growth->model) - 1;
    growth->value = name;
    return DSE_OK;
}

/* Weights by He's rule (He et al., "Delving deep into rectifiers", ICCV 2015): normal with variance
 * 2 / inputs of a sum. dims[1..] are those inputs. Biases are 0; bias NULL: none. */
static enum dse_status add_parameters(struct graph__growth *growth, int rank, const int64_t *dims,
                                      const char **weights, const char **bias) {
    size_t per_sum = 1;
    for (int i = 1; i < rank; i++)
        per_sum *= (size_t)dims[i];
    size_t n = per_sum * (size_t)dims[0];
    float *values = dse_alloc(n, sizeof *values);
    float *zeros = dse_alloc((size_t)dims[0], sizeof *zeros);
    enum dse_status status = DSE_OK;
    *weights = part_name(growth, "weight");
    if (bias != NULL)
        *bias = part_name(growth, "bias");
    if (values == NULL || zeros == NULL || *weights == NULL || (bias != NULL && *bias == NULL)) {
        status = dse_err_set(growth->err, DSE_NO_MEMORY, "no memory for a network");
    } else {
        struct dse_rng rng;
        double deviation = sqrt(2.0 / (double)per_sum);
        dse_rng_init(&rng, growth->seed, DSE_RNG_INIT,
                     (uint32_t)dse_onnx_n_constants(growth->model), 0);
        for (size_t i = 0; i < n; i++)
            values[i] = (float)(deviation * dse_rng_normal(&rng));
        dse_onnx_add_constant(growth->model, *weights, DSE_ONNX_FLOAT, rank, dims, values);
        if (bias != NULL)
            dse_onnx_add_constant(growth->model, *bias, DSE_ONNX_FLOAT, 1, dims, zeros);
        status = dse_onnx_status(growth->model, growth->err);
    }
    dse_free(values);
    dse_free(zeros);
    return status;
}

/* ---- steps ---- */

/* What is padded: as usual for the step, nothing (v, valid), so much that stride 1 keeps the size
 * (s, same). */
enum padding { PAD_AS_USUAL, PAD_VALID, PAD_SAME };

struct step {
    const char *text;
    int channels, kernel, stride;
    enum padding padding;
};

static enum dse_status check_map(const struct graph__growth *growth, const struct step *step) {
    if (growth->is_flat)
        DSE_FAIL(growth->err, DSE_INVALID,
                 "step '%s': nothing but relu, drop and dense follows dense", step->text);
    return DSE_OK;
}

static enum dse_status set_window(struct graph__growth *growth, const struct step *step, int node,
                                  int pad) {
    const int64_t kernel[] = {step->kernel, step->kernel};
    const int64_t strides[] = {step->stride, step->stride};
    const int64_t pads[] = {pad, pad, pad, pad};
    struct dse_shape *shape = &growth->shape;
    if (shape->h + 2 * pad < step->kernel || shape->w + 2 * pad < step->kernel)
        DSE_FAIL(growth->err, DSE_INVALID, "step '%s': the map has only %d x %d pixels", step->text,
                 shape->h, shape->w);
    dse_onnx_set_ints(growth->model, node, "kernel_shape", kernel, 2);
    dse_onnx_set_ints(growth->model, node, "pads", pads, 4);
    dse_onnx_set_ints(growth->model, node, "strides", strides, 2);
    shape->h = (shape->h + 2 * pad - step->kernel) / step->stride + 1;
    shape->w = (shape->w + 2 * pad - step->kernel) / step->stride + 1;
    return DSE_OK;
}

/* A convolution that keeps the size for stride 1, of all channels or of each on its own. */
static enum dse_status add_convolution(struct graph__growth *growth, const struct step *step,
                                       bool has_bias, int groups) {
    const int64_t dims[] = {step->channels, growth->shape.c / groups, step->kernel, step->kernel};
    const char *weights = NULL, *bias = NULL;
    int node;
    DSE_TRY(check_map(growth, step));
    DSE_TRY(add_parameters(growth, 4, dims, &weights, has_bias ? &bias : NULL));
    DSE_TRY(add_node(growth, "Conv", weights, bias, &node));
    dse_onnx_set_int(growth->model, node, "group", groups);
    growth->shape.c = step->channels;
    return set_window(growth, step, node, step->padding == PAD_VALID ? 0 : step->kernel / 2);
}

static enum dse_status add_conv(struct graph__growth *growth, const struct step *step) {
    return add_convolution(growth, step, true, 1);
}

static enum dse_status add_pool(struct graph__growth *growth, const struct step *step,
                                const char *op) {
    int node;
    DSE_TRY(check_map(growth, step));
    DSE_TRY(add_node(growth, op, NULL, NULL, &node));
    return set_window(growth, step, node, step->padding == PAD_SAME ? step->kernel / 2 : 0);
}

static enum dse_status add_max(struct graph__growth *growth, const struct step *step) {
    return add_pool(growth, step, "MaxPool");
}

static enum dse_status add_average(struct graph__growth *growth, const struct step *step) {
    return add_pool(growth, step, "AveragePool");
}

static enum dse_status add_global(struct graph__growth *growth, const struct step *step) {
    int node;
    DSE_TRY(check_map(growth, step));
    growth->shape.h = growth->shape.w = 1;
    return add_node(growth, "GlobalAveragePool", NULL, NULL, &node);
}

static enum dse_status add_relu(struct graph__growth *growth, const struct step *step) {
    int node;
    (void)step;
    return add_node(growth, "Relu", NULL, NULL, &node);
}

/* Half of the values, while the network learns: ONNX's ratio where none is given. */
static enum dse_status add_drop(struct graph__growth *growth, const struct step *step) {
    int node;
    (void)step;
    return add_node(growth, "Dropout", NULL, NULL, &node);
}

static enum dse_status add_dense(struct graph__growth *growth, const struct step *step) {
    const int64_t dims[] = {step->channels, (int64_t)dse_shape_size(growth->shape)};
    const char *weights = NULL, *bias = NULL;
    int node;
    if (!growth->is_flat)
        DSE_TRY(add_node(growth, "Flatten", NULL, NULL, &node));
    DSE_TRY(add_parameters(growth, 2, dims, &weights, &bias));
    DSE_TRY(add_node(growth, "Gemm", weights, bias, &node));
    dse_onnx_set_int(growth->model, node, "transB", 1);
    growth->shape = (struct dse_shape){1, 1, step->channels};
    growth->is_flat = true;
    return DSE_OK;
}

/* ---- steps of several nodes ---- */

/* A constant of a batch norm: the same number for every channel. */
static const char *add_channels(struct graph__growth *growth, const char *what, float number) {
    const int64_t dims[] = {growth->shape.c};
    const char *name = part_name(growth, what);
    float *values = dse_alloc((size_t)growth->shape.c, sizeof *values);
    for (int i = 0; values != NULL && i < growth->shape.c; i++)
        values[i] = number;
    if (name != NULL && values != NULL)
        dse_onnx_add_constant(growth->model, name, DSE_ONNX_FLOAT, 1, dims, values);
    bool whole = values != NULL;
    dse_free(values);
    return whole ? name : NULL;
}

static enum dse_status add_norm(struct graph__growth *growth, const struct step *step) {
    DSE_TRY(check_map(growth, step));
    const char *inputs[] = {growth->value, add_channels(growth, "scale", 1.0f),
                            add_channels(growth, "shift", 0.0f), add_channels(growth, "mean", 0.0f),
                            add_channels(growth, "variance", 1.0f)};
    const char *name = part_name(growth, "BatchNormalization");
    for (int i = 0; i < 5; i++)
        if (inputs[i] == NULL || name == NULL)
            DSE_FAIL(growth->err, DSE_NO_MEMORY, "no memory for a network");
    struct dse_onnx_node added = {name, "BatchNormalization", inputs, 5, &name, 1};
    dse_onnx_append_node(growth->model, &added);
    growth->value = name;
    return dse_onnx_status(growth->model, growth->err);
}

/* A convolution without bias, its norm, and Relu where wanted. */
static enum dse_status add_unit(struct graph__growth *growth, const struct step *step, int groups,
                                bool relu) {
    DSE_TRY(add_convolution(growth, step, false, groups));
    DSE_TRY(add_norm(growth, step));
    return relu ? add_relu(growth, step) : DSE_OK;
}

static enum dse_status add_cbr(struct graph__growth *growth, const struct step *step) {
    return add_unit(growth, step, 1, true);
}

/* The basic block of He et al., "Deep residual learning", 2016, figure 2; where the shape changes,
 * the shortcut is a 1x1 convolution with a norm (section 3.3, option B). */
static enum dse_status add_residual(struct graph__growth *growth, const struct step *step) {
    struct step first = *step, second = *step, shortcut = *step;
    struct graph__growth side = *growth;
    first.kernel = second.kernel = 3;
    second.stride = shortcut.kernel = 1;
    bool changes = step->stride != 1 || step->channels != growth->shape.c;
    DSE_TRY(add_unit(growth, &first, 1, true));
    DSE_TRY(add_unit(growth, &second, 1, false));
    if (changes)
        DSE_TRY(add_unit(&side, &shortcut, 1, false));
    const char *inputs[] = {growth->value, side.value};
    const char *name = part_name(growth, "Add");
    if (name == NULL)
        DSE_FAIL(growth->err, DSE_NO_MEMORY, "no memory for a network");
    struct dse_onnx_node added = {name, "Add", inputs, 2, &name, 1};
    dse_onnx_append_node(growth->model, &added);
    growth->value = name;
    return add_relu(growth, step);
}

/* Howard et al., "MobileNets", 2017, figure 3. */
static enum dse_status add_separable(struct graph__growth *growth, const struct step *step) {
    struct step depth = *step, point = *step;
    depth.channels = growth->shape.c;
    depth.kernel = 3;
    point.kernel = point.stride = 1;
    DSE_TRY(add_unit(growth, &depth, growth->shape.c, true));
    return add_unit(growth, &point, 1, true);
}

static enum dse_status add_mark(struct graph__growth *growth, const struct step *step) {
    if (growth->n_marks == GRAPH__MAX_MARKS)
        DSE_FAIL(growth->err, DSE_INVALID, "step '%s': more than %d exits", step->text,
                 (int)GRAPH__MAX_MARKS);
    growth->marks[growth->n_marks++] = growth->value;
    return DSE_OK;
}

/* What stands behind "=": C channels, K a window, S a stride. */
static const struct rule {
    const char *name;
    bool has_channels, has_window, has_stride;
    const char *form;
    enum dse_status (*add)(struct graph__growth *growth, const struct step *step);
} rules[] = {
    {"conv", true, true, true, "conv=CxK or conv=CxK/S", add_conv},
    {"cbr", true, true, true, "cbr=CxK or cbr=CxK/S", add_cbr},
    {"res", true, false, true, "res=C or res=C/S", add_residual},
    {"sep", true, false, true, "sep=C or sep=C/S", add_separable},
    {"norm", false, false, false, "norm", add_norm},
    {"relu", false, false, false, "relu", add_relu},
    {"max", false, true, true, "max=K or max=K/S", add_max},
    {"avg", false, true, true, "avg=K or avg=K/S", add_average},
    {"global", false, false, false, "global", add_global},
    {"dense", true, false, false, "dense=C", add_dense},
    {"drop", false, false, false, "drop", add_drop},
    {"exit", false, false, false, "exit", add_mark},
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
    if (rule->has_stride && skip_char(&at, '/') && !read_number(&at, &step->stride))
        return false;
    if (rule->has_window && skip_char(&at, 'v'))
        step->padding = PAD_VALID;
    else if (rule->has_window && skip_char(&at, 's'))
        step->padding = PAD_SAME;
    if (step->stride == 0) /* convolutions keep the size, poolings do not overlap */
        step->stride = rule->has_channels ? 1 : step->kernel;
    return *at == '\0';
}

static enum dse_status add_step(struct graph__growth *growth, const char *text) {
    struct step step = {.text = text};
    for (int i = 0; i < N_RULES; i++) {
        size_t length = strlen(rules[i].name);
        if (strncmp(text, rules[i].name, length) != 0 ||
            (text[length] != '=' && text[length] != '\0'))
            continue;
        if (!read_numbers(&rules[i], text + length, &step))
            DSE_FAIL(growth->err, DSE_INVALID, "step '%s' is not of the form %s", text,
                     rules[i].form);
        return rules[i].add(growth, &step);
    }
    DSE_FAIL(growth->err, DSE_INVALID,
             "step '%s' is not known; steps are conv=CxK/S, cbr=CxK/S, res=C/S, sep=C/S, norm, "
             "relu, max=K/S, avg=K/S, global, dense=C, drop, exit",
             text);
}

enum dse_status graph__add_steps(struct graph__growth *growth, const char *steps) {
    const char *at = steps;
    for (;;) {
        char text[STEP_ROOM];
        size_t length = strcspn(at, ",");
        if (length >= sizeof text)
            DSE_FAIL(growth->err, DSE_INVALID, "step '%.60s…' is too long", at);
        memcpy(text, at, length);
        text[length] = '\0';
        DSE_TRY(add_step(growth, text));
        if (at[length] == '\0')
            return DSE_OK;
        at += length + 1;
    }
}

enum dse_status graph__end_growth(struct graph__growth *growth, int at) {
    if (!growth->is_flat)
        DSE_FAIL(growth->err, DSE_INVALID, "what is described ends with dense=CLASSES");
    const int64_t dims[] = {DSE_ONNX_DYNAMIC, growth->shape.c};
    dse_onnx_insert_output(growth->model, at, growth->name, 2, dims);
    dse_onnx_set_node_output(growth->model, dse_onnx_find_producer(growth->model, growth->value), 0,
                             growth->name);
    return dse_onnx_status(growth->model, growth->err);
}
