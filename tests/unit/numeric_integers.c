// Arithmetic of integers by the interpreter, at the ends of their ranges: computed in 128 bits and cut to the width.
#include "tests/numeric/expect.h"

__extension__ typedef __int128 Wide;

static const LigDtype dtypes[] = {LIG_I64, LIG_I32, LIG_I8, LIG_U8};
enum { DTYPES = 4, VALUES = 8 };

static Wide lowest_of(LigDtype dtype)
{
    if (dtype == LIG_U8) return 0;
    return dtype == LIG_I64 ? INT64_MIN : dtype == LIG_I32 ? INT32_MIN : INT8_MIN;
}

static Wide span_of(LigDtype dtype) { return (Wide)1 << 8 * lig_dtype_block_bytes(dtype); }

// The number of the dtype that is `x` modulo its span.
static int64_t cut(LigDtype dtype, Wide x)
{
    Wide low = lowest_of(dtype), rest = (x - low) % span_of(dtype);
    return (int64_t)(low + (rest < 0 ? rest + span_of(dtype) : rest));
}

static int64_t value_of(LigDtype dtype, int64_t i)
{
    Wide low = lowest_of(dtype), high = low + span_of(dtype) - 1;
    const Wide values[VALUES] = {low, low + 1, high, high - 1, 0, 1, 7, high / 2};
    return (int64_t)values[i % VALUES];
}

static Wide apply(LigOpCode code, Wide x, Wide y)
{
    switch ((int)code) {
    case LIG_OP_ADD:
        return x + y;
    case LIG_OP_SUB:
        return x - y;
    case LIG_OP_MUL:
        return x * y;
    case LIG_OP_MAX:
        return x > y ? x : y;
    case LIG_OP_MIN:
        return x < y ? x : y;
    case LIG_OP_NEG:
        return -x;
    case LIG_OP_ABS:
        return x < 0 ? -x : x;
    case LIG_OP_SIGN:
        return (x > 0) - (x < 0);
    default:
        return x > 0 ? x : 0; // relu
    }
}

// x [1,C] and y [R,1] so that each meets each.
static void check_arithmetic(LigOpCode code, LigDtype dtype, size_t operands)
{
    int64_t rows = operands == 2 ? VALUES : 1, columns = 17;
    OneOp one = {.code = code, .count = operands};
    one.operands[0] = TENSOR(dtype, 1, columns);
    if (operands == 2) one.operands[1] = TENSOR(dtype, rows, 1);
    for (int64_t i = 0; i < columns; i++) set_integer(&one.operands[0], i, value_of(dtype, i));
    for (int64_t i = 0; operands == 2 && i < rows; i++) set_integer(&one.operands[1], i, value_of(dtype, i));
    LigTensor out = run(&one);
    for (int64_t i = 0; i < rows * columns; i++) {
        Wide want = apply(code, value_of(dtype, i % columns), value_of(dtype, i / columns));
        assert_int_equal(integer_at(&out, i), cut(dtype, want));
    }
    finish(&one, &out, 1);
}

static void arithmetic_wraps_at_the_width(void **state)
{
    (void)state;
    static const LigOpCode binary[] = {LIG_OP_ADD, LIG_OP_SUB, LIG_OP_MUL, LIG_OP_MAX, LIG_OP_MIN};
    static const LigOpCode unary[] = {LIG_OP_NEG, LIG_OP_ABS, LIG_OP_SIGN, LIG_OP_RELU};
    for (int d = 0; d < DTYPES; d++) {
        for (int c = 0; c < 5; c++) check_arithmetic(binary[c], dtypes[d], 2);
        for (int c = 0; c < 4; c++) check_arithmetic(unary[c], dtypes[d], 1);
    }
}

static void bools_are_equal_or_not(void **state)
{
    (void)state;
    for (int ne = 0; ne < 2; ne++) {
        OneOp one = {.code = ne ? LIG_OP_NE : LIG_OP_EQ, .count = 2};
        for (int i = 0; i < 2; i++) one.operands[i] = TENSOR(LIG_BOOL, 4);
        for (int64_t i = 0; i < 4; i++) {
            set_integer(&one.operands[0], i, i / 2);
            set_integer(&one.operands[1], i, i % 2);
        }
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 4; i++) assert_int_equal(integer_at(&out, i), (i / 2 == i % 2) != ne);
        finish(&one, &out, 1);
    }
}

// ---- casts ----

// From integers and bools: as they are to floats (small ones, which every float holds), cut to integers.
static void check_cast_of_integers(LigDtype from, LigDtype to)
{
    LigShape stated = {.dtype = to, .rank = 2, .dims = {1, 17}};
    OneOp one = {.code = LIG_OP_CAST, .stated = &stated, .operands = {TENSOR(from, 1, 17)}, .count = 1};
    bool to_integer = lig_dtype_is_integer(to);
    for (int64_t i = 0; i < 17; i++) {
        int64_t small = from == LIG_BOOL ? i % 2 : from == LIG_U8 ? i : i - 8;
        set_integer(&one.operands[0], i, to_integer && from != LIG_BOOL ? value_of(from, i) : small);
    }
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 17; i++) {
        int64_t x = integer_at(&one.operands[0], i);
        if (to_integer)
            assert_int_equal(integer_at(&out, i), cut(to, x));
        else
            assert_true(tensor_at(&out, i) == (double)(to == LIG_BOOL ? x != 0 : x));
    }
    finish(&one, &out, 1);
}

// From floats: to floats rounded once; to integers toward zero, clamped, NaN gives 0; to bool whether not 0.
static void check_cast_of_floats(LigDtype from, LigDtype to)
{
    static const double xs[] = {-2.75, -1, -0.5, 0, 0.5, 1.5, 7, 100.5, 300, -300, 1e4, -1e4, 0.3};
    LigShape stated = {.dtype = to, .rank = 2, .dims = {1, 17}};
    OneOp one = {.code = LIG_OP_CAST, .stated = &stated, .operands = {TENSOR(from, 1, 17)}, .count = 1};
    for (int i = 0; i < 17; i++) {
        double x = i < 13 ? xs[i] : i == 13 ? HUGE_VAL : i == 14 ? -HUGE_VAL : i == 15 ? (double)NAN : -0.0;
        lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, x);
    }
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 17; i++) {
        long double x = number_at(&one.operands[0], i), low, high;
        if (lig_dtype_is_float(to)) {
            expect(&out, i, x, fabsl(x), "cast");
            continue;
        }
        if (to == LIG_BOOL) {
            assert_int_equal(integer_at(&out, i), x != 0);
            continue;
        }
        low = (long double)lowest_of(to), high = low + (long double)(span_of(to) - 1);
        long double want = isnan(x) ? 0 : truncl(fminl(fmaxl(x, low), high));
        assert_int_equal(integer_at(&out, i), (int64_t)want);
    }
    finish(&one, &out, 1);
}

static void casts_between_all_dtypes(void **state)
{
    (void)state;
    static const LigDtype plain[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16, LIG_I64,
                                     LIG_I32, LIG_I8,  LIG_U8,   LIG_BOOL};
    for (int i = 0; i < 81; i++) {
        if (lig_dtype_is_float(plain[i / 9]))
            check_cast_of_floats(plain[i / 9], plain[i % 9]);
        else
            check_cast_of_integers(plain[i / 9], plain[i % 9]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_wraps_at_the_width),
        cmocka_unit_test(bools_are_equal_or_not),
        cmocka_unit_test(casts_between_all_dtypes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
