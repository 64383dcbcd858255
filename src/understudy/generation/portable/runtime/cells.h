/* The equations of a step for the units `from` to `to` of one stream, included once for each set of instructions: TARGET
   says for which, NAME makes the names, WHOLE is what a state's whole numbers are kept in. Each unit is computed by
   itself, so compilers may take many at a time.

   x is what comes from below, g what h makes of its own gates; the parts of each begin `stride` numbers apart. */

#ifndef TARGET
#define TARGET
#define NAME(x) x
#endif
#ifndef WHOLE
#define WHOLE uint8_t
#endif

TARGET static void NAME(gru)(const float *restrict x, const float *restrict g, float *restrict h, size_t stride,
                             size_t from, size_t to)
{
    size_t u;
    for (u = from; u < to; u++) {
        const float r = sigmoid_of(x[u] + g[u]), z = sigmoid_of(x[stride + u] + g[stride + u]);
        const float n = tanh_of(x[2 * stride + u] + r * g[2 * stride + u]);
        h[u] = n + z * (h[u] - n);
    }
}

TARGET static void NAME(lstm)(const float *restrict x, const float *restrict g, float *restrict h, float *restrict c,
                              size_t stride, size_t from, size_t to)
{
    size_t u;
    for (u = from; u < to; u++) {
        const float i = sigmoid_of(x[u] + g[u]), f = sigmoid_of(x[stride + u] + g[stride + u]);
        const float n = tanh_of(x[2 * stride + u] + g[2 * stride + u]);
        const float o = sigmoid_of(x[3 * stride + u] + g[3 * stride + u]);
        c[u] = f * c[u] + i * n;
        h[u] = o * tanh_of(c[u]);
    }
}

/* The whole numbers that stand for h, each with `middle` added. */
TARGET static void NAME(rounded)(const float *restrict h, WHOLE *restrict q, int middle, size_t from, size_t to)
{
    size_t u;
    for (u = from; u < to; u++)
        q[u] = (WHOLE)(whole(h[u]) + middle);
}

/* One gate of x from a row of the folded table in eight bits. */
TARGET static void NAME(looked_up)(const int8_t *restrict row, float scale, float *restrict x, size_t from, size_t to)
{
    size_t u;
    for (u = from; u < to; u++)
        x[u] = (float)row[u] * scale;
}

/* What one number of an n-grams' sum adds to one gate of x. */
TARGET static void NAME(with_ngram)(float v, const float *restrict weight, float *restrict x, size_t from, size_t to)
{
    size_t u;
    for (u = from; u < to; u++)
        x[u] += v * weight[u];
}

#undef TARGET
#undef NAME
#undef WHOLE
