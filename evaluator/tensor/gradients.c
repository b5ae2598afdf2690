/* Gradients of the operators: what a gradient of the result means for the sources. */
#include "evaluator/tensor/tensor_internal.h"

/* ---- TAKE, RESAMPLE: back to where the numbers came from ---- */

static int64_t numbers_below(const struct dse_tensor_op *op, int axis) {
    int64_t n = 1;
    for (int k = axis + 1; k < op->take.rank; k++)
        n *= op->take.axes[k].extent;
    return n;
}

static int64_t offset_of(const struct dse_tensor_axis *axis, int64_t i, int tap) {
    return axis->offsets == NULL ? i * axis->stride : axis->offsets[i * axis->taps + tap];
}

static int taps_of(const struct dse_tensor_axis *axis) {
    return axis->offsets == NULL ? 1 : axis->taps;
}

/* A number with a tap outside of the source is the operator's fill. */
static bool is_inside(const struct dse_tensor_axis *axis, int64_t i) {
    for (int tap = 0; tap < taps_of(axis); tap++)
        if (offset_of(axis, i, tap) == DSE_TENSOR_OUTSIDE)
            return false;
    return true;
}

/* Depth first through the axes; there are at most DSE_TENSOR_MAX_RANK. */
static void scatter(const struct dse_tensor_op *op, int index, float weight, const float *dy,
                    float *da) {
    if (index == op->take.rank) {
        *da += weight * *dy;
        return;
    }
    const struct dse_tensor_axis *axis = &op->take.axes[index];
    int64_t below = numbers_below(op, index);
    for (int64_t i = 0; i < axis->extent; i++, dy += below)
        for (int tap = 0; is_inside(axis, i) && tap < taps_of(axis); tap++) {
            float share = axis->weights == NULL ? 1.0f : axis->weights[i * axis->taps + tap];
            scatter(op, index + 1, weight * share, dy, da + offset_of(axis, i, tap));
        }
}

static void give_taken(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    if (pass->da != NULL)
        scatter(op, 0, 1.0f, pass->dy, pass->da + op->take.first);
}

/* ---- PUT: the part to a, the rest to the value before it ---- */

static void give_parts(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    int64_t part = op->put.part, row = op->put.row, first = op->put.first;
    for (int64_t r = 0; r < op->put.rows; r++)
        for (int64_t i = 0; i < row; i++) {
            bool in_part = i >= first && i < first + part;
            if (in_part && pass->da != NULL)
                pass->da[r * part + i - first] += pass->dy[r * row + i];
            else if (!in_part && pass->db != NULL)
                pass->db[r * row + i] += pass->dy[r * row + i];
        }
}

/* ---- BINARY ---- */

/* Derivatives of one number of the result. */
struct slopes {
    float a, b;
};

static struct slopes slopes_of(enum dse_tensor_binary how, float p, float q) {
    switch (how) {
    case DSE_TENSOR_ADD:
        return (struct slopes){1.0f, 1.0f};
    case DSE_TENSOR_SUB:
        return (struct slopes){1.0f, -1.0f};
    case DSE_TENSOR_MUL:
        return (struct slopes){q, p};
    case DSE_TENSOR_DIV:
        return (struct slopes){1.0f / q, -p / (q * q)};
    case DSE_TENSOR_PRELU:
        return p < 0.0f ? (struct slopes){q, p} : (struct slopes){1.0f, 0.0f};
    default:
        dse_assert(how == DSE_TENSOR_SCALE);
        return (struct slopes){q, p};
    }
}

static void give_binary(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    const struct dse_tensor_loop *loop = &op->binary.loop;
    struct tensor__walk walk = {0};
    const float *dy = pass->dy;
    do {
        struct slopes slopes = slopes_of(op->binary.how, pass->a[walk.a], pass->b[walk.b]);
        if (pass->da != NULL)
            pass->da[walk.a] += *dy * slopes.a;
        if (pass->db != NULL)
            pass->db[walk.b] += *dy * slopes.b;
        dy++;
    } while (tensor__next(loop, loop->rank, &walk));
}

/* ---- sums ---- */

static void give_factors(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    const struct dse_tensor_loop *loop = &op->matmul.loop;
    struct tensor__walk walk = {0};
    const float *dy = pass->dy;
    do {
        for (int64_t m = 0; m < op->matmul.m; m++, dy += op->matmul.n)
            for (int64_t k = 0; k < op->matmul.k; k++) {
                int64_t at = walk.a + m * op->matmul.a_m + k * op->matmul.a_k;
                int64_t row = walk.b + k * op->matmul.b_k;
                float sum = 0;
                for (int64_t n = 0; n < op->matmul.n; n++)
                    sum += dy[n] * pass->b[row + n * op->matmul.b_n];
                if (pass->da != NULL)
                    pass->da[at] += sum;
                for (int64_t n = 0; n < op->matmul.n && pass->db != NULL; n++)
                    pass->db[row + n * op->matmul.b_n] += dy[n] * pass->a[at];
            }
    } while (tensor__next(loop, loop->rank, &walk));
}

static void give_mean(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    const struct dse_tensor_loop *kept = &op->reduce.kept, *over = &op->reduce.over;
    struct tensor__walk at = {0}, walk = {0};
    const float *dy = pass->dy;
    float share = 1.0f / (float)tensor__count_places(over);
    if (pass->da == NULL)
        return;
    do {
        do
            pass->da[at.a + walk.a] += *dy * share;
        while (tensor__next(over, over->rank, &walk));
        dy++;
    } while (tensor__next(kept, kept->rank, &at));
}

/* y (dy - sum of dy y) */
static void give_softened(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    const struct dse_tensor_loop *kept = &op->reduce.kept, *over = &op->reduce.over;
    struct tensor__walk at = {0}, walk = {0};
    if (pass->da == NULL)
        return;
    do {
        double sum = 0;
        do
            sum += (double)pass->dy[at.a + walk.a] * (double)pass->y[at.a + walk.a];
        while (tensor__next(over, over->rank, &walk));
        do {
            int64_t i = at.a + walk.a;
            pass->da[i] += pass->y[i] * (float)((double)pass->dy[i] - sum);
        } while (tensor__next(over, over->rank, &walk));
    } while (tensor__next(kept, kept->rank, &at));
}

void dse_tensor_gradients(const struct dse_tensor_op *op, const struct dse_tensor_pass *pass) {
    static void (*const give[DSE_TENSOR_KINDS])(const struct dse_tensor_op *,
                                                const struct dse_tensor_pass *) = {
        [DSE_TENSOR_TAKE] = give_taken,       [DSE_TENSOR_RESAMPLE] = give_taken,
        [DSE_TENSOR_PUT] = give_parts,        [DSE_TENSOR_BINARY] = give_binary,
        [DSE_TENSOR_MATMUL] = give_factors,   [DSE_TENSOR_MEAN] = give_mean,
        [DSE_TENSOR_SOFTMAX] = give_softened,
    };
    struct dse_tensor_pass known = *pass;
    dse_assert(op->type == DSE_TENSOR_F32);
    if (op->constant_source == 0)
        known.a = op->constant;
    else if (op->constant_source == 1)
        known.b = op->constant;
    if (op->n > 0)
        give[op->kind](op, &known);
}
