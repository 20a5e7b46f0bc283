// The thread pool: every tile once, whatever the number of threads; sleep, wake-up, shutdown.
#include "runtime/rt/threads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { MAX_TILES = 1000 };

typedef struct Job {
    int seen[MAX_TILES];
    _Alignas(64) int busy[LIG_MAX_THREADS];
    int threads;
    bool wrong;
} Job;

static void count_tiles(void *user, int thread, int64_t begin, int64_t end)
{
    Job *job = user;
    if (thread < 0 || thread >= job->threads || begin >= end) {
        job->wrong = true;
        return;
    }
    job->busy[thread]++; // unsynchronised on purpose: two calls at once for one thread would be a race
    for (int64_t i = begin; i < end; i++) job->seen[i]++;
}

static void run_and_check(LigParallel parallel, Job *job, int64_t tiles)
{
    memset(job, 0, sizeof *job);
    job->threads = parallel.threads;
    parallel.run(parallel.self, tiles, count_tiles, job);
    assert_false(job->wrong);
    for (int64_t i = 0; i < MAX_TILES; i++) assert_int_equal(job->seen[i], i < tiles);
}

static void every_tile_is_done_once(void **state)
{
    (void)state;
    static Job job;
    LigContext *ctx = lig_context_create();
    for (int threads = 1; threads <= 8; threads++) {
        LigPool *pool;
        assert_int_equal(lig_pool_create(ctx, threads, &pool), LIG_OK);
        assert_int_equal(lig_pool_threads(pool), threads);
        for (int64_t run = 0; run < 400; run++)
            run_and_check(lig_pool_parallel(pool), &job, run * 7 % MAX_TILES);
        lig_pool_destroy(pool);
    }
    run_and_check(lig_serial_parallel(), &job, 10);
    lig_context_destroy(ctx);
}

static void sleeping_workers_wake_and_end(void **state)
{
    (void)state;
    static Job job;
    LigContext *ctx = lig_context_create();
    LigPool *pool;
    assert_int_equal(lig_pool_create(ctx, 3, &pool), LIG_OK);
    for (int round = 0; round < 20; round++) {
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        if (round % 2) lig_pool_wake(pool);
        run_and_check(lig_pool_parallel(pool), &job, 100);
    }
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    lig_pool_destroy(pool);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(lig_pool_create(ctx, 4, &pool), LIG_OK);
        lig_pool_destroy(pool);
    }
    lig_context_destroy(ctx);
}

static void wrong_counts_are_refused(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigPool *pool;
    assert_int_equal(lig_pool_create(ctx, -1, &pool), LIG_ERR_INVALID);
    assert_int_equal(lig_pool_create(ctx, LIG_MAX_THREADS + 1, &pool), LIG_ERR_INVALID);
    assert_null(pool);
    assert_in_range(lig_default_threads(), 1, LIG_MAX_THREADS);
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tile_is_done_once),
        cmocka_unit_test(sleeping_workers_wake_and_end),
        cmocka_unit_test(wrong_counts_are_refused),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
