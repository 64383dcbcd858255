/* Whether every path of the engine that this processor has gives the bits of the plain one: products of whole and of
   real numbers in all sizes of tile, the equations, rounding, the draw, and what is done when a model is taken. Prints
   the paths that were held against the plain one, and what differs. */

#include "engine.c"

#include <stdio.h>
#include <stdlib.h>

enum { INNER = 300, ROWS = 80, ALL = 21, STRIDE = 1536 };

static uint64_t drawn_so_far;

static double chance(void)
{
    return uniform_at(7, drawn_so_far++);
}

static float real(double from, double to)
{
    return (float)(from + (to - from) * chance());
}

static int differ(const char *path, const char *what, const void *one, const void *other, size_t size)
{
    if (memcmp(one, other, size) == 0)
        return 0;
    printf("%s: %s differs\n", path, what);
    return 1;
}

/* One product, as a path makes it: y (streams, ROWS). */
static void multiplied(int path, int64_t whole, const void *rows, int64_t inner, const void *x, size_t x_stride,
                       float *y, size_t streams)
{
    static _Alignas(64) char numbers[ROWS * (INNER + 4) * 4];
    static float scales[ROWS], bias[ROWS];
    static int32_t corrections[ROWS];
    const Matrix matrix = {numbers, scales, bias, corrections};
    int n;
    for (n = 0; n < ROWS; n++) {
        scales[n] = 0.001f * (float)(n + 1);
        bias[n] = 0.1f * (float)(n - 40);
    }
    arrange(path, whole, ROWS, inner, rows, numbers, corrections);
    (whole ? paths[path].whole : paths[path].real)(&matrix, (size_t)(whole ? (inner + 3) / 4 : inner), 0, ROWS / BLOCK, x,
                                                   x_stride, y, STRIDE / 4, streams);
}

static int products_differ(int path, const char *name)
{
    static const int64_t inners[] = {1, 3, 4, 7, 31, 64, 255, 256, 257, 300};
    static int8_t whole_rows[ROWS * INNER];
    static float real_rows[ROWS * INNER], one[ALL * STRIDE / 4], other[ALL * STRIDE / 4];
    static _Alignas(64) uint8_t q[2][ALL * STRIDE];
    static _Alignas(64) float x[ALL * STRIDE / 4];
    size_t i, k, streams;
    int bad = 0;
    for (i = 0; i < ROWS * INNER; i++) {
        const double end = chance(); /* the ends of the range are met often */
        whole_rows[i] = (int8_t)(end < 0.2 ? -127 : end < 0.4 ? 127 : (int)(chance() * 255) - 127);
        real_rows[i] = real(-1, 1);
    }
    for (i = 0; i < ALL * STRIDE; i++) {
        const double end = chance();
        const int level = end < 0.2 ? -64 : end < 0.4 ? 64 : (int)(chance() * 129) - 64;
        q[0][i] = (uint8_t)level;
        q[1][i] = (uint8_t)(level + paths[path].middle);
    }
    for (i = 0; i < ALL * STRIDE / 4; i++)
        x[i] = real(-1, 1);
    for (i = 0; i < sizeof inners / sizeof *inners; i++)
        for (streams = 1; streams <= ALL; streams++) {
            const int64_t inner = inners[i];
            memset(one, 0, sizeof one);
            memset(other, 0, sizeof other);
            for (k = 0; k < streams; k++) { /* what fills a row up to whole fours is 0 in the state */
                memset(q[0] + k * STRIDE + inner, 0, 4);
                memset(q[1] + k * STRIDE + inner, paths[path].middle, 4);
            }
            multiplied(PLAIN, 1, whole_rows, inner, q[0], STRIDE, one, streams);
            multiplied(path, 1, whole_rows, inner, q[1], STRIDE, other, streams);
            bad += differ(name, "a product of whole numbers", one, other, sizeof one);
            multiplied(PLAIN, 0, real_rows, inner, x, STRIDE, one, streams);
            multiplied(path, 0, real_rows, inner, x, STRIDE, other, streams);
            bad += differ(name, "a product of real numbers", one, other, sizeof one);
        }
    return bad;
}

static int equations_differ(int path, const char *name)
{
    enum { H = 77 };
    static float x[4 * H], g[4 * H], h[2][H], c[2][H];
    static uint8_t q[2][H];
    const Path *p[2] = {&paths[PLAIN], &paths[path]};
    int bad = 0, i, round, which;
    for (round = 0; round < 50; round++) {
        for (i = 0; i < 4 * H; i++) {
            x[i] = real(-20, 20) * (round % 5 == 0 ? 1e-30f : 1.0f);
            g[i] = real(-20, 20) * (round % 5 == 0 ? 1e-30f : 1.0f);
        }
        for (which = 0; which < 2; which++) {
            for (i = 0; i < H; i++)
                h[which][i] = c[which][i] = (float)(i - 38) / 38.0f;
            p[which]->gru(x, g, h[which], H, 0, H);
            p[which]->rounded(h[which], q[which], 0, 0, H);
        }
        bad += differ(name, "the GRU", h[0], h[1], sizeof h[0]) + differ(name, "rounding", q[0], q[1], sizeof q[0]);
        for (which = 0; which < 2; which++)
            p[which]->lstm(x, g, h[which], c[which], H, 0, H);
        bad += differ(name, "the LSTM's h", h[0], h[1], sizeof h[0]) + differ(name, "its c", c[0], c[1], sizeof c[0]);
        for (which = 0; which < 2; which++) {
            p[which]->looked_up((const int8_t *)q[0], 0.37f, h[which], 0, H);
            p[which]->with_ngram(0.71f, g, h[which], 0, H);
        }
        bad += differ(name, "the inputs", h[0], h[1], sizeof h[0]);
    }
    return bad;
}

static int draws_differ(int path, const char *name)
{
    static const Choice choices[] = {{0, 0, 0}, {0.8, 0, 0}, {1.3, 0, 5}, {0.7, 0.9, 0}, {1.0, 0.5, 9}, {1e-3, 0, 0}};
    static float logits[133];
    static double weights[133];
    static uint32_t heap[133];
    int bad = 0, i, round, c;
    for (round = 0; round < 200; round++) {
        for (i = 0; i < 133; i++)
            logits[i] = round % 7 == 0 ? (float)(i % 4) : real(-30, 10);
        for (c = 0; c < 6; c++) {
            const double u = chance();
            const uint32_t one = paths[PLAIN].drawn(logits, 133, choices + c, u, weights, heap);
            const uint32_t other = paths[path].drawn(logits, 133, choices + c, u, weights, heap);
            bad += differ(name, "a draw", &one, &other, sizeof one);
        }
    }
    return bad;
}

static int takings_differ(int path, const char *name)
{
    static float rows[ROWS * INNER], scales[2][ROWS], bias[ROWS], table[2][20 * ROWS], columns[33 * FOLDED_AT_ONCE];
    static int8_t numbers[2][ROWS * INNER];
    int bad = 0, i;
    for (i = 0; i < ROWS * INNER; i++)
        rows[i] = real(-2, 2);
    memset(rows + INNER, 0, INNER * sizeof(float)); /* a row of nothing */
    for (i = 0; i < ROWS; i++)
        bias[i] = real(-1, 1);
    quantise(PLAIN, ROWS, INNER, 127, rows, numbers[0], scales[0]);
    quantise(path, ROWS, INNER, 127, rows, numbers[1], scales[1]);
    bad += differ(name, "a row's numbers", numbers[0], numbers[1], sizeof numbers[0]);
    bad += differ(name, "a row's scale", scales[0], scales[1], sizeof scales[0]);
    fold(PLAIN, 20, 33, 77, rows, rows + 700, bias, columns, table[0]);
    fold(path, 20, 33, 77, rows, rows + 700, bias, columns, table[1]);
    return bad + differ(name, "the folded table", table[0], table[1], sizeof table[0]);
}

int main(void)
{
    static const char *const names[PATHS] = {"plain", "neon", "avx2", "avx512", "avx512-vnni"};
    int path, bad = 0;
    for (path = PLAIN + 1; path < PATHS; path++)
        if (path_serves(path)) {
            bad += products_differ(path, names[path]) + equations_differ(path, names[path]) +
                   draws_differ(path, names[path]) + takings_differ(path, names[path]);
            printf("%s\n", names[path]);
        }
    return bad != 0;
}
