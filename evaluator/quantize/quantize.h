/* quantize: from float32 to integers of few bits. DESIGN.md, "Integer semantics": symmetric, zero
 * point 0, narrow range; with b bits M = 2^(b-1) - 1, q = clamp(round half even(x / s), -M, M),
 * s = amax / M. Weights per output channel or per tensor, activations per tensor. */
#ifndef DSE_EVALUATOR_QUANTIZE_H
#define DSE_EVALUATOR_QUANTIZE_H

#include "base/base.h"

enum { DSE_BITS_LEAST = 2, DSE_BITS_MOST = 16, DSE_BITS_OF_INTEGERS = 8 };

/* Largest integer of b bits, DSE_BITS_LEAST <= b <= DSE_BITS_MOST. */
int dse_quantize_max(int bits);

/* What shares a scale among the weights of a layer. */
enum dse_weight_scales { DSE_SCALE_A_CHANNEL, DSE_SCALE_A_TENSOR };
/* By name: channel, tensor; false when unknown. */
bool dse_weight_scales_find(const char *name, enum dse_weight_scales *scales);

/* Weights of a layer, [oc][per_channel]. Borrowed. */
struct dse_layer_weights {
    const float *values;
    size_t oc, per_channel;
    enum dse_weight_scales share;
};

/* To integers of at most 8 bits, and the scale of each channel (amax / M, of the channel or of the
 * tensor; 0 where all is zero, whose integers are 0). The quotient x / s is a float32 division. */
void dse_quantize_weights(const struct dse_layer_weights *weights, int bits, int8_t *q,
                          float *scales);
/* To float32 values q * s, each product rounded to float32, of any bits. out: [oc][per_channel]. */
void dse_fake_quantize_weights(const struct dse_layer_weights *weights, int bits, float *out);

/* Scale of an activation: amax / M in float32; 0 when amax is 0. Kernels multiply by its float32
 * inverse. */
float dse_quantize_scale(double amax, int bits);

/* Histogram of magnitudes (pytorch-quantization, HistogramCalibrator): 2,048 bins from 0 to the
 * first batch's maximum; later larger values extend it with the same bin width. */
struct dse_histogram {
    uint64_t *counts;
    int n_bins;
    double width; /* of a bin; 0 before the first value above 0 */
    uint64_t total;
    float largest; /* magnitude */
};
/* {0} is empty. A batch is what one call brings. */
DSE_MUST_USE enum dse_status dse_histogram_add(struct dse_histogram *histogram, const float *x,
                                               size_t n, struct dse_err *err);
void dse_histogram_fini(struct dse_histogram *histogram);
/* Left edge of the first bin at which the cumulative share reaches percentile / 100 (bin 0 gives
 * one bin width, so that no scale is 0); 0 for an empty histogram. */
double dse_histogram_percentile(const struct dse_histogram *histogram, double percentile);

/* How a largest magnitude is found: X(name, text, help). */
#define DSE_CALIBRATION_METHODS(X)                                                             \
    X(MAX, "max", "the largest magnitude met")                                                 \
    X(PERCENTILE, "percentile", "the left edge of the bin that a share of all values reaches") \
    X(MSE, "mse", "least squared error of 8-bit values")                                       \
    X(ENTROPY, "entropy", "least Kullback-Leibler divergence of 8-bit values")
enum dse_calibration_method {
#define X(name, text, help) DSE_CALIBRATION_##name,
    DSE_CALIBRATION_METHODS(X)
#undef X
};
struct dse_calibration_rule {
    enum dse_calibration_method method;
    double percentile; /* of PERCENTILE */
};
/* By text; false when unknown. */
bool dse_calibration_method_find(const char *text, enum dse_calibration_method *method);
const char *dse_calibration_method_text(enum dse_calibration_method method);
/* The largest magnitude by a rule; 0 for a histogram without values above 0. mse: the centre of the
 * bin, from bin 128 on, that serves 8-bit values best (the first of equal ones); entropy: the edge
 * of it, after bin 0 is made as large as bin 1 (the last of equal ones). */
DSE_MUST_USE enum dse_status dse_histogram_amax(const struct dse_histogram *histogram,
                                                const struct dse_calibration_rule *rule,
                                                double *amax, struct dse_err *err);

/* What is kept of a calibration. Texts of a loaded one lie in its arena. */
struct dse_calibration {
    const char *model; /* SHA-256 of the model's file */
    const char *data;  /* what it was calibrated on, for people */
    struct dse_calibration_rule rule;
    int n_layers;
    const double *amax;       /* [n_layers] */
    const char *const *names; /* [n_layers], of the layers */
};
/* As text, appended: equal calibrations are equal bytes. */
DSE_MUST_USE enum dse_status dse_calibration_write(const struct dse_calibration *calibration,
                                                   struct dse_buf *out, struct dse_err *err);
DSE_MUST_USE enum dse_status dse_calibration_load(const char *path, struct dse_arena *arena,
                                                  struct dse_calibration *calibration,
                                                  struct dse_err *err);
/* CONFLICT unless it was made for that model file (SHA-256) and has these layers. */
DSE_MUST_USE enum dse_status dse_calibration_check(const struct dse_calibration *calibration,
                                                   const char *path, const char *model,
                                                   const char *const *names, int n_layers,
                                                   struct dse_err *err);

#endif
