/* What a node of the graph is to the kernels. */
#include "evaluator/shapes/shapes.h"

struct dse_conv_shape dse_shapes_conv(const struct dse_graph *graph, const struct dse_node *node) {
    const struct dse_conv_node *conv = &node->conv;
    struct dse_shape in = dse_graph_input_shape(graph, node);
    struct dse_shape out = dse_graph_output_shape(graph, node);
    return (struct dse_conv_shape){
        .ic = in.c,
        .ih = in.h,
        .iw = in.w,
        .oc = out.c,
        .oh = out.h,
        .ow = out.w,
        .kernel_h = conv->kernel_h,
        .kernel_w = conv->kernel_w,
        .stride_h = conv->stride_h,
        .stride_w = conv->stride_w,
        .dilation_h = conv->dilation_h,
        .dilation_w = conv->dilation_w,
        .groups = conv->groups,
        .pad_top = conv->pad_top,
        .pad_left = conv->pad_left,
    };
}

struct dse_pool_shape dse_shapes_pool(const struct dse_graph *graph, const struct dse_node *node) {
    struct dse_shape in = dse_graph_input_shape(graph, node);
    struct dse_shape out = dse_graph_output_shape(graph, node);
    const struct dse_pool_node *pool = &node->pool;
    return (struct dse_pool_shape){
        .c = in.c,
        .ih = in.h,
        .iw = in.w,
        .oh = out.h,
        .ow = out.w,
        .kernel_h = pool->kernel_h,
        .kernel_w = pool->kernel_w,
        .stride_h = pool->stride_h,
        .stride_w = pool->stride_w,
        .dilation_h = pool->dilation_h,
        .dilation_w = pool->dilation_w,
        .pad_top = pool->pad_top,
        .pad_left = pool->pad_left,
        .pad_bottom = pool->pad_bottom,
        .pad_right = pool->pad_right,
        .exclude_padding = pool->exclude_padding,
    };
}
