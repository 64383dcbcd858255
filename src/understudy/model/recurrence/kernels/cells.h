/* The elementwise half of one step of a recurrence, for some columns of one lane: the equations, there and back.
   Included by kernels.c once for each set of types.

   REAL    what is carried and computed in
   STORED  what the products read, and what is kept for the way back
   PRODUCT what the products come as
   NAME(x) the name of x for these types
   KEPT    how gates are kept for the way back, as wide as STORED
   WIDE(x), NARROW(x)    STORED to REAL and back
   OF_PRODUCT(x)         PRODUCT to REAL
   GATE(x), KEEP_GATE(x)  KEPT to REAL and back, for -1 <= x <= 1
   ANY(x), KEEP_ANY(x)   KEPT to REAL and back, for any x
   SIGMOID(x), TANH(x)

   Letters as everywhere: T steps, B lanes, H units. A row of gates is 4 H wide. The columns are `count` ones from
   `first` on; `product` points at the first one's, and the next gate's is `apart` further on. */

/* Lane b's row at step t, where a row is so wide. */
#undef ROW
#define ROW(t, b, width) (((t) * layer->lanes + (b)) * (width))

/* What the input adds to lane b's gates at step t: a row of the table, or of the products. */
#undef SOURCE_ROW
#define SOURCE_ROW(t, b, width)                                                                                        \
    ((const STORED *)layer->source + (layer->ids ? layer->ids[ROW(t, b, 1)] * (width) : ROW(t, b, width)))

/* i, f, g, o;  c' = f c + i g;  h' = o tanh(c') */
static INLINE void NAME(lstm_forward)(const Layer *layer, int64_t t, int64_t b, int64_t first, int64_t count,
                                      const PRODUCT *restrict product, int64_t apart)
{
    const int64_t H = layer->units, kept = layer->keeps ? t : 0;
    const STORED *restrict x = SOURCE_ROW(t, b, 4 * H) + first;
    const REAL *restrict c = (const REAL *)layer->carried + ROW(kept, b, H) + first;
    REAL *restrict c_next = (REAL *)layer->carried + ROW(kept + layer->keeps, b, H) + first;
    KEPT *restrict gates = (KEPT *)layer->gates + ROW(kept, b, 4 * H) + first;
    STORED *restrict h_next = (STORED *)layer->hidden + ROW(t + 1, b, H) + first;
    REAL *restrict h = (REAL *)layer->last + b * H + first;
    INDEPENDENT
    for (int64_t j = 0; j < count; j++) {
        const REAL i = SIGMOID(OF_PRODUCT(product[j]) + WIDE(x[j]));
        const REAL f = SIGMOID(OF_PRODUCT(product[apart + j]) + WIDE(x[H + j]));
        const REAL g = TANH(OF_PRODUCT(product[2 * apart + j]) + WIDE(x[2 * H + j]));
        const REAL o = SIGMOID(OF_PRODUCT(product[3 * apart + j]) + WIDE(x[3 * H + j]));
        const REAL after = f * c[j] + i * g;
        const REAL out = o * TANH(after);
        gates[j] = KEEP_GATE(i);
        gates[H + j] = KEEP_GATE(f);
        gates[2 * H + j] = KEEP_GATE(g);
        gates[3 * H + j] = KEEP_GATE(o);
        c_next[j] = after;
        h[j] = out;
        h_next[j] = NARROW(out);
    }
}

/* dc += dh o (1 - tanh²(c'));  di~ = dc g i (1 - i);  df~ = dc c f (1 - f);  dg~ = dc i (1 - g²);
   do~ = dh tanh(c') o (1 - o);  dc_before = dc f */
static INLINE void NAME(lstm_backward)(const Layer *layer, int64_t t, int64_t b, int64_t first, int64_t count,
                                       const PRODUCT *restrict product, int64_t apart)
{
    const int64_t H = layer->units;
    const STORED *restrict d_output = (const STORED *)layer->d_outputs + ROW(t, b, H) + first;
    const REAL *restrict c = (const REAL *)layer->carried + ROW(t, b, H) + first;
    const REAL *restrict c_next = (const REAL *)layer->carried + ROW(t + 1, b, H) + first;
    const KEPT *restrict gates = (const KEPT *)layer->gates + ROW(t, b, 4 * H) + first;
    REAL *restrict d_carried = (REAL *)layer->d_carried + b * H + first;
    STORED *restrict d = (STORED *)layer->d_gates + ROW(t, b, 4 * H) + first;
    (void)apart; /* one part alone */
    INDEPENDENT
    for (int64_t j = 0; j < count; j++) {
        const REAL i = GATE(gates[j]), f = GATE(gates[H + j]), g = GATE(gates[2 * H + j]), o = GATE(gates[3 * H + j]);
        const REAL dh = OF_PRODUCT(product[j]) + WIDE(d_output[j]), tanh_c = TANH(c_next[j]);
        const REAL dc = d_carried[j] + dh * o * (1 - tanh_c * tanh_c);
        d[j] = NARROW(dc * g * i * (1 - i));
        d[H + j] = NARROW(dc * c[j] * f * (1 - f));
        d[2 * H + j] = NARROW(dc * i * (1 - g * g));
        d[3 * H + j] = NARROW(dh * tanh_c * o * (1 - o));
        d_carried[j] = dc * f;
    }
}

/* Inputs in the order n, r, z; products in the order r, z, n; kept r, z, n, q.
   q = U_n h + c_n;  n = tanh(x_n + r q);  h' = n + z (h - n) */
static INLINE void NAME(gru_forward)(const Layer *layer, int64_t t, int64_t b, int64_t first, int64_t count,
                                     const PRODUCT *restrict product, int64_t apart)
{
    const int64_t H = layer->units, kept = layer->keeps ? t : 0;
    const REAL *restrict bias = (const REAL *)layer->bias + first;
    const STORED *restrict x = SOURCE_ROW(t, b, 3 * H) + first;
    KEPT *restrict gates = (KEPT *)layer->gates + ROW(kept, b, 4 * H) + first;
    STORED *restrict h_next = (STORED *)layer->hidden + ROW(t + 1, b, H) + first;
    REAL *restrict h = (REAL *)layer->last + b * H + first;
    INDEPENDENT
    for (int64_t j = 0; j < count; j++) {
        const REAL r = SIGMOID(OF_PRODUCT(product[j]) + WIDE(x[H + j]));
        const REAL z = SIGMOID(OF_PRODUCT(product[apart + j]) + WIDE(x[2 * H + j]));
        const REAL q = OF_PRODUCT(product[2 * apart + j]) + bias[j];
        const REAL n = TANH(WIDE(x[j]) + r * q);
        const REAL out = n + z * (h[j] - n);
        gates[j] = KEEP_GATE(r);
        gates[H + j] = KEEP_GATE(z);
        gates[2 * H + j] = KEEP_GATE(n);
        gates[3 * H + j] = KEEP_ANY(q);
        h[j] = out;
        h_next[j] = NARROW(out);
    }
}

/* da = dh (1 - z)(1 - n²);  dz~ = dh (h - n) z (1 - z);  dr~ = da q r (1 - r);  dq = da r;  dh_before = dh z + ...
   To the inputs go da, dr~, dz~, in one place for all steps where their sums by symbol are all that is wanted; to the
   products dr~, dz~, dq. */
static INLINE void NAME(gru_backward)(const Layer *layer, int64_t t, int64_t b, int64_t first, int64_t count,
                                      const PRODUCT *restrict product, int64_t apart)
{
    const int64_t H = layer->units;
    const STORED *restrict d_output = (const STORED *)layer->d_outputs + ROW(t, b, H) + first;
    const STORED *restrict h = (const STORED *)layer->hidden + ROW(t, b, H) + first;
    const KEPT *restrict gates = (const KEPT *)layer->gates + ROW(t, b, 4 * H) + first;
    REAL *restrict d_carried = (REAL *)layer->d_carried + b * H + first;
    REAL *restrict d_bias = (REAL *)layer->d_bias + first;
    STORED *restrict d = (STORED *)layer->d_gates + ROW(t, b, 3 * H) + first;
    STORED *restrict d_input = (STORED *)layer->d_inputs + ROW(layer->d_table ? 0 : t, b, 3 * H) + first;
    (void)apart; /* one part alone */
    INDEPENDENT
    for (int64_t j = 0; j < count; j++) {
        const REAL r = GATE(gates[j]), z = GATE(gates[H + j]), n = GATE(gates[2 * H + j]), q = ANY(gates[3 * H + j]);
        const REAL dh = d_carried[j] + OF_PRODUCT(product[j]) + WIDE(d_output[j]);
        const REAL da = dh * (1 - z) * (1 - n * n), dq = da * r;
        const STORED dr = NARROW(dq * q * (1 - r)), dz = NARROW(dh * (WIDE(h[j]) - n) * z * (1 - z));
        d_input[j] = NARROW(da);
        d_input[H + j] = dr;
        d_input[2 * H + j] = dz;
        d[j] = dr;
        d[H + j] = dz;
        d[2 * H + j] = NARROW(dq);
        d_bias[j] += dq;
        d_carried[j] = dh * z;
    }
}
