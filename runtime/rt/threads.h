// Parallel loops over tiles: our pool, or the embedder's own.
//
// Tiles are independent, so who computes them cannot change a bit of the result. A pool of N threads is N - 1
// workers plus the caller. Workers spin for about a millisecond after their last job, then sleep on a futex; a
// job never waits for a sleeping worker: the threads that are awake take its share. With one thread nothing is
// synchronised.
//
// Threading: one thread at a time calls lig_pool_run on a pool; a tile function must not call it on the same
// pool.
#ifndef LIG_RT_THREADS_H
#define LIG_RT_THREADS_H

#include "ir/base/status.h"

// Computes tiles tile_begin <= i < tile_end. `thread` is 0 .. threads-1, and no two calls with the same
// `thread` overlap in time: it indexes scratch memory. Called several times per thread, with disjoint ranges.
typedef void (*LigTileFn)(void *user, int thread, int64_t tile_begin, int64_t tile_end);

// A parallel-for: runs fn over 0 .. tiles-1 and returns when all are done; what fn wrote is then visible.
typedef struct LigParallel {
    void (*run)(void *self, int64_t tiles, LigTileFn fn, void *user);
    void (*wake)(void *self); // called where a step begins; NULL: nothing sleeps
    void *self;
    int threads; // `thread` is below this
} LigParallel;

enum { LIG_MAX_THREADS = 1024 };

typedef struct LigPool LigPool;

// Starts threads - 1 workers; threads = 0 means lig_default_threads(). Errors: INVALID below 0 or above
// LIG_MAX_THREADS; NO_MEMORY; IO where the system refuses a thread. The caller owns *out.
LIG_MUST_CHECK LigStatus lig_pool_create(LigContext *ctx, int threads, LigPool **out);
// Ends and joins the workers. NULL is fine.
void lig_pool_destroy(LigPool *pool);

int lig_pool_threads(const LigPool *pool);
void lig_pool_run(LigPool *pool, int64_t tiles, LigTileFn fn, void *user);
// Gets sleeping workers up, so that they spin by the time the first job comes: call it where a step begins.
void lig_pool_wake(LigPool *pool);

// The pool as a parallel-for; borrows the pool.
LigParallel lig_pool_parallel(LigPool *pool);
// Runs everything on the calling thread.
LigParallel lig_serial_parallel(void);

// The cores this process may use: its affinity mask, limited by the CPU quota of its control group; at least 1.
int lig_default_threads(void);

#endif
