// Comparison around passes: passes that break what they declare are named, with place and both values; those that
// keep it pass; those that change meaning are measured.
#include "passes/compare.h"

#include "ir/base/alloc.h"
#include "ir/build.h"
#include "ir/text.h"
#include "runtime/example_call.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const TEXT =
    "module \"m\" {\n"
    "  dim N in 1..8\n"
    "  dim R in 1..4\n"
    "  fact R <= N\n"
    "  param %t : f32[9,4] \"t\"\n"
    "  param %w : q4_0[3,32] \"w\"\n"
    "  state %s : f32[2,1,16,4]\n"
    "  func @f(%ids: i32[N], %slot: i32[R], %start: i32[R + 1], %pos: i32[N]) -> f32[N,4] {\n"
    "    %c = constant {values=[0.5]} : f32[]\n"
    "    %x = gather %t, %ids {axis=0} : f32[N,4]\n"
    "    %h = reshape %x : f32[N,1,4]\n"
    "    %s1 = append %s, %h, %slot, %start, %pos : f32[2,1,16,4]\n"
    "    %y = mul %x, %c : f32[N,4]\n"
    "    return %y\n"
    "  }\n"
    "  func @g(%x: f32[N,32]) -> f32[N,3] {\n"
    "    %y = linear %x, %w : f32[N,3]\n"
    "    return %y\n"
    "  }\n"
    "}\n";

// ---- passes that are no good ----

static const LigOp *find_op(LigModule *module, LigOpCode code)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        for (size_t j = 0; j < func->ops.count; j++) {
            if (func->ops.data[j]->code == code) return func->ops.data[j];
        }
    }
    return NULL;
}

// The constant of @f, 0.5, times `factor`.
static void scale_constant(LigModule *module, double factor)
{
    const LigValue *value = find_op(module, LIG_OP_CONSTANT)->results[0];
    float *number = (float *)(uintptr_t)value->data;
    *number = (float)(0.5 * factor);
}

static LigStatus last_bit(LigPass *pass, LigModule *module)
{
    (void)pass;
    scale_constant(module, 1 + 0x1p-23);
    return LIG_OK;
}

static LigStatus much(LigPass *pass, LigModule *module)
{
    (void)pass;
    scale_constant(module, 1.01);
    return LIG_OK;
}

static LigStatus makes_nan(LigPass *pass, LigModule *module)
{
    (void)pass;
    scale_constant(module, (double)NAN);
    return LIG_OK;
}

static LigStatus nothing(LigPass *pass, LigModule *module)
{
    (void)pass, (void)module;
    return LIG_OK;
}

// Appends at other positions: the ids are taken for them.
static LigStatus breaks_state(LigPass *pass, LigModule *module)
{
    const LigOp *append = find_op(module, LIG_OP_APPEND);
    (void)pass;
    append->operands[4] = module->funcs.data[0]->inputs.data[0];
    return LIG_OK;
}

// ---- running one ----

typedef struct Case {
    LigContext *ctx;
    LigArena *arena;
    LigModule *module;
    LigPassManager manager;
} Case;

static void begin(Case *c)
{
    LigExampleCalls calls;
    *c = (Case){.ctx = lig_context_create(), .arena = lig_arena_create()};
    if (lig_parse_module(c->ctx, "case", lig_str(TEXT), &c->module) != LIG_OK)
        fail_msg("%s", lig_context_diagnostic(c->ctx, 0)->message);
    assert_int_equal(lig_example_params(c->module, 7), LIG_OK);
    assert_int_equal(lig_example_calls(c->module, c->arena, 7, &calls), LIG_OK);
    assert_int_equal(calls.count, 4);
    assert_int_equal(lig_comparison_create(c->module, calls.items, calls.count, &c->manager.comparison),
                     LIG_OK);
    assert_int_equal(lig_comparison_call_count(c->manager.comparison), 4);
}

static void end(Case *c)
{
    lig_comparison_destroy(c->manager.comparison);
    lig_module_destroy(c->module);
    lig_arena_destroy(c->arena);
    lig_context_destroy(c->ctx);
}

static LigStatus run(Case *c, LigNumerics numerics, LigPassFunction *function)
{
    const LigPassInfo pass = {.name = "broken",
                              .from = LIG_STAGE_MODEL,
                              .to = LIG_STAGE_MODEL,
                              .numerics = numerics,
                              .run = function};
    return lig_pass_run(&c->manager, c->module, &pass);
}

// The pass is refused, by one message that has all the words.
static void expect_refused(LigNumerics numerics, LigPassFunction *function, const char *const *words)
{
    Case c;
    begin(&c);
    assert_int_equal(run(&c, numerics, function), LIG_ERR_INVALID);
    assert_int_equal(lig_context_diagnostic_count(c.ctx), 1);
    const char *message = lig_context_diagnostic(c.ctx, 0)->message;
    for (; *words; words++) {
        if (!strstr(message, *words)) fail_msg("\"%s\" does not say \"%s\"", message, *words);
    }
    end(&c);
}

static void expect_accepted(LigNumerics numerics, LigPassFunction *function, size_t measures)
{
    Case c;
    begin(&c);
    if (run(&c, numerics, function) != LIG_OK) fail_msg("%s", lig_context_diagnostic(c.ctx, 0)->message);
    assert_int_equal(lig_comparison_measure_count(c.manager.comparison), measures);
    end(&c);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_exact(void **state)
{
    (void)state;
    expect_accepted(LIG_EXACT, nothing, 0);
    expect_refused(LIG_EXACT, last_bit,
                   WORDS("pass broken is exact", "@f", "output 0, %y f32[1,4]", " at [0,", ", was ", "--dump"));
    expect_refused(LIG_EXACT, breaks_state, WORDS("pass broken", "@f", "state 0, %s f32[2,1,16,4]", "was"));
}

static void test_reassociates(void **state)
{
    (void)state;
    expect_accepted(LIG_REASSOCIATES, last_bit, 0);
    expect_refused(LIG_REASSOCIATES, much, WORDS("pass broken only reassociates", "@f", "%y"));
    expect_refused(LIG_REASSOCIATES, makes_nan, WORDS("is nan at [0,0]"));
}

static void test_changes_meaning(void **state)
{
    (void)state;
    expect_accepted(LIG_CHANGES_MEANING, much, 4); // outputs of four calls
    Case c;
    begin(&c);
    assert_int_equal(run(&c, LIG_CHANGES_MEANING, much), LIG_OK);
    for (size_t i = 0; i < 4; i++) {
        const LigMeasure *m = lig_comparison_measure(c.manager.comparison, i);
        bool moved = lig_str_is(m->func, "f");
        assert_string_equal(m->pass, "broken");
        assert_true(moved ? fabs(m->relative - 0.01) < 1e-5 : m->relative == 0.0);
        assert_true(moved ? m->divergence > 0.0 && m->divergence < 1e-3 : m->divergence == 0.0);
    }
    // What comes after is held to the new numbers.
    assert_int_equal(run(&c, LIG_EXACT, nothing), LIG_OK);
    scale_constant(c.module, 1.0);
    assert_int_equal(run(&c, LIG_EXACT, nothing), LIG_ERR_INVALID);
    end(&c);
}

// The real passes, to the plan: kernels, panels of weights and of caches, variants.
static void test_pipeline(void **state)
{
    (void)state;
    Case c;
    begin(&c);
    c.manager.options.fuse = true;
    for (size_t i = 0; i < lig_pass_count(); i++) {
        if (lig_pass_run(&c.manager, c.module, lig_pass_info(i)) != LIG_OK)
            fail_msg("%s", lig_context_diagnostic(c.ctx, 0)->message);
    }
    assert_int_equal(c.module->stage, LIG_STAGE_PLANNED);
    end(&c);
}

// A call that the interpreter refuses is left out, and its message with it.
static void test_refused_call(void **state)
{
    (void)state;
    Case c;
    begin(&c);
    LigExampleCalls calls;
    LigComparison *comparison;
    assert_int_equal(lig_example_calls(c.module, c.arena, 7, &calls), LIG_OK);
    *(int32_t *)calls.items[0].inputs[0].data = 9; // the table has rows 0..8
    assert_int_equal(lig_comparison_create(c.module, calls.items, 1, &comparison), LIG_OK);
    assert_int_equal(lig_comparison_call_count(comparison), 0);
    assert_int_equal(lig_context_diagnostic_count(c.ctx), 0);
    lig_comparison_destroy(comparison);
    end(&c);
}

// Every allocation fails once; nothing leaks or crashes, and the failure is told.
static void test_no_memory(void **state)
{
    (void)state;
    bool done = false;
    for (uint64_t n = 1; !done && n < 400; n++) {
        Case c;
        begin(&c);
        LigComparison *comparison = NULL;
        LigExampleCalls calls;
        assert_int_equal(lig_example_calls(c.module, c.arena, 7, &calls), LIG_OK);
        lig_alloc_fail_at(n);
        LigStatus status = lig_comparison_create(c.module, calls.items, calls.count, &comparison);
        lig_alloc_fail_at(0);
        done = status == LIG_OK;
        if (!done) assert_int_equal(status, LIG_ERR_NO_MEMORY);
        lig_comparison_destroy(comparison);
        end(&c);
    }
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),           cmocka_unit_test(test_reassociates),
        cmocka_unit_test(test_changes_meaning), cmocka_unit_test(test_pipeline),
        cmocka_unit_test(test_refused_call),    cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
