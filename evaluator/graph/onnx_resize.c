/* Resize and Upsample: along each axis, where a number of the result comes from. */
#include "evaluator/graph/graph_internal.h"

#include <math.h>
#include <string.h>

enum coordinates {
    HALF_PIXEL,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_HALF_PIXEL_FOR_NN,
    TF_CROP_AND_RESIZE
};
enum interpolation { NEAREST, LINEAR, CUBIC };
enum rounding { ROUND_PREFER_FLOOR, ROUND_PREFER_CEIL, FLOOR, CEIL };
enum { MAX_MIXED = 256 }; /* numbers of the source in one of the result, over all axes */

struct resizing {
    enum coordinates coordinates;
    enum interpolation interpolation;
    enum rounding rounding;
    float cubic_a; /* coefficient of the cubic convolution (Keys 1981) */
    bool exclude_outside;
    float extrapolation;
    double scales[GRAPH__MAX_RANK], crop_start[GRAPH__MAX_RANK], crop_end[GRAPH__MAX_RANK];
    int64_t dims[GRAPH__MAX_RANK]; /* of the result */
};

/* ---- attributes and inputs ---- */

static enum dse_status read_word(const Onnx__NodeProto *node, const char *name,
                                 const char *const *words, int n_words, int fallback, int *found,
                                 struct dse_err *err) {
    char word[40];
    DSE_TRY(graph__get_text(node, name, words[fallback], word, sizeof word, err));
    for (int i = 0; i < n_words; i++)
        if (strcmp(word, words[i]) == 0) {
            *found = i;
            return DSE_OK;
        }
    DSE_FAIL(err, DSE_UNSUPPORTED, "attribute '%s' is '%s'", name, word);
}

static enum dse_status read_attributes(const Onnx__NodeProto *node, int64_t opset,
                                       struct resizing *resizing, struct dse_err *err) {
    static const char *const coordinates[] = {"half_pixel",           "pytorch_half_pixel",
                                              "align_corners",        "asymmetric",
                                              "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    static const char *const interpolations[] = {"nearest", "linear", "cubic"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil"};
    /* Before version 11 there was no choice. */
    bool first = opset < 11;
    int how = 0, where = 0, nearest = 0;
    int64_t exclude = 0;
    DSE_TRY(read_word(node, "mode", interpolations, 3, NEAREST, &how, err));
    DSE_TRY(read_word(node, "coordinate_transformation_mode", coordinates, 6,
                      first ? ASYMMETRIC : HALF_PIXEL, &where, err));
    DSE_TRY(read_word(node, "nearest_mode", roundings, 4, first ? FLOOR : ROUND_PREFER_FLOOR,
                      &nearest, err));
    DSE_TRY(graph__get_float(node, "cubic_coeff_a", -0.75f, &resizing->cubic_a, err));
    DSE_TRY(graph__get_float(node, "extrapolation_value", 0, &resizing->extrapolation, err));
    DSE_TRY(graph__get_int(node, "exclude_outside", 0, &exclude, err));
    resizing->interpolation = (enum interpolation)how;
    resizing->coordinates = (enum coordinates)where;
    resizing->rounding = (enum rounding)nearest;
    resizing->exclude_outside = exclude != 0;
    return DSE_OK;
}

/* A list of floats or integers as input k; *list is NULL where it is missing or empty. */
static enum dse_status read_list(struct graph__import *import, const Onnx__NodeProto *node,
                                 size_t k, enum dse_tensor_type type, size_t n,
                                 struct graph__tensor **list, struct dse_err *err) {
    struct graph__tensor *found = NULL;
    DSE_TRY(graph__input_constant(import, node, k, type, &found, err));
    if (found != NULL && found->n == 0)
        found = NULL;
    if (found != NULL && found->n != n)
        DSE_FAIL(err, DSE_INVALID, "input %zu has %zu numbers; %zu are needed", k + 1, found->n, n);
    *list = found;
    return DSE_OK;
}

static enum dse_status set_axis(const struct graph__tensor *scales,
                                const struct graph__tensor *sizes, int axis, int64_t extent,
                                struct resizing *resizing, struct dse_err *err) {
    double scale = 1;
    int64_t dim = extent;
    if (sizes != NULL) {
        dim = sizes->i64[axis];
        scale = (double)dim / (double)extent;
    } else if (scales != NULL) {
        scale = (double)scales->f32[axis];
        double product = floor((double)extent * scale);
        if (!(scale > 0) || !(product <= GRAPH__MAX_EXTENT))
            DSE_FAIL(err, DSE_INVALID, "scale %g of axis %d", scale, axis);
        dim = (int64_t)product;
    }
    if (dim < 1 || dim > GRAPH__MAX_EXTENT)
        DSE_FAIL(err, DSE_INVALID, "extent %lld of axis %d", (long long)dim, axis);
    resizing->scales[axis] = scale;
    resizing->dims[axis] = dim;
    return DSE_OK;
}

/* Resize has (x, roi, scales, sizes), or before version 11 (x, scales) as Upsample has. */
static enum dse_status read_resizing(struct graph__import *import, const Onnx__NodeProto *node,
                                     const struct graph__form *form, struct resizing *resizing,
                                     struct dse_err *err) {
    struct graph__tensor *scales = NULL, *sizes = NULL, *roi = NULL;
    size_t rank = (size_t)form->rank;
    bool first = import->opset < 11;
    DSE_TRY(read_attributes(node, import->opset, resizing, err));
    DSE_TRY(read_list(import, node, first ? 1 : 2, DSE_TENSOR_F32, rank, &scales, err));
    if (!first)
        DSE_TRY(read_list(import, node, 3, DSE_TENSOR_I64, rank, &sizes, err));
    if (!first && resizing->coordinates == TF_CROP_AND_RESIZE)
        DSE_TRY(read_list(import, node, 1, DSE_TENSOR_F32, 2 * rank, &roi, err));
    if (scales == NULL && sizes == NULL)
        DSE_FAIL(err, DSE_INVALID, "both scales and sizes are missing");
    for (int axis = 0; axis < form->rank; axis++) {
        /* A fixed batch in the file stands for any. */
        DSE_TRY(set_axis(scales, sizes, axis, form->dims[axis], resizing, err));
        if (axis == 0 && form->dims[0] == 1 && import->file_batch > 1 &&
            resizing->dims[0] == import->file_batch) {
            resizing->dims[0] = 1;
            resizing->scales[0] = 1;
        }
        resizing->crop_start[axis] = roi == NULL ? 0 : (double)roi->f32[axis];
        resizing->crop_end[axis] = roi == NULL ? 1 : (double)roi->f32[rank + (size_t)axis];
    }
    return DSE_OK;
}

/* ---- places ---- */

/* Where number i of the result lies between the numbers of the source. */
static double source_position(const struct resizing *resizing, int axis, int64_t extent,
                              int64_t i) {
    double x = (double)i, scale = resizing->scales[axis], last = (double)(extent - 1);
    double start = resizing->crop_start[axis], end = resizing->crop_end[axis];
    bool single = resizing->dims[axis] == 1;
    /* ONNX: of the result's extent before it is rounded down. */
    double steps = (double)extent * scale - 1;
    switch (resizing->coordinates) {
    case PYTORCH_HALF_PIXEL:
        return single ? 0 : (x + 0.5) / scale - 0.5;
    case ALIGN_CORNERS:
        return single || steps <= 0 ? 0 : x * last / steps;
    case ASYMMETRIC:
        return x / scale;
    case TF_HALF_PIXEL_FOR_NN:
        return (x + 0.5) / scale;
    case TF_CROP_AND_RESIZE:
        return single || steps <= 0 ? 0.5 * (start + end) * last
                                    : start * last + x * (end - start) * last / steps;
    default:
        return (x + 0.5) / scale - 0.5;
    }
}

static bool is_outside(const struct resizing *resizing, double position, int64_t extent) {
    return resizing->coordinates == TF_CROP_AND_RESIZE &&
           !(position >= 0 && position <= (double)(extent - 1));
}

static int64_t clamp_place(double place, int64_t extent) {
    if (!(place > 0))
        return 0;
    return place < (double)(extent - 1) ? (int64_t)place : extent - 1;
}

static double round_position(enum rounding rounding, double position) {
    switch (rounding) {
    case FLOOR:
        return floor(position);
    case CEIL:
        return ceil(position);
    case ROUND_PREFER_CEIL:
        return floor(position + 0.5);
    default:
        return ceil(position - 0.5);
    }
}

static bool is_unchanged(const struct resizing *resizing, int axis, int64_t extent) {
    return resizing->dims[axis] == extent && resizing->scales[axis] == 1 &&
           resizing->coordinates != TF_CROP_AND_RESIZE;
}

static enum dse_status add_nearest(struct graph__import *import, const Onnx__NodeProto *node,
                                   const struct graph__operand *data,
                                   const struct resizing *resizing, struct dse_err *err) {
    struct graph__places places = graph__same_places();
    for (int axis = 0; axis < data->form.rank; axis++) {
        int64_t extent = data->form.dims[axis];
        if (is_unchanged(resizing, axis, extent))
            continue;
        DSE_TRY(graph__list_places(import, resizing->dims[axis], &places.places[axis], err));
        for (int64_t i = 0; i < resizing->dims[axis]; i++) {
            double position = source_position(resizing, axis, extent, i);
            places.places[axis][i] =
                is_outside(resizing, position, extent)
                    ? DSE_TENSOR_OUTSIDE
                    : clamp_place(round_position(resizing->rounding, position), extent);
        }
    }
    return graph__take_and_bind(import, node, data, &places, (double)resizing->extrapolation,
                                resizing->dims, err);
}

/* ---- weights ---- */

/* Keys, "Cubic convolution interpolation for digital image processing", 1981: weights of the four
 * neighbours for a place t beyond the second. */
static void cubic_weights(double a, double t, double *weights) {
    weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    weights[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
    weights[3] = ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a;
}

/* Offsets and weights of one number of the result. */
static void weigh_neighbours(const struct resizing *resizing, double position, int64_t extent,
                             int64_t stride, int64_t *offsets, float *weights) {
    bool cubic = resizing->interpolation == CUBIC;
    int taps = cubic ? 4 : 2;
    double first = floor(position), t = position - first, w[4] = {1 - t, t, 0, 0}, sum = 0;
    if (cubic) {
        cubic_weights((double)resizing->cubic_a, t, w);
        first -= 1;
    }
    for (int i = 0; i < taps; i++) {
        double place = first + i;
        if (resizing->exclude_outside && (place < 0 || place >= (double)extent))
            w[i] = 0;
        sum += w[i];
    }
    for (int i = 0; i < taps; i++) {
        offsets[i] = clamp_place(first + i, extent) * stride;
        weights[i] = (float)(resizing->exclude_outside && sum != 0 ? w[i] / sum : w[i]);
    }
    if (is_outside(resizing, position, extent))
        offsets[0] = DSE_TENSOR_OUTSIDE;
}

static enum dse_status fill_axis(const struct resizing *resizing, int axis, int64_t extent,
                                 int64_t stride, struct dse_tensor_axis *filled,
                                 struct dse_err *err) {
    int64_t dim = resizing->dims[axis];
    int taps = resizing->interpolation == CUBIC ? 4 : 2;
    if (is_unchanged(resizing, axis, extent)) {
        *filled = (struct dse_tensor_axis){.extent = dim, .taps = 1, .stride = stride};
        return DSE_OK;
    }
    DSE_TRY(dse_tensor_axis_init(filled, dim, taps, true, err));
    for (int64_t i = 0; i < dim; i++)
        weigh_neighbours(resizing, source_position(resizing, axis, extent, i), extent, stride,
                         filled->offsets + i * taps, filled->weights + i * taps);
    return DSE_OK;
}

static enum dse_status fill_resample(const struct graph__form *from, const struct graph__form *to,
                                     const struct resizing *resizing, struct dse_tensor_op *op,
                                     struct dse_err *err) {
    int64_t strides[GRAPH__MAX_RANK];
    int axes[GRAPH__MAX_RANK], mixed = 1;
    graph__strides(from, strides);
    graph__memory_axes(to, axes);
    for (int i = 0; i < to->rank; i++) {
        int axis = axes[i];
        DSE_TRY(fill_axis(resizing, axis, from->dims[axis], strides[axis], &op->take.axes[i], err));
        mixed *= op->take.axes[i].taps;
        op->take.rank++;
        if (mixed > MAX_MIXED)
            DSE_FAIL(err, DSE_UNSUPPORTED, "it mixes more than %d numbers", MAX_MIXED);
    }
    op->take.fill = resizing->extrapolation;
    dse_tensor_take_simplify(op);
    return DSE_OK;
}

static enum dse_status add_resample(struct graph__import *import, const Onnx__NodeProto *node,
                                    const struct graph__operand *data,
                                    const struct resizing *resizing, struct dse_err *err) {
    int rank = data->form.rank;
    struct graph__operand result = {.form = graph__plain_form(rank, resizing->dims)};
    result.form.order = graph__choose_order(rank, resizing->dims, data, 1);
    for (int axis = 0; axis < rank; axis++) {
        int64_t *places = NULL; /* for the account of them */
        if (!is_unchanged(resizing, axis, data->form.dims[axis]))
            DSE_TRY(graph__list_places(import, resizing->dims[axis], &places, err));
    }
    struct dse_tensor_op *op = dse_tensor_op_new(DSE_TENSOR_RESAMPLE, DSE_TENSOR_F32);
    if (op == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for an operator");
    enum dse_status status = fill_resample(&data->form, &result.form, resizing, op, err);
    if (status != DSE_OK) {
        dse_tensor_op_free(op);
        return status;
    }
    DSE_TRY(graph__apply(import, node, op, data, NULL, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

enum dse_status graph__import_resize(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct dse_err *err) {
    struct graph__operand data;
    struct resizing resizing = {0};
    size_t n = 0;
    bool unchanged = true;
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    DSE_TRY(read_resizing(import, node, &data.form, &resizing, err));
    DSE_TRY(graph__count(data.form.rank, resizing.dims, &n, err));
    for (int axis = 0; axis < data.form.rank; axis++)
        unchanged = unchanged && is_unchanged(&resizing, axis, data.form.dims[axis]);
    if (unchanged)
        return graph__bind(import, node, 0, &data, err);
    if (resizing.interpolation == NEAREST)
        return add_nearest(import, node, &data, &resizing, err);
    return add_resample(import, node, &data, &resizing, err);
}

enum dse_status graph__import_upsample(struct graph__import *import, const Onnx__NodeProto *node,
                                       struct dse_err *err) {
    if (import->opset > 9)
        DSE_FAIL(err, DSE_INVALID, "it ended with operator set 9");
    return graph__import_resize(import, node, err);
}
