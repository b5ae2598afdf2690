/* The whole way from files to counts: the shipped network on the 10,000 test images of
 * Fashion-MNIST, against the counts that PyTorch's fake quantisation gave (tests/fixtures), with
 * our own calibration. */
#include "tests/lib/testing.h"

#include "evaluator/evaluator.h"
#include "problems/problems.h"

#define DATA "/usr/share/datasets/fashion-mnist/"

enum { IMAGES = 10000, SHARD_IMAGES = 2500, LAYERS_MAX = 64, CANDIDATES_MAX = 16, ALLOWED = 10 };

struct recorded {
    long correct;
    int64_t weight_bits[LAYERS_MAX], input_bits[LAYERS_MAX];
    int n_layers;
};

static int read_recorded(struct recorded *out) {
    FILE *file = fopen(DSE_FIXTURES_DIR "/resnet8-3exits-fashion.candidates.txt", "r");
    int n = 0;
    assert_non_null(file);
    while (n < CANDIDATES_MAX &&
           fscanf(file, "%ld %*d %d", &out[n].correct, &out[n].n_layers) == 2) {
        assert_true(out[n].n_layers <= LAYERS_MAX);
        for (int l = 0; l < out[n].n_layers; l++) {
            int weight_bits, input_bits;
            assert_int_equal(fscanf(file, "%d %d", &weight_bits, &input_bits), 2);
            out[n].weight_bits[l] = weight_bits;
            out[n].input_bits[l] = input_bits;
        }
        n++;
    }
    (void)fclose(file);
    return n;
}

static void hash(struct dse_msg_file_ref *file, char sha256[DSE_SHA256_HEX]) {
    struct dse_err err = {0};
    assert_ok(dse_sha256_file(file->path, sha256, &err), &err);
    file->sha256 = sha256;
}

static void open_fashion(struct dse_evaluator *ev, struct dse_arena *arena,
                         struct dse_msg_prepared *prepared) {
    static char sums[5][DSE_SHA256_HEX];
    static const double mean = 0.2860, std = 0.3530;
    static struct dse_msg_file_ref model = {.path = DSE_SOURCE_DIR
                                            "/workloads/models/resnet8-3exits-fashion.onnx"};
    static struct dse_msg_file_ref test[2] = {{.path = DATA "t10k-images-idx3-ubyte.gz"},
                                              {.path = DATA "t10k-labels-idx1-ubyte.gz"}};
    static struct dse_msg_file_ref train[2] = {{.path = DATA "train-images-idx3-ubyte.gz"},
                                               {.path = DATA "train-labels-idx1-ubyte.gz"}};
    hash(&model, sums[0]);
    for (int i = 0; i < 2; i++) {
        hash(&test[i], sums[1 + i]);
        hash(&train[i], sums[3 + i]);
    }
    const struct dse_msg_dataset dataset = {.format = "idx",
                                            .files = test,
                                            .files_n = 2,
                                            .count = IMAGES,
                                            .mean = &mean,
                                            .mean_n = 1,
                                            .std = &std,
                                            .std_n = 1};
    struct dse_msg_dataset calibration = dataset;
    calibration.files = train;
    calibration.count = 256;
    const struct dse_msg_context context = {.hash = "fashion",
                                            .model = &model,
                                            .output = "logits",
                                            .dataset = &dataset,
                                            .calibration = &calibration,
                                            .percentile = 99.99,
                                            .weight_scales = "channel",
                                            .clean = true,
                                            .shard_images = SHARD_IMAGES,
                                            .batch = 8};
    struct dse_err err = {0};
    assert_ok(dse_evaluator_open(ev, &context, arena, prepared, &err), &err);
}

static void counts_are_those_of_pytorch(void **state) {
    (void)state;
    static struct recorded recorded[CANDIDATES_MAX];
    struct dse_msg_candidate candidates[CANDIDATES_MAX];
    long correct[CANDIDATES_MAX] = {0};
    struct dse_arena arena = {0};
    struct dse_evaluator *ev;
    struct dse_msg_prepared prepared;
    struct dse_err err = {0};
    int n = read_recorded(recorded);
    assert_true(n >= 5);
    assert_ok(dse_evaluator_new(DSE_KERNELS_AUTO, NULL, NULL, &ev, &err), &err);
    open_fashion(ev, &arena, &prepared);
    assert_int_equal(prepared.shards, IMAGES / SHARD_IMAGES);
    assert_int_equal(prepared.layers_n, recorded[0].n_layers);
    for (int i = 0; i < n; i++)
        candidates[i] = (struct dse_msg_candidate){.key = 100 + i,
                                                   .input_bits = recorded[i].input_bits,
                                                   .input_bits_n = recorded[i].n_layers,
                                                   .weight_bits = recorded[i].weight_bits,
                                                   .weight_bits_n = recorded[i].n_layers};
    for (int shard = 0; shard < prepared.shards; shard++) {
        const struct dse_msg_task task = {.task = 1,
                                          .hash = "fashion",
                                          .shard = shard,
                                          .candidates = candidates,
                                          .candidates_n = n};
        struct dse_msg_partials partials;
        assert_ok(dse_evaluator_run(ev, &task, &arena, &partials, &err), &err);
        for (int i = 0; i < n; i++) {
            assert_int_equal(partials.results[i].key, 100 + i);
            assert_int_equal(partials.results[i].tallies[DSE_TALLY_SEEN], SHARD_IMAGES);
            correct[i] += (long)partials.results[i].tallies[DSE_TALLY_CORRECT];
        }
    }
    for (int i = 0; i < n; i++) {
        print_message("candidate %d: %ld correct of %d, PyTorch %ld\n", i, correct[i], (int)IMAGES,
                      recorded[i].correct);
        assert_in_range(correct[i], recorded[i].correct - ALLOWED, recorded[i].correct + ALLOWED);
    }
    assert_true(correct[0] >= 9100); /* the network that ships has at least 91 % */
    dse_arena_fini(&arena);
    dse_evaluator_free(ev);
}

int main(void) {
    if (access(DATA "t10k-images-idx3-ubyte.gz", R_OK) != 0)
        skip_all("the Debian package dataset-fashion-mnist is not installed");
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_are_those_of_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
