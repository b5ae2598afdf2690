/* Steps without weights. */
#include "evaluator/plan/plan_internal.h"

#include <string.h>

/* Address of pixel (h, w) of a row-major image. */
static size_t pixel_at(struct dse_shape shape, int h, int w) {
    return ((size_t)h * (size_t)shape.w + (size_t)w) * (size_t)shape.c;
}

/* The border is never written: it is 0 from the plan's beginning. */
static void pad_image(const struct dse_node *node, const float *x, struct dse_shape in, float *y,
                      struct dse_shape out) {
    const int *before = node->pad.before;
    size_t pixel_bytes = (size_t)in.c * sizeof *x;
    for (int h = 0; h < in.h; h++) {
        const float *from = x + pixel_at(in, h, 0);
        float *to = y + pixel_at(out, h + before[DSE_AXIS_H], before[DSE_AXIS_W]) +
                    (size_t)before[DSE_AXIS_C];
        if (in.c == out.c) {
            memcpy(to, from, (size_t)in.w * pixel_bytes);
            continue;
        }
        for (int w = 0; w < in.w; w++)
            memcpy(to + (size_t)w * (size_t)out.c, from + (size_t)w * (size_t)in.c, pixel_bytes);
    }
}

static void slice_image(const struct dse_node *node, const float *x, struct dse_shape in, float *y,
                        struct dse_shape out) {
    const int *start = node->slice.start, *step = node->slice.step;
    for (int h = 0; h < out.h; h++)
        for (int w = 0; w < out.w; w++) {
            const float *from = x +
                                pixel_at(in, start[DSE_AXIS_H] + h * step[DSE_AXIS_H],
                                         start[DSE_AXIS_W] + w * step[DSE_AXIS_W]) +
                                (size_t)start[DSE_AXIS_C];
            float *to = y + pixel_at(out, h, w);
            if (step[DSE_AXIS_C] == 1)
                memcpy(to, from, (size_t)out.c * sizeof *to);
            else
                for (int c = 0; c < out.c; c++)
                    to[c] = from[(size_t)c * (size_t)step[DSE_AXIS_C]];
        }
}

/* A value of the first image at work. */
static float *value_at(const struct dse_plan *plan, int value) {
    return plan__value_at(plan, value, (size_t)plan->first);
}

static void move_images(const struct dse_plan *plan, const struct dse_node *node, const float *x,
                        float *y) {
    struct dse_shape in = dse_graph_input_shape(plan->graph, node);
    struct dse_shape out = dse_graph_output_shape(plan->graph, node);
    size_t in_size = dse_shape_size(in), out_size = dse_shape_size(out);
    for (size_t i = 0; i < (size_t)plan->count; i++) {
        if (node->op == DSE_OP_PAD)
            pad_image(node, x + i * in_size, in, y + i * out_size, out);
        else
            slice_image(node, x + i * in_size, in, y + i * out_size, out);
    }
}

/* Image by image: an operator is described for one. */
static void run_tensor(const struct dse_plan *plan, const struct dse_node *node) {
    const struct dse_graph *graph = plan->graph;
    const float *sources[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0}, out = dse_shape_size(dse_graph_output_shape(graph, node));
    for (int k = 0; k < 2; k++) {
        if (node->inputs[k] < 0)
            continue;
        sources[k] = value_at(plan, node->inputs[k]);
        sizes[k] = dse_shape_size(graph->values[node->inputs[k]].shape);
    }
    for (size_t i = 0; i < (size_t)plan->count; i++)
        dse_tensor_run(node->tensor, sources[0] == NULL ? NULL : sources[0] + i * sizes[0],
                       sources[1] == NULL ? NULL : sources[1] + i * sizes[1],
                       value_at(plan, node->output) + i * out);
}

static void run_sum(const struct dse_plan *plan, const struct plan__step *step, size_t n) {
    float *y = value_at(plan, step->output);
    dse_add_f32(value_at(plan, step->node->inputs[0]),
                step->add < 0 ? NULL : value_at(plan, step->add), n, step->relu, y);
    if (step->activation != NULL)
        dse_activate_f32(step->activation, y, n, y);
}

static void run_transposed(const struct dse_plan *plan, const struct dse_node *node) {
    struct dse_conv_shape shape = dse_shapes_conv(plan->graph, node);
    dse_conv_transpose_f32(value_at(plan, node->inputs[0]), plan->count, &shape, node->conv.weights,
                           node->conv.bias, value_at(plan, node->output));
}

static void run_pool(const struct dse_plan *plan, const struct dse_node *node) {
    struct dse_pool_shape pool = dse_shapes_pool(plan->graph, node);
    const float *x = value_at(plan, node->inputs[0]);
    if (node->op == DSE_OP_AVGPOOL)
        dse_avgpool_f32(x, plan->count, &pool, value_at(plan, node->output));
    else
        dse_maxpool_f32(x, plan->count, &pool, value_at(plan, node->output));
}

void plan__run_move(const struct dse_plan *plan, const struct plan__step *step) {
    const struct dse_node *node = step->node;
    size_t n = dse_shape_size(dse_graph_output_shape(plan->graph, node)) * (size_t)plan->count;
    switch (node->op) {
    case DSE_OP_ADD:
    case DSE_OP_RELU:
        run_sum(plan, step, n);
        break;
    case DSE_OP_ACTIVATION:
        dse_activate_f32(&node->activation, value_at(plan, node->inputs[0]), n,
                         value_at(plan, node->output));
        break;
    case DSE_OP_AVGPOOL:
    case DSE_OP_MAXPOOL:
        run_pool(plan, node);
        break;
    case DSE_OP_CONV_TRANSPOSE:
        run_transposed(plan, node);
        break;
    case DSE_OP_TENSOR:
        run_tensor(plan, node);
        break;
    default:
        dse_assert(node->op == DSE_OP_PAD || node->op == DSE_OP_SLICE);
        move_images(plan, node, value_at(plan, node->inputs[0]), value_at(plan, node->output));
    }
}
