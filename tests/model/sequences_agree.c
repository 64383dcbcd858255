/* Whole sequences in every set of instructions that this processor has, held against the equations in float64, with
   products of three loops; in one thread and in a team. Prints the sets; the status is 1 where one is wrong. */

#include "kernels.c"

#include <stdio.h>
#include <stdlib.h>

/* A set of instructions in plain C that multiplies two numbers at a time, as AVX-512 does in bfloat16: most processors
   cannot run that one, but its panels and stretches are these. */
typedef struct {
    float at[8];
} Eight;

typedef struct {
    float at[16];
} Pairs;

static Eight eight_at(const float *p)
{
    Eight found;
    memcpy(found.at, p, sizeof found.at);
    return found;
}

static Pairs pairs_at(const float *p)
{
    Pairs found;
    memcpy(found.at, p, sizeof found.at);
    return found;
}

static Pairs pair_everywhere(const float *p)
{
    Pairs found;
    for (int i = 0; i < 16; i++)
        found.at[i] = p[i % 2];
    return found;
}

static Eight with_products(Eight sums, Pairs x, Pairs columns)
{
    for (int i = 0; i < 8; i++)
        sums.at[i] += x.at[2 * i] * columns.at[2 * i] + x.at[2 * i + 1] * columns.at[2 * i + 1];
    return sums;
}

#define STORED float
#define NARROW SAME
#define TOGETHER 2
#define TILED
#define NAME(x) x##_float32_pairs
#define KINDRED(x) x##_float32
#define EQUATIONS(x) x##_float32
#define LANES 8
#define EACH 1
#define BACK 2
#define GRU_TALL 4
#define LSTM_TALL 3
#define BACK_TALL 6
#define SUMS Eight
#define ZERO ((Eight){{0}})
#define LOAD_SUMS(p) eight_at(p)
#define STORE_SUMS(p, sums) memcpy(p, (sums).at, sizeof(Eight))
#define VECTOR Pairs
#define LOAD(p) pairs_at(p)
#define SPREAD(p) pair_everywhere(p)
#define HOLD(x) (void)(x)
#define ADD_PRODUCT(sums, x, columns) with_products(sums, x, columns)
#include "sequences.h"

enum { SYMBOLS = 5, THREADS = 3 };

typedef void (*Forward)(Layer *, int64_t);
typedef void (*Backward)(Layer *, int64_t, const void *);

static uint64_t seed = 1;

static double drawn(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(seed >> 32) / 2147483648.0;
}

typedef struct {
    int64_t T, B, H, gates;
    int64_t *ids;
    double *source, *bias, *weight, *h, *c, *d_outputs, *d_h, *d_c;
} Given;


static double *numbers(int64_t count, double scale)
{
    double *made = malloc((size_t)count * sizeof(double));
    for (int64_t i = 0; i < count; i++)
        made[i] = scale * drawn();
    return made;
}

static void *in_float(const double *from, int64_t count)
{
    float *made = malloc((size_t)count * sizeof(float));
    for (int64_t i = 0; i < count; i++)
        made[i] = (float)from[i];
    return made;
}

static void *same(const double *from, int64_t count)
{
    double *made = malloc((size_t)count * sizeof(double));
    memcpy(made, from, (size_t)count * sizeof(double));
    return made;
}

static Given given_for(int64_t T, int64_t B, int64_t H, int64_t gates)
{
    Given g = {T, B, H, gates, malloc((size_t)(T * B) * 8), numbers(SYMBOLS * gates * H, 1), numbers(H, 1),
               numbers(gates * H * H, 2.0 / (double)H), numbers(B * H, 1), numbers(B * H, 1), numbers(T * B * H, 1),
               numbers(B * H, 1), numbers(B * H, 1)};
    for (int64_t i = 0; i < T * B; i++)
        g.ids[i] = (int64_t)((drawn() + 1) / 2 * SYMBOLS) % SYMBOLS;
    return g;
}

/* A layer whose tensors are in a type of `size` bytes, with room for all that comes. */
static Layer layer_for(const Given *g, void *(*as)(const double *, int64_t), int64_t size)
{
    const int64_t T = g->T, B = g->B, H = g->H, G = g->gates;
    const size_t one = (size_t)size;
    Layer l = {.lanes = B, .units = H, .keeps = 1, .threads = 1, .ids = g->ids};
    l.source = as(g->source, SYMBOLS * G * H);
    l.bias = as(g->bias, H);
    l.weight = as(g->weight, G * H * H);
    l.hidden = calloc((size_t)((T + 1) * B * H), one);
    l.last = as(g->h, B * H);
    memcpy(l.hidden, l.last, (size_t)(B * H) * one);
    l.carried = calloc((size_t)((T + 1) * B * H), one);
    void *c = as(g->c, B * H);
    memcpy(l.carried, c, (size_t)(B * H) * one);
    free(c);
    l.gates = calloc((size_t)(T * B * 4 * H), one);
    l.d_outputs = as(g->d_outputs, T * B * H);
    l.d_carried = as(g->d_c, B * H);
    l.d_gates = calloc((size_t)(T * B * G * H), one);
    l.d_inputs = calloc((size_t)(B * 3 * H), one);
    l.d_table = calloc((size_t)(SYMBOLS * G * H), one);
    l.d_bias = calloc((size_t)H, one);
    l.arriving = calloc((size_t)(B * H), one);
    return l;
}

static void let_go(Layer *l)
{
    void *held[] = {(void *)l->source, (void *)l->bias, (void *)l->weight, l->hidden, l->last, l->carried, l->gates,
                    (void *)l->d_outputs, l->d_carried, l->d_gates, l->d_inputs, l->d_table, l->d_bias, l->arriving};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
}

/* The same in float64: every step's product by three loops, its equations by the functions for single steps. */
static Layer expected(const Given *g)
{
    const int64_t T = g->T, B = g->B, H = g->H, N = g->gates * H;
    Layer l = layer_for(g, same, sizeof(double));
    double *product = malloc((size_t)(B * N) * sizeof(double)), *arriving = malloc((size_t)(B * H) * sizeof(double));
    for (int64_t t = 0; t < T; t++) {
        const double *h = (double *)l.hidden + t * B * H;
        for (int64_t b = 0; b < B; b++)
            for (int64_t n = 0; n < N; n++) {
                double sum = 0;
                for (int64_t k = 0; k < H; k++)
                    sum += h[b * H + k] * g->weight[n * H + k];
                product[b * N + n] = sum;
            }
        (g->gates == 4 ? lstm_forward_step_float64 : gru_forward_step_float64)(&l, t, product);
    }
    memcpy(arriving, g->d_h, (size_t)(B * H) * sizeof(double));
    for (int64_t t = T - 1; t >= 0; t--) {
        (g->gates == 4 ? lstm_backward_step_float64 : gru_backward_step_float64)(&l, t, arriving);
        const double *d = (double *)l.d_gates + t * B * N;
        for (int64_t b = 0; b < B; b++)
            for (int64_t k = 0; k < H; k++) {
                double sum = 0;
                for (int64_t n = 0; n < N; n++)
                    sum += d[b * N + n] * g->weight[n * H + k];
                arriving[b * H + k] = sum;
            }
    }
    memcpy(l.arriving, arriving, (size_t)(B * H) * sizeof(double));
    free(product);
    free(arriving);
    return l;
}

static double difference(const void *mine, const void *wanted, int64_t count)
{
    double most = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        const double x = ((const float *)mine)[i], y = ((const double *)wanted)[i], d = x > y ? x - y : y - x;
        most = d > most || d != d ? d : most;
        largest = y > largest ? y : -y > largest ? -y : largest;
    }
    return most / (largest > 0 ? largest : 1);
}

static int wrong(const char *name, const Given *g, Forward forward, Backward backward)
{
    const int64_t T = g->T, B = g->B, H = g->H, G = g->gates;
    const Layer wanted = expected(g);
    int failures = 0;
    for (int64_t threads = 1; threads <= THREADS; threads += THREADS - 1) {
        Layer l = layer_for(g, in_float, sizeof(float));
        void *d_h = in_float(g->d_h, B * H);
        l.panels = malloc((size_t)(G * H * H) * sizeof(float));
        l.threads = threads;
        forward(&l, T);
        backward(&l, T, d_h);
        const struct {
            const char *what;
            const void *mine, *theirs;
            int64_t count;
        } pairs[] = {{"outputs", l.hidden, wanted.hidden, (T + 1) * B * H}, {"state", l.last, wanted.last, B * H},
                     {"gates", l.gates, wanted.gates, T * B * 4 * H}, {"d gates", l.d_gates, wanted.d_gates, T * B * G * H},
                     {"d state", l.d_carried, wanted.d_carried, B * H}, {"arriving", l.arriving, wanted.arriving, B * H},
                     {"d table", l.d_table, wanted.d_table, SYMBOLS * G * H}, {"d bias", l.d_bias, wanted.d_bias, H}};
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            const double most = difference(pairs[i].mine, pairs[i].theirs, pairs[i].count);
            if (!(most < 5e-6)) {
                printf("%s, T %d, B %d, H %d, %d threads: %s differ by %g\n", name, (int)T, (int)B, (int)H, (int)threads,
                       pairs[i].what, most);
                failures = 1;
            }
        }
        free(l.panels);
        free(d_h);
        let_go(&l);
    }
    let_go((Layer *)&wanted);
    return failures;
}

static int of_set(const char *name, Forward lstm_there, Backward lstm_back, Forward gru_there, Backward gru_back)
{
    static const int64_t shapes[][3] = {{1, 1, 64}, {2, 3, 64}, {3, 33, 64}, {2, 13, 192}, {2, 71, 128}, {4, 6, 320},
                                        {2, 7, 448}};
    int failures = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int64_t gates = 3; gates <= 4; gates++) {
            Given g = given_for(shapes[i][0], shapes[i][1], shapes[i][2], gates);
            failures |= wrong(name, &g, gates == 4 ? lstm_there : gru_there, gates == 4 ? lstm_back : gru_back);
            void *held[] = {g.ids, g.source, g.bias, g.weight, g.h, g.c, g.d_outputs, g.d_h, g.d_c};
            for (size_t j = 0; j < sizeof held / sizeof *held; j++)
                free(held[j]);
        }
    return failures;
}

#define SET(name)                                                                                                      \
    of_set(#name, lstm_forward_sequence_float32_##name, lstm_backward_sequence_float32_##name,                         \
           gru_forward_sequence_float32_##name, gru_backward_sequence_float32_##name)

int main(void)
{
    int failures = SET(pairs);
#ifdef HAVE_X86
    if (sets() & 1) {
        failures |= SET(avx512);
        puts("avx512");
    }
    if (sets() & 4) {
        failures |= SET(avx2);
        puts("avx2");
    }
#endif
#ifdef HAVE_NEON
    failures |= SET(neon);
    puts("neon");
#endif
    return failures;
}
