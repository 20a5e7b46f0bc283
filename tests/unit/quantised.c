// Block-quantised storage against what GGUF's reference gives (tests/numeric/make_quantised.py wrote the file).
#include "codegen/compiler.h"
#include "frontend/safetensors.h"
#include "ir/text.h"
#include "tests/numeric/expect.h"

enum { ROWS = 3, COLUMNS = 512 };

static const LigDtype stored[] = {LIG_Q8_0, LIG_Q4_0, LIG_Q4_1, LIG_Q5_0, LIG_Q5_1,
                                  LIG_Q2_K, LIG_Q3_K, LIG_Q4_K, LIG_Q5_K, LIG_Q6_K};
enum { STORED = sizeof stored / sizeof *stored };

typedef struct Reference {
    LigContext *ctx;
    LigSafetensors *file;
} Reference;

static int open_reference(void **state)
{
    static Reference r;
    r.ctx = lig_context_create();
    LigStatus status =
        lig_safetensors_open(r.ctx, LIG_SOURCE_DIR "/tests/data/quantised/blocks.safetensors", &r.file);
    *state = &r;
    return status == LIG_OK ? 0 : -1;
}

static int close_reference(void **state)
{
    Reference *r = *state;
    lig_safetensors_close(r->file);
    lig_context_destroy(r->ctx);
    return 0;
}

static const LigFileTensor *part(const Reference *r, LigDtype dtype, const char *which)
{
    char name[32];
    snprintf(name, sizeof name, "%s.%s", lig_dtype_name(dtype), which);
    const LigFileTensor *tensor = lig_tensor_set_find(lig_safetensors_tensors(r->file), lig_str(name));
    assert_non_null(tensor);
    return tensor;
}

// The blocks as a matrix of a test, released by free.
static LigTensor blocks_of(const Reference *r, LigDtype dtype)
{
    const LigFileTensor *blocks = part(r, dtype, "blocks");
    LigTensor t = TENSOR(dtype, ROWS, COLUMNS);
    size_t bytes;
    assert_true(lig_shape_bytes(&t.shape, &bytes));
    assert_int_equal(bytes, blocks->bytes);
    memcpy(t.data, blocks->data, bytes);
    return t;
}

static const float *values_of(const Reference *r, LigDtype dtype)
{
    const LigFileTensor *values = part(r, dtype, "values");
    assert_int_equal(values->bytes, ROWS * COLUMNS * sizeof(float));
    return values->data;
}

// q8_0 and q4_0 may give the other zero.
static void assert_bits(LigDtype dtype, double got, float want, int64_t i)
{
    float single = (float)got;
    bool zero_sign_free = dtype == LIG_Q8_0 || dtype == LIG_Q4_0;
    uint32_t got_bits, want_bits; // zeros of both signs differ here
    memcpy(&got_bits, &single, sizeof got_bits);
    memcpy(&want_bits, &want, sizeof want_bits);
    if ((double)single == got && got_bits == want_bits) return;
    if (zero_sign_free && single == 0.0F && want == 0.0F) return;
    fail_msg("%s, element %lld: %.9g, expected %.9g", lig_dtype_name(dtype), (long long)i, got, (double)want);
}

static void values_are_the_references(void **state)
{
    for (int d = 0; d < STORED; d++) {
        LigTensor t = blocks_of(*state, stored[d]);
        const float *want = values_of(*state, stored[d]);
        double row[COLUMNS];
        for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
            assert_bits(stored[d], tensor_at(&t, i), want[i], i);
            if (i % COLUMNS == 0) lig_shape_get_row(&t.shape, t.data, i / COLUMNS, row);
            assert_bits(stored[d], row[i % COLUMNS], want[i], i);
        }
        free(t.data);
    }
}

static void linear_dequantises(void **state)
{
    uint64_t seed = 3;
    for (int d = 0; d < STORED; d++) {
        const float *want = values_of(*state, stored[d]);
        OneOp one = {.code = LIG_OP_LINEAR, .count = 2};
        one.operands[0] = TENSOR(LIG_F32, 2, COLUMNS);
        one.operands[1] = blocks_of(*state, stored[d]);
        fill_random(&one.operands[0], &seed, -1, 1);
        LigTensor out = run(&one);
        assert_int_equal(out.shape.dtype, LIG_F32);
        for (int64_t i = 0; i < 2 * ROWS; i++) {
            long double sum = 0, magnitude = 0;
            for (int64_t k = 0; k < COLUMNS; k++) {
                long double product = number_at(&one.operands[0], i / ROWS * COLUMNS + k) *
                                      (long double)want[i % ROWS * COLUMNS + k];
                sum += product;
                magnitude += fabsl(product);
            }
            expect(&out, i, sum, magnitude, lig_dtype_name(stored[d]));
        }
        finish(&one, &out, 1);
    }
}

// Of 8-bit activations too: q8a[1,512], each block 32 bytes of values, f32 scale, i32 sum, i32 sum of the first 16.
static void linear_of_quantised_activations(void **state)
{
    for (int d = 0; d < STORED; d++) {
        const float *want = values_of(*state, stored[d]);
        OneOp one = {.code = LIG_OP_LINEAR, .count = 2};
        one.operands[0] = TENSOR(LIG_Q8A, 1, COLUMNS);
        one.operands[1] = blocks_of(*state, stored[d]);
        unsigned char *x = one.operands[0].data;
        for (int b = 0; b < COLUMNS / 32; b++, x += 44) {
            float scale = 0.01F * (float)(b + 1);
            for (int i = 0; i < 32; i++) x[i] = (unsigned char)(7 * i + b);
            memcpy(x + 32, &scale, sizeof scale);
        }
        LigTensor out = run(&one);
        for (int64_t n = 0; n < ROWS; n++) {
            long double sum = 0, magnitude = 0;
            for (int64_t k = 0; k < COLUMNS; k++) {
                int64_t block = k / 32;
                long double product = (long double)(0.01F * (float)(block + 1)) *
                                      (signed char)(7 * (k % 32) + block) * (long double)want[n * COLUMNS + k];
                sum += product;
                magnitude += fabsl(product);
            }
            long double error = fabsl(number_at(&out, n) - sum);
            assert_true(error <= 2e-7L * magnitude); // f32, and scale * q of q8a is rounded on the way
        }
        finish(&one, &out, 1);
    }
}

static void gather_and_cast_dequantise(void **state)
{
    LigAttr axis = {.key = LIG_ATTR_AXIS};
    LigShape plain = {.dtype = LIG_F32, .rank = 2, .dims = {ROWS, COLUMNS}};
    for (int d = 0; d < STORED; d++) {
        const float *want = values_of(*state, stored[d]);
        OneOp one = {.code = LIG_OP_GATHER, .attrs = {&axis, 1}, .count = 2};
        one.operands[0] = blocks_of(*state, stored[d]);
        one.operands[1] = INTEGERS(2, 0, 2);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 3 * COLUMNS; i++)
            assert_bits(stored[d], tensor_at(&out, i), want[(i / COLUMNS == 1 ? 0 : 2) * COLUMNS + i % COLUMNS],
                        i);
        finish(&one, &out, 1);
        OneOp cast = {.code = LIG_OP_CAST, .stated = &plain, .count = 1};
        cast.operands[0] = blocks_of(*state, stored[d]);
        out = run(&cast);
        for (int64_t i = 0; i < ROWS * COLUMNS; i++) assert_bits(stored[d], tensor_at(&out, i), want[i], i);
        finish(&cast, &out, 1);
    }
}

// The same values once the blocks lie in panels, of which the last is not full.
static void panels_hold_the_references(void **state)
{
    for (int d = 0; d < STORED; d++) {
        LigTensor t = blocks_of(*state, stored[d]);
        const float *want = values_of(*state, stored[d]);
        LigShape panel = t.shape;
        panel.layout = (LigLayout){LIG_LAYOUT_PANEL, 2, (int32_t)lig_dtype_block(stored[d])};
        size_t bytes, file_bytes;
        double row[COLUMNS];
        assert_true(lig_shape_bytes(&t.shape, &file_bytes));
        assert_true(lig_shape_bytes(&panel, &bytes));
        assert_int_equal(bytes, file_bytes / ROWS * (ROWS + 1));
        unsigned char *packed = malloc(bytes);
        assert_non_null(packed);
        lig_shape_repack(&t.shape, t.data, &panel, packed, 0, ROWS);
        for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
            assert_bits(stored[d], lig_shape_get(&panel, packed, i), want[i], i);
            if (i % COLUMNS == 0) lig_shape_get_row(&panel, packed, i / COLUMNS, row);
            assert_bits(stored[d], row[i % COLUMNS], want[i], i);
        }
        free(packed);
        free(t.data);
    }
}

static void activations_have_no_panels(void **state)
{
    (void)state;
    const LigLayout layout = {LIG_LAYOUT_PANEL, 32, 32}, narrow = {LIG_LAYOUT_PANEL, 32, 64};
    assert_non_null(strstr(lig_layout_problem(layout, LIG_Q8A, 2, 512), "q8a, of activations, has no panels"));
    assert_non_null(strstr(lig_layout_problem(narrow, LIG_Q4_K, 2, 512), "its block, 32 or 256"));
}

// Schedules a kernel of one op over q8a, which must be refused in words that name it and the way out.
static void assert_refused(const char *text)
{
    LigContext *ctx = lig_context_create();
    LigModule *module;
    LigTarget target;
    assert_int_equal(lig_parse_module(ctx, "case", lig_str(text), &module), LIG_OK);
    assert_int_equal(lig_target_find(ctx, "x86-64", &target), LIG_OK);
    assert_int_equal(lig_schedule_module(module, &(LigScheduleOptions){.target = &target}),
                     LIG_ERR_UNSUPPORTED);
    const char *message = lig_context_diagnostic(ctx, 0)->message;
    if (!strstr(message, "of q8a, made for activations") || !strstr(message, "--interpret"))
        fail_msg("\"%s\"", message);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
}

static void codegen_refuses_activations(void **state)
{
    (void)state;
    assert_refused("module \"t\" {\n  kernel @k(%t: q8a[64,256], %i: i32[5]) -> f32[5,256] "
                   "{class=gather} {\n    %y = gather %t, %i {axis=0} : f32[5,256]\n    return %y\n  }\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_references),       cmocka_unit_test(linear_dequantises),
        cmocka_unit_test(linear_of_quantised_activations), cmocka_unit_test(gather_and_cast_dequantise),
        cmocka_unit_test(panels_hold_the_references),      cmocka_unit_test(activations_have_no_panels),
        cmocka_unit_test(codegen_refuses_activations),
    };
    return cmocka_run_group_tests(tests, open_reference, close_reference);
}
