// Element types: the table, and rounding to 16-bit floats against their definition.
#include "ir/dtype.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < LIG_DTYPE_COUNT; i++) {
        LigDtype found;
        assert_true(lig_dtype_find(lig_str(lig_dtype_name((LigDtype)i)), &found));
        assert_int_equal(found, i);
    }
    LigDtype none;
    assert_false(lig_dtype_find(LIG_STR("f33"), &none));
    assert_int_equal(lig_dtype_block(LIG_Q4_1), 32);
    assert_int_equal(lig_dtype_block_bytes(LIG_Q4_1), 20);
}

typedef struct Format {
    double (*widen)(uint16_t);
    uint16_t (*narrow)(double);
    uint16_t infinity;
} Format;

static const Format formats[] = {{lig_f16_to_f64, lig_f64_to_f16, 0x7c00},
                                 {lig_bf16_to_f64, lig_f64_to_bf16, 0x7f80}};

static void every_pattern_survives(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        for (uint32_t bits = 0; bits < 0x10000; bits++) {
            double value = formats[f].widen((uint16_t)bits);
            uint16_t back = formats[f].narrow(value);
            if (isnan(value))
                assert_true(isnan(formats[f].widen(back)));
            else
                assert_int_equal(back, bits);
        }
    }
}

// Between neighbours: below, at and above the middle, where only the parity of the lower decides the tie.
static void rounds_to_nearest_even(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        for (uint32_t low = 0; low + 1 < formats[f].infinity; low++) {
            double a = formats[f].widen((uint16_t)low), b = formats[f].widen((uint16_t)(low + 1));
            double middle = a + (b - a) / 2;
            uint32_t even = low % 2 == 0 ? low : low + 1;
            assert_int_equal(formats[f].narrow(middle), even);
            assert_int_equal(formats[f].narrow(nextafter(middle, 0.0)), low);
            assert_int_equal(formats[f].narrow(nextafter(middle, DBL_MAX)), low + 1);
            assert_int_equal(formats[f].narrow(-middle), even | 0x8000);
        }
    }
}

static void extremes(void **state)
{
    (void)state;
    for (int f = 0; f < 2; f++) {
        double largest = formats[f].widen((uint16_t)(formats[f].infinity - 1));
        double below = formats[f].widen((uint16_t)(formats[f].infinity - 2));
        double half = (largest - below) / 2;
        assert_int_equal(formats[f].narrow(largest + half), formats[f].infinity);
        assert_int_equal(formats[f].narrow(nextafter(largest + half, 0.0)), formats[f].infinity - 1);
        assert_int_equal(formats[f].narrow((double)INFINITY), formats[f].infinity);
        assert_int_equal(formats[f].narrow(-DBL_MAX), formats[f].infinity | 0x8000);
        assert_int_equal(formats[f].narrow(DBL_TRUE_MIN), 0);
        assert_int_equal(formats[f].narrow(-0.0), 0x8000);
        assert_true(isnan(formats[f].widen(formats[f].narrow((double)NAN))));
    }
    assert_int_equal(lig_f64_to_f16(0x1p-24), 1);
    assert_int_equal(lig_f64_to_f16(0x1p-25), 0);
    // By way of f32 this would round twice, to 0x3c00 and then stay.
    assert_int_equal(lig_f64_to_f16(1.0 + 0x1p-11 + 0x1p-40), 0x3c01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_round_trip),
        cmocka_unit_test(every_pattern_survives),
        cmocka_unit_test(rounds_to_nearest_even),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
