/* How the columns of a layer are divided among threads: those of PyTorch's OpenMP where they can be had, or our own. */

#include "team.h"

/* Where a step is smaller than this, to wake a thread costs more than it does: in elements of the equations, and in
   products of the tiles for one gate. */
enum { WORTH_SHARING = 1 << 12, TILES_WORTH_SHARING = 1 << 17 };

typedef void (*Columns)(const Layer *, int64_t, int64_t, int64_t);

typedef struct {
    const Layer *layer;
    Columns columns;
    int64_t first, last, by;
    Meeting meeting;
} Share;

/* One thread's columns at every step from `first` to before `last`: whole cache lines of them, or whole tiles. Where there
   are fewer threads than were asked for, each takes the columns of several. */
static void go(void *given, int thread, int team)
{
    Share *share = given;
    const Layer *layer = share->layer;
    const int64_t H = layer->units, threads = layer->threads, whole = layer->panels ? 64 : 32;
    const int64_t each = ((H + threads - 1) / threads + whole - 1) / whole * whole;
    for (int64_t t = share->first; t != share->last; t += share->by) {
        for (int64_t from = thread * each; from < H; from += team * each)
            share->columns(layer, t, from, from + each < H ? from + each : H);
        if (t + share->by != share->last)
            meet(&share->meeting, team);
    }
}

static void go_in_openmp(void *given)
{
    const Layer *layer = ((Share *)given)->layer;
    go(given, layer->thread(), layer->team());
}

static void run(const Layer *layer, Columns columns, int64_t first, int64_t last, int64_t by)
{
    Share share = {layer, columns, first, last, by, MEETING};
    const int64_t elements = layer->lanes * layer->units;
    const int worth = layer->panels ? elements * layer->units >= TILES_WORTH_SHARING : elements >= WORTH_SHARING;
    if (layer->threads <= 1 || !worth)
        go(&share, 0, 1);
    else if (layer->parallel)
        layer->parallel(go_in_openmp, &share, (unsigned)layer->threads, 0);
    else
        together(go, &share, (int)layer->threads);
}
