// Contractions compiled, against the interpreter: every stored type, ragged sizes, every CPU level; and the
// same bits for a row computed alone or among others.
#include "codegen/compiler.h"
#include "ir/base/alloc.h"
#include "ir/base/random.h"
#include "ir/eval.h"
#include "ir/layout_block.h"
#include "runtime/rt/threads.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct Sizes {
    int64_t m, n, k;
} Sizes;

typedef struct Case {
    LigDtype dtype;
    bool panel;    // else the weight is row-major
    bool constant; // M is a constant of the kernel, else a symbol
    Sizes sizes;
} Case;

typedef struct Fixture {
    LigContext *ctx;
    LigTarget target;
    LigCompiler *compiler;
} Fixture;

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static float next_float(uint64_t *state) { return (float)next_random(state) / 1073741824.0f - 1.0f; }

// A module with one kernel: y = linear x, w.
static LigFunc *make_kernel(LigContext *ctx, const Case *c, LigModule **out)
{
    LigModule *module;
    assert_int_equal(lig_module_create(ctx, LIG_STR("case"), &module), LIG_OK);
    LigDim m;
    const LigSymbol symbol = {LIG_STR("N"), 1, 1024};
    assert_int_equal(lig_dims_declare(ctx, module->dims, LIG_NOWHERE, symbol, &m), LIG_OK);
    if (c->constant) m = lig_dim_const(module->dims, c->sizes.m);
    LigDim k = lig_dim_const(module->dims, c->sizes.k);
    const LigType x_type = {.dtype = LIG_F32, .rank = 2, .dims = {m, k}};
    LigType w_type = {.dtype = c->dtype, .rank = 2, .dims = {lig_dim_const(module->dims, c->sizes.n), k}};
    if (c->panel) w_type.layout = (LigLayout){LIG_LAYOUT_PANEL, 32, (int32_t)lig_dtype_block(c->dtype)};
    LigFunc *kernel;
    LigValue *operands[2];
    assert_int_equal(lig_module_add_func(module, LIG_FUNC_KERNEL, LIG_STR("linear"), &kernel), LIG_OK);
    assert_int_equal(lig_func_add_input(module, kernel, LIG_STR("x"), x_type, &operands[0]), LIG_OK);
    assert_int_equal(lig_func_add_input(module, kernel, LIG_STR("w"), w_type, &operands[1]), LIG_OK);
    const LigOpSpec spec = {
        .code = LIG_OP_LINEAR, .name = LIG_STR("y"), .operands = operands, .operand_count = 2};
    LigOp *op;
    assert_int_equal(lig_op_create(module, kernel, &spec, &op), LIG_OK);
    assert_int_equal(lig_func_add_output(module, kernel, op->results[0]), LIG_OK);
    lig_func_renumber(kernel);
    const LigAttr class = {.key = LIG_ATTR_CLASS, .value.name = LIG_STR("contract")};
    assert_true(lig_attrs_set(module->arena, &kernel->attrs, class));
    *out = module;
    return kernel;
}

static void *filled(const LigShape *shape, uint64_t seed)
{
    size_t bytes;
    assert_true(lig_shape_bytes(shape, &bytes));
    unsigned char *data = lig_alloc_pages(bytes);
    assert_non_null(data);
    if (!lig_dtype_is_quantised(shape->dtype)) {
        int64_t count;
        assert_true(lig_shape_count(shape, &count));
        for (int64_t i = 0; i < count; i++) lig_shape_set(shape, data, i, (double)next_float(&seed));
        return data;
    }
    // Row-major blocks: random values, scales and mins of ordinary size.
    const LigBlockFacts *facts = lig_block_facts(shape->dtype);
    const double size = lig_block_has(facts, LIG_PART_SCALE) ? 0.002 : 0.02; // times a small scale
    for (size_t i = 0; i < bytes; i++) data[i] = (unsigned char)next_random(&seed);
    for (size_t at = 0; at < bytes; at += (size_t)lig_dtype_block_bytes(shape->dtype)) {
        for (int part = LIG_PART_D; part <= LIG_PART_DMIN; part++) {
            if (!lig_block_has(facts, (LigPart)part)) continue;
            const double factor = part == LIG_PART_D ? size : 50 * size;
            const uint16_t half = lig_f64_to_f16((double)next_float(&seed) * factor);
            const LigBlockPlace place = lig_block_place(facts, LIG_LAYOUT_ROWS, (LigPart)part, 0);
            memcpy(data + at + place.byte, &half, sizeof half);
        }
    }
    return data;
}

// The weight of a case in its layout, from row-major data that depend on the dtype and sizes alone.
static void *make_weight(const Case *c, const LigShape *shape)
{
    LigShape rows = *shape;
    rows.layout = (LigLayout){0};
    void *data = filled(&rows, 7);
    if (!c->panel) return data;
    size_t bytes;
    assert_true(lig_shape_bytes(shape, &bytes));
    void *packed = lig_alloc_pages(bytes);
    assert_non_null(packed);
    lig_shape_repack(&rows, data, shape, packed, 0, shape->dims[0]);
    size_t row_bytes;
    assert_true(lig_shape_bytes(&rows, &row_bytes));
    lig_free_pages(data, row_bytes);
    return packed;
}

typedef struct Run {
    LigTensor operands[2], result;
    int64_t dims[1];
} Run;

static void prepare(const Case *c, const LigModule *module, const LigFunc *kernel, Run *run)
{
    run->dims[0] = c->sizes.m;
    for (int i = 0; i < 2; i++)
        assert_true(lig_type_bind(&kernel->inputs.data[i]->type, run->dims, &run->operands[i].shape));
    assert_true(lig_type_bind(&kernel->outputs.data[0]->type, run->dims, &run->result.shape));
    run->operands[0].data = filled(&run->operands[0].shape, 3);
    run->operands[1].data = make_weight(c, &run->operands[1].shape);
    run->result.data = lig_alloc_pages((size_t)(c->sizes.m * c->sizes.n) * sizeof(float));
    assert_non_null(run->result.data);
    (void)module;
}

static void release(Run *run)
{
    size_t bytes;
    for (int i = 0; i < 2; i++) {
        assert_true(lig_shape_bytes(&run->operands[i].shape, &bytes));
        lig_free_pages(run->operands[i].data, bytes);
    }
    assert_true(lig_shape_bytes(&run->result.shape, &bytes));
    lig_free_pages(run->result.data, bytes);
}

static LigCallable compile(Fixture *f, LigModule *module, LigFunc *kernel)
{
    const LigScheduleOptions options = {.target = &f->target};
    assert_int_equal(lig_schedule_module(module, &options), LIG_OK);
    LigCallable callable;
    assert_int_equal(lig_compiler_kernel(f->compiler, module, kernel, &callable), LIG_OK);
    return callable;
}

static void run_compiled(LigCallable callable, LigModule *module, LigFunc *kernel, Run *run)
{
    int64_t tiles, scratch_bytes = lig_attrs_int(kernel->attrs, LIG_ATTR_SCRATCH, 0);
    assert_true(lig_dim_eval(lig_kernel_tiles(module, kernel), run->dims, &tiles));
    void *scratch = lig_alloc_pages((size_t)scratch_bytes + 1);
    void *const buffers[] = {run->operands[0].data, run->operands[1].data, run->result.data};
    callable.function(buffers, run->dims, 0, tiles, scratch);
    lig_free_pages(scratch, (size_t)scratch_bytes + 1);
}

// |error| <= 2 K eps * sum |x||w|, what f32 chains of K fused steps allow with a margin of two.
static void compare(const Case *c, const LigModule *module, const LigFunc *kernel, const Run *run)
{
    Run want = *run;
    want.result.data = lig_alloc_zero((size_t)(c->sizes.m * c->sizes.n) * sizeof(float));
    LigEvalArgs args = {.module = (LigModule *)(uintptr_t)module,
                        .op = kernel->ops.data[0],
                        .dims = run->dims,
                        .operands = want.operands,
                        .results = &want.result,
                        .scratch = lig_arena_create()};
    assert_int_equal(lig_eval_linear(&args), LIG_OK);
    lig_arena_destroy(args.scratch);
    for (int64_t i = 0; i < c->sizes.m * c->sizes.n; i++) {
        double magnitude = 0;
        for (int64_t k = 0; k < c->sizes.k; k++) {
            magnitude += fabs(
                lig_shape_get(&run->operands[0].shape, run->operands[0].data, i / c->sizes.n * c->sizes.k + k) *
                lig_shape_get(&run->operands[1].shape, run->operands[1].data, i % c->sizes.n * c->sizes.k + k));
        }
        double got = (double)((float *)run->result.data)[i], expected = (double)((float *)want.result.data)[i];
        if (!(fabs(got - expected) <= 2.0 * (double)c->sizes.k * 0x1p-24 * magnitude + 1e-37)) {
            fail_msg("%s panel=%d constant=%d M=%d N=%d K=%d: element %d is %.9g, expected %.9g",
                     lig_dtype_name(c->dtype), c->panel, c->constant, (int)c->sizes.m, (int)c->sizes.n,
                     (int)c->sizes.k, (int)i, got, expected);
        }
    }
    lig_free(want.result.data);
}

// One kernel, run with each of `rows` for M; where M is a constant, rows has that one.
static void run_case(Fixture *f, Case c, const int64_t *rows, size_t count)
{
    c.sizes.m = rows[0];
    LigModule *module;
    LigFunc *kernel = make_kernel(f->ctx, &c, &module);
    LigCallable callable = compile(f, module, kernel);
    for (size_t i = 0; i < count; i++) {
        c.sizes.m = rows[i];
        Run run;
        prepare(&c, module, kernel, &run);
        run_compiled(callable, module, kernel, &run);
        compare(&c, module, kernel, &run);
        release(&run);
    }
    lig_module_destroy(module);
}

// The first take blocks of 32, the others (K no whole blocks) plain dtypes alone.
enum { QUANTISED_SIZES = 3 };
static const Sizes sizes[] = {{0, 1, 32}, {0, 33, 96}, {0, 64, 160}, {0, 31, 33}, {0, 7, 1}, {0, 96, 101}};

static void run_dtype(Fixture *f, LigDtype dtype, bool panel)
{
    static const int64_t many[] = {1, 2, 3, 5, 8, 17}, one[] = {1}, six[] = {6};
    size_t count = lig_dtype_is_float(dtype) ? sizeof sizes / sizeof *sizes : QUANTISED_SIZES;
    for (size_t i = 0; i < count; i++)
        run_case(f, (Case){dtype, panel, false, sizes[i]}, many, sizeof many / sizeof *many);
    run_case(f, (Case){dtype, panel, true, sizes[1]}, one, 1);
    run_case(f, (Case){dtype, panel, true, sizes[count - 1]}, one, 1);
    run_case(f, (Case){dtype, panel, true, sizes[1]}, six, 1);
}

// Blocks of 256: M as constants 1, 2, 8, 9 and as a symbol, with ragged N.
static void run_large_blocks(Fixture *f, LigDtype dtype)
{
    static const Sizes large[] = {{0, 1, 256}, {0, 31, 768}, {0, 32, 256}, {0, 33, 768}};
    static const int64_t rows[] = {1, 2, 8, 9};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        run_case(f, (Case){dtype, true, false, large[i]}, rows, sizeof rows / sizeof *rows);
        run_case(f, (Case){dtype, true, true, large[i]}, &rows[i], 1);
        run_case(f, (Case){dtype, true, true, large[i]}, &rows[0], 1);
    }
}

static void open_fixture(Fixture *f, const char *cpu)
{
    f->ctx = lig_context_create();
    assert_int_equal(lig_target_find(f->ctx, cpu, &f->target), LIG_OK);
    if (lig_target_check_runs(f->ctx, &f->target) != LIG_OK) skip();
    assert_int_equal(lig_compiler_create(f->ctx, &f->target, &f->compiler), LIG_OK);
}

static void close_fixture(Fixture *f)
{
    lig_compiler_destroy(f->compiler);
    lig_context_destroy(f->ctx);
}

static void run_target(const char *cpu)
{
    static const LigDtype dtypes[] = {LIG_F32,  LIG_F16,  LIG_BF16, LIG_Q8_0, LIG_Q4_0, LIG_Q4_1, LIG_Q5_0,
                                      LIG_Q5_1, LIG_Q2_K, LIG_Q3_K, LIG_Q4_K, LIG_Q5_K, LIG_Q6_K};
    Fixture f;
    open_fixture(&f, cpu);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (lig_dtype_block(dtypes[i]) > 32)
            run_large_blocks(&f, dtypes[i]);
        else
            run_dtype(&f, dtypes[i], true);
        if (lig_dtype_is_float(dtypes[i])) run_dtype(&f, dtypes[i], false);
    }
    close_fixture(&f);
}

static void native(void **state)
{
    (void)state;
    run_target("native");
}
static void avx512(void **state)
{
    (void)state;
    run_target("x86-64-v4");
}
static void avx2(void **state)
{
    (void)state;
    run_target("x86-64-v3");
}
static void sse2(void **state)
{
    (void)state;
    run_target("x86-64");
}

// A row alone (the kernel of one token) and as the first of 19 (the kernel of a chunk).
static void a_row_has_the_same_bits_in_company(void **state)
{
    (void)state;
    static const LigDtype dtypes[] = {LIG_F32,  LIG_BF16, LIG_Q8_0, LIG_Q4_0, LIG_Q4_1, LIG_Q5_0,
                                      LIG_Q5_1, LIG_Q2_K, LIG_Q3_K, LIG_Q4_K, LIG_Q5_K, LIG_Q6_K};
    Fixture f;
    open_fixture(&f, "native");
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        const Case cases[] = {{dtypes[i], true, true, {1, 70, 768}}, {dtypes[i], true, false, {19, 70, 768}}};
        float rows[2][70];
        for (int j = 0; j < 2; j++) {
            LigModule *module;
            LigFunc *kernel = make_kernel(f.ctx, &cases[j], &module);
            Run run;
            prepare(&cases[j], module, kernel, &run);
            run_compiled(compile(&f, module, kernel), module, kernel, &run);
            memcpy(rows[j], run.result.data, sizeof rows[j]);
            release(&run);
            lig_module_destroy(module);
        }
        assert_memory_equal(rows[0], rows[1], sizeof rows[0]);
    }
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native),
        cmocka_unit_test(avx512),
        cmocka_unit_test(avx2),
        cmocka_unit_test(sse2),
        cmocka_unit_test(a_row_has_the_same_bits_in_company),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
