/* workloads: content and context hashes. */
#include "tests/lib/testing.h"
#include "workloads/workloads.h"

static const char folder[] = DSE_SOURCE_DIR "/tests/unit/workloads";

static void parse_ok(const char *text, struct dse_arena *arena, struct dse_workload *workload) {
    static struct dse_workload_errors errors;
    struct dse_err err = {0};
    assert_ok(
        dse_workload_parse(text, strlen(text), "w.yaml", folder, arena, workload, &errors, &err),
        &err);
}

struct counted {
    int calls;
    const char *changed; /* a path whose content is another one */
};

/* Hashes the base name: the same content wherever the file lies. */
static enum dse_status hash_name(void *context, const char *path, char out[DSE_SHA256_HEX],
                                 struct dse_err *err) {
    struct counted *counted = context;
    const char *name = strrchr(path, '/') + 1;
    counted->calls++;
    if (counted->changed != NULL && strcmp(counted->changed, name) == 0)
        name = "changed";
    return dse_sha256_bytes(name, strlen(name), out, err);
}

struct hashes {
    char content[DSE_SHA256_HEX], context[DSE_SHA256_HEX];
};

static struct hashes hash_of(const char *text, const char *evaluator, struct counted *counted) {
    struct dse_arena arena = {0};
    struct dse_workload w;
    struct dse_err err = {0};
    struct hashes hashes;
    parse_ok(text, &arena, &w);
    assert_ok(dse_workload_hashes(&w, evaluator, hash_name, counted, hashes.content, hashes.context,
                                  &err),
              &err);
    dse_arena_fini(&arena);
    return hashes;
}

static const char reference_workload[] = "name: a sweep\n"
                                         "seed: 7\n"
                                         "model: {file: files/model.onnx}\n"
                                         "dataset:\n"
                                         "  format: idx\n"
                                         "  files: [files/images.idx, files/labels.idx]\n"
                                         "  mean: [0.5]\n"
                                         "calibration: {images: 64}\n"
                                         "corruptions: {names: [contrast], seed: 3}\n"
                                         "problem: {objectives: [accuracy_clean, size_bits]}\n"
                                         "exploration: {population: 8}\n"
                                         "execution: {group: 4}\n";

/* The reference with one part replaced. */
static const char *replaced(const char *part, const char *by, char *out, size_t size) {
    const char *found = strstr(reference_workload, part);
    assert_non_null(found);
    (void)snprintf(out, size, "%.*s%s%s", (int)(found - reference_workload), reference_workload, by,
                   found + strlen(part));
    return out;
}

static void hashes_count_what_decides_results(void **state) {
    (void)state;
    static const struct {
        const char *part, *by;
        bool content_changes, context_changes;
    } cases[] = {
        {"a sweep", "another name", false, false},
        {"group: 4", "group: 5", false, false},
        {"[0.5]", "[5e-1] # half", false, false},
        {"size_bits]}", "size_bits], bits_min: 2}", false, false}, /* the default */
        {"calibration: {images: 64}",
         "calibration: {images: 64, files: [files/images.idx, files/labels.idx]}", false, false},
        {"{images: 64}", "{images: 65}", true, true},
        {"seed: 7", "seed: 8", true, false},
        {"population: 8", "population: 10", true, false},
        {"size_bits]", "bit_operations]", true, false},
        {"size_bits]", "size_bits], bits_max: 7", true, false},
        {"size_bits]", "size_bits], weight_scales: tensor", true, true},
        {"size_bits]", "size_bits], constraints: [size_bits <= 9]", true, false},
        {"onnx}", "onnx, output: logits}", true, true},
        {"[0.5]", "[0.25]", true, true},
        {"mean: [0.5]", "mean: [0.5]\n  std: [0.5]", true, true},
        {"mean: [0.5]", "mean: [0.5]\n  first: 1", true, true},
        {"mean: [0.5]", "mean: [0.5]\n  images: 10", true, true},
        {"files/images.idx", "files/labels.idx", true, true},
        {"[contrast]", "[pixelate]", true, true},
        {"[contrast]", "[contrast], clean: true, severities: [1]", true, true},
        {"seed: 3", "seed: 4", true, true},
        {"seed: 3", "seed: 3, folder: files/corrupted", true, true},
        {"group: 4", "group: 4, batch: 32", true, true},
        {"group: 4", "group: 4, shard_images: 8", true, true},
    };
    struct counted counted = {0};
    struct hashes reference = hash_of(reference_workload, "v1", &counted);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2048];
        struct hashes got =
            hash_of(replaced(cases[i].part, cases[i].by, text, sizeof text), "v1", &counted);
        if ((strcmp(got.content, reference.content) != 0) != cases[i].content_changes ||
            (strcmp(got.context, reference.context) != 0) != cases[i].context_changes)
            fail_msg("%s -> %s", cases[i].part, cases[i].by);
    }
}

static void hashes_follow_contents_and_evaluator_not_paths(void **state) {
    (void)state;
    struct counted plain = {0}, other = {.changed = "model.onnx"};
    struct hashes reference = hash_of(reference_workload, "v1", &plain);
    assert_int_equal(plain.calls, 3); /* model, images, labels: each once for both hashes */
    struct hashes changed = hash_of(reference_workload, "v1", &other);
    assert_string_not_equal(reference.content, changed.content);
    assert_string_not_equal(reference.context, changed.context);
    struct hashes evaluator = hash_of(reference_workload, "v2", &plain);
    assert_string_equal(reference.content, evaluator.content);
    assert_string_not_equal(reference.context, evaluator.context);
    assert_string_not_equal(reference.content, reference.context);

    char text[2048];
    struct hashes moved = hash_of(
        replaced("files/model.onnx", "files/../files/model.onnx", text, sizeof text), "v1", &plain);
    assert_string_equal(reference.content, moved.content);
    assert_string_equal(reference.context, moved.context);
}

/* Not those of other corruptions, which may lie beside them. */
static void hashes_follow_the_corrupted_images_used(void **state) {
    (void)state;
    static const char *const files[] = {"contrast.npy", "labels.npy", "fog.npy", NULL};
    struct hashes hashes[4];
    char text[2048];
    (void)replaced("seed: 3", "folder: files/corrupted", text, sizeof text);
    for (int i = 0; i < 4; i++) {
        struct counted counted = {.changed = files[i]};
        hashes[i] = hash_of(text, "v1", &counted);
        assert_int_equal(counted.calls, 5);
    }
    assert_string_not_equal(hashes[0].context, hashes[3].context);
    assert_string_not_equal(hashes[1].context, hashes[3].context);
    assert_string_equal(hashes[2].context, hashes[3].context);
    assert_string_equal(hashes[2].content, hashes[3].content);
}

static void hashes_of_pictures_follow_folder_and_fit(void **state) {
    (void)state;
    static const char *const texts[] = {"files: [files]", "files: [files/corrupted]",
                                        "files: [files], resize: 8", "files: [files], crop: 8"};
    struct hashes hashes[4];
    for (int i = 0; i < 4; i++) {
        char text[512];
        struct counted counted = {0};
        (void)snprintf(text, sizeof text,
                       "name: a sweep\nmodel: {file: files/model.onnx}\n"
                       "dataset: {format: pictures, %s}\n",
                       texts[i]);
        hashes[i] = hash_of(text, "v1", &counted);
        assert_int_equal(counted.calls, 2);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hashes[i].context, hashes[k].context);
    }
}

static void hashes_do_not_depend_on_the_order_of_keys(void **state) {
    (void)state;
    static const char text[] = "# turned round\n"
                               "exploration: {population: 8}\n"
                               "execution: {group: 4}\n"
                               "problem: {objectives: [accuracy_clean, size_bits]}\n"
                               "corruptions: {seed: 3, names: [contrast]}\n"
                               "calibration: {images: 64}\n"
                               "dataset:\n"
                               "  mean: [0.50]\n"
                               "  files:\n"
                               "  - files/images.idx\n"
                               "  - files/labels.idx\n"
                               "  format: \"idx\"\n"
                               "model: {file: 'files/model.onnx'}\n"
                               "seed: 7\n"
                               "name: a sweep\n";
    struct counted counted = {0};
    struct hashes a = hash_of(reference_workload, "v1", &counted);
    struct hashes b = hash_of(text, "v1", &counted);
    assert_string_equal(a.content, b.content);
    assert_string_equal(a.context, b.context);
}

/* Recorded: a change of either makes the results in existing databases unreachable, so it must be
 * wanted, and the version in workload_hashes.c must grow with it. The texts that are hashed can be
 * written by hand from the description there; sha256sum gives these. */
static void hashes_stay_as_recorded(void **state) {
    (void)state;
    struct counted counted = {0};
    struct hashes hashes = hash_of(reference_workload, "v1", &counted);
    assert_string_equal(hashes.content,
                        "5afa47794ef5d3144c4b70d268c679ab506f7a4c27661255ed6a379e1fa70a3c");
    assert_string_equal(hashes.context,
                        "28c255d9261d05302cd57f8cdac5f63f0cc15b5b18d61a62c7a6b3d26b037708");
}

static enum dse_status fail_to_hash(void *context, const char *path, char out[DSE_SHA256_HEX],
                                    struct dse_err *err) {
    (void)context;
    (void)out;
    DSE_FAIL(err, DSE_NOT_FOUND, "%s: gone", path);
}

static void a_file_that_cannot_be_hashed_is_reported(void **state) {
    (void)state;
    struct dse_arena arena = {0};
    struct dse_workload w;
    struct dse_err err = {0};
    char content[DSE_SHA256_HEX] = "kept", context[DSE_SHA256_HEX] = "kept";
    size_t live_before = dse_alloc_live();
    parse_ok(reference_workload, &arena, &w);
    assert_int_equal(dse_workload_hashes(&w, "v1", fail_to_hash, NULL, content, context, &err),
                     DSE_NOT_FOUND);
    assert_non_null(strstr(err.text, "files/model.onnx: gone"));
    assert_string_equal(content, "kept");
    assert_string_equal(context, "kept");
    dse_arena_fini(&arena);
    assert_int_equal(dse_alloc_live(), live_before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_count_what_decides_results),
        cmocka_unit_test(hashes_follow_contents_and_evaluator_not_paths),
        cmocka_unit_test(hashes_follow_the_corrupted_images_used),
        cmocka_unit_test(hashes_of_pictures_follow_folder_and_fit),
        cmocka_unit_test(hashes_do_not_depend_on_the_order_of_keys),
        cmocka_unit_test(hashes_stay_as_recorded),
        cmocka_unit_test(a_file_that_cannot_be_hashed_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
