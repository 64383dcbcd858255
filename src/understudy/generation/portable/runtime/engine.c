/* Portable 1 for Python, through ctypes: many streams, many characters a call, in the fastest instructions that the
   processor has, on its cores. What it computes is what portable.c computes, to the last bit (docs/portable.md); with
   real numbers, sums are made in the order of the inner dimension.

   Streams are shared out among the threads, each of which goes all steps with its own; or, where there are fewer streams
   than threads and the matrices are large, each thread has some of the units of all streams, and they meet after each
   product. The library allocates nothing; memory comes with the call. */

#define _GNU_SOURCE
#include <signal.h>

#include "numbers.h"
#include "ngrams.h"
#include "draw.h"
#include "products.h"
#include "paths.h"
#include "team.h"

#define EXPORTED __attribute__((visibility("default")))

typedef struct {
    int64_t path, whole, lstm, embedded, V, E, H, L, R, D;
    const void *inputs; /* (V, gates H), or (V, E) where embedded */
    const float *input_scales;
    Matrix input; /* (gates H, E) where embedded; whole numbers' products get the bias after the symbol's scale */
    const float *input_bias;
    const uint32_t *codes;
    const void *table;
    const float *table_scales, *ngram_weight;
    const Matrix *layers;
} Model;

typedef struct {
    const Model *model;
    int64_t T, B, threads;
    const int64_t *given;   /* (T, B), or NULL where ids are drawn */
    const double *uniforms; /* (T, B) */
    const Choice *choices;  /* (B) */
    float *logits;          /* (B, V): before, and after */
    float *const *state;    /* its parts, (B, ·) each: before, and after */
    int64_t *ids;           /* (T, B) */
    float *every_logits;    /* (T, B, V), or NULL */
    float *every_hidden;    /* (T, L, B, H), or NULL */
    char *work;
} Run;

/* Where a stream's numbers are in the memory to work in, in bytes from its beginning. */
typedef struct {
    size_t h, c, q, made, layer; /* in a layer's part, and its size */
    size_t x, vector, stream;    /* in a stream's part, and its size; x is that of a symbol that is embedded */
    size_t heap, recent, ids, looked_up, thread; /* in a thread's part, and its size */
    size_t units, wide;          /* H in whole blocks, and all gates of it */
} Plan;

static size_t aligned(size_t size)
{
    return (size + 63) / 64 * 64;
}

static Plan plan_of(const Model *m, int64_t streams)
{
    Plan p;
    const size_t V = (size_t)m->V, B = (size_t)streams, symbols = (V + BLOCK - 1) / BLOCK * BLOCK;
    p.units = ((size_t)m->H + BLOCK - 1) / BLOCK * BLOCK;
    p.wide = (m->lstm ? 4 : 3) * p.units;
    p.h = 0;
    p.c = p.h + aligned(4 * p.units);
    p.q = p.c + (m->lstm ? aligned(4 * p.units) : 0);
    p.made = p.q + aligned(p.units);
    p.layer = p.made + aligned(4 * (p.wide + (p.wide > symbols ? p.wide : symbols)));
    p.x = p.layer * (size_t)m->L;
    p.vector = p.x + (m->embedded ? aligned(4 * p.wide) : 0);
    p.stream = p.vector + (m->embedded ? aligned(4 * (size_t)m->E) : 0) + 64;
    p.heap = aligned(sizeof(double) * V);
    p.recent = p.heap + aligned(sizeof(uint32_t) * V);
    p.ids = p.recent + aligned(sizeof(uint32_t) * RECENT * B);
    p.looked_up = p.ids + aligned(sizeof(int64_t) * B);
    p.thread = p.looked_up + (m->embedded ? 0 : aligned(4 * p.wide));
    return p;
}

/* Streams that a thread takes all steps together: what they are computed in stays in its cache. */
enum { GROUP = 32 };

/* One thread's part of a run. */
typedef struct {
    const Run *run;
    const Model *m;
    const Path *path;
    const Plan *plan;
    Meeting *meeting;
    char *streams;
    double *weights;
    uint32_t *heap, *recent; /* recent (B, RECENT) */
    int64_t *ids;            /* (B) */
    float *x;                /* of the symbol that is looked up, (gates H) */
    int64_t first, last;                      /* streams */
    size_t from, to, symbols_from, symbols_to; /* blocks of units and of symbols */
    int index, team;                          /* of those that meet */
} Part;

typedef struct {
    const Run *run;
    Plan plan;
    Meeting meeting;
    int by_units;
} Job;

static float *reals(const Part *p, int64_t stream, size_t place)
{
    return (float *)(p->streams + (size_t)stream * p->plan->stream + place);
}

static float *at_layer(const Part *p, int64_t stream, int64_t layer, size_t place)
{
    return reals(p, stream, (size_t)layer * p->plan->layer + place);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

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
            p->ids[b] = run->given ? run->given[place]
                                   : (int64_t)p->path->drawn(logits_of(p, b), (size_t)m->V, run->choices + b,
                                                             run->uniforms[place], p->weights, p->heap);
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

/* Numbers are rounded as everywhere, and denormal ones kept, whatever another library has told this thread. */
static void work(void *given, int index, int team)
{
    Job *job = given;
    const Run *run = job->run;
    const Plan *plan = &job->plan;
    const size_t blocks = plan->units / BLOCK, symbols = ((size_t)run->model->V + BLOCK - 1) / BLOCK;
    char *own = run->work + plan->stream * (size_t)run->B + plan->thread * (size_t)index;
    Part p = {run, run->model, &paths[run->model->path], plan, &job->meeting, run->work, (double *)own,
              (uint32_t *)(own + plan->heap), (uint32_t *)(own + plan->recent), (int64_t *)(own + plan->ids),
              (float *)(own + plan->looked_up), 0, run->B, 0, blocks, 0, symbols, index, team};
    int64_t last = run->B;
#if defined(__x86_64__)
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80);
#endif
    if (job->by_units) {
        p.from = blocks * (size_t)index / (size_t)team;
        p.to = blocks * (size_t)(index + 1) / (size_t)team;
        p.symbols_from = symbols * (size_t)index / (size_t)team;
        p.symbols_to = symbols * (size_t)(index + 1) / (size_t)team;
    } else {
        last = run->B * (index + 1) / team;
        p.first = run->B * index / team;
        p.index = 0;
        p.team = 1;
    }
    for (; p.first < last; p.first = p.last) {
        p.last = job->by_units || last - p.first < GROUP ? last : p.first + GROUP;
        go(&p);
    }
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(before);
#endif
}

/* Products of one step that are worth a second thread, which has to be met twice. */
enum { WORTH_SHARING = 1 << 19 };

static int64_t team_of(const Run *run, int *by_units)
{
    const Model *m = run->model;
    const int64_t most = run->threads < MOST_THREADS ? run->threads : MOST_THREADS;
    const int64_t worth = 1 + m->H * (m->lstm ? 4 : 3) * m->H * run->B / WORTH_SHARING;
    const int64_t team = worth < most ? worth : most;
    *by_units = run->B < team;
    return *by_units || run->B > most ? team : team < run->B ? team : run->B;
}

/* The memory that a run works in, in bytes; it must be aligned to 64 and need not be set to anything. */
EXPORTED int64_t memory_of(const Run *run)
{
    const Plan plan = plan_of(run->model, run->B);
    int by_units;
    return (int64_t)(plan.stream * (size_t)run->B + plan.thread * (size_t)team_of(run, &by_units));
}

EXPORTED void run_streams(const Run *run)
{
    Job job = {run, plan_of(run->model, run->B), {0, 0}, 0};
    const int64_t team = team_of(run, &job.by_units);
    memset(run->work, 0, job.plan.stream * (size_t)run->B + job.plan.thread * (size_t)team);
    together(work, &job, (int)team);
}

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

/* Σ_k embedding[v][k] · weight[k][n] in float64 in the order of k, plus the bias: (V, N) in float32. */
EXPORTED void fold(int64_t path, int64_t V, int64_t E, int64_t N, const float *embedding, const float *weight,
                   const float *bias, float *to)
{
    int64_t v, n;
    for (n = 0; n < N; n += FOLDED_AT_ONCE)
        for (v = 0; v < V; v++)
            paths[path].folded(embedding + v * E, weight + n, bias + n, to + v * N + n, (size_t)E, (size_t)N,
                               least(FOLDED_AT_ONCE, (size_t)(N - n)));
}
