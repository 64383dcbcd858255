/* The elementwise half of one step of a recurrence, for one pair of types: included by kernels.c once for each.

   REAL    what is carried and computed in
   STORED  what the products read and write, and what is kept for the way back
   NAME(x) the name of x for these types
   KEPT    how gates are kept for the way back, as wide as STORED
   WIDE(x), NARROW(x)    STORED to REAL and back
   GATE(x), KEEP_GATE(x)  KEPT to REAL and back, for -1 <= x <= 1
   ANY(x), KEEP_ANY(x)   KEPT to REAL and back, for any x
   SIGMOID(x), TANH(x)

   Letters as everywhere: T steps, B lanes, H units. A row of gates is 4 H wide. Threads divide the H columns, so that
   each owns its columns of the sums by symbol. */

/* What the input adds to lane b's gates at step t: a row of the table, or of the products. */
#undef SOURCE_ROW
#define SOURCE_ROW(layer, t, b, width)                                                                                 \
    ((const STORED *)(layer)->source +                                                                                 \
     ((layer)->ids ? (layer)->ids[(t) * (layer)->lanes + (b)] : (t) * (layer)->lanes + (b)) * (width))

/* The rows of d (B, gates H), added to those of their symbols at step t. */
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

/* i, f, g, o;  c' = f c + i g;  h' = o tanh(c') */
CLONED static void NAME(lstm_forward_columns)(const Layer *layer, int64_t t, int64_t from, int64_t to)
{
    const int64_t B = layer->lanes, H = layer->units, kept = layer->keeps ? t : 0;
    for (int64_t b = 0; b < B; b++) {
        const STORED *restrict x = SOURCE_ROW(layer, t, b, 4 * H);
        const STORED *restrict product = (const STORED *)layer->product + b * 4 * H;
        const REAL *restrict c = (const REAL *)layer->carried + (kept * B + b) * H;
        REAL *restrict c_next = (REAL *)layer->carried + ((kept + layer->keeps) * B + b) * H;
        KEPT *restrict gates = (KEPT *)layer->gates + (kept * B + b) * 4 * H;
        STORED *restrict h_next = (STORED *)layer->hidden + ((t + 1) * B + b) * H;
        REAL *restrict h = (REAL *)layer->last + b * H;
        INDEPENDENT
        for (int64_t j = from; j < to; j++) {
            const REAL i = SIGMOID(WIDE(product[j]) + WIDE(x[j]));
            const REAL f = SIGMOID(WIDE(product[H + j]) + WIDE(x[H + j]));
            const REAL g = TANH(WIDE(product[2 * H + j]) + WIDE(x[2 * H + j]));
            const REAL o = SIGMOID(WIDE(product[3 * H + j]) + WIDE(x[3 * H + j]));
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
}

/* dc += dh o (1 - tanh²(c'));  di~ = dc g i (1 - i);  df~ = dc c f (1 - f);  dg~ = dc i (1 - g²);
   do~ = dh tanh(c') o (1 - o);  dc_before = dc f */
CLONED static void NAME(lstm_backward_columns)(const Layer *layer, int64_t t, int64_t from, int64_t to)
{
    const int64_t B = layer->lanes, H = layer->units;
    for (int64_t b = 0; b < B; b++) {
        const STORED *restrict product = (const STORED *)layer->product + b * H;
        const STORED *restrict d_output = (const STORED *)layer->d_outputs + (t * B + b) * H;
        const REAL *restrict c = (const REAL *)layer->carried + (t * B + b) * H;
        const REAL *restrict c_next = (const REAL *)layer->carried + ((t + 1) * B + b) * H;
        const KEPT *restrict gates = (const KEPT *)layer->gates + (t * B + b) * 4 * H;
        REAL *restrict d_carried = (REAL *)layer->d_carried + b * H;
        STORED *restrict d = (STORED *)layer->d_gates + (t * B + b) * 4 * H;
        INDEPENDENT
        for (int64_t j = from; j < to; j++) {
            const REAL i = GATE(gates[j]), f = GATE(gates[H + j]), g = GATE(gates[2 * H + j]), o = GATE(gates[3 * H + j]);
            const REAL dh = WIDE(product[j]) + WIDE(d_output[j]), tanh_c = TANH(c_next[j]);
            const REAL dc = d_carried[j] + dh * o * (1 - tanh_c * tanh_c);
            d[j] = NARROW(dc * g * i * (1 - i));
            d[H + j] = NARROW(dc * c[j] * f * (1 - f));
            d[2 * H + j] = NARROW(dc * i * (1 - g * g));
            d[3 * H + j] = NARROW(dh * tanh_c * o * (1 - o));
            d_carried[j] = dc * f;
        }
    }
    if (layer->d_table)
        NAME(add_by_symbol)(layer, t, from, to, 4, (const STORED *)layer->d_gates + t * B * 4 * H);
}

/* Inputs in the order n, r, z; products in the order r, z, n; kept r, z, n, q.
   q = U_n h + c_n;  n = tanh(x_n + r q);  h' = n + z (h - n) */
CLONED static void NAME(gru_forward_columns)(const Layer *layer, int64_t t, int64_t from, int64_t to)
{
    const int64_t B = layer->lanes, H = layer->units, kept = layer->keeps ? t : 0;
    const REAL *restrict bias = layer->bias;
    for (int64_t b = 0; b < B; b++) {
        const STORED *restrict x = SOURCE_ROW(layer, t, b, 3 * H);
        const STORED *restrict product = (const STORED *)layer->product + b * 3 * H;
        KEPT *restrict gates = (KEPT *)layer->gates + (kept * B + b) * 4 * H;
        STORED *restrict h_next = (STORED *)layer->hidden + ((t + 1) * B + b) * H;
        REAL *restrict h = (REAL *)layer->last + b * H;
        INDEPENDENT
        for (int64_t j = from; j < to; j++) {
            const REAL r = SIGMOID(WIDE(product[j]) + WIDE(x[H + j]));
            const REAL z = SIGMOID(WIDE(product[H + j]) + WIDE(x[2 * H + j]));
            const REAL q = WIDE(product[2 * H + j]) + bias[j];
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
}

/* da = dh (1 - z)(1 - n²);  dz~ = dh (h - n) z (1 - z);  dr~ = da q r (1 - r);  dq = da r;  dh_before = dh z + ...
   To the inputs go da, dr~, dz~, in one place for all steps where their sums by symbol are all that is wanted; to the
   products dr~, dz~, dq. */
CLONED static void NAME(gru_backward_columns)(const Layer *layer, int64_t t, int64_t from, int64_t to)
{
    const int64_t B = layer->lanes, H = layer->units;
    STORED *const d_inputs = (STORED *)layer->d_inputs + (layer->d_table ? 0 : t * B * 3 * H);
    REAL *restrict d_bias = layer->d_bias;
    for (int64_t b = 0; b < B; b++) {
        const STORED *restrict product = (const STORED *)layer->product + b * H;
        const STORED *restrict d_output = (const STORED *)layer->d_outputs + (t * B + b) * H;
        const STORED *restrict h = (const STORED *)layer->hidden + (t * B + b) * H;
        const KEPT *restrict gates = (const KEPT *)layer->gates + (t * B + b) * 4 * H;
        REAL *restrict d_carried = (REAL *)layer->d_carried + b * H;
        STORED *restrict d = (STORED *)layer->d_gates + (t * B + b) * 3 * H;
        STORED *restrict d_input = d_inputs + b * 3 * H;
        INDEPENDENT
        for (int64_t j = from; j < to; j++) {
            const REAL r = GATE(gates[j]), z = GATE(gates[H + j]), n = GATE(gates[2 * H + j]), q = ANY(gates[3 * H + j]);
            const REAL dh = d_carried[j] + WIDE(product[j]) + WIDE(d_output[j]);
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
    if (layer->d_table)
        NAME(add_by_symbol)(layer, t, from, to, 3, d_inputs);
}
