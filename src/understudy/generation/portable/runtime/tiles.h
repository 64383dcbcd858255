/* The product of a matrix and the states of some streams, included once for each set of instructions and each kind of
   numbers. A matrix lies in blocks of 16 rows: for each step of the inner dimension (four whole numbers, or one real
   number) the 16 rows' numbers stand together, 64 bytes, so that a vector's lanes are rows. Sums of real numbers are
   made in the order of the inner dimension, each in a lane of its own; sums of whole numbers in whatever order.

   TARGET, NAME(x); VECTOR, and how many make a block, VECTORS; LOAD(address) of a matrix; SPREAD(address), a stream's
   next number or four in every lane; DOT(sum, x, w); START(matrix, row); STORE(sum, matrix, row, address). At once
   ROWS vectors of rows and STREAMS streams are held in registers. CHAINS: how many sums of one vector may be under way,
   where the order is free. */

#define AT(vector, step) (numbers + ((size_t)((vector) / VECTORS) * steps + (step)) * 64 + (vector) % VECTORS * (64 / VECTORS))

/* `rows` vectors of rows times `streams` streams; both constants where this is called, so that all loops are unrolled. */
TARGET static INLINE void NAME(tile)(const Matrix *matrix, size_t steps, size_t first, const char *x, size_t x_stride,
                                     float *y, size_t y_stride, const int rows, const int streams)
{
    const char *numbers = matrix->numbers;
    VECTOR sum[ROWS][STREAMS];
    size_t k;
    int r, s;
    UNROLLED for (r = 0; r < rows; r++)
        UNROLLED for (s = 0; s < streams; s++)
            sum[r][s] = START(matrix, (first + r) * (16 / VECTORS));
    for (k = 0; k < steps; k++) {
        UNROLLED for (s = 0; s < streams; s++) {
            const VECTOR given = SPREAD(x + s * x_stride + 4 * k);
            UNROLLED for (r = 0; r < rows; r++)
                sum[r][s] = DOT(sum[r][s], given, LOAD(AT(first + r, k)));
        }
    }
    UNROLLED for (r = 0; r < rows; r++)
        UNROLLED for (s = 0; s < streams; s++) {
            const size_t row = (first + r) * (16 / VECTORS);
            STORE(sum[r][s], matrix, row, y + s * y_stride + row);
        }
}

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
    size_t first = from * VECTORS, s;
    const size_t end = to * VECTORS;
#if CHAINS > 1
    if (streams == 1) {
        for (; first < end; first++)
            NAME(line)(matrix, steps, first, x, y);
        return;
    }
#endif
    for (; first + ROWS <= end; first += ROWS) {
        for (s = 0; s + STREAMS <= streams; s += STREAMS)
            NAME(tile)(matrix, steps, first, x + s * x_stride, x_stride, y + s * y_stride, y_stride, ROWS, STREAMS);
        for (; s < streams; s++)
            NAME(tile)(matrix, steps, first, x + s * x_stride, x_stride, y + s * y_stride, y_stride, ROWS, 1);
    }
    for (; first < end; first++) {
        for (s = 0; s + STREAMS <= streams; s += STREAMS)
            NAME(tile)(matrix, steps, first, x + s * x_stride, x_stride, y + s * y_stride, y_stride, 1, STREAMS);
        for (; s < streams; s++)
            NAME(tile)(matrix, steps, first, x + s * x_stride, x_stride, y + s * y_stride, y_stride, 1, 1);
    }
}

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
#undef ROWS
#undef STREAMS
#undef CHAINS
#undef NOTHING
#undef PLUS
