/* Integer convolutions with AVX-512 and its vector neural network instructions. */
#include "evaluator/kernels/vector_avx512_ops.h"

#define VECTOR_CODE          kernels__avx512_vnni
#define VECTOR_NAME          "avx512_vnni"
#define dot_bytes(acc, x, w) _mm512_dpbusd_epi32((acc), (x), (w))
#define dot_words(acc, x, w) _mm512_dpwssd_epi32((acc), (x), (w))

static bool is_present(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

#include "evaluator/kernels/vector_code.h"
