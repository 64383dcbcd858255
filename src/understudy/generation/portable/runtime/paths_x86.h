/* The sets of instructions of x86-64: AVX-512, with and without VNNI, and AVX2. Included by paths.h. */

#include <immintrin.h>

#if defined(__clang__)
#define WIDE
#else
#define WIDE ",prefer-vector-width=512"
#endif
#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl"

/* AVX-512, with the instructions that multiply and add whole numbers (VNNI) and without. */
#define STORE_512(sum, matrix, row, address)                                                                           \
    _mm512_storeu_ps(address, _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps((matrix)->scales + (row))), \
                                            _mm512_loadu_ps((matrix)->bias + (row))))

#define TARGET __attribute__((target(AVX512 WIDE)))
#define NAME(x) avx512_##x
ORDINARY
#include "cells.h"

#define TARGET __attribute__((target(AVX512 ",avx512vnni")))
#define NAME(x) vnni_whole_##x
#define VECTOR __m512i
#define VECTORS 1
#define LOAD(address) _mm512_loadu_si512(address)
#define SPREAD(address) _mm512_set1_epi32(*(const int32_t *)(address))
#define DOT(sum, x, w) _mm512_dpbusd_epi32(sum, x, w)
#define START(matrix, row) _mm512_loadu_si512((matrix)->corrections + (row))
#define STORE STORE_512
#define PAUSE(sum, address) _mm512_storeu_si512(address, sum)
#define RESUME(address) _mm512_loadu_si512(address)
#define AT_ONCE 2
#define TOGETHER 8
#define ROWS EACH_2
#define STREAMS OVER_8
#define CHAINS 8
#define NOTHING _mm512_setzero_si512()
#define PLUS(one, other) _mm512_add_epi32(one, other)
#include "tiles.h"

#define TARGET __attribute__((target(AVX512)))
#define NAME(x) avx512_whole_##x
#define VECTOR __m512i
#define VECTORS 1
#define LOAD(address) _mm512_loadu_si512(address)
#define SPREAD(address) _mm512_set1_epi32(*(const int32_t *)(address))
#define DOT(sum, x, w) _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)))
#define START(matrix, row) _mm512_loadu_si512((matrix)->corrections + (row))
#define STORE STORE_512
#define PAUSE(sum, address) _mm512_storeu_si512(address, sum)
#define RESUME(address) _mm512_loadu_si512(address)
#define AT_ONCE 4
#define TOGETHER 4
#define ROWS EACH_4
#define STREAMS OVER_4
#define CHAINS 4
#define NOTHING _mm512_setzero_si512()
#define PLUS(one, other) _mm512_add_epi32(one, other)
#include "tiles.h"

#define TARGET __attribute__((target(AVX512)))
#define NAME(x) avx512_real_##x
#define DOT(sum, x, w) _mm512_add_ps(sum, _mm512_mul_ps(x, w))
#include "reals_512.h"

/* The same with a product and its sum rounded once: half as fast again, and other bits. For texts that are scored. */
#define TARGET __attribute__((target(AVX512)))
#define NAME(x) avx512_fused_##x
#define DOT(sum, x, w) _mm512_fmadd_ps(x, w, sum)
#include "reals_512.h"

/* AVX2 alone. */
#define TARGET __attribute__((target("avx2")))
#define NAME(x) avx2_##x
ORDINARY
#include "cells.h"

#define TARGET __attribute__((target("avx2")))
#define NAME(x) avx2_whole_##x
#define VECTOR __m256i
#define VECTORS 2
#define LOAD(address) _mm256_loadu_si256((const __m256i *)(address))
#define SPREAD(address) _mm256_set1_epi32(*(const int32_t *)(address))
#define DOT(sum, x, w) _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)))
#define START(matrix, row) _mm256_loadu_si256((const __m256i *)((matrix)->corrections + (row)))
#define STORE(sum, matrix, row, address)                                                                               \
    _mm256_storeu_ps(address, _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps((matrix)->scales + (row))), \
                                            _mm256_loadu_ps((matrix)->bias + (row))))
#define PAUSE(sum, address) _mm256_storeu_si256((__m256i *)(address), sum)
#define RESUME(address) _mm256_loadu_si256((const __m256i *)(address))
#define AT_ONCE 2
#define TOGETHER 4
#define ROWS EACH_2
#define STREAMS OVER_4
#define CHAINS 4
#define NOTHING _mm256_setzero_si256()
#define PLUS(one, other) _mm256_add_epi32(one, other)
#include "tiles.h"

#define TARGET __attribute__((target("avx2")))
#define NAME(x) avx2_real_##x
#define DOT(sum, x, w) _mm256_add_ps(sum, _mm256_mul_ps(x, w))
#include "reals_256.h"

/* AVX2 with products and sums rounded once (FMA). */
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) avx2_fused_##x
#define DOT(sum, x, w) _mm256_fmadd_ps(x, w, sum)
#include "reals_256.h"
