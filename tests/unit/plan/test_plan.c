/* Plans over the sample model and the small models: sharing changes nothing, integers are those of
 * naive loops, all kernels agree. */
#include "evaluator/quantize/quantize.h"
#include "tests/unit/graph/naive_net.h"
#include "tests/unit/plan/plan_helpers.h"

#include <math.h>

enum { BATCH = 8 };

/* The sample model, some images and their calibration, for every test. */
static struct dse_graph *sample;
static float *sample_images; /* 2 batches */
static double *sample_amax;

static int open_sample(void **state) {
    (void)state;
    sample = load_graph(SAMPLE, "logits");
    sample_images = random_images(sample, 2 * BATCH, 1);
    sample_amax = calibrate(sample, sample_images, 2 * BATCH);
    return 0;
}

static int close_sample(void **state) {
    (void)state;
    dse_graph_free(sample);
    dse_free(sample_images);
    dse_free(sample_amax);
    return dse_alloc_live() == 0 ? 0 : -1;
}

/* ---- float32 against the naive network ---- */

/* Nothing of a plan's bookkeeping hides in a tolerance that is for the order of additions. */
static const double FLOAT_TOLERANCE = 2e-5;

static void assert_plan_is_naive(struct dse_graph *graph, struct dse_kernels *kernels) {
    enum { IMAGES = 5 };
    float *images = random_images(graph, IMAGES, 2);
    struct dse_candidate candidate = new_candidate(graph->n_layers, 0);
    struct dse_plan *plan = new_plan(graph, kernels, 4, NULL);
    float *logits = run_one(plan, graph, 4, &candidate, images, IMAGES);
    size_t classes = (size_t)dse_plan_classes(plan);
    for (size_t i = 0; i < IMAGES; i++) {
        float *wanted = naive_run(graph, images + i * image_size(graph));
        for (size_t k = 0; k < classes; k++) {
            double x = (double)logits[i * classes + k], y = (double)wanted[k];
            if (!(fabs(x - y) <= FLOAT_TOLERANCE * (1 + fabs(y))))
                fail_msg("image %zu output %zu: %.9g, naive %.9g", i, k, x, y);
        }
        dse_free(wanted);
    }
    dse_free(logits);
    dse_free(images);
    dse_candidate_fini(&candidate);
    dse_plan_free(plan);
}

static void every_operator_computes_as_the_naive_network(void **state) {
    (void)state;
    static const char *const names[] = {"conv-bn",  "windows",   "dense",
                                        "shortcut", "old-style", "branches"};
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_REFERENCE);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/onnx/%s.onnx", DSE_FIXTURES_DIR, names[i]);
        struct dse_graph *graph = load_graph(path, strcmp(names[i], "old-style") == 0 ? "y" : "");
        assert_plan_is_naive(graph, kernels);
        dse_graph_free(graph);
    }
    assert_plan_is_naive(sample, kernels);
    dse_kernels_free(kernels);
    kernels = new_kernels(DSE_KERNELS_AUTO);
    assert_plan_is_naive(sample, kernels);
    dse_kernels_free(kernels);
}

/* ---- integers ---- */

static int round_half_even(float x) {
    return (int)nearbyintf(x); /* the default rounding mode */
}

/* The first layer's integers follow from the image. */
static void assert_input_is_quantised(const struct dse_graph *graph, double amax, int bits,
                                      int groups, const float *x, size_t pixels, const uint8_t *q) {
    float inverse = 1.0f / dse_quantize_scale(amax, bits), top = (float)dse_quantize_max(bits);
    size_t c = (size_t)graph->values[graph->input].shape.c, per_group = c / (size_t)groups;
    for (size_t p = 0; p < pixels; p++)
        for (size_t i = 0; i < c; i++) {
            int wanted = round_half_even(fmaxf(-top, fminf(top, x[p * c + i] * inverse)));
            size_t at = p * 2 * c + i / per_group * 2 * per_group + i % per_group;
            assert_int_equal((int)q[at] - (int)q[at + per_group], wanted);
            assert_true(q[at] == 0 || q[at + per_group] == 0);
        }
}

/* One sum of products; weights of a split input count twice, with both signs. */
static int64_t naive_sum(const struct dse_graph *graph, const struct dse_node *node, bool split,
                         const int8_t *weights, const uint8_t *q, int h, int w, int oc) {
    const struct dse_conv_node *conv = &node->conv;
    struct dse_shape in = dse_graph_input_shape(graph, node);
    int group_ic = in.c / conv->groups, halves = split ? 2 : 1;
    int group = oc / (dse_graph_output_shape(graph, node).c / conv->groups);
    weights += (size_t)oc * (size_t)(conv->kernel_h * conv->kernel_w * group_ic);
    int64_t sum = 0;
    for (int kh = 0; kh < conv->kernel_h; kh++)
        for (int kw = 0; kw < conv->kernel_w; kw++)
            for (int i = 0; i < group_ic; i++) {
                int y = h * conv->stride_h - conv->pad_top + kh * conv->dilation_h;
                int x = w * conv->stride_w - conv->pad_left + kw * conv->dilation_w;
                int weight = weights[(kh * conv->kernel_w + kw) * group_ic + i];
                if (y < 0 || x < 0 || y >= in.h || x >= in.w)
                    continue;
                size_t at = ((size_t)y * (size_t)in.w + (size_t)x) * (size_t)(in.c * halves) +
                            (size_t)(group * group_ic * halves + i);
                sum += weight * (int64_t)q[at];
                if (split)
                    sum -= weight * (int64_t)q[at + (size_t)group_ic];
            }
    return sum;
}

static void assert_layer_is_naive(struct dse_plan *plan, const struct dse_graph *graph,
                                  const struct dse_candidate *candidate, const double *amax,
                                  const float *images, int n_images, int layer) {
    const struct dse_node *node = &graph->nodes[graph->layers[layer]];
    struct dse_shape in = dse_graph_input_shape(graph, node);
    struct dse_shape out = dse_graph_output_shape(graph, node);
    bool split = dse_graph_value_signed(graph, node->inputs[0]);
    const uint8_t *q;
    const int32_t *sums;
    size_t n_q, n_sums, per_image = dse_shape_size(in) * (split ? 2 : 1);
    struct dse_err err = {0};
    assert_ok(dse_plan_inspect_layer(plan, candidate, images, n_images, layer, &q, &n_q, &sums,
                                     &n_sums, &err),
              &err);
    assert_int_equal(n_q, per_image * (size_t)n_images);
    assert_int_equal(n_sums, dse_shape_size(out) * (size_t)n_images);
    if (node->inputs[0] == graph->input)
        assert_input_is_quantised(graph, amax[layer], candidate->input_bits[layer],
                                  node->conv.groups, images,
                                  (size_t)in.h * (size_t)in.w * (size_t)n_images, q);

    size_t per_channel =
        (size_t)(node->conv.kernel_h * node->conv.kernel_w * (in.c / node->conv.groups));
    int8_t *weights = dse_alloc((size_t)out.c * per_channel, 1);
    float *scales = dse_alloc((size_t)out.c, sizeof *scales);
    assert_true(weights != NULL && scales != NULL);
    const struct dse_layer_weights given = {node->conv.weights, (size_t)out.c, per_channel, 0};
    dse_quantize_weights(&given, candidate->weight_bits[layer], weights, scales);
    for (int i = 0; i < n_images; i++, q += per_image)
        for (int h = 0; h < out.h; h++)
            for (int w = 0; w < out.w; w++)
                for (int c = 0; c < out.c; c++)
                    if (*sums++ != naive_sum(graph, node, split, weights, q, h, w, c))
                        fail_msg("layer %d (%s), image %d, (%d, %d, %d)", layer, node->name, i, h,
                                 w, c);
    dse_free(weights);
    dse_free(scales);
}

static void accumulators_are_those_of_naive_loops(void **state) {
    (void)state;
    static const enum dse_kernel_choice choices[] = {DSE_KERNELS_REFERENCE, DSE_KERNELS_AUTO};
    struct dse_candidate candidate = new_candidate(sample->n_layers, 8);
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 5, 0);
    vary_candidate(&candidate, 2, &rng);
    for (size_t k = 0; k < 2; k++) {
        struct dse_kernels *kernels = new_kernels(choices[k]);
        struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
        for (int layer = 0; layer < sample->n_layers; layer++)
            assert_layer_is_naive(plan, sample, &candidate, sample_amax, sample_images, 3, layer);
        dse_plan_free(plan);
        dse_kernels_free(kernels);
    }
    dse_candidate_fini(&candidate);
}

/* A signed input in two groups: the halves stay with their group. */
static void groups_of_a_signed_input_keep_their_channels(void **state) {
    (void)state;
    struct dse_graph *graph = load_graph(DSE_FIXTURES_DIR "/onnx/windows.onnx", "");
    struct dse_candidate candidate = new_candidate(graph->n_layers, 7);
    float *images = random_images(graph, 3, 6);
    double *amax = calibrate(graph, images, 3);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(graph, kernels, 4, amax);
    assert_layer_is_naive(plan, graph, &candidate, amax, images, 3, 0);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_free(amax);
    dse_free(images);
    dse_candidate_fini(&candidate);
    dse_graph_free(graph);
}

static void all_kernels_give_the_same_logits(void **state) {
    (void)state;
    static const enum dse_kernel_choice choices[] = {DSE_KERNELS_REFERENCE, DSE_KERNELS_OPENBLAS,
                                                     DSE_KERNELS_ONEDNN};
    struct dse_candidate candidate = new_candidate(sample->n_layers, 8);
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 7, 0);
    vary_candidate(&candidate, 3, &rng);
    float *first = NULL;
    size_t bytes = 2 * BATCH * 10 * sizeof *first;
    for (size_t k = 0; k < 3; k++) {
        struct dse_kernels *kernels = NULL;
        enum dse_status status = dse_kernels_new(choices[k], &kernels, NULL);
        if (status == DSE_UNSUPPORTED)
            continue; /* built without it */
        assert_int_equal(status, DSE_OK);
        struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
        float *logits = run_one(plan, sample, BATCH, &candidate, sample_images, 2 * BATCH);
        if (first == NULL) {
            first = logits;
        } else {
            assert_memory_equal(logits, first, bytes);
            dse_free(logits);
        }
        dse_plan_free(plan);
        dse_kernels_free(kernels);
    }
    dse_free(first);
    dse_candidate_fini(&candidate);
}

/* ---- fake quantisation ---- */

static float on_grid(float x, float inverse, float scale, int bits) {
    float top = (float)((1 << (bits - 1)) - 1);
    return nearbyintf(fmaxf(-top, fminf(top, x * inverse))) * scale;
}

/* What a candidate with these bits in one layer gives, float32 elsewhere. */
static float *run_layer_bits(const struct dse_graph *graph, const float *images, int layer,
                             int input_bits, int weight_bits, const double *amax,
                             enum dse_weight_scales share) {
    const struct dse_plan_options options = {BATCH, amax, share, 0};
    struct dse_candidate candidate = new_candidate(graph->n_layers, 0);
    candidate.input_bits[layer] = input_bits;
    candidate.weight_bits[layer] = weight_bits;
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_REFERENCE);
    struct dse_plan *plan = new_plan_with(graph, kernels, &options);
    float *logits = run_one(plan, graph, BATCH, &candidate, images, BATCH);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
    return logits;
}

/* Wide bits of the first layer's input equal a float32 network on quantised images; wide bits of a
 * layer's weights equal a float32 network of other weights. To the bit: the same kernels. */
static void wide_layers_compute_on_values_of_the_grid(void **state) {
    (void)state;
    static const int bits[][2] = {{12, 4}, {4, 12}, {16, 16}, {9, 0}, {0, 3}, {3, 0}, {0, 9}};
    size_t n = BATCH * image_size(sample), bytes = BATCH * 10 * sizeof(float);
    float *images = random_images(sample, BATCH, 1);
    for (size_t k = 0; k < 2 * sizeof bits / sizeof bits[0]; k++) {
        const int *now = bits[k / 2];
        enum dse_weight_scales share = k % 2 ? DSE_SCALE_A_TENSOR : DSE_SCALE_A_CHANNEL;
        float *wide = run_layer_bits(sample, sample_images, 0, now[0], now[1], sample_amax, share);
        struct dse_graph *graph = load_graph(SAMPLE, "logits");
        struct dse_conv_node *conv = &graph->nodes[graph->layers[0]].conv;
        float scale = now[0] == 0 ? 1 : dse_quantize_scale(sample_amax[0], now[0]);
        for (size_t i = 0; i < n; i++)
            images[i] = now[0] == 0 ? sample_images[i]
                                    : on_grid(sample_images[i], 1 / scale, scale, now[0]);
        if (now[1] != 0) {
            const struct dse_layer_weights weights = {conv->weights, 16, 9, share};
            float values[16 * 9];
            dse_fake_quantize_weights(&weights, now[1], values);
            memcpy(conv->weights, values, sizeof values);
        }
        float *plain = run_layer_bits(graph, images, 0, 0, 0, NULL, share);
        assert_memory_equal(wide, plain, bytes);
        dse_free(wide);
        dse_free(plain);
        dse_graph_free(graph);
    }
    dse_free(images);
}

/* ---- populations ---- */

enum { POPULATION = 12 };

/* Some random, some copies of another one up to a random layer, one float32, one twice. */
static void fill_population(struct dse_candidate population[POPULATION]) {
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 8, 0);
    for (int i = 0; i < POPULATION; i++) {
        population[i] = new_candidate(sample->n_layers, 0);
        if (i == POPULATION - 1)
            continue;
        int first = 0;
        if (i % 3 != 0) {
            copy_candidate(&population[i], &population[dse_rng_below(&rng, (uint32_t)i)]);
            first = (int)dse_rng_below(&rng, (uint32_t)sample->n_layers);
        }
        if (i != 4)
            vary_candidate(&population[i], first, &rng);
    }
}

static void shuffle(int *order, int n, struct dse_rng *rng) {
    for (int i = n - 1; i > 0; i--) {
        int k = (int)dse_rng_below(rng, (uint32_t)i + 1), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

static void a_population_gets_what_each_candidate_gets_alone(void **state) {
    (void)state;
    struct dse_candidate population[POPULATION];
    struct dse_err err = {0};
    struct dse_rng rng;
    float *alone[POPULATION];
    int order[POPULATION];
    fill_population(population);
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 9, 0);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
    for (int i = 0; i < POPULATION; i++)
        alone[i] = run_one(plan, sample, BATCH, &population[i], sample_images, BATCH);
    assert_ok(dse_plan_order(plan, population, POPULATION, order, &err), &err);
    int64_t run_in_order = 0;
    for (int round = 0; round < 4; round++) {
        struct dse_plan_stats stats = {0};
        float logits[POPULATION][BATCH * 10];
        memset(logits, 0xff, sizeof logits);
        assert_ok(dse_plan_run(plan, population, POPULATION, order, sample_images, BATCH,
                               &logits[0][0], &stats, &err),
                  &err);
        for (int i = 0; i < POPULATION; i++)
            assert_memory_equal(logits[i], alone[i], sizeof logits[i]);
        assert_int_equal(stats.layers_asked, POPULATION * sample->n_layers);
        if (round == 0) {
            run_in_order = stats.layers_run;
            assert_true(stats.layers_run < stats.layers_asked);
        }
        assert_true(stats.layers_run >= run_in_order);
        shuffle(order, POPULATION, &rng);
    }
    for (int i = 0; i < POPULATION; i++) {
        dse_free(alone[i]);
        dse_candidate_fini(&population[i]);
    }
    dse_plan_free(plan);
    dse_kernels_free(kernels);
}

/* Runs the population in groups that fit; the number of groups. */
static int run_in_groups(struct dse_plan *plan, struct dse_candidate *population, size_t most,
                         float (*logits)[BATCH * 10]) {
    struct dse_err err = {0};
    int order[POPULATION], groups = 0;
    for (int first = 0, n; first < POPULATION; first += n, groups++) {
        assert_ok(dse_plan_fit(plan, population + first, POPULATION - first, &n, &err), &err);
        assert_in_range(n, 1, POPULATION - first);
        assert_ok(dse_plan_order(plan, population + first, n, order, &err), &err);
        assert_ok(dse_plan_run(plan, population + first, n, order, sample_images, BATCH,
                               logits[first], NULL, &err),
                  &err);
        assert_true(n == 1 || dse_plan_weights_bytes(plan) <= most);
    }
    return groups;
}

static void packed_weights_are_bounded(void **state) {
    (void)state;
    struct dse_candidate population[POPULATION];
    struct dse_err err = {0};
    static float logits[POPULATION][BATCH * 10];
    float *alone[POPULATION];
    int n, groups_before = POPULATION + 1;
    size_t one = 0, all;
    fill_population(population);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
    for (int i = 0; i < POPULATION; i++) {
        alone[i] = run_one(plan, sample, BATCH, &population[i], sample_images, BATCH);
        one = i == 0 ? dse_plan_weights_bytes(plan) : one;
    }
    all = dse_plan_weights_bytes(plan);
    assert_true(one > 0 && all > 2 * one);
    assert_ok(dse_plan_fit(plan, population, POPULATION, &n, &err), &err);
    assert_int_equal(n, POPULATION);
    dse_plan_free(plan);
    const size_t bounds[] = {1, 5 * one, all};
    for (int b = 0; b < 3; b++) {
        const struct dse_plan_options options = {
            .batch = BATCH, .input_amax = sample_amax, .weights_bytes_most = bounds[b]};
        plan = new_plan_with(sample, kernels, &options);
        for (int round = 0; round < 2; round++) {
            memset(logits, 0xff, sizeof logits);
            int groups = run_in_groups(plan, population, bounds[b], logits);
            assert_true(b == 0 ? groups == POPULATION : b == 2 ? groups == 1 : groups > 1);
            assert_true(groups <= groups_before);
            groups_before = groups;
            for (int i = 0; i < POPULATION; i++)
                assert_memory_equal(logits[i], alone[i], sizeof logits[i]);
        }
        dse_plan_free(plan);
    }
    for (int i = 0; i < POPULATION; i++) {
        dse_free(alone[i]);
        dse_candidate_fini(&population[i]);
    }
    dse_kernels_free(kernels);
}

static void a_candidate_is_computed_from_its_first_difference(void **state) {
    (void)state;
    struct dse_candidate pair[2] = {new_candidate(sample->n_layers, 6),
                                    new_candidate(sample->n_layers, 6)};
    const int order[2] = {1, 0};
    float logits[2][BATCH * 10];
    struct dse_err err = {0};
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
    for (int layer = 0; layer <= sample->n_layers; layer++) {
        struct dse_plan_stats stats = {0};
        if (layer < sample->n_layers)
            pair[0].weight_bits[layer] = 3;
        assert_ok(
            dse_plan_run(plan, pair, 2, order, sample_images, BATCH, &logits[0][0], &stats, &err),
            &err);
        assert_int_equal(stats.layers_run, 2 * sample->n_layers - layer);
        if (layer < sample->n_layers)
            pair[0].weight_bits[layer] = 6;
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_candidate_fini(&pair[0]);
    dse_candidate_fini(&pair[1]);
}

/* Candidates that share everything up to the input of one layer and read it as integers of other
 * bits, or as float32: whatever the first one has left of that value is enough for the next. */
static void a_shared_value_serves_layers_of_other_bits(void **state) {
    (void)state;
    enum { CASES = 7 };
    static const int orders[][CASES] = {
        {0, 1, 2, 3, 4, 5, 6}, {6, 5, 4, 3, 2, 1, 0}, {1, 3, 5, 0, 4, 2, 6}, {4, 2, 5, 0, 6, 3, 1}};
    static const int bits[CASES][2] = {{6, 6}, {3, 6}, {0, 0}, {6, 4}, {12, 4}, {6, 11}, {0, 6}};
    struct dse_candidate cases[CASES];
    float *alone[CASES], logits[CASES][BATCH * 10];
    struct dse_err err = {0};
    for (int i = 0; i < CASES; i++)
        cases[i] = new_candidate(sample->n_layers, 6);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
    for (int layer = 0; layer < sample->n_layers; layer++) {
        for (int i = 0; i < CASES; i++) {
            cases[i].input_bits[layer] = bits[i][0];
            cases[i].weight_bits[layer] = bits[i][1];
            alone[i] = run_one(plan, sample, BATCH, &cases[i], sample_images, BATCH);
        }
        for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
            /* Other images first, so that nothing right is left over. */
            dse_free(run_one(plan, sample, BATCH, &cases[2],
                             sample_images + BATCH * image_size(sample), BATCH));
            assert_ok(dse_plan_run(plan, cases, CASES, orders[k], sample_images, BATCH,
                                   &logits[0][0], NULL, &err),
                      &err);
            for (int i = 0; i < CASES; i++)
                assert_memory_equal(logits[i], alone[i], sizeof logits[i]);
        }
        for (int i = 0; i < CASES; i++) {
            cases[i].input_bits[layer] = cases[i].weight_bits[layer] = 6;
            dse_free(alone[i]);
        }
    }
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    for (int i = 0; i < CASES; i++)
        dse_candidate_fini(&cases[i]);
}

static void images_do_not_see_their_neighbours(void **state) {
    (void)state;
    static const int batches[] = {1, 5, 16, 7};
    struct dse_candidate candidate = new_candidate(sample->n_layers, 5);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    float *first = NULL;
    for (size_t k = 0; k < 4; k++) {
        struct dse_plan *plan = new_plan(sample, kernels, batches[k], sample_amax);
        float *logits = run_one(plan, sample, batches[k], &candidate, sample_images, 2 * BATCH);
        if (first != NULL)
            assert_memory_equal(logits, first, 2 * BATCH * 10 * sizeof *first);
        dse_free(first);
        first = logits;
        dse_plan_free(plan);
    }
    dse_free(first);
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
}

/* ---- calibration ---- */

static int progress_calls;

static void count_progress(void *context, int done, int total) {
    assert_ptr_equal(context, &progress_calls);
    assert_int_equal(total, 40);
    assert_int_equal(done, progress_calls == 0 ? 32 : 40);
    progress_calls++;
}

static void calibration_sees_every_image_once(void **state) {
    (void)state;
    float *images = random_images(sample, 40, 10);
    double amax[10], again[10], largest = 0;
    struct dse_err err = {0};
    assert_int_equal(sample->n_layers, 10);
    assert_ok(dse_plan_calibrate(sample, images, 40,
                                 &(struct dse_calibration_rule){DSE_CALIBRATION_PERCENTILE, 100},
                                 amax, count_progress, &progress_calls, &err),
              &err);
    assert_int_equal(progress_calls, 2);
    /* By 100 %, the first layer's is the left edge of the bin of the largest image value. */
    for (size_t i = 0; i < 40 * image_size(sample); i++)
        largest = fmax(largest, fabs((double)images[i]));
    assert_true(amax[0] <= largest && amax[0] > largest * (1 - 2.0 / 2048));
    /* By 50 %, half of the image values lie below: nothing but the images was counted. */
    assert_ok(dse_plan_calibrate(sample, images, 40,
                                 &(struct dse_calibration_rule){DSE_CALIBRATION_PERCENTILE, 50},
                                 again, NULL, NULL, &err),
              &err);
    size_t below = 0, total = 40 * image_size(sample);
    for (size_t i = 0; i < total; i++)
        below += fabs((double)images[i]) < again[0];
    assert_true((double)below < 0.5 * (double)total && (double)below > 0.49 * (double)total);
    images[39 * image_size(sample) + 5] = -2 * (float)largest; /* in the last, partial batch */
    assert_ok(dse_plan_calibrate(sample, images, 40,
                                 &(struct dse_calibration_rule){DSE_CALIBRATION_PERCENTILE, 100},
                                 again, NULL, NULL, &err),
              &err);
    assert_true(again[0] > 1.9 * largest);
    dse_free(images);
}

/* ---- zeros ---- */

static void a_layer_of_zeros_is_no_division_by_zero(void **state) {
    (void)state;
    struct dse_graph *graph = load_graph(SAMPLE, "exit0");
    double amax[4] = {0, 1, 0, 1};
    assert_int_equal(graph->n_layers, 4);
    struct dse_conv_node *conv = &graph->nodes[graph->layers[1]].conv;
    memset(conv->weights, 0, 9 * 16 * sizeof *conv->weights); /* a channel of zeros */
    struct dse_candidate candidate = new_candidate(graph->n_layers, 4);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(graph, kernels, BATCH, amax);
    float *logits = run_one(plan, graph, BATCH, &candidate, sample_images, BATCH);
    for (int i = 0; i < BATCH * 10; i++)
        assert_true(isfinite(logits[i]));
    const uint8_t *q;
    size_t n_q;
    struct dse_err err = {0};
    assert_ok(dse_plan_inspect_layer(plan, &candidate, sample_images, BATCH, 0, &q, &n_q, NULL,
                                     NULL, &err),
              &err);
    for (size_t i = 0; i < n_q; i++)
        assert_int_equal(q[i], 0);
    dse_free(logits);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
    dse_graph_free(graph);
}

/* ---- refusals ---- */

static void assert_refused(struct dse_plan *plan, const struct dse_candidate *candidate,
                           const char *text) {
    const int order = 0;
    float logits[BATCH * 10];
    struct dse_err err = {0};
    assert_int_equal(
        dse_plan_run(plan, candidate, 1, &order, sample_images, BATCH, logits, NULL, &err),
        DSE_INVALID);
    assert_non_null(strstr(err.text, text));
}

static void impossible_candidates_are_refused(void **state) {
    (void)state;
    struct dse_candidate candidate = new_candidate(sample->n_layers, 8);
    struct dse_candidate other = new_candidate(sample->n_layers + 1, 8);
    struct dse_err err = {0};
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(sample, kernels, BATCH, NULL);
    assert_refused(plan, &candidate, "needs calibration");
    dse_plan_free(plan);
    plan = new_plan(sample, kernels, BATCH, sample_amax);
    assert_refused(plan, &other, "11 layers for a network of 10");
    static const int bad[][2] = {{1, 8}, {8, 17}, {0, 1}, {17, 0}, {-1, 4}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        candidate.input_bits[2] = bad[i][0];
        candidate.weight_bits[2] = bad[i][1];
        assert_refused(plan, &candidate, "layer 3: ");
    }
    candidate.input_bits[2] = candidate.weight_bits[2] = 0;
    assert_int_equal(
        dse_plan_inspect_layer(plan, &candidate, sample_images, 1, 2, NULL, NULL, NULL, NULL, &err),
        DSE_INVALID);
    assert_non_null(strstr(err.text, "layer 3 is in float32"));
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
    dse_candidate_fini(&other);
}

/* ---- memory ---- */

static void every_failed_allocation_is_survived(void **state) {
    (void)state;
    struct dse_candidate candidate = new_candidate(sample->n_layers, 5);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_REFERENCE);
    const struct dse_plan_options options = {.batch = 1, .input_amax = sample_amax};
    const int order = 0;
    float logits[10];
    size_t live = dse_alloc_live();
    enum dse_status status = DSE_NO_MEMORY;
    candidate.input_bits[1] = candidate.weight_bits[1] = 0;
    for (long n = 0; status != DSE_OK; n++) {
        struct dse_plan *plan = NULL;
        struct dse_err err = {0};
        dse_alloc_fail_at(n);
        status = dse_plan_new(sample, kernels, &options, &plan, &err);
        if (status == DSE_OK)
            status =
                dse_plan_run(plan, &candidate, 1, &order, sample_images, 1, logits, NULL, &err);
        dse_alloc_fail_at(-1);
        assert_true(status == DSE_OK || status == DSE_NO_MEMORY);
        /* After a failed run the plan is whole: the same run succeeds. */
        if (plan != NULL && status != DSE_OK)
            assert_int_equal(
                dse_plan_run(plan, &candidate, 1, &order, sample_images, 1, logits, NULL, NULL),
                DSE_OK);
        dse_plan_free(plan);
        assert_int_equal(dse_alloc_live(), live);
        assert_true(n < 1000);
    }
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
}

static void a_second_run_allocates_nothing(void **state) {
    (void)state;
    struct dse_candidate candidate = new_candidate(sample->n_layers, 5);
    struct dse_kernels *kernels = new_kernels(DSE_KERNELS_AUTO);
    struct dse_plan *plan = new_plan(sample, kernels, BATCH, sample_amax);
    float *logits = run_one(plan, sample, BATCH, &candidate, sample_images, BATCH);
    dse_free(logits);
    const int order = 0;
    float again[BATCH * 10];
    dse_alloc_fail_at(0);
    enum dse_status status =
        dse_plan_run(plan, &candidate, 1, &order, sample_images, BATCH, again, NULL, NULL);
    dse_alloc_fail_at(-1);
    assert_int_equal(status, DSE_OK);
    dse_plan_free(plan);
    dse_kernels_free(kernels);
    dse_candidate_fini(&candidate);
}

int main(int argc, char **argv) {
    (void)argc;
    dse_kernels_fix_environment(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator_computes_as_the_naive_network),
        cmocka_unit_test(accumulators_are_those_of_naive_loops),
        cmocka_unit_test(groups_of_a_signed_input_keep_their_channels),
        cmocka_unit_test(all_kernels_give_the_same_logits),
        cmocka_unit_test(wide_layers_compute_on_values_of_the_grid),
        cmocka_unit_test(a_population_gets_what_each_candidate_gets_alone),
        cmocka_unit_test(packed_weights_are_bounded),
        cmocka_unit_test(a_candidate_is_computed_from_its_first_difference),
        cmocka_unit_test(a_shared_value_serves_layers_of_other_bits),
        cmocka_unit_test(images_do_not_see_their_neighbours),
        cmocka_unit_test(calibration_sees_every_image_once),
        cmocka_unit_test(a_layer_of_zeros_is_no_division_by_zero),
        cmocka_unit_test(impossible_candidates_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(a_second_run_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
