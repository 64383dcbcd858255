/* What is done once, when a model is taken: rows in eight bits, the folded table, and matrices laid out as a path reads
   them. */

EXPORTED int64_t path_serves(int64_t path)
{
    return path >= 0 && path < PATHS && serves((int)path);
}

/* Bytes of `rows` rows of `inner` numbers as a path reads them. */
EXPORTED int64_t arranged_bytes(int64_t whole, int64_t rows, int64_t inner)
{
    return (rows + BLOCK - 1) / BLOCK * BLOCK * (whole ? (inner + 3) / 4 * 4 : inner * 4);
}

/* Lay rows (rows, inner) out as a path reads them; corrections (whole blocks of rows) where whole numbers get a middle. */
EXPORTED void arrange(int64_t path, int64_t whole, int64_t rows, int64_t inner, const void *from, void *to,
                      int32_t *corrections)
{
    const int64_t each = whole ? 4 : 1, steps = (inner + each - 1) / each;
    int64_t n, k;
    memset(to, 0, (size_t)arranged_bytes(whole, rows, inner));
    for (n = 0; n < rows; n++) {
        const int8_t *row = (const int8_t *)from + n * inner;
        int32_t sum = 0;
        if (!whole)
            for (k = 0; k < inner; k++)
                ((float *)to)[(n / BLOCK * steps + k) * BLOCK + n % BLOCK] = ((const float *)from)[n * inner + k];
        else if (!paths[path].blocked)
            memcpy((int8_t *)to + n * steps * 4, row, (size_t)inner);
        else
            for (k = 0; k < steps; k++)
                memcpy((int8_t *)to + ((n / BLOCK * steps + k) * BLOCK + n % BLOCK) * 4, row + 4 * k,
                       (size_t)(k + 1 < steps || inner % 4 == 0 ? 4 : inner % 4));
        for (k = 0; whole && k < inner; k++)
            sum += row[k];
        if (whole)
            corrections[n] = -paths[path].middle * sum;
    }
}

/* The rows of a matrix (rows, inner) in eight bits: each row's scale, and its numbers. */
EXPORTED void quantise(int64_t path, int64_t rows, int64_t inner, int64_t levels, const float *from, int8_t *to,
                       float *scales)
{
    int64_t n;
    for (n = 0; n < rows; n++)
        scales[n] = paths[path].quantised(from + n * inner, to + n * inner, (float)levels, (size_t)inner);
}

/* Σ_k embedding[v][k] · weight[n][k] in float64 in the order of k, plus the bias: (V, N) in float32. `columns` has room
   for (E, FOLDED_AT_ONCE). */
EXPORTED void fold(int64_t path, int64_t V, int64_t E, int64_t N, const float *embedding, const float *weight,
                   const float *bias, float *columns, float *to)
{
    int64_t v, k, n, first;
    for (first = 0; first < N; first += FOLDED_AT_ONCE) {
        const int64_t count = N - first < FOLDED_AT_ONCE ? N - first : FOLDED_AT_ONCE;
        memset(columns, 0, (size_t)E * FOLDED_AT_ONCE * sizeof *columns);
        for (n = 0; n < count; n++)
            for (k = 0; k < E; k++)
                columns[k * FOLDED_AT_ONCE + n] = weight[(first + n) * E + k];
        for (v = 0; v < V; v++)
            paths[path].folded(embedding + v * E, columns, bias + first, to + v * N + first, (size_t)E, (size_t)count);
    }
}

/* Numbers `start` to `start + count - 1` of the sequence that belongs to a seed. */
EXPORTED void uniform_numbers(uint64_t seed, uint64_t start, int64_t count, double *to)
{
    int64_t i;
    for (i = 0; i < count; i++)
        to[i] = uniform_at(seed, start + (uint64_t)i);
}
