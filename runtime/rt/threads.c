// The pool. Three shared words:
//
//   epoch    changes when there is something to see (a job, a wake-up, the end); workers spin and sleep on it
//   state    OPEN while a job may be joined, WAITING while the caller sleeps, and below them how many workers
//            are in
//   next[t]  the first tile of thread t's share not yet taken; t takes pieces from its own, then from the
//            others'
//
// A worker joins by adding itself to `state` while OPEN is set. The caller works until every tile is taken,
// clears OPEN, and waits for the count to reach zero: all tiles are then done, and no worker can still look at
// the job, so its fields may be written again. A worker that comes too late finds the job closed. Nobody waits
// for threads without a processor.
#include "runtime/rt/threads.h"

#include "ir/base/alloc.h"
#include "ir/base/clock.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINE_BYTES = 64, PIECES_PER_SHARE = 8, PAUSES_PER_LOOK = 64 };

static const uint32_t state_open = 1u << 31;
static const uint32_t state_waiting = 1u << 30;
static const uint32_t state_count = (1u << 30) - 1;

// How long to spin: quietly first, then giving way to other threads between looks, then not at all.
static const int64_t quiet_spin_ns = 50 * 1000;
static const int64_t spin_ns = 1000 * 1000;
static const int64_t crowded_spin_ns =
    20 * 1000; // more threads than cores: spinning keeps the others from working

typedef struct Share {
    _Alignas(LINE_BYTES) _Atomic int64_t next;
    int64_t end;
} Share;

typedef struct Worker {
    struct LigPool *pool;
    int thread;
    pthread_t handle;
} Worker;

struct LigPool {
    _Alignas(LINE_BYTES) _Atomic uint32_t epoch;
    _Atomic bool stop;
    _Alignas(LINE_BYTES) _Atomic uint32_t state;
    _Alignas(LINE_BYTES) _Atomic int32_t sleepers;
    // The job: written by the caller while no worker is in.
    _Alignas(LINE_BYTES) LigTileFn fn;
    void *user;
    int64_t piece;
    int threads;
    bool crowded;
    size_t bytes;
    Worker *workers;
    _Alignas(LINE_BYTES) Share shares[];
};

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// Spins a little while `word` holds `value`; false when the time since `start` is up.
static bool spin_while(const LigPool *pool, _Atomic uint32_t *word, uint32_t value, int64_t start)
{
    for (int i = 0; i < PAUSES_PER_LOOK; i++) {
        if (atomic_load_explicit(word, memory_order_relaxed) != value) return true;
        pause_briefly();
    }
    int64_t spent = lig_clock_ns() - start;
    if (pool->crowded || spent > quiet_spin_ns) sched_yield();
    return spent < (pool->crowded ? crowded_spin_ns : spin_ns);
}

// All tiles of one share, until none is left in it.
static void drain_share(LigPool *pool, Share *share, int thread)
{
    for (;;) {
        if (atomic_load_explicit(&share->next, memory_order_relaxed) >= share->end) return;
        int64_t begin = atomic_fetch_add_explicit(&share->next, pool->piece, memory_order_relaxed);
        if (begin >= share->end) return;
        int64_t left = share->end - begin;
        pool->fn(pool->user, thread, begin, begin + (left < pool->piece ? left : pool->piece));
    }
}

static void work(LigPool *pool, int thread)
{
    for (int i = 0; i < pool->threads; i++)
        drain_share(pool, &pool->shares[(thread + i) % pool->threads], thread);
}

static bool join_job(LigPool *pool)
{
    uint32_t state = atomic_load_explicit(&pool->state, memory_order_relaxed);
    while (state & state_open) {
        if (atomic_compare_exchange_weak_explicit(&pool->state, &state, state + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

static void leave_job(LigPool *pool)
{
    uint32_t before = atomic_fetch_sub_explicit(&pool->state, 1, memory_order_release);
    if ((before & state_waiting) && (before & state_count) == 1) futex_wake(&pool->state, 1);
}

// Returns the new epoch once it differs from `seen`.
static uint32_t await_epoch(LigPool *pool, uint32_t seen)
{
    int64_t start = lig_clock_ns();
    uint32_t epoch;
    while ((epoch = atomic_load_explicit(&pool->epoch, memory_order_acquire)) == seen) {
        if (spin_while(pool, &pool->epoch, seen, start)) continue;
        // Sequentially consistent against announce(): either it sees the sleeper, or the futex sees the new
        // epoch.
        atomic_fetch_add(&pool->sleepers, 1);
        while (atomic_load(&pool->epoch) == seen) futex_wait(&pool->epoch, seen);
        atomic_fetch_sub(&pool->sleepers, 1);
    }
    return epoch;
}

static void *worker_main(void *argument)
{
    Worker *worker = argument;
    LigPool *pool = worker->pool;
    uint32_t epoch = 0;
    for (;;) {
        epoch = await_epoch(pool, epoch);
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return NULL;
        if (!join_job(pool)) continue;
        work(pool, worker->thread);
        leave_job(pool);
    }
}

static void announce(LigPool *pool)
{
    atomic_fetch_add(&pool->epoch, 1);
    if (atomic_load(&pool->sleepers) > 0) futex_wake(&pool->epoch, INT_MAX);
}

static void deal(LigPool *pool, int64_t tiles)
{
    int64_t each = tiles / pool->threads;
    int64_t extra = tiles % pool->threads;
    int64_t begin = 0;
    for (int t = 0; t < pool->threads; t++) {
        int64_t count = each + (t < extra);
        pool->shares[t].end = begin + count;
        atomic_store_explicit(&pool->shares[t].next, begin, memory_order_relaxed);
        begin += count;
    }
    pool->piece = each / PIECES_PER_SHARE > 0 ? each / PIECES_PER_SHARE : 1;
}

// Every tile is taken: lets no one in any more, and waits for those who are.
static void close_job(LigPool *pool)
{
    uint32_t state = atomic_fetch_and(&pool->state, ~state_open) & ~state_open;
    int64_t start = lig_clock_ns();
    while (state != 0 && spin_while(pool, &pool->state, state, start))
        state = atomic_load_explicit(&pool->state, memory_order_acquire);
    if (state != 0) state = atomic_fetch_or(&pool->state, state_waiting) | state_waiting;
    while (state & state_count) {
        futex_wait(&pool->state, state);
        state = atomic_load_explicit(&pool->state, memory_order_acquire);
    }
    atomic_store_explicit(&pool->state, 0, memory_order_relaxed);
}

void lig_pool_run(LigPool *pool, int64_t tiles, LigTileFn fn, void *user)
{
    if (tiles <= 0) return;
    if (pool->threads == 1 || tiles == 1) {
        fn(user, 0, 0, tiles);
        return;
    }
    pool->fn = fn;
    pool->user = user;
    deal(pool, tiles);
    atomic_store_explicit(&pool->state, state_open, memory_order_release);
    announce(pool);
    work(pool, 0);
    close_job(pool);
}

void lig_pool_wake(LigPool *pool)
{
    if (atomic_load(&pool->sleepers) > 0) announce(pool);
}

int lig_pool_threads(const LigPool *pool) { return pool->threads; }

// Ends the first `started` workers and releases the pool.
static void shut_down(LigPool *pool, int started)
{
    atomic_store(&pool->stop, true);
    announce(pool);
    for (int i = 0; i < started; i++) pthread_join(pool->workers[i].handle, NULL);
    lig_free(pool->workers);
    lig_free_pages(pool, pool->bytes);
}

void lig_pool_destroy(LigPool *pool)
{
    if (pool) shut_down(pool, pool->threads - 1);
}

static LigPool *allocate_pool(int threads)
{
    size_t bytes = sizeof(LigPool) + (size_t)threads * sizeof(Share);
    LigPool *pool = lig_alloc_pages(bytes);
    if (!pool) return NULL;
    pool->workers = lig_alloc_zero((size_t)threads * sizeof(Worker));
    if (!pool->workers) {
        lig_free_pages(pool, bytes);
        return NULL;
    }
    pool->bytes = bytes;
    pool->threads = threads;
    pool->crowded = threads > lig_default_threads();
    return pool;
}

LigStatus lig_pool_create(LigContext *ctx, int threads, LigPool **out)
{
    *out = NULL;
    if (threads < 0 || threads > LIG_MAX_THREADS)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "%d threads asked for: give 1 to %d, or 0 for one a core", threads, LIG_MAX_THREADS);
    LigPool *pool = allocate_pool(threads ? threads : lig_default_threads());
    if (!pool) return lig_no_memory(ctx);
    for (int i = 0; i < pool->threads - 1; i++) {
        pool->workers[i] = (Worker){.pool = pool, .thread = i + 1};
        int error = pthread_create(&pool->workers[i].handle, NULL, worker_main, &pool->workers[i]);
        if (error == 0) continue;
        LigStatus status =
            lig_fail(ctx, LIG_ERR_IO, LIG_NOWHERE, "thread %d of %d does not start (%s): ask for fewer", i + 2,
                     pool->threads, strerror(error));
        shut_down(pool, i);
        return status;
    }
    *out = pool;
    return LIG_OK;
}

static void run_on_pool(void *self, int64_t tiles, LigTileFn fn, void *user)
{
    lig_pool_run(self, tiles, fn, user);
}

static void wake_pool(void *self) { lig_pool_wake(self); }

LigParallel lig_pool_parallel(LigPool *pool)
{
    return (LigParallel){.run = run_on_pool, .wake = wake_pool, .self = pool, .threads = pool->threads};
}

static void run_serially(void *self, int64_t tiles, LigTileFn fn, void *user)
{
    (void)self;
    if (tiles > 0) fn(user, 0, 0, tiles);
}

LigParallel lig_serial_parallel(void) { return (LigParallel){.run = run_serially, .threads = 1}; }
