// Reductions, running sums and the places of extremes by the interpreter, against plain loops.
#include "tests/numeric/expect.h"

static const LigDtype numbers[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16, LIG_I64, LIG_I32, LIG_I8, LIG_U8};
enum { NUMBERS = 8 };

static LigTensor some_numbers(LigDtype dtype, int rank, const int64_t *dims, uint64_t *seed)
{
    LigTensor t = new_tensor(dtype, rank, dims, (LigLayout){0});
    bool is_float = lig_dtype_is_float(dtype);
    for (int64_t i = 0; i < tensor_count(&t); i++) {
        int64_t whole = (int64_t)(next_random(seed) % 12) - (dtype == LIG_U8 ? 0 : 6);
        lig_shape_set(&t.shape, t.data, i, is_float ? random_between(seed, -2, 2) : (double)whole);
    }
    return t;
}

// Axis 1 of [A,L,B] as an attribute, counted from either end.
static const int64_t shapes[][3] = {{1, 1, 1}, {3, 7, 1}, {2, 33, 5}, {1, 13, 17}};
enum { SHAPES = 4 };

static long double fold(LigOpCode code, long double so_far, long double x)
{
    if (code == LIG_OP_PROD) return so_far * x;
    if (code == LIG_OP_SUM) return so_far + x;
    return code == LIG_OP_REDUCE_MAX ? fmaxl(so_far, x) : fminl(so_far, x);
}

static void fold_axis(LigOpCode code, LigDtype dtype, const int64_t *dims, uint64_t *seed)
{
    LigAttr attrs[] = {ATTR_INTS(AXES, 1), ATTR_FLAG(KEEP)};
    bool keep = dims[1] == 33;
    OneOp one = {.code = code, .attrs = {attrs, keep ? 2 : 1}, .count = 1};
    one.operands[0] = some_numbers(dtype, 3, dims, seed);
    LigTensor out = run(&one);
    assert_int_equal(out.shape.rank, keep ? 3 : 2);
    bool wraps = code == LIG_OP_PROD && lig_dtype_is_integer(dtype); // told apart below
    for (int64_t i = 0; !wraps && i < dims[0] * dims[2]; i++) {
        int64_t first = i / dims[2] * dims[1] * dims[2] + i % dims[2];
        long double want = number_at(&one.operands[0], first), magnitude = fabsl(want);
        for (int64_t j = 1; j < dims[1]; j++) {
            long double x = number_at(&one.operands[0], first + j * dims[2]);
            magnitude += fabsl(x);
            want = fold(code, want, x);
        }
        if (code == LIG_OP_SUM && dtype == LIG_U8) want = fmodl(want, 256);
        if (code == LIG_OP_SUM && dtype == LIG_I8) want = fmodl(want + 128 + 1024, 256) - 128;
        expect(&out, i, want, fabsl(want) + magnitude, lig_op_info(code)->name);
    }
    finish(&one, &out, 1);
}

static void folds_of_an_axis(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int at = 0; at < SHAPES * NUMBERS; at++) {
        fold_axis(LIG_OP_PROD, numbers[at % NUMBERS], shapes[at / NUMBERS], &seed);
        fold_axis(LIG_OP_REDUCE_MIN, numbers[at % NUMBERS], shapes[at / NUMBERS], &seed);
        fold_axis(LIG_OP_REDUCE_MAX, numbers[at % NUMBERS], shapes[at / NUMBERS], &seed);
        fold_axis(LIG_OP_SUM, numbers[at % NUMBERS], shapes[at / NUMBERS], &seed);
    }
}

static void products_of_integers_wrap(void **state)
{
    (void)state;
    LigAttr axes = ATTR_INTS(AXES, 0);
    OneOp one = {.code = LIG_OP_PROD, .attrs = {&axes, 1}, .operands = {INTEGERS(65537, 65537, 3)}, .count = 1};
    LigTensor out = run(&one);
    assert_int_equal(*(int32_t *)out.data, 393219); // 3 (2^16 + 1)^2 modulo 2^32
    finish(&one, &out, 1);
}

static void extremes_of_integers_reach_their_limits(void **state)
{
    (void)state;
    static const LigDtype dtypes[] = {LIG_I64, LIG_I32, LIG_I8, LIG_U8};
    static const int64_t lowest[] = {INT64_MIN, INT32_MIN, INT8_MIN, 0};
    static const int64_t highest[] = {INT64_MAX, INT32_MAX, INT8_MAX, UINT8_MAX};
    LigAttr axes = ATTR_INTS(AXES, 0);
    for (int d = 0; d < 4; d++) {
        for (int max = 0; max < 2; max++) {
            LigOpCode code = max ? LIG_OP_REDUCE_MAX : LIG_OP_REDUCE_MIN;
            OneOp one = {.code = code, .attrs = {&axes, 1}, .operands = {TENSOR(dtypes[d], 1)}, .count = 1};
            set_integer(&one.operands[0], 0, max ? lowest[d] : highest[d]);
            LigTensor out = run(&one);
            assert_int_equal(integer_at(&out, 0), max ? lowest[d] : highest[d]);
            finish(&one, &out, 1);
        }
    }
}

static void any_and_all_of_bools(void **state)
{
    (void)state;
    LigAttr axes = ATTR_INTS(AXES, -1);
    for (int all = 0; all < 2; all++) {
        OneOp one = {.code = all ? LIG_OP_ALL : LIG_OP_ANY, .attrs = {&axes, 1}, .count = 1};
        one.operands[0] = TENSOR(LIG_BOOL, 3, 33);
        for (int64_t i = 0; i < 33; i++) set_integer(&one.operands[0], i, 1);
        set_integer(&one.operands[0], 33 + 32, 1);
        LigTensor out = run(&one);
        assert_int_equal(integer_at(&out, 0), 1);
        assert_int_equal(integer_at(&out, 1), !all);
        assert_int_equal(integer_at(&out, 2), 0);
        finish(&one, &out, 1);
        OneOp none = {.code = one.code, .attrs = {&axes, 1}, .operands = {TENSOR(LIG_BOOL, 1, 0)}, .count = 1};
        out = run(&none);
        assert_int_equal(integer_at(&out, 0), all);
        finish(&none, &out, 1);
    }
}

static void check_extreme(bool largest, LigDtype dtype, const int64_t *dims, uint64_t *seed)
{
    LigAttr attrs[] = {ATTR_INT(AXIS, dims[1] == 7 ? -2 : 1), ATTR_FLAG(KEEP)};
    OneOp one = {.code = largest ? LIG_OP_ARGMAX : LIG_OP_ARGMIN, .attrs = {attrs, 2}, .count = 1};
    one.operands[0] = some_numbers(dtype, 3, dims, seed);
    LigTensor out = run(&one);
    assert_int_equal(out.shape.dtype, LIG_I32);
    assert_int_equal(out.shape.dims[1], 1);
    for (int64_t i = 0; i < dims[0] * dims[2]; i++) {
        int64_t first = i / dims[2] * dims[1] * dims[2] + i % dims[2], want = dims[1] - 1;
        for (int64_t j = dims[1] - 1; j >= 0; j--) { // from the end: the lowest of equals is found last
            double x = tensor_at(&one.operands[0], first + j * dims[2]);
            double best = tensor_at(&one.operands[0], first + want * dims[2]);
            if (largest ? x >= best : x <= best) want = j;
        }
        assert_int_equal(integer_at(&out, i), want);
    }
    finish(&one, &out, 1);
}

static void places_of_extremes(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int at = 0; at < SHAPES * NUMBERS; at++) {
        check_extreme(true, numbers[at % NUMBERS], shapes[at / NUMBERS], &seed);
        check_extreme(false, numbers[at % NUMBERS], shapes[at / NUMBERS], &seed);
    }
}

static void the_first_nan_is_an_extreme(void **state)
{
    (void)state;
    LigAttr axis = ATTR_INT(AXIS, 0);
    for (int largest = 0; largest < 2; largest++) {
        OneOp one = {.code = largest ? LIG_OP_ARGMAX : LIG_OP_ARGMIN, .attrs = {&axis, 1}, .count = 1};
        one.operands[0] = TENSOR(LIG_F32, 5);
        for (int i = 2; i < 4; i++) lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, (double)NAN);
        LigTensor out = run(&one);
        assert_int_equal(integer_at(&out, 0), 2);
        finish(&one, &out, 1);
    }
}

static void check_cumsum(LigDtype dtype, const int64_t *dims, int form, uint64_t *seed)
{
    LigAttr attrs[3] = {ATTR_INT(AXIS, 1)};
    size_t count = 1;
    if (form & 1) attrs[count++] = ATTR_FLAG(EXCLUSIVE);
    if (form & 2) attrs[count++] = ATTR_FLAG(REVERSE);
    OneOp one = {.code = LIG_OP_CUMSUM, .attrs = {attrs, count}, .count = 1};
    one.operands[0] = some_numbers(dtype, 3, dims, seed);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < tensor_count(&out); i++) {
        int64_t at = i / dims[2] % dims[1];
        long double want = 0, magnitude = 0;
        for (int64_t j = 0; j < dims[1]; j++) {
            bool inside = form & 2 ? j >= at : j <= at;
            if (!inside || (form & 1 && j == at)) continue;
            long double x = number_at(&one.operands[0], i + (j - at) * dims[2]);
            want += x;
            magnitude += fabsl(x);
        }
        if (dtype == LIG_U8) want = (long double)((int64_t)want & 255);
        expect(&out, i, want, magnitude, "cumsum");
    }
    finish(&one, &out, 1);
}

static void running_sums_in_all_forms(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int at = 0; at < SHAPES * NUMBERS; at++) {
        for (int form = 0; form < 4; form++)
            check_cumsum(numbers[at % NUMBERS], shapes[at / NUMBERS], form, &seed);
    }
}

static void check_top_k(LigDtype dtype, int64_t columns, int64_t k, uint64_t *seed)
{
    LigAttr attr = ATTR_INT(K, k);
    OneOp one = {.code = LIG_OP_TOP_K, .attrs = {&attr, 1}, .count = 1};
    one.operands[0] = some_numbers(dtype, 2, (int64_t[]){3, columns}, seed);
    LigTensor outs[MOST_RESULTS];
    run_all(&one, outs);
    for (int64_t i = 0; i < 3 * k; i++) {
        int64_t row = i / k * columns, place = integer_at(&outs[1], i), before = 0;
        double value = tensor_at(&one.operands[0], row + place);
        assert_true(tensor_at(&outs[0], i) == value);
        for (int64_t c = 0; c < columns; c++) { // as many go before it as its rank says
            double x = tensor_at(&one.operands[0], row + c);
            before += x > value || (x == value && c < place);
        }
        assert_int_equal(before, i % k);
    }
    finish(&one, outs, 2);
}

static void the_largest_come_in_order(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = {{1, 1}, {7, 7}, {33, 5}, {17, 1}};
    uint64_t seed = 4;
    for (int at = 0; at < 4 * NUMBERS; at++)
        check_top_k(numbers[at % NUMBERS], sizes[at / NUMBERS][0], sizes[at / NUMBERS][1], &seed);
    LigAttr attr = ATTR_INT(K, 4);
    OneOp many = {.code = LIG_OP_TOP_K, .attrs = {&attr, 1}, .operands = {TENSOR(LIG_F32, 3)}, .count = 1};
    expect_error(&many, LIG_ERR_SHAPE, "the k taken");
}

static void softmaxes_of_large_logits(void **state)
{
    (void)state;
    static const int64_t columns[] = {1, 7, 33};
    uint64_t seed = 5;
    for (int at = 0; at < 6 * FLOATS; at++) {
        int64_t n = columns[at / FLOATS % 3];
        bool log = at < 3 * FLOATS;
        OneOp one = {.code = log ? LIG_OP_LOG_SOFTMAX : LIG_OP_SOFTMAX,
                     .operands = {TENSOR(floats[at % FLOATS], 3, n)},
                     .count = 1};
        fill_random(&one.operands[0], &seed, 990, 1000); // exp alone would overflow
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 3 * n; i++) {
            long double sum = 0;
            for (int64_t c = 0; c < n; c++) sum += expl(number_at(&one.operands[0], i / n * n + c) - 1000);
            long double x = number_at(&one.operands[0], i) - 1000;
            if (log) expect(&out, i, x - logl(sum), 1000, "log_softmax");
            if (!log) expect(&out, i, expl(x) / sum, 1, "softmax");
        }
        finish(&one, &out, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_of_an_axis),
        cmocka_unit_test(products_of_integers_wrap),
        cmocka_unit_test(extremes_of_integers_reach_their_limits),
        cmocka_unit_test(any_and_all_of_bools),
        cmocka_unit_test(places_of_extremes),
        cmocka_unit_test(the_first_nan_is_an_extreme),
        cmocka_unit_test(running_sums_in_all_forms),
        cmocka_unit_test(the_largest_come_in_order),
        cmocka_unit_test(softmaxes_of_large_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
