/* Trainings: they learn, go on from a checkpoint to the same bits, refuse what does not fit, and
 * what they have learned reaches a file. */
#include "tests/unit/train/recorded.h"

#include <math.h>

#include "evaluator/graph/onnx_model.h"
#include "evaluator/train/trainer.h"

enum { IMAGES = 120, VALIDATION = 40, H = 8, W = 10, C = 3, CLASSES = 5, BATCH = 20 };

struct school {
    struct trainee trainee;
    uint8_t pixels[(IMAGES + VALIDATION) * H * W * C];
    int32_t class_of[IMAGES + VALIDATION];
    struct dse_train_data data, validation;
    struct dse_trainer_options options;
    char directory[256], checkpoint[300];
};

/* Each class is a bar at a place of its own, under noise. */
static void draw_images(struct school *s) {
    struct dse_rng rng;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    for (int i = 0; i < IMAGES + VALIDATION; i++) {
        s->class_of[i] = (int32_t)dse_rng_below(&rng, CLASSES);
        for (int p = 0; p < H * W * C; p++) {
            int column = p / C % W;
            bool bar = column / 2 == s->class_of[i];
            s->pixels[i * H * W * C + p] = (uint8_t)(dse_rng_below(&rng, 100) + (bar ? 120 : 0));
        }
    }
    s->data = (struct dse_train_data){IMAGES, H, W, C, s->pixels, s->class_of, {{0}}};
    for (int c = 0; c < C; c++)
        for (int level = 0; level < 256; level++)
            s->data.levels[c][level] = (float)(level - 100) / 64.0f;
    s->validation = s->data;
    s->validation.n = VALIDATION;
    s->validation.pixels += IMAGES * H * W * C;
    s->validation.labels += IMAGES;
}

static int set_up(void **state) {
    struct school *s = dse_alloc(1, sizeof *s);
    assert_non_null(s);
    trainee_init(&s->trainee, "small", DSE_KERNELS_AUTO, 2);
    draw_images(s);
    s->options = (struct dse_trainer_options){
        .net = s->trainee.setup,
        .optimizer = {.rule = DSE_SGD, .momentum = 0.9, .weight_decay = 1e-4},
        .augment = {.flip = false, .shift_pixels = 1, .cutout_pixels = 2},
        .epochs = 6,
        .learning_rate = 0.05,
        .seed = 9,
    };
    s->options.net.batch = BATCH;
    assert_true(dse_schedule_find("cosine", &s->options.schedule));
    make_temp_dir(s->directory, sizeof s->directory);
    (void)snprintf(s->checkpoint, sizeof s->checkpoint, "%s/checkpoint", s->directory);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct school *s = *state;
    (void)remove(s->checkpoint);
    (void)rmdir(s->directory);
    trainee_fini(&s->trainee);
    dse_free(s);
    return 0;
}

static struct dse_trainer *new_trainer(struct school *s) {
    struct dse_trainer *trainer;
    struct dse_err err = {0};
    assert_ok(dse_trainer_new(&s->options, &s->data, &s->validation, &trainer, &err), &err);
    return trainer;
}

static struct dse_epoch run_epochs(struct dse_trainer *trainer, int n) {
    struct dse_epoch epoch = {0};
    struct dse_err err = {0};
    for (int i = 0; i < n; i++)
        assert_ok(dse_trainer_run_epoch(trainer, NULL, NULL, &epoch, &err), &err);
    return epoch;
}

static void it_learns(void **state) {
    struct school *s = *state;
    struct dse_trainer *trainer = new_trainer(s);
    double loss, accuracy[DSE_NET_MAX_OUTPUTS];
    struct dse_err err = {0};
    struct dse_epoch first = run_epochs(trainer, 1), last = run_epochs(trainer, 5);
    assert_true(last.loss < 0.7 * first.loss);
    assert_true(last.validation_accuracy[1] > 0.9);
    assert_int_equal(last.epoch, 6);
    /* Measured again, the best state has the loss it was chosen for. */
    dse_trainer_take_best(trainer, s->trainee.graph);
    assert_ok(dse_trainer_measure(trainer, &s->validation, &loss, accuracy, &err), &err);
    assert_true(loss <= last.validation_loss + 1e-12);
    dse_trainer_free(trainer);
}

/* All numbers of the best state. */
static void check_equal_graphs(const struct dse_graph *a, const struct dse_graph *b) {
    assert_int_equal(a->n_nodes, b->n_nodes);
    for (int i = 0; i < a->n_nodes; i++) {
        const struct dse_node *x = &a->nodes[i], *y = &b->nodes[i];
        size_t c = (size_t)dse_graph_output_shape(a, x).c;
        if (x->op == DSE_OP_NORM)
            assert_memory_equal(x->norm.gamma, y->norm.gamma, 4 * c * sizeof(float));
        if (x->op != DSE_OP_CONV && x->op != DSE_OP_DENSE)
            continue;
        size_t n = c * (size_t)(x->conv.kernel_h * x->conv.kernel_w) *
                   (size_t)(dse_graph_input_shape(a, x).c / x->conv.groups);
        assert_memory_equal(x->conv.weights, y->conv.weights, n * sizeof(float));
        assert_memory_equal(x->conv.bias, y->conv.bias, c * sizeof(float));
    }
}

static void a_checkpoint_goes_on_to_the_same_bits(void **state) {
    struct school *s = *state;
    struct trainee other;
    struct dse_err err = {0};
    struct dse_trainer *straight = new_trainer(s), *begun = new_trainer(s), *resumed;
    struct dse_epoch expected = run_epochs(straight, 4);
    (void)run_epochs(begun, 2);
    assert_ok(dse_trainer_save(begun, "this", s->checkpoint, &err), &err);
    dse_trainer_free(begun);
    resumed = new_trainer(s);
    assert_ok(dse_trainer_restore(resumed, "this", s->checkpoint, &err), &err);
    assert_int_equal(dse_trainer_epochs(resumed), 2);
    struct dse_epoch epoch = run_epochs(resumed, 2);
    assert_memory_equal(&epoch, &expected, sizeof epoch);
    trainee_init(&other, "small", DSE_KERNELS_AUTO, 2);
    dse_trainer_take_best(straight, s->trainee.graph);
    dse_trainer_take_best(resumed, other.graph);
    check_equal_graphs(s->trainee.graph, other.graph);
    trainee_fini(&other);
    dse_trainer_free(straight);
    dse_trainer_free(resumed);
}

static void wrong_checkpoints_are_refused(void **state) {
    struct school *s = *state;
    struct dse_err err = {0};
    struct dse_buf bytes = {0};
    struct dse_trainer *trainer = new_trainer(s);
    assert_ok(dse_trainer_save(trainer, "this", s->checkpoint, &err), &err);
    assert_int_equal(dse_trainer_restore(trainer, "that", s->checkpoint, &err), DSE_CONFLICT);
    assert_ok(dse_file_read(s->checkpoint, 1 << 24, &bytes, NULL), &err);
    for (size_t at = 3; at < bytes.size; at += bytes.size / 7) {
        bytes.data[at] ^= 1;
        assert_ok(dse_file_replace(s->checkpoint, bytes.data, bytes.size, NULL), &err);
        assert_int_not_equal(dse_trainer_restore(trainer, "this", s->checkpoint, NULL), DSE_OK);
        bytes.data[at] ^= 1;
    }
    for (size_t size = 0; size < bytes.size; size += bytes.size / 5) {
        assert_ok(dse_file_replace(s->checkpoint, bytes.data, size, NULL), &err);
        assert_int_equal(dse_trainer_restore(trainer, "this", s->checkpoint, NULL), DSE_INVALID);
    }
    dse_buf_fini(&bytes);
    dse_trainer_free(trainer);
}

static void a_loss_beyond_numbers_stops(void **state) {
    struct school *s = *state;
    struct dse_err err = {0};
    struct dse_epoch epoch;
    s->options.learning_rate = 1e30;
    struct dse_trainer *trainer = new_trainer(s);
    enum dse_status status = DSE_OK;
    for (int i = 0; i < 3 && status == DSE_OK; i++)
        status = dse_trainer_run_epoch(trainer, NULL, NULL, &epoch, &err);
    assert_int_equal(status, DSE_FAILED);
    assert_non_null(strstr(err.text, "epoch 1, step "));
    dse_trainer_free(trainer);
}

static void wrong_data_are_refused(void **state) {
    struct school *s = *state;
    struct dse_err err = {0};
    struct dse_trainer *trainer;
    s->class_of[17] = CLASSES;
    assert_int_equal(dse_trainer_new(&s->options, &s->data, NULL, &trainer, &err), DSE_INVALID);
    assert_string_equal(err.text, "image 17 has the label 5; the model has 5 outputs");
    s->class_of[17] = 0;
    s->data.c = 1;
    assert_int_equal(dse_trainer_new(&s->options, &s->data, NULL, &trainer, NULL), DSE_INVALID);
}

/* Trained numbers in a file, read again, are the same numbers. */
static void what_is_learned_reaches_a_file(void **state) {
    struct school *s = *state;
    struct dse_err err = {0};
    struct dse_onnx *model;
    struct dse_graph *again;
    struct dse_buf bytes = {0};
    const char *const exits[] = {"exit0", "exit1"};
    struct dse_graph_options options = {exits, 2, false, .for_training = true};
    struct dse_trainer *trainer = new_trainer(s);
    (void)run_epochs(trainer, 1);
    dse_trainer_take_best(trainer, s->trainee.graph);
    assert_ok(dse_onnx_load(DSE_SOURCE_DIR "/tests/fixtures/training/small.onnx", &model, &err),
              &err);
    assert_ok(dse_graph_store(s->trainee.graph, model, &err), &err);
    assert_ok(dse_onnx_write(model, &bytes, &err), &err);
    assert_ok(dse_graph_read_onnx(bytes.data, bytes.size, "again", &options, &again, &err), &err);
    check_equal_graphs(s->trainee.graph, again);
    dse_graph_free(again);
    dse_onnx_free(model);
    dse_buf_fini(&bytes);
    dse_trainer_free(trainer);
}

/* Weights of transposed convolutions too, in the model's order: with and without groups. */
static void transposed_weights_reach_a_file(void **state) {
    (void)state;
    struct trainee t;
    struct dse_err err = {0};
    struct dse_onnx *model;
    struct dse_graph *again;
    struct dse_buf bytes = {0};
    const struct dse_graph_options options = {.for_training = true};
    int transposed = 0;
    trainee_init(&t, "operators", DSE_KERNELS_REFERENCE, 1);
    for (int i = 0; i < t.graph->n_nodes; i++) {
        struct dse_node *node = &t.graph->nodes[i];
        transposed += node->op == DSE_OP_CONV_TRANSPOSE;
        if (node->op == DSE_OP_CONV_TRANSPOSE)
            node->conv.weights[5] = 7.0f + (float)i;
    }
    assert_int_equal(transposed, 2);
    assert_ok(dse_onnx_load(DSE_SOURCE_DIR "/tests/fixtures/training/operators.onnx", &model, &err),
              &err);
    assert_ok(dse_graph_store(t.graph, model, &err), &err);
    assert_ok(dse_onnx_write(model, &bytes, &err), &err);
    assert_ok(dse_graph_read_onnx(bytes.data, bytes.size, "again", &options, &again, &err), &err);
    for (int i = 0; i < again->n_nodes; i++) {
        const struct dse_node *a = &t.graph->nodes[i], *b = &again->nodes[i];
        if (b->op != DSE_OP_CONV_TRANSPOSE)
            continue;
        size_t n = (size_t)b->conv.kernel_h * (size_t)b->conv.kernel_w *
                   (size_t)dse_graph_input_shape(again, b).c *
                   (size_t)dse_graph_output_shape(again, b).c / (size_t)b->conv.groups;
        assert_memory_equal(a->conv.weights, b->conv.weights, n * sizeof *a->conv.weights);
    }
    dse_graph_free(again);
    dse_onnx_free(model);
    dse_buf_fini(&bytes);
    trainee_fini(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_learns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_checkpoint_goes_on_to_the_same_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_checkpoints_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_loss_beyond_numbers_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_data_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_learned_reaches_a_file, set_up, tear_down),
        cmocka_unit_test(transposed_weights_reach_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
