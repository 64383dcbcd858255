/* The product of a matrix and the states of some streams, included once for each set of instructions and each kind of
   numbers. A matrix lies in blocks of 16 rows: for each step of the inner dimension (four whole numbers, or one real
   number) the 16 rows' numbers stand together, 64 bytes, so that a vector's lanes are rows. Sums of real numbers are
   made in the order of the inner dimension, each in a lane of its own; sums of whole numbers in whatever order.

   TARGET, NAME(x); VECTOR, and how many make a block, VECTORS; LOAD(address) of a matrix; SPREAD(address), a stream's
   next number or four in every lane; DOT(sum, x, w); START(matrix, row); STORE(sum, matrix, row, address). The sums
   of AT_ONCE vectors of rows and TOGETHER streams are in registers at the same time (ROWS and STREAMS go over them).
   CHAINS: how many sums of one vector may be under way, where the order is free. After CHUNK steps the sums are put
   aside where their results will be (PAUSE, RESUME), so that the numbers of a few rows stay in the cache nearest by while
   all streams meet them. */

#define AT(vector, step) (numbers + ((size_t)((vector) / VECTORS) * steps + (step)) * 64 + (vector) % VECTORS * (64 / VECTORS))

/* Each sum is a variable of its own: compilers do not keep arrays in registers as surely. */
#ifndef EACH_1
#define EACH_1(of, s) of(0, s)
#define EACH_2(of, s) EACH_1(of, s) of(1, s)
#define EACH_4(of, s) EACH_2(of, s) of(2, s) of(3, s)
#define OVER_1(each, of) each(of, 0)
#define OVER_4(each, of) OVER_1(each, of) each(of, 1) each(of, 2) each(of, 3)
#define OVER_6(each, of) OVER_4(each, of) each(of, 4) each(of, 5)
#define OVER_8(each, of) OVER_6(each, of) each(of, 6) each(of, 7)
#define OVER_12(each, of) OVER_8(each, of) each(of, 8) each(of, 9) each(of, 10) each(of, 11)
#define PLACE(r, s) (y + s * y_stride + (first + r) * (16 / VECTORS))
#define BEGIN(r, s) VECTOR sum##r##s = from ? RESUME(PLACE(r, s)) : START(matrix, (first + r) * (16 / VECTORS));
#define WEIGHT(r, s) const VECTOR w##r = LOAD(AT(first + r, k));
#define GIVEN(r, s) const VECTOR x##s = SPREAD(x + s * x_stride + 4 * k);
#define MULTIPLY(r, s) sum##r##s = DOT(sum##r##s, x##s, w##r);
#define KEEP(r, s) PAUSE(sum##r##s, PLACE(r, s));
#define FINISH(r, s) STORE(sum##r##s, matrix, (first + r) * (16 / VECTORS), PLACE(r, s));
#define TILE(name, each, over)                                                                                         \
    TARGET static INLINE void NAME(name)(const Matrix *matrix, size_t steps, size_t from, size_t to, size_t first,     \
                                         const char *x, size_t x_stride, float *y, size_t y_stride)                    \
    {                                                                                                                  \
        const char *numbers = matrix->numbers;                                                                         \
        size_t k;                                                                                                      \
        over(each, BEGIN)                                                                                              \
        for (k = from; k < to; k++) {                                                                                  \
            each(WEIGHT, 0)                                                                                            \
            over(EACH_1, GIVEN)                                                                                        \
            over(each, MULTIPLY)                                                                                       \
        }                                                                                                              \
        if (to < steps) {                                                                                              \
            over(each, KEEP)                                                                                           \
        } else {                                                                                                       \
            over(each, FINISH)                                                                                         \
        }                                                                                                              \
    }
#endif

TILE(tile, ROWS, STREAMS)
TILE(tile_of_4, ROWS, OVER_4)
TILE(tile_of_1, ROWS, OVER_1)
TILE(row, EACH_1, STREAMS)
TILE(row_of_4, EACH_1, OVER_4)
TILE(row_of_1, EACH_1, OVER_1)

#define GO(tile, together)                                                                                             \
    for (; s + (together) <= streams; s += (together))                                                                 \
        NAME(tile)(matrix, steps, k, k + CHUNK < steps ? k + CHUNK : steps, first, x + s * x_stride, x_stride,         \
                   y + s * y_stride, y_stride);

#if CHAINS > 1
/* One vector of rows and one stream, read from memory from one end to the other. */
TARGET static INLINE void NAME(line)(const Matrix *matrix, size_t steps, size_t first, const char *x, float *y)
{
    const char *numbers = matrix->numbers;
    const size_t row = first * (16 / VECTORS);
    VECTOR sum[CHAINS];
    size_t k = 0;
    int c;
    sum[0] = START(matrix, row);
    UNROLLED for (c = 1; c < CHAINS; c++)
        sum[c] = NOTHING;
    for (; k + CHAINS <= steps; k += CHAINS) {
        UNROLLED for (c = 0; c < CHAINS; c++) {
            PREFETCH(AT(first, k + c) + AHEAD);
            sum[c] = DOT(sum[c], SPREAD(x + 4 * (k + c)), LOAD(AT(first, k + c)));
        }
    }
    for (; k < steps; k++)
        sum[0] = DOT(sum[0], SPREAD(x + 4 * k), LOAD(AT(first, k)));
    UNROLLED for (c = 1; c < CHAINS; c++)
        sum[0] = PLUS(sum[0], sum[c]);
    STORE(sum[0], matrix, row, y + row);
}
#endif

/* Blocks `from` to `to` of rows, for `streams` streams: y (streams, ·) of x (streams, ·). */
TARGET static void NAME(multiply)(const Matrix *matrix, size_t steps, size_t from, size_t to, const char *x,
                                  size_t x_stride, float *y, size_t y_stride, size_t streams)
{
    size_t first = from * VECTORS, s, k;
    const size_t end = to * VECTORS;
#if CHAINS > 1
    if (streams == 1) {
        for (; first < end; first++)
            NAME(line)(matrix, steps, first, x, y);
        return;
    }
#endif
    for (; first + AT_ONCE <= end; first += AT_ONCE)
        for (k = 0; k < steps; k += CHUNK) {
            s = 0;
            GO(tile, TOGETHER)
            GO(tile_of_4, 4)
            GO(tile_of_1, 1)
        }
    for (; first < end; first++)
        for (k = 0; k < steps; k += CHUNK) {
            s = 0;
            GO(row, TOGETHER)
            GO(row_of_4, 4)
            GO(row_of_1, 1)
        }
}

#undef GO
#undef AT
#undef TARGET
#undef NAME
#undef VECTOR
#undef VECTORS
#undef LOAD
#undef SPREAD
#undef DOT
#undef START
#undef STORE
#undef PAUSE
#undef RESUME
#undef ROWS
#undef STREAMS
#undef AT_ONCE
#undef TOGETHER
#undef CHAINS
#undef NOTHING
#undef PLUS
