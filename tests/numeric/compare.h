// When two numbers are equal: |got - want| <= c * eps * magnitude, where magnitude is the sum of |a||b| over
// the products that make the number (for other ops: of the absolute values of its terms, or |want| itself).
//
// eps is the unit roundoff of the result's dtype; c stands in one table. Not-finite numbers must be the same.
#ifndef LIG_TESTS_NUMERIC_COMPARE_H
#define LIG_TESTS_NUMERIC_COMPARE_H

#include "ir/dtype.h"

#include <math.h>

typedef enum CompareKind {
    COMPARE_EXACT,     // the same number
    COMPARE_ROUNDED,   // computed in double and rounded once: the interpreter
    COMPARE_POINTWISE, // elementwise ops in the result's dtype
    COMPARE_ROW,       // norms, softmax, reductions in f32, any order
    COMPARE_CONTRACT,  // linear in f32, any order
    COMPARE_ATTENTION,
    COMPARE_KINDS
} CompareKind;

static inline double compare_factor(CompareKind kind)
{
    static const double factors[COMPARE_KINDS] = {
        [COMPARE_EXACT] = 0.0, [COMPARE_ROUNDED] = 1.0,   [COMPARE_POINTWISE] = 4.0,
        [COMPARE_ROW] = 16.0,  [COMPARE_CONTRACT] = 16.0, [COMPARE_ATTENTION] = 32.0,
    };
    return factors[kind];
}

// Half the distance from 1 to the next number; 0 for integers, which are exact.
static inline double compare_eps(LigDtype dtype)
{
    static const double eps[LIG_DTYPE_COUNT] = {
        [LIG_F64] = 0x1p-53, [LIG_F32] = 0x1p-24, [LIG_BF16] = 0x1p-8, [LIG_F16] = 0x1p-11};
    return eps[dtype];
}

// Half the smallest positive number of the dtype: what rounding costs next to zero.
static inline double compare_floor(LigDtype dtype)
{
    static const double floors[LIG_DTYPE_COUNT] = {
        [LIG_F64] = 0x1p-1074, [LIG_F32] = 0x1p-150, [LIG_BF16] = 0x1p-134, [LIG_F16] = 0x1p-25};
    return floors[dtype];
}

// The largest |got - want| that passes. ROUNDED: one rounding of `want`, and of the double sums before it.
static inline double compare_bound(CompareKind kind, LigDtype dtype, double want, double magnitude)
{
    if (kind == COMPARE_EXACT) return 0.0;
    double base = kind == COMPARE_ROUNDED ? fabs(want) * (1.0 + 0x1p-20) : magnitude;
    double bound = compare_factor(kind) * compare_eps(dtype) * base + compare_floor(dtype);
    return kind == COMPARE_ROUNDED ? bound + 0x1p-44 * magnitude : bound;
}

static inline bool compare_equal(CompareKind kind, LigDtype dtype, double got, double want, double magnitude)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want) || isinf(got)) return isinf(want) && isinf(got) && (want > 0) == (got > 0);
    return fabs(got - want) <= compare_bound(kind, dtype, want, magnitude);
}

#endif
