/* Whole sequences in bfloat16, matrix products included, for x86 processors with AVX-512's instructions for them.

   A step multiplies few rows, so an ordinary product spends much of its time on being called, on writing its result and
   on reading it again. Here a thread computes a tile (a few lanes, 16 columns of every gate, or 64 columns on the way
   back) in registers, and the elementwise half takes it from the first level of the cache. The matrix lies in panels,
   in the order in which tiles read it. Sums are in float32, in an order that depends on nothing but H. */

#define TILED __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,prefer-vector-width=512")))
#define UNROLL _Pragma("GCC unroll 8")

enum { LANES = 16, TALLEST = 8, WIDEST = 4, BLOCK = LANES * WIDEST };
/* LANES: float32 numbers in a register. A tile has at most 24 sums, of the 32 registers. */

/* out (rows, width LANES) = x (rows, 2 pairs) times a panel (pairs, width, LANES, 2); rows of x are `apart` apart. */
TILED static inline __attribute__((always_inline)) void
tile(const int rows, const int width, const uint16_t *x, int64_t apart, const uint16_t *panel, int64_t pairs, float *out)
{
    __m512 sums[TALLEST][WIDEST];
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < width; v++)
            sums[r][v] = _mm512_setzero_ps();
    for (int64_t pair = 0; pair < pairs; pair++) {
        __m512i columns[WIDEST];
        UNROLL
        for (int v = 0; v < width; v++) {
            columns[v] = _mm512_loadu_si512(panel + (pair * width + v) * 2 * LANES);
            __asm__("" : "+v"(columns[v])); /* compilers would rather load it again for every row */
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            int32_t two;
            memcpy(&two, x + r * apart + 2 * pair, 4);
            const __m512i both = _mm512_set1_epi32(two);
            UNROLL
            for (int v = 0; v < width; v++)
                sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)both, (__m512bh)columns[v]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int v = 0; v < width; v++)
            _mm512_storeu_ps(out + (r * width + v) * LANES, sums[r][v]);
}

#define TALL(rows, width)                                                                                              \
    case rows:                                                                                                         \
        tile(rows, width, x, apart, panel, pairs, out);                                                                \
        break;

TILED static void tile_of_3(int64_t rows, const uint16_t *x, int64_t apart, const uint16_t *panel, int64_t pairs,
                            float *out)
{
    switch (rows) {
        TALL(1, 3) TALL(2, 3) TALL(3, 3) TALL(4, 3) TALL(5, 3) TALL(6, 3) TALL(7, 3) TALL(8, 3)
    }
}

TILED static void tile_of_4(int64_t rows, const uint16_t *x, int64_t apart, const uint16_t *panel, int64_t pairs,
                            float *out)
{
    switch (rows) {
        TALL(1, 4) TALL(2, 4) TALL(3, 4) TALL(4, 4) TALL(5, 4) TALL(6, 4)
    }
}

/* The last lane of tile number `number` of `tiles`, which share B lanes evenly. */
static inline int64_t share_end(int64_t B, int64_t number, int64_t tiles) { return B * (number + 1) / tiles; }

/* Panels for the way there: of `weight` (gates H, H), for each 16 units the rows of all their gates. */
TILED static void pack_forward(const Layer *layer, int64_t gates, int64_t from, int64_t to)
{
    const int64_t H = layer->units;
    const float *restrict weight = layer->weight;
    uint32_t *restrict panels = layer->panels;
    for (int64_t j = from; j < to; j += LANES)
        for (int64_t gate = 0; gate < gates; gate++)
            for (int64_t pair = 0; pair < H / 2; pair++) {
                const float *restrict two = weight + (gate * H + j) * H + 2 * pair;
                uint32_t *restrict out = panels + ((j / LANES * (H / 2) + pair) * gates + gate) * LANES;
                for (int64_t row = 0; row < LANES; row++)
                    out[row] = narrowed(two[row * H]) | (uint32_t)narrowed(two[row * H + 1]) << 16;
            }
}

/* Panels for the way back: of its transpose, for each 64 units all of their columns. */
TILED static void pack_backward(const Layer *layer, int64_t gates, int64_t from, int64_t to)
{
    const int64_t H = layer->units, pairs = gates * H / 2;
    const float *restrict weight = layer->weight;
    uint32_t *restrict panels = layer->panels;
    for (int64_t j = from; j < to; j += BLOCK)
        for (int64_t pair = 0; pair < pairs; pair++) {
            const float *restrict even = weight + 2 * pair * H + j, *restrict odd = even + H;
            uint32_t *restrict out = panels + (j / BLOCK * pairs + pair) * BLOCK;
            for (int64_t column = 0; column < BLOCK; column++)
                out[column] = narrowed(even[column]) | (uint32_t)narrowed(odd[column]) << 16;
        }
}

/* Rows that other threads have just written, on their way here while the first tile is at work. */
TILED static inline void fetch(const uint16_t *rows, int64_t count)
{
    for (int64_t place = 0; place < count; place += 32)
        _mm_prefetch((const char *)(rows + place), _MM_HINT_T1);
}

#define SEQUENCE(cell, gates, tallest)                                                                                 \
    TILED static void cell##_pack_forward(const Layer *layer, int64_t t, int64_t from, int64_t to)                     \
    {                                                                                                                  \
        (void)t;                                                                                                       \
        pack_forward(layer, gates, from, to);                                                                          \
    }                                                                                                                  \
    TILED static void cell##_pack_backward(const Layer *layer, int64_t t, int64_t from, int64_t to)                    \
    {                                                                                                                  \
        (void)t;                                                                                                       \
        pack_backward(layer, gates, from, to);                                                                         \
    }                                                                                                                  \
    TILED static void cell##_forward_tiles(const Layer *layer, int64_t t, int64_t from, int64_t to)                    \
    {                                                                                                                  \
        const int64_t B = layer->lanes, H = layer->units, tiles = (B + tallest - 1) / tallest;                         \
        const uint16_t *h = (const uint16_t *)layer->hidden + t * B * H, *panels = layer->panels;                      \
        float product[tallest * gates * LANES];                                                                        \
        fetch(h, B * H);                                                                                               \
        for (int64_t j = from; j < to; j += LANES)                                                                     \
            for (int64_t number = 0, b = 0; number < tiles; number++) {                                                \
                const int64_t end = share_end(B, number, tiles);                                                       \
                tile_of_##gates(end - b, h + b * H, H, panels + j * gates * H, H / 2, product);                        \
                for (const float *row = product; b < end; b++, row += gates * LANES)                                   \
                    cell##_forward_tiled(layer, t, b, j, LANES, row, LANES);                                           \
            }                                                                                                          \
    }                                                                                                                  \
    TILED static void cell##_backward_tiles(const Layer *layer, int64_t t, int64_t from, int64_t to)                   \
    {                                                                                                                  \
        const int64_t B = layer->lanes, H = layer->units, tiles = (B + 5) / 6;                                         \
        const uint16_t *d = (const uint16_t *)layer->d_gates + (t + 1) * B * gates * H, *panels = layer->panels;       \
        float product[6 * BLOCK];                                                                                      \
        fetch(d, B * gates * H);                                                                                       \
        for (int64_t j = from; j < to; j += BLOCK)                                                                     \
            for (int64_t number = 0, b = 0; number < tiles; number++) {                                                \
                const int64_t end = share_end(B, number, tiles);                                                       \
                tile_of_4(end - b, d + b * gates * H, gates * H, panels + j * gates * H, gates * H / 2, product);      \
                for (const float *row = product; b < end; b++, row += BLOCK)                                           \
                    if (t < 0)                                                                                         \
                        memcpy((float *)layer->arriving + b * H + j, row, BLOCK * sizeof(float));                      \
                    else                                                                                               \
                        cell##_backward_tiled(layer, t, b, j, BLOCK, row, 0);                                          \
            }                                                                                                          \
        if (t >= 0)                                                                                                    \
            cell##_sums_bfloat16(layer, t, from, to);                                                                  \
    }                                                                                                                  \
    EXPORTED void cell##_forward_sequence(Layer *layer, int64_t T)                                                     \
    {                                                                                                                  \
        run(layer, cell##_pack_forward, 0);                                                                            \
        for (int64_t t = 0; t < T; t++)                                                                                \
            run(layer, cell##_forward_tiles, t);                                                                       \
    }                                                                                                                  \
    EXPORTED void cell##_backward_sequence(Layer *layer, int64_t T, const void *arriving)                              \
    {                                                                                                                  \
        run(layer, cell##_pack_backward, 0);                                                                           \
        layer->product = arriving;                                                                                     \
        run(layer, cell##_backward_columns_bfloat16, T - 1);                                                           \
        for (int64_t t = T - 2; t >= -1; t--)                                                                          \
            run(layer, cell##_backward_tiles, t);                                                                      \
    }

SEQUENCE(lstm, 4, 6)
SEQUENCE(gru, 3, 8)
