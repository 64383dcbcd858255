/* The recurrences, compiled.

   cells.h has the equations: the elementwise half of a step in one pass over memory, where PyTorch's operations take
   ten, in plain C that compilers vectorise. steps.h does one step whose matrix product oneDNN has made; sequences.h does
   all steps with products of its own, where the processor has the instructions for it. `compiled.py` fills a Layer and
   calls the functions at the end; nothing of Python's or PyTorch's is needed to build them. */

#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <math.h>

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

/* Functions that are compiled several times, and chosen among when they are loaded. GCC knows the levels of x86-64 since
   version 12; before, one instruction set at a time, so that the middle one goes without fused multiply-add. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(__INTEL_COMPILER)
#if __GNUC__ >= 12
#define CLONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define HIGHEST "x86-64-v4"
#define HIGHER "x86-64-v3"
#elif __GNUC__ >= 6
#define CLONED __attribute__((target_clones("avx512f", "avx2", "default")))
#define HIGHEST "avx512f"
#define HIGHER "avx2"
#endif
#endif
#if !defined(CLONED)
#define CLONED
#endif

/* GCC 11 and clang 14 are the first that were tried; those of old do not know the instructions for bfloat16. */
#if defined(__x86_64__) && (defined(__clang__) ? __clang_major__ >= 14 : defined(__GNUC__) && __GNUC__ >= 11)
#define TILES
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#else
#define INLINE inline
#endif

#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(enable)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

typedef void (*Body)(void *);

/* One layer over one sequence. Pointers are to contiguous memory; what is not needed is NULL. */
typedef struct {
    int64_t lanes, units, keeps; /* keeps: 1 when the way back will follow, and every step has its own place */
    int64_t threads;
    void (*parallel)(Body, void *, unsigned, unsigned); /* GOMP_parallel of the OpenMP that PyTorch runs on, or NULL */
    int (*thread)(void);                                /* omp_get_thread_num of the same */
    int (*team)(void);                                  /* omp_get_num_threads of the same */
    const int64_t *ids;                                 /* (T, B), where the source is a table */
    const void *source;                                 /* (V, gates H) or (T, B, gates H) */
    const void *bias;                                   /* (H): the GRU's c_n */
    const void *product;                                /* of this step: (B, gates H) forward, (B, H) on the way back */
    const void *weight;                                 /* (gates H, H) in REAL, where the products are ours */
    void *panels;                                       /* as many bfloat16 numbers: the weight as tiles read it */
    void *hidden;                                       /* (T + 1, B, H) */
    void *last;                                         /* (B, H): h in REAL */
    void *carried;                                      /* the LSTM's c: (T + 1, B, H), or (1, B, H) where not kept */
    void *gates;                                        /* (T, B, 4 H), or (1, B, 4 H) */
    const void *d_outputs;                              /* (T, B, H) */
    void *d_carried;                                    /* (B, H) */
    void *d_gates;                                      /* (T, B, gates H): what the products get */
    void *d_inputs;                                     /* the GRU's: (T, B, 3 H), or (1, B, 3 H) with a d_table */
    void *d_table;                                      /* (V, gates H), or NULL where no ids are looked up */
    void *d_bias;                                       /* (H) */
    void *arriving;                                     /* (B, H) in REAL: what the state before the sequence gets */
} Layer;

#include "numbers.h"

#define SAME(x) (x)
#define AS_KEPT(x) ((int16_t)narrowed(x))
#define OF_KEPT(x) widened((uint16_t)(x))

#define REAL float
#define SIGMOID sigmoid_float
#define TANH tanh_float

#define STORED uint16_t
#define KEPT int16_t
#define WIDE widened
#define NARROW narrowed
#define GATE unfixed
#define KEEP_GATE fixed
#define ANY OF_KEPT
#define KEEP_ANY AS_KEPT

#define PRODUCT STORED
#define OF_PRODUCT WIDE
#define NAME(x) x##_bfloat16
#include "cells.h"
#include "steps.h"
#undef PRODUCT
#undef OF_PRODUCT
#undef NAME

#ifdef TILES
#define PRODUCT REAL
#define OF_PRODUCT SAME
#define NAME(x) x##_tiled
#include "cells.h"
#undef PRODUCT
#undef OF_PRODUCT
#undef NAME
#endif

#undef STORED
#undef KEPT
#undef WIDE
#undef NARROW
#undef GATE
#undef KEEP_GATE
#undef ANY
#undef KEEP_ANY

#define STORED REAL
#define KEPT REAL
#define PRODUCT REAL
#define WIDE SAME
#define NARROW SAME
#define OF_PRODUCT SAME
#define GATE SAME
#define KEEP_GATE SAME
#define ANY SAME
#define KEEP_ANY SAME
#define NAME(x) x##_float32
#include "cells.h"
#include "steps.h"
#undef REAL
#undef SIGMOID
#undef TANH
#undef NAME

#define REAL double
#define SIGMOID sigmoid_double
#define TANH tanh
#define NAME(x) x##_float64
#include "cells.h"
#include "steps.h"
#undef STORED
#undef NARROW
#undef NAME

/* Where a step is smaller than this, to wake a thread costs more than it does: in elements of the equations, and in
   products of the tiles for one gate. */
enum { WORTH_SHARING = 1 << 12, TILES_WORTH_SHARING = 1 << 17 };

typedef void (*Columns)(const Layer *, int64_t, int64_t, int64_t);

typedef struct {
    const Layer *layer;
    Columns columns;
    int64_t t;
} Work;

/* One thread's columns: whole cache lines of them, or whole tiles. Where OpenMP gives fewer threads than were asked for,
   each takes the columns of several. */
static void share(void *given)
{
    const Work *work = given;
    const int64_t H = work->layer->units, threads = work->layer->threads, team = work->layer->team();
    const int64_t whole = work->layer->panels ? 64 : 32, each = ((H + threads - 1) / threads + whole - 1) / whole * whole;
    for (int64_t from = work->layer->thread() * each; from < H; from += team * each)
        work->columns(work->layer, work->t, from, from + each < H ? from + each : H);
}

static void run(const Layer *layer, Columns columns, int64_t t)
{
    Work work = {layer, columns, t};
    const int64_t elements = layer->lanes * layer->units;
    const int worth = layer->panels ? elements * layer->units >= TILES_WORTH_SHARING : elements >= WORTH_SHARING;
    if (layer->parallel && layer->threads > 1 && worth)
        layer->parallel(share, &work, (unsigned)layer->threads, 0);
    else
        columns(layer, t, 0, layer->units);
}

#define STEP(cell, way, type)                                                                                          \
    EXPORTED void cell##_##way##_step_##type(Layer *layer, int64_t t, const void *product)                             \
    {                                                                                                                  \
        layer->product = product;                                                                                      \
        run(layer, cell##_##way##_columns_##type, t);                                                                  \
    }
#define STEPS(cell, type) STEP(cell, forward, type) STEP(cell, backward, type)

STEPS(lstm, bfloat16)
STEPS(lstm, float32)
STEPS(lstm, float64)
STEPS(gru, bfloat16)
STEPS(gru, float32)
STEPS(gru, float64)

/* Which of the functions that are compiled several times this processor runs: 4 and 3 as in x86-64-v4 and -v3, 1 those
   for any processor; 0 where there is only one of each. */
EXPORTED int64_t level(void)
{
#ifdef HIGHEST
    return __builtin_cpu_supports(HIGHEST) ? 4 : __builtin_cpu_supports(HIGHER) ? 3 : 1;
#else
    return 0;
#endif
}

/* Whether the functions for whole sequences are here and this processor has their instructions: 0 no, 1 those for
   float32, 2 those for bfloat16 too. */
EXPORTED int64_t tiles_serve(void)
{
#ifdef TILES
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return __builtin_cpu_supports("avx512bf16") ? 2 : 1;
#endif
    return 0;
}

#ifdef TILES

#define INSTRUCTIONS "avx512f,avx512bw,avx512dq,avx512vl,fma"
#if defined(__clang__)
#define USING(instructions) __attribute__((target(instructions)))
#define UNROLL _Pragma("unroll")
#else
#define USING(instructions) __attribute__((target(instructions ",prefer-vector-width=512")))
#define UNROLL _Pragma("GCC unroll 8")
#endif

enum { LANES = 16, TALLEST = 8, WIDEST = 4, BLOCK = LANES * WIDEST };
/* LANES: float32 numbers in a register. A tile has at most 24 sums, of the 32 registers. */

/* The end of tile number `number` of `tiles`, which share B lanes evenly. */
static inline int64_t share_end(int64_t B, int64_t number, int64_t tiles) { return B * (number + 1) / tiles; }

static inline int32_t two_numbers(const uint16_t *x)
{
    int32_t both;
    memcpy(&both, x, 4);
    return both;
}

#define STORED uint16_t
#define NARROW narrowed
#define TOGETHER 2
#define TILED USING(INSTRUCTIONS ",avx512bf16")
#define VECTOR __m512i
#define LOAD(p) _mm512_loadu_si512(p)
#define SPREAD(p) _mm512_set1_epi32(two_numbers(p))
#define ADD_PRODUCT(sum, x, columns) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(columns))
#define NAME(x) x##_bfloat16
#define EQUATIONS(x) x##_tiled
#include "sequences.h"
#undef STORED
#undef NARROW
#undef TOGETHER
#undef TILED
#undef VECTOR
#undef LOAD
#undef SPREAD
#undef ADD_PRODUCT
#undef NAME
#undef EQUATIONS

#define STORED float
#define NARROW SAME
#define TOGETHER 1
#define TILED USING(INSTRUCTIONS)
#define VECTOR __m512
#define LOAD(p) _mm512_loadu_ps(p)
#define SPREAD(p) _mm512_set1_ps(*(p))
#define ADD_PRODUCT(sum, x, columns) _mm512_fmadd_ps(x, columns, sum)
#define NAME(x) x##_float32
#define EQUATIONS(x) x##_float32
#include "sequences.h"

#endif
