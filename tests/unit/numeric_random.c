// Random numbers: their bits from the counter, their distribution, and dropout.
#include "tests/numeric/expect.h"

#include "ir/base/random.h"

static const LigDtype step_dtypes[] = {LIG_I64, LIG_I32, LIG_I8, LIG_U8};

static OneOp draw(LigOpCode code, const LigAttr *attrs, const LigShape *shape, int64_t step)
{
    OneOp one = {
        .code = code, .attrs = {attrs, 2}, .stated = shape, .operands = {TENSOR(LIG_I64, 1)}, .count = 1};
    set_integer(&one.operands[0], 0, step);
    return one;
}

static uint32_t word(int64_t i, uint64_t seed, uint64_t op, uint64_t step)
{
    return lig_random_block(seed, (uint64_t)i / 4, op << 48 | step).word[i % 4];
}

static void uniform_numbers_are_the_words_of_the_counter(void **state)
{
    (void)state;
    static const int bits[] = {53, 24, 8, 11};
    static const int64_t counts[] = {1, 7, 33};
    LigAttr attrs[] = {ATTR_INT(SEED, 42), ATTR_INT(OP, 3)};
    for (int at = 0; at < 3 * FLOATS; at++) {
        int d = at % FLOATS;
        LigShape shape = {.dtype = floats[d], .rank = 1, .dims = {counts[at / FLOATS]}};
        OneOp one = draw(LIG_OP_UNIFORM, attrs, &shape, 9);
        free(one.operands[0].data);
        one.operands[0] = TENSOR(step_dtypes[d], 1);
        set_integer(&one.operands[0], 0, 9);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < shape.dims[0]; i++) {
            uint64_t wide = d == 0 ? (uint64_t)word(2 * i, 42, 3, 9) << 32 | word(2 * i + 1, 42, 3, 9)
                                   : (uint64_t)word(i, 42, 3, 9) << 32;
            assert_true(tensor_at(&out, i) == ldexp((double)(wide >> (64 - bits[d])), -bits[d]));
            assert_true(tensor_at(&out, i) < 1);
        }
        finish(&one, &out, 1);
    }
}

static double first_of(LigOpCode code, int64_t seed, int64_t op, int64_t step)
{
    LigAttr attrs[] = {ATTR_INT(SEED, seed), ATTR_INT(OP, op)};
    LigShape shape = {.dtype = LIG_F64, .rank = 1, .dims = {1}};
    OneOp one = draw(code, attrs, &shape, step);
    LigTensor out = run(&one);
    double value = tensor_at(&out, 0);
    finish(&one, &out, 1);
    return value;
}

static void seed_op_and_step_each_give_other_numbers(void **state)
{
    (void)state;
    static const LigOpCode codes[] = {LIG_OP_UNIFORM, LIG_OP_NORMAL};
    for (int c = 0; c < 2; c++) {
        double first = first_of(codes[c], 1, 2, 3);
        assert_true(first == first_of(codes[c], 1, 2, 3));
        assert_true(first != first_of(codes[c], 2, 2, 3));
        assert_true(first != first_of(codes[c], 1, 3, 3));
        assert_true(first != first_of(codes[c], 1, 2, 4));
    }
}

// The normal distribution function of each number is the u that its bits make.
static void normal_numbers_invert_their_distribution(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_INT(SEED, 7), ATTR_INT(OP, 65535)};
    LigShape shape = {.dtype = LIG_F64, .rank = 1, .dims = {20011}};
    OneOp one = draw(LIG_OP_NORMAL, attrs, &shape, (INT64_C(1) << 48) - 1);
    LigTensor out = run(&one);
    uint64_t step = (UINT64_C(1) << 48) - 1;
    for (int64_t i = 0; i < shape.dims[0]; i++) {
        uint64_t m = (uint64_t)word(2 * i, 7, 65535, step) << 20 | word(2 * i + 1, 7, 65535, step) >> 12;
        long double u = ((long double)m * 2 + 1) * 0x1p-53L, x = number_at(&out, i);
        // In the tail the smaller of both sides; an error of x by a share e moves it by x phi(x) e.
        long double side = x < 0 ? erfcl(-x / sqrtl(2)) / 2 : erfcl(x / sqrtl(2)) / 2;
        long double want = x < 0 ? u : 1 - u;
        long double density = expl(-x * x / 2) / sqrtl(2 * 3.14159265358979323846L);
        assert_true(fabsl(side - want) <= 1e-15L * (density * fabsl(x) + want) * 4);
    }
    finish(&one, &out, 1);
}

// Bits computed apart, in Python: a change of the method, or a machine that computes otherwise, shows here.
static void normal_numbers_are_these_bits(void **state)
{
    (void)state;
    static const uint64_t bits[] = {0x3ff59aca67ffe22a, 0x3fe379202f03f1ca, 0x3ff6271c10cb54a9,
                                    0x3ffad562e19e4eb3, 0xbff3fe2cc6a108c5, 0x3fa3cbf671370b27,
                                    0x3ff56c87aedf662b, 0xbff0fa3971f0f7d1};
    LigAttr attrs[] = {ATTR_INT(SEED, 1), ATTR_INT(OP, 2)};
    static const int64_t counts[] = {8, 1, 7, 33};
    for (int d = 0; d < 4; d++) { // whatever the dtype of the step, and however many follow
        LigShape shape = {.dtype = LIG_F64, .rank = 1, .dims = {counts[d]}};
        OneOp one = draw(LIG_OP_NORMAL, attrs, &shape, 3);
        free(one.operands[0].data);
        one.operands[0] = TENSOR(step_dtypes[d], 1);
        set_integer(&one.operands[0], 0, 3);
        LigTensor out = run(&one);
        assert_memory_equal(out.data, bits, (counts[d] < 8 ? (size_t)counts[d] : 8) * sizeof *bits);
        finish(&one, &out, 1);
    }
}

static void moments(const LigTensor *t, long double *mean, long double *square)
{
    int64_t count = tensor_count(t);
    *mean = *square = 0;
    for (int64_t i = 0; i < count; i++) {
        *mean += number_at(t, i) / count;
        *square += number_at(t, i) * number_at(t, i) / count;
    }
}

// 65537 numbers: five standard errors of each moment.
static void moments_are_those_of_the_distributions(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_INT(SEED, 11), ATTR_INT(OP, 0)};
    for (int d = 0; d < FLOATS; d++) {
        LigShape shape = {.dtype = floats[d], .rank = 1, .dims = {65537}};
        long double mean, square, grain = floats[d] == LIG_BF16 ? 0x1p-8L : floats[d] == LIG_F16 ? 0x1p-11L : 0;
        OneOp uniform = draw(LIG_OP_UNIFORM, attrs, &shape, 0), normal = draw(LIG_OP_NORMAL, attrs, &shape, 1);
        LigTensor out = run(&uniform);
        moments(&out, &mean, &square);
        assert_true(fabsl(mean - 0.5L) < 5 * 0.2887L / 256 + grain);
        assert_true(fabsl(square - 1.0L / 3) < 5 * 0.2982L / 256 + grain);
        finish(&uniform, &out, 1);
        out = run(&normal);
        moments(&out, &mean, &square);
        assert_true(fabsl(mean) < 5.0L / 256);
        assert_true(fabsl(square - 1) < 5 * 1.4143L / 256 + grain);
        finish(&normal, &out, 1);
    }
}

static void dropout_keeps_by_the_same_words(void **state)
{
    (void)state;
    static const double rates[] = {0, 0.1, 0.75};
    uint64_t seed = 1;
    for (int at = 0; at < 3 * FLOATS; at++) {
        double rate = rates[at / FLOATS];
        LigAttr attrs[] = {ATTR_INT(SEED, 5), ATTR_INT(OP, 6), ATTR_FLOAT(RATE, rate)};
        OneOp one = {.code = LIG_OP_DROPOUT, .attrs = {attrs, 3}, .count = 2};
        one.operands[0] = RANDOM(&seed, floats[at % FLOATS], 13, 17);
        one.operands[1] = TENSOR(step_dtypes[at % FLOATS], 1);
        set_integer(&one.operands[1], 0, 8);
        LigTensor out = run(&one);
        int64_t kept = 0;
        for (int64_t i = 0; i < 221; i++) {
            bool is_kept = ldexp(word(i, 5, 6, 8) >> 8, -24) >= rate;
            kept += is_kept;
            long double want = is_kept ? number_at(&one.operands[0], i) / (1 - (long double)rate) : 0;
            expect(&out, i, want, fabsl(want), "dropout");
        }
        assert_true(fabs((double)kept - 221 * (1 - rate)) < 5 * sqrt(221 * 0.25));
        finish(&one, &out, 1);
    }
    LigAttr attrs[] = {ATTR_INT(SEED, 5), ATTR_INT(OP, 6), ATTR_FLOAT(RATE, 1)};
    OneOp all = {
        .code = LIG_OP_DROPOUT, .attrs = {attrs, 3}, .operands = {TENSOR(LIG_F32, 1), INTEGERS(0)}, .count = 2};
    expect_error(&all, LIG_ERR_INVALID, "rate is 1");
}

static void counters_out_of_range_are_errors(void **state)
{
    (void)state;
    LigShape shape = {.dtype = LIG_F32, .rank = 1, .dims = {1}};
    LigAttr attrs[] = {ATTR_INT(SEED, 5), ATTR_INT(OP, 65536)}, good[] = {ATTR_INT(SEED, 5), ATTR_INT(OP, 1)};
    OneOp op = draw(LIG_OP_UNIFORM, attrs, &shape, 0), below = draw(LIG_OP_NORMAL, good, &shape, -1);
    expect_error(&op, LIG_ERR_INVALID, "op is 65536");
    expect_error(&below, LIG_ERR_INVALID, "step is -1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_numbers_are_the_words_of_the_counter),
        cmocka_unit_test(seed_op_and_step_each_give_other_numbers),
        cmocka_unit_test(normal_numbers_invert_their_distribution),
        cmocka_unit_test(normal_numbers_are_these_bits),
        cmocka_unit_test(moments_are_those_of_the_distributions),
        cmocka_unit_test(dropout_keeps_by_the_same_words),
        cmocka_unit_test(counters_out_of_range_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
