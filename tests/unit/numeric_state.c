// assign, adamw and clip_norm by the interpreter, against the formulas in long double.
#include "tests/numeric/expect.h"

static void assign_rounds_to_the_state(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int at = 0; at < FLOATS * FLOATS; at++) {
        OneOp one = {.code = LIG_OP_ASSIGN, .count = 2};
        one.operands[0] = TENSOR(floats[at / FLOATS], 1, 5, 17);
        one.operands[1] = RANDOM(&seed, floats[at % FLOATS], 1, 5, 17);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 85; i++) {
            expect(&out, i, number_at(&one.operands[1], i), 0, "assign");
            assert_true(tensor_at(&one.operands[0], i) == tensor_at(&out, i)); // in the state's own bytes
        }
        finish(&one, &out, 1);
    }
    static const LigDtype whole[] = {LIG_I64, LIG_I32, LIG_I8, LIG_U8, LIG_BOOL};
    for (int d = 0; d < 5; d++) {
        OneOp one = {.code = LIG_OP_ASSIGN, .operands = {TENSOR(whole[d], 3), TENSOR(whole[d], 3)}, .count = 2};
        set_integer(&one.operands[1], 1, 1);
        LigTensor out = run(&one);
        assert_int_equal(integer_at(&one.operands[0], 1), 1);
        finish(&one, &out, 1);
    }
    OneOp shape = {.code = LIG_OP_ASSIGN, .operands = {TENSOR(LIG_F32, 3), TENSOR(LIG_F32, 4)}, .count = 2};
    expect_error(&shape, LIG_ERR_SHAPE, "must equal 3");
}

static void check_adamw(LigDtype dtype, int64_t count, int32_t step, uint64_t *seed)
{
    LigAttr attrs[] = {ATTR_FLOAT(EPS, 1e-8), ATTR_FLOAT(BETA1, 0.9), ATTR_FLOAT(BETA2, 0.95),
                       ATTR_FLOAT(DECAY, 0.1)};
    OneOp one = {.code = LIG_OP_ADAMW, .attrs = {attrs, 4}, .count = 6};
    for (int i = 0; i < 4; i++) one.operands[i] = RANDOM(seed, dtype, count);
    for (int64_t i = 0; i < count; i++) // a mean of squares
        lig_shape_set(&one.operands[2].shape, one.operands[2].data, i, fabs(tensor_at(&one.operands[2], i)));
    one.operands[4] = TENSOR(dtype, 1);
    lig_shape_set(&one.operands[4].shape, one.operands[4].data, 0, 0.01);
    one.operands[5] = TENSOR(step == 1 ? LIG_I8 : step == 200 ? LIG_U8 : LIG_I64, 1);
    set_integer(&one.operands[5], 0, step);
    long double rate = number_at(&one.operands[4], 0), want[3][33];
    const long double b1 = (long double)0.9, b2 = (long double)0.95;
    for (int64_t i = 0; i < count; i++) {
        long double weight = number_at(&one.operands[0], i), grad = number_at(&one.operands[3], i);
        long double m = b1 * number_at(&one.operands[1], i) + (1 - b1) * grad;
        long double v = b2 * number_at(&one.operands[2], i) + (1 - b2) * grad * grad;
        long double m_hat = m / (1 - powl(b1, step)), v_hat = v / (1 - powl(b2, step));
        want[0][i] = weight - rate * (m_hat / (sqrtl(v_hat) + 1e-8L) + (long double)0.1 * weight);
        want[1][i] = m, want[2][i] = v;
    }
    LigTensor outs[MOST_RESULTS];
    run_all(&one, outs);
    for (int r = 0; r < 3; r++) {
        for (int64_t i = 0; i < count; i++) {
            expect(&outs[r], i, want[r][i], 16, "adamw");
            assert_true(tensor_at(&one.operands[r], i) ==
                        tensor_at(&outs[r], i)); // each state in its own bytes
        }
    }
    finish(&one, outs, 3);
}

static void adamw_follows_its_paper(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 7, 33};
    uint64_t seed = 2;
    for (int at = 0; at < 3 * FLOATS; at++) {
        check_adamw(floats[at % FLOATS], counts[at / FLOATS], 1, &seed);
        check_adamw(floats[at % FLOATS], counts[at / FLOATS], 200, &seed);
        check_adamw(floats[at % FLOATS], counts[at / FLOATS], 1000, &seed);
    }
}

// With no decay the first step moves every weight by the rate, whatever the gradient's size.
static void the_first_step_is_the_rate(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_FLOAT(EPS, 0), ATTR_FLOAT(BETA1, 0.9), ATTR_FLOAT(BETA2, 0.999),
                       ATTR_FLOAT(DECAY, 0)};
    OneOp one = {.code = LIG_OP_ADAMW, .attrs = {attrs, 4}, .count = 6};
    for (int i = 0; i < 4; i++) one.operands[i] = TENSOR(LIG_F64, 2);
    lig_shape_set(&one.operands[3].shape, one.operands[3].data, 0, 1e-6);
    lig_shape_set(&one.operands[3].shape, one.operands[3].data, 1, -1e6);
    one.operands[4] = TENSOR(LIG_F64, 1);
    lig_shape_set(&one.operands[4].shape, one.operands[4].data, 0, 0.5);
    one.operands[5] = INTEGERS(1);
    LigTensor outs[MOST_RESULTS];
    run_all(&one, outs);
    assert_true(fabs(tensor_at(&outs[0], 0) + 0.5) < 1e-12);
    assert_true(fabs(tensor_at(&outs[0], 1) - 0.5) < 1e-12);
    for (int i = 0; i < MOST_RESULTS; i++) lig_free(outs[i].data);
    set_integer(&one.operands[5], 0, 0);
    expect_error(&one, LIG_ERR_INVALID, "steps count from 1");
}

static void clip_norm_scales_what_is_too_long(void **state)
{
    (void)state;
    static const double limits[] = {0.5, 1000};
    uint64_t seed = 3;
    for (int at = 0; at < 2 * FLOATS; at++) {
        LigAttr limit = ATTR_FLOAT(LIMIT, limits[at / FLOATS]);
        OneOp one = {.code = LIG_OP_CLIP_NORM, .attrs = {&limit, 1}, .count = 3};
        one.operands[0] = RANDOM(&seed, floats[at % FLOATS], 1);
        one.operands[1] = RANDOM(&seed, floats[at % FLOATS], 7, 13);
        one.operands[2] = RANDOM(&seed, floats[at % FLOATS], 33);
        long double sum = 0;
        for (int o = 0; o < 3; o++) {
            for (int64_t i = 0; i < tensor_count(&one.operands[o]); i++)
                sum += number_at(&one.operands[o], i) * number_at(&one.operands[o], i);
        }
        LigTensor outs[MOST_RESULTS];
        run_all(&one, outs);
        long double norm = sqrtl(sum);
        expect(&outs[0], 0, fminl(1, (long double)limits[at / FLOATS] / norm), 1, "clip_norm");
        expect(&outs[1], 0, norm, norm, "clip_norm");
        finish(&one, outs, 2);
    }
}

static void a_norm_of_zero_clips_nothing(void **state)
{
    (void)state;
    LigAttr limit = ATTR_FLOAT(LIMIT, 1);
    OneOp one = {.code = LIG_OP_CLIP_NORM, .attrs = {&limit, 1}, .operands = {TENSOR(LIG_F32, 3)}, .count = 1};
    LigTensor out = run(&one);
    assert_true(tensor_at(&out, 0) == 1);
    finish(&one, &out, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assign_rounds_to_the_state),   cmocka_unit_test(adamw_follows_its_paper),
        cmocka_unit_test(the_first_step_is_the_rate),   cmocka_unit_test(clip_norm_scales_what_is_too_long),
        cmocka_unit_test(a_norm_of_zero_clips_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
