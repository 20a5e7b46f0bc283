// Quantising: known blocks to the bit, errors within what a step allows, and numbers that a dtype can't hold.
#include "frontend/quantise.h"

#include "ir/type.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 512, MOST_BYTES = COUNT * 4 };

static const LigDtype dtypes[] = {LIG_F32,  LIG_F16,  LIG_BF16, LIG_Q8_0, LIG_Q5_0,
                                  LIG_Q4_0, LIG_Q4_1, LIG_Q4_K, LIG_Q6_K};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

// Numbers as weights are: most near 0, some far.
static void fill(float *x, float scale)
{
    uint32_t state = 12345;
    for (int i = 0; i < COUNT; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++) {
            state = state * 1664525u + 1013904223u;
            sum += (float)(state >> 8) / (float)(1 << 24) - 0.5f;
        }
        x[i] = sum * scale;
    }
}

static void read_back(LigDtype dtype, const void *bytes, double *out)
{
    const LigShape shape = {.dtype = dtype, .rank = 1, .dims = {COUNT}};
    lig_shape_get_row(&shape, bytes, 0, out);
}

// Root of the mean squared error over that of the numbers.
static double relative_error(LigDtype dtype, const float *x)
{
    static unsigned char bytes[MOST_BYTES];
    double got[COUNT], squares = 0, numbers = 0;
    assert_true(lig_quantise_row(dtype, x, COUNT, bytes));
    read_back(dtype, bytes, got);
    for (int i = 0; i < COUNT; i++) {
        squares += (got[i] - (double)x[i]) * (got[i] - (double)x[i]);
        numbers += (double)x[i] * (double)x[i];
    }
    return sqrt(squares / numbers);
}

static void errors_are_those_of_the_bits(void **state)
{
    (void)state;
    static const double most[] = {0, 3e-4, 3e-3, 6e-3, 4.5e-2, 9.5e-2, 9e-2, 8e-2, 2e-2};
    float x[COUNT];
    fill(x, 0.1f);
    for (size_t i = 0; i < DTYPES; i++) {
        double error = relative_error(dtypes[i], x);
        if (!(error <= most[i])) fail_msg("%s: %g above %g", lig_dtype_name(dtypes[i]), error, most[i]);
        if (i > 0) assert_true(error > 0);
    }
}

static void whole_steps_are_exact(void **state)
{
    (void)state;
    float x[COUNT];
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i % 16 - 8) * 0.25f;
    assert_true(relative_error(LIG_Q4_0, x) == 0);
    assert_true(relative_error(LIG_Q4_1, x) == 0);
    assert_true(relative_error(LIG_Q6_K, x) < 1e-3); // its scale may be another that fits as well
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i % 32 - 16) * 0.5f;
    assert_true(relative_error(LIG_Q5_0, x) == 0);
    for (int i = 0; i < COUNT; i++) x[i] = (float)(i % 32 == 0 ? -127 : i % 32) * 2;
    assert_true(relative_error(LIG_Q8_0, x) == 0);
}

static void known_blocks_have_known_bytes(void **state)
{
    (void)state;
    float x[32];
    unsigned char bytes[40] = {0};
    for (int i = 0; i < 32; i++) x[i] = (float)i - 16;
    assert_true(lig_quantise_row(LIG_Q8_0, x, 32, bytes));
    // 16/127 as f16, then -127, round(-15 * 127 / 16) …
    const unsigned char q8_0[] = {0x08, 0x30, 0x81, 0x89, 0x91};
    assert_memory_equal(bytes, q8_0, sizeof q8_0);
    assert_true(lig_quantise_row(LIG_Q4_0, x, 32, bytes));
    // -16 / -8 = 2; -16 is 0, 0 is 8; -15 / 2 + 8.5 = 1, 1 / 2 + 8.5 = 9
    const unsigned char q4_0[] = {0x00, 0x40, 0x80, 0x91, 0x91};
    assert_memory_equal(bytes, q4_0, sizeof q4_0);
    assert_true(lig_quantise_row(LIG_Q4_1, x, 32, bytes));
    // 31 / 15, then the least, -16
    const unsigned char q4_1[] = {0x22, 0x40, 0x00, 0xcc, 0x80, 0x80};
    assert_memory_equal(bytes, q4_1, sizeof q4_1);
    assert_true(lig_quantise_row(LIG_Q5_0, x, 32, bytes));
    // -16 / -16 = 1: quanta 0, 1, 2 …, whose upper bits are those of the second half
    const unsigned char q5_0[] = {0x00, 0x3c, 0x00, 0x00, 0xff, 0xff, 0x00, 0x11, 0x22};
    assert_memory_equal(bytes, q5_0, sizeof q5_0);
}

static void zeros_stay_zeros(void **state)
{
    (void)state;
    float x[COUNT] = {0};
    unsigned char bytes[MOST_BYTES];
    double got[COUNT];
    for (size_t i = 0; i < DTYPES; i++) {
        assert_true(lig_quantise_row(dtypes[i], x, COUNT, bytes));
        read_back(dtypes[i], bytes, got);
        for (int k = 0; k < COUNT; k++) assert_true(got[k] == 0);
    }
}

// Whatever the numbers: an answer, and finite numbers behind it.
static void extremes_are_held_or_refused(void **state)
{
    (void)state;
    const float scales[] = {1e-45f, 1e-38f, 1e-20f, 1e-8f, 1e-4f, 1e4f, 1e6f, 1e20f, 1.6e38f};
    float x[COUNT];
    unsigned char bytes[MOST_BYTES];
    double got[COUNT];
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        fill(x, scales[s]);
        for (size_t i = 0; i < DTYPES; i++) {
            bool held = lig_quantise_row(dtypes[i], x, COUNT, bytes);
            if (scales[s] <= 1e4f) assert_true(held);
            if (!held) continue;
            read_back(dtypes[i], bytes, got);
            for (int k = 0; k < COUNT; k++) assert_true(isfinite(got[k]));
        }
        assert_true(lig_quantise_row(LIG_BF16, x, COUNT, bytes));
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    const float bad[] = {INFINITY, -INFINITY, NAN};
    float x[COUNT];
    unsigned char bytes[MOST_BYTES];
    fill(x, 1);
    for (size_t b = 0; b < 3; b++) {
        x[COUNT - 3] = bad[b];
        for (size_t i = 0; i < DTYPES; i++)
            assert_true(lig_quantise_row(dtypes[i], x, COUNT, bytes) == (lig_dtype_block(dtypes[i]) == 1));
    }
    x[COUNT - 3] = 65520;
    assert_false(lig_quantise_row(LIG_F16, x, COUNT, bytes));
    x[COUNT - 3] = 65504;
    assert_true(lig_quantise_row(LIG_F16, x, COUNT, bytes));
}

// The search does no worse than the plain way: a scale of 63 steps to the widest part.
static void searched_scales_fit_outliers(void **state)
{
    (void)state;
    float x[COUNT];
    fill(x, 0.01f);
    for (int i = 0; i < COUNT; i += 64) x[i] = 0.5f;
    assert_true(relative_error(LIG_Q4_K, x) < 0.1);
    assert_true(relative_error(LIG_Q6_K, x) < 0.05);
    for (int i = 0; i < COUNT; i++) x[i] = 3 + (float)(i % 7) * 0.01f;
    assert_true(relative_error(LIG_Q4_K, x) < 0.05); // no part has a negative number: the min is 0
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_those_of_the_bits),  cmocka_unit_test(whole_steps_are_exact),
        cmocka_unit_test(known_blocks_have_known_bytes), cmocka_unit_test(zeros_stay_zeros),
        cmocka_unit_test(extremes_are_held_or_refused),  cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(searched_scales_fit_outliers),
    };
    return cmocka_run_group_tests_name("quantise", tests, NULL, NULL);
}
