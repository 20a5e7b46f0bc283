// The C interface as an embedder sees it: only its header, through the shared library.
#include "runtime/ligature.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MODEL LIG_SOURCE_DIR "/tests/data/tiny/llama"

enum { VOCABULARY_MOST = 4096 };

typedef struct Opened {
    LigatureEngine *engine;
    LigatureModel *model;
    LigatureSession *session;
} Opened;

static Opened open_all(const LigatureEngineOptions *options, int64_t slots)
{
    Opened o = {0};
    const LigatureSessionOptions size = {.context = 32, .slots = slots};
    assert_int_equal(ligature_engine_create(options, &o.engine), LIGATURE_OK);
    assert_int_equal(ligature_model_open(o.engine, MODEL, NULL, &o.model), LIGATURE_OK);
    assert_int_equal(ligature_session_open(o.model, &size, &o.session), LIGATURE_OK);
    assert_in_range(ligature_vocabulary(o.session), 2, VOCABULARY_MOST);
    return o;
}

static void close_all(Opened *o)
{
    ligature_session_close(o->session);
    ligature_model_close(o->model);
    ligature_engine_destroy(o->engine);
}

static const int32_t prompt[] = {1, 5, 9, 2, 7, 3, 3};
enum { PROMPT = sizeof prompt / sizeof *prompt };

// An embedder's own threads: one a share, made anew for each call.
enum { OWN_THREADS = 3 };

typedef struct Share {
    LigatureTileFn fn;
    void *user;
    int thread;
    int64_t begin, end;
} Share;

static void *run_share(void *argument)
{
    const Share *share = argument;
    // In pieces, and backwards: the order is the embedder's affair.
    for (int64_t t = share->end; t > share->begin; t--) share->fn(share->user, share->thread, t - 1, t);
    return NULL;
}

static void run_own(void *self, int64_t tiles, LigatureTileFn fn, void *user)
{
    int *calls = self;
    pthread_t threads[OWN_THREADS];
    Share shares[OWN_THREADS];
    for (int i = 0; i < OWN_THREADS; i++) {
        shares[i] = (Share){fn, user, i, tiles * i / OWN_THREADS, tiles * (i + 1) / OWN_THREADS};
        assert_int_equal(pthread_create(&threads[i], NULL, run_share, &shares[i]), 0);
    }
    for (int i = 0; i < OWN_THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    ++*calls;
}

static void feed_logits(const LigatureEngineOptions *options, float *logits)
{
    Opened o = open_all(options, 1);
    assert_int_equal(ligature_feed(o.session, 0, prompt, PROMPT, logits), LIGATURE_OK);
    assert_int_equal(ligature_length(o.session, 0), PROMPT);
    close_all(&o);
}

static void own_threads_give_the_same_bits(void **state)
{
    (void)state;
    static float ours[VOCABULARY_MOST], theirs[VOCABULARY_MOST];
    int calls = 0;
    const LigatureParallel own = {.run = run_own, .self = &calls, .threads = OWN_THREADS};
    const LigatureEngineOptions pool = {.threads = 1}, embedded = {.parallel = &own};
    feed_logits(&pool, ours);
    feed_logits(&embedded, theirs);
    assert_true(calls > 0);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void step_equals_each_alone(void **state)
{
    (void)state;
    static float together[2 * VOCABULARY_MOST], alone[VOCABULARY_MOST];
    Opened o = open_all(NULL, 2);
    size_t row = (size_t)ligature_vocabulary(o.session);
    const LigatureRow rows[] = {{0, prompt, PROMPT, 0}, {1, prompt + 2, 3, 0}};
    assert_int_equal(ligature_step(o.session, rows, 2, together), LIGATURE_OK);
    for (int64_t r = 0; r < 2; r++) {
        ligature_clear(o.session, r);
        assert_int_equal(ligature_length(o.session, r), 0);
        assert_int_equal(ligature_feed(o.session, r, rows[r].ids, rows[r].count, alone), LIGATURE_OK);
        assert_memory_equal(alone, together + (size_t)r * row, row * sizeof *alone);
    }
    close_all(&o);
}

static void sample_takes_the_likeliest(void **state)
{
    (void)state;
    static float logits[VOCABULARY_MOST];
    Opened o = open_all(NULL, 1);
    assert_int_equal(ligature_feed(o.session, 0, prompt, PROMPT, logits), LIGATURE_OK);
    int32_t best = 0, chosen;
    for (int32_t i = 1; i < ligature_vocabulary(o.session); i++) best = logits[i] > logits[best] ? i : best;
    assert_int_equal(ligature_sample(o.session, logits, NULL, NULL, 0, 0, &chosen), LIGATURE_OK);
    assert_int_equal(chosen, best);
    const LigatureSampling drawn = {.temperature = 1, .seed = 7}, wrong = {.temperature = 1, .top_p = 2};
    int32_t first, again;
    assert_int_equal(ligature_sample(o.session, logits, &drawn, prompt, PROMPT, 0, &first), LIGATURE_OK);
    assert_int_equal(ligature_sample(o.session, logits, &drawn, prompt, PROMPT, 0, &again), LIGATURE_OK);
    assert_int_equal(first, again);
    assert_int_equal(ligature_sample(o.session, logits, &wrong, NULL, 0, 0, &chosen), LIGATURE_INVALID);
    close_all(&o);
}

static void errors_are_words(void **state)
{
    (void)state;
    LigatureEngine *engine;
    const LigatureEngineOptions strange = {.cpu = "pdp-11"};
    assert_int_equal(ligature_engine_create(&strange, &engine), LIGATURE_NOT_FOUND);
    assert_non_null(strstr(ligature_error(engine), "pdp-11"));
    ligature_engine_destroy(engine);

    LigatureModel *model;
    assert_int_equal(ligature_engine_create(NULL, &engine), LIGATURE_OK);
    assert_string_equal(ligature_error(engine), "");
    assert_int_equal(ligature_model_open(engine, "no/such/model", NULL, &model), LIGATURE_NOT_FOUND);
    assert_null(model);
    assert_non_null(strstr(ligature_error(engine), "no/such/model"));
    ligature_engine_destroy(engine);
}

static void bad_steps_are_refused(void **state)
{
    (void)state;
    Opened o = open_all(NULL, 1);
    const int32_t outside[] = {INT32_MAX};
    assert_int_equal(ligature_feed(o.session, 0, outside, 1, NULL), LIGATURE_INVALID);
    assert_int_equal(ligature_feed(o.session, 1, prompt, 1, NULL), LIGATURE_INVALID);
    assert_int_equal(ligature_feed(o.session, -1, prompt, 1, NULL), LIGATURE_INVALID);
    assert_int_equal(ligature_feed(o.session, 0, prompt, 0, NULL), LIGATURE_INVALID);
    assert_int_equal(ligature_feed(o.session, 0, prompt, -1, NULL), LIGATURE_INVALID);
    assert_int_equal(ligature_step(o.session, NULL, 0, NULL), LIGATURE_INVALID);
    assert_int_equal(ligature_length(o.session, 99), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ligature_feed(o.session, 0, prompt, PROMPT, NULL), LIGATURE_OK);
    assert_int_equal(ligature_feed(o.session, 0, prompt, PROMPT, NULL), LIGATURE_INVALID);
    assert_true(strlen(ligature_error(o.engine)) > 0);
    assert_int_equal(ligature_length(o.session, 0), 4 * PROMPT);
    LigatureSession *session;
    const LigatureSessionOptions huge = {.context = INT64_MAX};
    assert_int_equal(ligature_session_open(o.model, &huge, &session), LIGATURE_INVALID);
    assert_null(session);
    close_all(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_threads_give_the_same_bits), cmocka_unit_test(step_equals_each_alone),
        cmocka_unit_test(sample_takes_the_likeliest),     cmocka_unit_test(errors_are_words),
        cmocka_unit_test(bad_steps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
