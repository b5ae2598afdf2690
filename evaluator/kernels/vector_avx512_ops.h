/* The operations of vector_code.h that all AVX-512 code shares. */
#include <immintrin.h>
#include <string.h>

#include "evaluator/kernels/vector_internal.h"

#define LANES 16
typedef __m512i V;
typedef __m512 F;
typedef __m512i H;

#define zero_v()            _mm512_setzero_si512()
#define set_v(x)            _mm512_set1_epi32(x)
#define load_v(from)        _mm512_loadu_si512(from)
#define store_v(to, x)      _mm512_storeu_si512((to), (x))
#define add_v(a, b)         _mm512_add_epi32((a), (b))
#define sub_v(a, b)         _mm512_sub_epi32((a), (b))
#define mul_v(a, b)         _mm512_mullo_epi32((a), (b))
#define shift_v(x, n)       _mm512_slli_epi32((x), (n))
#define shift_right_v(x, n) _mm512_srai_epi32((x), (n))
#define to_f(x)             _mm512_cvtepi32_ps(x)
#define as_v(x)             _mm512_castps_si512(x)
#define zero_f()            _mm512_setzero_ps()
#define set_f(x)            _mm512_set1_ps(x)
#define load_f(from)        _mm512_loadu_ps(from)
#define store_f(to, x)      _mm512_storeu_ps((to), (x))
#define add_f(a, b)         _mm512_add_ps((a), (b))
#define sub_f(a, b)         _mm512_sub_ps((a), (b))
#define fma_f(a, b, c)      _mm512_fmadd_ps((a), (b), (c))  /* a b + c */
#define not_fma_f(a, b, c)  _mm512_fnmadd_ps((a), (b), (c)) /* c - a b */
#define mul_f(a, b)         _mm512_mul_ps((a), (b))
#define max_f(a, b)         _mm512_max_ps((a), (b))
#define min_f(a, b)         _mm512_min_ps((a), (b))
/* The lowest byte of each lane. */
#define store_bytes(to, x) _mm_storeu_si128((__m128i *)(void *)(to), _mm512_cvtepi32_epi8(x))
#define load_h(from)       _mm512_loadu_si512(from)
#define store_h(to, x)     _mm512_storeu_si512((to), (x))
#define widen_bytes(from) \
    _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(from)))
#define add_h(a, b)   _mm512_add_epi16((a), (b))
#define sub_h(a, b)   _mm512_sub_epi16((a), (b))
#define shift_h(x, n) _mm512_slli_epi16((x), (n))
/* Of two vectors. */
#define lower_halves(a, b) _mm512_inserti64x4((a), _mm512_castsi512_si256(b), 1)
#define upper_halves(a, b) _mm512_shuffle_i64x2((a), (b), 0xee)
#define repeat_eight_bytes(from) \
    _mm512_broadcastq_epi64(_mm_loadl_epi64((const __m128i *)(const void *)(from)))
/* Neighbouring lanes. */
#define exchange_pairs(x) _mm512_shuffle_epi32((x), 0xb1)
