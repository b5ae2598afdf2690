/* Integer convolutions with AVX2 and the vector neural network instructions of processors without
 * AVX-512. */
#include "evaluator/kernels/vector_avx2_ops.h"

#define VECTOR_CODE          kernels__avx2_vnni
#define VECTOR_NAME          "avx2_vnni"
#define dot_bytes(acc, x, w) _mm256_dpbusd_avx_epi32((acc), (x), (w))
#define dot_words(acc, x, w) _mm256_dpwssd_avx_epi32((acc), (x), (w))

static bool is_present(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           kernels__has_avx_vnni();
}

#include "evaluator/kernels/vector_code.h"
