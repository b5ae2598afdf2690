/* Float32 convolutions with gradients, as callers see them. */
#include "evaluator/kernels/kernels.h"

#include "evaluator/kernels/kernels_internal.h"

struct dse_conv_grad {
    const struct kernels__grad_ops *ops;
    void *state;
};

/* Fastest first; the last one takes everything. */
static const struct kernels__grad_ops *const implementations[] = {
    &kernels__vector_grad_ops,
#ifdef DSE_HAVE_ONEDNN
    &kernels__onednn_grad_ops,
#endif
    &kernels__reference_grad_ops,
};
enum { IMPLEMENTATIONS = sizeof implementations / sizeof implementations[0] };

enum dse_status dse_conv_grad_new(struct dse_kernels *kernels, const struct dse_conv_shape *shape,
                                  int images, struct dse_conv_grad **grad, struct dse_err *err) {
    struct dse_conv_grad *g = dse_alloc(1, sizeof *g);
    if (g == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a gradient");
    enum dse_status status = DSE_UNSUPPORTED;
    for (int i = 0; i < IMPLEMENTATIONS && status == DSE_UNSUPPORTED; i++) {
        g->ops = implementations[i];
        if (kernels__in_use(kernels, g->ops->name))
            status = g->ops->grad_new(shape, images, &g->state, NULL);
    }
    if (status != DSE_OK) {
        dse_free(g);
        DSE_FAIL(err, status, "a gradient: %s", dse_status_text(status));
    }
    *grad = g;
    return DSE_OK;
}

void dse_conv_grad_free(struct dse_conv_grad *grad) {
    if (grad == NULL)
        return;
    grad->ops->grad_free(grad->state);
    dse_free(grad);
}

const char *dse_conv_grad_implementation(const struct dse_conv_grad *grad) {
    return grad->ops->name;
}

enum dse_status dse_conv_grad_load(struct dse_conv_grad *grad, const float *weights,
                                   struct dse_err *err) {
    return grad->ops->load(grad->state, weights, err);
}

enum dse_status dse_conv_grad_forward(struct dse_conv_grad *grad, const float *src, float *dst,
                                      struct dse_err *err) {
    return grad->ops->forward(grad->state, src, dst, err);
}

enum dse_status dse_conv_grad_input(struct dse_conv_grad *grad, const float *diff_dst,
                                    float *diff_src, struct dse_err *err) {
    return grad->ops->input(grad->state, diff_dst, diff_src, err);
}

enum dse_status dse_conv_grad_weights(struct dse_conv_grad *grad, const float *src,
                                      const float *diff_dst, struct dse_err *err) {
    return grad->ops->weights(grad->state, src, diff_dst, err);
}

enum dse_status dse_conv_grad_take(struct dse_conv_grad *grad, float *diff_weights,
                                   struct dse_err *err) {
    return grad->ops->take(grad->state, diff_weights, err);
}
