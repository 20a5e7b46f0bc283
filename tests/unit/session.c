// Sessions: several sequences in one step are as each alone; what does not fit is refused.
#include "runtime/session.h"
#include "frontend/model_file.h"
#include "tests/unit/temp_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CONTEXT = 32, SLOTS = 4, VOCAB = 131 };

typedef struct Fixture {
    LigContext *ctx;
    LigModelFile *file;
    LigTarget target;
    LigExecutable *executable;
    LigSession *session;
} Fixture;

static LigExecutable *make_executable(Fixture *f, bool interpret)
{
    LigModule *module = NULL;
    LigExecutable *executable = NULL;
    const LigGraphOptions graph = {.kv = LIG_F32};
    const LigExecutableOptions how = {.target = &f->target, .passes = {.fuse = true}, .interpret = interpret};
    assert_int_equal(lig_model_file_build(f->file, &graph, &module), LIG_OK);
    assert_int_equal(lig_executable_create(module, &how, &executable), LIG_OK);
    return executable;
}

static LigSession *make_session(LigExecutable *executable)
{
    LigSession *session = NULL;
    const LigSessionOptions size = {.context = CONTEXT, .slots = SLOTS};
    assert_int_equal(lig_session_create(executable, &size, &session), LIG_OK);
    return session;
}

static int open_fixture(void **state)
{
    static Fixture fixture;
    Fixture *f = *state = &fixture;
    f->ctx = lig_context_create();
    assert_int_equal(lig_model_file_open(f->ctx, LIG_SOURCE_DIR "/tests/data/tiny/llama", NULL, &f->file),
                     LIG_OK);
    assert_int_equal(lig_target_find(f->ctx, "native", &f->target), LIG_OK);
    f->executable = make_executable(f, false);
    f->session = make_session(f->executable);
    return 0;
}

static int close_fixture(void **state)
{
    Fixture *f = *state;
    lig_session_destroy(f->session);
    lig_executable_destroy(f->executable);
    lig_model_file_close(f->file);
    lig_context_destroy(f->ctx);
    return 0;
}

static int empty_slots(void **state)
{
    Fixture *f = *state;
    lig_context_clear(f->ctx);
    for (int64_t slot = 0; slot < SLOTS; slot++) lig_session_reset(f->session, slot);
    return 0;
}

static const int32_t ids[] = {3,  14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43, 38, 32, 79, 50, 28,
                              84, 19, 71, 69, 39, 93, 75, 10, 58, 20, 97, 49, 44, 59, 23, 7,  81, 64};
enum { ID_COUNT = sizeof ids / sizeof *ids };

// The logits of `count` ids from `first` on, in an empty slot of their own.
static void answer_alone(LigSession *session, int64_t first, int64_t count, float logits[VOCAB])
{
    lig_session_reset(session, 3);
    const LigRow row = {3, ids + first, count, 0};
    assert_int_equal(lig_session_step(session, &row, 1, logits), LIG_OK);
    lig_session_reset(session, 3);
}

static float largest_difference(const float *a, const float *b)
{
    float largest = 0;
    for (size_t i = 0; i < VOCAB; i++) largest = fmaxf(largest, fabsf(a[i] - b[i]));
    return largest;
}

static void sizes_are_those_of_the_model(void **state)
{
    const LigSession *session = ((Fixture *)*state)->session;
    assert_int_equal(lig_session_context(session), CONTEXT);
    assert_int_equal(lig_session_vocabulary(session), VOCAB);
    assert_int_equal(lig_session_slot_bytes(session), 2 * 2 * 2 * 16 * CONTEXT * sizeof(float));
}

static void rows_of_one_step_do_not_meet(void **state)
{
    LigSession *session = ((Fixture *)*state)->session;
    const LigRow rows[] = {{2, ids, 3, 0}, {0, ids + 5, 9, 0}, {1, ids + 20, 2, 0}};
    float together[3][VOCAB], alone[VOCAB];
    assert_int_equal(lig_session_step(session, rows, 3, together[0]), LIG_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(lig_session_length(session, rows[i].slot), rows[i].count);
        answer_alone(session, rows[i].ids - ids, rows[i].count, alone);
        assert_memory_equal(together[i], alone, sizeof alone);
    }
}

// Rows that go on from different lengths, one of them by a single token.
static void rows_go_on_from_what_their_slots_hold(void **state)
{
    LigSession *session = ((Fixture *)*state)->session;
    const LigRow first[] = {{0, ids, 7, 0}, {1, ids + 10, 2, 0}},
                 second[] = {{1, ids + 12, 6, 0}, {0, ids + 7, 1, 0}};
    float together[2][VOCAB], alone[VOCAB];
    assert_int_equal(lig_session_step(session, first, 2, NULL), LIG_OK);
    assert_int_equal(lig_session_step(session, second, 2, together[0]), LIG_OK);
    answer_alone(session, 10, 8, alone);
    assert_true(largest_difference(together[0], alone) < 1e-5F);
    answer_alone(session, 0, 8, alone);
    assert_true(largest_difference(together[1], alone) < 1e-5F);
    answer_alone(session, 1, 8, alone);
    assert_true(largest_difference(together[1], alone) > 1e-4F); // such a difference shows
}

static void pieces_are_as_the_whole(void **state)
{
    LigSession *session = ((Fixture *)*state)->session;
    float pieces[VOCAB], whole[VOCAB];
    assert_int_equal(lig_session_feed(session, 0, ids, 4, NULL), LIG_OK);
    for (int64_t i = 4; i < 12; i++) {
        assert_int_equal(lig_session_feed(session, 0, ids + i, 1, i == 11 ? pieces : NULL), LIG_OK);
    }
    answer_alone(session, 0, 12, whole);
    assert_true(largest_difference(pieces, whole) < 1e-5F);
}

static void interpreted_is_as_compiled(void **state)
{
    Fixture *f = *state;
    LigExecutable *executable = make_executable(f, true);
    LigSession *session = make_session(executable);
    const LigRow rows[] = {{2, ids, 3, 0}, {0, ids + 5, 9, 0}};
    float compiled[2][VOCAB], interpreted[2][VOCAB];
    assert_int_equal(lig_session_step(f->session, rows, 2, compiled[0]), LIG_OK);
    assert_int_equal(lig_session_step(session, rows, 2, interpreted[0]), LIG_OK);
    for (size_t i = 0; i < 2; i++) assert_true(largest_difference(compiled[i], interpreted[i]) < 1e-5F);
    lig_session_destroy(session);
    lig_executable_destroy(executable);
}

static void reset_forgets(void **state)
{
    LigSession *session = ((Fixture *)*state)->session;
    float again[VOCAB], fresh[VOCAB];
    answer_alone(session, 8, 5, fresh);
    assert_int_equal(lig_session_feed(session, 1, ids, 30, NULL), LIG_OK);
    lig_session_reset(session, 1);
    assert_int_equal(lig_session_length(session, 1), 0);
    assert_int_equal(lig_session_feed(session, 1, ids + 8, 5, again), LIG_OK);
    assert_memory_equal(again, fresh, sizeof again);
}

static void assert_refused(Fixture *f, LigStatus status, const char *words)
{
    assert_int_equal(status, LIG_ERR_INVALID);
    assert_non_null(strstr(first_message(f->ctx), words));
    lig_context_clear(f->ctx);
}

static void context_is_a_limit(void **state)
{
    Fixture *f = *state;
    assert_refused(f, lig_session_feed(f->session, 0, ids, CONTEXT + 1, NULL), "the context holds 32 tokens");
    assert_int_equal(lig_session_length(f->session, 0), 0);
    assert_int_equal(lig_session_feed(f->session, 0, ids, CONTEXT, NULL), LIG_OK);
    assert_refused(f, lig_session_feed(f->session, 0, ids, 1, NULL), "32 are taken");
    const LigRow rows[] = {{1, ids, 2, 0}, {0, ids, 1, 0}};
    assert_refused(f, lig_session_step(f->session, rows, 2, NULL), "32 are taken");
    assert_int_equal(lig_session_length(f->session, 0), CONTEXT);
    assert_int_equal(lig_session_length(f->session, 1), 0);
}

static void wrong_rows_are_refused(void **state)
{
    Fixture *f = *state;
    const LigRow empty = {0, ids, 0, 0}, below = {-1, ids, 1, 0}, above = {SLOTS, ids, 1, 0};
    const LigRow twice[] = {{1, ids, 2, 0}, {2, ids, 1, 0}, {1, ids, 1, 0}};
    assert_refused(f, lig_session_step(f->session, &empty, 1, NULL), "at least one token");
    assert_refused(f, lig_session_step(f->session, &below, 1, NULL), "slot -1 is outside");
    assert_refused(f, lig_session_step(f->session, &above, 1, NULL), "slot 4 is outside");
    assert_refused(f, lig_session_step(f->session, twice, 3, NULL), "slot 1 is given twice");
    assert_refused(f, lig_session_step(f->session, twice, 0, NULL), "rows");
    assert_refused(f, lig_session_feed(f->session, SLOTS, ids, 1, NULL), "slot 4 is outside");
    for (int64_t slot = 0; slot < SLOTS; slot++) assert_int_equal(lig_session_length(f->session, slot), 0);
}

static void ids_are_of_the_vocabulary(void **state)
{
    Fixture *f = *state;
    const int32_t wrong[] = {VOCAB, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int32_t sequence[] = {1, 2, wrong[i]};
        const LigRow one = {0, &wrong[i], 1, 0}, three = {0, sequence, 3, 0};
        assert_refused(f, lig_session_step(f->session, &one, 1, NULL), "expected an index below 131");
        assert_refused(f, lig_session_step(f->session, &three, 1, NULL), "element 2");
        assert_int_equal(lig_session_length(f->session, 0), 0);
    }
}

static void sizes_are_bounded(void **state)
{
    Fixture *f = *state;
    LigSession *session = NULL;
    const LigSessionOptions long_context = {.context = 129}, many_slots = {.context = 16, .slots = 65};
    assert_refused(f, lig_session_create(f->executable, &long_context, &session), "outside 1..128");
    assert_refused(f, lig_session_create(f->executable, &many_slots, &session), "outside 1..64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sizes_are_those_of_the_model, empty_slots),
        cmocka_unit_test_setup(rows_of_one_step_do_not_meet, empty_slots),
        cmocka_unit_test_setup(rows_go_on_from_what_their_slots_hold, empty_slots),
        cmocka_unit_test_setup(pieces_are_as_the_whole, empty_slots),
        cmocka_unit_test_setup(interpreted_is_as_compiled, empty_slots),
        cmocka_unit_test_setup(reset_forgets, empty_slots),
        cmocka_unit_test_setup(context_is_a_limit, empty_slots),
        cmocka_unit_test_setup(wrong_rows_are_refused, empty_slots),
        cmocka_unit_test_setup(ids_are_of_the_vocabulary, empty_slots),
        cmocka_unit_test_setup(sizes_are_bounded, empty_slots),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
