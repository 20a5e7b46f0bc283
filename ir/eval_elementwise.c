// Elementwise ops. Operands broadcast to the result as in NumPy. Floats: computed in double, rounded once to
// the result's dtype. Integers: computed in 64 bits and wrapped to the width of the dtype, as two's complement.
#include "ir/eval_kernel.h"

#include <math.h>

// ---- binary ----

typedef double FloatBinary(double x, double y);
typedef uint64_t IntegerBinary(int64_t x, int64_t y);

static void apply_integers(LigEvalArgs *args, IntegerBinary *f)
{
    const LigTensor *x = &args->operands[0], *y = &args->operands[1], *z = &args->results[0];
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t a =
            lig_shape_get_integer(&x->shape, x->data, lig_eval_broadcast_index(&x->shape, &z->shape, i));
        int64_t b =
            lig_shape_get_integer(&y->shape, y->data, lig_eval_broadcast_index(&y->shape, &z->shape, i));
        lig_shape_set_integer(&z->shape, z->data, i, lig_eval_wrap(z->shape.dtype, f(a, b)));
    }
}

static LigStatus apply_binary(LigEvalArgs *args, FloatBinary *of_floats, IntegerBinary *of_integers)
{
    const LigTensor *x = &args->operands[0], *y = &args->operands[1], *z = &args->results[0];
    if (of_integers && !lig_dtype_is_float(z->shape.dtype)) {
        apply_integers(args, of_integers);
        return LIG_OK;
    }
    LIG_ASSERT(of_floats); // integers have their own function in every op that takes only them
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        double a = lig_shape_get(&x->shape, x->data, lig_eval_broadcast_index(&x->shape, &z->shape, i));
        double b = lig_shape_get(&y->shape, y->data, lig_eval_broadcast_index(&y->shape, &z->shape, i));
        lig_shape_set(&z->shape, z->data, i, of_floats(a, b));
    }
    return LIG_OK;
}

static double add_floats(double x, double y) { return x + y; }
static double sub_floats(double x, double y) { return x - y; }
static double mul_floats(double x, double y) { return x * y; }
static double div_floats(double x, double y) { return x / y; }
static double max_floats(double x, double y) { return isnan(x) || x > y ? x : y; }
static double min_floats(double x, double y) { return isnan(x) || x < y ? x : y; }
static uint64_t add_integers(int64_t x, int64_t y) { return (uint64_t)x + (uint64_t)y; }
static uint64_t sub_integers(int64_t x, int64_t y) { return (uint64_t)x - (uint64_t)y; }
static uint64_t mul_integers(int64_t x, int64_t y) { return (uint64_t)x * (uint64_t)y; }
static uint64_t max_integers(int64_t x, int64_t y) { return (uint64_t)(x > y ? x : y); }
static uint64_t min_integers(int64_t x, int64_t y) { return (uint64_t)(x < y ? x : y); }
// Total: x / 0 = 0; the lowest i64 by -1 overflows and wraps to itself.
static uint64_t div_integers(int64_t x, int64_t y)
{
    if (y == 0) return 0;
    return y == -1 ? -(uint64_t)x : (uint64_t)(x / y);
}

// x + y, any floats or integers.
LigStatus lig_eval_add(LigEvalArgs *args) { return apply_binary(args, add_floats, add_integers); }
// x - y
LigStatus lig_eval_sub(LigEvalArgs *args) { return apply_binary(args, sub_floats, sub_integers); }
// x * y
LigStatus lig_eval_mul(LigEvalArgs *args) { return apply_binary(args, mul_floats, mul_integers); }
// The larger; NaN when either is.
LigStatus lig_eval_max(LigEvalArgs *args) { return apply_binary(args, max_floats, max_integers); }
// The smaller; NaN when either is.
LigStatus lig_eval_min(LigEvalArgs *args) { return apply_binary(args, min_floats, min_integers); }
// x to the power y, floats; C's pow.
LigStatus lig_eval_pow(LigEvalArgs *args) { return apply_binary(args, pow, NULL); }

// Total: x mod 0 = x, as x - 0 * (x / 0); the lowest integer modulo -1 is 0.
static uint64_t mod_integers(int64_t x, int64_t y)
{
    if (y == 0) return (uint64_t)x;
    return y == -1 ? 0 : (uint64_t)(x % y);
}

// x / y; of integers toward zero, 0 by zero.
LigStatus lig_eval_div(LigEvalArgs *args) { return apply_binary(args, div_floats, div_integers); }
// x - y * (x / y) by div, the sign of x: C's fmod of floats, NaN by zero; of integers x by zero.
LigStatus lig_eval_mod(LigEvalArgs *args) { return apply_binary(args, fmod, mod_integers); }

// ---- comparison and logic ----

typedef struct Comparison {
    bool (*floats)(double x, double y);
    bool (*integers)(int64_t x, int64_t y);
} Comparison;

static LigStatus compare(LigEvalArgs *args, Comparison compare)
{
    const LigTensor *x = &args->operands[0], *y = &args->operands[1], *z = &args->results[0];
    bool is_float = lig_dtype_is_float(x->shape.dtype);
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t a = lig_eval_broadcast_index(&x->shape, &z->shape, i);
        int64_t b = lig_eval_broadcast_index(&y->shape, &z->shape, i);
        bool holds = is_float ? compare.floats(lig_shape_get(&x->shape, x->data, a),
                                               lig_shape_get(&y->shape, y->data, b))
                              : compare.integers(lig_shape_get_integer(&x->shape, x->data, a),
                                                 lig_shape_get_integer(&y->shape, y->data, b));
        lig_shape_set_integer(&z->shape, z->data, i, holds);
    }
    return LIG_OK;
}

static bool eq_floats(double x, double y) { return x == y; }
static bool ne_floats(double x, double y) { return x != y; }
static bool lt_floats(double x, double y) { return x < y; }
static bool le_floats(double x, double y) { return x <= y; }
static bool eq_integers(int64_t x, int64_t y) { return x == y; }
static bool ne_integers(int64_t x, int64_t y) { return x != y; }
static bool lt_integers(int64_t x, int64_t y) { return x < y; }
static bool le_integers(int64_t x, int64_t y) { return x <= y; }
static uint64_t and_integers(int64_t x, int64_t y) { return (uint64_t)(x & y); }
static uint64_t or_integers(int64_t x, int64_t y) { return (uint64_t)(x | y); }
static uint64_t xor_integers(int64_t x, int64_t y) { return (uint64_t)(x ^ y); }

// bool: x = y. IEEE 754: nothing equals NaN, and nothing is below or above it.
LigStatus lig_eval_eq(LigEvalArgs *args) { return compare(args, (Comparison){eq_floats, eq_integers}); }
// bool: not x = y
LigStatus lig_eval_ne(LigEvalArgs *args) { return compare(args, (Comparison){ne_floats, ne_integers}); }
// bool: x < y
LigStatus lig_eval_lt(LigEvalArgs *args) { return compare(args, (Comparison){lt_floats, lt_integers}); }
// bool: x <= y
LigStatus lig_eval_le(LigEvalArgs *args) { return compare(args, (Comparison){le_floats, le_integers}); }
// Both, either, just one: of bools, and of integers bit by bit.
LigStatus lig_eval_and(LigEvalArgs *args) { return apply_binary(args, NULL, and_integers); }
LigStatus lig_eval_or(LigEvalArgs *args) { return apply_binary(args, NULL, or_integers); }
LigStatus lig_eval_xor(LigEvalArgs *args) { return apply_binary(args, NULL, xor_integers); }

// condition bool, x, y of one dtype, all broadcast -> x where condition, else y, bit for bit.
LigStatus lig_eval_select(LigEvalArgs *args)
{
    const LigTensor *condition = &args->operands[0], *z = &args->results[0];
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t at = lig_eval_broadcast_index(&condition->shape, &z->shape, i);
        bool holds = lig_shape_get_integer(&condition->shape, condition->data, at) != 0;
        const LigTensor *from = &args->operands[holds ? 1 : 2];
        lig_eval_copy_element(from, lig_eval_broadcast_index(&from->shape, &z->shape, i), z, i);
    }
    return LIG_OK;
}

// ---- unary ----

typedef double FloatUnary(double x);
typedef uint64_t IntegerUnary(int64_t x);

static LigStatus apply_unary(LigEvalArgs *args, FloatUnary *of_floats, IntegerUnary *of_integers)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    bool is_integer = of_integers && !lig_dtype_is_float(z->shape.dtype);
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        if (!is_integer) {
            lig_shape_set(&z->shape, z->data, i, of_floats(lig_shape_get(&x->shape, x->data, i)));
            continue;
        }
        uint64_t y = of_integers(lig_shape_get_integer(&x->shape, x->data, i));
        lig_shape_set_integer(&z->shape, z->data, i, lig_eval_wrap(z->shape.dtype, y));
    }
    return LIG_OK;
}

static double neg_float(double x) { return -x; }
static double rsqrt_float(double x) { return 1.0 / sqrt(x); }
static double sigmoid_float(double x) { return 1.0 / (1.0 + exp(-x)); }
// x -> -inf tends to 0; the quotient alone would be -inf / inf.
static double silu_float(double x) { return x == -HUGE_VAL ? 0.0 : x / (1.0 + exp(-x)); }
static double relu_float(double x) { return isnan(x) || x > 0.0 ? x : 0.0; }
// erfc keeps the relative precision of the left tail.
static double gelu_erf(double x) { return x == -HUGE_VAL ? 0.0 : 0.5 * x * erfc(-x * M_SQRT1_2); }
static double gelu_tanh(double x)
{
    double inner = sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x);
    return x == -HUGE_VAL ? 0.0 : 0.5 * x * (1.0 + tanh(inner));
}
static double sign_float(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x; }
static double round_float(double x)
{
    double low = floor(x), rest = x - low;
    bool up = rest > 0.5 || (rest == 0.5 && fmod(low, 2.0) != 0.0);
    return isfinite(x) ? copysign(up ? low + 1.0 : low, x) : x;
}
static double is_nan_float(double x) { return isnan(x) ? 1.0 : 0.0; }
static uint64_t sign_integer(int64_t x) { return x > 0 ? 1 : x < 0 ? (uint64_t)-1 : 0; }
static uint64_t not_integer(int64_t x) { return ~(uint64_t)x; }
static uint64_t not_bool(int64_t x) { return !x; }
static uint64_t neg_integer(int64_t x) { return -(uint64_t)x; }
static uint64_t abs_integer(int64_t x) { return x < 0 ? -(uint64_t)x : (uint64_t)x; }
static uint64_t relu_integer(int64_t x) { return x < 0 ? 0 : (uint64_t)x; }

// -x
LigStatus lig_eval_neg(LigEvalArgs *args) { return apply_unary(args, neg_float, neg_integer); }
// |x|; the lowest integer wraps to itself.
LigStatus lig_eval_abs(LigEvalArgs *args) { return apply_unary(args, fabs, abs_integer); }
// max(x, 0); NaN stays.
LigStatus lig_eval_relu(LigEvalArgs *args) { return apply_unary(args, relu_float, relu_integer); }
// -1, 0 or 1; NaN and -0 stay.
LigStatus lig_eval_sign(LigEvalArgs *args) { return apply_unary(args, sign_float, sign_integer); }
// Not x, of integers bit by bit.
LigStatus lig_eval_not(LigEvalArgs *args)
{
    bool is_bool = args->results[0].shape.dtype == LIG_BOOL;
    return apply_unary(args, NULL, is_bool ? not_bool : not_integer);
}
// From here on floats only; C's functions of double.
LigStatus lig_eval_floor(LigEvalArgs *args) { return apply_unary(args, floor, NULL); }
LigStatus lig_eval_ceil(LigEvalArgs *args) { return apply_unary(args, ceil, NULL); }
// Halves go to the even neighbour, under any rounding mode.
LigStatus lig_eval_round(LigEvalArgs *args) { return apply_unary(args, round_float, NULL); }
// bool: x is NaN.
LigStatus lig_eval_is_nan(LigEvalArgs *args) { return apply_unary(args, is_nan_float, NULL); }
LigStatus lig_eval_exp(LigEvalArgs *args) { return apply_unary(args, exp, NULL); }
LigStatus lig_eval_log(LigEvalArgs *args) { return apply_unary(args, log, NULL); }
LigStatus lig_eval_sqrt(LigEvalArgs *args) { return apply_unary(args, sqrt, NULL); }
LigStatus lig_eval_rsqrt(LigEvalArgs *args) { return apply_unary(args, rsqrt_float, NULL); }
LigStatus lig_eval_tanh(LigEvalArgs *args) { return apply_unary(args, tanh, NULL); }
LigStatus lig_eval_erf(LigEvalArgs *args) { return apply_unary(args, erf, NULL); }
LigStatus lig_eval_sin(LigEvalArgs *args) { return apply_unary(args, sin, NULL); }
LigStatus lig_eval_cos(LigEvalArgs *args) { return apply_unary(args, cos, NULL); }
LigStatus lig_eval_sigmoid(LigEvalArgs *args) { return apply_unary(args, sigmoid_float, NULL); }
LigStatus lig_eval_silu(LigEvalArgs *args) { return apply_unary(args, silu_float, NULL); }

// x Phi(x): form=erf exactly, form=tanh as approximated by Hendrycks and Gimpel (arXiv:1606.08415).
LigStatus lig_eval_gelu(LigEvalArgs *args)
{
    LigStr form = lig_attrs_name(args->op->attrs, LIG_ATTR_FORM, LIG_STR(""));
    if (lig_str_is(form, "erf")) return apply_unary(args, gelu_erf, NULL);
    if (lig_str_is(form, "tanh")) return apply_unary(args, gelu_tanh, NULL);
    return lig_eval_fail(args, LIG_ERR_INVALID, "form is %.*s, but it must be erf or tanh", LIG_STR_ARG(form));
}

// x in the result's dtype. Floats to integers: toward zero, clamped to the range, NaN gives 0. Integers to
// integers: wrapped. To bool: x != 0. Quantised to float: dequantised. To floats: rounded once.
LigStatus lig_eval_cast(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    bool from_integer = !lig_dtype_is_float(x->shape.dtype) && !lig_dtype_is_quantised(x->shape.dtype);
    bool to_integer = lig_dtype_is_integer(z->shape.dtype);
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        if (from_integer) {
            int64_t value = lig_shape_get_integer(&x->shape, x->data, i);
            if (to_integer) value = lig_eval_wrap(z->shape.dtype, (uint64_t)value);
            lig_shape_set_integer(&z->shape, z->data, i, value);
        } else {
            double value = lig_shape_get(&x->shape, x->data, i);
            lig_shape_set(&z->shape, z->data, i, to_integer ? trunc(value) : value);
        }
    }
    return LIG_OK;
}
