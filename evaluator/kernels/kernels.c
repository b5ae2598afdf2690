/* The choice among implementations, and convolutions as callers see them. */
#include "evaluator/kernels/kernels.h"

#include <stdio.h>
#include <string.h>

#include "evaluator/kernels/kernels_internal.h"

enum { MAX_IMPLEMENTATIONS = 4 };

struct dse_kernels {
    /* In the order in which they are asked to take a shape; the last one is the reference. */
    const struct kernels__ops *chain[MAX_IMPLEMENTATIONS];
    int n;
    char description[256];
};

struct dse_conv {
    const struct kernels__ops *ops;
    void *state;
    enum dse_conv_type type;
    size_t pixels; /* of all images' outputs */
    int oc;
};

struct dse_packed {
    const struct kernels__ops *ops;
    void *state;
};

/* Fastest first. NULL: not built in. */
static const struct {
    enum dse_kernel_choice choice;
    const char *name;
    const struct kernels__ops *ops;
} implementations[MAX_IMPLEMENTATIONS] = {
    {DSE_KERNELS_VECTOR, "vector", &kernels__vector_ops},
#ifdef DSE_HAVE_ONEDNN
    {DSE_KERNELS_ONEDNN, "onednn", &kernels__onednn_ops},
#else
    {DSE_KERNELS_ONEDNN, "onednn", NULL},
#endif
#ifdef DSE_HAVE_OPENBLAS
    {DSE_KERNELS_OPENBLAS, "openblas", &kernels__openblas_ops},
#else
    {DSE_KERNELS_OPENBLAS, "openblas", NULL},
#endif
    {DSE_KERNELS_REFERENCE, "c", &kernels__reference_ops},
};

bool dse_kernel_choice_find(const char *name, enum dse_kernel_choice *choice) {
    if (strcmp(name, "auto") == 0) {
        *choice = DSE_KERNELS_AUTO;
        return true;
    }
    for (int i = 0; i < MAX_IMPLEMENTATIONS; i++)
        if (strcmp(name, implementations[i].name) == 0) {
            *choice = implementations[i].choice;
            return true;
        }
    return false;
}

/* Appends, as far as there is room. */
static void describe(struct dse_kernels *kernels, const char *separator, const char *text) {
    size_t used = strlen(kernels->description);
    (void)snprintf(kernels->description + used, sizeof kernels->description - used, "%s%s",
                   separator, text);
}

/* Puts an implementation at the end of the chain, after its self-check. */
static enum dse_status take_implementation(struct dse_kernels *kernels,
                                           const struct kernels__ops *ops, struct dse_err *err) {
    char description[sizeof kernels->description];
    DSE_TRY(ops->open(description, sizeof description, err));
    if (ops != &kernels__reference_ops)
        DSE_TRY(kernels__self_check(ops, err));
    describe(kernels, kernels->n == 0 ? "" : ", ", description);
    kernels->chain[kernels->n++] = ops;
    return DSE_OK;
}

static enum dse_status take_named(struct dse_kernels *kernels, enum dse_kernel_choice choice,
                                  struct dse_err *err) {
    for (int i = 0; i < MAX_IMPLEMENTATIONS; i++) {
        if (implementations[i].choice != choice)
            continue;
        if (implementations[i].ops == NULL)
            DSE_FAIL(err, DSE_UNSUPPORTED,
                     "kernels '%s' are not built into this program; use auto or c",
                     implementations[i].name);
        return take_implementation(kernels, implementations[i].ops, err);
    }
    dse_assert(false); /* a choice outside of the table */
    return DSE_INTERNAL;
}

/* Is it left out unless it is asked for? oneDNN has code for matrix units, our own kernels not. */
static bool is_skipped(enum dse_kernel_choice choice, enum dse_kernel_choice one) {
#ifdef DSE_HAVE_ONEDNN
    return choice == DSE_KERNELS_AUTO && one == DSE_KERNELS_VECTOR && kernels__has_amx();
#else
    (void)choice;
    (void)one;
    return false;
#endif
}

/* Everything from the choice downwards, so that a shape that one declines goes to the next. */
static enum dse_status build_chain(struct dse_kernels *kernels, enum dse_kernel_choice choice,
                                   struct dse_err *err) {
    bool begun = choice == DSE_KERNELS_AUTO;
    for (int i = 0; i < MAX_IMPLEMENTATIONS; i++) {
        enum dse_kernel_choice one = implementations[i].choice;
        if (one == choice) {
            begun = true;
            DSE_TRY(take_named(kernels, one, err));
        } else if (begun && implementations[i].ops != NULL && !is_skipped(choice, one)) {
            struct dse_err why = {0};
            enum dse_status status = take_named(kernels, one, &why);
            if (status == DSE_UNSUPPORTED) {
                describe(kernels, kernels->n == 0 ? "without " : ", without ",
                         implementations[i].name);
                describe(kernels, ": ", why.text);
            } else if (status != DSE_OK) {
                DSE_FAIL(err, status, "kernels '%s': %s", implementations[i].name, why.text);
            }
        }
    }
    return DSE_OK;
}

enum dse_status dse_kernels_new(enum dse_kernel_choice choice, struct dse_kernels **kernels,
                                struct dse_err *err) {
    struct dse_kernels *k = dse_alloc(1, sizeof *k);
    if (k == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for kernels");
    enum dse_status status = build_chain(k, choice, err);
    if (status != DSE_OK) {
        dse_free(k);
        return status;
    }
    dse_assert(k->n > 0);
    *kernels = k;
    return DSE_OK;
}

void dse_kernels_free(struct dse_kernels *kernels) {
    dse_free(kernels);
}

const char *dse_kernels_describe(const struct dse_kernels *kernels) {
    return kernels->description;
}

bool kernels__in_use(const struct dse_kernels *kernels, const char *name) {
    for (int i = 0; i < kernels->n; i++)
        if (strcmp(kernels->chain[i]->name, name) == 0)
            return true;
    return false;
}

/* ---- convolutions ---- */

static bool shape_is_sound(const struct dse_conv_shape *s) {
    return s->ic > 0 && s->ih > 0 && s->iw > 0 && s->oc > 0 && s->oh > 0 && s->ow > 0 &&
           s->kernel_h > 0 && s->kernel_w > 0 && s->stride_h > 0 && s->stride_w > 0 &&
           s->dilation_h > 0 && s->dilation_w > 0 && s->groups > 0 && s->pad_top >= 0 &&
           s->pad_left >= 0 && s->ic % s->groups == 0 && s->oc % s->groups == 0;
}

enum dse_status dse_conv_new(struct dse_kernels *kernels, const struct dse_conv_shape *shape,
                             enum dse_conv_type type, int images, struct dse_conv **conv,
                             struct dse_err *err) {
    dse_assert(shape_is_sound(shape) && images > 0);
    struct dse_conv *c = dse_alloc(1, sizeof *c);
    if (c == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    enum dse_status status = DSE_UNSUPPORTED;
    for (int i = 0; i < kernels->n && status == DSE_UNSUPPORTED; i++) {
        c->ops = kernels->chain[i];
        bool last = i + 1 == kernels->n;
        status = c->ops->conv_new(shape, type, images, &c->state, last ? err : NULL);
    }
    if (status != DSE_OK) {
        dse_free(c);
        return dse_err_set(err, status, "%s", dse_status_text(status));
    }
    c->pixels = (size_t)images * (size_t)shape->oh * (size_t)shape->ow;
    c->oc = shape->oc;
    c->type = type;
    *conv = c;
    return DSE_OK;
}

void dse_conv_free(struct dse_conv *conv) {
    if (conv == NULL)
        return;
    conv->ops->conv_free(conv->state);
    dse_free(conv);
}

const char *dse_conv_implementation(const struct dse_conv *conv) {
    return conv->ops->name;
}

enum dse_status dse_conv_pack(struct dse_conv *conv, const void *weights,
                              struct dse_packed **packed, struct dse_err *err) {
    struct dse_packed *p = dse_alloc(1, sizeof *p);
    if (p == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    p->ops = conv->ops;
    enum dse_status status = conv->ops->pack(conv->state, weights, &p->state, err);
    if (status != DSE_OK) {
        dse_free(p);
        return status;
    }
    *packed = p;
    return DSE_OK;
}

void dse_packed_free(struct dse_packed *packed) {
    if (packed == NULL)
        return;
    packed->ops->packed_free(packed->state);
    dse_free(packed);
}

enum dse_status dse_conv_run(struct dse_conv *conv, const struct dse_packed *packed,
                             const void *src, void *dst, struct dse_err *err) {
    dse_assert(conv->ops == packed->ops);
    return conv->ops->run(conv->state, packed->state, src, dst, err);
}

enum dse_status dse_conv_run_finished(struct dse_conv *conv, const struct dse_packed *packed,
                                      const void *src, const struct dse_conv_finish *finish,
                                      int32_t *sums, struct dse_err *err) {
    dse_assert(conv->ops == packed->ops);
    if (conv->ops->run_finished != NULL)
        return conv->ops->run_finished(conv->state, packed->state, src, finish, err);
    if (conv->type == DSE_CONV_F32) {
        float *y = finish->y;
        DSE_TRY(conv->ops->run(conv->state, packed->state, src, y, err));
        dse_finish_f32(y, conv->pixels, conv->oc, finish->bias, finish->add, finish->relu, y);
        return DSE_OK;
    }
    DSE_TRY(conv->ops->run(conv->state, packed->state, src, sums, err));
    kernels__finish(sums, conv->pixels, conv->oc, finish);
    return DSE_OK;
}
