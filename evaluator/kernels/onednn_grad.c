/* float32 convolutions with their gradients, of oneDNN version 2. Weights and their gradient stay
 * in the orders that the library chooses; the running sum is kept in the order of the gradient. */
#include <string.h>

#include "evaluator/kernels/onednn_common.h"

/* Forward, gradient of the input, gradient of the weights. */
enum direction { FORWARD, INPUT, WEIGHTS, DIRECTIONS };

struct onednn_grad {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes;
    struct kernels__onednn_layouts layouts;
    dnnl_primitive_desc_t plans[DIRECTIONS];
    dnnl_primitive_t primitives[DIRECTIONS];
    dnnl_memory_t weights[DIRECTIONS]; /* the last one: gradient of one call */
    void *weight_bytes[DIRECTIONS];
    dnnl_primitive_t reorders[DIRECTIONS]; /* given to chosen order; of WEIGHTS: chosen to given */
    dnnl_memory_t scratch[DIRECTIONS];
    void *scratch_bytes; /* shared: one call at a time */
    dnnl_memory_t src, dst, given;
    float *sum;   /* of the gradients, like the gradient of one call */
    size_t n_sum; /* floats in it, with what the library adds for alignment */
};

/* With the library locked. */
static void free_grad(struct onednn_grad *g) {
    for (int d = 0; d < DIRECTIONS; d++) {
        (void)dnnl_memory_destroy(g->scratch[d]);
        (void)dnnl_memory_destroy(g->weights[d]);
        (void)dnnl_primitive_destroy(g->reorders[d]);
        (void)dnnl_primitive_destroy(g->primitives[d]);
        dse_free(g->weight_bytes[d]);
    }
    /* Plans of gradients point to that of the forward direction: last to first. */
    for (int d = DIRECTIONS - 1; d >= 0; d--)
        (void)dnnl_primitive_desc_destroy(g->plans[d]);
    (void)dnnl_memory_destroy(g->given);
    (void)dnnl_memory_destroy(g->dst);
    (void)dnnl_memory_destroy(g->src);
    (void)dnnl_primitive_attr_destroy(g->attributes);
    (void)dnnl_stream_destroy(g->stream);
    (void)dnnl_engine_destroy(g->engine);
    dse_free(g->scratch_bytes);
    dse_free(g->sum);
    dse_free(g);
}

static void onednn_grad_free(void *grad) {
    if (grad == NULL)
        return;
    kernels__onednn_lock();
    free_grad(grad);
    kernels__onednn_unlock();
}

static enum dse_status make_plan(struct onednn_grad *g, enum direction d, const void *desc,
                                 struct dse_err *err) {
    TRY_DNNL(dnnl_primitive_desc_create(&g->plans[d], desc, g->attributes, g->engine,
                                        d == FORWARD ? NULL : g->plans[FORWARD]),
             err);
    const char *code = NULL;
    TRY_DNNL(dnnl_primitive_desc_query(g->plans[d], dnnl_query_impl_info_str, 0, &code), err);
    if (strstr(code, "ref") != NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "oneDNN has only slow code (%s) for this shape", code);
    TRY_DNNL(dnnl_primitive_create(&g->primitives[d], g->plans[d]), err);
    return DSE_OK;
}

static enum dse_status make_plans(struct onednn_grad *g, struct dse_err *err) {
    const struct kernels__onednn_layouts *l = &g->layouts;
    dnnl_convolution_desc_t desc;
    TRY_DNNL(dnnl_dilated_convolution_forward_desc_init(
                 &desc, dnnl_forward_training, dnnl_convolution_direct, &l->src, &l->chosen_weights,
                 NULL, &l->dst, l->strides, l->dilations, l->before, l->after),
             err);
    DSE_TRY(make_plan(g, FORWARD, &desc, err));
    TRY_DNNL(dnnl_dilated_convolution_backward_data_desc_init(
                 &desc, dnnl_convolution_direct, &l->src, &l->chosen_weights, &l->dst, l->strides,
                 l->dilations, l->before, l->after),
             err);
    DSE_TRY(make_plan(g, INPUT, &desc, err));
    TRY_DNNL(dnnl_dilated_convolution_backward_weights_desc_init(
                 &desc, dnnl_convolution_direct, &l->src, &l->chosen_weights, NULL, &l->dst,
                 l->strides, l->dilations, l->before, l->after),
             err);
    return make_plan(g, WEIGHTS, &desc, err);
}

static const dnnl_memory_desc_t *weights_layout(const struct onednn_grad *g, enum direction d) {
    return dnnl_primitive_desc_query_md(
        g->plans[d], d == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
}

/* Memory of the library's order of weights, and the way between it and the caller's order. */
static enum dse_status make_weights(struct onednn_grad *g, enum direction d, struct dse_err *err) {
    const dnnl_memory_desc_t *chosen = weights_layout(g, d), *given = &g->layouts.given_weights;
    size_t bytes = dnnl_memory_desc_get_size(chosen);
    g->weight_bytes[d] = dse_alloc_aligned(bytes, 1);
    if (g->weight_bytes[d] == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a gradient");
    TRY_DNNL(dnnl_memory_create(&g->weights[d], chosen, g->engine, g->weight_bytes[d]), err);
    dnnl_primitive_desc_t plan = NULL;
    TRY_DNNL(dnnl_reorder_primitive_desc_create(&plan, d == WEIGHTS ? chosen : given, g->engine,
                                                d == WEIGHTS ? given : chosen, g->engine, NULL),
             err);
    dnnl_status_t status = dnnl_primitive_create(&g->reorders[d], plan);
    (void)dnnl_primitive_desc_destroy(plan);
    TRY_DNNL(status, err);
    return DSE_OK;
}

static enum dse_status make_scratch(struct onednn_grad *g, struct dse_err *err) {
    size_t most = 0;
    const dnnl_memory_desc_t *layouts[DIRECTIONS];
    for (int d = 0; d < DIRECTIONS; d++) {
        layouts[d] = dnnl_primitive_desc_query_md(g->plans[d], dnnl_query_scratchpad_md, 0);
        size_t bytes = dnnl_memory_desc_get_size(layouts[d]);
        most = bytes > most ? bytes : most;
    }
    g->scratch_bytes = dse_alloc_aligned(most, 1);
    if (g->scratch_bytes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the scratch of a gradient");
    for (int d = 0; d < DIRECTIONS; d++)
        TRY_DNNL(dnnl_memory_create(&g->scratch[d], layouts[d], g->engine, g->scratch_bytes), err);
    return DSE_OK;
}

static enum dse_status make_memories(struct onednn_grad *g, struct dse_err *err) {
    for (int d = 0; d < DIRECTIONS; d++)
        DSE_TRY(make_weights(g, (enum direction)d, err));
    g->n_sum = dnnl_memory_desc_get_size(weights_layout(g, WEIGHTS)) / sizeof *g->sum;
    g->sum = dse_alloc_aligned(g->n_sum, sizeof *g->sum);
    if (g->sum == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    TRY_DNNL(dnnl_memory_create(&g->src, &g->layouts.src, g->engine, DNNL_MEMORY_NONE), err);
    TRY_DNNL(dnnl_memory_create(&g->dst, &g->layouts.dst, g->engine, DNNL_MEMORY_NONE), err);
    TRY_DNNL(dnnl_memory_create(&g->given, &g->layouts.given_weights, g->engine, DNNL_MEMORY_NONE),
             err);
    return make_scratch(g, err);
}

static enum dse_status make_grad(struct onednn_grad *g, const struct dse_conv_shape *shape,
                                 int images, struct dse_err *err) {
    DSE_TRY(kernels__onednn_describe(shape, DSE_CONV_F32, images, &g->layouts, err));
    TRY_DNNL(dnnl_engine_create(&g->engine, dnnl_cpu, 0), err);
    TRY_DNNL(dnnl_stream_create(&g->stream, g->engine, dnnl_stream_default_flags), err);
    TRY_DNNL(dnnl_primitive_attr_create(&g->attributes), err);
    TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(g->attributes, dnnl_scratchpad_mode_user),
             err);
    DSE_TRY(make_plans(g, err));
    return make_memories(g, err);
}

static enum dse_status onednn_grad_new(const struct dse_conv_shape *shape, int images, void **grad,
                                       struct dse_err *err) {
    struct onednn_grad *g = dse_alloc(1, sizeof *g);
    if (g == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    kernels__onednn_lock();
    enum dse_status status = make_grad(g, shape, images, err);
    if (status != DSE_OK)
        free_grad(g);
    else
        *grad = g;
    kernels__onednn_unlock();
    return status;
}

/* The library takes handles without const, and only reads through those of sources. */
static void *readable(const void *bytes) {
    union {
        const void *read;
        void *handle;
    } both = {bytes};
    return both.handle;
}

static enum dse_status execute(struct onednn_grad *g, dnnl_primitive_t primitive, int n,
                               const dnnl_exec_arg_t *args, struct dse_err *err) {
    TRY_DNNL(dnnl_primitive_execute(primitive, g->stream, n, args), err);
    TRY_DNNL(dnnl_stream_wait(g->stream), err);
    return DSE_OK;
}

static enum dse_status onednn_grad_load(void *grad, const float *weights, struct dse_err *err) {
    struct onednn_grad *g = grad;
    TRY_DNNL(dnnl_memory_set_data_handle(g->given, readable(weights)), err);
    for (int d = FORWARD; d <= INPUT; d++) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, g->given}, {DNNL_ARG_TO, g->weights[d]}};
        DSE_TRY(execute(g, g->reorders[d], 2, args, err));
    }
    return DSE_OK;
}

static enum dse_status onednn_grad_forward(void *grad, const float *src, float *dst,
                                           struct dse_err *err) {
    struct onednn_grad *g = grad;
    TRY_DNNL(dnnl_memory_set_data_handle(g->src, readable(src)), err);
    TRY_DNNL(dnnl_memory_set_data_handle(g->dst, dst), err);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, g->src},
        {DNNL_ARG_WEIGHTS, g->weights[FORWARD]},
        {DNNL_ARG_DST, g->dst},
        {DNNL_ARG_SCRATCHPAD, g->scratch[FORWARD]},
    };
    return execute(g, g->primitives[FORWARD], 4, args, err);
}

static enum dse_status onednn_grad_input(void *grad, const float *diff_dst, float *diff_src,
                                         struct dse_err *err) {
    struct onednn_grad *g = grad;
    TRY_DNNL(dnnl_memory_set_data_handle(g->dst, readable(diff_dst)), err);
    TRY_DNNL(dnnl_memory_set_data_handle(g->src, diff_src), err);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_DIFF_DST, g->dst},
        {DNNL_ARG_WEIGHTS, g->weights[INPUT]},
        {DNNL_ARG_DIFF_SRC, g->src},
        {DNNL_ARG_SCRATCHPAD, g->scratch[INPUT]},
    };
    return execute(g, g->primitives[INPUT], 4, args, err);
}

static enum dse_status onednn_grad_weights(void *grad, const float *src, const float *diff_dst,
                                           struct dse_err *err) {
    struct onednn_grad *g = grad;
    TRY_DNNL(dnnl_memory_set_data_handle(g->src, readable(src)), err);
    TRY_DNNL(dnnl_memory_set_data_handle(g->dst, readable(diff_dst)), err);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, g->src},
        {DNNL_ARG_DIFF_DST, g->dst},
        {DNNL_ARG_DIFF_WEIGHTS, g->weights[WEIGHTS]},
        {DNNL_ARG_SCRATCHPAD, g->scratch[WEIGHTS]},
    };
    DSE_TRY(execute(g, g->primitives[WEIGHTS], 4, args, err));
    const float *restrict from = g->weight_bytes[WEIGHTS];
    float *restrict sum = g->sum;
    for (size_t i = 0; i < g->n_sum; i++)
        sum[i] += from[i];
    return DSE_OK;
}

static enum dse_status onednn_grad_take(void *grad, float *weights, struct dse_err *err) {
    struct onednn_grad *g = grad;
    memcpy(g->weight_bytes[WEIGHTS], g->sum, g->n_sum * sizeof *g->sum);
    TRY_DNNL(dnnl_memory_set_data_handle(g->given, weights), err);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, g->weights[WEIGHTS]}, {DNNL_ARG_TO, g->given}};
    DSE_TRY(execute(g, g->reorders[WEIGHTS], 2, args, err));
    memset(g->sum, 0, g->n_sum * sizeof *g->sum);
    return DSE_OK;
}

const struct kernels__grad_ops kernels__onednn_grad_ops = {
    .name = "onednn",
    .grad_new = onednn_grad_new,
    .grad_free = onednn_grad_free,
    .load = onednn_grad_load,
    .forward = onednn_grad_forward,
    .input = onednn_grad_input,
    .weights = onednn_grad_weights,
    .take = onednn_grad_take,
};
