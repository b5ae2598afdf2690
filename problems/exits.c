/* Early exits: records of images, and thresholds applied to them. */
#include "problems/problems.h"

#include <math.h>
#include <string.h>

/* ---- records ---- */

/* Little-endian: entropy, (confidence - 1) x 2 + correct, nll, brier. A confidence is at least one
 * unit and at most 2^31 of them. */
enum { AT_ENTROPY = 0, AT_CONFIDENCE = 4, AT_NLL = 8, AT_BRIER = 10 };

static void put_bytes(uint64_t value, int n, uint8_t *out) {
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_bytes(const uint8_t *in, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

static int64_t in_units(double x, int bits, int64_t most) {
    double units = nearbyint(ldexp(x, bits));
    return units < 0 ? 0 : units > (double)most ? most : (int64_t)units;
}

void dse_exit_record_write(const struct dse_exit_numbers *numbers, uint8_t *record) {
    int64_t confidence = in_units(numbers->confidence, DSE_TALLY_BITS_CONFIDENCE, INT64_C(1) << 31);
    confidence = confidence < 1 ? 1 : confidence;
    put_bytes((uint64_t)in_units(numbers->entropy, DSE_TALLY_BITS_ENTROPY, UINT32_MAX), 4,
              record + AT_ENTROPY);
    put_bytes((uint64_t)(confidence - 1) << 1 | numbers->correct, 4, record + AT_CONFIDENCE);
    put_bytes((uint64_t)in_units(numbers->nll, DSE_RECORD_BITS_NLL, UINT16_MAX), 2,
              record + AT_NLL);
    put_bytes((uint64_t)in_units(numbers->brier, DSE_RECORD_BITS_BRIER, UINT16_MAX), 2,
              record + AT_BRIER);
}

uint32_t dse_exit_record_entropy(const uint8_t *record) {
    return (uint32_t)get_bytes(record + AT_ENTROPY, 4);
}

bool dse_exit_record_confidence(const uint8_t *record, uint64_t *confidence) {
    uint64_t packed = get_bytes(record + AT_CONFIDENCE, 4);
    *confidence = (packed >> 1) + 1;
    return packed & 1;
}

/* Bin b holds b/n < confidence <= (b+1)/n. */
static int bin_of(int64_t confidence) {
    int64_t one = INT64_C(1) << DSE_TALLY_BITS_CONFIDENCE;
    return (int)((confidence * DSE_TALLY_BINS + one - 1) / one) - 1;
}

static int64_t square_in_units(double x, int bits) {
    return (int64_t)nearbyint(ldexp(x * x, bits));
}

void dse_exit_record_tally(const uint8_t *record, int exit, int n_exits, int sign, int64_t *tally) {
    uint64_t packed = get_bytes(record + AT_CONFIDENCE, 4);
    int64_t entropy = dse_exit_record_entropy(record), confidence = (int64_t)(packed >> 1) + 1;
    int64_t nll = (int64_t)get_bytes(record + AT_NLL, 2);
    int64_t brier = (int64_t)get_bytes(record + AT_BRIER, 2);
    int correct = sign * (int)(packed & 1), bin = bin_of(confidence);
    tally[DSE_TALLY_SEEN] += sign;
    tally[DSE_TALLY_CORRECT] += correct;
#define ADD(word, units, bits)                                                      \
    do {                                                                            \
        double x = ldexp((double)(units), -(bits));                                 \
        tally[DSE_TALLY_##word] += sign * (int64_t)ldexp(x, DSE_TALLY_BITS_##word); \
        tally[DSE_TALLY_##word##_SQUARE] +=                                         \
            sign * square_in_units(x, DSE_TALLY_BITS_##word##_SQUARE);              \
    } while (0)
    ADD(BRIER, brier, DSE_RECORD_BITS_BRIER);
    ADD(NLL, nll, DSE_RECORD_BITS_NLL);
    ADD(ENTROPY, entropy, DSE_TALLY_BITS_ENTROPY);
    ADD(CONFIDENCE, confidence, DSE_TALLY_BITS_CONFIDENCE);
#undef ADD
    tally[DSE_TALLY_BIN_SEEN + bin] += sign;
    tally[DSE_TALLY_BIN_CORRECT + bin] += correct;
    tally[DSE_TALLY_BIN_CONFIDENCE + bin] += sign * confidence;
    tally[DSE_TALLY_CONFIDENCE_CORRECT] += correct * confidence;
    tally[dse_exit_word(DSE_EXIT_LEFT, exit, n_exits)] += sign;
    tally[dse_exit_word(DSE_EXIT_LEFT_CORRECT, exit, n_exits)] += correct;
}

/* ---- the tally of a network with exits ---- */

int dse_exit_tally_size(int n_exits) {
    return DSE_TALLY_SIZE + (n_exits > 1 ? DSE_EXIT_WORDS * n_exits : 0);
}

int dse_exit_word(enum dse_exit_word word, int exit, int n_exits) {
    dse_assert(n_exits > 1 && exit >= 0 && exit < n_exits);
    return DSE_TALLY_SIZE + (int)word * n_exits + exit;
}

/* ---- thresholds ---- */

uint64_t dse_exit_threshold_units(double threshold) {
    /* entropy < threshold, both in units: entropy < ceil(threshold), exactly. */
    double units = ceil(ldexp(threshold, DSE_TALLY_BITS_ENTROPY));
    return !(units > 0)                 ? 0
           : units > (double)UINT32_MAX ? (uint64_t)UINT32_MAX + 1
                                        : (uint64_t)units;
}

static const uint8_t *record_at(const uint8_t *records, size_t image, int exit, int n_exits) {
    return records + (image * (size_t)n_exits + (size_t)exit) * DSE_RECORD_BYTES;
}

/* The exit at which images first..first + n - 1 leave together: mean entropy below the threshold;
 * of one image: its own. */
static int exit_of(const struct dse_exit_policy *policy, const uint64_t *thresholds,
                   const uint8_t *records, size_t first, size_t n) {
    int exit = 0;
    for (; exit < policy->n_exits - 1; exit++) {
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += dse_exit_record_entropy(record_at(records, first + i, exit, policy->n_exits));
        if (sum < thresholds[exit] * n)
            break;
    }
    return exit;
}

static void threshold_units(const struct dse_exit_policy *policy, uint64_t *units) {
    dse_assert(policy->n_exits > 1 && policy->n_exits <= DSE_EXITS_MOST);
    for (int k = 0; k < policy->n_exits - 1; k++)
        units[k] = dse_exit_threshold_units(policy->thresholds[k]);
}

int dse_exit_choose(const struct dse_exit_policy *policy, const uint8_t *records, size_t first,
                    size_t n) {
    uint64_t units[DSE_EXITS_MOST];
    threshold_units(policy, units);
    return exit_of(policy, units, records, first, n);
}

void dse_exits_apply(const struct dse_exit_policy *policy, const uint8_t *records, size_t n,
                     int64_t *tally) {
    uint64_t thresholds[DSE_EXITS_MOST];
    size_t together = policy->batch > 0 ? (size_t)policy->batch : 1;
    threshold_units(policy, thresholds);
    for (size_t first = 0; first < n; first += together) {
        size_t now = n - first < together ? n - first : together;
        int exit = exit_of(policy, thresholds, records, first, now);
        for (size_t i = first; i < first + now; i++)
            dse_exit_record_tally(record_at(records, i, exit, policy->n_exits), exit,
                                  policy->n_exits, 1, tally);
    }
}
