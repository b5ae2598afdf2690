/* What people ask of early exits: where images left, how sure they were, and how often the surest
 * are wrong. */
#include <math.h>
#include <stdlib.h>

#include "problems/problems.h"

static const double coverages[DSE_EXIT_COVERAGES] = {0.5, 0.7, 0.8, 0.9, 1};

double dse_exit_coverage(int index) {
    dse_assert(index >= 0 && index < DSE_EXIT_COVERAGES);
    return coverages[index];
}

static int compare_words(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of n sorted words, linear between them. */
static double quantile(const uint64_t *sorted, size_t n, double share) {
    double at = share * (double)(n - 1);
    size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
    return (double)sorted[low] + (at - (double)low) * ((double)sorted[high] - (double)sorted[low]);
}

/* words: how unsure, then whether wrong, so that among equally sure images the wrong come last. */
static double risk_at(const uint64_t *sorted, size_t n, double coverage) {
    size_t kept = (size_t)ceil(coverage * (double)n), wrong = 0;
    for (size_t i = 0; i < kept; i++)
        wrong += sorted[i] & 1;
    return (double)wrong / (double)kept;
}

enum dse_status dse_exit_summarize(const struct dse_exit_policy *policy,
                                   const struct dse_exit_images *images,
                                   struct dse_exit_summary *summary, struct dse_err *err) {
    enum { QUARTERS = DSE_EXIT_QUARTILES - 1 };
    size_t n = images->n_images * (size_t)images->n_cells;
    struct dse_exit_summary made = {.left = {0}};
    uint64_t *entropies = dse_alloc(2 * n, sizeof *entropies), *doubts = entropies + n;
    if (entropies == NULL || n == 0) {
        dse_free(entropies);
        DSE_FAIL(err, n == 0 ? DSE_NOT_FOUND : DSE_NO_MEMORY, "no records to look at");
    }
    for (size_t first = 0; first < n;) {
        size_t cell_left = images->n_images - first % images->n_images;
        size_t together = policy->batch > 0 ? (size_t)policy->batch : 1;
        size_t now = together < cell_left ? together : cell_left;
        int exit = dse_exit_choose(policy, images->records, first, now);
        for (size_t i = first; i < first + now; i++) {
            const uint8_t *record =
                images->records + (i * (size_t)images->n_exits + (size_t)exit) * DSE_RECORD_BYTES;
            uint64_t confidence = 0;
            bool correct = dse_exit_record_confidence(record, &confidence);
            entropies[i] = dse_exit_record_entropy(record);
            doubts[i] = (((uint64_t)1 << DSE_TALLY_BITS_CONFIDENCE) - confidence) << 1 | !correct;
            made.left[exit]++;
            made.left_correct[exit] += correct;
        }
        first += now;
    }
    qsort(entropies, n, sizeof *entropies, compare_words);
    qsort(doubts, n, sizeof *doubts, compare_words);
    for (int q = 0; q <= QUARTERS; q++)
        made.entropies[q] =
            ldexp(quantile(entropies, n, (double)q / QUARTERS), -DSE_TALLY_BITS_ENTROPY);
    for (int c = 0; c < DSE_EXIT_COVERAGES; c++)
        made.risks[c] = risk_at(doubts, n, coverages[c]);
    dse_free(entropies);
    *summary = made;
    return DSE_OK;
}
