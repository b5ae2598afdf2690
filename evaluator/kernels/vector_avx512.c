/* Integer convolutions with AVX-512 before its vector neural network instructions. A pair of
 * products of bytes is at most 2 x 127 x 127, so that it never saturates. */
#include "evaluator/kernels/vector_avx512_ops.h"

#define VECTOR_CODE kernels__avx512
#define VECTOR_NAME "avx512"
#define dot_bytes(acc, x, w) \
    add_v((acc), _mm512_madd_epi16(_mm512_maddubs_epi16((x), (w)), _mm512_set1_epi16(1)))
#define dot_words(acc, x, w) add_v((acc), _mm512_madd_epi16((x), (w)))

static bool is_present(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

#include "evaluator/kernels/vector_code.h"
