/* Our own convolutions, inside: what the code of one instruction set offers (vector_*.c,
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
    KERNELS__TILES = 8,              /* tiles of one step */
    KERNELS__TAPS = 9,               /* weights of a 3x3 kernel */
    KERNELS__POINTS_SCALE = 24 * 24, /* of weights in points, where G is taken 24 times */
};

/* Where sums go: as they are where there is `sums` or `values`, else finished. Arrays begin at the
 * first pixel and channel of a call.
 */
struct kernels__sink {
    int32_t *sums; /* of integers */
    float *values; /* of float32 */
    struct dse_conv_finish finish;
    bool is_plain; /* can scales be divided by 64 exactly? */
    size_t oc;     /* values of a pixel */
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
};

/* Plain C, for channels that fill no block: those of sums [pixels][KERNELS__BLOCK] that exist. */
void kernels__finish_some(const struct kernels__sink *sink, const int32_t *sums, int pixels,
                          size_t pixel, size_t channel);

/* One image with zeros around it, rows aligned, channels in whole quads (integers; float32 has no
 * others). */
struct kernels__image {
    struct dse_conv_shape shape;
    size_t value_bytes, channels, row_bytes, first_bytes;
    int height;
    unsigned char *bytes;
};
/* For windows of oh x ow outputs. Owns nothing until kernels__image_init. */
void kernels__image_describe(struct kernels__image *image, const struct dse_conv_shape *shape,
                             int oh, int ow, size_t value_bytes);
/* bytes_behind: more that may be read behind the last row. */
DSE_MUST_USE enum dse_status kernels__image_init(struct kernels__image *image, size_t bytes_behind,
                                                 struct dse_err *err);
void kernels__image_fini(struct kernels__image *image);
/* One image, [ih][iw][ic]. */
void kernels__image_take(const struct kernels__image *image, const void *src);
const void *kernels__image_row(const struct kernels__image *image, int y);

/* Products of some tiles and one or two blocks of channels. */
struct kernels__products {
    void *values; /* int32 or float32, [point][KERNELS__TILES][blocks][16] */
    int tiles, blocks;
    bool added;     /* has the transform back begun, with sums and differences of rows? */
    size_t channel; /* the first block's first */
    struct kernels__square squares[KERNELS__TILES];
};

/* One step of Winograd's algorithm: the points of KERNELS__TILES tiles times the weights of one or
 * two blocks, block_values apart. */
struct kernels__winograd_job {
    const void *points, *weights;
    size_t block_values;
    int channels;
    struct kernels__products *products;
};

/* Winograd's loops, for integers (bytes in, s16 points, int32 products) or float32. */
struct kernels__winograd_code {
    int channels; /* of the input go in multiples of this */
    int half;     /* so many go a block at a time, and products are `added`; 0: never */
    /* One half of the transform: from 6 rows to [column][6][channels]; columns come in pairs, the
     * last with one of zeros. */
    void (*transform_columns)(const void *const rows[KERNELS__SPAN], int columns, int channels,
                              void *out);
    /* The other half: from columns to the points of n neighbours of KERNELS__TILES tiles. */
    void (*transform_tiles)(const void *columns, int channels, int tile, int n, void *points);
    void (*multiply)(const struct kernels__winograd_job *job);
    /* From products to sums. */
    void (*transform_back)(const struct kernels__products *products,
                           const struct kernels__sink *sink);
};

/* Tiles whose gradients of weights are summed. Points are [group][point][KERNELS__TILES][channels],
 * a group of so many tiles after the other. */
struct kernels__correlation {
    const float *input, *result; /* points of the two */
    int ic, oc;                  /* multiples of KERNELS__BLOCK */
    int tiles;
};

/* The code of one instruction set. */
struct kernels__vector_code {
    const char *name;
    bool (*is_present)(void);
    int most_blocks; /* that `direct` takes */
    /* Outputs that `direct` computes, and whose inputs it may read, in one call. */
    int (*pixels_at_once)(const struct kernels__direct *direct, int blocks);
    /* `pixels` outputs of a row, numbered from `pixel` on; 1, 2 or 4 blocks of channels, at most
     * most_blocks. weights: of the first of them. */
    void (*direct)(const struct kernels__direct *direct, const uint8_t *src, const int8_t *weights,
                   size_t pixel, int pixels, int block, int blocks);
    struct kernels__winograd_code integers, floats;
    /* The gradient of a tile of results, rows row_floats apart, to
     * [point][KERNELS__TILES][channels], one of the tiles. */
    void (*transform_result)(const float *src, size_t row_floats, int channels, float *out);
    /* sums [point][oc][ic] += result by input, over the tiles */
    void (*correlate)(const struct kernels__correlation *what, float *sums);
};

/* vector.c: the code for this processor, or the one that the environment names. */
DSE_MUST_USE enum dse_status kernels__vector_choose(const struct kernels__vector_code **code,
                                                    struct dse_err *err);

/* vector_winograd.c */
struct kernels__winograd;
bool kernels__winograd_takes(const struct dse_conv_shape *shape, enum dse_conv_type type,
                             const struct kernels__vector_code *code);
DSE_MUST_USE enum dse_status kernels__winograd_new(const struct dse_conv_shape *shape,
                                                   enum dse_conv_type type, int images,
                                                   const struct kernels__vector_code *code,
                                                   struct kernels__winograd **winograd,
                                                   struct dse_err *err);
void kernels__winograd_free(struct kernels__winograd *winograd);
/* Channels of the result. */
size_t kernels__winograd_outputs(const struct kernels__winograd *winograd);
/* Weights of a 3x3 kernel for one output and 16 inputs, and their points. */
typedef double kernels__taps[KERNELS__TAPS][KERNELS__BLOCK];
typedef double kernels__weight_points[KERNELS__POINTS][KERNELS__BLOCK];
/* G g G', with the rows of G taken 24 times, that of infinity `last` times; exact for weights that
 * are integers or float32. */
void kernels__winograd_points(const kernels__taps *taps, double last, kernels__weight_points *out);
/* Packed weights, freed with dse_free; NULL: no memory. */
void *kernels__winograd_pack(const struct kernels__winograd *winograd, const void *weights);
void kernels__winograd_run(struct kernels__winograd *winograd, const void *packed, const void *src,
                           const struct kernels__sink *sink);

#ifdef __x86_64__
/* Vector neural network instructions without AVX-512. */
bool kernels__has_avx_vnni(void);
extern const struct kernels__vector_code kernels__avx512_vnni, kernels__avx512, kernels__avx2_vnni,
    kernels__avx2;
#endif

#endif
