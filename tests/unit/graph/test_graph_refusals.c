/* Files that must be refused, each with a message that says where and why. */
#include "evaluator/graph/graph.h"
#include "tests/lib/testing.h"

#define SAMPLE DSE_SOURCE_DIR "/workloads/models/resnet8-3exits-fashion.onnx"

static const struct refusal {
    const char *file, *output;
    enum dse_status status;
    const char *text;
} refusals[] = {
    {"bad-operator", "", DSE_UNSUPPORTED, "node '/head/Erf' (Erf): this operator"},
    {"bad-attribute", "", DSE_UNSUPPORTED, "node 'conv' (Conv): attribute 'fancy'"},
    {"bad-opset", "", DSE_UNSUPPORTED, "operator set 8; export with 9 or later"},
    {"bad-raw-length", "", DSE_INVALID,
     "node 'conv' (Conv): constant 'w': raw_data has 20 bytes where its dimensions need 24"},
    {"bad-float-length", "", DSE_INVALID, "it has 5 elements where its dimensions need 6"},
    {"bad-dims-overflow", "", DSE_UNSUPPORTED, "constant 'w': more than 67108864 elements"},
    {"bad-dims-huge", "", DSE_UNSUPPORTED, "constant 'w': more than 67108864 elements"},
    {"bad-dims-negative", "", DSE_INVALID, "constant 'w': dimension 1 is negative (-3)"},
    {"bad-dims-too-many", "", DSE_UNSUPPORTED, "constant 'w': more than 8 dimensions"},
    {"bad-nan", "", DSE_INVALID, "node 'conv' (Conv): its weights are not all finite"},
    {"bad-type", "", DSE_UNSUPPORTED, "constant 'w': element type 11"},
    {"bad-external", "", DSE_UNSUPPORTED, "constant 'w': its data is in another file"},
    {"bad-name", "", DSE_INVALID, "reads 'nowhere', which nothing computes"},
    {"bad-order", "", DSE_INVALID, "reads 'c', which no node before it computes"},
    {"bad-cycle", "", DSE_INVALID, "reads 'b', which no node before it computes"},
    {"bad-twice", "", DSE_INVALID, "'c' is defined twice"},
    {"bad-window", "", DSE_INVALID, "node 'pool' (MaxPool): the window is larger"},
    {"bad-group", "", DSE_INVALID, "node 'conv' (Conv): weights for 3 channels in 2 groups"},
    {"bad-pad-mode", "", DSE_UNSUPPORTED, "node 'pad' (Pad): mode 'wrap'"},
    {"bad-slice", "", DSE_INVALID, "node 'slice' (Slice): its result would be empty"},
    {"bad-reshape", "", DSE_INVALID, "the new shape has 45 elements, the data 48"},
    {"bad-gemm", "", DSE_INVALID, "a matrix for 47 inputs does not fit an input of 48"},
    {"bad-trans", "", DSE_INVALID, "a matrix for 48 inputs does not fit an input of 1"},
    {"bad-add-shape", "", DSE_INVALID, "node 'add' (Add): its inputs differ in shape: 4 and 3"},
    {"bad-fill", "", DSE_UNSUPPORTED, "node 'fill' (ConstantOfShape): "},
    {"bad-computed", "", DSE_UNSUPPORTED, "'x' must be a constant"},
    {"bad-inputs", "", DSE_UNSUPPORTED, "several inputs: 'x' and 'z'"},
    {"bad-dynamic", "", DSE_UNSUPPORTED, "input 'x': dimension 2 is not fixed"},
    {"bad-input-type", "", DSE_UNSUPPORTED, "input 'x': must be float32"},
    {"bad-resize", "", DSE_INVALID, "node 'resize' (Resize): scale 1e+09 of axis 2"},
    {"bad-resize-mode", "", DSE_UNSUPPORTED, "node 'resize' (Resize): attribute 'mode' is 'sinc'"},
    {"bad-gather", "", DSE_INVALID, "node 'gather' (Gather): index 3 of 3 elements"},
    {"bad-split", "y", DSE_INVALID, "node 'split' (Split): its parts do not fit an axis of 3"},
    {"bad-reflect", "", DSE_INVALID, "node 'pad' (Pad): it reflects more than the 4 numbers"},
    {"bad-divide", "", DSE_INVALID, "node 'div' (Div): it divides an integer by 0"},
    {"bad-transposed", "", DSE_UNSUPPORTED,
     "node 'up' (ConvTranspose): more than 67108864 elements"},
    {"bad-broadcast", "", DSE_UNSUPPORTED, "node 'cat' (Concat): more than 67108864 elements"},
    {"bad-terminal", "", DSE_UNSUPPORTED, "node 'a?b' (?[31mErf)"},
    {"old-style", "other", DSE_UNSUPPORTED, "node 'odd one' (Softplus): this operator"},
    {"old-style", "", DSE_NOT_FOUND, "several outputs; name one of: y, other"},
    {"old-style", "z", DSE_NOT_FOUND, "no output 'z'; the model has: y, other"},
    {"missing", "", DSE_NOT_FOUND, "missing.onnx"},
};

static void each_bad_model_is_refused_with_its_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *refusal = &refusals[i];
        char path[512];
        struct dse_graph *graph = NULL;
        struct dse_err err = {0};
        (void)snprintf(path, sizeof path, "%s/onnx/%s.onnx", DSE_FIXTURES_DIR, refusal->file);
        const struct dse_graph_options options = {.outputs = &refusal->output, .n_outputs = 1};
        enum dse_status status = dse_graph_load_onnx(path, &options, &graph, &err);
        if (status != refusal->status || strstr(err.text, refusal->text) == NULL)
            fail_msg("%s: %s: '%s' where '%s' was expected", refusal->file, dse_status_name(status),
                     err.text, refusal->text);
        assert_non_null(strstr(err.text, refusal->file));
        assert_null(graph);
    }
}

/* ---- bytes ---- */

static enum dse_status read_bytes(const void *bytes, size_t size, struct dse_err *err) {
    struct dse_graph *graph = NULL;
    static const char *const output = "logits";
    const struct dse_graph_options logits_only = {.outputs = &output, .n_outputs = 1};
    *err = (struct dse_err){0};
    enum dse_status status = dse_graph_read_onnx(bytes, size, "m", &logits_only, &graph, err);
    dse_graph_free(graph);
    return status;
}

static void a_truncated_file_is_refused_at_every_length(void **state) {
    (void)state;
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(SAMPLE, 1 << 20, &bytes, &err), &err);
    size_t live = dse_alloc_live();
    for (size_t size = 0; size < bytes.size; size += size < 4000 ? 1 : 997) {
        /* Of exactly this size, so that a reader beyond it is noticed. */
        char *part = malloc(size == 0 ? 1 : size);
        assert_non_null(part);
        memcpy(part, bytes.data, size);
        enum dse_status status = read_bytes(part, size, &err);
        if (status != DSE_INVALID && status != DSE_UNSUPPORTED)
            fail_msg("%zu bytes: %s", size, dse_status_name(status));
        free(part);
    }
    assert_int_equal(dse_alloc_live(), live);
    assert_int_equal(read_bytes(bytes.data, bytes.size, &err), DSE_OK);
    dse_buf_fini(&bytes);
}

static void a_damaged_file_does_no_harm(void **state) {
    (void)state;
    struct dse_buf bytes = {0};
    struct dse_err err = {0};
    assert_ok(dse_file_read(DSE_FIXTURES_DIR "/onnx/shortcut.onnx", 1 << 20, &bytes, &err), &err);
    size_t live = dse_alloc_live(), refused = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        char kept = bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(kept ^ (1 << bit));
            struct dse_graph *graph = NULL;
            err = (struct dse_err){0};
            refused +=
                dse_graph_read_onnx(bytes.data, bytes.size, "m", NULL, &graph, &err) != DSE_OK;
            dse_graph_free(graph);
        }
        bytes.data[i] = kept;
    }
    assert_int_equal(dse_alloc_live(), live);
    assert_true(refused > bytes.size);
    dse_buf_fini(&bytes);
}

/* Model > graph > node > attribute > graph > node > attribute ...; each level written around the
 * one inside it. */
static size_t nest(uint8_t *out, size_t size, int levels) {
    static const uint8_t tags[] = {0x3a, 0x0a, 0x2a}; /* graph 7, then node 1, attribute 5 */
    size_t at = size, length = 0;
    for (int level = levels; level >= 0; level--) {
        uint8_t tag = level == 0       ? tags[0]
                      : level % 3 == 1 ? tags[1]
                      : level % 3 == 2 ? tags[2]
                                       : 0x32;
        uint8_t prefix[11];
        size_t n = 0;
        for (size_t rest = length; n == 0 || rest > 0; rest >>= 7)
            prefix[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        at -= n;
        memcpy(out + at, prefix, n);
        out[--at] = tag;
        length = size - at;
    }
    memmove(out, out + at, length);
    return length;
}

static void deep_nesting_is_refused(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    uint8_t *bytes = dse_alloc(SIZE, 1);
    struct dse_err err;
    assert_non_null(bytes);
    size_t size = nest(bytes, SIZE, 200000);
    assert_int_equal(read_bytes(bytes, size, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "nested more than 32 deep"));
    size = nest(bytes, SIZE, 12);
    assert_int_equal(read_bytes(bytes, size, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "operator set 0"));
    dse_free(bytes);
}

static void many_empty_parts_are_refused(void **state) {
    (void)state;
    enum { SIZE = 2 << 20 };
    uint8_t *bytes = dse_alloc(SIZE + 8, 1);
    struct dse_err err;
    assert_non_null(bytes);
    bytes[0] = 0x3a; /* graph, of SIZE bytes */
    bytes[1] = 0x80;
    bytes[2] = 0x80;
    bytes[3] = 0x80;
    bytes[4] = 0x01;
    for (size_t i = 0; i < SIZE; i += 2)
        bytes[5 + i] = 0x0a; /* node, empty */
    assert_int_equal(read_bytes(bytes, SIZE + 5, &err), DSE_UNSUPPORTED);
    assert_non_null(strstr(err.text, "too many small parts"));
    dse_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bad_model_is_refused_with_its_reason),
        cmocka_unit_test(a_truncated_file_is_refused_at_every_length),
        cmocka_unit_test(a_damaged_file_does_no_harm),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(many_empty_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
