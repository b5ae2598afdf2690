/* The operations of vector_code.h that all AVX2 code shares. */
#include <immintrin.h>
#include <string.h>

#include "evaluator/kernels/vector_internal.h"

#define LANES 8
typedef __m256i V;
typedef __m256 F;
typedef __m256i H;

#define zero_v()            _mm256_setzero_si256()
#define set_v(x)            _mm256_set1_epi32(x)
#define load_v(from)        _mm256_loadu_si256((const __m256i *)(const void *)(from))
#define store_v(to, x)      _mm256_storeu_si256((__m256i *)(void *)(to), (x))
#define add_v(a, b)         _mm256_add_epi32((a), (b))
#define sub_v(a, b)         _mm256_sub_epi32((a), (b))
#define mul_v(a, b)         _mm256_mullo_epi32((a), (b))
#define shift_v(x, n)       _mm256_slli_epi32((x), (n))
#define shift_right_v(x, n) _mm256_srai_epi32((x), (n))
#define to_f(x)             _mm256_cvtepi32_ps(x)
#define as_v(x)             _mm256_castps_si256(x)
#define zero_f()            _mm256_setzero_ps()
#define set_f(x)            _mm256_set1_ps(x)
#define load_f(from)        _mm256_loadu_ps(from)
#define store_f(to, x)      _mm256_storeu_ps((to), (x))
#define add_f(a, b)         _mm256_add_ps((a), (b))
#define sub_f(a, b)         _mm256_sub_ps((a), (b))
#define fma_f(a, b, c)      _mm256_fmadd_ps((a), (b), (c))  /* a b + c */
#define not_fma_f(a, b, c)  _mm256_fnmadd_ps((a), (b), (c)) /* c - a b */
#define mul_f(a, b)         _mm256_mul_ps((a), (b))
#define max_f(a, b)         _mm256_max_ps((a), (b))
#define min_f(a, b)         _mm256_min_ps((a), (b))
#define load_h(from)        load_v(from)
#define store_h(to, x)      store_v((to), (x))
#define widen_bytes(from) \
    _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(from)))
#define add_h(a, b)   _mm256_add_epi16((a), (b))
#define sub_h(a, b)   _mm256_sub_epi16((a), (b))
#define shift_h(x, n) _mm256_slli_epi16((x), (n))
/* Of two vectors. */
#define repeat_eight_bytes(from) \
    _mm256_broadcastq_epi64(_mm_loadl_epi64((const __m128i *)(const void *)(from)))
/* Neighbouring lanes. */
#define exchange_pairs(x)  _mm256_shuffle_epi32((x), 0xb1)
#define lower_halves(a, b) _mm256_permute2x128_si256((a), (b), 0x20)
#define upper_halves(a, b) _mm256_permute2x128_si256((a), (b), 0x31)

/* The lowest byte of each lane. */
static inline __attribute__((always_inline)) void store_bytes(uint8_t *to, V x) {
    const __m128i lowest =
        _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    __m128i low = _mm_shuffle_epi8(_mm256_castsi256_si128(x), lowest);
    __m128i high = _mm_shuffle_epi8(_mm256_extracti128_si256(x, 1), lowest);
    _mm_storel_epi64((__m128i *)(void *)to, _mm_unpacklo_epi32(low, high));
}
