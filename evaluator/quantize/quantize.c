/* Weights and scales. */
#include "evaluator/quantize/quantize.h"

#include <math.h>
#include <string.h>

int dse_quantize_max(int bits) {
    dse_assert(bits >= DSE_BITS_LEAST && bits <= DSE_BITS_MOST);
    return (1 << (bits - 1)) - 1;
}

float dse_quantize_scale(double amax, int bits) {
    return (float)amax / (float)dse_quantize_max(bits);
}

static float largest_magnitude(const float *x, size_t n) {
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) > largest)
            largest = fabsf(x[i]);
    return largest;
}

/* Round half even by addition: see evaluator/kernels/elementwise.c. The value is below 2^15. */
static float round_small(float x) {
    const float rounder = 12582912.0f; /* 1.5 x 2^23 */
    return (x + rounder) - rounder;
}

bool dse_weight_scales_find(const char *name, enum dse_weight_scales *scales) {
    if (strcmp(name, "channel") != 0 && strcmp(name, "tensor") != 0)
        return false;
    *scales = strcmp(name, "channel") == 0 ? DSE_SCALE_A_CHANNEL : DSE_SCALE_A_TENSOR;
    return true;
}

static float scale_of_channel(const struct dse_layer_weights *weights, size_t channel, int bits) {
    size_t n = weights->per_channel;
    const float *from = weights->values + channel * n;
    if (weights->share == DSE_SCALE_A_TENSOR) {
        from = weights->values;
        n *= weights->oc;
    }
    return largest_magnitude(from, n) / (float)dse_quantize_max(bits);
}

/* The integer nearest to the quotient; scale is above 0. */
static float nearest_integer(float weight, float scale, float top) {
    float x = weight / scale;
    x = x > -top ? x : -top;
    x = x < top ? x : top;
    return round_small(x);
}

void dse_quantize_weights(const struct dse_layer_weights *weights, int bits, int8_t *q,
                          float *scales) {
    dse_assert(bits <= DSE_BITS_OF_INTEGERS);
    float top = (float)dse_quantize_max(bits);
    const float *from = weights->values;
    size_t n = weights->per_channel;
    for (size_t channel = 0; channel < weights->oc; channel++, from += n, q += n) {
        bool shared = weights->share == DSE_SCALE_A_TENSOR && channel > 0;
        scales[channel] = shared ? scales[0] : scale_of_channel(weights, channel, bits);
        for (size_t i = 0; i < n; i++)
            q[i] =
                (int8_t)(scales[channel] == 0 ? 0 : nearest_integer(from[i], scales[channel], top));
    }
}

void dse_fake_quantize_weights(const struct dse_layer_weights *weights, int bits, float *out) {
    float top = (float)dse_quantize_max(bits), scale = 0;
    const float *from = weights->values;
    size_t n = weights->per_channel;
    for (size_t channel = 0; channel < weights->oc; channel++, from += n, out += n) {
        if (weights->share == DSE_SCALE_A_CHANNEL || channel == 0)
            scale = scale_of_channel(weights, channel, bits);
        for (size_t i = 0; i < n; i++)
            out[i] = scale == 0 ? 0 : nearest_integer(from[i], scale, top) * scale;
    }
}
