/* Threads that sleep until they are asked, and that wait for each other within one call. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { MOST_THREADS = 64, LOOKS = 1000 };

typedef void (*Work)(void *job, int index, int team);

/* All of a team meet here before any goes on. One that waits looks for a few dozen microseconds and then sleeps, so that a
   core that another of the team needs is free for it. To be woken takes longer than a step of writing. */
typedef struct {
    atomic_int arrived, turn;
    pthread_mutex_t lock;
    pthread_cond_t gone;
} Meeting;

#define MEETING {.lock = PTHREAD_MUTEX_INITIALIZER, .gone = PTHREAD_COND_INITIALIZER}

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void meet(Meeting *meeting, int team)
{
    const int turn = atomic_load_explicit(&meeting->turn, memory_order_acquire);
    if (team == 1)
        return;
    if (atomic_fetch_add_explicit(&meeting->arrived, 1, memory_order_acq_rel) + 1 == team) {
        atomic_store_explicit(&meeting->arrived, 0, memory_order_relaxed);
        pthread_mutex_lock(&meeting->lock);
        atomic_store_explicit(&meeting->turn, turn + 1, memory_order_release);
        pthread_cond_broadcast(&meeting->gone);
        pthread_mutex_unlock(&meeting->lock);
        return;
    }
    for (int looks = 0; looks < LOOKS; looks++) {
        if (atomic_load_explicit(&meeting->turn, memory_order_acquire) != turn)
            return;
        relax();
    }
    pthread_mutex_lock(&meeting->lock);
    while (atomic_load_explicit(&meeting->turn, memory_order_acquire) == turn)
        pthread_cond_wait(&meeting->gone, &meeting->lock);
    pthread_mutex_unlock(&meeting->lock);
}

static struct {
    pthread_mutex_t busy, lock;
    pthread_cond_t asked, done;
    int threads, team, left;
    unsigned long call;
    Work work;
    void *job;
} pool = {.busy = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .asked = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static void *serve(void *given)
{
    const int index = (int)(intptr_t)given;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool.lock);
    for (;;) {
        while (pool.call == seen || index >= pool.team) {
            seen = pool.call;
            pthread_cond_wait(&pool.asked, &pool.lock);
        }
        seen = pool.call;
        pthread_mutex_unlock(&pool.lock);
        pool.work(pool.job, index, pool.team);
        pthread_mutex_lock(&pool.lock);
        if (--pool.left == 0)
            pthread_cond_signal(&pool.done);
    }
    return NULL;
}

/* A forked process has none of its parent's threads; whatever they held is let go. */
static void forget(void)
{
    static const pthread_mutex_t open = PTHREAD_MUTEX_INITIALIZER;
    static const pthread_cond_t quiet = PTHREAD_COND_INITIALIZER;
    pool.busy = pool.lock = open;
    pool.asked = pool.done = quiet;
    pool.threads = pool.left = 0;
}

/* Threads that are there, of as many as a team needs beside the caller. */
static int gathered(int wanted)
{
    static int told;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (!told) {
        told = 1;
        pthread_atfork(NULL, NULL, forget);
    }
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all); /* signals are the caller's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.threads < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, serve, (void *)(intptr_t)(pool.threads + 1)))
            break;
        pool.threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return pool.threads < wanted ? pool.threads : wanted;
}

/* Do the work in a team of `team`, the caller among them; alone, where the threads serve another call. */
static void together(Work work, void *job, int team)
{
    team = team < MOST_THREADS ? team : MOST_THREADS;
    if (team <= 1 || pthread_mutex_trylock(&pool.busy)) {
        work(job, 0, 1);
        return;
    }
    pthread_mutex_lock(&pool.lock);
    team = 1 + gathered(team - 1);
    pool.work = work;
    pool.job = job;
    pool.team = team;
    pool.left = team - 1;
    pool.call++;
    pthread_cond_broadcast(&pool.asked);
    pthread_mutex_unlock(&pool.lock);
    work(job, 0, team);
    pthread_mutex_lock(&pool.lock);
    while (pool.left)
        pthread_cond_wait(&pool.done, &pool.lock);
    pool.team = 0;
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.busy);
}
