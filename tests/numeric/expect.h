// Numbers of the interpreter against references in long double.
#ifndef LIG_TESTS_NUMERIC_EXPECT_H
#define LIG_TESTS_NUMERIC_EXPECT_H

#include "tests/numeric/compare.h"
#include "tests/numeric/one_op.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const LigDtype floats[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16};
enum { FLOATS = 4 };

static inline long double number_at(const LigTensor *t, int64_t i) { return (long double)tensor_at(t, i); }

// Element i is `want` rounded once to its dtype; `magnitude` is the sum of the absolute values it is made of.
static inline void expect(const LigTensor *got, int64_t i, long double want, long double magnitude,
                          const char *what)
{
    double value = tensor_at(got, i);
    // f16 overflows where the reference does not.
    long double rounded = got->shape.dtype == LIG_F16 && fabsl(want) >= 65520.0L ? want * HUGE_VALL : want;
    if (compare_equal(COMPARE_ROUNDED, got->shape.dtype, value, (double)rounded, (double)magnitude)) return;
    fail_msg("%s, %s, element %lld: %.17g, expected %.17g", what, lig_dtype_name(got->shape.dtype),
             (long long)i, value, (double)want);
}

// Runs an op that must succeed, and frees its operands' copies with `finish`.
static inline LigTensor run(const OneOp *one)
{
    LigTensor out;
    char message[256] = "";
    if (run_one_op(one, &out, message) != LIG_OK) fail_msg("%s", message);
    return out;
}

static inline void run_all(const OneOp *one, LigTensor *outs)
{
    char message[256] = "";
    if (run_op_of_results(one, outs, message) != LIG_OK) fail_msg("%s", message);
}

static inline void finish(OneOp *one, LigTensor *outs, int count)
{
    for (int i = 0; i < count; i++) lig_free(outs[i].data);
    free_operands(one);
}

// Runs an op that must fail with `status`, in words that hold `words`.
static inline void expect_error(OneOp *one, LigStatus status, const char *words)
{
    LigTensor out;
    char message[256] = "";
    assert_int_equal(run_one_op(one, &out, message), status);
    if (!strstr(message, words)) fail_msg("\"%s\" does not say \"%s\"", message, words);
    assert_null(out.data);
    free_operands(one);
}

static inline LigTensor random_tensor(LigDtype dtype, int rank, const int64_t *dims, uint64_t *seed)
{
    LigTensor t = new_tensor(dtype, rank, dims, (LigLayout){0});
    fill_random(&t, seed, -2, 2);
    return t;
}
#define RANDOM(seed, dtype, ...)                                                                               \
    random_tensor(dtype, (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__},    \
                  seed)

static inline void set_integer(LigTensor *t, int64_t i, int64_t value)
{
    lig_shape_set_integer(&t->shape, t->data, i, value);
}
static inline int64_t integer_at(const LigTensor *t, int64_t i)
{
    return lig_shape_get_integer(&t->shape, t->data, i);
}

#define ATTR_INT(KEY, v) ((LigAttr){.key = LIG_ATTR_##KEY, .value.integer = (v)})
#define ATTR_FLOAT(KEY, v) ((LigAttr){.key = LIG_ATTR_##KEY, .value.real = (v)})
#define ATTR_NAME(KEY, v) ((LigAttr){.key = LIG_ATTR_##KEY, .value.name = lig_str(v)})
#define ATTR_FLAG(KEY) ((LigAttr){.key = LIG_ATTR_##KEY})
#define ATTR_INTS(KEY, ...)                                                                                    \
    ((LigAttr){                                                                                                \
        .key = LIG_ATTR_##KEY,                                                                                 \
        .value.integers = {(const int64_t[]){__VA_ARGS__}, sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)}})

#endif
