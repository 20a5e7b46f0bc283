// Comparison, logic, choice and rounding by the interpreter, against C's own operators.
#include "tests/numeric/expect.h"

static const LigDtype numbers[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16, LIG_I64, LIG_I32, LIG_I8, LIG_U8};
enum { NUMBERS = 8 };

// Small whole and half numbers, so that operands are often equal and every dtype holds them.
static LigTensor small_numbers(LigDtype dtype, int rank, const int64_t *dims, uint64_t *seed)
{
    LigTensor t = new_tensor(dtype, rank, dims, (LigLayout){0});
    for (int64_t i = 0; i < tensor_count(&t); i++) {
        double value = (double)(next_random(seed) % 9) - (dtype == LIG_U8 ? 0 : 4);
        lig_shape_set(&t.shape, t.data, i, lig_dtype_is_float(dtype) ? value / 2 : value);
    }
    return t;
}

// Broadcasting pairs: shapes, and for element i of [rows, columns] its place in each.
static const int64_t shapes[][2][2] = {
    {{1, 1}, {1, 1}}, {{1, 31}, {1, 31}}, {{5, 33}, {5, 33}}, {{5, 1}, {5, 33}}, {{3, 1}, {1, 13}}};
enum { SHAPES = 5 };

static int64_t place(const LigTensor *t, const LigTensor *z, int64_t i)
{
    int64_t columns = z->shape.dims[1], row = i / columns, column = i % columns;
    return (t->shape.dims[0] == 1 ? 0 : row) * t->shape.dims[1] + (t->shape.dims[1] == 1 ? 0 : column);
}

static void comparisons_give_bools(void **state)
{
    (void)state;
    static const LigOpCode codes[] = {LIG_OP_EQ, LIG_OP_NE, LIG_OP_LT, LIG_OP_LE};
    uint64_t seed = 1;
    for (int c = 0; c < 4; c++) {
        for (int at = 0; at < SHAPES * NUMBERS; at++) {
            OneOp one = {.code = codes[c], .count = 2};
            for (int i = 0; i < 2; i++)
                one.operands[i] = small_numbers(numbers[at % NUMBERS], 2, shapes[at / NUMBERS][i], &seed);
            LigTensor out = run(&one);
            assert_int_equal(out.shape.dtype, LIG_BOOL);
            for (int64_t i = 0; i < tensor_count(&out); i++) {
                double x = tensor_at(&one.operands[0], place(&one.operands[0], &out, i));
                double y = tensor_at(&one.operands[1], place(&one.operands[1], &out, i));
                bool want = c == 0 ? x == y : c == 1 ? x != y : c == 2 ? x < y : x <= y;
                assert_int_equal(integer_at(&out, i), want);
            }
            finish(&one, &out, 1);
        }
    }
}

static void nan_is_neither_equal_nor_ordered(void **state)
{
    (void)state;
    static const LigOpCode codes[] = {LIG_OP_EQ, LIG_OP_NE, LIG_OP_LT, LIG_OP_LE};
    for (int c = 0; c < 4; c++) {
        OneOp one = {.code = codes[c], .count = 2};
        for (int i = 0; i < 2; i++) {
            one.operands[i] = TENSOR(LIG_F32, 2);
            lig_shape_set(&one.operands[i].shape, one.operands[i].data, 0, (double)NAN);
        }
        LigTensor out = run(&one);
        assert_int_equal(integer_at(&out, 0), codes[c] == LIG_OP_NE);
        assert_int_equal(integer_at(&out, 1), codes[c] == LIG_OP_EQ || codes[c] == LIG_OP_LE);
        finish(&one, &out, 1);
    }
}

// 2^53 + 1 is no double: integers are compared as integers.
static void wide_integers_are_compared_exactly(void **state)
{
    (void)state;
    OneOp one = {.code = LIG_OP_LT, .count = 2};
    one.operands[0] = TENSOR(LIG_I64, 1);
    one.operands[1] = TENSOR(LIG_I64, 1);
    set_integer(&one.operands[0], 0, INT64_C(1) << 53);
    set_integer(&one.operands[1], 0, (INT64_C(1) << 53) + 1);
    LigTensor out = run(&one);
    assert_int_equal(integer_at(&out, 0), 1);
    finish(&one, &out, 1);
}

static int64_t logic(LigOpCode code, LigDtype dtype, int64_t x, int64_t y)
{
    int64_t bits = code == LIG_OP_AND   ? (x & y)
                   : code == LIG_OP_OR  ? (x | y)
                   : code == LIG_OP_XOR ? (x ^ y)
                                        : ~x;
    if (dtype == LIG_BOOL) return code == LIG_OP_NOT ? !x : bits;
    return dtype == LIG_U8 ? (bits & 255) : bits;
}

static void logic_of_one_dtype(LigOpCode code, LigDtype dtype, uint64_t *seed)
{
    OneOp one = {.code = code, .count = code == LIG_OP_NOT ? 1 : 2};
    for (int i = 0; i < 2; i++) {
        one.operands[i] = TENSOR(dtype, 3, 1, 33);
        for (int64_t j = 0; j < 99; j++) {
            set_integer(&one.operands[i], j, next_random(seed) % (dtype == LIG_BOOL ? 2 : 100));
        }
    }
    LigTensor out = run(&one);
    for (int64_t j = 0; j < 99; j++) {
        int64_t x = integer_at(&one.operands[0], j), y = integer_at(&one.operands[1], j);
        assert_int_equal(integer_at(&out, j), logic(code, dtype, x, y));
    }
    one.count = 2;
    finish(&one, &out, 1);
}

static void logic_of_bools_and_of_bits(void **state)
{
    (void)state;
    static const LigOpCode codes[] = {LIG_OP_AND, LIG_OP_OR, LIG_OP_XOR, LIG_OP_NOT};
    static const LigDtype dtypes[] = {LIG_BOOL, LIG_I64, LIG_I32, LIG_I8, LIG_U8};
    uint64_t seed = 2;
    for (int c = 0; c < 4; c++) {
        for (int d = 0; d < 5; d++) {
            logic_of_one_dtype(codes[c], dtypes[d], &seed);
        }
    }
}

static void select_takes_either_and_broadcasts(void **state)
{
    (void)state;
    static const LigDtype dtypes[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16, LIG_I64,
                                      LIG_I32, LIG_I8,  LIG_U8,   LIG_BOOL};
    uint64_t seed = 3;
    for (int d = 0; d < 9; d++) {
        OneOp one = {.code = LIG_OP_SELECT, .count = 3};
        one.operands[0] = TENSOR(LIG_BOOL, 7, 1);
        one.operands[1] = small_numbers(dtypes[d], 2, (int64_t[]){1, 17}, &seed);
        one.operands[2] = small_numbers(dtypes[d], 2, (int64_t[]){7, 17}, &seed);
        for (int64_t i = 0; i < 7; i++) set_integer(&one.operands[0], i, i % 3 == 0);
        LigTensor out = run(&one);
        assert_int_equal(out.shape.dtype, dtypes[d]);
        for (int64_t i = 0; i < 119; i++) {
            double want =
                i / 17 % 3 == 0 ? tensor_at(&one.operands[1], i % 17) : tensor_at(&one.operands[2], i);
            assert_true(tensor_at(&out, i) == want);
        }
        finish(&one, &out, 1);
    }
}

static void mod_has_the_sign_of_x(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int d = 0; d < NUMBERS; d++) {
        OneOp one = {.code = LIG_OP_MOD, .count = 2};
        one.operands[0] = small_numbers(numbers[d], 3, (int64_t[]){1, 5, 17}, &seed);
        one.operands[1] = small_numbers(numbers[d], 3, (int64_t[]){1, 5, 17}, &seed);
        for (int64_t i = 0; i < 85; i++) {
            if (tensor_at(&one.operands[1], i) == 0)
                lig_shape_set(&one.operands[1].shape, one.operands[1].data, i, 3);
        }
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 85; i++) {
            long double x = number_at(&one.operands[0], i), y = number_at(&one.operands[1], i);
            expect(&out, i, x - y * truncl(x / y), fabsl(x), "mod");
        }
        finish(&one, &out, 1);
    }
}

// Division is total on integers: 0 by zero, and the lowest by -1 wraps; x = y * (x / y) + x mod y holds always.
static void division_of_integers_is_total(void **state)
{
    (void)state;
    static const LigDtype dtypes[] = {LIG_I64, LIG_I32, LIG_I8, LIG_U8};
    static const int64_t lowest[] = {INT64_MIN, INT32_MIN, INT8_MIN, 0};
    for (int d = 0; d < 4; d++) {
        int64_t low = lowest[d], minus = dtypes[d] == LIG_U8 ? 255 : -1;
        const int64_t xs[] = {7, 0, low, low, 1, low}, ys[] = {0, 0, 0, minus, minus, 1};
        const int64_t quotients[] = {0, 0, 0, low, dtypes[d] == LIG_U8 ? 0 : -1, low};
        const int64_t rests[] = {7, 0, low, 0, dtypes[d] == LIG_U8 ? 1 : 0, 0};
        for (int mod = 0; mod < 2; mod++) {
            OneOp one = {.code = mod ? LIG_OP_MOD : LIG_OP_DIV, .count = 2};
            for (size_t i = 0; i < 2; i++) one.operands[i] = TENSOR(dtypes[d], 6);
            for (int64_t i = 0; i < 6; i++) {
                set_integer(&one.operands[0], i, xs[i]);
                set_integer(&one.operands[1], i, ys[i]);
            }
            LigTensor out = run(&one);
            for (int64_t i = 0; i < 6; i++)
                assert_int_equal(integer_at(&out, i), mod ? rests[i] : quotients[i]);
            finish(&one, &out, 1);
        }
    }
}

static void whole_numbers_near_x(void **state)
{
    (void)state;
    static const LigOpCode codes[] = {LIG_OP_FLOOR, LIG_OP_CEIL, LIG_OP_ROUND, LIG_OP_SIGN};
    static const double xs[] = {-2.5, -1.5, -1.25, -0.5, 0, 0.5, 0.75, 1.5, 2.5, 3};
    static const double wants[][10] = {{-3, -2, -2, -1, 0, 0, 0, 1, 2, 3},
                                       {-2, -1, -1, 0, 0, 1, 1, 2, 3, 3},
                                       {-2, -2, -1, 0, 0, 0, 1, 2, 2, 3},
                                       {-1, -1, -1, -1, 0, 1, 1, 1, 1, 1}};
    for (int c = 0; c < 4; c++) {
        for (int d = 0; d < FLOATS; d++) {
            OneOp one = {.code = codes[c], .operands = {TENSOR(floats[d], 1, 17)}, .count = 1};
            for (int i = 0; i < 17; i++)
                lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, xs[i % 10]);
            LigTensor out = run(&one);
            for (int i = 0; i < 17; i++) assert_true(tensor_at(&out, i) == wants[c][i % 10]);
            finish(&one, &out, 1);
        }
    }
}

static void special_numbers(void **state)
{
    (void)state;
    static const double xs[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 0x1p53 - 1, 1};
    for (int d = 0; d < FLOATS; d++) {
        for (LigOpCode code = LIG_OP_FLOOR; code <= LIG_OP_IS_NAN; code++) {
            OneOp one = {.code = code, .operands = {TENSOR(floats[d], 1, 17)}, .count = 1};
            for (int i = 0; i < 17; i++)
                lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, xs[i % 5]);
            LigTensor out = run(&one);
            for (int i = 0; i < 17; i++) {
                double x = tensor_at(&one.operands[0], i);
                double want = code == LIG_OP_IS_NAN ? isnan(x) : x;
                assert_true(compare_equal(COMPARE_EXACT, LIG_F64, tensor_at(&out, i), want, 0));
            }
            finish(&one, &out, 1);
        }
    }
}

static void sign_of_integers(void **state)
{
    (void)state;
    OneOp one = {.code = LIG_OP_SIGN, .operands = {INTEGERS(-7, 0, INT32_MIN, 5)}, .count = 1};
    LigTensor out = run(&one);
    assert_memory_equal(out.data, ((const int32_t[]){-1, 0, -1, 1}), 16);
    finish(&one, &out, 1);
}

static void shapes_that_do_not_fit_are_errors(void **state)
{
    (void)state;
    OneOp wide = {.code = LIG_OP_EQ, .operands = {TENSOR(LIG_F32, 3), TENSOR(LIG_F32, 4)}, .count = 2};
    expect_error(&wide, LIG_ERR_SHAPE, "neither equal nor 1");
    OneOp condition = {.code = LIG_OP_SELECT,
                       .operands = {TENSOR(LIG_F32, 3), TENSOR(LIG_F32, 3), TENSOR(LIG_F32, 3)},
                       .count = 3};
    expect_error(&condition, LIG_ERR_DTYPE, "its dtype must be bool");
    OneOp bits = {.code = LIG_OP_AND, .operands = {TENSOR(LIG_F32, 3), TENSOR(LIG_F32, 3)}, .count = 2};
    expect_error(&bits, LIG_ERR_DTYPE, "an integer dtype");
    OneOp order = {.code = LIG_OP_LT, .operands = {TENSOR(LIG_BOOL, 3), TENSOR(LIG_BOOL, 3)}, .count = 2};
    expect_error(&order, LIG_ERR_DTYPE, "float or integer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_give_bools),
        cmocka_unit_test(nan_is_neither_equal_nor_ordered),
        cmocka_unit_test(wide_integers_are_compared_exactly),
        cmocka_unit_test(logic_of_bools_and_of_bits),
        cmocka_unit_test(select_takes_either_and_broadcasts),
        cmocka_unit_test(mod_has_the_sign_of_x),
        cmocka_unit_test(division_of_integers_is_total),
        cmocka_unit_test(whole_numbers_near_x),
        cmocka_unit_test(special_numbers),
        cmocka_unit_test(sign_of_integers),
        cmocka_unit_test(shapes_that_do_not_fit_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
