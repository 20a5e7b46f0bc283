// Composites against their decompositions: the same function interpreted before and after pass decompose.
#include "ir/base/alloc.h"
#include "ir/decomposition.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/pass.h"
#include "tests/numeric/expect.h"

static const char *const bodies[] = {
    "%y = log_softmax %x : $[3,33]",
    "%y = silu_grad %x, %z : $[3,33]",
    "%y = gelu_grad %x, %z {form=erf} : $[3,33]",
    "%y = gelu_grad %x, %z {form=tanh} : $[3,33]",
    "%y = softmax_grad %x, %z : $[3,33]",
    "%y = log_softmax_grad %x, %z : $[3,33]",
    "%y = embedding %x, %i : $[3,33]",
};
enum { BODIES = sizeof bodies / sizeof *bodies };

static LigModule *parse(LigContext *ctx, const char *body, LigDtype dtype)
{
    static const char *const head =
        "module \"m\" {\n func @f(%x: $[3,33], %z: $[3,33], %i: i32[3]) -> $[3,33] {\n ";
    LigText text = {0};
    const char *const parts[] = {head, body, "\n return %y\n }\n}\n"};
    for (int i = 0; i < 3; i++) {
        for (const char *c = parts[i]; *c; c++) {
            if (*c == '$')
                lig_text_append(&text, lig_str(lig_dtype_name(dtype)));
            else
                lig_text_append_char(&text, *c);
        }
    }
    LigModule *module = NULL;
    if (lig_parse_module(ctx, "case", lig_text_view(&text), &module) != LIG_OK)
        fail_msg("%s in\n%s", lig_context_diagnostic(ctx, 0)->message, text.data);
    lig_text_free(&text);
    return module;
}

static LigTensor interpret(LigModule *module, const LigTensor *inputs)
{
    LigInterpreter *interpreter;
    LigTensor out;
    assert_int_equal(lig_interpreter_create(module, &interpreter), LIG_OK);
    assert_int_equal(lig_interpreter_run(interpreter, module->funcs.data[0], inputs, NULL, NULL, &out), LIG_OK);
    lig_interpreter_destroy(interpreter);
    return out;
}

static void expect_parts(const LigModule *module)
{
    const LigFunc *func = module->funcs.data[0];
    for (size_t i = 0; i < func->ops.count; i++) {
        LigLowering lowering = lig_op_info(func->ops.data[i]->code)->lowering;
        assert_true(lowering.kind != LIG_LOWER_DECOMPOSE && lowering.kind != LIG_LOWER_INTERPRETED);
    }
    assert_true(lig_str_is(func->outputs.data[0]->name, "y"));
}

// One rounding to the dtype, and the sums before it in f32 or f64; of these the terms are larger than the
// result.
static bool is_close(LigDtype dtype, double got, double want)
{
    LigDtype held = dtype == LIG_F64 ? LIG_F64 : LIG_F32;
    double bound = compare_bound(COMPARE_ROW, held, want, 4 + fabs(want));
    return fabs(got - want) <= bound + 2 * compare_eps(dtype) * fabs(want) + 2 * compare_floor(dtype);
}

static void check(const char *body, LigDtype dtype, uint64_t *seed)
{
    LigContext *ctx = lig_context_create();
    LigModule *module = parse(ctx, body, dtype);
    LigTensor inputs[] = {RANDOM(seed, dtype, 3, 33), RANDOM(seed, dtype, 3, 33), INTEGERS(2, 0, 2)};
    LigTensor whole = interpret(module, inputs);
    LigPassManager manager = {.verify = true};
    assert_int_equal(lig_pass_run(&manager, module, lig_pass_find(LIG_STR("decompose"))), LIG_OK);
    expect_parts(module);
    LigTensor parts = interpret(module, inputs);
    for (int64_t i = 0; i < 99; i++) {
        double want = tensor_at(&whole, i), got = tensor_at(&parts, i);
        if (!is_close(dtype, got, want))
            fail_msg("%s, element %lld: %.9g in parts, %.9g whole", body, (long long)i, got, want);
    }
    lig_module_destroy(module);
    lig_context_destroy(ctx);
    lig_free(whole.data), lig_free(parts.data);
    for (int i = 0; i < 3; i++) free(inputs[i].data);
}

static void parts_compute_what_the_whole_does(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int at = 0; at < BODIES * FLOATS; at++) check(bodies[at / FLOATS], floats[at % FLOATS], &seed);
}

static void every_rule_has_a_case(void **state)
{
    (void)state;
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        bool found = !lig_decompose_rule(code);
        for (int i = 0; i < BODIES; i++) {
            LigStr name = {bodies[i] + strlen("%y = "), strcspn(bodies[i] + strlen("%y = "), " ")};
            found = found || lig_str_is(name, lig_op_info(code)->name);
        }
        if (!found) fail_msg("%s has no case here", lig_op_info(code)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_compute_what_the_whole_does),
        cmocka_unit_test(every_rule_has_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
