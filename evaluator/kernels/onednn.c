/* Convolutions of oneDNN, version 2.
 *
 * Scales, bias and activation stay outside of its primitives: they would be part of a primitive,
 * and each new bit width would cost a compilation of tens of milliseconds instead of a repacking of
 * weights. Scratch memory is ours (user mode). A shape for which the library has only its
 * reference code ("ref", a thousand times slower) is declined.
 *
 * u8 by s8 without VNNI adds pairs of products in int16, which saturates above 32,767; with values
 * 0..127 and weights -127..127 a pair is at most 32,258, so the sums are exact everywhere. But some
 * of its code (AVX2, AVX-512 without VNNI) takes the finished sum through float32 on the way to an
 * s32 destination, which loses the last bit above 2^24. Shapes whose sums can get there are tried
 * out when they are created, and declined when they lose it.
 *
 * With AVX-512 VNNI the library's first choice is "brgconv", its second "jit_int8". For short sums
 * (3x3 over up to 115 channels) the second takes 5 % (64 channels) to 40 % (2 channels) less time,
 * so it is used there. */
#include <stdio.h>
#include <string.h>

#include "evaluator/kernels/onednn_common.h"

struct onednn_conv {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t plan;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t src_layout, dst_layout, weights_layout, given_weights_layout;
    dnnl_memory_t src, dst, scratch;
    void *scratch_bytes;
    dnnl_primitive_t reorder; /* given weights to weights */
};

enum { EXACT_TERMS = 1040 }; /* x 127 x 127 < 2^24 */

/* Products that are added for one output. */
static int sum_terms(const struct dse_conv_shape *shape) {
    return shape->kernel_h * shape->kernel_w * (shape->ic / shape->groups);
}

struct onednn_packed {
    dnnl_memory_t memory;
    void *bytes;
};

static const char *isa_name(dnnl_cpu_isa_t isa) {
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_sse41, "SSE41"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx2_vnni, "AVX2_VNNI"},
        {dnnl_cpu_isa_avx512_core, "AVX512_CORE"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX512_VNNI"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX512_BF16"},
        {dnnl_cpu_isa_avx512_core_amx, "AMX"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].isa == isa)
            return names[i].name;
    return "other";
}

static enum dse_status onednn_open(char *out, size_t size, struct dse_err *err) {
    const dnnl_version_t *version = dnnl_version();
    if (version->major != DNNL_VERSION_MAJOR)
        DSE_FAIL(err, DSE_UNSUPPORTED, "built for oneDNN %d, but the library found is %d.%d",
                 DNNL_VERSION_MAJOR, version->major, version->minor);
    (void)snprintf(out, size, "onednn %d.%d.%d (%s)", version->major, version->minor,
                   version->patch, isa_name(dnnl_get_effective_cpu_isa()));
    return DSE_OK;
}

/* With the library locked. */
static void free_conv(struct onednn_conv *c) {
    (void)dnnl_primitive_destroy(c->reorder);
    (void)dnnl_memory_destroy(c->scratch);
    (void)dnnl_memory_destroy(c->dst);
    (void)dnnl_memory_destroy(c->src);
    (void)dnnl_primitive_destroy(c->primitive);
    (void)dnnl_primitive_desc_destroy(c->plan);
    (void)dnnl_primitive_attr_destroy(c->attributes);
    (void)dnnl_stream_destroy(c->stream);
    (void)dnnl_engine_destroy(c->engine);
    dse_free(c->scratch_bytes);
    dse_free(c);
}

static void onednn_conv_free(void *conv) {
    if (conv == NULL)
        return;
    kernels__onednn_lock();
    free_conv(conv);
    kernels__onednn_unlock();
}

static enum dse_status describe_conv(struct onednn_conv *c, const struct dse_conv_shape *s,
                                     enum dse_conv_type type, int images,
                                     dnnl_convolution_desc_t *desc, struct dse_err *err) {
    struct kernels__onednn_layouts l;
    DSE_TRY(kernels__onednn_describe(s, type, images, &l, err));
    c->src_layout = l.src;
    c->dst_layout = l.dst;
    c->given_weights_layout = l.given_weights;
    TRY_DNNL(dnnl_dilated_convolution_forward_desc_init(desc, dnnl_forward_inference,
                                                        dnnl_convolution_direct, &c->src_layout,
                                                        &l.chosen_weights, NULL, &c->dst_layout,
                                                        l.strides, l.dilations, l.before, l.after),
             err);
    return DSE_OK;
}

static enum dse_status fetch_plan(const_dnnl_primitive_desc_iterator_t codes,
                                  dnnl_primitive_desc_t *plan, const char **code,
                                  struct dse_err *err) {
    *plan = dnnl_primitive_desc_iterator_fetch(codes);
    if (*plan == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    TRY_DNNL(dnnl_primitive_desc_query(*plan, dnnl_query_impl_info_str, 0, code), err);
    return DSE_OK;
}

/* Of the codes that the library offers for a shape, the second one where it is the better one. It
 * takes sums through float32, so it is for short sums only. */
static enum dse_status prefer_second_code(struct onednn_conv *c,
                                          dnnl_primitive_desc_iterator_t codes,
                                          const char *first_code, struct dse_err *err) {
    if (strcmp(first_code, "brgconv:avx512_core_vnni") != 0 ||
        dnnl_primitive_desc_iterator_next(codes) != dnnl_success)
        return DSE_OK;
    dnnl_primitive_desc_t second = NULL, unused;
    const char *code = NULL;
    enum dse_status status = fetch_plan(codes, &second, &code, err);
    bool better = status == DSE_OK && strcmp(code, "jit_int8:avx512_core_vnni") == 0;
    unused = better ? c->plan : second;
    if (better)
        c->plan = second;
    (void)dnnl_primitive_desc_destroy(unused);
    return status;
}

static enum dse_status choose_code(struct onednn_conv *c, const dnnl_convolution_desc_t *desc,
                                   bool short_sums, const char **code, struct dse_err *err) {
    dnnl_primitive_desc_iterator_t codes = NULL;
    TRY_DNNL(dnnl_primitive_desc_iterator_create(&codes, desc, c->attributes, c->engine, NULL),
             err);
    enum dse_status status = fetch_plan(codes, &c->plan, code, err);
    if (status == DSE_OK && short_sums)
        status = prefer_second_code(c, codes, *code, err);
    (void)dnnl_primitive_desc_iterator_destroy(codes);
    if (status != DSE_OK)
        return status;
    TRY_DNNL(dnnl_primitive_desc_query(c->plan, dnnl_query_impl_info_str, 0, code), err);
    return DSE_OK;
}

static enum dse_status create_primitive(struct onednn_conv *c, const dnnl_convolution_desc_t *desc,
                                        bool short_sums, struct dse_err *err) {
    TRY_DNNL(dnnl_engine_create(&c->engine, dnnl_cpu, 0), err);
    TRY_DNNL(dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags), err);
    TRY_DNNL(dnnl_primitive_attr_create(&c->attributes), err);
    TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(c->attributes, dnnl_scratchpad_mode_user),
             err);
    const char *code = NULL;
    DSE_TRY(choose_code(c, desc, short_sums, &code, err));
    if (strstr(code, "ref") != NULL)
        DSE_FAIL(err, DSE_UNSUPPORTED, "oneDNN has only slow code (%s) for this shape", code);
    TRY_DNNL(dnnl_primitive_create(&c->primitive, c->plan), err);
    c->weights_layout = *dnnl_primitive_desc_query_md(c->plan, dnnl_query_weights_md, 0);
    return DSE_OK;
}

static enum dse_status create_memories(struct onednn_conv *c, struct dse_err *err) {
    const dnnl_memory_desc_t *scratch =
        dnnl_primitive_desc_query_md(c->plan, dnnl_query_scratchpad_md, 0);
    size_t bytes = dnnl_memory_desc_get_size(scratch);
    c->scratch_bytes = dse_alloc_aligned(bytes, 1);
    if (c->scratch_bytes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the scratch of a convolution");
    TRY_DNNL(dnnl_memory_create(&c->scratch, scratch, c->engine, c->scratch_bytes), err);
    TRY_DNNL(dnnl_memory_create(&c->src, &c->src_layout, c->engine, DNNL_MEMORY_NONE), err);
    TRY_DNNL(dnnl_memory_create(&c->dst, &c->dst_layout, c->engine, DNNL_MEMORY_NONE), err);
    return DSE_OK;
}

static enum dse_status create_reorder(struct onednn_conv *c, struct dse_err *err) {
    dnnl_primitive_desc_t plan = NULL;
    TRY_DNNL(dnnl_reorder_primitive_desc_create(&plan, &c->given_weights_layout, c->engine,
                                                &c->weights_layout, c->engine, NULL),
             err);
    dnnl_status_t status = dnnl_primitive_create(&c->reorder, plan);
    (void)dnnl_primitive_desc_destroy(plan);
    TRY_DNNL(status, err);
    return DSE_OK;
}

static void onednn_packed_free(void *packed) {
    struct onednn_packed *p = packed;
    if (p == NULL)
        return;
    (void)dnnl_memory_destroy(p->memory);
    dse_free(p->bytes);
    dse_free(p);
}

static enum dse_status reorder_weights(struct onednn_conv *c, const void *weights,
                                       struct onednn_packed *packed, struct dse_err *err) {
    packed->bytes = dse_alloc_aligned(dnnl_memory_desc_get_size(&c->weights_layout), 1);
    if (packed->bytes == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    TRY_DNNL(dnnl_memory_create(&packed->memory, &c->weights_layout, c->engine, packed->bytes),
             err);
    /* The library only reads through this handle. */
    union {
        const void *read;
        void *handle;
    } given = {weights};
    dnnl_memory_t from = NULL;
    TRY_DNNL(dnnl_memory_create(&from, &c->given_weights_layout, c->engine, given.handle), err);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, packed->memory}};
    dnnl_status_t status = dnnl_primitive_execute(c->reorder, c->stream, 2, args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(c->stream);
    (void)dnnl_memory_destroy(from);
    TRY_DNNL(status, err);
    return DSE_OK;
}

static enum dse_status onednn_pack(void *conv, const void *weights, void **packed,
                                   struct dse_err *err) {
    struct onednn_packed *p = dse_alloc(1, sizeof *p);
    if (p == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for the weights of a convolution");
    enum dse_status status = reorder_weights(conv, weights, p, err);
    if (status != DSE_OK) {
        onednn_packed_free(p);
        return status;
    }
    *packed = p;
    return DSE_OK;
}

static enum dse_status onednn_run(void *conv, const void *packed, const void *src, void *dst,
                                  struct dse_err *err) {
    struct onednn_conv *c = conv;
    const struct onednn_packed *p = packed;
    union {
        const void *read;
        void *handle;
    } source = {src};
    TRY_DNNL(dnnl_memory_set_data_handle(c->src, source.handle), err);
    TRY_DNNL(dnnl_memory_set_data_handle(c->dst, dst), err);
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, c->src},
        {DNNL_ARG_WEIGHTS, p->memory},
        {DNNL_ARG_DST, c->dst},
        {DNNL_ARG_SCRATCHPAD, c->scratch},
    };
    TRY_DNNL(dnnl_primitive_execute(c->primitive, c->stream, 4, args), err);
    TRY_DNNL(dnnl_stream_wait(c->stream), err);
    return DSE_OK;
}

/* ---- sums above 2^24 ---- */

/* Data and results of a trial, on one image of the convolution. */
struct trial {
    uint8_t *src;
    int8_t *weights;
    int32_t *dst, *expected;
    void *packed, *reference, *reference_packed;
};

static enum dse_status trial_init(struct trial *trial, const struct dse_conv_shape *s, int images,
                                  struct dse_err *err) {
    size_t n_src = (size_t)s->ih * (size_t)s->iw * (size_t)s->ic * (size_t)images;
    size_t n_dst = (size_t)s->oh * (size_t)s->ow * (size_t)s->oc;
    size_t n_weights =
        (size_t)s->oc * (size_t)s->kernel_h * (size_t)s->kernel_w * (size_t)(s->ic / s->groups);
    trial->src = dse_alloc_aligned(n_src, sizeof *trial->src);
    trial->weights = dse_alloc_aligned(n_weights, sizeof *trial->weights);
    trial->dst = dse_alloc_aligned(n_dst * (size_t)images, sizeof *trial->dst);
    trial->expected = dse_alloc_aligned(n_dst, sizeof *trial->expected);
    if (trial->src == NULL || trial->weights == NULL || trial->dst == NULL ||
        trial->expected == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory to try out a convolution");
    memset(trial->src, 127, n_src);
    /* Large sums whose last bits are all different. */
    struct dse_rng rng;
    dse_rng_init(&rng, 1, DSE_RNG_TEST, 0, 0);
    for (size_t i = 0; i < n_weights; i++)
        trial->weights[i] = dse_rng_below(&rng, 16) == 0 ? 126 : 127;
    return DSE_OK;
}

static enum dse_status run_trial(struct trial *trial, struct onednn_conv *c,
                                 const struct dse_conv_shape *s, struct dse_err *err) {
    const struct kernels__ops *reference = &kernels__reference_ops;
    DSE_TRY(onednn_pack(c, trial->weights, &trial->packed, err));
    DSE_TRY(onednn_run(c, trial->packed, trial->src, trial->dst, err));
    DSE_TRY(reference->conv_new(s, DSE_CONV_U8S8, 1, &trial->reference, err));
    DSE_TRY(reference->pack(trial->reference, trial->weights, &trial->reference_packed, err));
    DSE_TRY(reference->run(trial->reference, trial->reference_packed, trial->src, trial->expected,
                           err));
    size_t n_dst = (size_t)s->oh * (size_t)s->ow * (size_t)s->oc;
    if (memcmp(trial->dst, trial->expected, n_dst * sizeof *trial->dst) != 0)
        DSE_FAIL(err, DSE_UNSUPPORTED, "oneDNN loses bits of sums above 2^24");
    return DSE_OK;
}

static void trial_fini(struct trial *trial) {
    kernels__reference_ops.packed_free(trial->reference_packed);
    kernels__reference_ops.conv_free(trial->reference);
    onednn_packed_free(trial->packed);
    dse_free(trial->src);
    dse_free(trial->weights);
    dse_free(trial->dst);
    dse_free(trial->expected);
}

static enum dse_status try_long_sums(struct onednn_conv *c, const struct dse_conv_shape *shape,
                                     int images, struct dse_err *err) {
    if (sum_terms(shape) <= EXACT_TERMS)
        return DSE_OK;
    struct trial trial = {0};
    enum dse_status status = trial_init(&trial, shape, images, err);
    if (status == DSE_OK)
        status = run_trial(&trial, c, shape, err);
    trial_fini(&trial);
    return status;
}

/* With the library locked. */
static enum dse_status make_conv(const struct dse_conv_shape *shape, enum dse_conv_type type,
                                 int images, void **conv, struct dse_err *err) {
    struct onednn_conv *c = dse_alloc(1, sizeof *c);
    if (c == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for a convolution");
    dnnl_convolution_desc_t desc;
    enum dse_status status;
    DSE_TRY_GOTO(status, describe_conv(c, shape, type, images, &desc, err), fail_free);
    DSE_TRY_GOTO(
        status,
        create_primitive(c, &desc, type == DSE_CONV_U8S8 && sum_terms(shape) <= EXACT_TERMS, err),
        fail_free);
    DSE_TRY_GOTO(status, create_memories(c, err), fail_free);
    DSE_TRY_GOTO(status, create_reorder(c, err), fail_free);
    if (type == DSE_CONV_U8S8)
        DSE_TRY_GOTO(status, try_long_sums(c, shape, images, err), fail_free);
    *conv = c;
    return DSE_OK;
fail_free:
    free_conv(c);
    return status;
}

static enum dse_status onednn_conv_new(const struct dse_conv_shape *shape, enum dse_conv_type type,
                                       int images, void **conv, struct dse_err *err) {
    kernels__onednn_lock();
    enum dse_status status = make_conv(shape, type, images, conv, err);
    kernels__onednn_unlock();
    return status;
}

const struct kernels__ops kernels__onednn_ops = {
    .name = "onednn",
    .open = onednn_open,
    .conv_new = onednn_conv_new,
    .conv_free = onednn_conv_free,
    .pack = onednn_pack,
    .packed_free = onednn_packed_free,
    .run = onednn_run,
};
