/* Whole sequences, matrix products included, for x86 processors with AVX-512. Included by kernels.c once for bfloat16 and
   once for float32.

   A step multiplies few rows, so an ordinary product spends much of its time on being called, on writing its result and
   on reading it again. Here a thread computes a tile (a few lanes, 16 columns of every gate, or 64 columns on the way
   back) in registers, and the elementwise half takes it from the first level of the cache. The matrix lies in panels,
   in the order in which tiles read it. Sums are in float32, in an order that depends on nothing but H.

   STORED          what the products read
   TOGETHER        how many of them an instruction multiplies and sums for each column
   TILED           the functions' attribute: the instructions that they may use
   VECTOR, LOAD(p), SPREAD(p), ADD_PRODUCT(sum, x, columns)    the instructions
   NAME(x), EQUATIONS(x)    the names here, and of the lane functions of cells.h whose products are float32 */

/* out (rows, width LANES) = x (rows, K) times a panel (K / TOGETHER, width, LANES, TOGETHER); rows of x are `apart`
   apart. */
TILED static inline __attribute__((always_inline)) void NAME(tile)(const int rows, const int width, const STORED *x,
                                                                   int64_t apart, const STORED *panel, int64_t K,
                                                                   float *out)
{
    __m512 sums[TALLEST][WIDEST];
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < width; v++)
            sums[r][v] = _mm512_setzero_ps();
    for (int64_t k = 0; k < K; k += TOGETHER) {
        VECTOR columns[WIDEST];
        UNROLL
        for (int v = 0; v < width; v++) {
            columns[v] = LOAD(panel + k * width * LANES + v * LANES * TOGETHER);
            __asm__("" : "+v"(columns[v])); /* compilers would rather load it again for every row */
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            const VECTOR same = SPREAD(x + r * apart + k);
            UNROLL
            for (int v = 0; v < width; v++)
                sums[r][v] = ADD_PRODUCT(sums[r][v], same, columns[v]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < width; v++)
            _mm512_storeu_ps(out + (r * width + v) * LANES, sums[r][v]);
}

#undef TALL
#define TALL(rows, width)                                                                                              \
    case rows:                                                                                                         \
        NAME(tile)(rows, width, x, apart, panel, K, out);                                                              \
        break;

TILED static void NAME(tile_of_3)(int64_t rows, const STORED *x, int64_t apart, const STORED *panel, int64_t K, float *out)
{
    switch (rows) {
        TALL(1, 3) TALL(2, 3) TALL(3, 3) TALL(4, 3) TALL(5, 3) TALL(6, 3) TALL(7, 3) TALL(8, 3)
    }
}

TILED static void NAME(tile_of_4)(int64_t rows, const STORED *x, int64_t apart, const STORED *panel, int64_t K, float *out)
{
    switch (rows) {
        TALL(1, 4) TALL(2, 4) TALL(3, 4) TALL(4, 4) TALL(5, 4) TALL(6, 4)
    }
}

/* Panels for the way there: of `weight` (gates H, H), for each 16 units the rows of all their gates. */
TILED static void NAME(pack_forward)(const Layer *layer, int64_t gates, int64_t from, int64_t to)
{
    const int64_t H = layer->units;
    const float *restrict weight = layer->weight;
    for (int64_t j = from; j < to; j += LANES)
        for (int64_t gate = 0; gate < gates; gate++)
            for (int64_t k = 0; k < H; k += TOGETHER) {
                const float *restrict rows = weight + (gate * H + j) * H + k;
                STORED *restrict out = (STORED *)layer->panels + (j * H + k * LANES) * gates + gate * LANES * TOGETHER;
                for (int64_t row = 0; row < LANES; row++)
                    for (int64_t next = 0; next < TOGETHER; next++)
                        out[row * TOGETHER + next] = NARROW(rows[row * H + next]);
            }
}

/* Panels for the way back: of its transpose, for each 64 units all of their columns. */
TILED static void NAME(pack_backward)(const Layer *layer, int64_t gates, int64_t from, int64_t to)
{
    const int64_t H = layer->units, K = gates * H;
    const float *restrict weight = layer->weight;
    for (int64_t j = from; j < to; j += BLOCK)
        for (int64_t k = 0; k < K; k += TOGETHER) {
            const float *restrict rows = weight + k * H + j;
            STORED *restrict out = (STORED *)layer->panels + j * K + k * BLOCK;
            for (int64_t column = 0; column < BLOCK; column++)
                for (int64_t next = 0; next < TOGETHER; next++)
                    out[column * TOGETHER + next] = NARROW(rows[next * H + column]);
        }
}

/* Rows that other threads have just written, on their way here while the first tile is at work. */
TILED static inline void NAME(fetch)(const STORED *rows, int64_t count)
{
    for (int64_t place = 0; place < count; place += 64 / (int64_t)sizeof(STORED))
        _mm_prefetch((const char *)(rows + place), _MM_HINT_T1);
}

#undef SEQUENCE
#define SEQUENCE(cell, gates, tallest)                                                                                 \
    TILED static void NAME(cell##_pack_forward)(const Layer *layer, int64_t t, int64_t from, int64_t to)               \
    {                                                                                                                  \
        (void)t;                                                                                                       \
        NAME(pack_forward)(layer, gates, from, to);                                                                    \
    }                                                                                                                  \
    TILED static void NAME(cell##_pack_backward)(const Layer *layer, int64_t t, int64_t from, int64_t to)              \
    {                                                                                                                  \
        (void)t;                                                                                                       \
        NAME(pack_backward)(layer, gates, from, to);                                                                   \
    }                                                                                                                  \
    TILED static void NAME(cell##_forward_tiles)(const Layer *layer, int64_t t, int64_t from, int64_t to)              \
    {                                                                                                                  \
        const int64_t B = layer->lanes, H = layer->units, tiles = (B + tallest - 1) / tallest;                         \
        const STORED *h = (const STORED *)layer->hidden + t * B * H, *panels = layer->panels;                          \
        float product[tallest * gates * LANES];                                                                        \
        NAME(fetch)(h, B * H);                                                                                         \
        for (int64_t j = from; j < to; j += LANES)                                                                     \
            for (int64_t number = 0, b = 0; number < tiles; number++) {                                                \
                const int64_t end = share_end(B, number, tiles);                                                       \
                NAME(tile_of_##gates)(end - b, h + b * H, H, panels + j * gates * H, H, product);                      \
                for (const float *row = product; b < end; b++, row += gates * LANES)                                   \
                    EQUATIONS(cell##_forward)(layer, t, b, j, LANES, row, LANES);                                      \
            }                                                                                                          \
    }                                                                                                                  \
    TILED static void NAME(cell##_backward_tiles)(const Layer *layer, int64_t t, int64_t from, int64_t to)             \
    {                                                                                                                  \
        const int64_t B = layer->lanes, H = layer->units, tiles = (B + 5) / 6;                                         \
        const STORED *d = (const STORED *)layer->d_gates + (t + 1) * B * gates * H, *panels = layer->panels;           \
        float product[6 * BLOCK];                                                                                      \
        NAME(fetch)(d, B * gates * H);                                                                                 \
        for (int64_t j = from; j < to; j += BLOCK)                                                                     \
            for (int64_t number = 0, b = 0; number < tiles; number++) {                                                \
                const int64_t end = share_end(B, number, tiles);                                                       \
                NAME(tile_of_4)(end - b, d + b * gates * H, gates * H, panels + j * gates * H, gates * H, product);    \
                for (const float *row = product; b < end; b++, row += BLOCK)                                           \
                    if (t < 0)                                                                                         \
                        memcpy((float *)layer->arriving + b * H + j, row, BLOCK * sizeof(float));                      \
                    else                                                                                               \
                        EQUATIONS(cell##_backward)(layer, t, b, j, BLOCK, row, 0);                                     \
            }                                                                                                          \
        if (t >= 0)                                                                                                    \
            NAME(cell##_sums)(layer, t, from, to);                                                                     \
    }                                                                                                                  \
    EXPORTED void NAME(cell##_forward_sequence)(Layer *layer, int64_t T)                                               \
    {                                                                                                                  \
        run(layer, NAME(cell##_pack_forward), 0);                                                                      \
        for (int64_t t = 0; t < T; t++)                                                                                \
            run(layer, NAME(cell##_forward_tiles), t);                                                                 \
    }                                                                                                                  \
    EXPORTED void NAME(cell##_backward_sequence)(Layer *layer, int64_t T, const void *arriving)                        \
    {                                                                                                                  \
        run(layer, NAME(cell##_pack_backward), 0);                                                                     \
        layer->product = arriving;                                                                                     \
        run(layer, NAME(cell##_backward_columns), T - 1);                                                              \
        for (int64_t t = T - 2; t >= -1; t--)                                                                          \
            run(layer, NAME(cell##_backward_tiles), t);                                                                \
    }

SEQUENCE(lstm, 4, 6)
SEQUENCE(gru, 3, 8)
