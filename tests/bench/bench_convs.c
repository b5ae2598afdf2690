/* The bare convolutions of a network: images per second if a forward pass were nothing but the
 * convolutions and dense layers of one implementation, without bias, sums, Relu or integers made.
 *
 *     bench_convs MODEL.onnx KERNELS int|float [SECONDS [BATCH]]
 *
 * Every layer is run for a while on its own, hot; their times of the processor are added. Prints
 * "convs N", then what ran. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evaluator/graph/graph.h"
#include "evaluator/kernels/kernels.h"

enum { DEFAULT_BATCH = 8, LARGEST_INTEGER = 127 };
static const double DEFAULT_SECONDS = 3;

struct bench {
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    enum dse_conv_type type;
    int batch;
    double seconds_a_layer;
};

static struct dse_conv_shape shape_of(const struct bench *bench, const struct dse_node *node) {
    struct dse_shape in = dse_graph_input_shape(bench->graph, node);
    struct dse_shape out = dse_graph_output_shape(bench->graph, node);
    /* A signed input is taken as two unsigned halves. */
    bool split =
        bench->type == DSE_CONV_U8S8 && dse_graph_value_signed(bench->graph, node->inputs[0]);
    return (struct dse_conv_shape){
        .ic = in.c * (split ? 2 : 1),
        .ih = in.h,
        .iw = in.w,
        .oc = out.c,
        .oh = out.h,
        .ow = out.w,
        .kernel_h = node->conv.kernel_h,
        .kernel_w = node->conv.kernel_w,
        .stride_h = node->conv.stride_h,
        .stride_w = node->conv.stride_w,
        .dilation_h = node->conv.dilation_h,
        .dilation_w = node->conv.dilation_w,
        .groups = node->conv.groups,
        .pad_top = node->conv.pad_top,
        .pad_left = node->conv.pad_left,
    };
}

/* Any values do; four bytes each, whatever the type. */
static void *new_values(size_t n, const struct bench *bench) {
    void *values = dse_alloc_aligned(n, sizeof(float));
    for (size_t i = 0; values != NULL && i < n; i++)
        if (bench->type == DSE_CONV_F32)
            ((float *)values)[i] = (float)(i % LARGEST_INTEGER) / LARGEST_INTEGER;
        else
            ((uint8_t *)values)[i] = (uint8_t)(i % LARGEST_INTEGER);
    return values;
}

/* Seconds of one call. */
static enum dse_status time_calls(const struct bench *bench, struct dse_conv *conv,
                                  const struct dse_packed *packed, const void *src, void *dst,
                                  double *seconds, struct dse_err *err) {
    int64_t calls = 0;
    DSE_TRY(dse_conv_run(conv, packed, src, dst, err));
    clock_t start = clock(), now;
    do {
        DSE_TRY(dse_conv_run(conv, packed, src, dst, err));
        calls++;
        now = clock();
    } while ((double)(now - start) < bench->seconds_a_layer * CLOCKS_PER_SEC);
    *seconds += (double)(now - start) / CLOCKS_PER_SEC / (double)calls;
    return DSE_OK;
}

static enum dse_status time_layer(const struct bench *bench, const struct dse_node *node,
                                  double *seconds, struct dse_err *err) {
    struct dse_conv_shape s = shape_of(bench, node);
    size_t images = (size_t)bench->batch;
    void *src = new_values((size_t)(s.ih * s.iw * s.ic) * images, bench);
    void *dst = new_values((size_t)(s.oh * s.ow * s.oc) * images, bench);
    void *weights = new_values((size_t)(s.oc * s.kernel_h * s.kernel_w * s.ic / s.groups), bench);
    struct dse_conv *conv = NULL;
    struct dse_packed *packed = NULL;
    enum dse_status status = src == NULL || dst == NULL || weights == NULL
                                 ? dse_err_set(err, DSE_NO_MEMORY, "no memory for a layer")
                                 : DSE_OK;
    if (status == DSE_OK)
        status = dse_conv_new(bench->kernels, &s, bench->type, bench->batch, &conv, err);
    if (status == DSE_OK)
        status = dse_conv_pack(conv, weights, &packed, err);
    if (status == DSE_OK)
        status = time_calls(bench, conv, packed, src, dst, seconds, err);
    dse_packed_free(packed);
    dse_conv_free(conv);
    dse_free(src);
    dse_free(dst);
    dse_free(weights);
    return status;
}

static enum dse_status measure(struct bench *bench, char **argv, double seconds,
                               struct dse_err *err) {
    enum dse_kernel_choice choice;
    double sum = 0;
    if (!dse_kernel_choice_find(argv[2], &choice))
        DSE_FAIL(err, DSE_USAGE, "kernels '%s' are not known", argv[2]);
    DSE_TRY(dse_graph_load_onnx(argv[1], NULL, &bench->graph, err));
    DSE_TRY(dse_kernels_new(choice, &bench->kernels, err));
    bench->seconds_a_layer = seconds / bench->graph->n_layers;
    for (int i = 0; i < bench->graph->n_layers; i++)
        DSE_TRY(time_layer(bench, &bench->graph->nodes[bench->graph->layers[i]], &sum, err));
    printf("convs %.1f\n%s, batch %d, %s\n", bench->batch / sum,
           dse_kernels_describe(bench->kernels), bench->batch, argv[3]);
    return DSE_OK;
}

int main(int argc, char **argv) {
    dse_kernels_fix_environment(argv);
    if (argc < 4 || (strcmp(argv[3], "int") != 0 && strcmp(argv[3], "float") != 0)) {
        (void)fprintf(stderr, "use: bench_convs MODEL.onnx KERNELS int|float [SECONDS [BATCH]]\n");
        return dse_status_exit(DSE_USAGE);
    }
    struct bench bench = {.batch = argc > 5 ? (int)strtol(argv[5], NULL, 10) : DEFAULT_BATCH};
    bench.type = strcmp(argv[3], "int") == 0 ? DSE_CONV_U8S8 : DSE_CONV_F32;
    double seconds = argc > 4 ? strtod(argv[4], NULL) : DEFAULT_SECONDS;
    struct dse_err err = {0};
    enum dse_status status =
        bench.batch > 0 ? measure(&bench, argv, seconds, &err)
                        : dse_err_set(&err, DSE_USAGE, "batch '%s': use a number above 0", argv[5]);
    if (status != DSE_OK)
        (void)fprintf(stderr, "bench_convs: %s\n", err.text);
    dse_kernels_free(bench.kernels);
    dse_graph_free(bench.graph);
    return dse_status_exit(status);
}
