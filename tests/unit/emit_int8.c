// 8-bit arithmetic, compiled: quantised activations bit for bit as the interpreter makes them; products with
// block-quantised weights bit for bit as a scalar model of what codegen/arithmetic_int8.c promises, and near the
// interpreter. Every CPU level, ragged sizes.
#include "ir/layout_block.h"
#include "tests/numeric/kernel_case.h"

static const char *const targets[] = {"x86-64", "x86-64-v3", "x86-64-v4", "native"};
enum { TARGETS = sizeof targets / sizeof *targets, BLOCK = 32, BLOCK_BYTES = 44 };

static bool runs_here(LigContext *ctx, const char *name, LigTarget *target)
{
    assert_int_equal(lig_target_find(ctx, name, target), LIG_OK);
    return lig_target_check_runs(ctx, target) == LIG_OK;
}

typedef void CheckRun(KernelRun *run, const LigTarget *target);

// The case with `rows` for its symbol N, run by a kernel compiled from the same text.
static void run_rows(KernelCase c, int64_t rows, const LigTarget *target, LigCallable callable, CheckRun *check)
{
    c.symbols[0] = rows;
    KernelRun run = kernel_run_begin(&c);
    CASE_OK(&run, lig_schedule_module(run.module, &(LigScheduleOptions){.target = target}));
    begin_outputs(&run);
    run_tiles(&run, callable, false);
    check(&run, target);
    kernel_run_end(&run);
}

// Runs `check` on what each target that runs here gives for a case, for each number of rows (up to a 0).
static void on_each_target(KernelCase c, const int64_t *rows, CheckRun *check)
{
    for (int t = 0; t < TARGETS; t++) {
        c.symbols[0] = rows[0];
        KernelRun run = kernel_run_begin(&c);
        LigTarget target;
        LigCompiler *compiler;
        LigCallable callable;
        if (runs_here(run.ctx, targets[t], &target)) {
            CASE_OK(&run, lig_schedule_module(run.module, &(LigScheduleOptions){.target = &target}));
            CASE_OK(&run, lig_compiler_create(run.ctx, &target, &compiler));
            CASE_OK(&run, lig_compiler_kernel(compiler, run.module, run.kernel, &callable));
            for (const int64_t *m = rows; *m; m++) run_rows(c, *m, &target, callable, check);
            lig_compiler_destroy(compiler);
        }
        kernel_run_end(&run);
    }
}

// ---- quantize ----

// x in q8a by the interpreter's op; released by lig_free.
static unsigned char *quantised(const LigTensor *x)
{
    LigTensor z = {.shape = x->shape};
    z.shape.dtype = LIG_Q8A;
    size_t bytes;
    assert_true(lig_shape_bytes(&z.shape, &bytes));
    z.data = lig_alloc(bytes);
    assert_non_null(z.data);
    LigEvalArgs args = {.operands = (LigTensor *)(uintptr_t)x, .results = &z, .scratch = lig_arena_create()};
    assert_int_equal(lig_eval_quantize(&args), LIG_OK);
    lig_arena_destroy(args.scratch);
    return z.data;
}

// The same bytes, but for the payloads of scales that are NaN.
static void compare_blocks(const KernelRun *run, const unsigned char *got, const unsigned char *want,
                           size_t bytes)
{
    for (size_t at = 0; at < bytes; at += BLOCK_BYTES) {
        float scales[2];
        memcpy(&scales[0], got + at + BLOCK, sizeof(float));
        memcpy(&scales[1], want + at + BLOCK, sizeof(float));
        bool both_nan = isnan(scales[0]) && isnan(scales[1]);
        bool same = memcmp(got + at, want + at, BLOCK) == 0 && memcmp(got + at + 36, want + at + 36, 8) == 0 &&
                    (both_nan || memcmp(&scales[0], &scales[1], sizeof(float)) == 0);
        if (!same)
            fail_msg("block %zu differs (scales %a, %a) in\n%s", at / BLOCK_BYTES, (double)scales[0],
                     (double)scales[1], run->c->text);
    }
}

// Output 1 is output 0 quantised (or, alone, output 0 is operand 0).
static void check_quantised(KernelRun *run, const LigTarget *target)
{
    (void)target;
    size_t last = run->output_count - 1;
    unsigned char *want = quantised(last ? &run->outputs[0] : &run->inputs[0]);
    compare_blocks(run, run->outputs[last].data, want, run->buffers[run->input_count + last].bytes);
    lig_free(want);
}

static void quantize_has_the_interpreters_bits(void **state)
{
    (void)state;
    static const char *const widths[] = {"32", "96", "576", "1504"};
    for (int w = 0; w < 4; w++) {
        for (int d = 0; d < 2; d++) {
            char text[1024];
            case_text(text,
                      "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: $2[N,$1]) -> q8a[N,$1] {class=row} {\n"
                      "    %q = quantize %x : q8a[N,$1]\n    return %q\n  }\n}\n",
                      widths[w], d ? "bf16" : "f32");
            on_each_target((KernelCase){.text = text, .in_place = -1}, (int64_t[]){13, 0}, check_quantised);
        }
    }
}

// Blocks of zeros, of numbers too small, of the smallest and largest that are not, of halves, and of what is no
// number.
static void fill_extremes(size_t operand, const LigShape *shape, void *data)
{
    (void)operand;
    static const float most[] = {0.0F,   0x1p-149F, 0x1.fffffep-121F, 0x1p-120F, 0x1.fffffep127F,
                                 127.0F, INFINITY,  -INFINITY,        NAN,       -0.0F};
    float *x = data;
    for (int64_t i = 0; i < shape->dims[0] * shape->dims[1]; i++) {
        float highest = most[i / BLOCK % 10];
        x[i] = i % BLOCK == 5 ? highest : isfinite(highest) ? highest * (float)(i % 9 - 4) * 0.125F : (float)i;
        if (highest == 127.0F && i % BLOCK != 5) x[i] = (float)(i % BLOCK) - 15.5F; // scale 1: ties
    }
}

static void extremes_quantise_alike(void **state)
{
    (void)state;
    on_each_target((KernelCase){.text = "module \"t\" {\n  dim N in 1..64\n"
                                        "  kernel @k(%x: f32[N,160]) -> q8a[N,160] {class=row} {\n"
                                        "    %q = quantize %x : q8a[N,160]\n    return %q\n  }\n}\n",
                                .fill = fill_extremes,
                                .in_place = -1},
                   (int64_t[]){4, 0}, check_quantised);
}

static void producers_are_quantised_in_one_kernel(void **state)
{
    (void)state;
    static const char *const producers[] = {
        "    %s = add %x, %r : f32[N,96]\n    %y = rms_norm %s, %w {eps=1e-5} : f32[N,96]\n",
        "    %s = silu %x : f32[N,96]\n    %v = mul %s, %r : f32[N,96]\n    %y = add %v, %w : f32[N,96]\n",
    };
    for (int i = 0; i < 2; i++) {
        char text[1024];
        case_text(
            text,
            "module \"t\" {\n  dim N in 1..64\n"
            "  kernel @k(%x: f32[N,96], %r: f32[N,96], %w: f32[96]) -> f32[N,96], q8a[N,96] {class=row} {\n"
            "$1    %q = quantize %y : q8a[N,96]\n    return %y, %q\n  }\n}\n",
            producers[i], NULL);
        on_each_target((KernelCase){.text = text, .in_place = -1}, (int64_t[]){7, 0}, check_quantised);
    }
}

// ---- linear ----

static void fill_activations(size_t operand, const LigShape *shape, void *data)
{
    if (operand != 0) return;
    LigTensor x = {.shape = *shape};
    x.shape.dtype = LIG_F32;
    uint64_t seed = 99;
    int64_t count;
    assert_true(lig_shape_count(shape, &count));
    float *numbers = x.data = lig_alloc((size_t)count * sizeof(float));
    assert_non_null(numbers);
    for (int64_t i = 0; i < count; i++) numbers[i] = (float)case_between(&seed, -3, 3);
    unsigned char *blocks = quantised(&x);
    memcpy(data, blocks, (size_t)(count / BLOCK * BLOCK_BYTES));
    lig_free(blocks);
    lig_free(numbers);
}

static float add_product(const LigTarget *target, float a, float b, float c)
{
    return target->has_fma ? fmaf(a, b, c) : a * b + c;
}

// A row of activations and one of weights, as integers.
typedef struct Rows {
    LigQuantaRow x, w;
} Rows;

static LigQuantaRow read_row(LigArena *arena, const LigTensor *t, int64_t row)
{
    size_t columns = (size_t)t->shape.dims[1], runs = columns / LIG_QUANTA_RUN;
    LigQuantaRow out = {LIG_NEW_ARRAY(arena, int32_t, columns), LIG_NEW_ARRAY(arena, double, runs),
                        LIG_NEW_ARRAY(arena, double, runs)};
    assert_true(out.quanta && out.scales && out.mins);
    lig_shape_get_quanta(&t->shape, t->data, row, &out);
    return out;
}

// What a run of columns that share scales adds to a block's value; `magnitude` gains its terms.
static float add_run(const LigTarget *target, const Rows *rows, int64_t first, int columns, bool has_min,
                     float value, double *magnitude)
{
    int products = 0, sum = 0;
    for (int64_t i = first; i < first + columns; i++) {
        products += rows->x.quanta[i] * rows->w.quanta[i];
        sum += rows->x.quanta[i];
    }
    float scale = (float)rows->w.scales[first / LIG_QUANTA_RUN],
          min = (float)rows->w.mins[first / LIG_QUANTA_RUN];
    bool starts = first % BLOCK == 0;
    if (has_min) value = starts ? min * (float)sum : add_product(target, min, (float)sum, value);
    value = starts && !has_min ? (float)products * scale : add_product(target, (float)products, scale, value);
    *magnitude += fabs((double)products * (double)scale) + fabs((double)min * sum);
    return value;
}

static LigQuantaRow *read_rows(LigArena *arena, const LigTensor *t)
{
    LigQuantaRow *rows = LIG_NEW_ARRAY(arena, LigQuantaRow, (size_t)t->shape.dims[0]);
    assert_non_null(rows);
    for (int64_t i = 0; i < t->shape.dims[0]; i++) rows[i] = read_row(arena, t, i);
    return rows;
}

// One element as the kernel computes it, and the sum of its terms' magnitudes.
static float model(const KernelRun *run, const LigTarget *target, const Rows *rows, double *magnitude)
{
    const LigShape *w = &run->inputs[1].shape;
    const LigBlockFacts *facts = lig_block_facts(w->dtype);
    int columns = facts->shared < BLOCK ? facts->shared : BLOCK;
    float total = 0;
    for (int64_t c = 0; c < w->dims[1]; c += BLOCK) {
        float value = 0, scale = (float)rows->x.scales[c / LIG_QUANTA_RUN];
        double terms = 0;
        for (int64_t first = c; first < c + BLOCK; first += columns)
            value = add_run(target, rows, first, columns, facts->min_sign != 0, value, &terms);
        total = add_product(target, value, scale, total);
        *magnitude += fabs((double)scale) * terms;
    }
    return total;
}

static void check_linear(KernelRun *run, const LigTarget *target)
{
    LigTensor near = {.shape = run->outputs[0].shape};
    int64_t rows = near.shape.dims[0], outputs = near.shape.dims[1],
            blocks = run->inputs[0].shape.dims[1] / BLOCK;
    near.data = lig_alloc((size_t)(rows * outputs) * sizeof(float));
    LigEvalArgs args = {
        .module = run->module, .operands = run->inputs, .results = &near, .scratch = lig_arena_create()};
    assert_int_equal(lig_eval_linear(&args), LIG_OK);
    const LigQuantaRow *xs = read_rows(args.scratch, &run->inputs[0]),
                       *ws = read_rows(args.scratch, &run->inputs[1]);
    for (int64_t i = 0; i < rows * outputs; i++) {
        double magnitude = 0;
        const Rows read = {xs[i / outputs], ws[i % outputs]};
        float want = model(run, target, &read, &magnitude);
        float got = ((const float *)run->outputs[0].data)[i], interpreted = ((const float *)near.data)[i];
        bool is_near = fabs((double)got - (double)interpreted) <= (double)(blocks + 6) * 0x1p-24 * magnitude;
        if (memcmp(&got, &want, sizeof got) != 0 || !is_near)
            fail_msg("%s: element %lld of %lld x %lld is %a, expected %a, by the interpreter %a, in\n%s",
                     target->name, (long long)i, (long long)rows, (long long)outputs, (double)got, (double)want,
                     (double)interpreted, run->c->text);
    }
    lig_arena_destroy(args.scratch);
    lig_free(near.data);
}

typedef struct Sizes {
    int outputs, columns;
} Sizes;

// x[M,K] times a weight of `dtype`, `rows` a number or the symbol N.
static const char *linear_text(char text[1024], LigDtype dtype, Sizes sizes, const char *rows)
{
    snprintf(text, 1024,
             "module \"t\" {\n  dim N in 1..64\n"
             "  kernel @k(%%x: q8a[%s,%d], %%w: %s[%d,%d]@panel(n=32,k=%d)) -> f32[%s,%d] {class=contract} {\n"
             "    %%y = linear %%x, %%w : f32[%s,%d]\n    return %%y\n  }\n}\n",
             rows, sizes.columns, lig_dtype_name(dtype), sizes.outputs, sizes.columns,
             (int)lig_dtype_block(dtype), rows, sizes.outputs, rows, sizes.outputs);
    return text;
}

// Columns are odd multiples of the dtype's block.
static void check_sizes(LigDtype dtype, Sizes sizes, const char *symbol, const int64_t *rows)
{
    char text[1024];
    sizes.columns *= (int)lig_dtype_block(dtype);
    linear_text(text, dtype, sizes, symbol);
    on_each_target((KernelCase){.text = text, .fill = fill_activations, .in_place = -1}, rows, check_linear);
}

static const LigDtype weights[] = {LIG_Q8_0, LIG_Q4_0, LIG_Q4_1, LIG_Q5_0, LIG_Q5_1,
                                   LIG_Q2_K, LIG_Q3_K, LIG_Q4_K, LIG_Q5_K, LIG_Q6_K};
enum { WEIGHTS = sizeof weights / sizeof *weights };

static void products_are_as_promised(void **state)
{
    (void)state;
    static const int64_t every[] = {1, 2, 3, 5, 7, 8, 9, 13, 17, 33, 0}, some[] = {1, 11, 0};
    for (int d = 0; d < WEIGHTS; d++) {
        check_sizes(weights[d], (Sizes){33, 3}, "N", every);
        check_sizes(weights[d], (Sizes){31, 1}, "N", some);
        if (lig_dtype_block(weights[d]) == BLOCK) check_sizes(weights[d], (Sizes){64, 33}, "N", some);
    }
}

// The kernel of one token, whose M is a constant.
static void one_row_is_as_promised(void **state)
{
    (void)state;
    for (int d = 0; d < WEIGHTS; d++) check_sizes(weights[d], (Sizes){70, 5}, "1", (int64_t[]){1, 0});
}

// Gate and up: two weights of different dtypes, and their epilogue.
static void epilogues_follow(void **state)
{
    (void)state;
    for (int64_t rows = 1; rows < 20; rows += 9)
        check_kernel((KernelCase){
            .text = "module \"t\" {\n  dim N in 1..64\n"
                    "  kernel @k(%x: q8a[N,64], %g: q4_1[40,64]@panel(n=32,k=32), %u: "
                    "q8_0[40,64]@panel(n=32,k=32)) -> f32[N,40] {class=contract} {\n"
                    "    %a = linear %x, %g : f32[N,40]\n    %b = linear %x, %u : f32[N,40]\n"
                    "    %s = silu %a : f32[N,40]\n    %y = mul %s, %b : f32[N,40]\n    return %y\n  }\n}\n",
            .symbols = {rows},
            .fill = fill_activations,
            .kind = COMPARE_CONTRACT,
            .magnitude = 1000,
            .in_place = -1});
}

// A block that holds no number makes its whole row of results NaN, and no other.
static void spoil_second_row(size_t operand, const LigShape *shape, void *data)
{
    fill_activations(operand, shape, data);
    const float nan = NAN;
    unsigned char *block = (unsigned char *)data + 9 * BLOCK_BYTES; // 8 a row
    if (operand != 0) return;
    memset(block, 0, BLOCK_BYTES);
    memcpy(block + BLOCK, &nan, sizeof nan);
}

static void check_spoiled(KernelRun *run, const LigTarget *target)
{
    (void)target;
    for (int64_t i = 0; i < 3 * 40; i++)
        assert_int_equal(isnan(((const float *)run->outputs[0].data)[i]) != 0, i / 40 == 1);
}

static void what_is_no_number_spoils_its_row(void **state)
{
    (void)state;
    for (int d = 0; d < WEIGHTS; d++) {
        char text[1024];
        linear_text(text, weights[d], (Sizes){40, 256}, "N");
        on_each_target((KernelCase){.text = text, .fill = spoil_second_row, .in_place = -1}, (int64_t[]){3, 0},
                       check_spoiled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantize_has_the_interpreters_bits),
        cmocka_unit_test(extremes_quantise_alike),
        cmocka_unit_test(producers_are_quantised_in_one_kernel),
        cmocka_unit_test(products_are_as_promised),
        cmocka_unit_test(one_row_is_as_promised),
        cmocka_unit_test(epilogues_follow),
        cmocka_unit_test(what_is_no_number_spoils_its_row),
    };
    return cmocka_run_group_tests_name("int8", tests, NULL, NULL);
}
