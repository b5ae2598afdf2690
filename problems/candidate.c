/* Candidates, and what is found of them. */
#include "problems/problems.h"

enum dse_status dse_candidate_init(struct dse_candidate *candidate, int n_layers, int most_genes,
                                   struct dse_err *err) {
    dse_assert(n_layers >= 0 && most_genes >= 0);
    int *bits = dse_alloc(3 * (size_t)n_layers, sizeof *bits);
    double *genes = dse_alloc((size_t)most_genes, sizeof *genes);
    if (bits == NULL || genes == NULL) {
        dse_free(bits);
        dse_free(genes);
        DSE_FAIL(err, DSE_NO_MEMORY, "out of memory for a candidate of %d layers", n_layers);
    }
    *candidate = (struct dse_candidate){.n_layers = n_layers,
                                        .input_bits = bits,
                                        .weight_bits = bits + n_layers,
                                        .dropout = bits + 2 * (size_t)n_layers,
                                        .passes = 1,
                                        .genes = genes};
    return DSE_OK;
}

void dse_candidate_print(const struct dse_candidate *candidate, struct dse_buf *out) {
    bool drops = false;
    for (int i = 0; i < candidate->n_layers; i++) {
        dse_buf_printf(out, "%s%d,%d", i == 0 ? "[" : ",", candidate->input_bits[i],
                       candidate->weight_bits[i]);
        drops = drops || (candidate->dropout != NULL && candidate->dropout[i] > 0);
    }
    dse_buf_puts(out, candidate->n_layers > 0 ? "]" : "[]");
    for (int i = 0; drops && i < candidate->n_layers; i++)
        dse_buf_printf(out, "%s%d", i == 0 ? "+[" : ",", candidate->dropout[i]);
    if (drops)
        dse_buf_printf(out, "]x%d", candidate->passes);
}

void dse_candidate_fini(struct dse_candidate *candidate) {
    dse_free(candidate->input_bits); /* one block for all three */
    dse_free(candidate->genes);
    *candidate = (struct dse_candidate){0};
}

bool dse_tally_add(int64_t *sum, const int64_t *addend, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(sum[i], addend[i], &sum[i]))
            return false;
    return true;
}

bool dse_tally_possible(const int64_t *tally, int size) {
    for (int i = 0; i < size; i++)
        if (tally[i] < 0)
            return false;
    return size >= DSE_TALLY_LEAST && tally[DSE_TALLY_CORRECT] <= tally[DSE_TALLY_SEEN];
}
