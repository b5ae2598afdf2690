/* Operators without numbers of their own: Relu and other functions, sums, poolings, pads, slices.
 */
#include <string.h>

#include "evaluator/train/net_internal.h"

/* Where the pixels of a pad or slice lie in the larger map. Axes in memory order. */
struct part {
    struct dse_shape large, small;
    int start[DSE_AXES], step[DSE_AXES];
};

static struct part part_of(const struct train__job *job) {
    const struct dse_node *node = job->unit->node;
    struct dse_shape in = train__shape(job->net, node->inputs[0]);
    struct dse_shape out = train__shape(job->net, node->output);
    struct part part = {.step = {1, 1, 1}};
    bool pads = node->op == DSE_OP_PAD;
    part.large = pads ? out : in;
    part.small = pads ? in : out;
    for (int a = 0; a < DSE_AXES; a++) {
        part.start[a] = pads ? node->pad.before[a] : node->slice.start[a];
        part.step[a] = pads ? 1 : node->slice.step[a];
    }
    return part;
}

static size_t place(const struct part *part, int y, int x) {
    int large_y = part->start[DSE_AXIS_H] + y * part->step[DSE_AXIS_H];
    int large_x = part->start[DSE_AXIS_W] + x * part->step[DSE_AXIS_W];
    return ((size_t)large_y * (size_t)part->large.w + (size_t)large_x) * (size_t)part->large.c;
}

/* small = the part of large */
static void read_part(const struct part *part, const float *large, float *small) {
    for (int y = 0; y < part->small.h; y++)
        for (int x = 0; x < part->small.w; x++) {
            const float *from = large + place(part, y, x);
            for (int c = 0; c < part->small.c; c++)
                *small++ = from[part->start[DSE_AXIS_C] + c * part->step[DSE_AXIS_C]];
        }
}

/* the part of large += small */
static void add_part(const struct part *part, const float *small, float *large) {
    for (int y = 0; y < part->small.h; y++)
        for (int x = 0; x < part->small.w; x++) {
            float *to = large + place(part, y, x);
            for (int c = 0; c < part->small.c; c++)
                to[part->start[DSE_AXIS_C] + c * part->step[DSE_AXIS_C]] += *small++;
        }
}

static void move_parts(const struct train__job *job, bool reads, const float *from, float *to) {
    struct part part = part_of(job);
    size_t large = dse_shape_size(part.large), small = dse_shape_size(part.small);
    for (int i = 0; i < job->seat->n; i++)
        if (reads)
            read_part(&part, from + (size_t)i * large, to + (size_t)i * small);
        else
            add_part(&part, from + (size_t)i * small, to + (size_t)i * large);
}

/* ---- operators of the tensor room ---- */

/* Source k of image i; NULL: a constant, or none. */
static const float *source_of(const struct train__job *job, int k, int i) {
    int value = job->unit->node->inputs[k];
    if (value < 0)
        return NULL;
    value = job->net->alias[value];
    return job->seat->values[value] + (size_t)i * train__size(job->net, value);
}

static float *gradient_of(const struct train__job *job, int k, int i) {
    int value = job->unit->node->inputs[k];
    if (value < 0)
        return NULL;
    value = job->net->alias[value];
    return train__grad_to_add(job->net, job->seat, value) +
           (size_t)i * train__size(job->net, value);
}

static void compute_tensors(const struct train__job *job, float *y) {
    const struct dse_tensor_op *op = job->unit->node->tensor;
    size_t size = train__size(job->net, job->unit->output);
    for (int i = 0; i < job->seat->n; i++, y += size) {
        const float *a = source_of(job, 0, i), *b = source_of(job, 1, i);
        if (op->kind == DSE_TENSOR_PUT && b != NULL)
            memcpy(y, b, size * sizeof *y);
        dse_tensor_run(op, a, b, y);
    }
}

static void pass_tensors(const struct train__job *job, const float *dy) {
    const struct train__unit *unit = job->unit;
    size_t size = train__size(job->net, unit->output);
    for (int i = 0; i < job->seat->n; i++) {
        const struct dse_tensor_pass pass = {
            .a = source_of(job, 0, i),
            .b = source_of(job, 1, i),
            .y = job->seat->values[unit->output] + (size_t)i * size,
            .dy = dy + (size_t)i * size,
            .da = gradient_of(job, 0, i),
            .db = gradient_of(job, 1, i),
        };
        dse_tensor_gradients(unit->node->tensor, &pass);
    }
}

/* ---- transposed convolutions ---- */

static void spread(const struct train__job *job, const float *x, float *y) {
    const struct train__unit *unit = job->unit;
    struct dse_conv_shape shape = dse_shapes_conv(job->net->graph, unit->node);
    const float *weights = job->net->values + unit->parameters;
    dse_conv_transpose_f32(x, job->seat->n, &shape, weights,
                           unit->has_bias ? weights + unit->n_weights : unit->node->conv.bias, y);
}

static void pass_spread(const struct train__job *job, const float *dy, float *dx) {
    const struct train__unit *unit = job->unit;
    struct train__seat *seat = job->seat;
    struct dse_conv_shape shape = dse_shapes_conv(job->net->graph, unit->node);
    float *gradients = seat->gradients + unit->parameters;
    double *sums = seat->sums + unit->sums;
    const struct dse_transposed_pass pass = {
        .x = seat->values[unit->input],
        .weights = job->net->values + unit->parameters,
        .dy = dy,
        .dx = dx,
        .diff_weights = gradients,
    };
    memset(gradients, 0, unit->n_weights * sizeof *gradients);
    dse_train_transposed(&shape, seat->n, &pass);
    if (!unit->has_bias)
        return;
    dse_train_channel_sums(dy, (size_t)seat->n * (size_t)shape.oh * (size_t)shape.ow, shape.oc,
                           sums);
    for (int i = 0; i < shape.oc; i++)
        gradients[unit->n_weights + (size_t)i] = (float)sums[i];
}

/* ---- all of them ---- */

void train__move_forward(const struct train__job *job) {
    const struct train__unit *unit = job->unit;
    struct train__seat *seat = job->seat;
    const float *x = seat->values[unit->input];
    float *y = seat->values[unit->output];
    size_t n = (size_t)seat->n * train__size(job->net, unit->output);
    struct dse_pool_shape pool;
    switch (unit->node->op) {
    case DSE_OP_RELU:
    case DSE_OP_ADD:
        dse_add_f32(x, unit->add >= 0 ? seat->values[unit->add] : NULL, n, unit->relu, y);
        break;
    case DSE_OP_ACTIVATION:
        dse_activate_f32(&unit->node->activation, x, n, y);
        break;
    case DSE_OP_AVGPOOL:
        pool = dse_shapes_pool(job->net->graph, job->unit->node);
        dse_avgpool_f32(x, seat->n, &pool, y);
        break;
    case DSE_OP_MAXPOOL:
        pool = dse_shapes_pool(job->net->graph, job->unit->node);
        dse_maxpool_f32(x, seat->n, &pool, y);
        break;
    case DSE_OP_TENSOR:
        compute_tensors(job, y);
        break;
    case DSE_OP_CONV_TRANSPOSE:
        spread(job, x, y);
        break;
    case DSE_OP_PAD:
        memset(y, 0, n * sizeof *y);
        move_parts(job, false, x, y);
        break;
    default:
        move_parts(job, true, x, y);
    }
}

/* Relu and sums: the gradient goes to one or two values as it is. */
static void pass_on(const struct train__job *job, float *dy) {
    const struct train__unit *unit = job->unit;
    size_t n = (size_t)job->seat->n * train__size(job->net, unit->output);
    if (unit->relu)
        dse_train_relu_gate(job->seat->values[unit->output], dy, n);
    dse_train_add_to(train__grad_to_add(job->net, job->seat, unit->input), dy, n);
    if (unit->add >= 0)
        dse_train_add_to(train__grad_to_add(job->net, job->seat, unit->add), dy, n);
}

/* An element-wise function: dx += dy f'(x), a piece at a time. */
static void pass_slopes(const struct train__job *job, const float *dy, float *dx) {
    enum { PIECE = 1024 };
    const struct train__unit *unit = job->unit;
    const float *x = job->seat->values[unit->input];
    size_t n = (size_t)job->seat->n * train__size(job->net, unit->output);
    float slopes[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        size_t piece = n - first < PIECE ? n - first : PIECE;
        dse_activate_slopes(&unit->node->activation, x + first, piece, slopes);
        for (size_t i = 0; i < piece; i++)
            dx[first + i] += dy[first + i] * slopes[i];
    }
}

void train__move_backward(const struct train__job *job) {
    const struct train__unit *unit = job->unit;
    struct train__seat *seat = job->seat;
    float *dy = seat->grads[unit->output];
    enum dse_op op = unit->node->op;
    if (op == DSE_OP_RELU || op == DSE_OP_ADD) {
        pass_on(job, dy);
        return;
    }
    if (op == DSE_OP_TENSOR) {
        pass_tensors(job, dy);
        return;
    }
    float *dx = train__grad_to_add(job->net, seat, unit->input);
    if (op == DSE_OP_CONV_TRANSPOSE) {
        pass_spread(job, dy, dx);
    } else if (op == DSE_OP_ACTIVATION) {
        pass_slopes(job, dy, dx);
    } else if (op == DSE_OP_PAD) {
        struct part part = part_of(job);
        size_t large = dse_shape_size(part.large), small = dse_shape_size(part.small);
        for (int i = 0; i < seat->n; i++) {
            read_part(&part, dy + (size_t)i * large, seat->chunk[0]);
            dse_train_add_to(dx + (size_t)i * small, seat->chunk[0], small);
        }
    } else if (op == DSE_OP_SLICE) {
        move_parts(job, false, dy, dx);
    } else {
        struct dse_pool_shape pool = dse_shapes_pool(job->net->graph, job->unit->node);
        dse_train_pool_input(op == DSE_OP_MAXPOOL ? seat->values[unit->input] : NULL, dy, seat->n,
                             &pool, dx);
    }
}
