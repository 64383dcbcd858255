/* The steps of a part: its streams' and units' share of reading and drawing. */

static void product_of(const Part *p, const Matrix *matrix, size_t inner, size_t from, size_t to, size_t x, size_t y)
{
    const Model *m = p->m;
    const char *given = p->streams + (size_t)p->first * p->plan->stream + x;
    if (to > from)
        (m->whole ? p->path->whole : p->path->real)(matrix, m->whole ? (inner + 3) / 4 : inner, from, to, given,
                                                    p->plan->stream, reals(p, p->first, y), p->plan->stream / 4,
                                                    (size_t)(p->last - p->first));
}

/* What a layer's h gives: this part's rows of its own gates and, with `above`, of what lies above. */
static void multiply_layer(const Part *p, int64_t layer, int above)
{
    const Model *m = p->m;
    const Matrix *matrix = m->layers + layer;
    const size_t place = (size_t)layer * p->plan->layer, x = place + (m->whole ? p->plan->q : p->plan->h);
    const size_t y = place + p->plan->made, blocks = p->plan->units / BLOCK, gates = m->lstm ? 4 : 3;
    const size_t parts = layer + 1 < m->L ? 2 * gates : gates;
    size_t part;
    if (p->to - p->from == blocks) { /* all of them, one after another */
        const size_t own = gates * blocks, more = layer + 1 < m->L ? own : p->symbols_to;
        product_of(p, matrix, (size_t)m->H, 0, above ? own + more : own, x, y);
        return;
    }
    for (part = 0; part < (above ? parts : gates); part++)
        product_of(p, matrix, (size_t)m->H, part * blocks + p->from, part * blocks + p->to, x, y);
    if (above && layer + 1 == m->L)
        product_of(p, matrix, (size_t)m->H, gates * blocks + p->symbols_from, gates * blocks + p->symbols_to, x, y);
}

static void round_state(const Part *p, int64_t b, int64_t layer)
{
    uint8_t *q = (uint8_t *)at_layer(p, b, layer, p->plan->q);
    p->path->rounded(at_layer(p, b, layer, p->plan->h), q, p->path->middle, p->from * BLOCK, p->to * BLOCK);
}

/* The first layer's x for this part's units, from a symbol. */
static float *look_up(const Part *p, int64_t id)
{
    const Model *m = p->m;
    const size_t H = (size_t)m->H, gates = m->lstm ? 4 : 3, from = p->from * BLOCK, to = least(p->to * BLOCK, H);
    size_t gate;
    for (gate = 0; gate < gates; gate++) {
        const size_t row = ((size_t)id * gates + gate) * H;
        float *x = p->x + gate * p->plan->units;
        if (m->whole)
            p->path->looked_up((const int8_t *)m->inputs + row, m->input_scales[id], x, from, to);
        else if (to > from)
            memcpy(x + from, (const float *)m->inputs + row + from, (to - from) * sizeof(float));
    }
    return p->x;
}

/* The same where the symbol has a vector that goes through a matrix. */
static void embed(const Part *p)
{
    const Model *m = p->m;
    const size_t E = (size_t)m->E, gates = m->lstm ? 4 : 3, blocks = p->plan->units / BLOCK;
    int64_t b;
    size_t gate, k, u;
    for (b = p->first; b < p->last && p->index == 0; b++) {
        const size_t row = (size_t)p->ids[b] * E;
        uint8_t *vector = (uint8_t *)reals(p, b, p->plan->vector);
        if (!m->whole)
            memcpy(vector, (const float *)m->inputs + row, E * sizeof(float));
        for (k = 0; m->whole && k < E; k++)
            vector[k] = (uint8_t)(((const int8_t *)m->inputs)[row + k] + p->path->middle);
    }
    meet(p->meeting, p->team);
    for (gate = 0; gate < gates; gate++)
        product_of(p, &m->input, E, gate * blocks + p->from, gate * blocks + p->to, p->plan->vector, p->plan->x);
    for (b = p->first; b < p->last && m->whole; b++)
        for (gate = 0; gate < gates; gate++) {
            float *x = reals(p, b, p->plan->x) + gate * p->plan->units;
            for (u = p->from * BLOCK; u < p->to * BLOCK; u++)
                x[u] = x[u] * m->input_scales[p->ids[b]] + m->input_bias[gate * p->plan->units + u];
        }
}

static void add_ngrams(const Part *p, int64_t b, float *x)
{
    const Model *m = p->m;
    const size_t H = (size_t)m->H, gates = m->lstm ? 4 : 3, D = (size_t)m->D, to = least(p->to * BLOCK, H);
    uint32_t rows[LENGTHS], *recent = p->recent + b * RECENT;
    const uint32_t code = m->codes[p->ids[b]];
    size_t d, gate;
    int length;
    ngram_rows(recent, code, (uint32_t)m->R, rows);
    remember(recent, code);
    for (d = 0; d < D; d++) {
        float v = 0.0f;
        for (length = 0; length < LENGTHS; length++) {
            const size_t place = rows[length] * D + d;
            v += m->whole ? m->table_scales[rows[length]] * (float)((const int8_t *)m->table)[place]
                          : ((const float *)m->table)[place];
        }
        for (gate = 0; gate < gates; gate++)
            p->path->with_ngram(v, m->ngram_weight + (d * gates + gate) * H, x + gate * p->plan->units,
                                p->from * BLOCK, to);
    }
}

/* What comes to a layer from below: the symbol, or the layer there. */
static const float *from_below(const Part *p, int64_t b, int64_t layer)
{
    float *x;
    if (layer)
        return at_layer(p, b, layer - 1, p->plan->made + 4 * p->plan->wide);
    x = p->m->embedded ? reals(p, b, p->plan->x) : look_up(p, p->ids[b]);
    if (p->m->R)
        add_ngrams(p, b, x);
    return x;
}

/* Read one symbol a stream; the logits with `above`, or else only what the next step needs. */
static void read_symbols(const Part *p, int64_t t, int above)
{
    const Model *m = p->m;
    const size_t from = p->from * BLOCK, to = p->to * BLOCK, end = least(to, (size_t)m->H);
    int64_t layer, b;
    if (m->embedded)
        embed(p);
    for (layer = 0; layer < m->L; layer++) {
        for (b = p->first; b < p->last; b++) {
            const float *x = from_below(p, b, layer), *g = at_layer(p, b, layer, p->plan->made);
            float *h = at_layer(p, b, layer, p->plan->h);
            if (m->lstm)
                p->path->lstm(x, g, h, at_layer(p, b, layer, p->plan->c), p->plan->units, from, to);
            else
                p->path->gru(x, g, h, p->plan->units, from, to);
            if (m->whole)
                round_state(p, b, layer);
            if (p->run->every_hidden && end > from) {
                const size_t row = (size_t)((t * m->L + layer) * p->run->B + b) * (size_t)m->H;
                memcpy(p->run->every_hidden + row + from, h + from, (end - from) * sizeof(float));
            }
        }
        meet(p->meeting, p->team);
        multiply_layer(p, layer, above || layer + 1 < m->L);
    }
    meet(p->meeting, p->team);
}

static float *logits_of(const Part *p, int64_t b)
{
    return at_layer(p, b, p->m->L - 1, p->plan->made + 4 * p->plan->wide);
}

/* The state's part `place` of all streams, into the memory to work in or out of it. */
static void move_state(const Part *p, int64_t place, int64_t layer, size_t where, int in)
{
    const size_t H = (size_t)p->m->H, from = p->from * BLOCK, to = least(p->to * BLOCK, H);
    int64_t b;
    for (b = p->first; b < p->last && to > from; b++) {
        float *outside = p->run->state[place] + (size_t)b * H + from, *inside = at_layer(p, b, layer, where) + from;
        memcpy(in ? inside : outside, in ? outside : inside, (to - from) * sizeof(float));
    }
}

static void move_in_or_out(const Part *p, int in)
{
    const Model *m = p->m;
    const int64_t parts = m->lstm ? 2 : 1;
    int64_t layer, b;
    int i;
    for (layer = 0; layer < m->L; layer++) {
        move_state(p, layer * parts, layer, p->plan->h, in);
        if (m->lstm)
            move_state(p, layer * parts + 1, layer, p->plan->c, in);
    }
    for (b = p->first; b < p->last; b++) {
        float *outside = p->run->logits + b * m->V, *recent = m->R ? p->run->state[m->L * parts] + b * RECENT : NULL;
        if (p->index == 0)
            memcpy(in ? logits_of(p, b) : outside, in ? outside : logits_of(p, b), (size_t)m->V * sizeof(float));
        for (i = 0; m->R && i < RECENT; i++) {
            uint32_t *kept = p->recent + b * RECENT + i;
            if (in)
                *kept = recent[i] > 0.0f && recent[i] < 16777216.0f ? (uint32_t)recent[i] : 0;
            else if (p->index == 0)
                recent[i] = (float)*kept;
        }
    }
}

static uint32_t drawn_from(const Part *p, const float *logits, int64_t t, int64_t b)
{
    return p->path->drawn(logits, (size_t)p->m->V, p->run->choices + b, p->run->uniforms[t * p->run->B + b], p->weights,
                          p->heap);
}

/* Symbol t of a stream. One that completes a forbidden run has no chance, and the same number draws from the others. */
static uint32_t draw_symbol(const Part *p, int64_t t, int64_t b)
{
    const Forbidden *forbidden = p->run->forbidden;
    const float *logits = logits_of(p, b);
    uint32_t symbol = drawn_from(p, logits, t, b);
    uint64_t hash;
    int64_t tried = 0;
    if (!forbidden || !run_before(p->run, t, b, &hash))
        return symbol;
    for (; is_forbidden(forbidden, hash + symbol + 1); symbol = drawn_from(p, p->left, t, b)) {
        if (!tried)
            memcpy(p->left, logits, (size_t)p->m->V * sizeof(float));
        if (++tried == p->m->V) {
            *forbidden->stuck = 1;
            break;
        }
        p->left[symbol] = -INFINITY;
    }
    return symbol;
}

static void go(const Part *p)
{
    const Run *run = p->run;
    const Model *m = p->m;
    int64_t layer, t, b;
    move_in_or_out(p, 1);
    for (layer = 0; layer < m->L && m->whole; layer++)
        for (b = p->first; b < p->last; b++)
            round_state(p, b, layer);
    meet(p->meeting, p->team);
    for (layer = 0; layer < m->L; layer++)
        multiply_layer(p, layer, 0);
    meet(p->meeting, p->team);
    for (t = 0; t < run->T; t++) {
        const int above = !run->given || run->every_logits || t + 1 == run->T;
        for (b = p->first; b < p->last; b++) { /* those that meet all draw: it takes them no longer than to wait */
            const int64_t place = t * run->B + b;
            p->ids[b] = run->given ? run->given[place] : (int64_t)draw_symbol(p, t, b);
            if (p->index == 0)
                run->ids[place] = p->ids[b];
        }
        read_symbols(p, t, above);
        if (run->every_logits && p->index == 0)
            for (b = p->first; b < p->last; b++)
                memcpy(run->every_logits + (t * run->B + b) * m->V, logits_of(p, b), (size_t)m->V * sizeof(float));
    }
    move_in_or_out(p, 0);
}
