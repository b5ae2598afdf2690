/* Dropout masks and their use. The plain C code is the definition; the vector code computes the
 * same Philox blocks, eight or four at a time. */
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "evaluator/kernels/kernels.h"

/* 16-bit numbers of a Philox block of 128 bits; blocks of a 64-bit word of mask. */
enum { BLOCK_ELEMENTS = 8, WORD_ELEMENTS = 64, WORD_BLOCKS = WORD_ELEMENTS / BLOCK_ELEMENTS };

static uint32_t place_of(const struct dse_dropout *dropout) {
    return (uint32_t)dropout->site << 16 | dropout->pass;
}

/* ---- bits ---- */

static void bits_plain(const struct dse_dropout *dropout, size_t first_word, size_t n_words,
                       uint64_t *keep) {
    const uint32_t key[2] = {(uint32_t)dropout->seed, (uint32_t)(dropout->seed >> 32)};
    uint32_t counter[4] = {0, DSE_RNG_DROPOUT, dropout->image, place_of(dropout)}, block[4];
    for (size_t w = first_word; w < first_word + n_words; w++) {
        uint64_t bits = 0;
        for (unsigned b = 0; b < WORD_BLOCKS; b++) {
            counter[0] = (uint32_t)(w * WORD_BLOCKS + b);
            dse_philox4x32(key, counter, block);
            for (unsigned i = 0; i < BLOCK_ELEMENTS; i++) {
                uint32_t u = block[i / 2] >> (i % 2 * 16) & 0xffff;
                bits |= (uint64_t)(u >= dropout->rate) << (b * BLOCK_ELEMENTS + i);
            }
        }
        keep[w] = bits;
    }
}

#ifdef __x86_64__
/* As base/random.c: multipliers and Weyl constants of Philox 4x32. */
enum { ROUNDS = 10 };
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u
#define PHILOX_W1 0xBB67AE85u

/* Eight blocks in the low halves of 64-bit lanes; multiplication reads only these. Even lanes hold
 * blocks 0..3 and odd lanes 4..7, so that unpacking puts the blocks in a row. */
__attribute__((target("avx512f,avx512bw"))) static void
bits_avx512(const struct dse_dropout *dropout, size_t first_word, size_t n_words, uint64_t *keep) {
    const __m512i m0 = _mm512_set1_epi64(PHILOX_M0), m1 = _mm512_set1_epi64(PHILOX_M1);
    const __m512i low = _mm512_set1_epi64(0xffffffff);
    const __m512i rate = _mm512_set1_epi16((short)dropout->rate);
    const __m512i lanes = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
    for (size_t w = first_word; w < first_word + n_words; w++) {
        uint32_t k0 = (uint32_t)dropout->seed, k1 = (uint32_t)(dropout->seed >> 32);
        __m512i c0 = _mm512_add_epi64(_mm512_set1_epi64((long long)(w * WORD_BLOCKS)), lanes);
        __m512i c1 = _mm512_set1_epi64(DSE_RNG_DROPOUT);
        __m512i c2 = _mm512_set1_epi64(dropout->image), c3 = _mm512_set1_epi64(place_of(dropout));
        for (int round = 0; round < ROUNDS; round++, k0 += PHILOX_W0, k1 += PHILOX_W1) {
            __m512i p0 = _mm512_mul_epu32(m0, c0), p1 = _mm512_mul_epu32(m1, c2);
            c0 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(p1, 32), c1),
                                  _mm512_set1_epi64(k0));
            c2 = _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64(p0, 32), c3),
                                  _mm512_set1_epi64(k1));
            c1 = p1;
            c3 = p0;
        }
        __m512i a = _mm512_or_si512(_mm512_and_si512(c0, low), _mm512_slli_epi64(c1, 32));
        __m512i b = _mm512_or_si512(_mm512_and_si512(c2, low), _mm512_slli_epi64(c3, 32));
        uint64_t first = _mm512_cmpge_epu16_mask(_mm512_unpacklo_epi64(a, b), rate);
        uint64_t second = _mm512_cmpge_epu16_mask(_mm512_unpackhi_epi64(a, b), rate);
        keep[w] = first | second << 32;
    }
}

/* Blocks `first`..first + 3 at once: 32 elements, a bit each. */
__attribute__((target("avx2"))) static uint32_t half_word_avx2(const struct dse_dropout *dropout,
                                                               uint32_t first) {
    const __m256i m0 = _mm256_set1_epi64x(PHILOX_M0), m1 = _mm256_set1_epi64x(PHILOX_M1);
    const __m256i low = _mm256_set1_epi64x(0xffffffff);
    const __m256i rate = _mm256_set1_epi16((short)dropout->rate);
    uint32_t k0 = (uint32_t)dropout->seed, k1 = (uint32_t)(dropout->seed >> 32);
    __m256i c0 = _mm256_add_epi64(_mm256_set1_epi64x(first), _mm256_set_epi64x(3, 1, 2, 0));
    __m256i c1 = _mm256_set1_epi64x(DSE_RNG_DROPOUT);
    __m256i c2 = _mm256_set1_epi64x(dropout->image), c3 = _mm256_set1_epi64x(place_of(dropout));
    for (int round = 0; round < ROUNDS; round++, k0 += PHILOX_W0, k1 += PHILOX_W1) {
        __m256i p0 = _mm256_mul_epu32(m0, c0), p1 = _mm256_mul_epu32(m1, c2);
        c0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1),
                              _mm256_set1_epi64x(k0));
        c2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3),
                              _mm256_set1_epi64x(k1));
        c1 = p1;
        c3 = p0;
    }
    __m256i a = _mm256_or_si256(_mm256_and_si256(c0, low), _mm256_slli_epi64(c1, 32));
    __m256i b = _mm256_or_si256(_mm256_and_si256(c2, low), _mm256_slli_epi64(c3, 32));
    __m256i u = _mm256_unpacklo_epi64(a, b), v = _mm256_unpackhi_epi64(a, b);
    u = _mm256_cmpeq_epi16(_mm256_max_epu16(u, rate), u);
    v = _mm256_cmpeq_epi16(_mm256_max_epu16(v, rate), v);
    enum { IN_ORDER = 0xd8 }; /* packing works in each half: put its quarters 0 2 1 3 */
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_permute4x64_epi64(_mm256_packs_epi16(u, v), IN_ORDER));
}

static void bits_avx2(const struct dse_dropout *dropout, size_t first_word, size_t n_words,
                      uint64_t *keep) {
    for (size_t w = first_word; w < first_word + n_words; w++) {
        uint32_t block = (uint32_t)(w * WORD_BLOCKS);
        keep[w] = half_word_avx2(dropout, block) |
                  (uint64_t)half_word_avx2(dropout, block + WORD_BLOCKS / 2) << 32;
    }
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2");
}
#endif

static bool has_c(void) {
    return true;
}

static const struct dse_dropout_code codes[] = {
#ifdef __x86_64__
    {"avx512", has_avx512, bits_avx512},
    {"avx2", has_avx2, bits_avx2},
#endif
    {"c", has_c, bits_plain},
};

const struct dse_dropout_code *dse_dropout_code_table(int *n_codes) {
    *n_codes = (int)(sizeof codes / sizeof codes[0]);
    return codes;
}

void dse_dropout_bits(const struct dse_dropout *dropout, size_t n, uint64_t *keep) {
    dse_assert(dropout->rate < DSE_DROPOUT_STEPS);
    size_t n_words = (n + WORD_ELEMENTS - 1) / WORD_ELEMENTS;
    const struct dse_dropout_code *code = codes;
    while (!code->supported())
        code++;
    code->bits(dropout, 0, n_words, keep);
}

uint32_t dse_dropout_steps(double rate) {
    dse_assert(rate >= 0 && rate < 1);
    double steps = rate * DSE_DROPOUT_STEPS;
    uint32_t whole = (uint32_t)(steps + 0.5);
    return whole < DSE_DROPOUT_STEPS ? whole : DSE_DROPOUT_STEPS - 1;
}

float dse_dropout_factor(uint32_t rate) {
    return (float)DSE_DROPOUT_STEPS / (float)(DSE_DROPOUT_STEPS - rate);
}

/* ---- use ---- */

static bool kept(const uint64_t *keep, size_t element) {
    return keep[element / WORD_ELEMENTS] >> (element % WORD_ELEMENTS) & 1;
}

/* 0xff in byte i of the word where bit i is set: each byte gets all bits and keeps its own. */
static uint64_t spread_bits(uint64_t bits) {
    uint64_t own = bits * 0x0101010101010101u & 0x8040201008040201u;
    uint64_t set = (own + 0x7f7f7f7f7f7f7f7fu) | own; /* top bit of each byte that is not 0 */
    return (set >> 7 & 0x0101010101010101u) * 0xff;
}

static void mask_u8_plain(const uint8_t *restrict q, size_t first, size_t n, const uint64_t *keep,
                          uint8_t *restrict out) {
    size_t i = first;
    for (; i + BLOCK_ELEMENTS <= n; i += BLOCK_ELEMENTS) {
        uint64_t bytes;
        memcpy(&bytes, q + i, sizeof bytes);
        bytes &= spread_bits(keep[i / WORD_ELEMENTS] >> (i % WORD_ELEMENTS) & 0xff);
        memcpy(out + i, &bytes, sizeof bytes);
    }
    for (; i < n; i++)
        out[i] = kept(keep, i) ? q[i] : 0;
}

#ifdef __x86_64__
__attribute__((target("avx512f,avx512bw"))) static size_t
mask_u8_avx512(const uint8_t *restrict q, size_t n, const uint64_t *keep, uint8_t *restrict out) {
    size_t whole = n - n % WORD_ELEMENTS;
    for (size_t i = 0; i < whole; i += WORD_ELEMENTS)
        _mm512_storeu_si512(out + i, _mm512_maskz_loadu_epi8(keep[i / WORD_ELEMENTS], q + i));
    return whole;
}
#endif

void dse_dropout_u8(const uint8_t *q, size_t n, const uint64_t *keep, uint8_t *out) {
    size_t done = 0;
#ifdef __x86_64__
    if (has_avx512())
        done = mask_u8_avx512(q, n, keep, out);
#endif
    mask_u8_plain(q, done, n, keep, out);
}

void dse_dropout_split_u8(const uint8_t *q, size_t pixels, int c, const uint64_t *keep,
                          uint8_t *out) {
    size_t channels = (size_t)c;
    for (size_t p = 0; p < pixels; p++, q += 2 * channels, out += 2 * channels)
        for (size_t i = 0; i < channels; i++) {
            bool stays = kept(keep, p * channels + i);
            out[i] = stays ? q[i] : 0;
            out[channels + i] = stays ? q[channels + i] : 0;
        }
}

void dse_dropout_f32(const float *x, size_t n, const uint64_t *keep, float factor, float *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = kept(keep, i) ? x[i] * factor : 0.0f;
}
