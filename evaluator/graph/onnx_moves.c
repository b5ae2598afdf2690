/* Operators that move numbers: described axis by axis as places of the source. */
#include "evaluator/graph/graph_internal.h"

#include <string.h>

/* ---- helpers ---- */

struct graph__places graph__same_places(void) {
    struct graph__places places = {0};
    for (int i = 0; i < GRAPH__MAX_RANK; i++)
        places.source_axis[i] = i;
    return places;
}

enum dse_status graph__moved_operand(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct graph__operand *operand, struct dse_err *err) {
    DSE_TRY(graph__operand(import, node, 0, operand, err));
    if (operand->form.order == GRAPH__FLAT)
        DSE_TRY(graph__to_order(import, node, GRAPH__PLAIN, operand, err));
    return DSE_OK;
}

enum dse_status graph__take_and_bind(struct graph__import *import, const Onnx__NodeProto *node,
                                     const struct graph__operand *source,
                                     const struct graph__places *places, double fill,
                                     const int64_t *dims, struct dse_err *err) {
    int rank = source->form.rank;
    struct graph__operand result = {.form = graph__plain_form(rank, dims)};
    result.form.order = graph__choose_order(rank, dims, source, 1);
    DSE_TRY(graph__take(import, node, source, places, fill, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

/* ---- Transpose ---- */

static enum dse_status permute(struct graph__import *import, const Onnx__NodeProto *node,
                               const int *permutation, struct graph__operand *operand,
                               struct dse_err *err) {
    struct graph__places places = {0};
    struct graph__operand result = {.value = -1};
    int64_t dims[GRAPH__MAX_RANK] = {0};
    int rank = operand->form.rank;
    for (int i = 0; i < rank; i++) {
        places.source_axis[i] = permutation[i];
        dims[i] = operand->form.dims[permutation[i]];
    }
    /* From (1, c, h, w) to (1, h, w, c) and back nothing moves, as images are kept. */
    bool last =
        rank >= 3 && rank <= 4 && dims[0] == 1 && permutation[0] == 0 && permutation[1] == rank - 1;
    for (int i = 2; last && i < rank; i++)
        last = permutation[i] == i - 1;
    result.form = graph__plain_form(rank, dims);
    if (last && operand->value >= 0)
        result.form.order = GRAPH__IMAGE;
    DSE_TRY(graph__take(import, node, operand, &places, 0, &result, err));
    *operand = result;
    return DSE_OK;
}

enum dse_status graph__swap_axes(struct graph__import *import, const Onnx__NodeProto *node, int a,
                                 int b, struct graph__operand *operand, struct dse_err *err) {
    int permutation[GRAPH__MAX_RANK];
    for (int i = 0; i < GRAPH__MAX_RANK; i++)
        permutation[i] = i == a ? b : i == b ? a : i;
    if (operand->form.order == GRAPH__FLAT)
        DSE_TRY(graph__to_order(import, node, GRAPH__PLAIN, operand, err));
    return permute(import, node, permutation, operand, err);
}

enum dse_status graph__import_transpose(struct graph__import *import, const Onnx__NodeProto *node,
                                        struct dse_err *err) {
    struct graph__operand operand;
    int permutation[GRAPH__MAX_RANK] = {0};
    unsigned seen = 0;
    DSE_TRY(graph__moved_operand(import, node, &operand, err));
    int rank = operand.form.rank;
    if (graph__has_attribute(node, "perm"))
        DSE_TRY(graph__get_ints(node, "perm", (size_t)rank, 0, 0, rank - 1, permutation, err));
    else
        for (int i = 0; i < rank; i++)
            permutation[i] = rank - 1 - i;
    for (int i = 0; i < rank; i++)
        seen |= 1u << permutation[i];
    if (seen != (1u << rank) - 1)
        DSE_FAIL(err, DSE_INVALID, "attribute 'perm' is not a permutation");
    DSE_TRY(permute(import, node, permutation, &operand, err));
    return graph__bind(import, node, 0, &operand, err);
}

/* ---- Gather ---- */

static enum dse_status list_indices(struct graph__import *import,
                                    const struct graph__tensor *indices, int64_t extent,
                                    int64_t **places, struct dse_err *err) {
    DSE_TRY(graph__list_places(import, (int64_t)indices->n, places, err));
    for (size_t i = 0; i < indices->n; i++) {
        int64_t index = indices->i64[i];
        index = index < 0 ? index + extent : index;
        if (index < 0 || index >= extent)
            DSE_FAIL(err, DSE_INVALID, "index %lld of %lld elements", (long long)indices->i64[i],
                     (long long)extent);
        (*places)[i] = index;
    }
    return DSE_OK;
}

enum dse_status graph__import_gather(struct graph__import *import, const Onnx__NodeProto *node,
                                     struct dse_err *err) {
    struct graph__operand data, result = {.value = -1};
    struct graph__tensor *indices = NULL;
    struct graph__places places = graph__same_places();
    int64_t axis_given = 0, dims[2 * GRAPH__MAX_RANK] = {0};
    int axis = 0, rank = 0;
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    DSE_TRY(graph__need_constant(import, node, 1, DSE_TENSOR_I64, &indices, err));
    DSE_TRY(graph__get_int(node, "axis", 0, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, data.form.rank, &axis, err));
    DSE_TRY(list_indices(import, indices, data.form.dims[axis], &places.places[axis], err));
    memcpy(dims, data.form.dims, sizeof data.form.dims);
    dims[axis] = (int64_t)indices->n;
    result.form = graph__plain_form(data.form.rank, dims);
    DSE_TRY(graph__take(import, node, &data, &places, 0, &result, err));
    for (int i = 0; i < axis; i++)
        dims[rank++] = data.form.dims[i];
    for (int i = 0; i < indices->rank; i++)
        dims[rank++] = indices->dims[i];
    for (int i = axis + 1; i < data.form.rank; i++)
        dims[rank++] = data.form.dims[i];
    DSE_TRY(graph__reshape(import, node, rank, dims, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

/* ---- Slice ---- */

/* One axis, resolved against its extent: first index, step and number of indices. */
struct range {
    int64_t first, step, count;
};

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* ONNX, operator Slice: negative positions count from the end, then both are clamped. */
static struct range resolve_range(int64_t start, int64_t end, int64_t step, int64_t extent) {
    start = start < 0 ? start + extent : start;
    end = end < 0 ? end + extent : end;
    struct range range = {.step = step};
    if (extent == 0)
        return range;
    if (step > 0) {
        range.first = clamp(start, 0, extent);
        end = clamp(end, 0, extent);
        range.count = end > range.first ? (end - range.first + step - 1) / step : 0;
    } else {
        range.first = clamp(start, 0, extent - 1);
        end = clamp(end, -1, extent - 1);
        range.count = range.first > end ? (range.first - end - step - 1) / -step : 0;
    }
    return range;
}

static enum dse_status read_ranges(struct graph__import *import, const Onnx__NodeProto *node,
                                   const struct graph__form *form, struct range *ranges,
                                   struct dse_err *err) {
    struct graph__tensor *starts = NULL, *ends = NULL, *axes = NULL, *steps = NULL;
    unsigned seen = 0;
    for (int i = 0; i < form->rank; i++)
        ranges[i] = (struct range){0, 1, form->dims[i]};
    DSE_TRY(graph__get_list(import, node, "starts", 1, &starts, err));
    DSE_TRY(graph__get_list(import, node, "ends", 2, &ends, err));
    DSE_TRY(graph__get_list(import, node, "axes", 3, &axes, err));
    DSE_TRY(graph__input_constant(import, node, 4, DSE_TENSOR_I64, &steps, err));
    if (starts == NULL || ends == NULL || starts->n != ends->n ||
        (axes != NULL && axes->n != starts->n) || (steps != NULL && steps->n != starts->n))
        DSE_FAIL(err, DSE_INVALID, "starts, ends, axes and steps differ in length");
    for (size_t i = 0; i < starts->n; i++) {
        int axis = 0;
        int64_t step = steps == NULL ? 1 : steps->i64[i];
        DSE_TRY(
            graph__resolve_axis(axes == NULL ? (int64_t)i : axes->i64[i], form->rank, &axis, err));
        if ((seen & 1u << axis) != 0)
            DSE_FAIL(err, DSE_INVALID, "axis %d is given twice", axis);
        seen |= 1u << axis;
        if (step == 0)
            DSE_FAIL(err, DSE_INVALID, "step 0");
        step = clamp(step, -INT32_MAX, INT32_MAX); /* beyond any extent: one index */
        ranges[axis] = resolve_range(starts->i64[i], ends->i64[i], step, form->dims[axis]);
    }
    return DSE_OK;
}

/* An image sliced forwards has a node of its own. */
static enum dse_status slice_map(struct graph__import *import, const Onnx__NodeProto *node,
                                 const struct graph__operand *map, const struct range *ranges,
                                 struct dse_err *err) {
    struct dse_node content = {.op = DSE_OP_SLICE, .inputs = {map->value, -1}};
    struct graph__operand result = {
        .form = graph__image_form(ranges[1].count, ranges[2].count, ranges[3].count)};
    static const int memory_axis[4] = {-1, DSE_AXIS_C, DSE_AXIS_H, DSE_AXIS_W};
    for (int axis = 1; axis < 4; axis++) {
        content.slice.start[memory_axis[axis]] = (int)ranges[axis].first;
        content.slice.step[memory_axis[axis]] = (int)ranges[axis].step;
    }
    DSE_TRY(graph__add_node(import, node, &content, &result, err));
    return graph__bind(import, node, 0, &result, err);
}

static enum dse_status slice_axes(struct graph__import *import, const Onnx__NodeProto *node,
                                  const struct graph__operand *data, const struct range *ranges,
                                  struct dse_err *err) {
    struct graph__places places = graph__same_places();
    int64_t dims[GRAPH__MAX_RANK] = {0};
    for (int i = 0; i < data->form.rank; i++) {
        dims[i] = ranges[i].count;
        DSE_TRY(graph__list_places(import, dims[i], &places.places[i], err));
        for (int64_t k = 0; k < dims[i]; k++)
            places.places[i][k] = ranges[i].first + k * ranges[i].step;
    }
    return graph__take_and_bind(import, node, data, &places, 0, dims, err);
}

enum dse_status graph__import_slice(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err) {
    struct graph__operand data;
    struct range ranges[GRAPH__MAX_RANK] = {0};
    bool everything = true, forwards = true;
    DSE_TRY(graph__operand(import, node, 0, &data, err));
    DSE_TRY(read_ranges(import, node, &data.form, ranges, err));
    for (int i = 0; i < data.form.rank; i++) {
        everything = everything && ranges[i].first == 0 && ranges[i].step == 1 &&
                     ranges[i].count == data.form.dims[i];
        forwards = forwards && ranges[i].step > 0 && ranges[i].count > 0;
    }
    if (everything)
        return graph__bind(import, node, 0, &data, err);
    if (data.value >= 0 && graph__is_map(&data.form) && forwards)
        return slice_map(import, node, &data, ranges, err);
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    return slice_axes(import, node, &data, ranges, err);
}

/* ---- Split ---- */

/* Extents of the parts: given, or as equal as they can be with a smaller last one. */
static enum dse_status read_parts(struct graph__import *import, const Onnx__NodeProto *node,
                                  int64_t extent, int64_t *parts, struct dse_err *err) {
    struct graph__tensor *split = NULL;
    int64_t n = (int64_t)node->n_output, count = 0, left = extent;
    DSE_TRY(graph__get_list(import, node, "split", 1, &split, err));
    DSE_TRY(graph__get_int(node, "num_outputs", n, &count, err));
    if (count != n || (split != NULL && split->n != node->n_output))
        DSE_FAIL(err, DSE_INVALID, "it has %lld outputs for another number of parts", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        int64_t part = (extent + n - 1) / n;
        parts[i] = split != NULL ? split->i64[i] : part < left ? part : left;
        if (parts[i] < 0 || parts[i] > left)
            DSE_FAIL(err, DSE_INVALID, "its parts do not fit an axis of %lld", (long long)extent);
        left -= parts[i];
    }
    if (left != 0)
        DSE_FAIL(err, DSE_INVALID, "its parts do not fit an axis of %lld", (long long)extent);
    return DSE_OK;
}

enum dse_status graph__import_split(struct graph__import *import, const Onnx__NodeProto *node,
                                    struct dse_err *err) {
    struct graph__operand data;
    int64_t axis_given = 0, first = 0;
    int axis = 0;
    DSE_TRY(graph__moved_operand(import, node, &data, err));
    DSE_TRY(graph__get_int(node, "axis", 0, &axis_given, err));
    DSE_TRY(graph__resolve_axis(axis_given, data.form.rank, &axis, err));
    int64_t *parts = dse_arena_alloc(&import->arena, node->n_output, sizeof *parts);
    if (parts == NULL)
        DSE_FAIL(err, DSE_NO_MEMORY, "no memory for %zu parts", node->n_output);
    DSE_TRY(read_parts(import, node, data.form.dims[axis], parts, err));
    for (size_t k = 0; k < node->n_output; first += parts[k++]) {
        struct graph__symbol *symbol = graph__names_find(import, graph__text(node->output[k]));
        struct graph__places places = graph__same_places();
        struct graph__operand part = {.form = data.form};
        if (symbol == NULL || symbol->uses == 0)
            continue;
        part.form.dims[axis] = parts[k];
        if (part.form.order == GRAPH__PLAIN)
            part.form = graph__plain_form(part.form.rank, part.form.dims);
        DSE_TRY(graph__list_places(import, parts[k], &places.places[axis], err));
        for (int64_t i = 0; i < parts[k]; i++)
            places.places[axis][i] += first;
        DSE_TRY(graph__take(import, node, &data, &places, 0, &part, err));
        DSE_TRY(graph__bind(import, node, k, &part, err));
    }
    return DSE_OK;
}
