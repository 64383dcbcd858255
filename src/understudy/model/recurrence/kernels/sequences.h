/* Whole sequences, matrix products included. Included by instructions.h once for each set of instructions and each type.

   A step multiplies few rows, so an ordinary product spends much of its time on being called, on writing its result and
   on reading it again. Here a thread computes tiles (a few lanes, some columns of every gate, or on the way back some
   columns) in registers, and the elementwise half takes their sums from the first level of the cache. The matrix lies in
   panels, in the order in which tiles read it, and is gone through in stretches that stay in the cache while all lanes
   of a group meet them. Sums are in float32, in an order that depends on nothing but H.

   STORED          what the products read
   TOGETHER        how many of them an instruction multiplies and sums for each column
   TILED           the functions' attribute: the instructions that they may use
   NAME(x)         the names here
   KINDRED(x), EQUATIONS(x)    those of the same type's functions in steps.h, and in cells.h where products are float32

   SUMS, ZERO, LOAD_SUMS(p), STORE_SUMS(p, sums)            a register of LANES sums
   VECTOR, LOAD(p), SPREAD(p), HOLD(x), ADD_PRODUCT(sums, x, columns)    one that is multiplied
   LANES           float32 numbers in a register
   EACH            registers for each gate on the way there
   BACK            registers on the way back
   GRU_TALL, LSTM_TALL, BACK_TALL    the lanes of a tile at most: its sums and what is multiplied are in registers

   None of these is defined afterwards. */

#undef BLOCK
#undef COLUMNS_BACK
#define BLOCK (EACH * LANES)
#define COLUMNS_BACK (BACK * LANES)

/* Where a tile's sums lie: of each lane SPAN columns of every gate. */
#undef PLACE
#define PLACE(r, v) (out + (r) * (width / each) * SPAN + (v) / each * SPAN + (v) % each * LANES)

/* The sums of some lanes and columns, or of a first stretch: rows of x (rows, K), `apart` apart, times a panel
   (K / TOGETHER, width, LANES, TOGETHER). Of the two sides the smaller is held in registers. Meanwhile a part of the panel
   that comes next, `pace` bytes for each k, is fetched from where it lies. */
TILED static INLINE void NAME(tile)(const int rows, const int width, const int each, const STORED *x, int64_t apart,
                                    const STORED *panel, int64_t K, int is_first, const char *next, int64_t pace,
                                    float *out)
{
    SUMS sums[TALLEST][WIDEST];
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < width; v++)
            sums[r][v] = is_first ? ZERO : LOAD_SUMS(PLACE(r, v));
    for (int64_t k = 0; k < K; k += TOGETHER) {
        VECTOR held[WIDEST];
        const STORED *columns = panel + k * width * LANES, *given = x + k;
        __builtin_prefetch(next + k * pace, 0, 2);
        if (width <= rows) {
            UNROLL
            for (int v = 0; v < width; v++) {
                held[v] = LOAD(columns + v * LANES * TOGETHER);
                HOLD(held[v]); /* compilers would rather load it again for every row */
            }
            UNROLL
            for (int r = 0; r < rows; r++) {
                const VECTOR same = SPREAD(given + r * apart);
                UNROLL
                for (int v = 0; v < width; v++)
                    sums[r][v] = ADD_PRODUCT(sums[r][v], same, held[v]);
            }
        } else {
            UNROLL
            for (int r = 0; r < rows; r++) {
                held[r] = SPREAD(given + r * apart);
                HOLD(held[r]);
            }
            UNROLL
            for (int v = 0; v < width; v++) {
                VECTOR column = LOAD(columns + v * LANES * TOGETHER);
                HOLD(column);
                UNROLL
                for (int r = 0; r < rows; r++)
                    sums[r][v] = ADD_PRODUCT(sums[r][v], held[r], column);
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < width; v++)
            STORE_SUMS(PLACE(r, v), sums[r][v]);
}

#undef TALL
#define TALL(rows, width, each, tallest)                                                                               \
    case rows:                                                                                                         \
        if (rows <= tallest)                                                                                           \
            NAME(tile)(rows, width, each, x, apart, panel, K, is_first, next, pace, out);                              \
        break;

/* x (rows, K) times panels for SPAN columns of each gate, (rows, gates, SPAN), block by block, stretch by stretch and tile
   by tile. */
#undef PRODUCT_OF
#define PRODUCT_OF(name, gates, each, tallest)                                                                         \
    TILED static SEPARATE void NAME(name##_tile)(int64_t rows, const STORED *x, int64_t apart, const STORED *panel,    \
                                                 int64_t K, int is_first, const char *next, int64_t pace, float *out)  \
    {                                                                                                                  \
        switch (rows) {                                                                                                \
            TALL(1, gates * each, each, tallest) TALL(2, gates * each, each, tallest)                                  \
            TALL(3, gates * each, each, tallest) TALL(4, gates * each, each, tallest)                                  \
            TALL(5, gates * each, each, tallest) TALL(6, gates * each, each, tallest)                                  \
            TALL(7, gates * each, each, tallest) TALL(8, gates * each, each, tallest)                                  \
        }                                                                                                              \
    }                                                                                                                  \
    TILED static void NAME(name##_product)(int64_t rows, const STORED *x, int64_t apart, const STORED *panels,         \
                                           int64_t K, float *out)                                                      \
    {                                                                                                                  \
        const int64_t wide = gates * each * LANES, tiles = (rows + tallest - 1) / tallest;                             \
        const int64_t most = STRETCH / (wide * (int64_t)sizeof(STORED)) / TOGETHER * TOGETHER;                         \
        const int64_t pace = wide * (int64_t)sizeof(STORED) / tiles;                                                   \
        for (int64_t k = 0; k < K; k += most)                                                                          \
            for (int64_t block = 0; block < SPAN; block += each * LANES) {                                             \
                const int64_t count = K - k < most ? K - k : most, is_last = block + each * LANES == SPAN;             \
                const STORED *panel = panels + block * gates * K + k * wide;                                           \
                const STORED *then = is_last ? panels + (k + count) % K * wide : panel + each * LANES * gates * K;     \
                for (int64_t number = 0, r = 0; number < tiles; number++) {                                            \
                    const int64_t end = share_end(rows, number, tiles);                                                \
                    NAME(name##_tile)(end - r, x + r * apart + k, apart, panel, count, k == 0,                         \
                                      (const char *)then + number * count * pace, pace,                                \
                                      out + r * gates * SPAN + block);                                                 \
                    r = end;                                                                                           \
                }                                                                                                      \
            }                                                                                                          \
    }

PRODUCT_OF(gru, 3, EACH, GRU_TALL)
PRODUCT_OF(lstm, 4, EACH, LSTM_TALL)
PRODUCT_OF(back, 1, BACK, BACK_TALL)

/* Panels for the way there: of `weight` (gates H, H), for each block of units the rows of all their gates. */
TILED static void NAME(pack_forward)(const Layer *layer, int64_t gates, int64_t from, int64_t to)
{
    const int64_t H = layer->units;
    const float *restrict weight = layer->weight;
    for (int64_t j = from; j < to; j += BLOCK)
        for (int64_t gate = 0; gate < gates; gate++)
            for (int64_t k = 0; k < H; k += TOGETHER) {
                const float *restrict rows = weight + (gate * H + j) * H + k;
                STORED *restrict out = (STORED *)layer->panels + (j * H + k * BLOCK) * gates + gate * BLOCK * TOGETHER;
                for (int64_t row = 0; row < BLOCK; row++)
                    for (int64_t next = 0; next < TOGETHER; next++)
                        out[row * TOGETHER + next] = NARROW(rows[row * H + next]);
            }
}

/* Panels for the way back: of its transpose, for each block of columns the numbers of all gates. */
TILED static void NAME(pack_backward)(const Layer *layer, int64_t gates, int64_t from, int64_t to)
{
    const int64_t H = layer->units, K = gates * H;
    const float *restrict weight = layer->weight;
    for (int64_t j = from; j < to; j += COLUMNS_BACK)
        for (int64_t k = 0; k < K; k += TOGETHER) {
            const float *restrict rows = weight + k * H + j;
            STORED *restrict out = (STORED *)layer->panels + j * K + k * COLUMNS_BACK;
            for (int64_t column = 0; column < COLUMNS_BACK; column++)
                for (int64_t next = 0; next < TOGETHER; next++)
                    out[column * TOGETHER + next] = NARROW(rows[next * H + column]);
        }
}

/* Rows that other threads have just written, on their way here while the first tile is at work. */
TILED static inline void NAME(fetch)(const STORED *rows, int64_t count)
{
    for (int64_t place = 0; place < count; place += 64 / (int64_t)sizeof(STORED))
        __builtin_prefetch(rows + place, 0, 2);
}

#undef SEQUENCE
#define SEQUENCE(cell, gates)                                                                                          \
    TILED static void NAME(cell##_forward_tiles)(const Layer *layer, int64_t t, int64_t from, int64_t to)              \
    {                                                                                                                  \
        const int64_t B = layer->lanes, H = layer->units;                                                              \
        const STORED *h = (const STORED *)layer->hidden + t * B * H, *panels = layer->panels;                          \
        float product[GROUP * gates * SPAN];                                                                           \
        NAME(fetch)(h, B * H);                                                                                         \
        for (int64_t j = from; j < to; j += SPAN)                                                                      \
            for (int64_t b = 0; b < B; b += GROUP) {                                                                   \
                const int64_t end = b + GROUP < B ? b + GROUP : B;                                                     \
                NAME(cell##_product)(end - b, h + b * H, H, panels + j * gates * H, H, product);                       \
                for (int64_t lane = b; lane < end; lane++)                                                             \
                    EQUATIONS(cell##_forward)(layer, t, lane, j, SPAN, product + (lane - b) * gates * SPAN, SPAN);     \
            }                                                                                                          \
    }                                                                                                                  \
    TILED static void NAME(cell##_backward_tiles)(const Layer *layer, int64_t t, int64_t from, int64_t to)             \
    {                                                                                                                  \
        const int64_t B = layer->lanes, H = layer->units, K = gates * H;                                               \
        const STORED *d = (const STORED *)layer->d_gates + (t + 1) * B * K, *panels = layer->panels;                   \
        float product[GROUP * SPAN];                                                                                   \
        NAME(fetch)(d, B * K);                                                                                         \
        for (int64_t j = from; j < to; j += SPAN)                                                                      \
            for (int64_t b = 0; b < B; b += GROUP) {                                                                   \
                const int64_t end = b + GROUP < B ? b + GROUP : B;                                                     \
                NAME(back_product)(end - b, d + b * K, K, panels + j * K, K, product);                                 \
                for (int64_t lane = b; lane < end; lane++) {                                                           \
                    const float *row = product + (lane - b) * SPAN;                                                    \
                    if (t < 0)                                                                                         \
                        memcpy((float *)layer->arriving + lane * H + j, row, SPAN * sizeof(float));                    \
                    else                                                                                               \
                        EQUATIONS(cell##_backward)(layer, t, lane, j, SPAN, row, 0);                                   \
                }                                                                                                      \
            }                                                                                                          \
        if (t >= 0)                                                                                                    \
            KINDRED(cell##_sums)(layer, t, from, to);                                                                     \
    }                                                                                                                  \
    static void NAME(cell##_forward_phase)(const Layer *layer, int64_t t, int64_t from, int64_t to)                    \
    {                                                                                                                  \
        if (t < 0)                                                                                                     \
            NAME(pack_forward)(layer, gates, from, to);                                                                \
        else                                                                                                           \
            NAME(cell##_forward_tiles)(layer, t, from, to);                                                            \
    }                                                                                                                  \
    static void NAME(cell##_backward_phase)(const Layer *layer, int64_t t, int64_t from, int64_t to)                   \
    {                                                                                                                  \
        if (t < layer->steps - 1) {                                                                                    \
            NAME(cell##_backward_tiles)(layer, t, from, to);                                                           \
            return;                                                                                                    \
        }                                                                                                              \
        NAME(pack_backward)(layer, gates, from, to);                                                                   \
        KINDRED(cell##_backward_columns)(layer, t, from, to); /* after the last step there is nothing to multiply */   \
    }                                                                                                                  \
    EXPORTED void NAME(cell##_forward_sequence)(Layer *layer, int64_t T)                                               \
    {                                                                                                                  \
        run(layer, NAME(cell##_forward_phase), -1, T, 1);                                                              \
    }                                                                                                                  \
    EXPORTED void NAME(cell##_backward_sequence)(Layer *layer, int64_t T, const void *arriving)                        \
    {                                                                                                                  \
        layer->steps = T;                                                                                              \
        layer->product = arriving;                                                                                     \
        run(layer, NAME(cell##_backward_phase), T - 1, -2, -1);                                                        \
    }

SEQUENCE(lstm, 4)
SEQUENCE(gru, 3)

#undef STORED
#undef NARROW
#undef TOGETHER
#undef TILED
#undef NAME
#undef KINDRED
#undef EQUATIONS
#undef LANES
#undef EACH
#undef BACK
#undef GRU_TALL
#undef LSTM_TALL
#undef BACK_TALL
#undef SUMS
#undef ZERO
#undef LOAD_SUMS
#undef STORE_SUMS
#undef VECTOR
#undef LOAD
#undef SPREAD
#undef HOLD
#undef ADD_PRODUCT
