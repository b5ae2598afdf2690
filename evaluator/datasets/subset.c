/* Which images are used: a run of them, or a share of every class. */
#include <string.h>

#include "evaluator/datasets/datasets_internal.h"

/* A class with its images among those to choose from. */
struct class {
    int n;         /* images */
    int quota;     /* of them to be drawn */
    uint64_t rest; /* of count x n / total: what rounding down has left */
    int start;     /* in members */
};

/* Largest remainder: shares are rounded down, and what is left goes to the largest rests, among
 * equal ones to the lowest class. */
static void set_quotas(struct class *classes, int n_classes, int count, int64_t total) {
    int left = count;
    for (int k = 0; k < n_classes; k++) {
        uint64_t share = (uint64_t)count * (uint64_t)classes[k].n;
        classes[k].quota = (int)(share / (uint64_t)total);
        classes[k].rest = share % (uint64_t)total;
        left -= classes[k].quota;
    }
    for (; left > 0; left--) {
        int best = 0;
        for (int k = 1; k < n_classes; k++)
            if (classes[k].rest > classes[best].rest)
                best = k;
        classes[best].quota++;
        classes[best].rest = 0;
    }
}

/* The first `quota` of a class's images after a shuffle (Fisher and Yates) with the class's own
 * stream; wanted is by image. */
static void draw(const struct class *class, uint64_t seed, uint32_t label, int32_t *members,
                 bool *wanted) {
    struct dse_rng rng;
    dse_rng_init(&rng, seed, DSE_RNG_SUBSET, label, 0);
    for (int i = 0; i < class->quota; i++) {
        int other = i + (int)dse_rng_below(&rng, (uint32_t)(class->n - i));
        int32_t drawn = members[class->start + other];
        members[class->start + other] = members[class->start + i];
        members[class->start + i] = drawn;
        wanted[drawn] = true;
    }
}

static void draw_all(const struct dse_dataset_request *request,
                     const struct datasets__content *content, struct class *classes,
                     int32_t *members, bool *wanted) {
    int start = 0;
    for (int64_t i = request->first; i < content->n; i++)
        classes[content->labels[i]].n++;
    set_quotas(classes, content->classes, request->count, content->n - request->first);
    for (int k = 0; k < content->classes; k++) {
        classes[k].start = start;
        start += classes[k].n;
        classes[k].n = 0;
    }
    for (int64_t i = request->first; i < content->n; i++) {
        struct class *class = &classes[content->labels[i]];
        members[class->start + class->n++] = (int32_t)i;
    }
    for (int k = 0; k < content->classes; k++)
        draw(&classes[k], request->seed, (uint32_t)k, members, wanted);
}

static enum dse_status choose_stratified(const struct dse_dataset_request *request,
                                         const struct datasets__content *content, int32_t *indices,
                                         struct dse_err *err) {
    struct class *classes = dse_alloc((size_t)content->classes, sizeof *classes);
    int32_t *members = dse_alloc((size_t)content->n, sizeof *members);
    bool *wanted = dse_alloc((size_t)content->n, sizeof *wanted);
    enum dse_status status = DSE_OK;
    if (classes == NULL || members == NULL || wanted == NULL)
        status = dse_err_set(err, DSE_NO_MEMORY, "no memory to choose from %lld images",
                             (long long)content->n);
    else
        draw_all(request, content, classes, members, wanted);
    int n = 0;
    for (int64_t i = 0; status == DSE_OK && i < content->n; i++)
        if (wanted[i])
            indices[n++] = (int32_t)i;
    dse_assert(status != DSE_OK || n == request->count);
    dse_free(classes);
    dse_free(members);
    dse_free(wanted);
    return status;
}

enum dse_status datasets__choose(const struct dse_dataset_request *request,
                                 const struct datasets__content *content, int32_t *indices,
                                 struct dse_err *err) {
    if (request->stratified)
        return choose_stratified(request, content, indices, err);
    for (int i = 0; i < request->count; i++)
        indices[i] = request->first + i;
    return DSE_OK;
}
