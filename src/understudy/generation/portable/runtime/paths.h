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
    void (*folded)(const float *, const float *, const float *, float *, size_t, size_t);
    int middle;  /* added to a state's whole numbers */
    int blocked; /* whether whole numbers lie in blocks; else row by row */
} Path;

/* What is done once when a model is taken: rows in eight bits, and the folded table. */
enum { FOLDED_AT_ONCE = 16 };

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
    TARGET static void NAME(folded)(const float *restrict vector, const float *restrict columns,                       \
                                    const float *restrict bias, float *restrict to, size_t E, size_t N)                \
    {                                                                                                                  \
        double sums[FOLDED_AT_ONCE] = {0};                                                                             \
        size_t k, n;                                                                                                   \
        for (k = 0; k < E; k++)                                                                                        \
            UNROLLED for (n = 0; n < FOLDED_AT_ONCE; n++)                                                              \
                sums[n] += (double)vector[k] * (double)columns[k * FOLDED_AT_ONCE + n];                                \
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
#include "paths_x86.h"
#endif

#if defined(__aarch64__) && defined(__GNUC__)
#define HAVE_NEON
#include "paths_neon.h"
#endif

/* The fused ones are for texts that are scored: their real products have other bits than those of all others. */
enum { PLAIN, NEON, AVX2, AVX512_ALONE, AVX512_VNNI, AVX2_FUSED, AVX512_FUSED, PATHS };

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
    [AVX2_FUSED] = {avx2_whole_multiply, avx2_fused_multiply, avx2_gru, avx2_lstm, avx2_rounded, avx2_looked_up,
                    avx2_with_ngram, avx2_draw, avx2_quantised, avx2_folded, MIDDLE, 1},
    [AVX512_FUSED] = {avx512_whole_multiply, avx512_fused_multiply, avx512_gru, avx512_lstm, avx512_rounded,
                      avx512_looked_up, avx512_with_ngram, avx512_draw, avx512_quantised, avx512_folded, MIDDLE, 1},
#endif
};

/* Whether this processor has what a path asks for. */
static int serves(int path)
{
#ifdef HAVE_X86
    if (path == AVX2)
        return __builtin_cpu_supports("avx2");
    if (path == AVX2_FUSED)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (path == AVX512_ALONE || path == AVX512_VNNI || path == AVX512_FUSED)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               (path != AVX512_VNNI || __builtin_cpu_supports("avx512vnni"));
#endif
#ifdef HAVE_NEON
    if (path == NEON)
        return 1;
#endif
    return path == PLAIN;
}
