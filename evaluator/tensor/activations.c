/* Element-wise functions. */
#include "evaluator/tensor/tensor.h"

const char *dse_activation_text(enum dse_activation_kind kind) {
    static const char *const texts[] = {
#define X(name, text) text,
        DSE_ACTIVATION_TABLE(X)
#undef X
    };
    dse_assert((unsigned)kind < DSE_ACTIVATION_KINDS);
    return texts[kind];
}

bool dse_activation_signed(const struct dse_activation *activation, bool argument_signed) {
    switch (activation->kind) {
    case DSE_ACTIVATION_RELU:
    case DSE_ACTIVATION_HARD_SIGMOID:
    case DSE_ACTIVATION_SIGMOID:
        return false;
    case DSE_ACTIVATION_CLIP: /* the upper bound wins */
        return activation->beta < 0 || (argument_signed && activation->alpha < 0);
    case DSE_ACTIVATION_LEAKY_RELU:
    case DSE_ACTIVATION_ELU:
    case DSE_ACTIVATION_HARD_SWISH:
    case DSE_ACTIVATION_TANH:
    default:
        return argument_signed;
    }
}

static float clamp(float x, float low, float high) {
    x = x > low ? x : low;
    return x < high ? x : high;
}

/* e^x - 1 without losing the digits of small x: below 1/8 by the first terms of the series, whose
 * next term is under 2^-36 of the result. */
static double exp_minus_one(double x) {
    enum { TERMS = 9 };
    if (x < -0.125 || x > 0.125)
        return dse_math_exp(x) - 1.0;
    double sum = 1.0;
    for (int k = TERMS; k > 1; k--)
        sum = 1.0 + sum * x / (double)k;
    return sum * x;
}

static float sigmoid(float x) {
    return (float)(1.0 / (1.0 + dse_math_exp(-(double)x)));
}

/* tanh x = (e^2x - 1) / (e^2x + 1); beyond 20 it is 1 in float32. */
static float hyperbolic_tangent(float x) {
    double e = exp_minus_one(2.0 * (double)clamp(x, -20.0f, 20.0f));
    return (float)(e / (e + 2.0));
}

/* One loop a function, so that the compiler can make vectors of the simple ones. */
#define EACH(value)                      \
    do {                                 \
        for (size_t i = 0; i < n; i++) { \
            const float v = x[i];        \
            y[i] = (value);              \
        }                                \
    } while (0)

void dse_activate_f32(const struct dse_activation *activation, const float *x, size_t n, float *y) {
    const float alpha = activation->alpha, beta = activation->beta;
    switch (activation->kind) {
    case DSE_ACTIVATION_RELU:
        EACH(v > 0.0f ? v : 0.0f);
        break;
    case DSE_ACTIVATION_CLIP:
        EACH(clamp(v, alpha, beta));
        break;
    case DSE_ACTIVATION_LEAKY_RELU:
        EACH(v < 0.0f ? alpha * v : v);
        break;
    case DSE_ACTIVATION_HARD_SIGMOID:
        EACH(clamp(alpha * v + beta, 0.0f, 1.0f));
        break;
    case DSE_ACTIVATION_HARD_SWISH:
        EACH(v * clamp(v * (1.0f / 6.0f) + 0.5f, 0.0f, 1.0f));
        break;
    case DSE_ACTIVATION_SIGMOID:
        EACH(sigmoid(v));
        break;
    case DSE_ACTIVATION_TANH:
        EACH(hyperbolic_tangent(v));
        break;
    case DSE_ACTIVATION_ELU:
        EACH(v < 0.0f ? (float)((double)alpha * exp_minus_one((double)v)) : v);
        break;
    default:
        EACH(v);
    }
}

static float sigmoid_slope(float x) {
    double s = 1.0 / (1.0 + dse_math_exp(-(double)x));
    return (float)(s * (1.0 - s));
}

static float tangent_slope(float x) {
    double t = (double)hyperbolic_tangent(x);
    return (float)(1.0 - t * t);
}

/* Of x (x / 6 + 1/2) between -3 and 3. */
static float hard_swish_slope(float x) {
    return x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : x * (1.0f / 3.0f) + 0.5f;
}

void dse_activate_slopes(const struct dse_activation *activation, const float *x, size_t n,
                         float *y) {
    const float alpha = activation->alpha, beta = activation->beta;
    switch (activation->kind) {
    case DSE_ACTIVATION_RELU:
        EACH(v > 0.0f ? 1.0f : 0.0f);
        break;
    case DSE_ACTIVATION_CLIP:
        EACH(v > alpha && v < beta ? 1.0f : 0.0f);
        break;
    case DSE_ACTIVATION_LEAKY_RELU:
        EACH(v < 0.0f ? alpha : 1.0f);
        break;
    case DSE_ACTIVATION_HARD_SIGMOID:
        EACH(alpha * v + beta > 0.0f && alpha * v + beta < 1.0f ? alpha : 0.0f);
        break;
    case DSE_ACTIVATION_HARD_SWISH:
        EACH(hard_swish_slope(v));
        break;
    case DSE_ACTIVATION_SIGMOID:
        EACH(sigmoid_slope(v));
        break;
    case DSE_ACTIVATION_TANH:
        EACH(tangent_slope(v));
        break;
    case DSE_ACTIVATION_ELU:
        EACH(v < 0.0f ? (float)((double)alpha * dse_math_exp((double)v)) : 1.0f);
        break;
    default:
        for (size_t i = 0; i < n; i++)
            y[i] = 1.0f;
    }
}
