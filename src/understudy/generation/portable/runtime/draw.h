/* The draw: logits and a number in (0, 1) -> an id. */

#ifndef UNDERSTUDY_DRAW_H
#define UNDERSTUDY_DRAW_H

#include "numbers.h"

/* How the next symbol is chosen; 0 for a top-k or a top-p that is not asked for. */
typedef struct {
    double temperature;
    double top_p;
    uint32_t top_k;
} Choice;

static inline int comes_before(const float *logits, uint32_t one, uint32_t other)
{
    return logits[one] > logits[other] || (logits[one] == logits[other] && one < other);
}

/* Let what stands at `place` of a heap of ids, whose first comes before all others, sink to where it belongs. */
static inline void sink(const float *logits, uint32_t *heap, size_t place, size_t size)
{
    const uint32_t id = heap[place];
    size_t child;
    for (; (child = 2 * place + 1) < size; place = child) {
        if (child + 1 < size && comes_before(logits, heap[child + 1], heap[child]))
            child++;
        if (!comes_before(logits, heap[child], id))
            break;
        heap[place] = heap[child];
    }
    heap[place] = id;
}

/* The ids that come first are taken off the heap one after another and stand behind it: number j at V - 1 - j. */
static inline uint32_t drawn_ranked(const float *logits, const double *weights, uint32_t *heap, size_t V,
                                    const Choice *choice, double all, double u)
{
    const size_t K = choice->top_k && choice->top_k < V ? choice->top_k : V;
    const int lazily = !choice->top_k; /* the total is known: no more are put in order than are needed */
    size_t j, ranked = 0, kept = K;
    double sum = 0, enough = 0;
    for (j = 0; j < V; j++)
        heap[j] = (uint32_t)j;
    for (j = V / 2; j-- > 0;)
        sink(logits, heap, j, V);
    if (lazily)
        enough = choice->top_p * all;
    for (; ranked < K && !(lazily && ranked && sum >= enough); ranked++) {
        const uint32_t first = heap[0];
        heap[0] = heap[V - 1 - ranked];
        heap[V - 1 - ranked] = first;
        sink(logits, heap, 0, V - 1 - ranked);
        sum += weights[first];
    }
    kept = ranked;
    if (!lazily && choice->top_p > 0) {
        enough = choice->top_p * sum;
        for (kept = 0, sum = 0; kept < K && !(kept && sum >= enough); kept++)
            sum += weights[heap[V - 1 - kept]];
    }
    enough = u * sum;
    for (j = 0, sum = 0; j < kept; j++) {
        sum += weights[heap[V - 1 - j]];
        if (sum >= enough)
            break;
    }
    return heap[V - 1 - (j < kept ? j : kept - 1)];
}

/* `weights` (V) and `heap` (V) are memory to work in. */
static inline uint32_t drawn(const float *logits, size_t V, const Choice *choice, double u, double *weights,
                             uint32_t *heap)
{
    size_t i;
    uint32_t best = 0;
    const double temperature = choice->temperature;
    double sum = 0, all = 0, most;
    for (i = 1; i < V; i++)
        if (logits[i] > logits[best])
            best = (uint32_t)i;
    if (temperature < 1e-30)
        return best;
    most = logits[best];
    for (i = 0; i < V; i++)
        weights[i] = exponent(((double)logits[i] - most) / temperature);
    for (i = 0; i < V; i++)
        weights[i] = exponential(weights[i]);
    for (i = 0; i < V; i++)
        all += weights[i];
    if (choice->top_k || choice->top_p > 0)
        return drawn_ranked(logits, weights, heap, V, choice, all, u);
    for (i = 0; i < V; i++) {
        sum += weights[i];
        if (sum >= u * all)
            break;
    }
    return (uint32_t)(i < V ? i : V - 1);
}

#endif
