/* The sets of instructions: for each, the product of whole and of real numbers, and the equations. */

#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLLED _Pragma("GCC unroll 16")
#else
#define UNROLLED
#endif
#define INLINE inline __attribute__((always_inline))
#define PREFETCH(address) __builtin_prefetch(address)
enum { CHUNK = 64, AHEAD = 4096, BLOCK = 16, MIDDLE = STATE_LEVELS };

/* A matrix as it lies in the engine: rows in segments (a gate, or the logits), each filled up with zeros to whole blocks. */
typedef struct {
    const char *numbers;
    const float *scales, *bias; /* no scales where the numbers are real */
    const int32_t *corrections; /* what the middle that is added to the state's numbers adds to each sum, taken away */
} Matrix;

typedef struct {
    void (*whole)(const Matrix *, size_t, size_t, size_t, const char *, size_t, float *, size_t, size_t);
    void (*real)(const Matrix *, size_t, size_t, size_t, const char *, size_t, float *, size_t, size_t);
    void (*gru)(const float *, const float *, float *, size_t, size_t, size_t);
    void (*lstm)(const float *, const float *, float *, float *, size_t, size_t, size_t);
    void (*rounded)(const float *, uint8_t *, int, size_t, size_t);
    void (*looked_up)(const int8_t *, float, float *, size_t, size_t);
    void (*with_ngram)(float, const float *, float *, size_t, size_t);
    uint32_t (*drawn)(const float *, size_t, const Choice *, double, double *, uint32_t *);
    float (*quantised)(const float *, int8_t *, float, size_t);
    void (*folded)(const float *, const float *, const float *, float *, size_t, size_t, size_t);
    int middle;  /* added to a state's whole numbers */
    int blocked; /* whether whole numbers lie in blocks; else row by row */
} Path;

/* What is done once when a model is taken: rows in eight bits, and the folded table. */
enum { FOLDED_AT_ONCE = 64 };

#define ORDINARY                                                                                                          \
    TARGET static uint32_t NAME(draw)(const float *logits, size_t V, const Choice *choice, double u, double *weights,  \
                                      uint32_t *heap)                                                                  \
    {                                                                                                                  \
        return drawn(logits, V, choice, u, weights, heap);                                                             \
    }                                                                                                                  \
    TARGET static float NAME(quantised)(const float *restrict row, int8_t *restrict to, float levels, size_t inner)    \
    {                                                                                                                  \
        uint32_t largest = 0;                                                                                          \
        float most, scale;                                                                                             \
        size_t k;                                                                                                      \
        for (k = 0; k < inner; k++) { /* positive numbers are in the order of their bits */                            \
            uint32_t bits;                                                                                             \
            memcpy(&bits, row + k, sizeof bits);                                                                       \
            bits &= 0x7fffffff;                                                                                        \
            largest = bits > largest ? bits : largest;                                                                 \
        }                                                                                                              \
        memcpy(&most, &largest, sizeof most);                                                                          \
        scale = most / levels;                                                                                         \
        scale = scale > 0x1p-100f ? scale : 0x1p-100f;                                                                 \
        for (k = 0; k < inner; k++)                                                                                    \
            to[k] = (int8_t)(int32_t)(held(row[k] / scale, -levels, levels) + 12582912.0f - 12582912.0f);              \
        return scale;                                                                                                  \
    }                                                                                                                  \
    TARGET static void NAME(folded)(const float *restrict vector, const float *restrict weight,                        \
                                    const float *restrict bias, float *restrict to, size_t E, size_t stride, size_t N) \
    {                                                                                                                  \
        double sums[FOLDED_AT_ONCE] = {0};                                                                             \
        size_t k, n;                                                                                                   \
        for (k = 0; k < E; k++)                                                                                        \
            for (n = 0; n < N; n++)                                                                                    \
                sums[n] += (double)vector[k] * (double)weight[k * stride + n];                                         \
        for (n = 0; n < N; n++)                                                                                        \
            to[n] = (float)(sums[n] + (double)bias[n]);                                                                \
    }
#define PATH(path, middle, blocked)                                                                                    \
    {path##_whole_multiply, path##_real_multiply, path##_gru, path##_lstm, path##_rounded, path##_looked_up,            \
     path##_with_ngram, path##_draw, path##_quantised, path##_folded, middle, blocked}

/* Plain C: whole numbers row by row; real ones in blocks, whose lanes compilers find. */
#define TARGET
#define NAME(x) plain_##x
ORDINARY
#include "cells.h"

static void plain_whole_multiply(const Matrix *matrix, size_t steps, size_t from, size_t to, const char *x,
                                 size_t x_stride, float *y, size_t y_stride, size_t streams)
{
    const size_t inner = 4 * steps;
    size_t n, s;
    for (n = from * BLOCK; n < to * BLOCK; n++)
        for (s = 0; s < streams; s++) {
            const int32_t sum = dot((const int8_t *)matrix->numbers + n * inner, (const int8_t *)x + s * x_stride, inner);
            y[s * y_stride + n] = (float)sum * matrix->scales[n] + matrix->bias[n];
        }
}

static void plain_real_multiply(const Matrix *matrix, size_t steps, size_t from, size_t to, const char *x,
                                size_t x_stride, float *y, size_t y_stride, size_t streams)
{
    size_t block, s, k, i;
    for (block = from; block < to; block++)
        for (s = 0; s < streams; s++) {
            const float *w = (const float *)matrix->numbers + block * steps * BLOCK;
            const float *given = (const float *)(x + s * x_stride);
            float sums[BLOCK] = {0};
            for (k = 0; k < steps; k++)
                for (i = 0; i < BLOCK; i++)
                    sums[i] += w[k * BLOCK + i] * given[k];
            for (i = 0; i < BLOCK; i++)
                y[s * y_stride + block * BLOCK + i] = sums[i] + matrix->bias[block * BLOCK + i];
        }
}

#if defined(__x86_64__) && (defined(__clang__) ? __clang_major__ >= 9 : defined(__GNUC__) && __GNUC__ >= 9)
#define HAVE_X86
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
#define VECTOR __m512
#define VECTORS 1
#define LOAD(address) _mm512_loadu_ps(address)
#define SPREAD(address) _mm512_set1_ps(*(const float *)(address))
#define DOT(sum, x, w) _mm512_add_ps(sum, _mm512_mul_ps(x, w))
#define START(matrix, row) _mm512_setzero_ps()
#define STORE(sum, matrix, row, address) _mm512_storeu_ps(address, _mm512_add_ps(sum, _mm512_loadu_ps((matrix)->bias + (row))))
#define PAUSE(sum, address) _mm512_storeu_ps(address, sum)
#define RESUME(address) _mm512_loadu_ps(address)
#define AT_ONCE 4
#define TOGETHER 6
#define ROWS EACH_4
#define STREAMS OVER_6
#define CHAINS 1
#include "tiles.h"

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
#define VECTOR __m256
#define VECTORS 2
#define LOAD(address) _mm256_loadu_ps((const float *)(address))
#define SPREAD(address) _mm256_set1_ps(*(const float *)(address))
#define DOT(sum, x, w) _mm256_add_ps(sum, _mm256_mul_ps(x, w))
#define START(matrix, row) _mm256_setzero_ps()
#define STORE(sum, matrix, row, address) _mm256_storeu_ps(address, _mm256_add_ps(sum, _mm256_loadu_ps((matrix)->bias + (row))))
#define PAUSE(sum, address) _mm256_storeu_ps(address, sum)
#define RESUME(address) _mm256_loadu_ps(address)
#define AT_ONCE 2
#define TOGETHER 6
#define ROWS EACH_2
#define STREAMS OVER_6
#define CHAINS 1
#include "tiles.h"
#endif

#if defined(__aarch64__) && defined(__GNUC__)
#define HAVE_NEON
#include <arm_neon.h>

#define TARGET
#define NAME(x) neon_##x
ORDINARY
#include "cells.h"

/* Four rows' four products each, pair by pair: 2 * 64 * 127 fits 16 bits. */
static INLINE int32x4_t neon_dot(int32x4_t sum, int32x4_t x, int32x4_t w)
{
    const int8x16_t q = vreinterpretq_s8_s32(x), row = vreinterpretq_s8_s32(w);
    const int16x8_t low = vmull_s8(vget_low_s8(q), vget_low_s8(row)), high = vmull_high_s8(q, row);
    return vpadalq_s16(sum, vpaddq_s16(low, high));
}

#define TARGET
#define NAME(x) neon_whole_##x
#define VECTOR int32x4_t
#define VECTORS 4
#define LOAD(address) vld1q_s32((const int32_t *)(address))
#define SPREAD(address) vld1q_dup_s32((const int32_t *)(address))
#define DOT(sum, x, w) neon_dot(sum, x, w)
#define START(matrix, row) vdupq_n_s32(0)
#define STORE(sum, matrix, row, address)                                                                               \
    vst1q_f32(address, vaddq_f32(vmulq_f32(vcvtq_f32_s32(sum), vld1q_f32((matrix)->scales + (row))),                   \
                                 vld1q_f32((matrix)->bias + (row))))
#define PAUSE(sum, address) vst1q_s32((int32_t *)(address), sum)
#define RESUME(address) vld1q_s32((const int32_t *)(address))
#define AT_ONCE 4
#define TOGETHER 4
#define ROWS EACH_4
#define STREAMS OVER_4
#define CHAINS 4
#define NOTHING vdupq_n_s32(0)
#define PLUS(one, other) vaddq_s32(one, other)
#include "tiles.h"

#define TARGET
#define NAME(x) neon_real_##x
#define VECTOR float32x4_t
#define VECTORS 4
#define LOAD(address) vld1q_f32((const float *)(address))
#define SPREAD(address) vld1q_dup_f32((const float *)(address))
#define DOT(sum, x, w) vaddq_f32(sum, vmulq_f32(x, w))
#define START(matrix, row) vdupq_n_f32(0)
#define STORE(sum, matrix, row, address) vst1q_f32(address, vaddq_f32(sum, vld1q_f32((matrix)->bias + (row))))
#define PAUSE(sum, address) vst1q_f32(address, sum)
#define RESUME(address) vld1q_f32(address)
#define AT_ONCE 4
#define TOGETHER 4
#define ROWS EACH_4
#define STREAMS OVER_4
#define CHAINS 1
#include "tiles.h"
#endif

enum { PLAIN, NEON, AVX2, AVX512_ALONE, AVX512_VNNI, PATHS };

static const Path paths[PATHS] = {
    PATH(plain, 0, 0),
#ifdef HAVE_NEON
    [NEON] = PATH(neon, 0, 1),
#endif
#ifdef HAVE_X86
    [AVX2] = PATH(avx2, MIDDLE, 1),
    [AVX512_ALONE] = PATH(avx512, MIDDLE, 1),
    [AVX512_VNNI] = {vnni_whole_multiply, avx512_real_multiply, avx512_gru, avx512_lstm, avx512_rounded, avx512_looked_up,
                     avx512_with_ngram, avx512_draw, avx512_quantised, avx512_folded, MIDDLE, 1},
#endif
};

/* Whether this processor has what a path asks for. */
static int serves(int path)
{
#ifdef HAVE_X86
    if (path == AVX2)
        return __builtin_cpu_supports("avx2");
    if (path == AVX512_ALONE || path == AVX512_VNNI)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               (path == AVX512_ALONE || __builtin_cpu_supports("avx512vnni"));
#endif
#ifdef HAVE_NEON
    if (path == NEON)
        return 1;
#endif
    return path == PLAIN;
}
