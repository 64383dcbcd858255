/* What a call is told, the memory that it works in, and what of both is one thread's. */

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

struct Forbidden;

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
    const struct Forbidden *forbidden; /* or NULL */
    char *work;
} Run;

/* Where a stream's numbers are in the memory to work in, in bytes from its beginning. */
typedef struct {
    size_t h, c, q, made, layer; /* in a layer's part, and its size */
    size_t x, vector, stream;    /* in a stream's part, and its size; x is that of a symbol that is embedded */
    size_t heap, recent, ids, looked_up, left, thread; /* in a thread's part, and its size */
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
    p.left = p.looked_up + (m->embedded ? 0 : aligned(4 * p.wide));
    p.thread = p.left + aligned(sizeof(float) * V);
    return p;
}

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
    float *left;             /* the logits of what may be drawn, (V) */
    int64_t first, last;                      /* streams */
    size_t from, to, symbols_from, symbols_to; /* blocks of units and of symbols */
    int index, team;                          /* of those that meet */
} Part;

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
