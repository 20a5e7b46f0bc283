// Random numbers as functions of (seed, op, step, place): no state, the same bits on every machine.
//
// Word i of an op is word i mod 4 of lig_random_block(key = seed, low = i / 4, high = op * 2^48 + step).
//   uniform   f32, f16, bf16: the upper 24, 11, 8 bits of word i of element i, as a fraction; f64: 53 bits of
//             words 2i and 2i + 1. In [0, 1), exact.
//   normal    element i: u = (2 m + 1) / 2^53 with m the upper 52 bits of words 2i and 2i + 1, then the inverse
//   of
//             the normal distribution by Wichura's AS 241 (PPND16), rounded once to the dtype. Its log is ours
//             (portable_log below): additions, multiplications, divisions and one square root in double, in the
//             order written, are all there is, so that IEEE 754 fixes every bit.
//   dropout   element i is kept where the upper 24 bits of word i, as a fraction, are `rate` or more.
#include "ir/base/random.h"

#include "ir/eval_kernel.h"

#include <math.h>

typedef struct Counter {
    uint64_t key, high;
} Counter;

// The counter's fixed part. Errors: INVALID, a step outside 0..2^48-1.
static LigStatus read_counter(const LigEvalArgs *args, size_t operand, Counter *out)
{
    const LigTensor *tensor = &args->operands[operand];
    int64_t step = lig_shape_get_integer(&tensor->shape, tensor->data, 0);
    if (step < 0 || step >> 48 != 0)
        return lig_eval_fail(args, LIG_ERR_INVALID, "step is %lld, but it must be in 0..2^48-1",
                             (long long)step);
    out->key = (uint64_t)lig_attrs_int(args->op->attrs, LIG_ATTR_SEED, 0);
    out->high = (uint64_t)lig_attrs_int(args->op->attrs, LIG_ATTR_OP, 0) << 48 | (uint64_t)step;
    return LIG_OK;
}

static uint32_t word_at(const Counter *counter, int64_t i)
{
    return lig_random_block(counter->key, (uint64_t)i / 4, counter->high).word[i % 4];
}

static double uniform_at(const Counter *counter, LigDtype dtype, int64_t i)
{
    if (dtype == LIG_F64) return lig_random_unit_f64(word_at(counter, 2 * i), word_at(counter, 2 * i + 1));
    uint32_t word = word_at(counter, i);
    if (dtype == LIG_F16) return (double)(word >> 21) * 0x1p-11;
    if (dtype == LIG_BF16) return (double)(word >> 24) * 0x1p-8;
    return (double)lig_random_unit_f32(word);
}

// step -> floats in [0, 1). Salmon et al., SC 2011. Errors: INVALID, a step out of range.
LigStatus lig_eval_uniform(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    Counter counter = {0};
    LIG_TRY(read_counter(args, 0, &counter));
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++)
        lig_shape_set(&z->shape, z->data, i, uniform_at(&counter, z->shape.dtype, i));
    return LIG_OK;
}

// log(x) of 0 < x < 1: x = m 2^e with m in [sqrt(1/2), sqrt(2)), log m = 2 (s + s^3/3 + s^5/5 + …), s =
// (m-1)/(m+1).
static double portable_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.70710678118654752) {
        m = m + m;
        exponent--;
    }
    double s = (m - 1.0) / (m + 1.0), square = s * s, sum = 0.0;
    for (int term = 23; term >= 1; term -= 2) sum = sum * square + 1.0 / (double)term;
    return (double)exponent * 0.69314718055994531 + 2.0 * s * sum;
}

static double ratio(const double *above, const double *below, double x)
{
    double a = above[7], b = below[7];
    for (int i = 6; i >= 0; i--) {
        a = a * x + above[i];
        b = b * x + below[i];
    }
    return a / b;
}

// The x with normal distribution function u, 0 < u < 1. Wichura, "Algorithm AS 241", Applied Statistics 37
// (1988).
static double inverse_normal(double u)
{
    static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                               1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                               3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[] = {1.0,
                               4.2313330701600911252e+1,
                               6.8718700749205790830e+2,
                               5.3941960214247511077e+3,
                               2.1213794301586595867e+4,
                               3.9307895800092710610e+4,
                               2.8729085735721942674e+4,
                               5.2264952788528545610e+3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                               3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                               2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = u - 0.5;
    if (fabs(q) <= 0.425) return q * ratio(a, b, 0.180625 - q * q);
    double r = sqrt(-portable_log(q < 0.0 ? u : 1.0 - u));
    double tail = r <= 5.0 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5.0);
    return q < 0.0 ? -tail : tail;
}

// step -> floats of mean 0 and variance 1. Errors: INVALID, a step out of range.
LigStatus lig_eval_normal(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    Counter counter = {0};
    LIG_TRY(read_counter(args, 0, &counter));
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        uint64_t bits = (uint64_t)word_at(&counter, 2 * i) << 20 | word_at(&counter, 2 * i + 1) >> 12;
        lig_shape_set(&z->shape, z->data, i, inverse_normal((double)(2 * bits + 1) * 0x1p-53));
    }
    return LIG_OK;
}

// x, step -> x / (1 - rate) where kept, else 0. Srivastava et al., JMLR 15 (2014). Errors: INVALID, a step out
// of range.
LigStatus lig_eval_dropout(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    double rate = lig_attrs_float(args->op->attrs, LIG_ATTR_RATE, 0.0);
    Counter counter = {0};
    LIG_TRY(read_counter(args, 1, &counter));
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        bool kept = (double)lig_random_unit_f32(word_at(&counter, i)) >= rate;
        double value = kept ? lig_shape_get(&x->shape, x->data, i) / (1.0 - rate) : 0.0;
        lig_shape_set(&z->shape, z->data, i, value);
    }
    return LIG_OK;
}
