/* Weights and scales. */
#include "evaluator/quantize/quantize.h"

#include <math.h>
#include <string.h>

int dse_quantize_max(int bits) {
    dse_assert(bits >= 2 && bits <= 8);
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

/* Round half even by addition: see evaluator/kernels/elementwise.c. The value is within +-127. */
static int8_t round_small(float x) {
    const float rounder = 12582912.0f; /* 1.5 x 2^23 */
    return (int8_t)((x + rounder) - rounder);
}

void dse_quantize_weights(const float *weights, int oc, size_t per_channel, int bits, int8_t *q,
                          float *scales) {
    float top = (float)dse_quantize_max(bits);
    for (int channel = 0; channel < oc; channel++, weights += per_channel, q += per_channel) {
        float scale = largest_magnitude(weights, per_channel) / top;
        scales[channel] = scale;
        if (scale == 0) {
            memset(q, 0, per_channel);
            continue;
        }
        for (size_t i = 0; i < per_channel; i++) {
            float x = weights[i] / scale;
            x = x > -top ? x : -top;
            x = x < top ? x : top;
            q[i] = round_small(x);
        }
    }
}
