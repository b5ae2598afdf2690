#include "tests/lib/sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

static void write_file(const char *dir, const char *name, const struct dse_buf *text) {
    char path[512];
    struct dse_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    if (text->failed || dse_file_replace(path, text->data, text->size, &err) != DSE_OK) {
        (void)fprintf(stderr, "sample: %s\n", err.text);
        exit(1);
    }
}

static void put_u32(struct dse_buf *buf, uint32_t x) {
    unsigned char bytes[4] = {(unsigned char)(x >> 24), (unsigned char)(x >> 16),
                              (unsigned char)(x >> 8), (unsigned char)x};
    dse_buf_append(buf, bytes, 4);
}

static void write_idx(const char *dir, int n) {
    struct dse_buf images = {0}, labels = {0};
    struct dse_rng rng;
    dse_rng_init(&rng, 5, DSE_RNG_TEST, 0, 0);
    put_u32(&images, 0x00000803);
    put_u32(&images, (uint32_t)n);
    put_u32(&images, 28);
    put_u32(&images, 28);
    put_u32(&labels, 0x00000801);
    put_u32(&labels, (uint32_t)n);
    for (int i = 0; i < n * 28 * 28; i++) {
        unsigned char pixel = (unsigned char)dse_rng_below(&rng, 256);
        dse_buf_append(&images, &pixel, 1);
    }
    for (int i = 0; i < n; i++) {
        unsigned char label = (unsigned char)dse_rng_below(&rng, 10);
        dse_buf_append(&labels, &label, 1);
    }
    write_file(dir, "images.idx", &images);
    write_file(dir, "labels.idx", &labels);
    dse_buf_fini(&images);
    dse_buf_fini(&labels);
}

void write_sample_workload(const char *dir, const struct sample_options *options, char *path,
                           size_t path_size) {
    struct dse_buf text = {0};
    write_idx(dir, options->images);
    dse_buf_printf(
        &text,
        "name: sample\n"
        "seed: %d\n"
        "model: {file: %s/workloads/models/resnet8-3exits-fashion.onnx, output: logits%s}\n"
        "dataset: {format: idx, files: [images.idx, labels.idx], mean: [0.286],\n"
        "          std: [0.353], images: %d}\n"
        "calibration: {images: 4}\n"
        "corruptions: {names: [gaussian_noise, pixelate], severities: [1, 5]}\n"
        "exploration: {population: %d, generations: %d}\n"
        "execution: {shard_images: %d, group: 3}\n",
        options->seed, DSE_SOURCE_DIR, options->joint ? ", exits: [exit0, exit1]" : "",
        options->images, options->population, options->generations, options->shard_images);
    if (options->joint)
        dse_buf_puts(
            &text, "problem: {type: joint, thresholds: exact, threshold_grid: 8, passes_max: 3,\n"
                   "          objectives: [accuracy_clean, accuracy_corrupted, bit_operations]}\n");
    write_file(dir, "w.yaml", &text);
    (void)snprintf(path, path_size, "%s/w.yaml", dir);
    dse_buf_fini(&text);
}
