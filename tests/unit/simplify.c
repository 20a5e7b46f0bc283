// The rules of simplify: each fires on its case, leaves the text it should, and keeps every bit: NaN, infinities,
// zeros of either sign and denormals among the inputs. What must not be simplified stays.
#include "passes/simplify.h"
#include "ir/base/alloc.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/pass.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// $ is the dtype; %x and %z are inputs of $[2,8], %i is an input of i32[2,8] in 0..1.
typedef struct Case {
    const char *rule;
    LigDtype dtype;
    const char *body; // ends in a value %y
    const char *left; // the ops that stay, in order
} Case;

static const Case cases[] = {
    {"add_zero", LIG_F32,
     "%c = constant {values=[-0.0]} : $[]\n %a = add %c, %x : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"add_zero", LIG_I32, "%c = constant {values=[0]} : $[]\n %a = add %x, %c : $[2,8]\n %y = neg %a : $[2,8]",
     "neg"},
    {"sub_zero", LIG_F32,
     "%c = constant {values=[0.0]} : $[]\n %a = sub %x, %c : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"times_one", LIG_F32,
     "%c = constant {values=[1, 1]} : $[2,1]\n %a = mul %x, %c : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"times_one", LIG_BF16,
     "%c = constant {values=[1]} : $[]\n %a = mul %c, %x : $[2,8]\n %y = abs %a : $[2,8]", "abs"},
    {"times_zero", LIG_I32,
     "%c = constant {values=[0,0,0,0,0,0,0,0]} : $[8]\n %d = slice %x {axis=0, begin=0, end=1} : $[1,8]\n %e = "
     "reshape %d : $[8]\n %a = mul %e, %c : $[8]\n %y = add %x, %a : $[2,8]",
     "constant add"},
    {"times_minus_one", LIG_F32, "%c = constant {values=[-1]} : $[]\n %y = mul %x, %c : $[2,8]", "neg"},
    {"over_one", LIG_F32, "%c = constant {values=[1]} : $[]\n %a = div %x, %c : $[2,8]\n %y = exp %a : $[2,8]",
     "exp"},
    {"power_one", LIG_F32, "%c = constant {values=[1]} : $[]\n %a = pow %x, %c : $[2,8]\n %y = exp %a : $[2,8]",
     "exp"},
    {"power_two", LIG_F32, "%c = constant {values=[2]} : $[]\n %y = pow %x, %c : $[2,8]", "mul"},
    {"power_two", LIG_F16, "%c = constant {values=[2]} : $[]\n %y = pow %x, %c : $[2,8]", "mul"},
    {"power_two", LIG_BF16, "%c = constant {values=[2]} : $[]\n %y = pow %x, %c : $[2,8]", "mul"},
    {"twice_undone", LIG_F32, "%a = neg %x : $[2,8]\n %b = neg %a : $[2,8]\n %y = exp %b : $[2,8]", "exp"},
    {"twice_undone", LIG_I8, "%a = not %x : $[2,8]\n %b = not %a : $[2,8]\n %y = neg %b : $[2,8]", "neg"},
    {"repeated", LIG_F32, "%a = relu %x : $[2,8]\n %y = relu %a : $[2,8]", "relu"},
    {"repeated", LIG_F32, "%a = sign %x : $[2,8]\n %y = sign %a : $[2,8]", "sign"},
    {"repeated", LIG_I8, "%a = abs %x : $[2,8]\n %y = abs %a : $[2,8]", "abs"},
    {"already_whole", LIG_F32, "%a = ceil %x : $[2,8]\n %y = floor %a : $[2,8]", "ceil"},
    {"already_whole", LIG_F32, "%a = floor %x : $[2,8]\n %y = round %a : $[2,8]", "floor"},
    {"already_whole", LIG_F32, "%a = round %x : $[2,8]\n %y = ceil %a : $[2,8]", "round"},
    {"abs_of_neg", LIG_F32, "%a = neg %x : $[2,8]\n %y = abs %a : $[2,8]", "abs"},
    {"abs_of_neg", LIG_I8, "%a = neg %x : $[2,8]\n %y = abs %a : $[2,8]", "abs"},
    {"same_twice", LIG_F32, "%a = max %x, %x : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"same_twice", LIG_I32, "%a = and %x, %x : $[2,8]\n %y = neg %a : $[2,8]", "neg"},
    {"select_same", LIG_F32,
     "%c = lt %x, %z : bool[2,8]\n %a = select %c, %x, %x : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"select_known", LIG_F32,
     "%c = constant {values=[0]} : bool[]\n %a = select %c, %x, %z : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"select_known", LIG_F32,
     "%c = constant {values=[1]} : bool[]\n %a = select %c, %x, %z : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"same_type", LIG_F32, "%a = cast %x : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"same_type", LIG_F32, "%a = broadcast %x : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"cast_of_widening", LIG_BF16, "%a = cast %x : f32[2,8]\n %b = cast %a : $[2,8]\n %y = neg %b : $[2,8]",
     "neg"},
    {"cast_of_widening", LIG_F16, "%a = cast %x : f32[2,8]\n %y = cast %a : bf16[2,8]", "cast"},
    {"cast_of_widening", LIG_I8, "%a = cast %x : f16[2,8]\n %b = cast %a : i32[2,8]\n %y = neg %b : i32[2,8]",
     "cast neg"},
    {"widened_weight", LIG_BF16,
     "%w = cast %z : f32[2,8]\n %a = cast %x : f32[2,8]\n %y = linear %a, %w : f32[2,2]", "cast linear"},
    {"widened_weight", LIG_F16,
     "%w = cast %z : f32[2,8]\n %a = cast %x : f32[2,8]\n %y = linear %a, %w : f32[2,2]", "cast linear"},
    {"widened_table", LIG_F32,
     "%w = cast %q : f32[2,32]\n %j = slice %i {axis=0, begin=0, end=1} : i32[1,8]\n %k = reshape %j : "
     "i32[8]\n %y = gather %w, %k {axis=0} : f32[8,32]",
     "slice reshape gather"},
    {"reshape_of_reshape", LIG_F32, "%a = reshape %x : $[16]\n %b = reshape %a : $[4,4]\n %y = exp %b : $[4,4]",
     "reshape exp"},
    {"transpose_of_transpose", LIG_F32,
     "%a = reshape %x : $[2,4,2]\n %b = transpose %a {perm=[1,2,0]} : $[4,2,2]\n %y = transpose %b "
     "{perm=[1,2,0]} : $[2,2,4]",
     "reshape transpose"},
    {"transpose_none", LIG_F32, "%a = transpose %x {perm=[0,1]} : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"transpose_none", LIG_F32,
     "%a = transpose %x {perm=[1,0]} : $[8,2]\n %b = transpose %a {perm=[-1,0]} : $[2,8]\n %y = exp %b : "
     "$[2,8]",
     "exp"},
    {"broadcast_of_broadcast", LIG_F32, "%a = broadcast %x : $[3,2,8]\n %y = broadcast %a : $[2,3,2,8]",
     "broadcast"},
    {"slice_all", LIG_F32, "%a = slice %x {axis=1, begin=0, end=8} : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"pad_none", LIG_F32, "%a = pad %x {low=[0,0], high=[0,0]} : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"concat_one", LIG_F32, "%a = concat %x {axis=0} : $[2,8]\n %y = exp %a : $[2,8]", "exp"},
    {"broadcast_operand", LIG_F32,
     "%d = slice %x {axis=0, begin=0, end=1} : $[1,8]\n %b = broadcast %d : $[2,8]\n %y = add %z, %b : $[2,8]",
     "slice add"},
    {"fold", LIG_F32,
     "%c = constant {values=[1, 2]} : $[2,1]\n %d = constant {values=[0.5]} : $[]\n %e = mul %c, %d : $[2,1]\n "
     "%f = exp %e : $[2,1]\n %y = mul %x, %f : $[2,8]",
     "constant mul"},
    // What looks alike and is not.
    {NULL, LIG_F32, "%c = constant {values=[0.0]} : $[]\n %y = add %x, %c : $[2,8]", "constant add"},
    {NULL, LIG_F32, "%c = constant {values=[-0.0]} : $[]\n %y = sub %x, %c : $[2,8]", "constant sub"},
    {NULL, LIG_F32, "%c = constant {values=[0.0]} : $[]\n %y = sub %c, %x : $[2,8]", "constant sub"},
    {NULL, LIG_F32, "%c = constant {values=[0]} : $[]\n %y = mul %x, %c : $[2,8]", "constant mul"},
    {NULL, LIG_F32, "%y = sub %x, %x : $[2,8]", "sub"},
    {NULL, LIG_F32, "%y = div %x, %x : $[2,8]", "div"},
    {NULL, LIG_F64, "%c = constant {values=[2]} : $[]\n %y = pow %x, %c : $[2,8]", "constant pow"},
    {NULL, LIG_F32, "%c = constant {values=[1, 1, 1, 1, 1, 1]} : $[3,2,1]\n %y = mul %x, %c : $[3,2,8]",
     "constant mul"},
    {NULL, LIG_F32, "%a = cast %x : bf16[2,8]\n %y = cast %a : $[2,8]", "cast cast"},
    {NULL, LIG_F16, "%a = cast %x : bf16[2,8]\n %y = cast %a : $[2,8]", "cast cast"},
    {NULL, LIG_I8, "%a = cast %x : u8[2,8]\n %y = cast %a : i32[2,8]", "cast cast"},
    {NULL, LIG_F32, "%a = max %x, %z : $[2,8]\n %b = max %z, %x : $[2,8]\n %y = sub %a, %b : $[2,8]",
     "max max sub"},
    {NULL, LIG_F32,
     "%d = slice %x {axis=0, begin=0, end=1} : $[1,8]\n %b = broadcast %d : $[2,8]\n %y = neg %b : $[2,8]",
     "slice broadcast neg"},
    {NULL, LIG_I32,
     "%c = constant {values=[1]} : $[]\n %d = constant {values=[0]} : $[]\n %e = eq %c, %d : bool[]\n %y = "
     "select %e, %x, %z : $[2,8]",
     "constant select"},
};
enum { CASES = sizeof cases / sizeof *cases };

// ---- running ----

// Appends `pattern` with $ replaced by the dtype.
static void append(LigText *text, const char *pattern, LigDtype dtype)
{
    for (const char *c = pattern; *c; c++) {
        if (*c == '$')
            lig_text_append(text, lig_str(lig_dtype_name(dtype)));
        else
            lig_text_append_char(text, *c);
    }
}

static LigModule *parse(LigContext *ctx, const Case *c)
{
    LigText text = {0};
    append(&text,
           "module \"m\" {\n param %q : q8_0[2,32] \"q\"\n func @f(%x: $[2,8], %z: $[2,8], %i: i32[2,8]) ->",
           c->dtype);
    append(&text, strrchr(c->body, ':') + 1, c->dtype);
    append(&text, " {\n ", c->dtype);
    append(&text, c->body, c->dtype);
    append(&text, "\n return %y\n }\n}\n", c->dtype);
    LigModule *module = NULL;
    if (lig_parse_module(ctx, "case", lig_text_view(&text), &module) != LIG_OK)
        fail_msg("%s in\n%s", lig_context_diagnostic(ctx, 0)->message, text.data);
    lig_text_free(&text);
    return module;
}

// Every number that an identity could break on, in turn.
static void fill(LigTensor *t, int64_t first)
{
    static const double reals[] = {0.0,      -0.0,      1.5,      -2.5,     (double)NAN,
                                   HUGE_VAL, -HUGE_VAL, 0x1p-149, -0x1p-24, 0x1.fep127,
                                   65504,    0.3,       -1e-40,   3.999,    -7.0};
    static const int64_t whole[] = {0, 1, -1, 127, -128, 5, -77, 64};
    int64_t count = 0;
    assert_true(lig_shape_count(&t->shape, &count));
    for (int64_t i = 0; i < count; i++) {
        if (lig_dtype_is_float(t->shape.dtype))
            lig_shape_set(&t->shape, t->data, i, reals[(i * 7 + first) % 15]);
        else
            lig_shape_set_integer(&t->shape, t->data, i, whole[(i * 3 + first) % 8]);
    }
}

static LigTensor interpret(LigModule *module)
{
    static unsigned char memory[3][2 * 8 * 8];
    static unsigned char blocks[2][34]; // f16 scale, 32 bytes
    LigTensor inputs[3], out;
    LigInterpreter *interpreter;
    const LigFunc *func = module->funcs.data[module->funcs.count - 1];
    for (size_t i = 0; i < 3; i++) {
        inputs[i].data = memory[i];
        assert_true(lig_type_bind(&func->inputs.data[i]->type, NULL, &inputs[i].shape));
        fill(&inputs[i], (int64_t)i * 4);
    }
    for (int i = 0; i < 16; i++) ((int32_t *)(void *)memory[2])[i] = i % 2;
    for (int r = 0; r < 2; r++) {
        for (int i = 0; i < 34; i++) blocks[r][i] = (unsigned char)(i == 1 ? 0x3c : i * 37 + r);
    }
    module->params.data[0]->data = blocks;
    assert_int_equal(lig_interpreter_create(module, &interpreter), LIG_OK);
    assert_int_equal(lig_interpreter_run(interpreter, func, inputs, NULL, NULL, &out), LIG_OK);
    lig_interpreter_destroy(interpreter);
    return out;
}

static void expect_same_bits(const Case *c, const LigTensor *want, const LigTensor *got)
{
    int64_t count = 0;
    assert_true(lig_shape_count(&want->shape, &count));
    for (int64_t i = 0; i < count; i++) {
        double w = lig_shape_get(&want->shape, want->data, i), g = lig_shape_get(&got->shape, got->data, i);
        if ((isnan(w) && isnan(g)) || (w == g && signbit(w) == signbit(g))) continue;
        fail_msg("element %lld is %g, was %g, in %s", (long long)i, g, w, c->body);
    }
}

static void simplify(LigModule *module)
{
    LigPassManager manager = {.verify = true};
    if (lig_pass_run(&manager, module, lig_pass_find(LIG_STR("simplify"))) != LIG_OK)
        fail_msg("%s", lig_context_diagnostic(module->ctx, 0)->message);
}

static void expect_left(const Case *c, const LigModule *module)
{
    LigText left = {0};
    const LigFunc *func = module->funcs.data[0];
    for (size_t i = 0; i < func->ops.count; i++)
        lig_text_printf(&left, "%s%s", i ? " " : "", lig_op_info(func->ops.data[i]->code)->name);
    if (strcmp(left.data ? left.data : "", c->left) != 0) fail_msg("\"%s\" is left of %s", left.data, c->body);
    lig_text_free(&left);
    assert_true(lig_str_is(func->outputs.data[0]->name, "y"));
}

static LigText print(const LigModule *module)
{
    LigText text = {0};
    lig_print_module(&text, module);
    return text;
}

static void check(const Case *c)
{
    LigContext *ctx = lig_context_create();
    LigModule *module = parse(ctx, c);
    LigTensor before = interpret(module);
    simplify(module);
    expect_left(c, module);
    LigTensor after = interpret(module);
    expect_same_bits(c, &before, &after);
    LigText once = print(module);
    simplify(module);
    LigText twice = print(module);
    assert_string_equal(once.data, twice.data);
    lig_text_free(&once);
    lig_text_free(&twice);
    lig_free(before.data);
    lig_free(after.data);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
}

static void test_cases(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) check(&cases[i]);
}

// ---- the table ----

static void test_every_rule_has_a_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < lig_rule_count(); i++) {
        bool found = false;
        for (int j = 0; j < CASES; j++)
            found |= cases[j].rule && strcmp(cases[j].rule, lig_rule_at(i)->name) == 0;
        if (!found) fail_msg("no case for rule %s", lig_rule_at(i)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_rule_has_a_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
