/* Numbers that PyTorch computed (tests/fixtures/record_training.py), and the network they are of.
 */
#ifndef TESTS_UNIT_TRAIN_RECORDED_H
#define TESTS_UNIT_TRAIN_RECORDED_H

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

#endif
