// Several sequences in one step, of different lengths in their slots, give the same bits as each alone in a
// session of its own, for every tiny decoder; on one thread, on as many as there are cores, and on more.
#include "frontend/model_file.h"
#include "ir/base/file.h"
#include "runtime/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const decoders[] = {"llama", "llama_tied", "llama3_rope", "gpt2",  "gpt_neox",
                                       "phi",   "mistral",    "qwen2",       "qwen3", "gemma"};
enum { CONTEXT = 48, SLOTS = 4, MOST_VOCABULARY = 4096, STEPS = 4 };

// What each step feeds each slot, in this order of rows: prompts, a lone token beside a long piece, tokens alone.
static const struct {
    int64_t slot, count;
} plan[STEPS][SLOTS] = {
    {{2, 5}, {0, 17}, {3, 1}},
    {{0, 1}, {1, 9}, {2, 1}, {3, 6}},
    {{3, 1}, {2, 1}, {1, 1}, {0, 1}},
    {{1, 11}, {0, 2}},
};

static int32_t id_of(int64_t slot, int64_t position) { return (int32_t)((slot * 37 + position * 11) % 97 + 3); }

static char cache[] = "/tmp/lig_batch_XXXXXX"; // kernels are compiled once for all executables of a model

typedef struct Model {
    LigContext *ctx;
    LigModelFile *file;
    LigTarget target;
} Model;

static bool open_model(const char *name, Model *m)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/data/tiny/%s", LIG_SOURCE_DIR, name);
    if (!lig_path_exists(path))
        (void)snprintf(path, sizeof path, "%s/../shared/models/tiny/%s", LIG_SOURCE_DIR, name);
    if (!lig_path_exists(path)) {
        print_message("skipped: no %s\n", path);
        return false;
    }
    m->ctx = lig_context_create();
    assert_int_equal(lig_model_file_open(m->ctx, path, NULL, &m->file), LIG_OK);
    assert_int_equal(lig_target_find(m->ctx, "native", &m->target), LIG_OK);
    return true;
}

static void close_model(Model *m)
{
    lig_model_file_close(m->file);
    lig_context_destroy(m->ctx);
}

static LigExecutable *make_executable(Model *m, const LigParallel *parallel)
{
    LigModule *module;
    LigExecutable *executable;
    assert_int_equal(lig_model_file_build(m->file, &(LigGraphOptions){.kv = LIG_F32}, &module), LIG_OK);
    const LigExecutableOptions how = {.target = &m->target,
                                      .passes = {.fuse = true},
                                      .parallel = parallel,
                                      .cache = {cache, (uint64_t)1 << 30}};
    assert_int_equal(lig_executable_create(module, &how, &executable), LIG_OK);
    return executable;
}

static LigSession *make_session(LigExecutable *executable)
{
    LigSession *session;
    const LigSessionOptions size = {.context = CONTEXT, .slots = SLOTS};
    assert_int_equal(lig_session_create(executable, &size, &session), LIG_OK);
    assert_true(lig_session_vocabulary(session) <= MOST_VOCABULARY);
    return session;
}

static size_t fill_rows(size_t step, const int64_t held[SLOTS], int32_t ids[SLOTS][CONTEXT], LigRow rows[SLOTS])
{
    size_t count = 0;
    for (; count < SLOTS && plan[step][count].count > 0; count++) {
        int64_t slot = plan[step][count].slot, length = plan[step][count].count;
        for (int64_t i = 0; i < length; i++) ids[count][i] = id_of(slot, held[slot] + i);
        rows[count] = (LigRow){slot, ids[count], length, 0};
    }
    return count;
}

// Runs the plan in one session; the row of `lone` alone when it is >= 0 (in slot 0), every row otherwise. The
// logits of row r of step s go to out[s][slot].
static void run_plan(LigExecutable *executable, int64_t lone, float (*out)[SLOTS][MOST_VOCABULARY])
{
    static float logits[SLOTS * MOST_VOCABULARY];
    LigSession *session = make_session(executable);
    size_t vocabulary = (size_t)lig_session_vocabulary(session);
    int64_t held[SLOTS] = {0};
    for (size_t step = 0; step < STEPS; step++) {
        int32_t ids[SLOTS][CONTEXT];
        LigRow rows[SLOTS], asked[SLOTS];
        size_t count = fill_rows(step, held, ids, rows), kept = 0;
        int64_t slots[SLOTS];
        for (size_t r = 0; r < count; r++) {
            held[rows[r].slot] += rows[r].count;
            if (lone >= 0 && rows[r].slot != lone) continue;
            slots[kept] = rows[r].slot;
            asked[kept] = rows[r];
            if (lone >= 0) asked[kept].slot = 0;
            kept++;
        }
        if (kept == 0) continue;
        assert_int_equal(lig_session_step(session, asked, (int64_t)kept, logits), LIG_OK);
        for (size_t r = 0; r < kept; r++)
            memcpy(out[step][slots[r]], logits + r * vocabulary, vocabulary * sizeof(float));
    }
    lig_session_destroy(session);
}

static void assert_same_bits(const char *name, int threads, float (*together)[SLOTS][MOST_VOCABULARY],
                             float (*alone)[SLOTS][MOST_VOCABULARY])
{
    for (size_t step = 0; step < STEPS; step++) {
        for (size_t r = 0; r < SLOTS && plan[step][r].count > 0; r++) {
            int64_t slot = plan[step][r].slot;
            const void *here = together[step][slot], *there = alone[step][slot];
            if (memcmp(here, there, sizeof alone[step][slot]) == 0) continue;
            fail_msg("%s, %d threads: step %zu, slot %lld: %g together, %g alone", name, threads, step,
                     (long long)slot, (double)together[step][slot][0], (double)alone[step][slot][0]);
        }
    }
}

// Two sequences are told apart: else the test would hold for a session that mixes its slots.
static void assert_differ(float (*logits)[SLOTS][MOST_VOCABULARY])
{
    assert_memory_not_equal(logits[1][0], logits[1][2], sizeof logits[1][0]);
    assert_memory_not_equal(logits[1][0], logits[2][0], sizeof logits[1][0]);
}

static void check_decoder(const char *name, Model *m)
{
    static float alone[STEPS][SLOTS][MOST_VOCABULARY], together[STEPS][SLOTS][MOST_VOCABULARY];
    LigExecutable *executable = make_executable(m, NULL);
    memset(alone, 0, sizeof alone);
    for (int64_t slot = 0; slot < SLOTS; slot++) run_plan(executable, slot, alone);
    assert_differ(alone);
    lig_executable_destroy(executable);
    const int threads[] = {1, 0, lig_default_threads() + 3};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        LigPool *pool;
        assert_int_equal(lig_pool_create(m->ctx, threads[i], &pool), LIG_OK);
        const LigParallel parallel = lig_pool_parallel(pool);
        executable = make_executable(m, &parallel);
        memset(together, 0, sizeof together);
        run_plan(executable, -1, together);
        assert_same_bits(name, parallel.threads, together, alone);
        lig_executable_destroy(executable);
        lig_pool_destroy(pool);
    }
}

static void together_is_as_alone(void **state)
{
    (void)state;
    int checked = 0;
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++) {
        Model m;
        if (!open_model(decoders[i], &m)) continue;
        check_decoder(decoders[i], &m);
        close_model(&m);
        checked++;
    }
    assert_true(checked >= 2); // some stand in this repository
}

static int make_cache(void **state)
{
    (void)state;
    return mkdtemp(cache) ? 0 : -1;
}

static int remove_cache(void **state)
{
    (void)state;
    char command[64];
    (void)snprintf(command, sizeof command, "rm -rf %s", cache);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(together_is_as_alone)};
    return cmocka_run_group_tests_name("batch", tests, make_cache, remove_cache);
}
