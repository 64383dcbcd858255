/* NEON, which every processor of 64-bit ARM has. Included by paths.h. */

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
