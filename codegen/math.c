// Each function reduces its argument to a short range, where a polynomial is enough. The coefficients are
// near-minimax fits (iteratively reweighted least squares, relative error of the result as the weight), their
// own error below 5e-9 relative; what remains is rounding. Nothing here needs FMA to be right: constants that
// must multiply exactly have trailing zero bits.
#include "codegen/math.h"

typedef LLVMValueRef V;

static V constant(V like, double value) { return lig_float_like(LLVMTypeOf(like), value); }
static V add(LigEmitter *e, V a, V b) { return LLVMBuildFAdd(e->builder, a, b, ""); }
static V sub(LigEmitter *e, V a, V b) { return LLVMBuildFSub(e->builder, a, b, ""); }
static V mul(LigEmitter *e, V a, V b) { return LLVMBuildFMul(e->builder, a, b, ""); }
static V divide(LigEmitter *e, V a, V b) { return LLVMBuildFDiv(e->builder, a, b, ""); }
static V scale(LigEmitter *e, V a, double by) { return mul(e, a, constant(a, by)); }
static V choose(LigEmitter *e, V condition, V a, V b)
{
    return LLVMBuildSelect(e->builder, condition, a, b, "");
}

static V below(LigEmitter *e, V a, double bound)
{
    return LLVMBuildFCmp(e->builder, LLVMRealOLT, a, constant(a, bound), "");
}

// a limited to low .. high; NaN passes.
static V clamp(LigEmitter *e, V a, double low, double high)
{
    return lig_emit_max(e, constant(a, low), lig_emit_min(e, constant(a, high), a));
}

static V as_int(LigEmitter *e, V v, LLVMTypeRef element)
{
    return LLVMBuildBitCast(e->builder, v, lig_same_lanes(v, element), "");
}

static V as_float(LigEmitter *e, V v, LLVMTypeRef element)
{
    return LLVMBuildBitCast(e->builder, v, lig_same_lanes(v, element), "");
}

static V and_bits(LigEmitter *e, V v, int64_t bits)
{
    return LLVMBuildAnd(e->builder, v, lig_int_like(LLVMTypeOf(v), bits), "");
}

static V magnitude(LigEmitter *e, V x)
{
    return as_float(e, and_bits(e, as_int(e, x, e->i32), 0x7fffffff), e->f32);
}

// `value` (not negative) with the sign of x.
static V with_sign_of(LigEmitter *e, V value, V x)
{
    V sign = and_bits(e, as_int(e, x, e->i32), (int64_t)0x80000000);
    return as_float(e, LLVMBuildOr(e->builder, as_int(e, value, e->i32), sign, ""), e->f32);
}

// c[0] + c[1] x + ... by Horner's rule.
static V polynomial(LigEmitter *e, V x, const double *c, int count)
{
    V sum = constant(x, c[count - 1]);
    for (int i = count - 2; i >= 0; i--) sum = lig_emit_fma(e, sum, x, constant(x, c[i]));
    return sum;
}

#define POLYNOMIAL(e, x, c) polynomial((e), (x), (c), (int)(sizeof(c) / sizeof *(c)))

// 2^n for n in -126 .. 127, from an integer vector.
static V power_of_two(LigEmitter *e, V n)
{
    V biased = LLVMBuildAdd(e->builder, n, lig_int_like(LLVMTypeOf(n), 127), "");
    return as_float(e, LLVMBuildShl(e->builder, biased, lig_int_like(LLVMTypeOf(n), 23), ""), e->f32);
}

// x = n ln 2 + r with |r| <= ln 2 / 2; e^x = 2^n (1 + r + r^2 p(r)), scaled in two steps so that denormal
// results are rounded once. Adding 1.5 * 2^23 rounds to an integer, without the instruction that SSE2 lacks.
V lig_emit_exp(LigEmitter *e, V x)
{
    static const double p[] = {0x1.fffffcp-2, 0x1.55548ap-3, 0x1.555916p-5, 0x1.123fc6p-7, 0x1.6a1a6ep-10};
    const double rounder = 12582912.0;
    x = clamp(e, x, -104, 89);
    V rounded = lig_emit_fma(e, x, constant(x, 1.4426950408889634), constant(x, rounder));
    V n = sub(e, rounded, constant(x, rounder));
    V r = lig_emit_fma(e, n, constant(x, -0x1.62ep-1), x); // 12 bits: exact for |n| < 2^11
    r = lig_emit_fma(e, n, constant(x, -0x1.0bfbe8e7bcd5ep-15), r);
    V tail = lig_emit_fma(e, mul(e, r, r), POLYNOMIAL(e, r, p), r);
    V value = add(e, tail, constant(x, 1));
    LLVMTypeRef ints = lig_same_lanes(x, e->i32);
    V whole = LLVMBuildSub(e->builder, as_int(e, rounded, e->i32), lig_int_like(ints, 0x4b400000), "");
    V half = LLVMBuildAShr(e->builder, whole, lig_int_like(ints, 1), "");
    value = mul(e, value, power_of_two(e, half));
    return mul(e, value, power_of_two(e, LLVMBuildSub(e->builder, whole, half, "")));
}

// x = n + r with |r| <= 1/2: 2^x = 2^n (1 + r p(r)). From -126.5 down n becomes -127, whose power is 0.
V lig_emit_exp2(LigEmitter *e, V x)
{
    static const double p[] = {0x1.62e42ap-1, 0x1.ebf9bcp-3, 0x1.c6b752p-5, 0x1.3cea88p-7, 0x1.5bba14p-10};
    const double rounder = 12582912.0;
    x = lig_emit_max(e, constant(x, -127), x);
    V rounded = add(e, x, constant(x, rounder));
    V r = sub(e, x, sub(e, rounded, constant(x, rounder)));
    V value = lig_emit_fma(e, r, POLYNOMIAL(e, r, p), constant(x, 1));
    LLVMTypeRef ints = lig_same_lanes(x, e->i32);
    V n = LLVMBuildSub(e->builder, as_int(e, rounded, e->i32), lig_int_like(ints, 0x4b400000), "");
    return mul(e, value, power_of_two(e, n));
}

// log's special values: -inf at 0, NaN below, infinity and NaN as they are.
static V log_specials(LigEmitter *e, V x, V value)
{
    V infinite = LLVMBuildFCmp(e->builder, LLVMRealUEQ, x, constant(x, (double)__builtin_inff()), "");
    value = choose(e, infinite, x, value);
    V zero = LLVMBuildFCmp(e->builder, LLVMRealOEQ, x, constant(x, 0), "");
    value = choose(e, zero, constant(x, -(double)__builtin_inff()), value);
    return choose(e, below(e, x, 0), constant(x, (double)__builtin_nanf("")), value);
}

// x = 2^k m with m in sqrt(1/2) .. sqrt(2), f = m - 1 (exact): log x = k ln 2 + f - f^2/2 + f^3 p(f).
V lig_emit_log(LigEmitter *e, V x)
{
    static const double p[] = {0x1.555546p-2,  -0x1.000006p-2, 0x1.99a51ap-3,  -0x1.555c98p-3, 0x1.232ebcp-3,
                               -0x1.fc0a1ap-4, 0x1.e76248p-4,  -0x1.df0e78p-4, 0x1.145578p-4};
    LLVMTypeRef ints = lig_same_lanes(x, e->i32);
    V denormal = below(e, x, 0x1p-126);
    V bits = as_int(e, choose(e, denormal, scale(e, x, 0x1p23), x), e->i32);
    V moved = LLVMBuildSub(e->builder, bits, lig_int_like(ints, 0x3f3504f3), ""); // sqrt(1/2)
    V k = LLVMBuildAShr(e->builder, moved, lig_int_like(ints, 23), "");
    V m = LLVMBuildAdd(e->builder, and_bits(e, moved, 0x7fffff), lig_int_like(ints, 0x3f3504f3), "");
    V f = sub(e, as_float(e, m, e->f32), constant(x, 1));
    V exponent = LLVMBuildSIToFP(e->builder, k, LLVMTypeOf(x), "");
    exponent = choose(e, denormal, sub(e, exponent, constant(x, 23)), exponent);
    V square = mul(e, f, f);
    V tail = mul(e, mul(e, square, f), POLYNOMIAL(e, f, p));
    tail = lig_emit_fma(e, exponent, constant(x, 0x1.0bfbe8e7bcd5ep-15), tail);
    tail = lig_emit_fma(e, square, constant(x, -0.5), tail);
    V value = lig_emit_fma(e, exponent, constant(x, 0x1.62ep-1), add(e, f, tail));
    return log_specials(e, x, value);
}

// Small: x + x^3 p(x^2). Else 1 - 2 / (e^2|x| + 1).
V lig_emit_tanh(LigEmitter *e, V x)
{
    static const double p[] = {-0x1.555554p-2, 0x1.11106ap-3,  -0x1.b9ef2ep-5,
                               0x1.639146p-6,  -0x1.0c0edep-7, 0x1.193598p-9};
    V a = magnitude(e, x);
    V square = mul(e, a, a);
    V small = lig_emit_fma(e, mul(e, square, a), POLYNOMIAL(e, square, p), a);
    V power = add(e, lig_emit_exp(e, add(e, a, a)), constant(x, 1));
    V large = sub(e, constant(x, 1), divide(e, constant(x, 2), power));
    return with_sign_of(e, choose(e, below(e, a, 0.625), small, large), x);
}

// Small: x p(x^2). Else 1 - e^-q(|x|), q a fit of -log(erfc); 1 from 4 on.
V lig_emit_erf(LigEmitter *e, V x)
{
    // 2/sqrt(pi) - 1 leads, so that x itself is added last and exactly.
    static const double p[] = {0x1.06eba8214db6ap-3, -0x1.812746p-2,  0x1.ce2f08p-4,  -0x1.b829a8p-6,
                               0x1.5628eep-8,        -0x1.bcbe9ap-11, 0x1.d8268cp-14, -0x1.4383f8p-17};
    static const double q[] = {-0x1.8b3eep-13, 0x1.212c2cp+0, 0x1.4434fp-1,    0x1.bc18dp-4,
                               -0x1.9d0bd6p-6, 0x1.1398fep-8, -0x1.ceeafcp-12, 0x1.6c06a6p-16};
    V a = magnitude(e, x);
    V small = lig_emit_fma(e, a, POLYNOMIAL(e, mul(e, a, a), p), a);
    V limited = lig_emit_min(e, constant(x, 4), a);
    V power = LLVMBuildFNeg(e->builder, POLYNOMIAL(e, limited, q), "");
    V large = sub(e, constant(x, 1), lig_emit_exp(e, power));
    return with_sign_of(e, choose(e, below(e, a, 1), small, large), x);
}

V lig_emit_rsqrt(LigEmitter *e, V x)
{
    V root = lig_emit_intrinsic(e, (LigIntrinsic){"llvm.sqrt", {LLVMTypeOf(x)}, 1}, &x, 1);
    return divide(e, constant(x, 1), root);
}

// In double precision: x = n pi/2 + r with pi/2 in two parts, the first of 33 bits, so that n times it is exact
// up to n = 2^20. Quadrant n mod 4 chooses the polynomial and the sign.
static V sine_of_turns(LigEmitter *e, V x, int64_t quadrants)
{
    static const double s[] = {-0.16666666641606478, 0.0083333293835368798, -0.0001983933407141574,
                               2.7183041367971851e-06};
    static const double c[] = {0.0416666666227914, -0.0013888883750201456, 2.4799519153206983e-05,
                               -2.721016636070817e-07};
    const double rounder = 0x1.8p52;
    LLVMTypeRef doubles = lig_same_lanes(x, e->f64);
    LLVMTypeRef ints = lig_same_lanes(x, e->i64);
    V wide = LLVMBuildFPExt(e->builder, x, doubles, "");
    V rounded = add(e, scale(e, wide, 0x1.45f306dc9c883p-1), constant(wide, rounder));
    V n = sub(e, rounded, constant(wide, rounder));
    V r = sub(e, wide, scale(e, n, 0x1.921fb544p+0));
    r = clamp(e, sub(e, r, scale(e, n, 0x1.0b4611a626331p-34)), -0.7853981634, 0.7853981634);
    V square = mul(e, r, r);
    V sine = add(e, r, mul(e, mul(e, r, square), POLYNOMIAL(e, square, s)));
    V cosine = mul(e, mul(e, square, square), POLYNOMIAL(e, square, c));
    cosine = add(e, sub(e, constant(wide, 1), scale(e, square, 0.5)), cosine);
    V quadrant = LLVMBuildAdd(e->builder, as_int(e, rounded, e->i64), lig_int_like(ints, quadrants), "");
    V odd = LLVMBuildICmp(e->builder, LLVMIntNE, and_bits(e, quadrant, 1), lig_int_like(ints, 0), "");
    V value = as_int(e, choose(e, odd, cosine, sine), e->i64);
    V sign = LLVMBuildShl(e->builder, and_bits(e, quadrant, 2), lig_int_like(ints, 62), "");
    value = as_float(e, LLVMBuildXor(e->builder, value, sign, ""), e->f64);
    return LLVMBuildFPTrunc(e->builder, value, LLVMTypeOf(x), "");
}

// Infinity has no sine, and the reduction's clamp would give it one.
static V nan_at_infinity(LigEmitter *e, V x, V value)
{
    V infinite =
        LLVMBuildFCmp(e->builder, LLVMRealOEQ, magnitude(e, x), constant(x, (double)__builtin_inff()), "");
    return choose(e, infinite, constant(x, (double)__builtin_nanf("")), value);
}

V lig_emit_sin(LigEmitter *e, V x)
{
    V value = nan_at_infinity(e, x, sine_of_turns(e, x, 0));
    V zero = LLVMBuildFCmp(e->builder, LLVMRealOEQ, x, constant(x, 0), "");
    return choose(e, zero, x, value);
}

V lig_emit_cos(LigEmitter *e, V x) { return nan_at_infinity(e, x, sine_of_turns(e, x, 1)); }

// With t = e^-|x|, which can't overflow: 1 / (1 + t), or t / (1 + t) for negative x.
V lig_emit_sigmoid(LigEmitter *e, V x)
{
    V t = lig_emit_exp(e, LLVMBuildFNeg(e->builder, magnitude(e, x), ""));
    V one = constant(x, 1);
    return divide(e, choose(e, below(e, x, 0), t, one), add(e, t, one));
}

V lig_emit_silu(LigEmitter *e, V x)
{
    V limited = lig_emit_max(e, constant(x, -110), x); // keeps -inf * 0 from arising
    return mul(e, limited, lig_emit_sigmoid(e, limited));
}
