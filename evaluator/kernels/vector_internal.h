/* Our own integer convolutions, inside: what the code of one instruction set offers (vector_*.c,
 * all made from vector_code.h), and what vector.c gives it. */
#ifndef DSE_EVALUATOR_KERNELS_VECTOR_INTERNAL_H
#define DSE_EVALUATOR_KERNELS_VECTOR_INTERNAL_H

#include "evaluator/kernels/kernels_internal.h"

enum {
    KERNELS__BLOCK = 16,      /* output channels that are packed together */
    KERNELS__QUAD = 4,        /* input channels of one step of a sum of bytes */
    KERNELS__MAX_PIXELS = 24, /* vectors of sums of one step, at most */
    /* Winograd's F(4x4, 3x3): a tile of 4x4 outputs reads 6x6 inputs. */
    KERNELS__TILE = 4,
    KERNELS__SPAN = 6,
    KERNELS__POINTS = KERNELS__SPAN * KERNELS__SPAN,
    KERNELS__TILES = 8, /* tiles of one step */
};

/* Where sums go: as they are, or finished. Arrays begin at the first pixel and channel of a call.
 */
struct kernels__sink {
    int32_t *sums; /* NULL: finish */
    struct dse_conv_finish finish;
    size_t oc; /* values of a pixel */
};

/* Neighbouring outputs of a row. Weights are [block][kernel_h][kernel_w][quad][16][4]. */
struct kernels__direct {
    int kernel_h, kernel_w, quads;
    size_t row_bytes, column_bytes; /* to the next row and column of the kernel */
    size_t pixel_bytes;             /* to the next output pixel's window */
    size_t row_weights, column_weights, block_bytes;
    int slides; /* the stride, for three neighbouring columns that move by 1 or 2; else 0 */
    const struct kernels__sink *sink;
};

/* Where a tile of outputs goes, as far as it exists. */
struct kernels__square {
    size_t pixel;      /* number of its first output */
    size_t row_pixels; /* to the row below */
    int rows, columns; /* 1..KERNELS__TILE */
    size_t channel;
};

/* Plain C, for channels that fill no block: those of sums [pixels][KERNELS__BLOCK] that exist. */
void kernels__finish_some(const struct kernels__sink *sink, const int32_t *sums, int pixels,
                          size_t pixel, size_t channel);

/* The code of one instruction set. */
struct kernels__vector_code {
    const char *name;
    bool (*is_present)(void);
    int words;       /* input channels that Winograd's transform takes at a time */
    int most_blocks; /* that `direct` takes */
    /* Outputs that `direct` computes, and whose inputs it may read, in one call. */
    int (*pixels_at_once)(const struct kernels__direct *direct, int blocks);
    /* `pixels` outputs of a row, numbered from `pixel` on; 1, 2 or 4 blocks of channels, at most
     * most_blocks. weights: of the first of them. */
    void (*direct)(const struct kernels__direct *direct, const uint8_t *src, const int8_t *weights,
                   size_t pixel, int pixels, int block, int blocks);
    /* Winograd, one half of the transform: from 6 rows of bytes to [column][6][channels]. */
    void (*transform_columns)(const uint8_t *src, size_t row_bytes, int columns, int channels,
                              int16_t *out);
    /* The other half: from 6 columns to [point][KERNELS__TILES][channels], one of the tiles. */
    void (*transform_tile)(const int16_t *columns, int channels, int16_t *out);
    /* Of KERNELS__TILES tiles: points times weights [block][point][channels / 2][16][2], blocks
     * (1 or 2) at block_values, to [point][tile][blocks][16]. */
    void (*multiply)(const int16_t *points, const int16_t *weights, size_t block_values,
                     int channels, int blocks, int32_t *products);
    /* One tile's and block's products, `stride` values from point to point, to its sums. */
    void (*transform_back)(const int32_t *products, size_t stride, const struct kernels__sink *sink,
                           const struct kernels__square *square);
};

#ifdef __x86_64__
/* Vector neural network instructions without AVX-512. */
bool kernels__has_avx_vnni(void);
extern const struct kernels__vector_code kernels__avx512_vnni, kernels__avx512, kernels__avx2_vnni,
    kernels__avx2;
#endif

#endif
