/* The functions of Portable 1 (docs/portable.md): every product and every sum is rounded by itself, in float32 or, where
   that is said, in float64. Whole numbers may be added in any order; nothing else may. */

#ifndef UNDERSTUDY_NUMBERS_H
#define UNDERSTUDY_NUMBERS_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__) || (defined(__GNUC__) && defined(__GCC_IEC_559) && __GCC_IEC_559 < 1)
#error "-ffast-math, or a part of it, changes what the arithmetic gives: build this file without it"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || DBL_MANT_DIG != 53
#error "float is not float32, or double is not float64 (on AVR build with -mdouble=64)"
#endif
#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "this processor's float32 is computed in more digits (FLT_EVAL_METHOD): on 32-bit x86 build with -msse2 -mfpmath=sse"
#endif
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("-ffp-contract=off")
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

enum { STATE_LEVELS = 64, LENGTHS = 5, RECENT = 7, LONGEST = 8 };

/* x between two numbers; what is not a number becomes the least. */
static inline float held(float x, float least, float most)
{
    x = x > least ? x : least;
    return x < most ? x : most;
}

static inline float tanh_of(float x)
{
    float t, above, below;
    x = held(x, -9.0f, 9.0f);
    t = x * x;
    above = 0x1.cadb14p-27f * t + 0x1.59c2bp-16f;
    above = above * t + 0x1.ca2c2ap-9f;
    above = above * t + 0x1.120b12p-3f;
    above = above * t + 1.0f;
    below = 0x1.a17f0cp-21f * t + 0x1.5885aep-12f;
    below = below * t + 0x1.a7f7c8p-6f;
    below = below * t + 0x1.de5ad2p-2f;
    below = below * t + 1.0f;
    return held((x * above) / below, -1.0f, 1.0f);
}

static inline float sigmoid_of(float x)
{
    return tanh_of(x * 0.5f) * 0.5f + 0.5f;
}

/* The whole number that stands for one of a state's: adding 1.5 * 2^23 rounds half to even. */
static inline int8_t whole(float h)
{
    float x = held(h * (float)STATE_LEVELS, -(float)STATE_LEVELS, (float)STATE_LEVELS);
    return (int8_t)(int32_t)((x + 12582912.0f) - 12582912.0f);
}

/* What an exponent counts as: below about e^-708.7 there is 0, as for what is not a number. */
static inline double exponent(double x)
{
    return x > -709.0 ? x : -709.0;
}

/* e^x in float64 for such an exponent. The lowest bits of x / ln 2 + 1.5 * 2^52 are the whole number k, and so give 2^k:
   for k = -1023 they are those of 0. (The two are apart, and loops over each, so that compilers take many at a time.) */
static inline double exponential(double x)
{
    const double shifted = x * 0x1.71547652b82fep+0 + 0x1.8p+52;
    const double k = shifted - 0x1.8p+52;
    const double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    double y = 1.0 / 6227020800.0, power;
    uint64_t bits;
    y = y * r + 1.0 / 479001600.0;
    y = y * r + 1.0 / 39916800.0;
    y = y * r + 1.0 / 3628800.0;
    y = y * r + 1.0 / 362880.0;
    y = y * r + 1.0 / 40320.0;
    y = y * r + 1.0 / 5040.0;
    y = y * r + 1.0 / 720.0;
    y = y * r + 1.0 / 120.0;
    y = y * r + 1.0 / 24.0;
    y = y * r + 1.0 / 6.0;
    y = y * r + 0.5;
    y = y * r + 1.0;
    y = y * r + 1.0;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof power);
    return y * power;
}

/* The upper half of a product of 64 bits. */
static inline uint64_t upper(uint64_t a, uint64_t b)
{
    const uint64_t low = (a & 0xffffffffu) * (b & 0xffffffffu);
    const uint64_t one = (a >> 32) * (b & 0xffffffffu) + (low >> 32);
    const uint64_t other = (a & 0xffffffffu) * (b >> 32) + (one & 0xffffffffu);
    return (a >> 32) * (b >> 32) + (one >> 32) + (other >> 32);
}

/* Number `place` of the sequence that belongs to a seed, in (0, 1): Philox 4x64 with ten rounds. */
static inline double uniform_at(uint64_t seed, uint64_t place)
{
    uint64_t c0 = place / 4 + 1, c1 = 0, c2 = 0, c3 = 0, k0 = seed, k1 = 0, word;
    int round;
    for (round = 0; round < 10; round++) {
        const uint64_t up0 = upper(UINT64_C(0xD2E7470EE14C6C93), c0), low0 = UINT64_C(0xD2E7470EE14C6C93) * c0;
        const uint64_t up2 = upper(UINT64_C(0xCA5A826395121157), c2), low2 = UINT64_C(0xCA5A826395121157) * c2;
        c0 = up2 ^ c1 ^ k0;
        c1 = low2;
        c2 = up0 ^ c3 ^ k1;
        c3 = low0;
        k0 += UINT64_C(0x9E3779B97F4A7C15);
        k1 += UINT64_C(0xBB67AE8584CAA73B);
    }
    word = place % 4 == 0 ? c0 : place % 4 == 1 ? c1 : place % 4 == 2 ? c2 : c3;
    return ((double)(word >> 11) * 0x1p-53) * (1.0 - 0x1p-40) + 0x1p-60;
}

#endif
