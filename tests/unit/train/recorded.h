/* Numbers that PyTorch computed (tests/fixtures/record_training.py), and the network they are of.
 */
#ifndef TESTS_UNIT_TRAIN_RECORDED_H
#define TESTS_UNIT_TRAIN_RECORDED_H

#include <math.h>

#include "evaluator/train/train.h"
#include "tests/lib/testing.h"

enum { RECORDED_ENTRIES = 128 };

struct recorded {
    struct {
        char name[96];
        int n;
        const float *values;
    } entries[RECORDED_ENTRIES];
    int n;
    struct dse_buf bytes;
};

static inline void recorded_load(struct recorded *r, const char *network) {
    char path[256];
    struct dse_err err = {0};
    *r = (struct recorded){0};
    (void)snprintf(path, sizeof path, DSE_SOURCE_DIR "/tests/fixtures/training/%s.f32", network);
    assert_ok(dse_file_read(path, 1 << 20, &r->bytes, &err), &err);
    (void)snprintf(path, sizeof path, DSE_SOURCE_DIR "/tests/fixtures/training/%s.txt", network);
    FILE *index = fopen(path, "r");
    assert_non_null(index);
    const float *at = (const float *)(const void *)r->bytes.data;
    while (fscanf(index, "%95s %d", r->entries[r->n].name, &r->entries[r->n].n) == 2) {
        r->entries[r->n].values = at;
        at += r->entries[r->n++].n;
        assert_true(r->n < RECORDED_ENTRIES);
    }
    (void)fclose(index);
}

static inline const float *recorded_find(const struct recorded *r, const char *name, int *n) {
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->entries[i].name, name) == 0) {
            if (n != NULL)
                *n = r->entries[i].n;
            return r->entries[i].values;
        }
    return NULL;
}

static inline void recorded_fini(struct recorded *r) {
    dse_buf_fini(&r->bytes);
}

/* One of the two networks with what is recorded of it. */
struct trainee {
    struct recorded recorded;
    struct dse_graph *graph;
    struct dse_kernels *kernels;
    struct dse_net_setup setup;
    struct dse_net_batch batch;
    int32_t labels[16];
    uint32_t ids[16];
};

static inline void trainee_init(struct trainee *t, const char *network,
                                enum dse_kernel_choice kernels, int threads) {
    static const char *const exits[] = {"exit0", "exit1"};
    bool small = strcmp(network, "small") == 0;
    struct dse_graph_options options = {exits, small ? 2 : 1, false, .for_training = true};
    struct dse_err err = {0};
    char path[256];
    *t = (struct trainee){0};
    recorded_load(&t->recorded, network);
    (void)snprintf(path, sizeof path, DSE_SOURCE_DIR "/tests/fixtures/training/%s.onnx", network);
    assert_ok(dse_graph_load_onnx(path, &options, &t->graph, &err), &err);
    assert_ok(dse_kernels_new(kernels, &t->kernels, &err), &err);
    t->batch.images = recorded_find(&t->recorded, "images", NULL);
    const float *labels = recorded_find(&t->recorded, "labels", &t->batch.n);
    for (int i = 0; i < t->batch.n; i++) {
        t->labels[i] = (int32_t)labels[i];
        t->ids[i] = (uint32_t)i;
    }
    t->batch.labels = t->labels;
    t->batch.ids = t->ids;
    t->setup = (struct dse_net_setup){.graph = t->graph,
                                      .kernels = t->kernels,
                                      .threads = threads,
                                      .batch = t->batch.n,
                                      .output_weights = {small ? 0.3 : 1.0, 1.0},
                                      .label_smoothing = small ? 0.1 : 0.0,
                                      .seed = 1};
}

static inline void trainee_fini(struct trainee *t) {
    dse_kernels_free(t->kernels);
    dse_graph_free(t->graph);
    recorded_fini(&t->recorded);
}

/* [oc][ic][kh][kw] (or a Gemm's [oc][c h w]) to our [oc][kh][kw][ic], undone: the place of our i-th
 * number in PyTorch's order. */
static inline size_t place_in_torch(const struct dse_graph *graph, const struct dse_node *node,
                                    size_t i) {
    struct dse_shape in = dse_graph_input_shape(graph, node), flat = node->conv.names.flat;
    if (node->op ==
        DSE_OP_CONV_TRANSPOSE) { /* [h][w][ic][oc / groups]; there [ic][oc / groups][h][w] */
        size_t taps = (size_t)node->conv.kernel_h * (size_t)node->conv.kernel_w;
        size_t outputs = (size_t)dse_graph_output_shape(graph, node).c / (size_t)node->conv.groups;
        size_t pairs = (size_t)in.c * outputs;
        return i % pairs * taps + i / pairs;
    }
    bool dense = node->op == DSE_OP_DENSE;
    size_t channels = (size_t)(dense ? flat.c : in.c / node->conv.groups);
    size_t pixels = dense ? (size_t)flat.h * (size_t)flat.w
                          : (size_t)node->conv.kernel_h * (size_t)node->conv.kernel_w;
    size_t per_output = channels * pixels, o = i / per_output, rest = i % per_output;
    return o * per_output + rest % channels * pixels + rest / channels;
}

static inline double norm_of(const float *x, int n) {
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum);
}

/* Relative to the whole array: of a gradient near 0 nothing else can be asked. That of a bias
 * before a batch norm is 0 but for rounding. */
static inline void check_array(const char *name, const float *ours, const float *expected, int n,
                               const struct dse_graph *graph, const struct dse_node *weights_of) {
    double difference = 0.0;
    for (int i = 0; i < n; i++) {
        size_t at = weights_of == NULL ? (size_t)i : place_in_torch(graph, weights_of, (size_t)i);
        difference += pow((double)ours[i] - (double)expected[at], 2.0);
    }
    if (!(sqrt(difference) <= 1e-4 * norm_of(expected, n) + 5e-7))
        fail_msg("%s: off by %g of %g", name, sqrt(difference), norm_of(expected, n));
}

static inline int check_node(const struct trainee *t, const struct recorded *recorded,
                             struct dse_net *net, int index) {
    const struct dse_node *node = &t->graph->nodes[index];
    struct dse_net_parameters parameters = dse_net_parameters(net);
    size_t n_running, offset, n;
    const float *running = dse_net_running(net, &n_running);
    int checked = 0;
    for (int k = 0; k < DSE_PARAMETERS; k++) {
        bool norm = node->op == DSE_OP_NORM;
        if (!dse_net_find(net, index, k, &offset, &n))
            continue;
        const char *name = norm ? node->norm.names.of[k] : node->conv.names.of[k];
        int n_expected = 0;
        const float *expected = recorded_find(recorded, name, &n_expected);
        assert_non_null(expected);
        assert_int_equal(n, n_expected);
        check_array(name, (k < 2 ? parameters.gradients : running) + offset, expected, (int)n,
                    t->graph, !norm && k == 0 ? node : NULL);
        checked++;
    }
    return checked;
}

/* All gradients and running numbers of a step, and none besides. */
static inline void recorded_check_net(const struct trainee *t, const struct recorded *recorded,
                                      struct dse_net *net) {
    int checked = 0, entries = 0;
    for (int i = 0; i < t->graph->n_nodes; i++)
        checked += check_node(t, recorded, net, i);
    for (int i = 0; i < recorded->n; i++) {
        const char *name = recorded->entries[i].name;
        entries += strchr(name, '.') != NULL && strncmp(name, "losses", 6) != 0 &&
                   strncmp(name, "bits.", 5) != 0;
    }
    assert_int_equal(checked, entries);
}

#endif
