/* A network computed the plain way, to check graphs and plans against: every value of one image in
 * float32, sums in double. */
#ifndef DSE_TESTS_NAIVE_NET_H
#define DSE_TESTS_NAIVE_NET_H

#include "evaluator/graph/graph.h"
#include "tests/lib/testing.h"

static inline float naive_at(const float *x, struct dse_shape shape, int h, int w, int c) {
    if (h < 0 || w < 0 || c < 0 || h >= shape.h || w >= shape.w || c >= shape.c)
        return 0;
    return x[((size_t)h * (size_t)shape.w + (size_t)w) * (size_t)shape.c + (size_t)c];
}

static inline float naive_conv(const struct dse_conv_node *conv, const float *x,
                               struct dse_shape in, struct dse_shape out, int h, int w, int c) {
    int per_group = in.c / conv->groups, group = c / (out.c / conv->groups);
    const float *weights =
        conv->weights + (size_t)c * (size_t)(conv->kernel_h * conv->kernel_w * per_group);
    double sum = 0;
    for (int kh = 0; kh < conv->kernel_h; kh++)
        for (int kw = 0; kw < conv->kernel_w; kw++)
            for (int i = 0; i < per_group; i++)
                sum += (double)*weights++ *
                       (double)naive_at(x, in,
                                        h * conv->stride_h - conv->pad_top + kh * conv->dilation_h,
                                        w * conv->stride_w - conv->pad_left + kw * conv->dilation_w,
                                        group * per_group + i);
    return (float)(sum + (double)conv->bias[c]);
}

static inline float naive_pool(const struct dse_node *node, const float *x, struct dse_shape in,
                               int h, int w, int c) {
    const struct dse_pool_node *pool = &node->pool;
    double sum = 0, largest = -1e30;
    int inside = 0;
    for (int kh = 0; kh < pool->kernel_h; kh++)
        for (int kw = 0; kw < pool->kernel_w; kw++) {
            int y = h * pool->stride_h - pool->pad_top + kh;
            int z = w * pool->stride_w - pool->pad_left + kw;
            if (y < 0 || z < 0 || y >= in.h || z >= in.w)
                continue;
            double value = (double)naive_at(x, in, y, z, c);
            sum += value;
            largest = value > largest ? value : largest;
            inside++;
        }
    if (node->op == DSE_OP_MAXPOOL)
        return (float)largest;
    return (float)(sum / (pool->exclude_padding ? inside : pool->kernel_h * pool->kernel_w));
}

static inline float naive_element(const struct dse_node *node, float *const *values,
                                  struct dse_shape in, struct dse_shape out, int h, int w, int c) {
    const float *x = values[node->inputs[0]];
    float at = naive_at(x, in, h, w, c);
    switch (node->op) {
    case DSE_OP_CONV:
    case DSE_OP_DENSE:
        return naive_conv(&node->conv, x, in, out, h, w, c);
    case DSE_OP_ADD:
        return at + naive_at(values[node->inputs[1]], out, h, w, c);
    case DSE_OP_RELU:
        return at > 0 ? at : 0;
    case DSE_OP_AVGPOOL:
    case DSE_OP_MAXPOOL:
        return naive_pool(node, x, in, h, w, c);
    case DSE_OP_PAD:
        return naive_at(x, in, h - node->pad.before[DSE_AXIS_H], w - node->pad.before[DSE_AXIS_W],
                        c - node->pad.before[DSE_AXIS_C]);
    case DSE_OP_SLICE:
        return naive_at(x, in, node->slice.start[DSE_AXIS_H] + h * node->slice.step[DSE_AXIS_H],
                        node->slice.start[DSE_AXIS_W] + w * node->slice.step[DSE_AXIS_W],
                        node->slice.start[DSE_AXIS_C] + c * node->slice.step[DSE_AXIS_C]);
    default:
        return x[c]; /* flatten */
    }
}

/* One image [h][w][c] to the output value [h][w][c]; the caller frees it with dse_free. */
static inline float *naive_run(const struct dse_graph *graph, const float *image) {
    float **values = dse_alloc((size_t)graph->n_values, sizeof *values);
    assert_non_null(values);
    for (int i = 0; i < graph->n_values; i++) {
        values[i] = dse_alloc(dse_shape_size(graph->values[i].shape), sizeof(float));
        assert_non_null(values[i]);
    }
    memcpy(values[graph->input], image,
           dse_shape_size(graph->values[graph->input].shape) * sizeof(float));
    for (int i = 0; i < graph->n_nodes; i++) {
        const struct dse_node *node = &graph->nodes[i];
        struct dse_shape in = dse_graph_input_shape(graph, node);
        struct dse_shape out = dse_graph_output_shape(graph, node);
        float *y = values[node->output];
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int c = 0; c < out.c; c++)
                    *y++ = naive_element(node, values, in, out, h, w, c);
    }
    float *output = values[graph->output];
    for (int i = 0; i < graph->n_values; i++)
        if (i != graph->output)
            dse_free(values[i]);
    dse_free(values);
    return output;
}

#endif
