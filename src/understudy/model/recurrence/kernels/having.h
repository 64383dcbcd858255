/* The sets of instructions that this compiler knows, and for which instructions.h makes whole sequences. */

/* GCC 11 and clang 14 are the first that were tried; those of old do not know the instructions for bfloat16. */
#if defined(__x86_64__) && (defined(__clang__) ? __clang_major__ >= 14 : defined(__GNUC__) && __GNUC__ >= 11)
#define HAVE_AVX512_BFLOAT16
#define HAVE_X86
#include <immintrin.h>
#endif

#if defined(__aarch64__) && defined(__GNUC__)
#define HAVE_NEON
#include <arm_neon.h>
#endif
