/* The recurrences, compiled.

   cells.h has the equations: the elementwise half of a step in one pass over memory, where PyTorch's operations take
   ten, in plain C that compilers vectorise. steps.h does one step whose matrix product PyTorch has made; sequences.h does
   all steps with products of its own, in the sets of instructions that instructions.h names. sharing.h divides either
   among threads. `compiled.py` fills a Layer and calls the functions at the end; nothing of Python's or PyTorch's is
   needed to build them. */

#define _GNU_SOURCE
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

#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#define SEPARATE __attribute__((noinline))
#else
#define INLINE inline
#define SEPARATE
#endif

#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety) interleave(disable)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

typedef void (*Body)(void *);

/* One layer over one sequence. Pointers are to contiguous memory; what is not needed is NULL. */
typedef struct {
    int64_t lanes, units, keeps; /* keeps: 1 when the way back will follow, and every step has its own place */
    int64_t steps;               /* T, on the way back of a whole sequence */
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

#include "having.h"
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

#ifdef HAVE_AVX512_BFLOAT16
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

#include "sharing.h"

#define STEP(cell, way, type)                                                                                          \
    EXPORTED void cell##_##way##_step_##type(Layer *layer, int64_t t, const void *product)                             \
    {                                                                                                                  \
        layer->product = product;                                                                                      \
        run(layer, cell##_##way##_columns_##type, t, t + 1, 1);                                                        \
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

#include "instructions.h"
