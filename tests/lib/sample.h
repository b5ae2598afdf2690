/* A small workload on made-up images, for tests of everything but accuracy: the shipped network on
 * random 28x28 images, written into a test's directory. */
#ifndef DSE_TESTS_SAMPLE_H
#define DSE_TESTS_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

/* Under a sanitizer the loops of the engine are some twenty times slower: a tenth of the images
 * keeps the pace of a sweep about the same. n is a multiple of 10. */
#ifdef DSE_SANITIZED
#define SAMPLE_IMAGES(n) ((n) / 10)
#else
#define SAMPLE_IMAGES(n) (n)
#endif

struct sample_options {
    int images, shard_images, population, generations, seed;
    bool joint; /* problem joint: three exits, dropout, bits; else quantization of the last exit */
};

/* Writes images.idx, labels.idx and w.yaml into dir; path gets the workload's path. */
void write_sample_workload(const char *dir, const struct sample_options *options, char *path,
                           size_t path_size);

#endif
