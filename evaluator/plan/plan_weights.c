/* Primitives and packed weights of layers: made on first use, and the weights not used for longest
 * given up when there are too many. */
#include "evaluator/plan/plan_internal.h"

#include <string.h>

/* ---- primitives ---- */

static bool same_shape(const struct dse_conv_shape *a, const struct dse_conv_shape *b) {
    return memcmp(a, b, sizeof *a) == 0; /* nothing but ints inside, so no padding */
}

/* Finds or makes the primitive; there is room for one a layer and type. */
static enum dse_status find_conv(struct dse_plan *plan, const struct dse_conv_shape *shape,
                                 enum dse_conv_type type, int images, int *index,
                                 struct dse_err *err) {
    for (int i = 0; i < plan->n_convs; i++) {
        const struct plan__conv *conv = &plan->convs[i];
        if (conv->type == type && conv->images == images && same_shape(&conv->shape, shape)) {
            *index = i;
            return DSE_OK;
        }
    }
    struct plan__conv made = {.shape = *shape, .type = type, .images = images};
    DSE_TRY(dse_conv_new(plan->kernels, shape, type, images, &made.conv, err));
    dse_assert(plan->n_convs < PLAN__TYPES * plan->graph->n_layers);
    plan->convs[plan->n_convs] = made;
    *index = plan->n_convs++;
    return DSE_OK;
}

static enum dse_status prepare_conv(struct dse_plan *plan, struct plan__layer *layer,
                                    enum dse_conv_type type, struct dse_err *err) {
    if (layer->convs[type] >= 0)
        return DSE_OK;
    struct dse_conv_shape shape = layer->shape;
    if (type == DSE_CONV_U8S8 && layer->splits)
        shape.ic *= 2;
    return find_conv(plan, &shape, type, layer->at_once, &layer->convs[type], err);
}

/* ---- weights ---- */

/* [oc][kh][kw][ic] to [oc][kh][kw][2 ic]: w for the positive half, -w for the negative one. */
static void split_weights(const int8_t *from, size_t pixels, size_t ic, int8_t *to) {
    for (size_t p = 0; p < pixels; p++, from += ic, to += 2 * ic)
        for (size_t i = 0; i < ic; i++) {
            to[i] = from[i];
            to[ic + i] = (int8_t)-from[i];
        }
}

static struct dse_layer_weights weights_of(const struct dse_plan *plan, int layer) {
    const struct dse_conv_shape *shape = &plan->layers[layer].shape;
    return (struct dse_layer_weights){
        .values = plan->graph->nodes[plan->graph->layers[layer]].conv.weights,
        .oc = (size_t)shape->oc,
        .per_channel = plan__weights_per_channel(shape),
        .share = plan->weight_scales,
    };
}

static enum dse_status pack_integers(struct dse_plan *plan, int index, int bits,
                                     struct plan__weights *made, struct dse_err *err) {
    const struct plan__layer *layer = &plan->layers[index];
    const struct dse_layer_weights weights = weights_of(plan, index);
    size_t oc = weights.oc, per_channel = weights.per_channel;
    size_t ic = (size_t)(layer->shape.ic / layer->shape.groups);
    enum dse_status status = DSE_NO_MEMORY;
    int8_t *integers = dse_alloc(oc * per_channel, 1);
    int8_t *split = layer->splits ? dse_alloc(oc * per_channel, 2) : NULL;
    made->scales = dse_alloc(oc, sizeof *made->scales);
    if (integers == NULL || made->scales == NULL || (layer->splits && split == NULL)) {
        status = dse_err_set(err, DSE_NO_MEMORY, "no memory for %zu weights", oc * per_channel);
        goto done;
    }
    dse_quantize_weights(&weights, bits, integers, made->scales);
    if (layer->splits)
        split_weights(integers, oc * per_channel / ic, ic, split);
    status = dse_conv_pack(plan->convs[layer->convs[DSE_CONV_U8S8]].conv,
                           layer->splits ? split : integers, &made->packed, err);
done:
    if (status != DSE_OK)
        dse_free(made->scales);
    dse_free(integers);
    dse_free(split);
    return status;
}

/* Weights in float32: as they are (0 bits), or on the grid of their integers. */
static enum dse_status pack_floats(struct dse_plan *plan, int index, int bits,
                                   struct plan__weights *made, struct dse_err *err) {
    const struct dse_layer_weights weights = weights_of(plan, index);
    struct dse_conv *conv = plan->convs[plan->layers[index].convs[DSE_CONV_F32]].conv;
    if (bits == 0)
        return dse_conv_pack(conv, weights.values, &made->packed, err);
    float *values = dse_alloc(weights.oc * weights.per_channel, sizeof *values);
    if (values == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu weights", weights.oc * weights.per_channel);
    dse_fake_quantize_weights(&weights, bits, values);
    enum dse_status status = dse_conv_pack(conv, values, &made->packed, err);
    dse_free(values);
    return status;
}

static size_t packed_bytes(const struct plan__layer *layer, enum dse_conv_type type) {
    size_t n = (size_t)layer->shape.oc * plan__weights_per_channel(&layer->shape);
    return type == DSE_CONV_F32 ? n * sizeof(float) : layer->splits ? 2 * n : n;
}

size_t plan__count_weights(struct dse_plan *plan, const struct dse_candidate *candidate) {
    size_t bytes = 0;
    for (int i = 0; i < candidate->n_layers; i++) {
        enum dse_conv_type type = plan__layer_type(candidate, i);
        struct plan__weights *weights = &plan->layers[i].weights[type][candidate->weight_bits[i]];
        if (weights->used != plan->uses)
            bytes += packed_bytes(&plan->layers[i], type);
        weights->used = plan->uses;
    }
    return bytes;
}

static void free_weights(struct plan__weights *weights) {
    dse_packed_free(weights->packed);
    dse_free(weights->scales);
    *weights = (struct plan__weights){0};
}

/* Frees the weights not used for longest; false: all that there are belong to this use. */
static bool free_oldest(struct dse_plan *plan) {
    struct plan__weights *oldest = NULL;
    size_t bytes = 0;
    for (int i = 0; i < plan->graph->n_layers; i++)
        for (int k = 0; k < PLAN__TYPES * (DSE_BITS_MOST + 1); k++) {
            enum dse_conv_type type = (enum dse_conv_type)(k / (DSE_BITS_MOST + 1));
            struct plan__weights *one = &plan->layers[i].weights[type][k % (DSE_BITS_MOST + 1)];
            if (one->packed == NULL || one->used == plan->uses ||
                (oldest != NULL && one->used >= oldest->used))
                continue;
            oldest = one;
            bytes = packed_bytes(&plan->layers[i], type);
        }
    if (oldest == NULL)
        return false;
    free_weights(oldest);
    plan->weights_bytes -= bytes;
    return true;
}

enum dse_status plan__layer_prepare(struct dse_plan *plan, const struct dse_candidate *candidate,
                                    int index, struct dse_err *err) {
    enum dse_conv_type type = plan__layer_type(candidate, index);
    int bits = candidate->weight_bits[index];
    struct plan__layer *layer = &plan->layers[index];
    struct plan__weights made = {.used = plan->uses};
    layer->weights[type][bits].used = plan->uses;
    if (layer->weights[type][bits].packed != NULL)
        return DSE_OK;
    size_t bytes = packed_bytes(layer, type);
    while (plan->weights_bytes + bytes > plan->weights_bytes_most && free_oldest(plan))
        ;
    DSE_TRY(prepare_conv(plan, layer, type, err));
    if (type == DSE_CONV_F32)
        DSE_TRY(pack_floats(plan, index, bits, &made, err));
    else
        DSE_TRY(pack_integers(plan, index, bits, &made, err));
    layer->weights[type][bits] = made;
    plan->weights_bytes += bytes;
    return DSE_OK;
}

/* ---- the end ---- */

void plan__layers_fini(struct dse_plan *plan) {
    for (int i = 0; plan->layers != NULL && i < plan->graph->n_layers; i++) {
        struct plan__weights *weights = plan->layers[i].weights[0];
        for (int k = 0; k < PLAN__TYPES * (DSE_BITS_MOST + 1); k++)
            free_weights(&weights[k]);
    }
    for (int i = 0; i < plan->n_convs; i++)
        dse_conv_free(plan->convs[i].conv);
}
