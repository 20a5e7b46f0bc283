// Numbers of the interpreter's kernels against closed forms and plain references in long double.
#include "tests/numeric/expect.h"

static const LigStr no_name;

// ---- elementwise ----

typedef long double Reference(long double x, long double y);
static long double r_add(long double x, long double y) { return x + y; }
static long double r_sub(long double x, long double y) { return x - y; }
static long double r_mul(long double x, long double y) { return x * y; }
static long double r_div(long double x, long double y) { return x / y; }
static long double r_max(long double x, long double y) { return fmaxl(x, y); }
static long double r_min(long double x, long double y) { return fminl(x, y); }
static long double r_pow(long double x, long double y) { return powl(x, y); }
static long double r_neg(long double x, long double y) { return -x + 0 * y; }
static long double r_abs(long double x, long double y) { return fabsl(x) + 0 * y; }
static long double r_exp(long double x, long double y) { return expl(x) + 0 * y; }
static long double r_log(long double x, long double y) { return logl(x) + 0 * y; }
static long double r_sqrt(long double x, long double y) { return sqrtl(x) + 0 * y; }
static long double r_rsqrt(long double x, long double y) { return 1 / sqrtl(x) + 0 * y; }
static long double r_tanh(long double x, long double y) { return tanhl(x) + 0 * y; }
static long double r_erf(long double x, long double y) { return erfl(x) + 0 * y; }
static long double r_sin(long double x, long double y) { return sinl(x) + 0 * y; }
static long double r_cos(long double x, long double y) { return cosl(x) + 0 * y; }
static long double r_sigmoid(long double x, long double y) { return expl(x) / (expl(x) + 1) + 0 * y; }
static long double r_silu(long double x, long double y) { return x * r_sigmoid(x, y); }
static long double r_relu(long double x, long double y) { return x > 0 ? x : 0 * y; }
static long double r_gelu_erf(long double x, long double y) { return x * (1 + erfl(x / sqrtl(2))) / 2 + 0 * y; }
static long double r_gelu_tanh(long double x, long double y)
{
    return x / 2 * (1 + tanhl(sqrtl(2 / 3.14159265358979323846264L) * (x + 0.044715L * x * x * x))) + 0 * y;
}

typedef struct ElementwiseCase {
    LigOpCode code;
    int operands;
    Reference *reference;
    double low, high;
    const char *form;
} ElementwiseCase;

static const ElementwiseCase elementwise_cases[] = {
    {LIG_OP_ADD, 2, r_add, -4, 4, NULL},        {LIG_OP_SUB, 2, r_sub, -4, 4, NULL},
    {LIG_OP_MUL, 2, r_mul, -4, 4, NULL},        {LIG_OP_DIV, 2, r_div, 0.25, 4, NULL},
    {LIG_OP_MAX, 2, r_max, -4, 4, NULL},        {LIG_OP_MIN, 2, r_min, -4, 4, NULL},
    {LIG_OP_POW, 2, r_pow, 0.25, 4, NULL},      {LIG_OP_NEG, 1, r_neg, -4, 4, NULL},
    {LIG_OP_ABS, 1, r_abs, -4, 4, NULL},        {LIG_OP_EXP, 1, r_exp, -9, 9, NULL},
    {LIG_OP_LOG, 1, r_log, 0.01, 9, NULL},      {LIG_OP_SQRT, 1, r_sqrt, 0, 9, NULL},
    {LIG_OP_RSQRT, 1, r_rsqrt, 0.01, 9, NULL},  {LIG_OP_TANH, 1, r_tanh, -4, 4, NULL},
    {LIG_OP_ERF, 1, r_erf, -4, 4, NULL},        {LIG_OP_SIN, 1, r_sin, -9, 9, NULL},
    {LIG_OP_COS, 1, r_cos, -9, 9, NULL},        {LIG_OP_SIGMOID, 1, r_sigmoid, -30, 30, NULL},
    {LIG_OP_SILU, 1, r_silu, -30, 30, NULL},    {LIG_OP_RELU, 1, r_relu, -4, 4, NULL},
    {LIG_OP_GELU, 1, r_gelu_erf, -4, 4, "erf"}, {LIG_OP_GELU, 1, r_gelu_tanh, -4, 4, "tanh"},
};

// Shapes of both operands and how element i of the result maps to each: i / div % mod.
typedef struct BroadcastCase {
    int64_t x[2], y[2];
    int64_t x_div, x_mod, y_div, y_mod;
} BroadcastCase;

static const BroadcastCase broadcast_cases[] = {
    {{1, 1}, {1, 1}, 1, 1, 1, 1},     {{1, 31}, {1, 31}, 1, 31, 1, 31},  {{5, 33}, {5, 33}, 1, 165, 1, 165},
    {{5, 1}, {5, 33}, 33, 5, 1, 165}, {{7, 17}, {1, 17}, 1, 119, 1, 17}, {{3, 1}, {1, 13}, 13, 3, 1, 13},
};

static void check_elementwise(const ElementwiseCase *c, const BroadcastCase *b, LigDtype dtype, uint64_t *seed)
{
    LigAttr form = {.key = LIG_ATTR_FORM, .value.name = c->form ? lig_str(c->form) : no_name};
    OneOp one = {.code = c->code, .attrs = {&form, c->form ? 1 : 0}, .count = (size_t)c->operands};
    one.operands[0] = new_tensor(dtype, 2, b->x, (LigLayout){0});
    one.operands[1] = new_tensor(dtype, 2, b->y, (LigLayout){0});
    for (int i = 0; i < 2; i++) fill_random(&one.operands[i], seed, c->low, c->high);
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    int64_t x_div = c->operands == 2 ? b->x_div : 1;
    int64_t x_mod = c->operands == 2 ? b->x_mod : tensor_count(&out);
    for (int64_t i = 0; i < tensor_count(&out); i++) {
        long double x = number_at(&one.operands[0], i / x_div % x_mod);
        long double y = number_at(&one.operands[1], c->operands == 2 ? i / b->y_div % b->y_mod : 0);
        long double want = c->reference(x, y);
        expect(&out, i, want, fabsl(want) + fabsl(x) + fabsl(y), lig_op_info(c->code)->name);
    }
    lig_free(out.data);
    free(one.operands[0].data), free(one.operands[1].data);
}

static void elementwise_ops_agree_with_long_double(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (size_t c = 0; c < sizeof elementwise_cases / sizeof *elementwise_cases; c++) {
        for (size_t b = 0; b < sizeof broadcast_cases / sizeof *broadcast_cases; b++) {
            for (size_t d = 0; d < 4; d++)
                check_elementwise(&elementwise_cases[c], &broadcast_cases[b], floats[d], &seed);
        }
    }
}

static void integers_wrap_and_divide_toward_zero(void **state)
{
    (void)state;
    static const struct {
        LigOpCode code;
        int32_t x, y, want;
    } cases[] = {
        {LIG_OP_ADD, INT32_MAX, 1, INT32_MIN},
        {LIG_OP_SUB, INT32_MIN, 1, INT32_MAX},
        {LIG_OP_MUL, 65536, 65537, 65536},
        {LIG_OP_DIV, -7, 2, -3},
        {LIG_OP_DIV, INT32_MIN, -1, INT32_MIN},
        {LIG_OP_MAX, -3, 2, 2},
        {LIG_OP_MIN, -3, 2, -3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OneOp one = {.code = cases[i].code, .count = 2};
        one.operands[0] = INTEGERS(cases[i].x);
        one.operands[1] = INTEGERS(cases[i].y);
        LigTensor out;
        assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
        assert_int_equal(*(int32_t *)out.data, cases[i].want);
        lig_free(out.data);
        free_operands(&one);
    }
}

static void special_values_and_casts(void **state)
{
    (void)state;
    static const struct {
        LigOpCode code;
        double x, want;
        LigDtype to;
    } cases[] = {
        {LIG_OP_SILU, -HUGE_VAL, 0, LIG_F32},
        {LIG_OP_EXP, -HUGE_VAL, 0, LIG_F32},
        {LIG_OP_RELU, (double)NAN, (double)NAN, LIG_F32},
        {LIG_OP_CAST, 2.75, 2, LIG_I32},
        {LIG_OP_CAST, -2.75, -2, LIG_I8},
        {LIG_OP_CAST, 300, 127, LIG_I8},
        {LIG_OP_CAST, (double)NAN, 0, LIG_I64},
        {LIG_OP_CAST, 0.25, 1, LIG_BOOL},
        {LIG_OP_CAST, 1.00390625, 1.0, LIG_BF16},
        {LIG_OP_CAST, 65520, HUGE_VAL, LIG_F16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigShape to = {.dtype = cases[i].to, .rank = 1, .dims = {1}};
        OneOp one = {.code = cases[i].code, .count = 1, .stated = cases[i].code == LIG_OP_CAST ? &to : NULL};
        one.operands[0] = TENSOR(LIG_F32, 1);
        lig_shape_set(&one.operands[0].shape, one.operands[0].data, 0, cases[i].x);
        LigTensor out;
        assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
        assert_int_equal(out.shape.dtype, cases[i].to);
        assert_true(compare_equal(COMPARE_EXACT, LIG_F64, tensor_at(&out, 0), cases[i].want, 0));
        lig_free(out.data);
        free_operands(&one);
    }
}

// ---- rows ----

static LigAttr eps_attr(double eps) { return (LigAttr){.key = LIG_ATTR_EPS, .value.real = eps}; }

static void check_norm(LigOpCode code, LigDtype dtype, int64_t columns, bool extra)
{
    uint64_t seed = (uint64_t)columns;
    bool layer = code == LIG_OP_LAYER_NORM;
    LigAttr attrs[] = {eps_attr(1e-5), {.key = LIG_ATTR_UNIT_OFFSET}};
    OneOp one = {.code = code, .attrs = {attrs, !layer && extra ? 2 : 1}, .count = layer && extra ? 3 : 2};
    one.operands[0] = TENSOR(dtype, 3, columns);
    one.operands[1] = TENSOR(extra ? dtype : LIG_F32, columns);
    one.operands[2] = TENSOR(extra ? dtype : LIG_F32, columns);
    for (int i = 0; i < 3; i++) fill_random(&one.operands[i], &seed, -2, 2);
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    for (int64_t r = 0; r < 3; r++) {
        long double mean = 0, square = 0;
        for (int64_t c = 0; layer && c < columns; c++) mean += number_at(&one.operands[0], r * columns + c);
        mean /= columns;
        for (int64_t c = 0; c < columns; c++)
            square += powl(number_at(&one.operands[0], r * columns + c) - mean, 2) / columns;
        for (int64_t c = 0; c < columns; c++) {
            long double w = number_at(&one.operands[1], c) + (!layer && extra ? 1 : 0);
            long double b = layer && extra ? number_at(&one.operands[2], c) : 0;
            long double x = number_at(&one.operands[0], r * columns + c) - mean;
            expect(&out, r * columns + c, x / sqrtl(square + 1e-5L) * w + b, 64, "norm");
        }
    }
    lig_free(out.data);
    for (int i = 0; i < 3; i++) free(one.operands[i].data);
}

static void norms_agree_with_long_double(void **state)
{
    (void)state;
    static const int64_t columns[] = {1, 7, 33, 576};
    for (size_t c = 0; c < 4; c++) {
        for (size_t d = 0; d < 4; d++) {
            for (int extra = 0; extra < 2; extra++) {
                check_norm(LIG_OP_RMS_NORM, floats[d], columns[c], extra);
                check_norm(LIG_OP_LAYER_NORM, floats[d], columns[c], extra);
            }
        }
    }
}

static void softmax_sums_to_one_and_keeps_empty_rows(void **state)
{
    (void)state;
    uint64_t seed = 5;
    LigAttr empty = {.key = LIG_ATTR_EMPTY, .value.name = LIG_STR("zero")};
    for (int64_t zero = 0; zero < 2; zero++) {
        OneOp one = {.code = LIG_OP_SOFTMAX, .attrs = {&empty, (size_t)zero}, .count = 1};
        one.operands[0] = TENSOR(LIG_F32, 3, 17);
        fill_random(&one.operands[0], &seed, 900, 1000); // exp alone would overflow
        for (int64_t i = 34; i < 51; i++)
            lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, -HUGE_VAL);
        lig_shape_set(&one.operands[0].shape, one.operands[0].data, 3, -HUGE_VAL);
        LigTensor out;
        assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
        for (int64_t r = 0; r < 2; r++) {
            long double sum = 0;
            for (int64_t c = 0; c < 17; c++) sum += expl(number_at(&one.operands[0], r * 17 + c) - 1000.0L);
            for (int64_t c = 0; c < 17; c++)
                expect(&out, r * 17 + c, expl(number_at(&one.operands[0], r * 17 + c) - 1000.0L) / sum, 1,
                       "softmax");
        }
        assert_true(tensor_at(&out, 3) == 0.0);
        assert_true(zero ? tensor_at(&out, 40) == 0.0 : isnan(tensor_at(&out, 40)));
        lig_free(out.data);
        free_operands(&one);
    }
}

// How [3, 5, 7] is reduced: element i goes to result i / divisor % count.
typedef struct Reduction {
    int64_t axes[2];
    size_t axis_count;
    bool keep;
    int64_t divisor, count;
    int rank;
} Reduction;

static const Reduction reductions[] = {
    {{0}, 1, false, 1, 35, 2},
    {{-1}, 1, true, 7, 15, 3},
    {{1, 2}, 2, false, 35, 3, 1},
};

static void check_reduction(const Reduction *r, bool max, uint64_t *seed)
{
    LigAttr attrs[] = {{.key = LIG_ATTR_AXES, .value.integers = {r->axes, r->axis_count}},
                       {.key = LIG_ATTR_KEEP}};
    OneOp one = {.code = max ? LIG_OP_REDUCE_MAX : LIG_OP_SUM, .attrs = {attrs, r->keep ? 2 : 1}, .count = 1};
    one.operands[0] = TENSOR(LIG_F32, 3, 5, 7);
    fill_random(&one.operands[0], seed, -1, 1);
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    long double want[35];
    for (int i = 0; i < 35; i++) want[i] = max ? -HUGE_VALL : 0;
    for (int64_t i = 0; i < 105; i++) {
        int64_t at = i / r->divisor % r->count;
        long double x = number_at(&one.operands[0], i);
        want[at] = max ? fmaxl(want[at], x) : want[at] + x;
    }
    assert_int_equal(tensor_count(&out), r->count);
    assert_int_equal(out.shape.rank, r->rank);
    for (int64_t i = 0; i < r->count; i++) expect(&out, i, want[i], 35, "reduction");
    lig_free(out.data);
    free_operands(&one);
}

static void reductions_fold_the_axes_named(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (size_t i = 0; i < sizeof reductions / sizeof *reductions; i++) {
        check_reduction(&reductions[i], false, &seed);
        check_reduction(&reductions[i], true, &seed);
    }
}

// ---- linear ----

static double half_value(const unsigned char *at)
{
    unsigned bits = at[0] | (unsigned)at[1] << 8;
    int exponent = bits >> 10 & 31;
    double fraction = exponent ? 1 + (bits & 1023) / 1024.0 : (bits & 1023) / 1024.0;
    return (bits >> 15 ? -1 : 1) * ldexp(fraction, (exponent ? exponent : 1) - 15);
}

// Blocks of random values with scales and minima around 2^-6.
static void fill_blocks(LigTensor *t, uint64_t *seed)
{
    size_t bytes, block = (size_t)lig_dtype_block_bytes(t->shape.dtype);
    assert_true(lig_shape_bytes(&t->shape, &bytes));
    unsigned char *data = t->data;
    for (size_t i = 0; i < bytes; i++) {
        data[i] = (unsigned char)next_random(seed);
        bool high_of_half = i % block == 1 || (i % block == 3 && t->shape.dtype == LIG_Q4_1);
        if (high_of_half) data[i] = (data[i] & 0x83) | 0x24;
    }
}

// Element i of rows of blocks, by GGUF's definition.
static double block_value(const LigTensor *t, int64_t i)
{
    const unsigned char *b = (const unsigned char *)t->data + i / 32 * lig_dtype_block_bytes(t->shape.dtype);
    int64_t c = i % 32;
    double d = half_value(b);
    if (t->shape.dtype == LIG_Q8_0) return (double)(float)(d * (signed char)b[2 + c]);
    int header = t->shape.dtype == LIG_Q4_1 ? 4 : 2;
    int q = c < 16 ? b[header + c] & 15 : b[header + c - 16] >> 4;
    if (t->shape.dtype == LIG_Q4_0) return (double)(float)(d * (q - 8));
    return (double)(float)(d * q + half_value(b + 2));
}

static long double weight_value(const LigTensor *w, int64_t i)
{
    return lig_dtype_is_quantised(w->shape.dtype) ? (long double)block_value(w, i) : number_at(w, i);
}

typedef struct LinearCase {
    int64_t rows, outputs, columns;
    LigDtype x, weight;
    LigLayout layout; // of a second run, which must give the same bits
} LinearCase;

static const LinearCase linear_cases[] = {
    {1, 1, 1, LIG_F32, LIG_F32, {LIG_LAYOUT_PANEL, 16, 1}},
    {3, 7, 13, LIG_F32, LIG_F32, {LIG_LAYOUT_PANEL, 16, 1}},
    {5, 33, 31, LIG_F64, LIG_F64, {LIG_LAYOUT_PANEL, 16, 1}},
    {2, 17, 34, LIG_BF16, LIG_BF16, {LIG_LAYOUT_PANEL, 16, 2}},
    {2, 17, 34, LIG_F16, LIG_F16, {LIG_LAYOUT_PANEL, 32, 2}},
    {3, 5, 9, LIG_F32, LIG_BF16, {LIG_LAYOUT_PANEL, 16, 1}},
    {1, 1, 32, LIG_F32, LIG_Q8_0, {LIG_LAYOUT_PANEL, 16, 32}},
    {3, 33, 96, LIG_F32, LIG_Q8_0, {LIG_LAYOUT_PANEL, 32, 32}},
    {1, 1, 32, LIG_F32, LIG_Q4_0, {LIG_LAYOUT_PANEL, 16, 32}},
    {3, 33, 96, LIG_F32, LIG_Q4_0, {LIG_LAYOUT_PANEL, 16, 32}},
    {1, 1, 32, LIG_F32, LIG_Q4_1, {LIG_LAYOUT_PANEL, 16, 32}},
    {5, 47, 64, LIG_BF16, LIG_Q4_1, {LIG_LAYOUT_PANEL, 32, 32}},
};

static LigTensor packed(const LigTensor *t, LigLayout layout)
{
    LigShape stated = t->shape;
    stated.layout = layout;
    OneOp one = {.code = LIG_OP_PACK, .stated = &stated, .operands = {*t}, .count = 1};
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    return out;
}

static void check_linear(const LinearCase *c, uint64_t *seed)
{
    OneOp one = {.code = LIG_OP_LINEAR, .count = 2};
    one.operands[0] = TENSOR(c->x, c->rows, c->columns);
    one.operands[1] = TENSOR(c->weight, c->outputs, c->columns);
    fill_random(&one.operands[0], seed, -1, 1);
    if (lig_dtype_is_quantised(c->weight))
        fill_blocks(&one.operands[1], seed);
    else
        fill_random(&one.operands[1], seed, -1, 1);
    LigTensor out, again, panels = packed(&one.operands[1], c->layout);
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    for (int64_t i = 0; i < c->rows * c->outputs; i++) {
        long double want = 0, magnitude = 0;
        for (int64_t k = 0; k < c->columns; k++) {
            long double x = number_at(&one.operands[0], i / c->outputs * c->columns + k);
            long double product = x * weight_value(&one.operands[1], i % c->outputs * c->columns + k);
            want += product;
            magnitude += fabsl(product);
        }
        expect(&out, i, want, magnitude, lig_dtype_name(c->weight));
    }
    OneOp second = {.code = LIG_OP_LINEAR, .operands = {one.operands[0], panels}, .count = 2};
    assert_int_equal(run_one_op(&second, &again, NULL), LIG_OK);
    size_t bytes;
    assert_true(lig_shape_bytes(&out.shape, &bytes));
    assert_memory_equal(out.data, again.data, bytes);
    lig_free(out.data), lig_free(again.data), lig_free(panels.data);
    free_operands(&one);
}

static void linear_agrees_and_layouts_give_the_same_bits(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (size_t i = 0; i < sizeof linear_cases / sizeof *linear_cases; i++)
        check_linear(&linear_cases[i], &seed);
}

// q8a: i8[32], f32 scale, i32 sum, i32 sum of the first 16.
static void fill_activations(LigTensor *t, uint64_t *seed)
{
    unsigned char *block = t->data;
    for (int64_t b = 0; b < tensor_count(t) / 32; b++, block += 44) {
        int32_t sum = 0;
        float scale = (float)random_between(seed, 0.01, 0.02);
        for (int i = 0; i < 32; i++) {
            int8_t q = (int8_t)((int)(next_random(seed) % 255) - 127);
            memcpy(block + i, &q, 1);
            sum += q;
        }
        memcpy(block + 32, &scale, sizeof scale);
        memcpy(block + 36, &sum, sizeof sum);
    }
}

static long double activation(const LigTensor *t, int64_t i)
{
    const unsigned char *block = (const unsigned char *)t->data + i / 32 * 44;
    float scale;
    memcpy(&scale, block + 32, sizeof scale);
    return (long double)scale * (signed char)block[i % 32];
}

static void linear_of_quantised_activations(void **state)
{
    (void)state;
    static const LigDtype weights[] = {LIG_Q8_0, LIG_Q4_0, LIG_Q4_1, LIG_F32};
    uint64_t seed = 8;
    for (size_t w = 0; w < 4; w++) {
        OneOp one = {.code = LIG_OP_LINEAR, .count = 2};
        one.operands[0] = TENSOR(LIG_Q8A, 3, 96);
        one.operands[1] = TENSOR(weights[w], 5, 96);
        fill_activations(&one.operands[0], &seed);
        if (weights[w] == LIG_F32)
            fill_random(&one.operands[1], &seed, -1, 1);
        else
            fill_blocks(&one.operands[1], &seed);
        LigTensor out;
        assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
        for (int64_t i = 0; i < 15; i++) {
            long double want = 0, magnitude = 0;
            for (int64_t k = 0; k < 96; k++) {
                long double product = activation(&one.operands[0], i / 5 * 96 + k) *
                                      weight_value(&one.operands[1], i % 5 * 96 + k);
                want += product;
                magnitude += fabsl(product);
            }
            // The reference rounds each weight to f32, integer dots do not.
            double error = fabs(tensor_at(&out, i) - (double)want);
            assert_true(error <= compare_bound(COMPARE_CONTRACT, LIG_F32, (double)want, (double)magnitude));
        }
        lig_free(out.data);
        free_operands(&one);
    }
}

static void activations_are_cast_to_their_values(void **state)
{
    (void)state;
    uint64_t seed = 12;
    LigShape stated = {.dtype = LIG_F32, .rank = 2, .dims = {3, 64}};
    OneOp one = {.code = LIG_OP_CAST, .stated = &stated, .operands = {TENSOR(LIG_Q8A, 3, 64)}, .count = 1};
    fill_activations(&one.operands[0], &seed);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 192; i++) expect(&out, i, activation(&one.operands[0], i), 0, "cast");
    finish(&one, &out, 1);
}

// ---- attention ----

typedef struct AttentionCase {
    int64_t heads, kv_heads, width, window; // window 0: none
    double softcap;
    bool causal;
    LigDtype q, kv;
    bool flat; // keys of the call's own tokens, no slots
} AttentionCase;

static const AttentionCase attention_cases[] = {
    {1, 1, 1, 0, 0, true, LIG_F32, LIG_F32, false},   {9, 3, 64, 0, 0, true, LIG_F32, LIG_BF16, false},
    {4, 2, 7, 2, 0, true, LIG_F32, LIG_F16, false},   {4, 1, 33, 0, 5, true, LIG_BF16, LIG_BF16, false},
    {2, 2, 13, 0, 0, false, LIG_F64, LIG_F64, false}, {3, 3, 8, 3, 2, false, LIG_F32, LIG_F32, false},
    {2, 1, 5, 4, 0, false, LIG_F32, LIG_BF16, false}, {4, 2, 7, 0, 0, false, LIG_F32, LIG_F32, true},
    {4, 1, 13, 2, 3, false, LIG_F32, LIG_F32, true},  {3, 3, 1, 3, 0, false, LIG_BF16, LIG_BF16, true},
    {2, 2, 64, 0, 0, true, LIG_F32, LIG_F16, true},   {6, 3, 8, 2, 0, true, LIG_F64, LIG_F64, true},
    {2, 1, 17, 0, 0, true, LIG_F16, LIG_F16, false},
};

enum { ROWS = 4, TOKENS = 9, CAPACITY = 11, SLOTS = 5 };
static const int32_t starts[] = {0, 3, 3, 7, 8}; // an empty row; token 8 is of no row
static const int32_t slots[] = {4, 0, 2, 1};
static const int32_t lengths[] = {5, 2, 3, 0}; // of row 2: shorter than the positions; of row 3: no keys
static const int32_t positions[] = {2, 3, 4, 2, 3, 4, 10, 0, 0};
// Of flat keys: row 0 hides its last token, row 2 asks for more keys than it has.
static const int32_t flat_lengths[] = {2, 2, 9, 0};
static const int32_t flat_positions[] = {0, 1, 2, 0, 1, 2, 3, 0, 0};

static int row_of(int64_t token)
{
    for (int r = 0; r < ROWS; r++) {
        if (token >= starts[r] && token < starts[r + 1]) return r;
    }
    return -1;
}

static long double score_of(const AttentionCase *c, const OneOp *one, int64_t query, int64_t key)
{
    long double score = 0;
    for (int64_t d = 0; d < c->width; d++)
        score += number_at(&one->operands[0], query + d) * number_at(&one->operands[1], key + d);
    score *= 0.3L;
    long double cap = (long double)c->softcap;
    return cap > 0 ? cap * tanhl(score / cap) : score;
}

static bool is_seen(const AttentionCase *c, int64_t pos, int64_t key)
{
    if (c->causal) return key <= pos && (!c->window || key > pos - c->window);
    return !c->window || (key >= pos - c->window / 2 && key <= pos + c->window / 2);
}

static int64_t key_of(const AttentionCase *c, int row, int64_t head, int64_t j)
{
    if (c->flat) return ((starts[row] + j) * c->kv_heads + head) * c->width;
    return ((slots[row] * c->kv_heads + head) * CAPACITY + j) * c->width;
}

static void expect_attention(const AttentionCase *c, const OneOp *one, const LigTensor *out, int64_t query)
{
    int64_t token = query / c->heads, head = query % c->heads / (c->heads / c->kv_heads), keys = 0;
    int64_t pos = c->flat ? flat_positions[token] : positions[token];
    int row = row_of(token);
    long double total = 0, want[64] = {0};
    if (row >= 0) keys = c->flat ? flat_lengths[row] : lengths[row];
    if (row >= 0 && c->flat && keys > starts[row + 1] - starts[row]) keys = starts[row + 1] - starts[row];
    for (int64_t j = 0; j < keys; j++) {
        if (!is_seen(c, pos, j)) continue;
        int64_t key = key_of(c, row, head, j);
        long double weight = expl(score_of(c, one, query * c->width, key));
        total += weight;
        for (int64_t d = 0; d < c->width; d++) want[d] += weight * number_at(&one->operands[2], key + d);
    }
    for (int64_t d = 0; d < c->width; d++)
        expect(out, query * c->width + d, total > 0 ? want[d] / total : 0, 4, "attention");
}

static LigTensor new_keys(const AttentionCase *c)
{
    if (c->flat) return TENSOR(c->kv, TOKENS, c->kv_heads, c->width);
    return TENSOR(c->kv, SLOTS, c->kv_heads, CAPACITY, c->width);
}

static void check_attention(const AttentionCase *c, uint64_t *seed)
{
    LigAttr attrs[4] = {{.key = LIG_ATTR_SCALE, .value.real = 0.3}};
    size_t count = 1;
    if (c->causal) attrs[count++] = (LigAttr){.key = LIG_ATTR_CAUSAL};
    if (c->window) attrs[count++] = (LigAttr){.key = LIG_ATTR_WINDOW, .value.integer = c->window};
    if (c->softcap > 0) attrs[count++] = (LigAttr){.key = LIG_ATTR_SOFTCAP, .value.real = c->softcap};
    OneOp one = {.code = LIG_OP_ATTENTION, .attrs = {attrs, count}, .count = c->flat ? 6 : 7};
    one.operands[0] = TENSOR(c->q, TOKENS, c->heads, c->width);
    one.operands[1] = new_keys(c);
    one.operands[2] = new_keys(c);
    for (int i = 0; i < 3; i++) fill_random(&one.operands[i], seed, -1, 1);
    one.operands[3] = integers(c->flat ? flat_positions : positions, TOKENS);
    one.operands[4] = integers(starts, ROWS + 1);
    one.operands[5] = integers(c->flat ? flat_lengths : lengths, ROWS);
    if (!c->flat) one.operands[6] = integers(slots, ROWS);
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    for (int64_t query = 0; query < TOKENS * c->heads; query++) expect_attention(c, &one, &out, query);
    lig_free(out.data);
    free_operands(&one);
}

static void attention_of_rows_slots_groups_and_windows(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (size_t i = 0; i < sizeof attention_cases / sizeof *attention_cases; i++)
        check_attention(&attention_cases[i], &seed);
}

// ---- moves and views ----

static void rope_rotates_pairs_and_leaves_the_rest(void **state)
{
    (void)state;
    static const char *const forms[] = {"adjacent", "half"};
    uint64_t seed = 10;
    for (int at = 0; at < 2 * FLOATS; at++) {
        int form = at % 2;
        LigAttr pairs = {.key = LIG_ATTR_PAIRS, .value.name = lig_str(forms[form])};
        OneOp one = {.code = LIG_OP_ROPE, .attrs = {&pairs, 1}, .count = 3};
        one.operands[0] = TENSOR(floats[at / 2], 3, 1, 17); // 2F = 6 of 17
        one.operands[1] = INTEGERS(0, 7, 8191);
        one.operands[2] = TENSOR(LIG_F32, 3);
        fill_random(&one.operands[0], &seed, -1, 1);
        fill_random(&one.operands[2], &seed, 0.1, 1);
        LigTensor out;
        assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
        for (int64_t i = 0; i < 51; i++) {
            int64_t c = i % 17, pair = form ? c % 3 : c / 2, base = i - c;
            bool second = form ? c >= 3 : c % 2;
            int64_t a = base + (form ? pair : 2 * pair), b = form ? a + 3 : a + 1;
            if (c >= 6) {
                assert_true(number_at(&out, i) == number_at(&one.operands[0], i));
                continue;
            }
            float angle = (float)number_at(&one.operands[1], i / 17) * (float)number_at(&one.operands[2], pair);
            long double x = number_at(&one.operands[0], a), y = number_at(&one.operands[0], b);
            long double sine = sinl((long double)angle), cosine = cosl((long double)angle);
            expect(&out, i, second ? x * sine + y * cosine : x * cosine - y * sine, 2, forms[form]);
        }
        lig_free(out.data);
        free_operands(&one);
    }
}

static void gather_reads_rows_of_every_storage(void **state)
{
    (void)state;
    static const LigDtype tables[] = {LIG_F32, LIG_BF16, LIG_Q8_0, LIG_Q4_0, LIG_Q4_1};
    uint64_t seed = 11;
    LigAttr axis = {.key = LIG_ATTR_AXIS};
    for (size_t t = 0; t < 5; t++) {
        LigTensor table = TENSOR(tables[t], 19, 64), ids = INTEGERS(18, 0, 5, 5), out;
        bool quantised = lig_dtype_is_quantised(tables[t]);
        quantised ? fill_blocks(&table, &seed) : fill_random(&table, &seed, -1, 1);
        LigTensor panels = packed(&table, (LigLayout){LIG_LAYOUT_PANEL, 16, quantised ? 32 : 2});
        for (int layout = 0; layout < 2; layout++) {
            OneOp one = {.code = LIG_OP_GATHER,
                         .attrs = {&axis, 1},
                         .operands = {layout ? panels : table, ids},
                         .count = 2};
            assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
            assert_int_equal(out.shape.dtype, quantised ? LIG_F32 : tables[t]);
            for (int64_t i = 0; i < 4 * 64; i++) {
                int64_t id = ((int32_t *)ids.data)[i / 64];
                assert_true(number_at(&out, i) == weight_value(&table, id * 64 + i % 64));
            }
            lig_free(out.data);
        }
        lig_free(panels.data), free(table.data), free(ids.data);
    }
}

static void gather_along_an_inner_axis(void **state)
{
    (void)state;
    LigAttr axis = {.key = LIG_ATTR_AXIS, .value.integer = -2};
    OneOp one = {.code = LIG_OP_GATHER, .attrs = {&axis, 1}, .count = 2};
    one.operands[0] = TENSOR(LIG_F32, 2, 3, 5);
    one.operands[1] = INTEGERS(2, 0);
    for (int64_t i = 0; i < 30; i++) lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, (double)i);
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    assert_int_equal(tensor_count(&out), 20);
    for (int64_t i = 0; i < 20; i++) {
        int64_t id = i / 5 % 2 ? 0 : 2, from = i / 10 * 15 + id * 5 + i % 5;
        assert_true(tensor_at(&out, i) == (double)from);
    }
    lig_free(out.data);
    free_operands(&one);
}

// Operand 0 holds its flat indices, so that results tell where elements came from.
static void expect_indices(LigOpCode code, LigAttrs attrs, const LigShape *stated, const LigShape *x,
                           const int64_t *want)
{
    OneOp one = {.code = code, .attrs = attrs, .stated = stated, .count = 1};
    one.operands[0] = new_tensor(x->dtype, x->rank, x->dims, (LigLayout){0});
    for (int64_t i = 0; i < tensor_count(&one.operands[0]); i++)
        lig_shape_set_integer(x, one.operands[0].data, i, i);
    LigTensor out;
    assert_int_equal(run_one_op(&one, &out, NULL), LIG_OK);
    for (int64_t i = 0; i < tensor_count(&out); i++)
        assert_int_equal(lig_shape_get_integer(&out.shape, out.data, i), want[i]);
    lig_free(out.data);
    free_operands(&one);
}

static void views_take_the_elements_they_name(void **state)
{
    (void)state;
    LigShape x = {.dtype = LIG_I32, .rank = 2, .dims = {2, 3}};
    LigShape flat = {.dtype = LIG_I32, .rank = 1, .dims = {6}},
             wide = {.dtype = LIG_I32, .rank = 3, .dims = {2, 2, 3}};
    LigAttr perm = {.key = LIG_ATTR_PERM, .value.integers = {(const int64_t[]){1, 0}, 2}};
    LigAttr slice[] = {{.key = LIG_ATTR_AXIS, .value.integer = -1},
                       {.key = LIG_ATTR_BEGIN, .value.integer = 0},
                       {.key = LIG_ATTR_END, .value.integer = 3},
                       {.key = LIG_ATTR_STEP, .value.integer = 2}};
    expect_indices(LIG_OP_RESHAPE, (LigAttrs){0}, &flat, &x, (const int64_t[]){0, 1, 2, 3, 4, 5});
    expect_indices(LIG_OP_TRANSPOSE, (LigAttrs){&perm, 1}, NULL, &x, (const int64_t[]){0, 3, 1, 4, 2, 5});
    expect_indices(LIG_OP_SLICE, (LigAttrs){slice, 4}, NULL, &x, (const int64_t[]){0, 2, 3, 5});
    expect_indices(LIG_OP_BROADCAST, (LigAttrs){0}, &wide, &x,
                   (const int64_t[]){0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5});
}

static void concat_and_iota(void **state)
{
    (void)state;
    LigAttr axis = {.key = LIG_ATTR_AXIS, .value.integer = 1};
    OneOp join = {.code = LIG_OP_CONCAT, .attrs = {&axis, 1}, .count = 2};
    join.operands[0] = TENSOR(LIG_I32, 2, 2);
    join.operands[1] = TENSOR(LIG_I32, 2, 1);
    for (int i = 0; i < 4; i++) ((int32_t *)join.operands[0].data)[i] = 10 + i;
    for (int i = 0; i < 2; i++) ((int32_t *)join.operands[1].data)[i] = 20 + i;
    LigTensor out;
    assert_int_equal(run_one_op(&join, &out, NULL), LIG_OK);
    assert_memory_equal(out.data, ((const int32_t[]){10, 11, 20, 12, 13, 21}), 24);
    lig_free(out.data);
    free_operands(&join);
    LigShape stated = {.dtype = LIG_I64, .rank = 2, .dims = {2, 3}};
    OneOp count = {.code = LIG_OP_IOTA, .attrs = {&axis, 1}, .stated = &stated};
    assert_int_equal(run_one_op(&count, &out, NULL), LIG_OK);
    assert_memory_equal(out.data, ((const int64_t[]){0, 1, 2, 0, 1, 2}), 48);
    lig_free(out.data);
}

// ---- errors ----

static void expect_failure(OneOp *one, const char *words)
{
    LigTensor out;
    char message[256] = "";
    assert_int_equal(run_one_op(one, &out, message), LIG_ERR_INVALID);
    if (!strstr(message, words)) fail_msg("\"%s\" does not say \"%s\"", message, words);
    assert_null(out.data);
    free_operands(one);
}

static OneOp append_of(int32_t slot, int32_t start, int32_t pos)
{
    OneOp one = {.code = LIG_OP_APPEND, .count = 5};
    one.operands[0] = TENSOR(LIG_F32, 2, 1, 3, 2);
    one.operands[1] = TENSOR(LIG_F32, 1, 1, 2);
    one.operands[2] = INTEGERS(slot);
    one.operands[3] = INTEGERS(start, 1);
    one.operands[4] = INTEGERS(pos);
    return one;
}

static void bad_indices_are_errors(void **state)
{
    (void)state;
    LigAttr axis = {.key = LIG_ATTR_AXIS};
    OneOp gather = {.code = LIG_OP_GATHER, .attrs = {&axis, 1}, .count = 2};
    gather.operands[0] = TENSOR(LIG_F32, 3, 2);
    gather.operands[1] = INTEGERS(0, 3);
    expect_failure(&gather, "element 1 of %a1 is 3");
    OneOp appends[] = {append_of(2, 0, 0),  append_of(-1, 0, 0), append_of(0, 2, 0),
                       append_of(0, -1, 0), append_of(0, 0, 3),  append_of(0, 0, -1)};
    static const char *const words[] = {"slot[0] is 2",   "slot[0] is -1", "start[0] is 2",
                                        "start[0] is -1", "pos[0] is 3",   "pos[0] is -1"};
    for (size_t i = 0; i < 6; i++) expect_failure(&appends[i], words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_ops_agree_with_long_double),
        cmocka_unit_test(integers_wrap_and_divide_toward_zero),
        cmocka_unit_test(special_values_and_casts),
        cmocka_unit_test(norms_agree_with_long_double),
        cmocka_unit_test(softmax_sums_to_one_and_keeps_empty_rows),
        cmocka_unit_test(reductions_fold_the_axes_named),
        cmocka_unit_test(linear_agrees_and_layouts_give_the_same_bits),
        cmocka_unit_test(linear_of_quantised_activations),
        cmocka_unit_test(activations_are_cast_to_their_values),
        cmocka_unit_test(attention_of_rows_slots_groups_and_windows),
        cmocka_unit_test(rope_rotates_pairs_and_leaves_the_rest),
        cmocka_unit_test(gather_reads_rows_of_every_storage),
        cmocka_unit_test(gather_along_an_inner_axis),
        cmocka_unit_test(views_take_the_elements_they_name),
        cmocka_unit_test(concat_and_iota),
        cmocka_unit_test(bad_indices_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
