/* Runs of symbols that are not to be written: where the last symbol of one is drawn, another is drawn in its place. */

/* A run's hash is a polynomial in a base, modulo 2^64, of its symbols and one each. */
typedef struct Forbidden {
    int64_t length, count;
    const uint64_t *hashes; /* (count), in order */
    const int64_t *before;  /* (length - 1, B), the symbols before the call's; -1 for none */
    int64_t *stuck;         /* set where whatever is drawn completes a run */
    uint64_t base;
} Forbidden;

static int is_forbidden(const Forbidden *f, uint64_t hash)
{
    int64_t low = 0, high = f->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (f->hashes[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->count && f->hashes[low] == hash;
}

/* The hash of the run that symbol t of a stream completes, without it; 0 and no run where too few came before. */
static int run_before(const Run *run, int64_t t, int64_t b, uint64_t *hash)
{
    const Forbidden *f = run->forbidden;
    int64_t back;
    *hash = 0;
    for (back = f->length - 1; back > 0; back--) {
        const int64_t place = t - back;
        const int64_t symbol = place < 0 ? f->before[(f->length - 1 + place) * run->B + b] : run->ids[place * run->B + b];
        if (symbol < 0)
            return 0;
        *hash = (*hash + (uint64_t)symbol + 1) * f->base;
    }
    return 1;
}
