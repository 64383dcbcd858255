/* Products of whole numbers: plain loops, which compilers know how to widen, and for WebAssembly, where they do not, its
   own vectors. Sums of whole numbers are exact in any order, so that all give the same. */

#ifndef UNDERSTUDY_PRODUCTS_H
#define UNDERSTUDY_PRODUCTS_H

#include "numbers.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

static inline int32_t dot(const int8_t *restrict one, const int8_t *restrict other, size_t inner)
{
    int32_t sum = 0;
    size_t k;
    for (k = 0; k < inner; k++)
        sum += one[k] * other[k];
    return sum;
}

/* The same where one side is in 16 bits, in which processors multiply: a state is widened once for all rows. */
static inline int32_t dot_wide(const int8_t *restrict row, const int16_t *restrict q, size_t inner)
{
    int32_t sum = 0;
    size_t k;
    for (k = 0; k < inner; k++)
        sum += (int16_t)row[k] * q[k];
    return sum;
}

#if defined(__wasm_simd128__)
/* The products of four rows, which lie `inner` numbers apart, with q: each piece of q is taken up once for all four. */
static inline void dot_four(const int8_t *restrict rows, const int16_t *restrict q, size_t inner,
                            int32_t *restrict sums)
{
    size_t k = 0;
    int row;
    v128_t wide[4] = {wasm_i32x4_splat(0), wasm_i32x4_splat(0), wasm_i32x4_splat(0), wasm_i32x4_splat(0)};
    for (; k + 16 <= inner; k += 16) {
        const v128_t first = wasm_v128_load(q + k), second = wasm_v128_load(q + k + 8);
        for (row = 0; row < 4; row++) {
            const int8_t *weights = rows + (size_t)row * inner + k;
            const v128_t one = wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights), first);
            const v128_t other = wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights + 8), second);
            wide[row] = wasm_i32x4_add(wide[row], wasm_i32x4_add(one, other));
        }
    }
    for (row = 0; row < 4; row++)
        sums[row] = wasm_i32x4_extract_lane(wide[row], 0) + wasm_i32x4_extract_lane(wide[row], 1) +
                    wasm_i32x4_extract_lane(wide[row], 2) + wasm_i32x4_extract_lane(wide[row], 3) +
                    dot_wide(rows + (size_t)row * inner + k, q + k, inner - k);
}
#endif

/* y = W q, each row times its scale, plus its bias. */
static inline void product(const int8_t *restrict weight, const float *restrict scales, const float *restrict bias,
                           const int16_t *restrict q, size_t rows, size_t inner, float *restrict y)
{
    size_t n = 0;
#if defined(__wasm_simd128__)
    int32_t sums[4];
    int row;
    for (; n + 4 <= rows; n += 4) {
        dot_four(weight + n * inner, q, inner, sums);
        for (row = 0; row < 4; row++)
            y[n + row] = (float)sums[row] * scales[n + row] + bias[n + row];
    }
#endif
    for (; n < rows; n++)
        y[n] = (float)dot_wide(weight + n * inner, q, inner) * scales[n] + bias[n];
}

#endif
