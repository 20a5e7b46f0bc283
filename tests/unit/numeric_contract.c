// dot, conv1d, dense attention and grouped_linear by the interpreter, against sums in long double.
#include "tests/numeric/expect.h"

// Strides of a row-major tensor.
static int64_t at(const LigTensor *t, const int64_t *index)
{
    int64_t flat = 0;
    for (int i = 0; i < t->shape.rank; i++) flat = flat * t->shape.dims[i] + index[i];
    return flat;
}

// x[K,B,M] and y[B,N,K] give [B,M,N].
static void check_dot(LigDtype dtype, bool wide, const int64_t *sizes, uint64_t *seed)
{
    int64_t b_count = sizes[0], m_count = sizes[1], n_count = sizes[2], k_count = sizes[3];
    LigAttr attrs[] = {ATTR_INTS(X_CONTRACT, 0), ATTR_INTS(Y_CONTRACT, -1), ATTR_INTS(X_BATCH, 1),
                       ATTR_INTS(Y_BATCH, 0)};
    LigShape stated = {.dtype = LIG_F32, .rank = 3, .dims = {b_count, m_count, n_count}};
    OneOp one = {.code = LIG_OP_DOT, .attrs = {attrs, 4}, .stated = wide ? &stated : NULL, .count = 2};
    one.operands[0] = RANDOM(seed, dtype, k_count, b_count, m_count);
    one.operands[1] = RANDOM(seed, dtype, b_count, n_count, k_count);
    LigTensor out = run(&one);
    assert_int_equal(out.shape.dtype, wide ? LIG_F32 : dtype);
    for (int64_t i = 0; i < b_count * m_count * n_count; i++) {
        int64_t n = i % n_count, m = i / n_count % m_count, b = i / n_count / m_count;
        long double want = 0, magnitude = 0;
        for (int64_t k = 0; k < k_count; k++) {
            long double product = number_at(&one.operands[0], at(&one.operands[0], (int64_t[]){k, b, m})) *
                                  number_at(&one.operands[1], at(&one.operands[1], (int64_t[]){b, n, k}));
            want += product;
            magnitude += fabsl(product);
        }
        expect(&out, i, want, magnitude, "dot");
    }
    finish(&one, &out, 1);
}

static void dot_pairs_axes_by_name(void **state)
{
    (void)state;
    static const int64_t sizes[][4] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {3, 17, 1, 33}};
    uint64_t seed = 1;
    for (int i = 0; i < 3 * FLOATS; i++) {
        LigDtype dtype = floats[i % FLOATS];
        check_dot(dtype, false, sizes[i / FLOATS], &seed);
        if (dtype == LIG_BF16 || dtype == LIG_F16) check_dot(dtype, true, sizes[i / FLOATS], &seed);
    }
}

// All elements of two matrices multiplied and summed: no free axis is left.
static void dot_over_all_axes_is_a_number(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_INTS(X_CONTRACT, 0, 1), ATTR_INTS(Y_CONTRACT, 1, 0)};
    uint64_t seed = 2;
    OneOp one = {.code = LIG_OP_DOT, .attrs = {attrs, 2}, .count = 2};
    one.operands[0] = RANDOM(&seed, LIG_F64, 3, 5);
    one.operands[1] = RANDOM(&seed, LIG_F64, 5, 3);
    LigTensor out = run(&one);
    long double want = 0;
    for (int64_t i = 0; i < 15; i++)
        want += number_at(&one.operands[0], i) * number_at(&one.operands[1], i % 5 * 3 + i / 5);
    assert_int_equal(out.shape.rank, 0);
    expect(&out, 0, want, 60, "dot");
    finish(&one, &out, 1);
}

static void dot_tells_what_does_not_pair(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_INTS(X_CONTRACT, 1), ATTR_INTS(Y_CONTRACT, 0)};
    OneOp sizes = {.code = LIG_OP_DOT,
                   .attrs = {attrs, 2},
                   .operands = {TENSOR(LIG_F32, 2, 3), TENSOR(LIG_F32, 4, 5)},
                   .count = 2};
    expect_error(&sizes, LIG_ERR_SHAPE, "must equal 3");
    LigAttr uneven[] = {ATTR_INTS(X_CONTRACT, 1, 0), ATTR_INTS(Y_CONTRACT, 0)};
    OneOp counts = {.code = LIG_OP_DOT,
                    .attrs = {uneven, 2},
                    .operands = {TENSOR(LIG_F32, 2, 3), TENSOR(LIG_F32, 3, 5)},
                    .count = 2};
    expect_error(&counts, LIG_ERR_INVALID, "they go in pairs");
}

typedef struct ConvCase {
    int64_t batch, length, inputs, outputs, width, stride, padding; // batch 0: no such axis
} ConvCase;

static const ConvCase conv_cases[] = {
    {0, 1, 1, 1, 1, 1, 0},  {2, 7, 3, 5, 3, 1, 1}, {1, 33, 2, 3, 3, 2, 1},
    {0, 13, 1, 2, 4, 3, 2}, {3, 2, 5, 1, 5, 1, 2},
};

static void check_conv(const ConvCase *c, LigDtype dtype, uint64_t *seed)
{
    LigAttr attrs[] = {ATTR_INT(STRIDE, c->stride), ATTR_INT(PADDING, c->padding)};
    OneOp one = {.code = LIG_OP_CONV1D, .attrs = {attrs, 2}, .count = 2};
    one.operands[0] = c->batch ? RANDOM(seed, dtype, c->batch, c->length, c->inputs)
                               : RANDOM(seed, dtype, c->length, c->inputs);
    one.operands[1] = RANDOM(seed, dtype, c->outputs, c->inputs, c->width);
    LigTensor out = run(&one);
    int64_t places = 0; // counted, not computed
    for (int64_t t = -c->padding; t + c->width <= c->length + c->padding; t += c->stride) places++;
    int64_t batches = c->batch ? c->batch : 1;
    assert_int_equal(tensor_count(&out), batches * places * c->outputs);
    for (int64_t i = 0; i < tensor_count(&out); i++) {
        int64_t o = i % c->outputs, first = i / c->outputs % places * c->stride - c->padding;
        int64_t row = i / c->outputs / places * c->length;
        long double want = 0, magnitude = 0;
        for (int64_t j = 0; j < c->width; j++) {
            if (first + j < 0 || first + j >= c->length) continue;
            for (int64_t ch = 0; ch < c->inputs; ch++) {
                long double product = number_at(&one.operands[0], (row + first + j) * c->inputs + ch) *
                                      number_at(&one.operands[1], (o * c->inputs + ch) * c->width + j);
                want += product;
                magnitude += fabsl(product);
            }
        }
        expect(&out, i, want, magnitude, "conv1d");
    }
    finish(&one, &out, 1);
}

static void conv1d_moves_a_window(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 5 * FLOATS; i++) check_conv(&conv_cases[i / FLOATS], floats[i % FLOATS], &seed);
    LigAttr attrs[] = {ATTR_INT(STRIDE, 1), ATTR_INT(PADDING, 0)};
    OneOp brief = {.code = LIG_OP_CONV1D,
                   .attrs = {attrs, 2},
                   .operands = {TENSOR(LIG_F32, 2, 3), TENSOR(LIG_F32, 1, 3, 3)},
                   .count = 2};
    expect_error(&brief, LIG_ERR_SHAPE, "must certainly be 3 or more");
}

typedef struct SdpaCase {
    int64_t batch, heads, kv_heads, queries, keys, width, value_width;
    int mask; // 0: none, 1: [S,T], 2: [B,1,S,T]
} SdpaCase;

static const SdpaCase sdpa_cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 0},
    {2, 4, 2, 3, 5, 7, 6, 1},
    {1, 3, 1, 7, 33, 8, 8, 2},
    {2, 2, 2, 5, 5, 17, 3, 0},
};

static long double mask_at(const SdpaCase *c, const OneOp *one, int64_t query, int64_t key)
{
    int64_t row = query % c->queries, batch = query / c->queries / c->heads;
    if (!c->mask) return 0;
    return number_at(&one->operands[3], ((c->mask == 2 ? batch * c->queries : 0) + row) * c->keys + key);
}

static void expect_dense(const SdpaCase *c, const OneOp *one, const LigTensor *out, int64_t query)
{
    int64_t batch = query / c->queries / c->heads, head = query / c->queries % c->heads;
    int64_t first = (batch * c->kv_heads + head * c->kv_heads / c->heads) * c->keys;
    long double total = 0, sums[8] = {0};
    for (int64_t j = 0; j < c->keys; j++) {
        long double score = 0;
        for (int64_t d = 0; d < c->width; d++)
            score += number_at(&one->operands[0], query * c->width + d) *
                     number_at(&one->operands[1], (first + j) * c->width + d);
        long double weight = expl(0.25L * score + mask_at(c, one, query, j));
        total += weight;
        for (int64_t e = 0; e < c->value_width; e++)
            sums[e] += weight * number_at(&one->operands[2], (first + j) * c->value_width + e);
    }
    for (int64_t e = 0; e < c->value_width; e++)
        expect(out, query * c->value_width + e, total > 0 ? sums[e] / total : 0, 4, "sdpa");
}

static void check_sdpa(const SdpaCase *c, LigDtype dtype, uint64_t *seed)
{
    LigAttr scale = ATTR_FLOAT(SCALE, 0.25);
    OneOp one = {.code = LIG_OP_SDPA, .attrs = {&scale, 1}, .count = c->mask ? 4 : 3};
    one.operands[0] = RANDOM(seed, dtype, c->batch, c->heads, c->queries, c->width);
    one.operands[1] = RANDOM(seed, dtype, c->batch, c->kv_heads, c->keys, c->width);
    one.operands[2] = RANDOM(seed, dtype, c->batch, c->kv_heads, c->keys, c->value_width);
    if (c->mask == 1) one.operands[3] = RANDOM(seed, LIG_F32, c->queries, c->keys);
    if (c->mask == 2) one.operands[3] = RANDOM(seed, LIG_F32, c->batch, 1, c->queries, c->keys);
    for (int64_t j = 0; c->mask && j < c->keys; j++) // the first query sees nothing
        lig_shape_set(&one.operands[3].shape, one.operands[3].data, j, -HUGE_VAL);
    LigTensor out = run(&one);
    for (int64_t query = 0; query < c->batch * c->heads * c->queries; query++)
        expect_dense(c, &one, &out, query);
    finish(&one, &out, 1);
}

static void dense_attention_of_groups_and_masks(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 4 * FLOATS; i++) check_sdpa(&sdpa_cases[i / FLOATS], floats[i % FLOATS], &seed);
}

static void grouped_linear_gives_each_group_its_weight(void **state)
{
    (void)state;
    static const int32_t offsets[] = {1, 3, 3, 7}; // row 0 and row 7 are of no group, group 1 is empty
    static const int groups[] = {-1, 0, 0, 2, 2, 2, 2, -1};
    uint64_t seed = 5;
    for (int d = 0; d < FLOATS; d++) {
        OneOp one = {.code = LIG_OP_GROUPED_LINEAR, .count = 3};
        one.operands[0] = RANDOM(&seed, floats[d], 8, 13);
        one.operands[1] = RANDOM(&seed, floats[d], 3, 5, 13);
        one.operands[2] = integers(offsets, 4);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 40; i++) {
            long double want = 0, magnitude = 0;
            for (int64_t k = 0; groups[i / 5] >= 0 && k < 13; k++) {
                long double product = number_at(&one.operands[0], i / 5 * 13 + k) *
                                      number_at(&one.operands[1], (groups[i / 5] * 5 + i % 5) * 13 + k);
                want += product;
                magnitude += fabsl(product);
            }
            expect(&out, i, want, magnitude, "grouped_linear");
        }
        finish(&one, &out, 1);
    }
    OneOp wrong = {.code = LIG_OP_GROUPED_LINEAR,
                   .operands = {TENSOR(LIG_F32, 2, 3), TENSOR(LIG_F32, 1, 1, 3), INTEGERS(0, 3)},
                   .count = 3};
    expect_error(&wrong, LIG_ERR_INVALID, "offsets[1] is 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_pairs_axes_by_name),
        cmocka_unit_test(dot_over_all_axes_is_a_number),
        cmocka_unit_test(dot_tells_what_does_not_pair),
        cmocka_unit_test(conv1d_moves_a_window),
        cmocka_unit_test(dense_attention_of_groups_and_masks),
        cmocka_unit_test(grouped_linear_gives_each_group_its_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
