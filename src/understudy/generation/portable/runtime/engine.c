/* Portable 1 for Python, through ctypes: many streams, many characters a call, in the fastest instructions that the
   processor has, on its cores. What it computes is what portable.c computes, to the last bit (docs/portable.md); with
   real numbers, sums are made in the order of the inner dimension.

   Streams are shared out among the threads, each of which goes all steps with its own; or, where there are fewer streams
   than threads and the matrices are large, each thread has some of the units of all streams, and they meet after each
   product. The library allocates nothing; memory comes with the call. */

#define _GNU_SOURCE
#include <math.h>

#include "numbers.h"
#include "ngrams.h"
#include "draw.h"
#include "products.h"
#include "paths.h"
#include "../../../model/recurrence/kernels/team.h"
#include "parts.h"
#include "forbidden.h"
#include "steps.h"

#define EXPORTED __attribute__((visibility("default")))

#include "taking.h"

/* Streams that a thread takes all steps together: what they are computed in stays in its cache. */
enum { GROUP = 32 };

typedef struct {
    const Run *run;
    Plan plan;
    Meeting meeting;
    int by_units;
} Job;

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
              (float *)(own + plan->looked_up), (float *)(own + plan->left), 0, run->B, 0, blocks, 0, symbols, index,
              team};
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
    Job job = {run, plan_of(run->model, run->B), MEETING, 0};
    const int64_t team = team_of(run, &job.by_units);
    memset(run->work, 0, job.plan.stream * (size_t)run->B + job.plan.thread * (size_t)team);
    together(work, &job, (int)team);
}
