// Guards: an index that lies outside is refused before any kernel uses it as an address.
#include "ir/text.h"
#include "runtime/executable.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SLOTS = 3, CAPACITY = 8, HEAD = 16 };

static const char source[] =
    "module \"m\" {\n"
    "  dim N in 1..16 dim R in 1..4 dim C in 1..64 dim S in 1..4\n"
    "  fact R <= N\n"
    "  state %k : f32[S,1,C,16]\n"
    "  state %v : f32[S,1,C,16]\n"
    "  func @pick(%x: f32[N,16], %i: i32[R]) -> f32[R,16] {\n"
    "    %y = gather %x, %i {axis = 0} : f32[R,16]\n"
    "    return %y\n"
    "  }\n"
    "  func @step(%q: f32[N,1,16], %pos: i32[N], %start: i32[R + 1], %slot: i32[R], %kv_len: i32[R]) -> "
    "f32[N,1,16] {\n"
    "    %ks = append %k, %q, %slot, %start, %pos : f32[S,1,C,16]\n"
    "    %vs = append %v, %q, %slot, %start, %pos : f32[S,1,C,16]\n"
    "    %y = attention %q, %ks, %vs, %pos, %start, %kv_len, %slot {causal, scale = 0.25} : f32[N,1,16]\n"
    "    return %y\n"
    "  }\n"
    "}\n";

typedef struct Fixture {
    LigContext *ctx;
    LigTarget target;
    LigExecutable *executable;
    LigBound *pick, *step;
    int64_t symbols[LIG_MAX_SYMBOLS];
} Fixture;

static int open_fixture(void **state)
{
    static Fixture fixture;
    Fixture *f = *state = &fixture;
    LigModule *module = NULL;
    f->ctx = lig_context_create();
    assert_int_equal(lig_target_find(f->ctx, "native", &f->target), LIG_OK);
    assert_int_equal(lig_parse_module(f->ctx, "m.lig", lig_str(source), &module), LIG_OK);
    const LigExecutableOptions how = {.target = &f->target, .passes = {.fuse = true}};
    assert_int_equal(lig_executable_create(module, &how, &f->executable), LIG_OK);
    assert_int_equal(lig_bound_create(f->executable, LIG_STR("pick"), &f->pick), LIG_OK);
    assert_int_equal(lig_bound_create(f->executable, LIG_STR("step"), &f->step), LIG_OK);
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) f->symbols[i] = -1;
    f->symbols[2] = CAPACITY;
    f->symbols[3] = SLOTS;
    return 0;
}

static int close_fixture(void **state)
{
    Fixture *f = *state;
    lig_executable_destroy(f->executable);
    lig_context_destroy(f->ctx);
    return 0;
}

static LigTensor vector(int32_t *data, int64_t count)
{
    return (LigTensor){{.dtype = LIG_I32, .rank = 1, .dims = {count}}, data};
}

static void assert_message(Fixture *f, LigStatus status, const char *words)
{
    assert_int_equal(status, words ? LIG_ERR_INVALID : LIG_OK);
    if (words) assert_non_null(strstr(first_message(f->ctx), words));
    lig_context_clear(f->ctx);
}

static void gather_stays_inside(void **state)
{
    Fixture *f = *state;
    float x[5][HEAD] = {{0}};
    LigShape output;
    const struct {
        int32_t indices[3];
        const char *words;
    } cases[] = {
        {{0, 4, 2}, NULL},
        {{0, 5, 2}, "input %i of @pick: element 1 is 5, expected an index below 5"},
        {{0, 1, -1}, "input %i of @pick: element 2 is -1, expected an index below 5"},
        {{INT32_MIN, 0, 0}, "element 0 is -2147483648"},
        {{0, INT32_MAX, 0}, "element 1 is 2147483647"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t indices[3];
        memcpy(indices, cases[i].indices, sizeof indices);
        const LigTensor inputs[] = {{{.dtype = LIG_F32, .rank = 2, .dims = {5, HEAD}}, x}, vector(indices, 3)};
        assert_message(f, lig_bound_bind(f->pick, inputs, f->symbols, &output), cases[i].words);
    }
}

// The integers of a call of @step: five tokens in two rows.
typedef struct Step {
    int32_t pos[5], start[3], slot[2], kv_len[2];
} Step;
static const Step good = {{0, 1, 2, 6, 7}, {0, 3, 5}, {2, 0}, {3, CAPACITY}};

static void check_step(Fixture *f, Step step, const char *words)
{
    float q[5][HEAD] = {{0}};
    LigShape output;
    const LigTensor inputs[] = {{{.dtype = LIG_F32, .rank = 3, .dims = {5, 1, HEAD}}, q},
                                vector(step.pos, 5),
                                vector(step.start, 3),
                                vector(step.slot, 2),
                                vector(step.kv_len, 2)};
    assert_message(f, lig_bound_bind(f->step, inputs, f->symbols, &output), words);
}

static void positions_and_slots_stay_inside(void **state)
{
    Fixture *f = *state;
    check_step(f, good, NULL);
    Step step = good;
    step.pos[4] = CAPACITY;
    check_step(f, step, "input %pos of @step: element 4 is 8, expected an index below 8");
    step.pos[4] = -1;
    check_step(f, step, "input %pos of @step: element 4 is -1");
    step = good;
    step.slot[1] = SLOTS;
    check_step(f, step, "input %slot of @step: element 1 is 3, expected an index below 3");
    step.slot[1] = -1;
    check_step(f, step, "input %slot of @step: element 1 is -1");
}

static void lengths_stay_inside(void **state)
{
    Fixture *f = *state;
    Step step = good;
    step.kv_len[0] = CAPACITY + 1;
    check_step(f, step, "input %kv_len of @step: element 0 is 9, expected a length of at most 8");
    step.kv_len[0] = -1;
    check_step(f, step, "input %kv_len of @step: element 0 is -1");
    step.kv_len[0] = 0;
    check_step(f, step, NULL);
}

static void starts_rise_to_the_end(void **state)
{
    Fixture *f = *state;
    const int32_t wrong[][3] = {{1, 3, 5}, {-1, 3, 5}, {0, 6, 5}, {0, -1, 5}, {0, 3, 4}, {0, 3, 6}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Step step = good;
        memcpy(step.start, wrong[i], sizeof step.start);
        check_step(f, step, "starts that rise from 0 to 5");
    }
    Step empty_row = good;
    empty_row.start[1] = 5;
    check_step(f, empty_row, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather_stays_inside),
        cmocka_unit_test(positions_and_slots_stay_inside),
        cmocka_unit_test(lengths_stay_inside),
        cmocka_unit_test(starts_rise_to_the_end),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
