/* Integer convolutions with AVX2. A pair of products of bytes is at most 2 x 127 x 127, so that it
 * never saturates. */
#include "evaluator/kernels/vector_avx2_ops.h"

#define VECTOR_CODE kernels__avx2
#define VECTOR_NAME "avx2"
#define dot_bytes(acc, x, w) \
    add_v((acc), _mm256_madd_epi16(_mm256_maddubs_epi16((x), (w)), _mm256_set1_epi16(1)))
#define dot_words(acc, x, w) add_v((acc), _mm256_madd_epi16((x), (w)))

static bool is_present(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#include "evaluator/kernels/vector_code.h"
