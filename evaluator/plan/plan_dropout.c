/* Dropout on the input of a layer: the images at work, masked, in a scratch of their own, so that
 * the input stays whole for the next pass. */
#include "evaluator/plan/plan_internal.h"

/* The mask of image `image` of the batch into plan->keep. */
static void make_mask(const struct dse_plan *plan, const struct plan__task *task, size_t image,
                      size_t n) {
    const struct dse_dropout dropout = {
        .seed = plan->mask_seed,
        .image = plan->first_image + (uint32_t)image,
        .site = (uint16_t)task->step->layer,
        .pass = (uint16_t)task->item->pass,
        .rate = plan__dropout_rate(task->item->candidate, task->step->layer),
    };
    dse_dropout_bits(&dropout, n, plan->keep);
}

const uint8_t *plan__drop_integers(const struct dse_plan *plan, const struct plan__task *task,
                                   const uint8_t *input, size_t first) {
    const struct plan__layer *layer = &plan->layers[task->step->layer];
    const struct dse_conv_shape *shape = &layer->shape;
    size_t elements = plan__layer_elements(layer), size = plan__layer_input_size(layer);
    int group = shape->ic / shape->groups;
    uint8_t *masked = plan->masked;
    if (plan__dropout_rate(task->item->candidate, task->step->layer) == 0)
        return input;
    for (size_t i = 0; i < (size_t)layer->at_once; i++) {
        make_mask(plan, task, first + i, elements);
        if (layer->splits)
            dse_dropout_split_u8(input + i * size, elements / (size_t)group, group, plan->keep,
                                 masked + i * size);
        else
            dse_dropout_u8(input + i * size, elements, plan->keep, masked + i * size);
    }
    return masked;
}

const float *plan__drop_floats(const struct dse_plan *plan, const struct plan__task *task,
                               const float *input, size_t first) {
    const struct plan__layer *layer = &plan->layers[task->step->layer];
    size_t elements = plan__layer_elements(layer);
    uint32_t rate = plan__dropout_rate(task->item->candidate, task->step->layer);
    float *masked = plan->masked, factor = dse_dropout_factor(rate);
    if (rate == 0)
        return input;
    for (size_t i = 0; i < (size_t)layer->at_once; i++) {
        make_mask(plan, task, first + i, elements);
        dse_dropout_f32(input + i * elements, elements, plan->keep, factor, masked + i * elements);
    }
    return masked;
}
