/* The sets of instructions for whole sequences, and which of them this processor has. */

/* STRETCH is of a panel, in bytes: it stays in the cache while GROUP lanes meet it in turn. SPAN columns are summed before
   the equations take them, so that these go through memory a few cache lines at a time. */
enum { STRETCH = 1 << 15, GROUP = 32, SPAN = 64, TALLEST = 8, WIDEST = 8 };

/* The end of tile number `number` of `tiles`, which share B lanes evenly. */
static inline int64_t share_end(int64_t B, int64_t number, int64_t tiles) { return B * (number + 1) / tiles; }

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 8")
#endif

#ifdef HAVE_X86

#define USING(instructions) __attribute__((target(instructions)))
#define IN_REGISTER(x) __asm__("" : "+v"(x))

/* AVX-512: 32 registers. */
#if defined(__clang__)
#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl,fma"
#else
#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl,fma,prefer-vector-width=512"
#endif

static inline int32_t two_numbers(const uint16_t *x)
{
    int32_t both;
    memcpy(&both, x, 4);
    return both;
}

#define STORED uint16_t
#define NARROW narrowed
#define TOGETHER 2
#define TILED USING(AVX512 ",avx512bf16")
#define NAME(x) x##_bfloat16_avx512
#define KINDRED(x) x##_bfloat16
#define EQUATIONS(x) x##_tiled
#define LANES 16
#define EACH 1
#define BACK 4
#define GRU_TALL 8
#define LSTM_TALL 6
#define BACK_TALL 6
#define SUMS __m512
#define ZERO _mm512_setzero_ps()
#define LOAD_SUMS(p) _mm512_loadu_ps(p)
#define STORE_SUMS(p, sums) _mm512_storeu_ps(p, sums)
#define VECTOR __m512i
#define LOAD(p) _mm512_loadu_si512(p)
#define SPREAD(p) _mm512_set1_epi32(two_numbers(p))
#define HOLD(x) IN_REGISTER(x)
#define ADD_PRODUCT(sums, x, columns) _mm512_dpbf16_ps(sums, (__m512bh)(x), (__m512bh)(columns))
#include "sequences.h"

#define STORED float
#define NARROW SAME
#define TOGETHER 1
#define TILED USING(AVX512)
#define NAME(x) x##_float32_avx512
#define KINDRED(x) x##_float32
#define EQUATIONS(x) x##_float32
#define LANES 16
#define EACH 1
#define BACK 4
#define GRU_TALL 8
#define LSTM_TALL 6
#define BACK_TALL 6
#define SUMS __m512
#define ZERO _mm512_setzero_ps()
#define LOAD_SUMS(p) _mm512_loadu_ps(p)
#define STORE_SUMS(p, sums) _mm512_storeu_ps(p, sums)
#define VECTOR __m512
#define LOAD(p) _mm512_loadu_ps(p)
#define SPREAD(p) _mm512_set1_ps(*(p))
#define HOLD(x) IN_REGISTER(x)
#define ADD_PRODUCT(sums, x, columns) _mm512_fmadd_ps(x, columns, sums)
#include "sequences.h"

/* AVX2 with fused multiply-add: 16 registers. */
#define STORED float
#define NARROW SAME
#define TOGETHER 1
#define TILED USING("avx2,fma")
#define NAME(x) x##_float32_avx2
#define KINDRED(x) x##_float32
#define EQUATIONS(x) x##_float32
#define LANES 8
#define EACH 1
#define BACK 2
#define GRU_TALL 4
#define LSTM_TALL 3
#define BACK_TALL 6
#define SUMS __m256
#define ZERO _mm256_setzero_ps()
#define LOAD_SUMS(p) _mm256_loadu_ps(p)
#define STORE_SUMS(p, sums) _mm256_storeu_ps(p, sums)
#define VECTOR __m256
#define LOAD(p) _mm256_loadu_ps(p)
#define SPREAD(p) _mm256_broadcast_ss(p)
#define HOLD(x) IN_REGISTER(x)
#define ADD_PRODUCT(sums, x, columns) _mm256_fmadd_ps(x, columns, sums)
#include "sequences.h"

#endif

#ifdef HAVE_NEON

/* NEON: 32 registers. */
#define STORED float
#define NARROW SAME
#define TOGETHER 1
#define TILED
#define NAME(x) x##_float32_neon
#define KINDRED(x) x##_float32
#define EQUATIONS(x) x##_float32
#define LANES 4
#define EACH 2
#define BACK 4
#define GRU_TALL 4
#define LSTM_TALL 3
#define BACK_TALL 6
#define SUMS float32x4_t
#define ZERO vdupq_n_f32(0)
#define LOAD_SUMS(p) vld1q_f32(p)
#define STORE_SUMS(p, sums) vst1q_f32(p, sums)
#define VECTOR float32x4_t
#define LOAD(p) vld1q_f32(p)
#define SPREAD(p) vld1q_dup_f32(p)
#define HOLD(x) __asm__("" : "+w"(x))
#define ADD_PRODUCT(sums, x, columns) vfmaq_f32(sums, x, columns)
#include "sequences.h"

#endif

/* The sets that are here and that this processor has: 1 AVX-512, 2 its instructions for bfloat16, 4 AVX2 with fused
   multiply-add, 8 NEON. */
EXPORTED int64_t sets(void)
{
    int64_t found = 0;
#ifdef HAVE_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        found |= __builtin_cpu_supports("avx512bf16") ? 1 | 2 : 1;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        found |= 4;
#endif
#ifdef HAVE_NEON
    found |= 8;
#endif
    return found;
}
