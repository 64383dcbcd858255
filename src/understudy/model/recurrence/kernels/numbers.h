/* What the equations need of arithmetic, in forms that compilers vectorise: sigmoid and tanh, and numbers of 16 bits. */

/* e^x for -87 <= x <= 87, to a unit in the last place or two; outside as at the ends; nan for nan. Cody and Waite. */
static inline float exponential(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 87.0f ? 87.0f : x;
    const float shifted = x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    const float r2 = r * r; /* in pairs: the sums wait less for each other */
    const float low = (1.0f + r) + r2 * (0.5f + r * (1.0f / 6));
    const float high = (1.0f / 24 + r * (1.0f / 120)) + r2 * (1.0f / 720 + r * (1.0f / 5040));
    const float p = low + r2 * r2 * high;
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    bits = (bits + 127) << 23;
    float scale;
    memcpy(&scale, &bits, 4);
    return p * scale;
}

static inline float sigmoid_float(float x) { return 1 / (1 + exponential(-x)); }
static inline float tanh_float(float x) { return 2 / (1 + exponential(-2 * x)) - 1; }

static inline double sigmoid_double(double x) { return 1 / (1 + exp(-x)); }

static inline float widened(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}

/* To the nearest bfloat16, ties to even. */
static inline uint16_t narrowed(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* A number between -1 and 1 in 16 bits: where a gate is nearly shut or open, bfloat16 would round the rest away. */
static inline int16_t fixed(float x)
{
    const float shifted = x * 32767.0f + 12582912.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    return (int16_t)bits;
}

static inline float unfixed(int16_t x) { return (float)x * (1.0f / 32767.0f); }
