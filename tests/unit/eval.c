// The interpreter's sessions: load, states, kernels, plans, and every failing allocation.
#include "ir/eval.h"
#include "ir/base/alloc.h"
#include "ir/build.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TOKENS = 3, WIDTH = 4, CAPACITY = 8 };

// A step of one layer: h = linear, y = silu(h) * h appended to a cache and attended to.
typedef struct Step {
    LigModule *module;
    LigFunc *func;
    bool with_kernel; // silu and mul inside a kernel
    bool is_variant;
    bool reads_old_state; // after it was written
} Step;

static const float weights[WIDTH * WIDTH] = {0.5F, -1,     2,  0.25F, 1, 1,     -0.5F, 0,
                                             3,    0.125F, -2, 1,     0, 0.75F, 1,     -1};

static LigValue *build(LigBuilder *b, LigOpCode code, const char *name, LigValue **operands, size_t count,
                       LigAttrs attrs)
{
    return lig_build(
        b,
        (LigOpSpec){
            .code = code, .name = lig_str(name), .operands = operands, .operand_count = count, .attrs = attrs});
}

static LigType tokens_type(LigModule *module, int rank)
{
    LigDim n = lig_dims_find(module->dims, LIG_STR("N")), width = lig_dim_const(module->dims, WIDTH);
    LigType type = {.dtype = LIG_F32, .rank = rank, .dims = {n, width}};
    if (rank == 3) type.dims[1] = lig_dim_const(module->dims, 1), type.dims[2] = width;
    return type;
}

static LigStatus build_load(LigModule *module, LigValue *weight, LigValue **packed)
{
    LigFunc *load;
    LIG_TRY(lig_module_add_func(module, LIG_FUNC_LOAD, (LigStr){0}, &load));
    LigBuilder b = lig_builder(module, load);
    LigType type = weight->type;
    type.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 1};
    *packed = lig_build(&b, (LigOpSpec){.code = LIG_OP_PACK,
                                        .name = LIG_STR("packed"),
                                        .operands = &weight,
                                        .operand_count = 1,
                                        .stated = &type});
    return lig_builder_status(&b);
}

static LigStatus build_kernel(LigModule *module, LigFunc **kernel)
{
    LigValue *h;
    LIG_TRY(lig_module_add_func(module, LIG_FUNC_KERNEL, LIG_STR("gate"), kernel));
    LIG_TRY(lig_func_add_input(module, *kernel, LIG_STR("h"), tokens_type(module, 2), &h));
    LigBuilder b = lig_builder(module, *kernel);
    LigValue *s = lig_build_unary(&b, LIG_OP_SILU, "s", h);
    LigValue *m = lig_build_binary(&b, LIG_OP_MUL, "m", s, h);
    LIG_TRY(lig_builder_status(&b));
    return lig_func_add_output(module, *kernel, m);
}

static LigStatus add_inputs(Step *step, LigValue **inputs)
{
    LigModule *module = step->module;
    LigType x = tokens_type(module, 2), pos = {.dtype = LIG_I32, .rank = 1, .dims = {x.dims[0]}};
    LigType one = lig_type_const(module->dims, LIG_I32, 1, (const int64_t[]){1});
    LigType two = lig_type_const(module->dims, LIG_I32, 1, (const int64_t[]){2});
    LIG_TRY(lig_func_add_input(module, step->func, LIG_STR("x"), x, &inputs[0]));
    LIG_TRY(lig_func_add_input(module, step->func, LIG_STR("pos"), pos, &inputs[1]));
    LIG_TRY(lig_func_add_input(module, step->func, LIG_STR("start"), two, &inputs[2]));
    LIG_TRY(lig_func_add_input(module, step->func, LIG_STR("slot"), one, &inputs[3]));
    return lig_func_add_input(module, step->func, LIG_STR("len"), one, &inputs[4]);
}

static LigValue *build_gate(Step *step, LigBuilder *b, LigFunc *kernel, LigValue *h)
{
    if (kernel)
        return lig_build(b, (LigOpSpec){.code = LIG_OP_CALL,
                                        .name = LIG_STR("m"),
                                        .operands = &h,
                                        .operand_count = 1,
                                        .callee = kernel});
    (void)step;
    return lig_build_binary(b, LIG_OP_MUL, "m", lig_build_unary(b, LIG_OP_SILU, "s", h), h);
}

static LigStatus build_body(Step *step, LigValue *state, LigValue *packed, LigFunc *kernel)
{
    LigValue *in[5];
    LIG_TRY(add_inputs(step, in));
    LigBuilder b = lig_builder(step->module, step->func);
    LigType rows = tokens_type(step->module, 3), flat = tokens_type(step->module, 2);
    LigValue *h = lig_build_linear(&b, "h", in[0], packed);
    LigValue *r = lig_build_reshape(&b, "r", build_gate(step, &b, kernel, h), 3, rows.dims);
    LigValue *k1 =
        build(&b, LIG_OP_APPEND, "k1", (LigValue *[]){state, r, in[3], in[2], in[1]}, 5, (LigAttrs){0});
    LigValue *keys = step->reads_old_state ? state : k1;
    LigAttr attrs[] = {{.key = LIG_ATTR_CAUSAL}, {.key = LIG_ATTR_SCALE, .value.real = 0.5}};
    LigValue *a = build(&b, LIG_OP_ATTENTION, "a", (LigValue *[]){r, keys, keys, in[1], in[2], in[4], in[3]}, 7,
                        (LigAttrs){attrs, 2});
    LigValue *y = lig_build_reshape(&b, "y", a, 2, flat.dims);
    LIG_TRY(lig_builder_status(&b));
    LIG_TRY(lig_func_add_output(step->module, step->func, y));
    lig_func_renumber(step->func);
    return LIG_OK;
}

static LigStatus build_step(Step *step, LigContext *ctx)
{
    LIG_TRY(lig_module_create(ctx, LIG_STR("layer"), &step->module));
    LigModule *module = step->module;
    LigValue *weight, *state, *packed;
    LigFunc *kernel = NULL;
    LigDim n;
    LIG_TRY(lig_dims_declare(ctx, module->dims, LIG_NOWHERE, (LigSymbol){LIG_STR("N"), 1, CAPACITY}, &n));
    LigType matrix = lig_type_const(module->dims, LIG_F32, 2, (const int64_t[]){WIDTH, WIDTH});
    LigType cache = lig_type_const(module->dims, LIG_F32, 4, (const int64_t[]){1, 1, CAPACITY, WIDTH});
    LIG_TRY(lig_module_add_param(module, LIG_STR("w"), matrix, LIG_STR("w"), &weight));
    weight->data = weights;
    LIG_TRY(lig_module_add_state(module, LIG_STR("k"), cache, &state));
    LIG_TRY(build_load(module, weight, &packed));
    if (step->with_kernel) LIG_TRY(build_kernel(module, &kernel));
    LigFuncKind kind = step->is_variant ? LIG_FUNC_VARIANT : LIG_FUNC;
    LIG_TRY(lig_module_add_func(module, kind, LIG_STR("step"), &step->func));
    return build_body(step, state, packed, kernel);
}

typedef struct Outcome {
    float y[TOKENS * WIDTH];
    float cache[CAPACITY * WIDTH];
} Outcome;

static LigStatus call_step(const Step *step, LigInterpreter *interpreter, Outcome *out)
{
    float x[TOKENS * WIDTH];
    int32_t pos[TOKENS] = {0, 1, 2}, start[] = {0, TOKENS}, slot[] = {0}, length[] = {TOKENS};
    for (int i = 0; i < TOKENS * WIDTH; i++) x[i] = (float)(i % 5) * 0.5F - 0.75F;
    memset(out, 0, sizeof *out);
    LigTensor inputs[] = {{{.dtype = LIG_F32, .rank = 2, .dims = {TOKENS, WIDTH}}, x},
                          {{.dtype = LIG_I32, .rank = 1, .dims = {TOKENS}}, pos},
                          {{.dtype = LIG_I32, .rank = 1, .dims = {2}}, start},
                          {{.dtype = LIG_I32, .rank = 1, .dims = {1}}, slot},
                          {{.dtype = LIG_I32, .rank = 1, .dims = {1}}, length}};
    LigTensor state = {{.dtype = LIG_F32, .rank = 4, .dims = {1, 1, CAPACITY, WIDTH}}, out->cache}, y;
    LIG_TRY(lig_interpreter_run(interpreter, step->func, inputs, &state, NULL, &y));
    memcpy(out->y, y.data, sizeof out->y);
    lig_free(y.data);
    return LIG_OK;
}

static LigStatus interpret(const Step *step, Outcome *out)
{
    LigInterpreter *interpreter;
    LIG_TRY(lig_interpreter_create(step->module, &interpreter));
    LigStatus status = call_step(step, interpreter, out);
    lig_interpreter_destroy(interpreter);
    return status;
}

// Builds, runs and frees one step; `plan` (NULL: unplanned) places the values.
static LigStatus run_step(Step step, void (*plan)(const Step *), Outcome *out, char *message)
{
    LigContext *ctx = lig_context_create();
    if (!ctx) return LIG_ERR_NO_MEMORY;
    LigStatus status = build_step(&step, ctx);
    if (status == LIG_OK && plan) plan(&step);
    if (status == LIG_OK) status = interpret(&step, out);
    if (message && lig_context_diagnostic_count(ctx))
        strncpy(message, lig_context_diagnostic(ctx, 0)->message, 255);
    if (step.module) lig_module_destroy(step.module);
    lig_context_destroy(ctx);
    return status;
}

// ---- plans ----

static LigValue *find(const Step *step, const char *name)
{
    for (size_t i = 0; i < step->func->ops.count; i++) {
        LigValue *value = step->func->ops.data[i]->results[0];
        if (lig_str_is(value->name, name)) return value;
    }
    fail_msg("no value %s", name);
    return NULL;
}

static void at(const Step *step, const char *name, uint64_t offset)
{
    find(step, name)->place = (LigPlace){LIG_PLACE_ARENA, offset, NULL};
}

static void over(const Step *step, const char *name, const char *target)
{
    find(step, name)->place = (LigPlace){LIG_PLACE_OVER, 0, find(step, target)};
}

// h and a share bytes 0.., s m r share 128..: h is dead when a is made.
static void good_plan(const Step *step)
{
    LigAttr arena = {.key = LIG_ATTR_ARENA, .value.integer = 256};
    step->module->stage = LIG_STAGE_PLANNED;
    assert_true(lig_attrs_set(step->module->arena, &step->func->attrs, arena));
    at(step, "h", 0), at(step, "s", 128), at(step, "a", 0);
    over(step, "m", "s"), over(step, "r", "m");
}

static void overlapping_plan(const Step *step)
{
    good_plan(step);
    at(step, "s", 16); // inside h, which mul still reads
}

static void plan_on_live_operand(const Step *step)
{
    good_plan(step);
    at(step, "a", 128); // the bytes of r, the queries
}

static void plan_outside(const Step *step)
{
    good_plan(step);
    at(step, "a", 250);
}

static void contraction_in_place(const Step *step)
{
    good_plan(step);
    over(step, "a", "r");
}

static void planned_equals_unplanned(void **state)
{
    (void)state;
    Outcome plain, planned;
    assert_int_equal(run_step((Step){0}, NULL, &plain, NULL), LIG_OK);
    assert_int_equal(run_step((Step){.is_variant = true}, good_plan, &planned, NULL), LIG_OK);
    assert_memory_equal(&plain, &planned, sizeof plain);
    bool any = false;
    for (int i = 0; i < TOKENS * WIDTH; i++) any |= plain.y[i] != 0.0F;
    assert_true(any);
}

static void wrong_plans_give_wrong_numbers_or_errors(void **state)
{
    (void)state;
    Outcome plain, planned;
    char message[256] = "";
    const Step variant = {.is_variant = true};
    assert_int_equal(run_step((Step){0}, NULL, &plain, NULL), LIG_OK);
    assert_int_equal(run_step(variant, overlapping_plan, &planned, NULL), LIG_OK);
    assert_memory_not_equal(plain.y, planned.y, sizeof plain.y);
    assert_int_equal(run_step(variant, plan_on_live_operand, &planned, NULL), LIG_OK);
    assert_memory_not_equal(plain.y, planned.y, sizeof plain.y);
    assert_int_equal(run_step(variant, plan_outside, &planned, message), LIG_ERR_INVALID);
    assert_non_null(strstr(message, "%a is planned outside the arena"));
    assert_int_equal(run_step(variant, contraction_in_place, &planned, message), LIG_ERR_INVALID);
    assert_non_null(strstr(message, "%a is planned over an operand"));
}

// ---- kernels, states, load ----

static void a_kernel_equals_its_ops(void **state)
{
    (void)state;
    Outcome inlined, called;
    assert_int_equal(run_step((Step){0}, NULL, &inlined, NULL), LIG_OK);
    assert_int_equal(run_step((Step){.with_kernel = true}, NULL, &called, NULL), LIG_OK);
    assert_memory_equal(&inlined, &called, sizeof inlined);
}

static void append_writes_the_state_and_nothing_else(void **state)
{
    (void)state;
    Outcome out;
    assert_int_equal(run_step((Step){0}, NULL, &out, NULL), LIG_OK);
    // The first query sees one key: its own value.
    assert_memory_equal(out.y, out.cache, WIDTH * sizeof(float));
    for (int i = TOKENS * WIDTH; i < CAPACITY * WIDTH; i++) assert_true(out.cache[i] == 0.0F);
    // By hand: h = w x of token 0, x = {-0.75, -0.25, 0.25, 0.75}: h[0] = 0.5625.
    double h = 0.5625, expected = h / (1 + 0.56978282473092302) * h; // exp(-0.5625)
    assert_true(fabs((double)out.cache[0] - expected) < 1e-7);
}

static void the_old_value_of_a_written_state_is_an_error(void **state)
{
    (void)state;
    Outcome out;
    char message[256] = "";
    assert_int_equal(run_step((Step){.reads_old_state = true}, NULL, &out, message), LIG_ERR_INVALID);
    assert_non_null(strstr(message, "%k is read after its new value was written"));
}

static void params_without_data_are_named(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    Step step = {0};
    LigInterpreter *interpreter;
    assert_int_equal(build_step(&step, ctx), LIG_OK);
    step.module->params.data[0]->data = NULL;
    assert_int_equal(lig_interpreter_create(step.module, &interpreter), LIG_ERR_NOT_FOUND);
    assert_non_null(strstr(lig_context_diagnostic(ctx, 0)->message, "%w has no data"));
    lig_module_destroy(step.module);
    lig_context_destroy(ctx);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    Step step = {.with_kernel = true};
    Outcome out;
    LigStatus status = LIG_ERR_NO_MEMORY;
    uint64_t n = 1;
    assert_int_equal(build_step(&step, ctx), LIG_OK);
    for (; status != LIG_OK; n++) {
        assert_true(n < 1000);
        lig_alloc_fail_at(n);
        status = interpret(&step, &out);
        lig_alloc_fail_at(0);
        if (status != LIG_OK) assert_int_equal(status, LIG_ERR_NO_MEMORY);
        lig_context_clear(ctx);
    }
    assert_true(n > 10);
    lig_module_destroy(step.module);
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planned_equals_unplanned),
        cmocka_unit_test(wrong_plans_give_wrong_numbers_or_errors),
        cmocka_unit_test(a_kernel_equals_its_ops),
        cmocka_unit_test(append_writes_the_state_and_nothing_else),
        cmocka_unit_test(the_old_value_of_a_written_state_is_an_error),
        cmocka_unit_test(params_without_data_are_named),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
