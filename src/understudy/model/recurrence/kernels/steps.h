/* One step of a recurrence whose product comes from elsewhere, for some columns of all lanes. Included by kernels.c once
   for each type, after cells.h, whose macros it uses. Threads divide the H columns, so that each owns its columns of the
   sums by symbol. */

/* What step t gives to the inputs, added by symbol. */
CLONED static void NAME(add_by_symbol)(const Layer *layer, int64_t t, int64_t from, int64_t to, int64_t gates,
                                       const STORED *rows)
{
    const int64_t B = layer->lanes, H = layer->units;
    for (int64_t b = 0; b < B; b++) {
        REAL *restrict sums = (REAL *)layer->d_table + layer->ids[t * B + b] * gates * H;
        const STORED *restrict d = rows + b * gates * H;
        for (int64_t gate = 0; gate < gates; gate++)
            for (int64_t j = gate * H + from; j < gate * H + to; j++)
                sums[j] += WIDE(d[j]);
    }
}

static void NAME(lstm_sums)(const Layer *layer, int64_t t, int64_t from, int64_t to)
{
    if (layer->d_table)
        NAME(add_by_symbol)(layer, t, from, to, 4, (const STORED *)layer->d_gates + ROW(t, 0, 4 * layer->units));
}

static void NAME(gru_sums)(const Layer *layer, int64_t t, int64_t from, int64_t to)
{
    if (layer->d_table)
        NAME(add_by_symbol)(layer, t, from, to, 3, layer->d_inputs);
}

#undef COLUMNS
#define COLUMNS(step, width, after)                                                                                    \
    CLONED static void NAME(step##_columns)(const Layer *layer, int64_t t, int64_t from, int64_t to)                   \
    {                                                                                                                  \
        for (int64_t b = 0; b < layer->lanes; b++)                                                                     \
            NAME(step)(layer, t, b, from, to - from, (const PRODUCT *)layer->product + b * (width) + from,             \
                       layer->units);                                                                                  \
        after;                                                                                                         \
    }

COLUMNS(lstm_forward, 4 * layer->units, )
COLUMNS(gru_forward, 3 * layer->units, )
COLUMNS(lstm_backward, layer->units, NAME(lstm_sums)(layer, t, from, to))
COLUMNS(gru_backward, layer->units, NAME(gru_sums)(layer, t, from, to))
